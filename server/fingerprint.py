"""A request → its canonical JSON (RFC 8785) → SHA-256 → the task id."""

import hashlib
import re
import unicodedata
from functools import lru_cache
from typing import Any

import orjson
import rfc8785

from server.errors import FieldError, InvalidParameters
from server.models import Json

FINGERPRINT_VERSION = 1
TASK_ID = re.compile(r"[0-9a-f]{32}", re.ASCII)
MAX_DEPTH = 32
MAX_SAFE_INTEGER = 2**53 - 1
MOST_KNOWN, LONGEST_KNOWN = 1024, 4096
"""How many requests' ids are kept, and up to how many bytes of request."""


def is_task_id(text: str) -> bool:
    return TASK_ID.fullmatch(text) is not None


def clean(value: Any, path: str = "", depth: int = 0) -> Any:
    """Parameters as they are compared: Unicode NFC, white space around texts trimmed, case kept.

    :raises InvalidParameters: for lone surrogates, integers that JSON can't carry exactly, or nesting beyond 32.
    """
    if depth > MAX_DEPTH:
        raise _refused(path, "too_deep", f"Nested deeper than {MAX_DEPTH} levels; send it flatter.")
    if isinstance(value, str):
        return _clean_text(value, path)
    if isinstance(value, dict):
        return {
            _clean_text(key, path): clean(item, f"{path}.{key}".lstrip("."), depth + 1) for key, item in value.items()
        }
    if isinstance(value, list):
        return [clean(item, f"{path}.{index}".lstrip("."), depth + 1) for index, item in enumerate(value)]
    if isinstance(value, int) and abs(value) > MAX_SAFE_INTEGER:
        raise _refused(path, "number_too_large", "An integer beyond 2^53-1 can't be carried exactly; send it as text.")
    return value


def fingerprint(
    *, kind: str, workflow_version: int, params: dict[str, Any], model: Json, search: Json, scope: str
) -> str:
    """The task id: the first 32 hex digits of the SHA-256 of the request's canonical JSON.

    ``params`` are validated, cleaned, with defaults filled in and what is unset left out. Nothing secret may be
    among the arguments: who has the id can guess at what it was made of.
    """
    request: Any = {
        "v": FINGERPRINT_VERSION,
        "kind": kind,
        "workflow_version": workflow_version,
        "params": params,
        "model": model,
        "search": search,
        "scope": scope,
    }
    text = orjson.dumps(request, option=orjson.OPT_SORT_KEYS)
    return _known_id(text) if len(text) <= LONGEST_KNOWN else _id(request)


def ledger_id(scope: str, kind: str, name: str) -> str:
    """The id of what the tasks of a kind of one user keep together under a name: 32 hexadecimal digits."""
    return _id({"v": FINGERPRINT_VERSION, "ledger": name, "kind": kind, "scope": scope})


def _id(request: Any) -> str:
    return hashlib.sha256(rfc8785.dumps(request)).hexdigest()[:32]


@lru_cache(maxsize=MOST_KNOWN)
def _known_id(text: bytes) -> str:
    """The id of a request that is written as ``text``, kept: canonical JSON is made in Python, and slow."""
    return _id(orjson.loads(text))


def _clean_text(text: str, path: str) -> str:
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise _refused(
                path, "lone_surrogate", "This text has half of a surrogate pair in it; send whole characters."
            ) from None
        text = unicodedata.normalize("NFC", text)
    return text.strip()


def _refused(path: str, code: str, message: str) -> InvalidParameters:
    return InvalidParameters(errors=[FieldError(path.encode(errors="replace").decode(), code, message)])
