"""Files of texts → users: JSON lines, CSV, and ZIP archives of TXT. Pure functions over bytes."""

import csv
import io
import re
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import PurePosixPath
from typing import Any

import orjson
from pydantic import ValidationError

from server.errors import FieldError, InvalidParameters
from server.sources.encoding import decode
from server.sources.failures import SourceFailed
from server.sources.text import clean
from server.workflows.extract.params import MOST_TEXT_CHARS, MOST_TEXTS, MOST_USERS, Text, User

MOST_UNPACKED = 64 * 1024 * 1024
MOST_FAULTS = 10
COLUMNS = "user_id, text; text_id and written_at if you have them"


class UnreadableUpload(InvalidParameters):
    """The uploaded file is none that users and their texts can be read from; `errors` says why."""


def users_in(data: bytes) -> tuple[User, ...]:
    """
    :return: in the order in which they come up first; the texts of one user together, wherever they stand.
    :raises UnreadableUpload: with the lines that are wrong.
    """
    if data.startswith(b"PK\x03\x04"):
        rows = _archive(data)
    else:
        try:
            text = _text(data)
        except SourceFailed as error:
            raise _refused("", error.message) from None
        rows = _json(text) if text.lstrip().startswith(("{", "[")) else _table(text)
    return _gathered(rows)


def _gathered(rows: Iterator[tuple[str, dict[str, Any]]]) -> tuple[User, ...]:
    """``rows``: where each stands, and a user as the parameters have it."""
    texts: dict[str, list[Text]] = {}
    faults: list[FieldError] = []
    for where, row in rows:
        try:
            user = User.model_validate(row)
        except ValidationError as error:
            first = error.errors(include_url=False, include_context=False, include_input=False)[0]
            said = first["msg"].removeprefix("Value error, ")
            faults.append(FieldError(where, first["type"], f"{'.'.join(map(str, first['loc']))}: {said}"))
            if len(faults) == MOST_FAULTS:
                break
            continue
        texts.setdefault(user.user_id, []).extend(user.texts)
        if len(texts) > MOST_USERS:
            raise _refused(where, f"There are more than {MOST_USERS} users; send them in parts.")
        if len(texts[user.user_id]) > MOST_TEXTS:
            raise _refused(where, f"{user.user_id[:80]!r} has more than {MOST_TEXTS} texts.")
    if faults:
        raise UnreadableUpload(errors=faults)
    if not texts:
        raise _refused("", f"There are no users in it. A JSON line is {_EXAMPLE}; a CSV has the columns {COLUMNS}.")
    return tuple(User(user_id=user_id, texts=tuple(found)) for user_id, found in texts.items())


_LINE_ENDS = re.compile("\r\n|\n|\r")
"""Not U+2028 or U+0085, which may stand in a text of JSON as they are."""
_EXAMPLE = '{"user_id": "u1", "texts": [{"text": "…", "written_at": "2024-05-01"}]}'


def _text(data: bytes) -> str:
    """What Chinese spreadsheets write is known by its bytes, however short it is; the rest as everywhere.

    In GB 2312 both bytes of a character are beyond ASCII, which hardly happens by chance; guessing needs a long text.

    :raises SourceFailed: this is not text.
    """
    with suppress(UnicodeDecodeError):
        data.decode("utf-8")
        return decode(data)
    with suppress(UnicodeDecodeError):
        return clean(data.decode("gb2312"))
    return decode(data)


def _json(text: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Lines of JSON, or one JSON text: a list of what would be lines, or the ``users`` of a request."""
    try:
        whole = orjson.loads(text)
    except orjson.JSONDecodeError:
        return _lines(text)
    rows = whole.get("users", [whole]) if isinstance(whole, dict) else whole
    if not isinstance(rows, list):
        raise _refused("", f"`users` is a list. One of them is {_EXAMPLE}.")
    return ((f"item {number}", _user(row)) for number, row in enumerate(rows, 1))


def _lines(text: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """A user each, or one text each: ``{"user_id", "text"}``."""
    for number, line in enumerate(_LINE_ENDS.split(text), 1):
        if not line.strip():
            continue
        where = f"line {number}"
        try:
            row = orjson.loads(line)
        except orjson.JSONDecodeError:
            raise _refused(where, f"This is no JSON. One line is {_EXAMPLE}.") from None
        yield where, _user(row)


def _user(row: Any) -> Any:
    return _one_text(row) if isinstance(row, dict) and "texts" not in row else row


def _one_text(row: dict[str, Any]) -> dict[str, Any]:
    text = {
        "id": row.get("text_id") or row.get("id"),
        "text": row.get("text"),
        "written_at": row.get("written_at") or None,
    }
    return {"user_id": row.get("user_id"), "texts": [text]}


def _table(text: str) -> Iterator[tuple[str, dict[str, Any]]]:
    try:
        dialect: Any = csv.Sniffer().sniff(text.partition("\n")[0], ",;\t|")
    except csv.Error:
        dialect = csv.excel
    csv.field_size_limit(MOST_TEXT_CHARS * 2)
    reader = csv.DictReader(io.StringIO(text, newline=""), dialect=dialect)
    names = [name.strip().lower().lstrip("\ufeff") for name in reader.fieldnames or ()]
    if not {"user_id", "text"} <= set(names):
        raise _refused("line 1", f"Its first line has to name columns: {COLUMNS}.")
    reader.fieldnames = names
    try:
        for row in reader:
            yield f"line {reader.line_num}", _one_text(row)
    except csv.Error as error:
        raise _refused(f"line {reader.line_num}", f"This is no CSV: {error}.") from None


def _archive(data: bytes) -> Iterator[tuple[str, dict[str, Any]]]:
    """A text per file. Its user is the folder that it lies in, or the file itself by its name without the ending."""
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
        unpacked = 0
        for entry in archive.infolist():
            path = PurePosixPath(entry.filename.replace("\\", "/"))
            if entry.is_dir() or path.suffix.lower() != ".txt" or path.name.startswith(".") or "__MACOSX" in path.parts:
                continue
            unpacked += entry.file_size
            if unpacked > MOST_UNPACKED or entry.file_size > 4 * MOST_TEXT_CHARS:
                raise _refused(entry.filename[:200], "This is too large when it is unpacked.")
            with archive.open(entry) as file:
                content = file.read(4 * MOST_TEXT_CHARS + 1)
            if len(content) > 4 * MOST_TEXT_CHARS:
                raise _refused(entry.filename[:200], "This is too large when it is unpacked.")
            user = path.parts[-2] if len(path.parts) > 1 else path.stem
            text = {"id": path.name, "text": _text(content)}
            yield entry.filename[:200], {"user_id": user, "texts": [text]}
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError) as error:
        raise _refused("", f"This is no ZIP archive that can be read: {error}.") from None
    except SourceFailed as error:
        raise _refused("", error.message) from None


def _refused(where: str, said: str) -> UnreadableUpload:
    return UnreadableUpload(errors=[FieldError(f"upload {where}".strip(), "unreadable_upload", said)])
