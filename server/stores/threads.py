"""Threads for the calls of the file store that block.

A call through `anyio.to_thread` costs about 100 µs of the processor, most of it for waking the event loop: more than
most calls need themselves. Here outcomes that come about the same time wake it once.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from contextvars import copy_context
from queue import SimpleQueue
from threading import Lock, Thread
from typing import Any, Generic, NoReturn, TypeVar

import anyio

T = TypeVar("T")


class _Call(Generic[T]):
    """One call. Whoever gets ``turn`` decides what becomes of it: a thread begins it, or who made it takes it back."""

    def __init__(self, function: Callable[[], T]) -> None:
        self._function, self._context = function, copy_context()
        self.turn = Lock()
        self.over = anyio.Event()
        self.outcome: Callable[[], T]

    def carry_out(self) -> None:
        """In a thread."""
        try:
            found = self._context.run(self._function)
        except BaseException as error:  # noqa: BLE001 - it is raised again where the call is awaited
            self.outcome = _Raising(error)
        else:
            self.outcome = lambda: found


class _Raising:
    """What raises an error once, and keeps neither it nor its frames afterwards."""

    def __init__(self, error: BaseException) -> None:
        self._errors = [error]

    def __call__(self) -> NoReturn:
        raise self._errors.pop()


class Threads:
    """Carries out at most so many calls at once; the others wait in line. To be used from one event loop."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._line: SimpleQueue[_Call[Any] | None] = SimpleQueue()
        self._done: deque[_Call[Any]] = deque()
        self._started = self._free = 0
        self._woken = False

    async def run(self, function: Callable[[], T]) -> T:
        """What the function returns or raises.

        When who awaits it is cancelled, a call that still waits in line is not carried out, and one that has begun
        comes to its end first.
        """
        await anyio.lowlevel.checkpoint_if_cancelled()
        call = _Call(function)
        self._see_to_a_thread()
        self._line.put(call)
        try:
            await call.over.wait()
        except BaseException:
            if not call.turn.acquire(blocking=False):
                with anyio.CancelScope(shield=True):
                    await call.over.wait()
            raise
        return call.outcome()

    def close(self) -> None:
        """End the threads, each after the call that it is at. Nothing is waited for: a volume may hang."""
        for _ in range(self._started):
            self._line.put(None)
        self._free -= self._started
        self._started = 0

    def _see_to_a_thread(self) -> None:
        if self._free <= 0 and self._started < self._most:
            Thread(target=self._work, args=(asyncio.get_running_loop(),), name="store", daemon=True).start()
            self._started += 1
            self._free += 1
        self._free -= 1

    def _work(self, loop: asyncio.AbstractEventLoop) -> None:
        while (call := self._line.get()) is not None:
            if call.turn.acquire(blocking=False):
                call.carry_out()
            self._done.append(call)
            del call
            # Whoever finds it set comes before `_tell`, which takes what is there after it has put it back.
            if not self._woken:
                self._woken = True
                with suppress(RuntimeError):  # the loop has ended, and nobody waits any more
                    loop.call_soon_threadsafe(self._tell)

    def _tell(self) -> None:
        """In the event loop."""
        self._woken = False
        while self._done:
            self._done.popleft().over.set()
            self._free += 1
