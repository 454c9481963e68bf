"""A file system in memory, with what of it would be there after a power cut.

Files and folders are inodes; a name in a folder points at one. What is written to a file is durable when the file is
synced, a name when its folder is: syncing a file does not make its name durable, as POSIX allows. A power cut keeps,
of all that was not durable, whatever the dice say.
"""

import errno
import itertools
import os
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

NO_LIMIT = 1 << 60


def failure(number: int, path: object = "") -> OSError:
    return OSError(number, os.strerror(number), str(path))


@dataclass(eq=False, slots=True)
class File:
    """``unsynced``: what was done since the last sync, as ``(offset, bytes)`` written or ``(size, None)`` cut."""

    number: int
    content: bytearray = field(default_factory=bytearray)
    durable: bytearray = field(default_factory=bytearray)
    unsynced: list[tuple[int, bytes | None]] = field(default_factory=list)
    changes: int = 0
    locked_by: object = None
    looked_at_by: list[object] = field(default_factory=list)


@dataclass(eq=False, slots=True)
class Folder:
    """``durable``: the names that a power cut would leave."""

    number: int
    names: dict[str, "File | Folder"] = field(default_factory=dict)
    durable: dict[str, "File | Folder"] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Naming:
    """One change of names, made or lost as a whole: each of ``(folder, name, what it points at now)``."""

    changes: tuple[tuple[Folder, str, File | Folder | None], ...]

    def apply(self, *, durable: bool) -> None:
        for folder, name, target in self.changes:
            names = folder.durable if durable else folder.names
            if target is None:
                names.pop(name, None)
            else:
                names[name] = target


class Medium:
    """What all machines share; every method is one indivisible step. ``room``: how many bytes may still be written."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self._root = Folder(next(self._numbers))
        self._journal: list[Naming] = []
        self._dirty: dict[File, None] = {}
        self.room = NO_LIMIT
        self.has_links = True

    def make_root(self, path: Path) -> None:
        """A folder that was always there."""
        self.make_folder(path)
        self.sync_names(self.folder(path.parent))

    def find(self, path: Path) -> File | Folder:
        """:raises FileNotFoundError, NotADirectoryError:"""
        found: File | Folder = self._root
        for name in path.parts[1:]:
            if not isinstance(found, Folder):
                raise failure(errno.ENOTDIR, path)
            inside = found.names.get(name)
            if inside is None:
                raise failure(errno.ENOENT, path)
            found = inside
        return found

    def folder(self, path: Path) -> Folder:
        found = self.find(path)
        if not isinstance(found, Folder):
            raise failure(errno.ENOTDIR, path)
        return found

    def file(self, path: Path) -> File:
        found = self.find(path)
        if not isinstance(found, File):
            raise failure(errno.EISDIR, path)
        return found

    def open(self, path: Path, flags: int) -> File:
        parent = self.folder(path.parent)
        found = parent.names.get(path.name)
        if found is None:
            if not flags & os.O_CREAT:
                raise failure(errno.ENOENT, path)
            self._need_room()
            found = File(next(self._numbers))
            self._name((parent, path.name, found))
        elif flags & os.O_EXCL:
            raise failure(errno.EEXIST, path)
        elif not isinstance(found, File):
            raise failure(errno.EISDIR, path)
        return found

    def make_folder(self, path: Path) -> None:
        parent = self.folder(path.parent)
        if path.name in parent.names:
            raise failure(errno.EEXIST, path)
        self._need_room()
        self._name((parent, path.name, Folder(next(self._numbers))))

    def link(self, existing: Path, new: Path) -> None:
        if not self.has_links:
            raise failure(errno.EPERM, new)
        target, parent = self.find(existing), self.folder(new.parent)
        if new.name in parent.names:
            raise failure(errno.EEXIST, new)
        self._need_room()
        self._name((parent, new.name, target))

    def rename(self, old: Path, new: Path) -> None:
        target, source, destination = self.find(old), self.folder(old.parent), self.folder(new.parent)
        self._name((source, old.name, None), (destination, new.name, target))

    def unlink(self, path: Path) -> None:
        self.file(path)
        self._name((self.folder(path.parent), path.name, None))

    def remove_empty(self, path: Path) -> None:
        if self.folder(path).names:
            raise failure(errno.ENOTEMPTY, path)
        self._name((self.folder(path.parent), path.name, None))

    def write(self, file: File, content: bytes, offset: int) -> int:
        """How many bytes there was room for. :raises OSError: for none."""
        if offset + len(content) > len(file.content):
            if self.room <= 0:
                raise failure(errno.ENOSPC)
            content = content[: self.room]
            self.room -= len(content)
        end = offset + len(content)
        file.content[offset:end] = content
        self._changed(file, (offset, content))
        return len(content)

    def truncate(self, file: File, size: int) -> None:
        del file.content[size:]
        self._changed(file, (size, None))

    def sync(self, file: File) -> None:
        for change in file.unsynced:
            _apply(file.durable, change)
        file.unsynced.clear()
        self._dirty.pop(file, None)

    def forget_unsynced(self, file: File) -> None:
        """What a sync that failed may have lost: it can still be read, and will never be durable."""
        file.unsynced.clear()
        self._dirty.pop(file, None)

    def sync_names(self, folder: Folder) -> None:
        kept = []
        for naming in self._journal:
            if any(changed is folder for changed, _, _ in naming.changes):
                naming.apply(durable=True)
            else:
                kept.append(naming)
        self._journal = kept

    def cut_power(self, rng: Random) -> None:
        """Keep what is durable, and of the rest what the dice say."""
        in_order = rng.random() < 0.5  # as a journal of the file system does, or any of them
        lost_from = rng.randint(0, len(self._journal))
        for index, naming in enumerate(self._journal):
            if (index < lost_from) if in_order else rng.random() < 0.5:
                naming.apply(durable=True)
        self._journal = []
        for file in self._dirty:
            _survive(file, rng)
        self._dirty = {}
        self._fall_back(self._root)

    def _fall_back(self, folder: Folder) -> None:
        folder.names = dict(folder.durable)
        for inside in folder.names.values():
            if isinstance(inside, Folder):
                self._fall_back(inside)
            else:
                inside.content = bytearray(inside.durable)
                inside.changes += 1
                inside.unsynced = []

    def _need_room(self) -> None:
        if self.room <= 0:
            raise failure(errno.ENOSPC)

    def _name(self, *changes: tuple[Folder, str, File | Folder | None]) -> None:
        naming = Naming(changes)
        naming.apply(durable=False)
        self._journal.append(naming)

    def _changed(self, file: File, change: tuple[int, bytes | None]) -> None:
        file.unsynced.append(change)
        file.changes += 1
        self._dirty[file] = None


def _apply(content: bytearray, change: tuple[int, bytes | None]) -> None:
    offset, written = change
    if written is None:
        del content[offset:]
    else:
        content.extend(b"\0" * (offset - len(content)))
        content[offset : offset + len(written)] = written


def _survive(file: File, rng: Random) -> None:
    """Some first changes, the next one in part; behind it there may be zeros, where only the length was recorded."""
    whole = rng.choice((0, len(file.unsynced), rng.randint(0, len(file.unsynced))))
    for change in file.unsynced[:whole]:
        _apply(file.durable, change)
    if whole < len(file.unsynced):
        offset, written = file.unsynced[whole]
        if written is not None:
            kept = rng.randint(0, len(written))
            _apply(file.durable, (offset, written[:kept]))
            if rng.random() < 0.2:
                _apply(file.durable, (offset + kept, b"\0" * (len(written) - kept)))
