"""What the file store asks of a file system: appear at once, replace at once, be durable."""

import contextlib
import errno
import os
import secrets
from collections.abc import Callable, Iterable
from pathlib import Path

from server.errors import HoldfastError, StoreFailed, StoreFull
from server.stores.disk import Disk

Version = tuple[int, int, int]
"""See `Disk.version`."""

ASIDE_SUFFIX = ".tmp"
WHOLE_FILE_BYTES = 1 << 20
_NO_HARD_LINKS = frozenset({errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK})
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


def is_full(error: OSError) -> bool:
    return error.errno in _FULL


def store_error(error: OSError, doing: str) -> HoldfastError:
    """The typed error for what the volume answered."""
    reason = os.strerror(error.errno) if error.errno else str(error)
    if is_full(error):
        return StoreFull(f"No room on the volume while {doing}; make room, the work goes on by itself.")
    return StoreFailed(f"The volume refused {doing}: {reason}.")


class Volume:
    """A file system with what it can do.

    ``hard_links``: whether a name can be made to appear by link(), as far as is known: a volume that was full or
    failing when it was asked says so at the first name that is made.
    """

    def __init__(self, disk: Disk) -> None:
        self.disk = disk
        self.hard_links = True

    def make_folder(self, path: Path) -> bool:
        """Make a folder that only this user can enter, durably; returns whether it is new."""
        try:
            self.disk.make_folder(path)
        except FileExistsError:
            # Whoever made it may have died before its name was durable.
            self.disk.sync_folder(path.parent)
            return False
        self.disk.sync_folder(path.parent)
        return True

    def make_folders(self, path: Path) -> None:
        """Make a folder with those above it."""
        try:
            self.make_folder(path)
        except FileNotFoundError:
            self.make_folders(path.parent)
            self.make_folder(path)

    def link_new(self, path: Path, content: bytes) -> bool:
        """Make a file appear whole under a new name, durably; False when the name exists.

        ``link()`` fails if the name exists, on every POSIX file system. Without hard links O_EXCL takes its place, and
        a crash in between leaves an empty file: readers take that for a name that is held.

        :raises OSError: there is no such file by this call.
        :raises StoreFailed: there may be one.
        """
        made = self.appear(path, content)
        try:
            # Also where it was there: whoever made it may have died before its name was durable.
            self.disk.sync_folder(path.parent)
        except FileNotFoundError:
            raise  # the folder has just been taken away, and the name with it
        except OSError as error:
            raise StoreFailed(f"The volume could not make a name durable: {os.strerror(error.errno or 0)}.") from error
        return made

    def appear(self, path: Path, content: bytes) -> bool:
        """As `link_new`, but for the name, which is durable when its folder is synced the next time."""
        made = self._made_by_link(lambda: self._link_new(path, content)) if self.hard_links else None
        return self._create_new(path, [content]) if made is None else made

    def _made_by_link(self, make: Callable[[], bool]) -> bool | None:
        """Whether a name was made; None where the volume says that it has no hard links."""
        try:
            return make()
        except OSError as error:
            if error.errno not in _NO_HARD_LINKS:
                raise
        self.hard_links = False
        return None

    def _create_new(self, path: Path, content: Iterable[bytes]) -> bool:
        try:
            self._write_file(path, content, sync=True)
        except FileExistsError:
            return False
        return True

    def _link_new(self, path: Path, content: bytes) -> bool:
        aside = _aside(path)
        try:
            self._write_file(aside, [content], sync=True)
            return self._link(aside, path)
        finally:
            with contextlib.suppress(OSError):  # a file that stays behind harms nobody
                self.disk.unlink(aside)

    def link_to(self, path: Path, existing: Path) -> bool:
        """Give a file one more name, durably; False when there is a file of that name. Needs no room for a file."""
        made = self._made_by_link(lambda: self._link(existing, path)) if self.hard_links else None
        if made is None:
            made = self._create_new(path, [])
        if made:
            self.disk.sync_folder(path.parent)
        return made

    def _link(self, existing: Path, path: Path) -> bool:
        try:
            self.disk.link(existing, path)
        except FileExistsError:
            return False
        return True

    def replacement(self, path: Path, content: Iterable[bytes], *, durable: bool) -> "Replacement":
        """Write a file, piece by piece, that may then take the place of ``path``."""
        aside = _aside(path)
        try:
            self._write_file(aside, content, sync=durable)
        except BaseException:
            self.remove_file(aside)
            raise
        return Replacement(self, aside, path, durable)

    def replace(self, path: Path, content: bytes, *, durable: bool) -> None:
        """Replace a file at once."""
        self.replacement(path, [content], durable=durable).commit()

    def overwrite(self, path: Path, content: bytes) -> None:
        """Write over a file of the same length: needs no room, and may be seen half done."""
        handle = self.disk.open(path, os.O_WRONLY)
        try:
            if self.disk.size(handle) != len(content):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            self.disk.write_at(handle, content, 0)
        finally:
            self.disk.close(handle)

    def touch(self, path: Path, durable: Version | None = None) -> Version | None:
        """See to it that a file of this name exists, durably.

        Returns which file that is, for the next call: while it is the same one, its name is durable already.
        """
        self.disk.close(self.disk.open(path, os.O_WRONLY | os.O_CREAT))
        found: Version | None = None
        with contextlib.suppress(FileNotFoundError):  # taken away since
            found = self.disk.version(path)
        if found is None or found != durable:
            self.disk.sync_folder(path.parent)
        return found

    def make_durable(self, path: Path) -> None:
        """What others have written to a file, and its name."""
        handle = self.disk.open(path, os.O_RDONLY)
        try:
            self.disk.sync_data(handle)
        finally:
            self.disk.close(handle)
        self.disk.sync_folder(path.parent)

    def read(self, path: Path) -> bytes | None:
        """The content; None when there is no such file."""
        try:
            handle = self.disk.open(path, os.O_RDONLY)
        except FileNotFoundError:
            return None
        try:
            return self.read_on(handle, 0)
        finally:
            self.disk.close(handle)

    def read_on(self, handle: int, offset: int, limit: int | None = None) -> bytes:
        """All from ``offset`` to the end, or at most ``limit`` bytes of it."""
        pieces = []
        while limit is None or limit > 0:
            wanted = WHOLE_FILE_BYTES if limit is None else min(limit, WHOLE_FILE_BYTES)
            piece = self.disk.read_at(handle, wanted, offset)
            pieces.append(piece)
            offset += len(piece)
            if len(piece) < wanted:
                break
            if limit is not None:
                limit -= len(piece)
        return b"".join(pieces)

    def names(self, folder: Path) -> list[str]:
        """The names in a folder; none where there is no such folder."""
        try:
            return self.disk.names(folder)
        except FileNotFoundError:
            return []

    def remove_file(self, path: Path) -> None:
        """See to it that there is no file of this name."""
        with contextlib.suppress(FileNotFoundError):
            self.disk.unlink(path)

    def write_all(self, handle: int, content: bytes) -> None:
        """Write every byte, in as few calls as the volume needs."""
        view = memoryview(content)
        while view:
            view = view[self.disk.write(handle, view) :]

    def _write_file(self, path: Path, content: Iterable[bytes], *, sync: bool) -> None:
        handle = self.disk.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
        try:
            for piece in content:
                self.write_all(handle, piece)
            if sync:
                self.disk.sync(handle)
        except BaseException:
            self.remove_file(path)
            raise
        finally:
            self.disk.close(handle)


class Replacement:
    """A file that was written aside and then takes the place of another at once, or never."""

    def __init__(self, volume: Volume, aside: Path, path: Path, durable: bool) -> None:
        self._volume, self.aside, self._path, self._durable = volume, aside, path, durable

    def commit(self) -> None:
        try:
            self._volume.disk.rename(self.aside, self._path)
        except BaseException:
            self.discard()
            raise
        if self._durable:
            self._volume.disk.sync_folder(self._path.parent)

    def discard(self) -> None:
        self._volume.remove_file(self.aside)


def _aside(path: Path) -> Path:
    return path.with_name(f".{path.name}.{secrets.token_hex(6)}{ASIDE_SUFFIX}")
