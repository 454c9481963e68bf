"""A web server on loopback that answers as it is told to, or not at all."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import anyio
from anyio.abc import SocketAttribute, SocketStream

Serve = Callable[[SocketStream], Awaitable[None]]


def answer(body: bytes = b"", *, status: str = "200 OK", **headers: str) -> bytes:
    """One whole HTTP answer; header names are written with underscores."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def page(text: str, *, title: str = "A page", head: str = "") -> bytes:
    body = f"<!doctype html><html><head><title>{title}</title>{head}</head><body><main>{text}</main></body></html>"
    return answer(body.encode(), Content_Type="text/html; charset=utf-8")


async def never(stream: SocketStream) -> None:
    """Take the request and say nothing until the client gives up."""
    try:
        while True:
            await stream.receive()
    except (anyio.EndOfStream, anyio.BrokenResourceError):
        return


async def drip(stream: SocketStream) -> None:
    """A head at once, then a byte now and then, for ever."""
    try:
        await stream.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<p>")
        while True:
            await stream.send(b"x")
            await anyio.sleep(0.02)
    except (anyio.BrokenResourceError, anyio.ClosedResourceError):
        return


NO_SUCH_PAGE = answer(b"no such page", status="404 Not Found")


@dataclass
class Pages:
    """What was asked for, in order, and where it listens."""

    port: int
    routes: dict[str, bytes | Serve]
    otherwise: bytes | Serve = NO_SUCH_PAGE
    """What is served at every other path."""
    asked: list[str] = field(default_factory=list)
    heads: list[str] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}{path}"

    async def handle(self, stream: SocketStream) -> None:
        async with stream:
            head = b""
            while b"\r\n\r\n" not in head:
                head += await stream.receive()
            head, _, body = head.partition(b"\r\n\r\n")
            length = re.search(rb"\r\nContent-Length: (\d+)", head, re.I)
            while length is not None and len(body) < int(length[1]):
                body += await stream.receive()
            path = head.split(b" ", 2)[1].decode()
            self.asked.append(path)
            self.heads.append(head.decode())
            self.bodies.append(body)
            served = self.routes.get(path, self.otherwise)
            if isinstance(served, bytes):
                await stream.send(served)
            else:
                await served(stream)


@asynccontextmanager
async def serve_pages(
    routes: dict[str, bytes | Serve], otherwise: bytes | Serve = NO_SUCH_PAGE
) -> AsyncIterator[Pages]:
    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    port = listener.extra(SocketAttribute.local_port)  # noqa: S610 - no database anywhere near
    pages = Pages(port, routes, otherwise)

    async def handle(stream: SocketStream) -> None:
        try:
            await pages.handle(stream)
        except (anyio.EndOfStream, anyio.BrokenResourceError, anyio.ClosedResourceError):
            return

    async with listener, anyio.create_task_group() as group:
        group.start_soon(listener.serve, handle)
        yield pages
        group.cancel_scope.cancel()
