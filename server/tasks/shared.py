"""One call for all who ask for the same at the same time."""

from collections.abc import Awaitable, Callable, Hashable
from functools import partial
from typing import Generic, NoReturn, TypeVar

import anyio

from server.errors import HoldfastError

T = TypeVar("T")


class _Call(Generic[T]):
    """One call: who has made it carries it out, the others wait for it. Without an outcome it was broken off."""

    def __init__(self) -> None:
        self.over = anyio.Event()
        self.outcome: Callable[[], T] | None = None


class Shared(Generic[T]):
    """Whoever comes gets the outcome of a call that began after they came, never of one that was under way.

    So an answer is never older than its question; and however many ask, there is one call at a time for each key.
    """

    def __init__(self) -> None:
        self._under_way: dict[Hashable, _Call[T]] = {}
        self._next: dict[Hashable, _Call[T]] = {}

    async def get(self, key: Hashable, call: Callable[[], Awaitable[T]]) -> T:
        """What ``call`` returns or raises, made here or by another who asked for this key."""
        while (following := self._next.get(key)) is not None:
            await following.over.wait()
            if following.outcome is not None:
                return following.outcome()
        return await self._carry_out(key, call)

    async def _carry_out(self, key: Hashable, call: Callable[[], Awaitable[T]]) -> T:
        own: _Call[T] = _Call()
        waiting = self._under_way.get(key)
        try:
            self._next[key] = own
            try:
                # Also where nothing is under way: whoever asks in the same turn of the loop comes along.
                await (waiting.over.wait() if waiting is not None else anyio.lowlevel.checkpoint())
            finally:
                del self._next[key]
            self._under_way[key] = own
            try:
                found = await call()
            except HoldfastError as error:
                own.outcome = partial(_raise, error)
                raise
            else:
                own.outcome = lambda: found
                return found
            finally:
                del self._under_way[key]
        finally:
            own.over.set()


def _raise(error: HoldfastError) -> NoReturn:
    raise error
