"""One request over one connection, and its answer as it comes: what a client sees when the server dies meanwhile."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import anyio
import orjson
from anyio.abc import ByteStream

HOST = "127.0.0.1"
CONNECT_SECONDS = 10.0


class Cut(Exception):
    """The connection ended before the answer did."""


class Refused(Cut):
    """Nobody listens there."""


class Answer:
    """``status`` and ``headers`` (names in lower case) are there from the start; the body comes piece by piece."""

    def __init__(self, stream: ByteStream) -> None:
        self._stream = stream
        self._buffer = bytearray()
        self._over = False
        self.status = 0
        self.headers: dict[str, str] = {}

    async def read_head(self) -> None:
        """:raises Cut: it never came."""
        while (end := self._buffer.find(b"\r\n\r\n")) < 0:
            await self._receive()
        first, *lines = self._buffer[:end].decode("latin-1").split("\r\n")
        del self._buffer[: end + 4]
        self.status = int(first.split()[1])
        self.headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        self._chunked = self.headers.get("transfer-encoding", "") == "chunked"
        self._left = int(self.headers.get("content-length", "0"))

    async def more(self) -> bytes:
        """The next bytes of the body, none at its end. :raises Cut: the connection ended before it."""
        while True:
            piece = self._take_chunks() if self._chunked else self._take_plain()
            if piece or self._over:
                return piece
            await self._receive()

    async def read(self) -> bytes:
        """The body to its end. :raises Cut:"""
        pieces = []
        while piece := await self.more():
            pieces.append(piece)
        return b"".join(pieces)

    async def _receive(self) -> None:
        try:
            self._buffer += await self._stream.receive()
        except (anyio.EndOfStream, anyio.BrokenResourceError):
            raise Cut from None

    def _take_plain(self) -> bytes:
        piece = bytes(self._buffer)
        self._buffer.clear()
        self._left -= len(piece)
        self._over = self._left <= 0
        return piece

    def _take_chunks(self) -> bytes:
        """The whole chunks that are there."""
        found, start = [], 0
        while (end := self._buffer.find(b"\r\n", start)) >= 0:
            size = int(self._buffer[start:end], 16)
            if len(self._buffer) < end + 2 + size + 2:
                break
            if size == 0:
                self._over = True
                break
            found.append(self._buffer[end + 2 : end + 2 + size])
            start = end + 2 + size + 2
        del self._buffer[:start]
        return b"".join(found)


@asynccontextmanager
async def exchange(
    port: int, target: str, *, method: str = "GET", headers: Mapping[str, str] | None = None, body: bytes = b""
) -> AsyncIterator[Answer]:
    """Send a request; the connection is closed at the end of the with-block, wherever the answer is.

    :raises Refused: nobody listens.
    :raises Cut: the connection ended before the head of the answer.
    """
    lines = [f"{method} {target} HTTP/1.1", f"Host: {HOST}:{port}", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    try:
        with anyio.fail_after(CONNECT_SECONDS):
            stream = await anyio.connect_tcp(HOST, port)
    except (OSError, TimeoutError) as error:
        raise Refused(str(error)) from None
    async with stream:
        try:
            await stream.send("\r\n".join([*lines, "", ""]).encode() + body)
        except anyio.BrokenResourceError:
            raise Cut from None
        answer = Answer(stream)
        await answer.read_head()
        yield answer


async def ask(port: int, target: str, *, method: str = "GET", body: object = None) -> tuple[int, object]:
    """A short question: the status of the answer, and its JSON. :raises Refused, Cut:"""
    encoded = orjson.dumps(body) if body is not None else b""
    async with exchange(port, target, method=method, body=encoded) as answer:
        content = await answer.read()
    return answer.status, orjson.loads(content) if content else None
