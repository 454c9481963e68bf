"""What the file store asks of a file system: appear at once, replace at once, be durable."""

import contextlib
import errno
import os
import secrets
from pathlib import Path

from server.errors import HoldfastError, StoreFailed, StoreFull

FILE_MODE = 0o600
FOLDER_MODE = 0o700
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


def store_error(error: OSError, doing: str) -> HoldfastError:
    """The typed error for what the volume answered."""
    reason = os.strerror(error.errno) if error.errno else str(error)
    if error.errno in _FULL:
        return StoreFull(f"No room on the volume while {doing}; make room, the work goes on by itself.")
    return StoreFailed(f"The volume refused {doing}: {reason}.")


def make_folder(path: Path) -> bool:
    """Make a folder that only this user can enter, durably; returns whether it is new."""
    try:
        path.mkdir(mode=FOLDER_MODE)
    except FileExistsError:
        return False
    sync_folder(path.parent)
    return True


def sync_folder(path: Path) -> None:
    """Make the names in a folder durable."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_all(handle: int, content: bytes) -> None:
    """Write every byte, in as few calls as the volume needs."""
    view = memoryview(content)
    while view:
        view = view[os.write(handle, view) :]


def link_new(path: Path, content: bytes, *, hard_links: bool = True) -> bool:
    """Make a file appear whole under a new name, durably; False when the name exists.

    ``link()`` fails if the name exists, on every POSIX file system. Without hard links O_EXCL takes its place, and a
    crash in between leaves an empty file: readers take that for a name that is held.
    """
    if not hard_links:
        try:
            _write_file(path, content, sync=True)
        except FileExistsError:
            return False
        sync_folder(path.parent)
        return True
    aside = _aside(path)
    try:
        _write_file(aside, content, sync=True)
        try:
            os.link(aside, path)
        except FileExistsError:
            return False
    finally:
        with contextlib.suppress(FileNotFoundError):
            aside.unlink()
    sync_folder(path.parent)
    return True


class Replacement:
    """A file that is written aside and then takes the place of another at once, or never."""

    def __init__(self, path: Path, content: bytes, *, durable: bool) -> None:
        self._path, self._durable = path, durable
        self._aside = _aside(path)
        try:
            _write_file(self._aside, content, sync=durable)
        except BaseException:
            self.discard()
            raise

    def commit(self) -> None:
        try:
            self._aside.rename(self._path)
        except BaseException:
            self.discard()
            raise
        if self._durable:
            sync_folder(self._path.parent)

    def discard(self) -> None:
        with contextlib.suppress(FileNotFoundError):
            self._aside.unlink()


def replace_file(path: Path, content: bytes, *, durable: bool) -> None:
    """Replace a file at once."""
    Replacement(path, content, durable=durable).commit()


def touch(path: Path) -> None:
    """See to it that a file of this name exists."""
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT, FILE_MODE))


def read_file(path: Path) -> bytes | None:
    """The content; None when there is no such file."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def _aside(path: Path) -> Path:
    return path.with_name(f".{path.name}.{secrets.token_hex(6)}.tmp")


def _write_file(path: Path, content: bytes, *, sync: bool) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE)
    try:
        write_all(handle, content)
        if sync:
            os.fsync(handle)
    finally:
        os.close(handle)
