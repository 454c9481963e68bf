"""One machine's view of the medium: `server.stores.disk.Disk` with handles, locks and troubles of its own."""

import asyncio
import errno
import itertools
import os
from collections.abc import Callable
from contextvars import Context
from dataclasses import dataclass
from pathlib import Path
from random import Random

from server.stores.disk import Disk
from tests.campaigns.simulation.blocking import AFTERWARDS_SECONDS, hand_over
from tests.campaigns.simulation.medium import File, Folder, Medium, failure
from tests.campaigns.simulation.world import WORLD

HEARTBEATS = "nodes"
HEARTBEAT_SHARE = 0.1
"""Heartbeats make most of the calls and little that is new, so they hand over that much more rarely."""
CHANGES = frozenset({"write", "open", "link", "rename", "unlink", "make_folder", "sync", "sync_data", "sync_folder"})


@dataclass(slots=True)
class Trouble:
    """What goes wrong with a machine's calls at the moment.

    ``error_share``: of its changes, how many fail, with one of ``errors``; ``stall_share``: of its calls, how many take
    up to ``stall_seconds``.
    """

    error_share: float = 0.0
    errors: tuple[int, ...] = (errno.EIO,)
    stall_share: float = 0.0
    stall_seconds: float = 0.0


@dataclass(slots=True)
class Habits:
    """What the volume is like, for a whole world.

    ``hand_over_share``: at how many calls others may act; ``seconds``: how long a call takes. ``flock``: ``works``,
    ``refused``, or ``anybody`` where two may hold the lock. ``failed_syncs_lose``: after a sync that failed, what was
    to be synced is never durable, though later syncs report success. ``idle_syncs``: which syncs of data do nothing:
    ``none``, ``of readers`` or ``all``.
    ``stale_listings``: of the listings, how many lack the latest name.
    """

    hand_over_share: float = 0.3
    seconds: float = 0.0005
    flock: str = "works"
    failed_syncs_lose: bool = False
    idle_syncs: str = "none"
    stale_listings: float = 0.0


@dataclass(slots=True)
class Ambush:
    """Something that happens once, at the next such call: before it, or right after it."""

    call: str
    ending: str
    after: bool
    strike: Callable[[], None]


@dataclass(slots=True)
class _Open:
    file: File
    appends: bool
    writes: bool
    place: int = 0
    path: str = ""


class FakeDisk(Disk):
    """Calls of one process. Before each, other machines may act."""

    def __init__(self, medium: Medium, habits: Habits, rng: Random) -> None:
        self._medium, self._habits, self._rng = medium, habits, rng
        self._handles: dict[int, _Open] = {}
        self._numbers = itertools.count(3)
        self._looks_at: File | None = None
        self.trouble = Trouble()
        self.ambush: Ambush | None = None

    def release_all(self) -> None:
        """The process has ended: its handles are closed, and with them its locks."""
        for opened in self._handles.values():
            self._unlock(opened.file)
        self._handles = {}
        self._look_away()

    def _look_away(self) -> None:
        if self._looks_at is not None:
            self._looks_at.looked_at_by.remove(self)
            self._looks_at = None

    def _step(self, call: str, path: str) -> None:
        """Others may act now; then this call is made, or fails."""
        WORLD.calls += 1
        rng, trouble, ambush = self._rng, self.trouble, self.ambush
        if ambush is not None and ambush.call == call and path.endswith(ambush.ending):
            self._fall_into(ambush)
        share = self._habits.hand_over_share
        if HEARTBEATS in path:
            share *= HEARTBEAT_SHARE
        if rng.random() < share:
            seconds = rng.expovariate(1 / self._habits.seconds)
            if trouble.stall_share and rng.random() < trouble.stall_share:
                seconds += rng.uniform(0, trouble.stall_seconds)
            hand_over(seconds)
        if self.trouble.error_share and call in CHANGES and rng.random() < self.trouble.error_share:
            number = rng.choice(self.trouble.errors)
            WORLD.note(f"{call} {path} fails: {errno.errorcode[number]}")
            raise failure(number, path)
        if HEARTBEATS not in path:
            WORLD.note(f"{call} {path}")

    def _fall_into(self, ambush: Ambush) -> None:
        self.ambush = None
        if ambush.after:
            loop = asyncio.get_running_loop()
            loop.call_later(1.5 * AFTERWARDS_SECONDS, ambush.strike, context=Context())
            hand_over(AFTERWARDS_SECONDS)
        else:
            ambush.strike()
            hand_over(0.0)

    def _opened(self, handle: int) -> _Open:
        try:
            return self._handles[handle]
        except KeyError:
            raise failure(errno.EBADF) from None

    def open(self, path: Path, flags: int) -> int:
        self._step("open", _short(path))
        file = self._medium.open(path, flags)
        handle = next(self._numbers)
        self._handles[handle] = _Open(
            file, bool(flags & os.O_APPEND), flags & os.O_ACCMODE != os.O_RDONLY, path=_short(path)
        )
        return handle

    def close(self, handle: int) -> None:
        opened = self._opened(handle)
        del self._handles[handle]
        if all(other.file is not opened.file for other in self._handles.values()):
            self._unlock(opened.file)

    def write(self, handle: int, content: bytes | memoryview) -> int:
        opened = self._opened(handle)
        self._step("write", opened.path)
        place = len(opened.file.content) if opened.appends else opened.place
        taken = self._medium.write(opened.file, bytes(content), place)
        opened.place = place + taken
        return taken

    def write_at(self, handle: int, content: bytes, offset: int) -> int:
        opened = self._opened(handle)
        self._step("write", opened.path)
        return self._medium.write(opened.file, content, offset)

    def read_at(self, handle: int, size: int, offset: int) -> bytes:
        opened = self._opened(handle)
        self._step("read", opened.path)
        return bytes(opened.file.content[offset : offset + size])

    def size(self, handle: int) -> int:
        opened = self._opened(handle)
        self._step("size", opened.path)
        return len(opened.file.content)

    def truncate(self, handle: int, size: int) -> None:
        opened = self._opened(handle)
        self._step("truncate", opened.path)
        self._medium.truncate(opened.file, size)

    def sync(self, handle: int) -> None:
        self._sync("sync", handle)

    def sync_data(self, handle: int) -> None:
        self._sync("sync_data", handle)

    def _sync(self, call: str, handle: int) -> None:
        opened = self._opened(handle)
        try:
            self._step(call, opened.path)
        except OSError:
            if self._habits.failed_syncs_lose:
                self._medium.forget_unsynced(opened.file)
            raise
        idle = self._habits.idle_syncs
        if idle == "none" or (idle == "of readers" and opened.writes):
            self._medium.sync(opened.file)

    def sync_folder(self, path: Path) -> None:
        self._step("sync_folder", _short(path))
        self._medium.sync_names(self._medium.folder(path))

    def link(self, existing: Path, new: Path) -> None:
        self._step("link", _short(new))
        self._medium.link(existing, new)

    def rename(self, old: Path, new: Path) -> None:
        self._step("rename", _short(new))
        self._medium.rename(old, new)

    def unlink(self, path: Path) -> None:
        self._step("unlink", _short(path))
        self._medium.unlink(path)

    def make_folder(self, path: Path) -> None:
        self._step("make_folder", _short(path))
        self._medium.make_folder(path)

    def remove_tree(self, path: Path) -> None:
        """Name by name, as the system's own does it."""
        try:
            for name in self.names(path):
                inside = path / name
                if isinstance(self._medium.find(inside), Folder):
                    self.remove_tree(inside)
                else:
                    self.unlink(inside)
            self._step("remove_folder", _short(path))
            self._medium.remove_empty(path)
        except OSError:
            return

    def names(self, folder: Path) -> list[str]:
        self._step("names", _short(folder))
        found = list(self._medium.folder(folder).names)
        if found and self._habits.stale_listings and self._rng.random() < self._habits.stale_listings:
            found.pop()
        self._rng.shuffle(found)
        return found

    def exists(self, path: Path) -> bool:
        self._step("exists", _short(path))
        try:
            self._medium.find(path)
        except OSError:
            return False
        return True

    def version(self, path: Path) -> tuple[int, int, int]:
        self._step("version", _short(path))
        file = self._medium.file(path)
        return file.number, file.changes, len(file.content)

    def lock(self, handle: int) -> None:
        opened = self._opened(handle)
        self._step("lock", opened.path)
        if self._habits.flock == "refused":
            raise failure(errno.ENOLCK)
        if self._habits.flock == "works":
            if opened.file.locked_by not in (None, self) or opened.file.looked_at_by:
                raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
            opened.file.locked_by = self

    def is_locked(self, path: Path) -> bool | None:
        self._step("is_locked", _short(path))
        try:
            file = self._medium.file(path)
        except OSError:
            return None
        if self._habits.flock == "refused":
            return None
        if file.locked_by not in (None, self):
            return True
        # Who looks holds the lock himself for a moment.
        file.looked_at_by.append(self)
        self._looks_at = file
        self._step("is_locked", _short(path))
        self._look_away()
        return False

    def free_bytes(self, folder: Path) -> int:
        return self._medium.room

    def _unlock(self, file: File) -> None:
        if file.locked_by is self:
            file.locked_by = None


def _short(path: Path) -> str:
    """The last names of a path, with ids cut to what tells them apart."""
    return "/".join(name[:8] if len(name) > 20 else name for name in path.parts[-3:])
