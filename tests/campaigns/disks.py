"""Disks that do what the operating system's does, and something else at one chosen call: die, stop, or lie."""

import errno
import os
import signal
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Any

from server.stores.disk import Disk

CALLS = frozenset(name for name in vars(Disk) if not name.startswith("_"))
"""Every call that the file store makes to the operating system, by name."""


class Moment(StrEnum):
    """When in a call: before it, in the middle of what it does where it does it piece by piece, or after it."""

    BEFORE = "before"
    HALF = "half-way through"
    AFTER = "after"


class CallingDisk(Disk):
    """Passes every call on to another disk, through `around`."""

    def __init__(self, inner: Disk | None = None) -> None:
        self._inner = inner or Disk()

    def __getattribute__(self, name: str) -> Any:
        if name not in CALLS:
            return super().__getattribute__(name)
        return lambda *args: self.around(name, getattr(self._inner, name), args)

    def around(self, name: str, act: Callable[..., Any], args: tuple[Any, ...]) -> Any:
        return act(*args)


class SignallingDisk(CallingDisk):
    """Sends its own process a signal at chosen calls.

    ``points`` are ``(call, moment)``, calls counted from 1; ``count`` is how many there were so far. ``tell`` hears of
    each just before the signal.
    """

    def __init__(
        self,
        points: Iterable[tuple[int, Moment]],
        number: signal.Signals,
        tell: Callable[[int, str, Moment], None],
        inner: Disk | None = None,
    ) -> None:
        super().__init__(inner)
        self._points = dict(points)
        self._signal, self._tell = number, tell
        self._one_at_a_time = threading.Lock()
        self.count = 0

    def around(self, name: str, act: Callable[..., Any], args: tuple[Any, ...]) -> Any:
        with self._one_at_a_time:
            self.count += 1
            count = self.count
        moment = self._points.get(count)
        if moment is None:
            return act(*args)
        if moment is Moment.AFTER:
            found = act(*args)
            self._strike(count, name, moment)
            return found
        first, rest = halves(name, act, args) if moment is Moment.HALF else (None, act)
        if first is None:
            self._strike(count, name, Moment.BEFORE)
            return act(*args)
        done = first()
        self._strike(count, name, moment)
        return rest(done)

    def _strike(self, count: int, name: str, moment: Moment) -> None:
        self._tell(count, name, moment)
        os.kill(os.getpid(), self._signal)


def halves(
    name: str, act: Callable[..., Any], args: tuple[Any, ...]
) -> tuple[Callable[[], Any] | None, Callable[[Any], Any]]:
    """The first half of a call, and what does the rest with what the first returned; None where it has no halves."""
    if name == "write" and len(args[1]) > 1:
        handle, content = args
        middle = len(content) // 2
        return lambda: act(handle, content[:middle]), lambda done: done + act(handle, content[done:])
    if name == "write_at" and len(args[1]) > 1:
        handle, content, offset = args
        middle = len(content) // 2
        return (
            lambda: act(handle, content[:middle], offset),
            lambda done: done + act(handle, content[done:], offset + done),
        )
    if name == "remove_tree":
        files = sorted(path for path in args[0].rglob("*") if path.is_file())

        def some() -> None:
            for path in files[::2]:
                path.unlink(missing_ok=True)

        return some, lambda _: act(*args)
    return None, lambda _: act(*args)


class LinklessDisk(Disk):
    """A volume without hard links."""

    def link(self, existing: Path, new: Path) -> None:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))


class HoldingDisk(Disk):
    """Without the protection: what is written is held back in memory until its file is closed."""

    def __init__(self) -> None:
        self._held: dict[int, bytes] = {}

    def write(self, handle: int, content: bytes | memoryview) -> int:
        self._held[handle] = self._held.get(handle, b"") + bytes(content)
        return len(content)

    def size(self, handle: int) -> int:
        return super().size(handle) + len(self._held.get(handle, b""))

    def close(self, handle: int) -> None:
        content = self._held.pop(handle, b"")
        while content:
            content = content[super().write(handle, content) :]
        super().close(handle)


class BlindDisk(Disk):
    """Without the protection: an owner of the epoch sees no newer claim when it asks whether there is one."""

    def __init__(self) -> None:
        self._unseen = ""

    def own(self, epoch: int) -> None:
        self._unseen = f"{epoch + 1:06d}.claim"

    def exists(self, path: Path) -> bool:
        return path.name != self._unseen and super().exists(path)


class ReplacingDisk(Disk):
    """Without the protection: a name that exists is taken all the same."""

    def open(self, path: Path, flags: int) -> int:
        return super().open(path, flags & ~os.O_EXCL)

    def link(self, existing: Path, new: Path) -> None:
        os.rename(existing, new)


@contextmanager
def scratch() -> Iterator[Path]:
    """A folder in memory, where there is one: what dies here is a process, and what it wrote stays either way."""
    memory = Path("/dev/shm")  # noqa: S108 - made by tempfile, for this user alone
    with tempfile.TemporaryDirectory(prefix="holdfast-", dir=memory if memory.is_dir() else None) as root:
        yield Path(root)
