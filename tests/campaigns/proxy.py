"""A reverse proxy with nginx's rule: while the answer has not begun, another server is asked."""

from collections.abc import Sequence

import anyio
from anyio import TASK_STATUS_IGNORED
from anyio.abc import ByteStream, SocketAttribute, TaskStatus

from tests.campaigns.exchange import HOST

TRY_ELSEWHERE = (b"502", b"503")
BAD_GATEWAY = b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
STATUS_AT = len(b"HTTP/1.1 ")


class Proxy:
    """Asks ``upstreams`` in turn. ``retries`` False: the first one that is asked has the last word.

    As `proxy_next_upstream error timeout http_502 http_503 non_idempotent` has it: the same request is the same task
    here, so that no request does harm when it is sent twice.
    """

    def __init__(self, upstreams: Sequence[int], *, retries: bool) -> None:
        self._upstreams, self._retries = upstreams, retries
        self._turn = 0
        self.asked_elsewhere = 0
        self.port = 0

    async def run(self, *, task_status: TaskStatus[None] = TASK_STATUS_IGNORED) -> None:
        """Serve until cancelled; ``port`` is there when it has started."""
        async with await anyio.create_tcp_listener(local_host=HOST, backlog=2048) as listener:
            self.port = listener.extra_attributes[SocketAttribute.local_port]()
            task_status.started()
            await listener.serve(self._serve)

    async def _serve(self, client: ByteStream) -> None:
        async with client:
            try:
                request = await _request(client)
                await self._relay(request, client)
            except (anyio.EndOfStream, anyio.BrokenResourceError, anyio.ClosedResourceError):
                return

    async def _relay(self, request: bytes, client: ByteStream) -> None:
        self._turn += 1
        turn = self._turn  # others come meanwhile
        tries = len(self._upstreams) if self._retries else 1
        for attempt in range(tries):
            port = self._upstreams[(turn + attempt) % len(self._upstreams)]
            if await self._answered(port, request, client, last=attempt == tries - 1):
                return
            self.asked_elsewhere += 1
        await client.send(BAD_GATEWAY)

    async def _answered(self, port: int, request: bytes, client: ByteStream, *, last: bool) -> bool:
        """Hand on the answer of one server; False when another one is to be asked."""
        try:
            upstream = await anyio.connect_tcp(HOST, port)
        except OSError:
            return False
        async with upstream:
            try:
                await upstream.send(request)
                piece = await upstream.receive()
            except (anyio.EndOfStream, anyio.BrokenResourceError):
                return False
            if piece[STATUS_AT : STATUS_AT + 3] in TRY_ELSEWHERE and not last:
                return False
            try:
                while True:
                    await client.send(piece)
                    piece = await upstream.receive()
            except anyio.EndOfStream:
                return True


async def _request(client: ByteStream) -> bytes:
    """A whole request, body and all."""
    content = b""
    while b"\r\n\r\n" not in content:
        content += await client.receive()
    head, _, body = content.partition(b"\r\n\r\n")
    lengths = [line.split(b":")[1] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    while lengths and len(body) < int(lengths[0]):
        piece = await client.receive()
        content, body = content + piece, body + piece
    return content
