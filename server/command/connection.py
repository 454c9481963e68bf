"""A connection of the server: uvicorn's, with two things more that the app may ask for, drop and detach."""

from asyncio import Transport
from typing import TYPE_CHECKING, Any, cast

import orjson
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import (
    HEADER_VALUE_RE,
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)

from server.api.problems import MEDIA_TYPE as PROBLEM
from server.api.problems import describe
from server.errors import InvalidRequest
from server.streaming.line import DETACH_EXTENSION, Detach, OnLine, chunk
from server.streaming.response import ABORT_EXTENSION
from server.streaming.whole import BODY, WHOLE_EXTENSION

if TYPE_CHECKING:
    from starlette.types import Scope
    from uvicorn._types import HTTPScope

LONGEST_ADDRESS = 65_535
UNFINISHED_HEAD_BYTES = 1024 * 1024
END_OF_BODY = b"0\r\n\r\n"


class Connection(HttpToolsProtocol):
    """Gives the app a way to drop a connection whose reader takes nothing, since closing one waits for the reader,
    and a way to go on with an answer when its request is over and forgotten.

    Headers are measured while they come: the app sees them only when they are whole.
    """

    _in_head = True
    _head_bytes = 0
    _detached: "DetachedAnswer | None" = None

    def data_received(self, data: bytes) -> None:
        self._head_bytes += len(data)
        if self._in_head and self._head_bytes > UNFINISHED_HEAD_BYTES:
            self.transport.abort()
            return
        super().data_received(data)

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._in_head, self._head_bytes = True, 0

    def on_headers_complete(self) -> None:
        super().on_headers_complete()
        self._in_head = False
        detach: Detach = self._detach
        extensions = cast("Scope", self.scope).setdefault("extensions", {})
        extensions |= {ABORT_EXTENSION: self.transport.abort, DETACH_EXTENSION: detach, WHOLE_EXTENSION: True}
        # uvicorn names the class itself; the cycle begins in a later turn of the loop, and is one of ours by then.
        self.cycle.__class__ = Cycle

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._detached is not None:
            self._detached.on_line.resumed()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        detached, self._detached = self._detached, None
        if detached is not None:
            detached.on_line.lost()

    def shutdown(self) -> None:
        if self._detached is not None:
            self._detached.keep_alive = False
        super().shutdown()

    def send_400_response(self, msg: str) -> None:
        """What is no HTTP, or has an address longer than the parser takes, is answered as all errors are."""
        problem = InvalidRequest(f"{msg} An address is at most {LONGEST_ADDRESS} bytes; send what is longer as JSON.")
        body = orjson.dumps(describe(problem))
        head = (
            f"HTTP/1.1 400 Bad Request\r\ncontent-type: {PROBLEM}\r\ncontent-length: {len(body)}\r\nconnection: close"
        )
        self.transport.write(head.encode() + b"\r\n\r\n" + body)
        self.transport.close()

    def _detach(self, on_line: OnLine) -> "DetachedAnswer | None":
        """See `server.streaming.line.Detach`."""
        cycle = self.cycle
        # Of several requests sent at once only the last one's cycle is known here.
        if self.pipeline or self.transport.is_closing() or not _can_be_detached(cycle):
            return None
        self._detached = DetachedAnswer(self, cycle.keep_alive, on_line)
        # To the app the client has left from here on, so that nothing it still sends can get into the answer.
        cycle.disconnected = True
        self.cycle = cast("RequestResponseCycle", self._detached)
        # What the request was made of goes with it: it is most of what an open answer takes.
        self.scope, self.headers, self.url = cast("HTTPScope", {}), [], b""
        self.flow.resume_reading()
        return self._detached


class Cycle(RequestResponseCycle):
    """A request with its answer, whose head may have a body in it: see `server.streaming.whole`."""

    async def send(self, message: Any) -> None:
        if BODY not in message:
            await super().send(message)
            return
        headers = self.default_headers + message["headers"]
        if HEADER_VALUE_RE.search(b"".join([value for _, value in headers])):
            raise RuntimeError("Invalid HTTP header value.")
        more = message.get("more_body", False)
        lines = [b"%b: %b\r\n" % header for header in headers]
        if not self.keep_alive:
            lines.append(b"connection: close\r\n")
        if more:
            lines.append(b"transfer-encoding: chunked\r\n")
        body = chunk(message[BODY]) if more else message[BODY]
        whole = b"".join([STATUS_LINE[message["status"]], *lines, b"\r\n", body])
        # To uvicorn all of it is a piece of the body of an answer that has begun.
        self.response_started, self.waiting_for_100_continue = True, False
        self.chunked_encoding, self.expected_content_length = False, len(whole)
        await super().send({"type": "http.response.body", "body": whole, "more_body": more})
        self.chunked_encoding = more


class DetachedAnswer:
    """An answer that goes on without its request: a `server.streaming.line.Line`.

    It stands where uvicorn keeps the cycle of the current request and has the attributes of a cycle that a connection
    looks at, so that a request which is sent before the answer's end waits for it, and shutting down knows of it.
    """

    __slots__ = ("_connection", "_flow", "_transport", "disconnected", "keep_alive", "on_line", "response_complete")

    class _Nobody:
        def set(self) -> None:
            """Nobody waits for a message of this request."""

    message_event = _Nobody()

    def __init__(self, connection: Connection, keep_alive: bool, on_line: OnLine) -> None:
        self._connection = connection
        self._flow: FlowControl = connection.flow
        self._transport: Transport = connection.transport
        self.keep_alive, self.on_line = keep_alive, on_line
        self.disconnected = self.response_complete = False

    @property
    def paused(self) -> bool:
        return self._flow.write_paused

    @property
    def waiting_bytes(self) -> int:
        return self._transport.get_write_buffer_size()

    def write(self, piece: bytes) -> None:
        self._transport.write(piece)

    def finish(self) -> None:
        connection = self._connection
        connection._detached = None
        self.response_complete = True
        self._transport.write(END_OF_BODY)
        if not self.keep_alive:
            self._transport.close()
        connection.on_response_complete()

    def abort(self) -> None:
        self._transport.abort()


def _can_be_detached(cycle: RequestResponseCycle) -> bool:
    """Whether the head is sent, the body is on its way in chunks, and nothing of the request is still to come."""
    return (
        cycle.response_started
        and not cycle.response_complete
        and not cycle.disconnected
        and not cycle.more_body
        and cycle.chunked_encoding is True
        and cycle.scope["http_version"] == "1.1"
    )
