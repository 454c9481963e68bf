"""What users have sent to be read by tasks, in the file store: one file each time that it is sent.

    uploads/{whose: 32 digits of the scope's SHA-256}-{the content's SHA-256}-{when it was put, in ms}

A file begins with its name and media type as JSON with a checksum, and the content follows. It never changes: who sends
the same again makes a newer file, and then the older ones go. So what is past its time can be removed without a look at
who is just sending it again.
"""

import os
import re
from hashlib import sha256
from pathlib import Path
from secrets import token_hex

import orjson

from server.errors import StoreFull, UploadDamaged
from server.models import Upload, now_ms
from server.stores.checksum import END, checked, with_checksum
from server.stores.volume import ASIDE_SUFFIX, Version, Volume

LONGEST_HEAD = 16 * 1024
SHARE_OF_ROOM = 2
"""An upload takes at most the half of the room that is free: what runs must go on."""

TRIES = 5
_NAME = re.compile(r"([0-9a-f]{32}-([0-9a-f]{64}))-([0-9]{13})", re.ASCII)


class Uploads:
    """The folder. Its methods block."""

    def __init__(self, volume: Volume, folder: Path) -> None:
        self._volume, self._folder = volume, folder
        self._seen_before: dict[str, Version] = {}

    def writer(self, scope: str, name: str, media_type: str) -> "UploadWriter":
        """What keeps one. Nothing is on the volume before its first write."""
        return UploadWriter(self, self._volume, self._folder, scope, name, media_type)

    def find(self, scope: str, upload_id: str) -> Upload | None:
        """:raises UploadDamaged: it is not what was put there."""
        for _ in range(TRIES):  # what was sent again since the names were read has another one by now
            name = max(self.names_of(scope, upload_id), default=None)
            if name is None:
                return None
            try:
                handle = self._volume.disk.open(self._folder / name, os.O_RDONLY)
            except FileNotFoundError:
                continue
            try:
                head = self._volume.disk.read_at(handle, LONGEST_HEAD, 0)
                return _upload(name, head, self._volume.disk.size(handle))
            finally:
                self._volume.disk.close(handle)
        return None

    def read(self, scope: str, upload_id: str) -> bytes | None:
        """:raises UploadDamaged: it is not what was put there."""
        for _ in range(TRIES):
            name = max(self.names_of(scope, upload_id), default=None)
            if name is None:
                return None
            whole = self._volume.read(self._folder / name)
            if whole is None:
                continue
            content = whole[_content_begins(whole) :]
            if sha256(content).hexdigest() != upload_id:
                raise UploadDamaged
            return content
        return None

    def drop(self, put_before: int) -> int:
        """Returns how many files were removed."""
        found = [
            name
            for name in self._volume.names(self._folder)
            if (match := _NAME.fullmatch(name)) is not None and int(match[3]) < put_before
        ]
        for name in found:
            self._volume.remove_file(self._folder / name)
        return len(found)

    def tidy(self) -> None:
        """Take away what nobody has written to since the last call: whoever sends it is given up sooner than that."""
        found: dict[str, Version] = {}
        for name in self._volume.names(self._folder):
            if not name.endswith(ASIDE_SUFFIX):
                continue
            try:
                version = self._volume.disk.version(self._folder / name)
            except FileNotFoundError:
                continue
            if self._seen_before.get(name) == version:
                self._volume.remove_file(self._folder / name)
            else:
                found[name] = version
        self._seen_before = found

    def names_of(self, scope: str, upload_id: str) -> list[str]:
        """Of the same content from the same user; the one that was put last has the greatest name."""
        stem = _stem(scope, upload_id)
        return [
            name
            for name in self._volume.names(self._folder)
            if (match := _NAME.fullmatch(name)) is not None and match[1] == stem
        ]


class UploadWriter:
    """An upload that is written aside, and then takes its name or never does. Its methods block."""

    def __init__(self, uploads: Uploads, volume: Volume, folder: Path, scope: str, name: str, media_type: str) -> None:
        self._uploads, self._volume, self._folder, self._scope = uploads, volume, folder, scope
        self._head = with_checksum(orjson.dumps({"name": name, "media_type": media_type}))
        self._aside = folder / f".{token_hex(12)}{ASIDE_SUFFIX}"
        self._handle: int | None = None
        self._digest, self._size, self._room = sha256(), 0, 0

    def write(self, piece: bytes) -> None:
        """:raises StoreFull: it takes more than its share of the room."""
        handle = self._opened()
        self._size += len(piece)
        if self._size > self._room:
            raise StoreFull("There is too little room on the volume for this upload; make room, then send it again.")
        self._digest.update(piece)
        self._volume.write_all(handle, piece)

    def commit(self) -> tuple[Upload, bool]:
        """Take the name, durably; whether nobody had put the same there."""
        self._volume.disk.sync(self._opened())
        upload_id = self._digest.hexdigest()
        before = self._uploads.names_of(self._scope, upload_id)
        name = f"{_stem(self._scope, upload_id)}-{now_ms():013d}"
        self._close()
        self._volume.disk.rename(self._aside, self._folder / name)
        self._volume.disk.sync_folder(self._folder)
        # Only those that were there before, and never the greatest: of several senders at once, one stays in any case.
        for older in sorted({*before, name})[:-1]:
            self._volume.remove_file(self._folder / older)
        return _upload(name, self._head, len(self._head) + self._size), not before

    def discard(self) -> None:
        """Remove what was written and has not taken the name. Never fails."""
        try:
            self._close()
            self._volume.remove_file(self._aside)
        except OSError:
            return  # it is tidied away

    def _opened(self) -> int:
        if self._handle is None:
            self._room = self._volume.disk.free_bytes(self._folder) // SHARE_OF_ROOM
            self._handle = self._volume.disk.open(self._aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
            self._volume.write_all(self._handle, self._head)
        return self._handle

    def _close(self) -> None:
        handle, self._handle = self._handle, None
        if handle is not None:
            self._volume.disk.close(handle)


def _stem(scope: str, upload_id: str) -> str:
    return f"{sha256(scope.encode()).hexdigest()[:32]}-{upload_id}"


def _content_begins(whole: bytes) -> int:
    """:raises UploadDamaged: there is no head."""
    end = whole.find(END, 0, LONGEST_HEAD)
    if end < 0:
        raise UploadDamaged
    return end + len(END)


def _upload(name: str, begins: bytes, size: int) -> Upload:
    """What a file of this name is, by how it begins and how long it is. :raises UploadDamaged: it can't be one."""
    start = _content_begins(begins)
    match = _NAME.fullmatch(name)
    try:
        head = checked(begins[:start])
        if match is None:
            raise ValueError("no upload's name")
        return Upload(match[2], str(head["name"]), str(head["media_type"]), size - start, int(match[3]))
    except (ValueError, KeyError):
        raise UploadDamaged from None
