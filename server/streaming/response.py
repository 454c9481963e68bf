"""The streamed answer: one loop per reader, no task group, no queue."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any, Protocol, cast

import anyio
from sse_starlette.event import ServerSentEvent
from sse_starlette.sse import EventSourceResponse
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from server.errors import LogCorrupt
from server.models import Json, Status
from server.settings import Settings
from server.streaming import sse
from server.streaming.hub import Subscription

ABORT_EXTENSION = "holdfast.abort"
"""In the ASGI scope's extensions: a callable that drops the connection with all that waits to be sent on it."""
LOOK_FOR_DISCONNECT_SECONDS = 1.0


class Wire(Protocol):
    """How events are written on a connection."""

    media_type: str
    ping: bytes

    def frames(self, frames: list[sse.Frame]) -> bytes: ...

    def unnumbered(self, event: str, data: Json) -> bytes: ...

    def goodbye(self) -> bytes: ...


class SseWire:
    """`text/event-stream`."""

    media_type = "text/event-stream; charset=utf-8"
    ping = sse.PING

    def frames(self, frames: list[sse.Frame]) -> bytes:
        return b"".join([frame.sse for frame in frames])

    def unnumbered(self, event: str, data: Json) -> bytes:
        return sse.unnumbered(event, data, retry_ms=sse.RETRY_MS if event == "task" else None)

    def goodbye(self) -> bytes:
        return b"retry: %d\n" % sse.RETRY_MS


class NdjsonWire:
    """`application/x-ndjson`; an empty line keeps a silent connection alive."""

    media_type = "application/x-ndjson"
    ping = b"\n"

    def __init__(self, generation: str) -> None:
        self._generation = generation

    def frames(self, frames: list[sse.Frame]) -> bytes:
        return b"".join([sse.ndjson(self._generation, frame) for frame in frames])

    def unnumbered(self, event: str, data: Json) -> bytes:
        return sse.ndjson_unnumbered(event, data)

    def goodbye(self) -> bytes:
        return b""


def generated(content: AsyncIterator[bytes], settings: Settings, headers: Mapping[str, str] | None = None) -> Response:
    """A `text/event-stream` of whole, encoded events, where one task's cursor is not what is streamed."""
    return EventSourceResponse(
        content,
        headers=headers,
        ping=max(1, int(settings.stream_ping_seconds)),
        ping_message_factory=cast("Callable[[], ServerSentEvent]", lambda: sse.PING),
        send_timeout=settings.stream_send_timeout_seconds,
        sep="\n",
    )


class _ReaderGone(Exception):
    """The client has left, or takes nothing."""


class EventStream(Response):
    """One reader's stream of one task, from its cursor to `done`.

    ``on_damage`` is called when the log turns out to be damaged, before the reader is told.
    """

    def __init__(
        self,
        subscription: Subscription,
        wire: Wire,
        opening: list[tuple[str, Json]],
        *,
        headers: Mapping[str, str],
        ping_seconds: float,
        send_timeout_seconds: float,
        on_damage: Callable[[], Awaitable[object]],
    ) -> None:
        self.status_code, self.background = 200, None
        self.init_headers({**headers, "Content-Type": wire.media_type})
        self._subscription, self._wire, self._opening = subscription, wire, opening
        self._ping_seconds, self._send_timeout_seconds = ping_seconds, send_timeout_seconds
        self._on_damage = on_damage
        self._looked_at = 0.0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        try:
            if scope["method"] != "HEAD":
                async with self._subscription:
                    await self._stream(scope, receive, send)
            await self._send(scope, send, b"", more=False)
        except (_ReaderGone, OSError):
            return

    async def _stream(self, scope: Scope, receive: Receive, send: Send) -> None:
        opening = b"".join(self._wire.unnumbered(event, data) for event, data in self._opening)
        await self._send(scope, send, opening)
        ended = False
        try:
            while (block := await self._next_block()) is not None:
                await self._look_for_disconnect(receive)
                await self._send(scope, send, block)
            ended = self._subscription.ended
        except LogCorrupt as error:
            await self._on_damage()
            failure: dict[str, Any] = {"code": error.code, "message": error.detail, "retryable": False, "step": None}
            done = {"status": Status.FAILED}
            await self._send(
                scope, send, self._wire.unnumbered("failure", failure) + self._wire.unnumbered("done", done)
            )
            ended = True
        if not ended and (goodbye := self._wire.goodbye()):
            await self._send(scope, send, goodbye)

    async def _next_block(self) -> bytes | None:
        """What to send next: all that waits in one piece, or a ping when there was nothing for a while."""
        with anyio.move_on_after(self._ping_seconds):
            frames = await self._subscription.next()
            return None if frames is None else self._wire.frames(frames)
        return self._wire.ping

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

    async def _send(self, scope: Scope, send: Send, body: bytes, *, more: bool = True) -> None:
        with anyio.move_on_after(self._send_timeout_seconds):
            await send({"type": "http.response.body", "body": body, "more_body": more})
            return
        abort = scope.get("extensions", {}).get(ABORT_EXTENSION)
        if abort is not None:
            abort()
            await anyio.sleep(0.01)  # lets the server notice, so that it does not miss the rest of the answer
        raise _ReaderGone
