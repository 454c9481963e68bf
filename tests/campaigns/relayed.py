"""A disk that stands before another one: every call goes through one place, where things can be done to it."""

import os
import threading
from pathlib import Path
from typing import Any

import anyio
from anyio import from_thread
from anyio.lowlevel import EventLoopToken, current_token

from server.stores.disk import Disk

CALLS = tuple(name for name, member in vars(Disk).items() if callable(member) and not name.startswith("_"))


class RelayedDisk(Disk):
    """Hands every call on to ``inner``; what stands before it overrides `call`."""

    def __init__(self, inner: Disk) -> None:
        self.inner = inner

    def call(self, name: str, *args: Any) -> Any:
        return getattr(self.inner, name)(*args)


def _relay(name: str) -> Any:
    def relayed(self: RelayedDisk, *args: Any) -> Any:
        return self.call(name, *args)

    return relayed


for _name in CALLS:
    setattr(RelayedDisk, _name, _relay(_name))


class ForgetfulDisk(RelayedDisk):
    """Weakened: nothing is ever made durable."""

    def call(self, name: str, *args: Any) -> Any:
        return None if name.startswith("sync") else super().call(name, *args)


class Killed(BaseException):
    """The process died before this call."""


class ProcessDisk(RelayedDisk):
    """One process's way to the disk: it can die before a call, or stand still before one and go on later."""

    def __init__(self, inner: Disk) -> None:
        super().__init__(inner)
        self.dead = False
        self._calls_to_death: int | None = None
        self._calls_to_freeze: int | None = None
        self._thawed = threading.Event()
        self.frozen = anyio.Event()
        self._watched_from: EventLoopToken | None = None
        self._handles: set[int] = set()

    def die_after(self, calls: int) -> None:
        """Die before the call that follows so many."""
        self._calls_to_death = calls

    def freeze_after(self, calls: int) -> None:
        """Stand still before the call that follows so many, until `thaw`; `frozen` tells."""
        self._calls_to_freeze, self.frozen = calls, anyio.Event()
        self._watched_from = current_token()
        self._thawed.clear()

    def thaw(self) -> None:
        self._calls_to_freeze = None
        self._thawed.set()

    def die(self) -> None:
        """What the system does for a dead process: its handles are closed, and its locks are free."""
        self.dead = True
        self._calls_to_death = None
        for handle in list(self._handles):
            self.inner.close(handle)
        self._handles.clear()

    def call(self, name: str, *args: Any) -> Any:
        if self.dead:
            raise Killed
        if self._calls_to_death is not None:
            if self._calls_to_death == 0:
                self.die()
                raise Killed
            self._calls_to_death -= 1
        # Handles are also given back on the event loop, which must not stand still.
        if self._calls_to_freeze is not None and name != "close":
            if self._calls_to_freeze == 0:
                self._calls_to_freeze = None
                from_thread.run_sync(self.frozen.set, token=self._watched_from)
                self._thawed.wait()
            else:
                self._calls_to_freeze -= 1
        result = super().call(name, *args)
        if name == "open":
            self._handles.add(result)
        elif name == "close":
            self._handles.discard(args[0])
        return result


def os_error(number: int, path: Path | None = None) -> OSError:
    """As the system raises it: of the class that belongs to the number."""
    return OSError(number, os.strerror(number), *([] if path is None else [str(path)]))
