"""Calls that block, run in steps: each may be left between two calls to the disk, and gone on with later.

It stands for `anyio.to_thread.run_sync`. Where that has threads, this has greenlets: only one runs at a time, and when
it hands over is decided by the simulation, not by the system.
"""

from collections.abc import Callable
from typing import Any, TypeVar

import anyio
from greenlet import getcurrent, greenlet

T = TypeVar("T")

LOCK_SECONDS = 0.0001
AFTERWARDS_SECONDS = 0.0001
"""Between the last deed of a call that was left, and the moment when its caller goes on: others may act then, too."""


async def run_sync(
    function: Callable[..., T],
    *args: object,
    abandon_on_cancel: bool = False,
    limiter: anyio.CapacityLimiter | None = None,
) -> T:
    """As `anyio.to_thread.run_sync`; like there, a call that has begun comes to its end."""
    await anyio.lowlevel.checkpoint()
    if limiter is None:
        return await _to_its_end(function, args)
    borrower = object()
    try:
        limiter.acquire_on_behalf_of_nowait(borrower)
    except anyio.WouldBlock:
        await limiter.acquire_on_behalf_of(borrower)
    try:
        return await _to_its_end(function, args)
    finally:
        limiter.release_on_behalf_of(borrower)


class Threads:
    """As `server.stores.threads.Threads`."""

    def __init__(self, most: int) -> None:
        self._limiter = anyio.CapacityLimiter(most)

    async def run(self, function: Callable[[], T]) -> T:
        return await run_sync(function, limiter=self._limiter)

    def close(self) -> None:
        pass


class Lock:
    """As `threading.Lock`, for calls that hold it over calls to the disk: the others go on when it is free."""

    def __init__(self) -> None:
        self._held = False

    def acquire(self, blocking: bool = True) -> bool:
        while self._held:
            if not blocking:
                return False
            if getcurrent().parent is None:
                raise RuntimeError("whoever holds this lock never goes on while the event loop waits for it")
            hand_over(LOCK_SECONDS)
        self._held = True
        return True

    def release(self) -> None:
        self._held = False

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *error: object) -> None:
        self.release()


async def _to_its_end(function: Callable[..., T], args: tuple[object, ...]) -> T:
    steps = greenlet(function)
    answer: Any = steps.switch(*args)
    if not steps.dead:
        with anyio.CancelScope(shield=True):
            while not steps.dead:
                await anyio.sleep(answer)
                answer = steps.switch()
            await anyio.sleep(AFTERWARDS_SECONDS)
    result: T = answer
    return result


def hand_over(seconds: float) -> None:
    """Let others act for so long; from outside a blocking call, do nothing."""
    caller = getcurrent().parent
    if caller is not None:
        caller.switch(seconds)
