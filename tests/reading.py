"""Reading streams in tests: whole, in part, and cut at any byte."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx2
import orjson


@dataclass(frozen=True)
class Seen:
    """One event as a client got it."""

    id: str | None
    event: str
    data: Any

    @property
    def seq(self) -> int:
        assert self.id is not None
        return int(self.id.rpartition("-")[2])


def parse(content: bytes) -> list[Seen]:
    """The whole events of a stream; what is cut off at its end does not count."""
    seen = []
    for block in content.split(b"\n\n")[:-1]:
        fields = dict(line.split(b": ", 1) for line in block.split(b"\n") if line and not line.startswith(b":"))
        if b"event" in fields:
            event_id = fields[b"id"].decode() if b"id" in fields else None
            seen.append(Seen(event_id, fields[b"event"].decode(), orjson.loads(fields[b"data"])))
    return seen


def numbered(seen: list[Seen]) -> list[Seen]:
    """Without `task` and `reset`, which stand in no log."""
    return [each for each in seen if each.id is not None]


def read_stream(url: str, last_id: str | None = None, **more: Any) -> list[Seen]:
    """A stream to its end."""
    headers = {"Last-Event-ID": last_id} if last_id else {}
    answer = httpx2.get(url, headers=headers, timeout=60, **more)
    assert answer.status_code == 200, answer.text
    return parse(answer.content)


def report_of(seen: list[Seen]) -> dict[str, str]:
    """What the events add up to, part by part, with what was rolled back left out."""
    parts: dict[str, list[tuple[int, str]]] = {}
    for each in numbered(seen):
        if each.event == "output":
            parts.setdefault(each.data["part"], []).append((each.seq, each.data["text"]))
        elif each.event == "rollback":
            kept = [piece for piece in parts.get(each.data["part"], []) if piece[0] <= each.data["to_seq"]]
            parts[each.data["part"]] = kept
    return {part: "".join(text for _, text in pieces) for part, pieces in parts.items()}


@contextmanager
def connection(url: str, headers: str = "") -> Iterator[socket.socket]:
    """A raw GET, sent; what comes back is the caller's to read or not."""
    parts = urlsplit(url)
    assert parts.hostname is not None
    with socket.create_connection((parts.hostname, parts.port or 80), timeout=30) as raw:
        target = f"{parts.path}?{parts.query}" if parts.query else parts.path
        raw.sendall(f"GET {target} HTTP/1.1\r\nHost: {parts.netloc}\r\nConnection: close\r\n{headers}\r\n".encode())
        yield raw


def read_bytes(raw: socket.socket, most: int | None = None) -> bytes:
    """The body up to ``most`` bytes of it, or to its end or the connection's."""
    content, body = bytearray(), b""  # one that grows in its place: an answer may be long, and come in small pieces
    while (most is None or len(body) < most) and (more := _receive(raw)):
        content += more
        if most is not None:
            body = body_of(bytes(content))
    body = body_of(bytes(content))
    return body if most is None else body[:most]


def body_of(content: bytes) -> bytes:
    """The body in an answer's bytes, as far as they go."""
    head, _, rest = content.partition(b"\r\n\r\n")
    if b"transfer-encoding: chunked" not in head.lower():
        return rest
    body = []
    start = 0
    while (end := rest.find(b"\r\n", start)) >= 0 and (size := int(rest[start:end], 16)):
        body.append(rest[end + 2 : end + 2 + size])
        start = end + 2 + size + 2
    return b"".join(body)


def _receive(raw: socket.socket) -> bytes:
    try:
        return raw.recv(65536)
    except ConnectionError:
        return b""
