"""A file system in memory that knows what is durable, and what a power cut may leave of it.

What POSIX promises and no more: the content of a file is durable after its fsync, a name after the fsync of its folder.
Of everything else any part may survive: each 512 bytes of what was written, each name that was made, replaced or
removed. Only a rename is done in whole or not at all. Real file systems keep more; none may be relied on to.
"""

import errno
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from server.stores.disk import Disk
from tests.campaigns.relayed import os_error

ROOT = Path("/simulated")
SECTOR_BYTES = 512
_FREE_BYTES = 1 << 40


@dataclass(eq=False, slots=True)
class Effect:
    """What one call did. ``at`` and ``durable_at`` are numbers of calls; ``lost``: an fsync of it has failed."""

    at: int
    durable_at: int | None = field(default=None, init=False)
    lost: bool = field(default=False, init=False)


@dataclass(eq=False, slots=True)
class Written(Effect):
    file: int
    offset: int
    content: bytes


@dataclass(eq=False, slots=True)
class Resized(Effect):
    file: int
    size: int


@dataclass(eq=False, slots=True)
class Named(Effect):
    """Names made, replaced (inode) or removed (None), all at once: ``(folder, name, inode)``."""

    changes: tuple[tuple[int, str, int | None], ...]


@dataclass(slots=True)
class State:
    """Files and folders by inode; inode 1 is the root."""

    files: dict[int, bytearray] = field(default_factory=dict)
    folders: dict[int, dict[str, int]] = field(default_factory=lambda: {1: {}})

    def copy(self) -> "State":
        files = {inode: bytearray(content) for inode, content in self.files.items()}
        return State(files, {inode: dict(names) for inode, names in self.folders.items()})

    def write(self, file: int, offset: int, content: bytes) -> None:
        whole = self.files[file]
        if len(whole) < offset:
            whole.extend(bytes(offset - len(whole)))
        whole[offset : offset + len(content)] = content

    def resize(self, file: int, size: int) -> None:
        whole = self.files[file]
        del whole[size:]
        whole.extend(bytes(size - len(whole)))

    def name(self, effect: Named) -> None:
        for folder, name, inode in effect.changes:
            if inode is None:
                self.folders[folder].pop(name, None)
            else:
                self.folders[folder][name] = inode


@dataclass(slots=True)
class _Handle:
    file: int
    flags: int
    offset: int = 0


class SimulatedDisk(Disk):
    """The file system as running processes see it. ``calls`` counts the calls that change something."""

    def __init__(self, durable: State | None = None) -> None:
        self._durable = durable or State()
        self._now = self._durable.copy()
        self._effects: list[Effect] = []
        self._waiting: dict[int, list[Effect]] = {}
        self._handles: dict[int, _Handle] = {}
        self._locks: dict[int, int] = {}
        self._versions: dict[int, int] = {}
        self._next = 1 + max([1, *self._durable.files, *self._durable.folders])
        self._guard = threading.RLock()
        self.calls = 0

    def _folder(self, path: Path) -> int:
        inode = 1
        for name in path.relative_to(ROOT).parts:
            found = self._now.folders[inode].get(name)
            if found is None:
                raise os_error(errno.ENOENT, path)
            if found not in self._now.folders:
                raise os_error(errno.ENOTDIR, path)
            inode = found
        return inode

    def _find(self, path: Path) -> int:
        if path == ROOT:
            return 1
        inode = self._now.folders[self._folder(path.parent)].get(path.name)
        if inode is None:
            raise os_error(errno.ENOENT, path)
        return inode

    def exists(self, path: Path) -> bool:
        try:
            self._find(path)
        except (FileNotFoundError, NotADirectoryError):
            return False
        return True

    def names(self, folder: Path) -> list[str]:
        with self._guard:
            return list(self._now.folders[self._folder(folder)])

    def version(self, path: Path) -> tuple[int, int, int]:
        inode = self._find(path)
        return inode, self._versions.get(inode, 0), len(self._now.files.get(inode, b""))

    def size(self, handle: int) -> int:
        return len(self._now.files[self._handles[handle].file])

    def read_at(self, handle: int, size: int, offset: int) -> bytes:
        return bytes(self._now.files[self._handles[handle].file][offset : offset + size])

    def free_bytes(self, folder: Path) -> int:
        return _FREE_BYTES

    def _add(self, effect: Effect, *waits_on: int) -> None:
        self._effects.append(effect)
        for inode in waits_on:
            self._waiting.setdefault(inode, []).append(effect)

    def _rename(self, *changes: tuple[int, str, int | None]) -> None:
        effect = Named(self._call(), changes)
        self._now.name(effect)
        self._add(effect, *{folder for folder, _, _ in changes})

    def _call(self) -> int:
        self.calls += 1
        return self.calls

    def _new(self) -> int:
        self._next += 1
        return self._next

    def open(self, path: Path, flags: int) -> int:
        with self._guard:
            folder = self._folder(path.parent)
            inode = self._now.folders[folder].get(path.name)
            if inode is None:
                if not flags & os.O_CREAT:
                    raise os_error(errno.ENOENT, path)
                inode = self._new()
                self._now.files[inode] = bytearray()
                self._rename((folder, path.name, inode))
            elif flags & os.O_EXCL:
                raise os_error(errno.EEXIST, path)
            elif inode in self._now.folders:
                raise os_error(errno.EISDIR, path)
            handle = self._new()
            self._handles[handle] = _Handle(inode, flags)
            return handle

    def close(self, handle: int) -> None:
        with self._guard:
            opened = self._handles.pop(handle)
            if self._locks.get(opened.file) == handle:
                del self._locks[opened.file]

    def write(self, handle: int, content: bytes | memoryview) -> int:
        with self._guard:
            opened = self._handles[handle]
            place = len(self._now.files[opened.file]) if opened.flags & os.O_APPEND else opened.offset
            opened.offset = place + len(content)
            return self.write_at(handle, bytes(content), place)

    def write_at(self, handle: int, content: bytes, offset: int) -> int:
        with self._guard:
            file = self._handles[handle].file
            self._now.write(file, offset, content)
            self._versions[file] = self._call()
            self._add(Written(self.calls, file, offset, content), file)
            return len(content)

    def truncate(self, handle: int, size: int) -> None:
        with self._guard:
            file = self._handles[handle].file
            self._now.resize(file, size)
            self._versions[file] = self._call()
            self._add(Resized(self.calls, file, size), file)

    def sync(self, handle: int) -> None:
        self._sync(self._handles[handle].file)

    def sync_data(self, handle: int) -> None:
        self._sync(self._handles[handle].file)

    def sync_folder(self, path: Path) -> None:
        self._sync(self._folder(path))

    def _sync(self, inode: int) -> None:
        with self._guard:
            now = self._call()
            for effect in self._waiting.pop(inode, []):
                effect.durable_at = effect.durable_at or now

    def fail_sync(self, inode: int) -> None:
        """What a failed fsync does: what was not durable is still to be read, and no later fsync makes it durable."""
        with self._guard:
            self._call()
            for effect in self._waiting.pop(inode, []):
                effect.lost = True

    def file_of(self, handle: int) -> int:
        return self._handles[handle].file

    def link(self, existing: Path, new: Path) -> None:
        with self._guard:
            folder = self._folder(new.parent)
            if new.name in self._now.folders[folder]:
                raise os_error(errno.EEXIST, new)
            self._rename((folder, new.name, self._find(existing)))

    def rename(self, old: Path, new: Path) -> None:
        with self._guard:
            inode = self._find(old)
            self._rename((self._folder(old.parent), old.name, None), (self._folder(new.parent), new.name, inode))

    def unlink(self, path: Path) -> None:
        with self._guard:
            if self._find(path) in self._now.folders:
                raise os_error(errno.EISDIR, path)
            self._rename((self._folder(path.parent), path.name, None))

    def make_folder(self, path: Path) -> None:
        with self._guard:
            folder = self._folder(path.parent)
            if path.name in self._now.folders[folder]:
                raise os_error(errno.EEXIST, path)
            inode = self._new()
            self._now.folders[inode] = {}
            self._rename((folder, path.name, inode))

    def remove_tree(self, path: Path) -> None:
        with self._guard:
            if not self.exists(path):
                return
            for name in self.names(path):
                if self._find(path / name) in self._now.folders:
                    self.remove_tree(path / name)
                else:
                    self.unlink(path / name)
            self._rename((self._folder(path.parent), path.name, None))

    def lock(self, handle: int) -> None:
        with self._guard:
            holder = self._locks.setdefault(self._handles[handle].file, handle)
            if holder != handle:
                raise os_error(errno.EAGAIN)

    def is_locked(self, path: Path) -> bool | None:
        return self._find(path) in self._locks if self.exists(path) else None

    def after_cut(self, calls: int, random: Random) -> "SimulatedDisk":
        """What may be there after the power went away when so many calls had been made.

        How much of what was not durable survives is drawn anew for each cut: nothing, any part, or all of it, of names
        and of contents on their own.
        """
        names, contents = random.choice((0.0, 0.5, 0.9, 1.0)), random.choice((0.0, 0.5, 0.9, 1.0))
        state = self._durable.copy()
        for inode in self._now.files.keys() - state.files.keys():
            state.files[inode] = bytearray()
        for inode in self._now.folders.keys() - state.folders.keys():
            state.folders[inode] = {}
        for effect in self._effects:
            if effect.at > calls:
                break
            if effect.durable_at is not None and effect.durable_at <= calls:
                _keep(state, effect, lambda share: True, names, contents)
            else:
                _keep(state, effect, lambda share: random.random() < share, names, contents)
        return SimulatedDisk(state)


def _keep(state: State, effect: Effect, survives: Callable[[float], bool], names: float, contents: float) -> None:
    """Do again what has survived of an effect."""
    match effect:
        case Named():
            if survives(names):
                state.name(effect)
        case Written():
            for start in range(0, len(effect.content), SECTOR_BYTES):
                if survives(contents):
                    state.write(effect.file, effect.offset + start, effect.content[start : start + SECTOR_BYTES])
        case Resized():
            if survives(contents):
                state.resize(effect.file, effect.size)
