"""The streamed answer: one loop per reader, no queue, and no task group but for several tasks at once."""

from collections.abc import AsyncIterator, Callable, Mapping
from typing import cast

import anyio
from sse_starlette.event import ServerSentEvent
from sse_starlette.sse import EventSourceResponse, SendTimeoutError
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from server.errors import HoldfastError
from server.settings import Settings
from server.streaming import sse
from server.streaming.audience import Audience
from server.streaming.source import Source, TaskSource
from server.streaming.whole import BODY, takes_whole

ABORT_EXTENSION = "holdfast.abort"
"""In the ASGI scope's extensions: a callable that drops the connection with all that waits to be sent on it."""
LOOK_FOR_DISCONNECT_SECONDS = 1.0
PIECE_BYTES = 64 * 1024
"""The send time-out is for each piece, so that a slow reader that goes on reading is not cut off."""


class _ReaderGone(Exception):
    """The client has left, or takes nothing."""


class EventStream(Response):
    """One reader's stream of a source, from its cursor to its end."""

    def __init__(self, source: Source, settings: Settings, headers: Mapping[str, str]) -> None:
        self.status_code, self.background = 200, None
        streamed = {"X-Accel-Buffering": "no", "Cache-Control": "no-store", "Content-Type": source.wire.media_type}
        self.init_headers({**headers, **streamed})
        self._source = source
        self._ping_seconds = settings.stream_ping_seconds
        self._send_timeout_seconds = settings.stream_send_timeout_seconds
        self._looked_at = 0.0
        self._opened = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        head = {"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers}
        if takes_whole(scope):
            await send({**head, BODY: self._opening(), "more_body": True})
        else:
            await send(head)
        if scope["method"] == "HEAD":
            await send({"type": "http.response.body"})
        else:
            await self.stream_body(scope, receive, send)

    def _opening(self) -> bytes:
        """What the stream begins with, the first time."""
        opening, self._opened = b"" if self._opened else self._source.opening(), True
        return opening

    async def stream_body(self, scope: Scope, receive: Receive, send: Send) -> None:
        """All that follows the head."""
        try:
            async with self._source:
                await self._stream(scope, receive, send)
            await self._send_piece(scope, send, b"", more=False)
        except (_ReaderGone, OSError):
            return

    async def _stream(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._send(scope, send, self._opening())
        try:
            while (block := await self._next_block()) is not None:
                await self._look_for_disconnect(receive)
                await self._send(scope, send, block)
        except HoldfastError:
            # The store can't be read now, or the client sent what it may not: it may come again where it was.
            await self._send(scope, send, self._source.wire.goodbye())
            return
        if not self._source.ended:
            await self._send(scope, send, self._source.wire.goodbye())

    async def _next_block(self) -> bytes | None:
        """What to send next: all that waits in one piece, or a ping when there was nothing for a while."""
        with anyio.move_on_after(self._ping_seconds):
            return await self._source.next()
        return self._source.heartbeat()

    async def _look_for_disconnect(self, receive: Receive) -> None:
        """Servers take what is sent to a client that has left without a word, so it is asked for now and then."""
        now = anyio.current_time()
        if now - self._looked_at < LOOK_FOR_DISCONNECT_SECONDS:
            return
        self._looked_at = now
        with anyio.move_on_after(0):
            while True:
                if (await receive())["type"] == "http.disconnect":
                    raise _ReaderGone

    async def _send(self, scope: Scope, send: Send, block: bytes) -> None:
        for start in range(0, len(block), PIECE_BYTES):
            await self._send_piece(scope, send, block[start : start + PIECE_BYTES])

    async def _send_piece(self, scope: Scope, send: Send, piece: bytes, *, more: bool = True) -> None:
        with anyio.move_on_after(self._send_timeout_seconds):
            await send({"type": "http.response.body", "body": piece, "more_body": more})
            return
        await _drop(scope)
        raise _ReaderGone


class TaskStream(EventStream):
    """One reader's stream of one task, for which nothing waits where the server can detach it."""

    def __init__(self, source: TaskSource, audience: Audience, settings: Settings, headers: Mapping[str, str]) -> None:
        super().__init__(source, settings, headers)
        self._task_source, self._audience = source, audience

    async def stream_body(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not await self._audience.take_in(scope, self._task_source):
            await super().stream_body(scope, receive, send)


class GeneratedStream(EventSourceResponse):
    """A `text/event-stream` of whole, encoded events, for what is no task's log: the feed of states."""

    def __init__(self, content: AsyncIterator[bytes], settings: Settings) -> None:
        super().__init__(
            content,
            ping=max(1, int(settings.stream_ping_seconds)),
            ping_message_factory=cast("Callable[[], ServerSentEvent]", lambda: sse.PING),
            send_timeout=settings.stream_send_timeout_seconds,
            sep="\n",
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        except* SendTimeoutError:
            await _drop(scope)


async def _drop(scope: Scope) -> None:
    abort = scope.get("extensions", {}).get(ABORT_EXTENSION)
    if abort is not None:
        abort()
        await anyio.sleep(0.01)  # lets the server notice, so that it does not miss the rest of the answer
