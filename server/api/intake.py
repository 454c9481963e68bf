"""Bodies that are too large to be held: taken piece by piece, from so many senders at once, and none for ever."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import anyio
from starlette.requests import Request

from server.errors import BodyTooSlow, HoldfastError, InvalidRequest, QueueFull

MOST_AT_ONCE = 16
PATIENCE_SECONDS = 30.0
"""How long a sender may be silent, and how long one waits for its turn. What a store tidies away is older than that."""

LONGEST_SECONDS = 3600.0
RETRY_SECONDS = 15


class Body:
    """The body of one request."""

    def __init__(self, request: Request, patience_seconds: float) -> None:
        self._receive, self._patience_seconds = request.receive, patience_seconds
        self._ended = False
        self._begun = anyio.current_time()

    async def pieces(self) -> AsyncIterator[bytes]:
        """As they come, none of them empty.

        :raises BodyTooSlow, BodyTooLarge: it is given up.
        :raises InvalidRequest: its sender has gone.
        """
        while not self._ended:
            piece = await self._next()
            if piece:
                yield piece

    async def throw_away(self) -> None:
        """Take what is still to come, for a while: who is still sending reads no answer."""
        with anyio.move_on_after(self._patience_seconds), suppress(HoldfastError):
            while not self._ended:
                await self._next()

    async def _next(self) -> bytes:
        self._ended = True  # whatever it fails of
        try:
            with anyio.fail_after(self._patience_seconds):
                message = await self._receive()
        except TimeoutError:
            raise BodyTooSlow(
                f"Nothing of the body came for {self._patience_seconds:.0f} seconds; send it again."
            ) from None
        if message["type"] == "http.disconnect":
            raise InvalidRequest("The body broke off before its end; send it again.")
        self._ended = not message.get("more_body", False)
        if not self._ended and anyio.current_time() - self._begun > LONGEST_SECONDS:
            raise BodyTooSlow(f"The body was not whole within {LONGEST_SECONDS:.0f} seconds; send a smaller one.")
        piece: bytes = message.get("body", b"")
        return piece


class Intake:
    """Whose turn it is to send a large body to this node."""

    def __init__(self, most_at_once: int = MOST_AT_ONCE, patience_seconds: float = PATIENCE_SECONDS) -> None:
        self._turns = anyio.Semaphore(most_at_once)
        self._patience_seconds = patience_seconds

    @asynccontextmanager
    async def body(self, request: Request) -> AsyncIterator[Body]:
        """What is not read of it when the block fails is thrown away.

        :raises QueueFull: too many others are sending.
        """
        with anyio.move_on_after(self._patience_seconds) as waiting:
            await self._turns.acquire()
        if waiting.cancelled_caught:
            raise QueueFull("Too many files are being sent at the moment; send it again.", retry_after=RETRY_SECONDS)
        try:
            body = Body(request, self._patience_seconds)
            try:
                yield body
            except HoldfastError:
                await body.throw_away()
                raise
        finally:
            self._turns.release()
