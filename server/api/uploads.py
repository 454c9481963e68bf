"""Files that users send for tasks to read."""

import mimetypes
import re
import unicodedata
from collections.abc import AsyncIterable
from contextlib import suppress
from email.message import Message
from email.utils import collapse_rfc2231_value
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict
from starlette.requests import Request
from starlette.responses import Response

from server.api.access import principal
from server.api.forms import FormFile, boundary_of
from server.api.requests import query_tree, validated
from server.api.services import services
from server.api.tasks import json_response
from server.errors import UploadNotFound
from server.fingerprint import clean
from server.models import Upload, iso
from server.workflows.base import UPLOAD_ID

LONGEST_NAME = 200
NAMELESS = "upload"
ANY_TYPE = "application/octet-stream"
SAYS_NOTHING = frozenset({"", ANY_TYPE, "application/x-www-form-urlencoded"})
"""What clients send as the media type when nobody has told them one."""

_MEDIA_TYPE = re.compile(r"[A-Za-z0-9!#$&^_.+-]{1,127}/[A-Za-z0-9!#$&^_.+-]{1,127}", re.ASCII)


def _file_name(text: str) -> str:
    """What comes after the last slash of either kind; it is told and shown, and never a path."""
    name = unicodedata.normalize("NFC", re.split(r"[/\\]", text)[-1]).strip()
    if len(name) > LONGEST_NAME or not name.isprintable():
        raise ValueError(f"A file's name is at most {LONGEST_NAME} characters, all of them printable")
    return NAMELESS if name in ("", ".", "..") else name


class Options(BaseModel):
    """What may stand in the query string."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, AfterValidator(_file_name)] | None = None


async def send(request: Request) -> Response:
    """Keep a file for tasks to read, which name it by its `id`: the body itself, or a form with one file in it."""
    named = validated(Options, clean(query_tree(request))).name
    content_type = request.headers.get("content-type", "")
    boundary = boundary_of(content_type)
    async with services(request).intake.body(request) as body:
        if boundary is not None:
            form = FormFile(body.pieces(), boundary)
            await form.begin()
            return await _keep(request, named or form.name, form.media_type, form.content())
        name = named or _disposed(request.headers.get("content-disposition", ""))
        return await _keep(request, name, content_type, body.pieces())


async def show(request: Request) -> Response:
    """What is kept under an id, which is the SHA-256 of the content: whether it has to be sent at all."""
    upload_id = request.path_params["upload_id"]
    if UPLOAD_ID.fullmatch(upload_id) is None:
        raise UploadNotFound
    found = await services(request).store.upload(principal(request).scope, upload_id)
    if found is None:
        raise UploadNotFound
    return json_response(_view(request, found))


async def _keep(request: Request, name: str, content_type: str, pieces: AsyncIterable[bytes]) -> Response:
    name = validated(Options, {"name": clean(name, "name")}).name
    media_type = _media_type(name, content_type)
    kept, is_new = await services(request).store.keep_upload(principal(request).scope, name, media_type, pieces)
    return json_response(_view(request, kept), 201 if is_new else 200)


def _view(request: Request, upload: Upload) -> dict[str, Any]:
    age = int(services(request).settings.upload_retention_hours * 3_600_000)
    return {
        "id": upload.id,
        "name": upload.name,
        "bytes": upload.size,
        "media_type": upload.media_type,
        "expires_at": iso(upload.put_at + age),
    }


def _media_type(name: str, content_type: str) -> str:
    """What was said of it, if anything that can be one was; else what its name says. It is told, and not believed."""
    said = content_type.partition(";")[0].strip().lower()
    if said not in SAYS_NOTHING and _MEDIA_TYPE.fullmatch(said) is not None:
        return said
    return mimetypes.guess_type(name)[0] or ANY_TYPE


def _disposed(header: str) -> str:
    """The file name in a Content-Disposition header (RFC 6266), in any of its spellings; empty where there is none."""
    with suppress(UnicodeDecodeError):
        header = header.encode("latin-1").decode("utf-8")
    message = Message()
    message["content-type"] = header  # as both are written the same way
    named = [value for name, value in message.get_params([]) if name == "filename"]
    return collapse_rfc2231_value(named[-1]) if named else ""  # `filename*` comes last, and goes before the other
