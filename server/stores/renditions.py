"""What somebody has made from a life's finished log, in the file store: one file, thrown away whenever it does not fit.

    {task id}/{life:04d}-{generation}/rendition

Its first line says what it was made from: the life, its newest epoch, and how long the file of each segment is. A log
that is gone on with, packed, cut or put back from a copy is another one by that. The file is not synced: who reads it
checks what stands behind the first line.
"""

import contextlib
import os
from pathlib import Path
from secrets import token_hex

import orjson

from server.errors import StoreFull
from server.models import EventType
from server.stores.segments import Segments
from server.stores.volume import ASIDE_SUFFIX

NAME = "rendition"
SHARE_OF_ROOM = 10
"""A rendition takes at most the tenth part of the room that is free: tasks come first."""


class Renditions:
    """The rendition of one life. Its methods block. ``aside``: the folder in which it is written first."""

    def __init__(self, segments: Segments, aside: Path) -> None:
        self._segments, self._aside = segments, aside

    def open(self) -> "OpenRendition | None":
        """None when there is none that fits the log as it stands."""
        disk = self._segments.volume.disk
        try:
            handle = disk.open(self._segments.folder / NAME, os.O_RDONLY)
        except FileNotFoundError:
            return None
        opened = OpenRendition(self._segments, handle)
        try:
            if opened.fits():
                return opened
        except OSError:
            opened.close()
            raise
        opened.close()
        return None

    def begin(self) -> "RenditionWriter | None":
        """None where nobody has released the log, or where there is little room."""
        epoch = self._segments.newest()
        last = self._segments.last_record(epoch) if epoch else None
        if last is None or last.type != EventType.RELEASE:
            return None
        room = self._segments.volume.disk.free_bytes(self._segments.folder) // SHARE_OF_ROOM
        if sum(self._segments.files(epoch).values()) > room:
            return None
        path = self._aside / f".{NAME}-{self._segments.folder.name}.{token_hex(6)}{ASIDE_SUFFIX}"
        return RenditionWriter(self._segments, epoch, path, room)

    def drop(self) -> None:
        self._segments.volume.remove_file(self._segments.folder / NAME)


class OpenRendition:
    """A rendition open for reading. Its methods block."""

    def __init__(self, segments: Segments, handle: int) -> None:
        self._segments, self._disk, self._handle = segments, segments.volume.disk, handle
        self._closed = False
        self._epoch = self._start = self.size = 0

    def fits(self) -> bool:
        """Whether it was made from the log as it is now."""
        self._epoch = self._segments.newest()
        basis = _basis(self._segments, self._epoch)
        self._start, self.size = len(basis), self._disk.size(self._handle) - len(basis)
        return self._disk.read_at(self._handle, len(basis), 0) == basis and self._is_newest()

    def read(self, offset: int, size: int) -> bytes | None:
        """None when there is a newer claim, or the life was removed."""
        content = self._disk.read_at(self._handle, size, self._start + offset)
        # In this order: what was read is still the whole log where no claim is found after it.
        return content if self._is_newest() else None

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._disk.close(self._handle)

    def _is_newest(self) -> bool:
        return self._segments.claimed(self._epoch) and not self._segments.claimed(self._epoch + 1)


class RenditionWriter:
    """A rendition that is written aside, and then takes its name or never does. Its methods block."""

    def __init__(self, segments: Segments, epoch: int, path: Path, room: int) -> None:
        self._segments, self._epoch, self._path, self._room = segments, epoch, path, room
        self._volume = segments.volume
        self._basis = _basis(segments, epoch)
        self._handle: int | None = self._volume.disk.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
        try:
            self.write(self._basis)
        except BaseException:
            self.discard()
            raise

    def write(self, piece: bytes) -> None:
        """:raises StoreFull: it takes more than its share of the room."""
        self._room -= len(piece)
        if self._room < 0:
            raise StoreFull("There is too little room on the volume to keep what was made from a log.")
        if self._handle is not None:
            self._volume.write_all(self._handle, piece)

    def commit(self) -> bool:
        """Take the name, if the log is still the same; returns whether it is."""
        self._close()
        if self._segments.newest() != self._epoch or _basis(self._segments, self._epoch) != self._basis:
            return False
        self._volume.disk.rename(self._path, self._segments.folder / NAME)
        return True

    def discard(self) -> None:
        """Remove what was written and has not taken the name. Never fails."""
        with contextlib.suppress(OSError):
            self._close()
            self._volume.remove_file(self._path)

    def _close(self) -> None:
        handle, self._handle = self._handle, None
        if handle is not None:
            self._volume.disk.close(handle)


def _basis(segments: Segments, epoch: int) -> bytes:
    """The first line: what a rendition that is made now is made from."""
    made_from = {"life": segments.folder.name, "epoch": epoch, "files": segments.files(epoch)}
    return orjson.dumps(made_from, option=orjson.OPT_APPEND_NEWLINE)
