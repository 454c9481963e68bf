"""A server of scripted bytes on a real socket: it answers each connection with the next answer of its script."""

import socket
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import anyio
from anyio.abc import SocketAttribute, SocketStream

TASK_ID = "0123456789abcdef0123456789abcdef"
STREAM_HEAD = (
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n"
    f"X-Task-ID: {TASK_ID}\r\nTransfer-Encoding: chunked\r\n\r\n"
).encode()


@dataclass(frozen=True)
class Request:
    """What a client sent."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def last_event_id(self) -> str | None:
        return self.headers.get("last-event-id")


Answer = bytes | Callable[[Request], bytes]


@dataclass
class ScriptedServer:
    """What it was asked, in order, and where it listens."""

    url: str
    requests: list[Request] = field(default_factory=list)
    asked: anyio.Event = field(default_factory=anyio.Event)


def chunk(content: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(content), content) if content else b""


def stream(*content: bytes) -> bytes:
    """A stream that ends in good order."""
    return STREAM_HEAD + b"".join(map(chunk, content)) + b"0\r\n\r\n"


def cut(*content: bytes) -> bytes:
    """A stream that breaks off after its content."""
    return STREAM_HEAD + b"".join(map(chunk, content))


def answer(status: str, content: bytes = b"", media_type: str = "application/json", *more: str) -> bytes:
    head = [f"HTTP/1.1 {status}", f"Content-Type: {media_type}", f"Content-Length: {len(content)}", "Connection: close"]
    return "\r\n".join([*head, *more, "", ""]).encode() + content


def task_event(retry_ms: int = 1, status: str = "running", reused: str = "false") -> bytes:
    data = f'{{"id":"{TASK_ID}","kind":"research","status":"{status}","title":"why","reused":{reused}}}'
    return f"retry: {retry_ms}\nevent: task\ndata: {data}\n\n".encode()


def event(seq: int, kind: str, data: str, generation: str = "aaaaaa") -> bytes:
    return f"id: {generation}-{seq:012d}\nevent: {kind}\ndata: {data}\n\n".encode()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@asynccontextmanager
async def scripted(script: Sequence[Answer], port: int = 0) -> AsyncGenerator[ScriptedServer, None]:
    """The server, for as long as the block lasts; the last answer of the script is given again and again."""
    listener = await anyio.create_tcp_listener(local_host="127.0.0.1", local_port=port)
    bound = listener.listeners[0].extra(SocketAttribute.local_port)  # noqa: S610 - not Django's `extra`
    server = ScriptedServer(f"http://127.0.0.1:{bound}")

    async def serve_one(connection: SocketStream) -> None:
        async with connection:
            try:
                request = await _read(connection)
                server.requests.append(request)
                server.asked.set()
                turn = script[min(len(server.requests), len(script)) - 1]
                await connection.send(turn if isinstance(turn, bytes) else turn(request))
            except (anyio.EndOfStream, anyio.BrokenResourceError):
                return

    async with listener, anyio.create_task_group() as tg:
        tg.start_soon(listener.serve, serve_one)
        yield server
        tg.cancel_scope.cancel()


async def _read(connection: SocketStream) -> Request:
    raw = b""
    while b"\r\n\r\n" not in raw:
        raw += await connection.receive()
    head, _, body = raw.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    method, path, _ = first.split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    while len(body) < int(headers.get("content-length", 0)):
        body += await connection.receive()
    return Request(method, path, headers, body)
