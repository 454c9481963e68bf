"""The load: a process of its own that asks and reads over real sockets, in one loop without threads.

It gets one plan as a line of JSON and says what it has found as lines of JSON: see `Plan`.
"""

import hashlib
import json
import re
import resource
import selectors
import socket
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from scripts.benching.answers import Answer, quantile, whole

HOST = "127.0.0.1"
READ_BYTES = 256 * 1024
OPENING_AT_ONCE = 100
NEVER = 1 << 63
LOOK_SECONDS = 0.2
EMITTED = re.compile(rb'"t": ?(\d+)')


@dataclass(frozen=True)
class Plan:
    """What to do.

    ``mode``: `follow` opens a connection for each of ``targets``, as often as it says, says so and reads them to their
    ends; `hold` does the same but reads until its standard input ends; `whole` reads one answer to the end of its
    connection; `ask` sends the first target's request ``count`` times over ``connections`` at once.

    ``mark``: what is counted; `follow` has all when it has come ``wanted`` times on a connection. ``delays``: the time
    since the moment of emission that each event carries is taken, of those emitted after all were connected.
    ``reconnect``: each request on a new connection, which is dropped when the mark has come. ``save``: the file that
    `whole` writes the body to.
    """

    mode: str
    port: int
    targets: list[tuple[str, int]]
    method: str = "GET"
    headers: dict[str, str] = field(default_factory=dict)
    body: str = ""
    mark: str = ""
    wanted: int = 0
    delays: bool = False
    count: int = 1
    connections: int = 1
    reconnect: bool = False
    save: str = ""
    limit_seconds: float = 300.0

    def encode(self) -> bytes:
        return json.dumps(asdict(self)).encode() + b"\n"

    def request(self, target: str) -> bytes:
        lines = [f"{self.method} {target} HTTP/1.1", f"Host: {HOST}:{self.port}"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        if self.body:
            lines += ["Content-Type: application/json", f"Content-Length: {len(self.body)}"]
        return "\r\n".join([*lines, "", self.body]).encode()


class TooLong(Exception):
    """The plan's limit was over first."""


@dataclass(eq=False, slots=True)
class Reader:
    """One connection that follows."""

    sock: socket.socket
    answer: Answer
    ready: bool = False


def connect(port: int) -> socket.socket:
    sock = socket.create_connection((HOST, port), timeout=30)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setblocking(False)
    return sock


class Follower:
    """Many readers in one loop."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._selector = selectors.DefaultSelector()
        self._ends = time.monotonic() + plan.limit_seconds
        self._readers: list[Reader] = []
        self._reading = self._ready = self._bytes = 0
        self._delays: list[float] = []
        self._all_ready = NEVER
        self.first_emitted = 0

    def run(self) -> dict[str, Any]:
        asked = time.monotonic()
        for target in self._targets():
            while len(self._readers) - self._ready >= OPENING_AT_ONCE:
                self._take()
            self._open(target)
        while self._ready < len(self._readers):
            self._take()
        self._all_ready = time.monotonic_ns()
        tell({"ready": len(self._readers)})
        cpu, began = _cpu_seconds(), time.monotonic()
        if self._plan.mode == "hold":
            self._selector.register(sys.stdin, selectors.EVENT_READ)
        while self._reading:
            self._take()
        last = time.monotonic()
        found = [reader.answer.found for reader in self._readers]
        delays = sorted(self._delays)
        return {
            "asked": asked,
            "last": last,
            "emitted": self.first_emitted / 1e9,
            "found": sum(found),
            "least": min(found),
            "most": max(found),
            "bytes": self._bytes,
            "busy": (_cpu_seconds() - cpu) / max(1e-9, last - began),
            "p50": quantile(delays, 0.5),
            "p99": quantile(delays, 0.99),
            "longest": delays[-1] if delays else 0.0,
        }

    def _targets(self) -> Iterator[str]:
        for target, count in self._plan.targets:
            for _ in range(count):
                yield target

    def _open(self, target: str) -> None:
        sock = connect(self._plan.port)
        sock.send(self._plan.request(target))
        reader = Reader(sock, Answer(self._plan.mark.encode()))
        self._readers.append(reader)
        self._reading += 1
        self._selector.register(sock, selectors.EVENT_READ, reader)

    def _take(self) -> None:
        if time.monotonic() > self._ends:
            found = sum(reader.answer.found for reader in self._readers)
            raise TooLong(
                f"{self._plan.limit_seconds:g} s were over: {self._ready} of {len(self._readers)} connections were "
                f"answered, {self._reading} not at their ends, {found} events read"
            )
        for key, _ in self._selector.select(LOOK_SECONDS):
            if key.data is None:
                self._reading = 0  # standard input: the one that holds lets go
            else:
                self._read(key.data)

    def _read(self, reader: Reader) -> None:
        try:
            data = reader.sock.recv(READ_BYTES)
        except BlockingIOError:
            return
        except ConnectionError:
            data = b""
        answer = reader.answer
        body = answer.feed(data)
        self._bytes += len(data)
        if not reader.ready and answer.status:
            if answer.status != 200:
                raise TooLong(f"was answered {answer.status}: {body[:300]!r}")
            reader.ready = True
            self._ready += 1
        if self._plan.delays:
            now = time.monotonic_ns()
            moments = map(int, EMITTED.findall(body))
            self._delays += [(now - emitted) / 1e9 for emitted in moments if emitted >= self._all_ready]
        if not self.first_emitted and (match := EMITTED.search(body)):
            self.first_emitted = int(match[1])
        if not data or answer.over or (self._plan.wanted and answer.found >= self._plan.wanted):
            if not reader.ready:
                raise TooLong("a connection ended without an answer")
            self._selector.unregister(reader.sock)
            reader.sock.close()
            self._reading -= 1


def read_whole(plan: Plan) -> dict[str, Any]:
    """Nothing is looked at before all has come, so that the time is the server's."""
    pieces: list[bytes] = []
    target, _ = plan.targets[0]
    asked = time.monotonic()
    sock = connect(plan.port)
    sock.setblocking(True)
    sock.settimeout(plan.limit_seconds)
    sock.sendall(plan.request(target))
    while piece := sock.recv(4 * READ_BYTES):
        pieces.append(piece)
    last = time.monotonic()
    answer, body = whole(b"".join(pieces), plan.mark.encode())
    if plan.save:
        Path(plan.save).write_bytes(body)
    digest = hashlib.sha256(body).hexdigest()
    return {
        "seconds": last - asked,
        "status": answer.status,
        "found": answer.found,
        "bytes": len(body),
        "sha256": digest,
    }


class Asker:
    """The same request again and again, over a few connections at once."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._request = plan.request(plan.targets[0][0])
        self._selector = selectors.DefaultSelector()
        self._asked = self._answered = 0
        self._statuses: Counter[int] = Counter()

    def run(self) -> dict[str, Any]:
        ends = time.monotonic() + self._plan.limit_seconds
        cpu, began = _cpu_seconds(), time.monotonic()
        for _ in range(min(self._plan.connections, self._plan.count)):
            self._ask(None)
        while self._answered < self._plan.count:
            if time.monotonic() > ends:
                raise TooLong(f"{self._plan.limit_seconds:g} s were over: {self._answered} answers")
            for key, _ in self._selector.select(LOOK_SECONDS):
                self._read(key.data)
        seconds = time.monotonic() - began
        return {
            "seconds": seconds,
            "statuses": {str(status): count for status, count in self._statuses.items()},
            "busy": (_cpu_seconds() - cpu) / seconds,
        }

    def _ask(self, sock: socket.socket | None) -> None:
        self._asked += 1
        if sock is None:
            sock = connect(self._plan.port)
            self._selector.register(sock, selectors.EVENT_READ)
        sock.send(self._request)
        self._selector.modify(sock, selectors.EVENT_READ, Reader(sock, Answer(self._plan.mark.encode())))

    def _read(self, reader: Reader) -> None:
        data = reader.sock.recv(READ_BYTES)
        answer = reader.answer
        answer.feed(data)
        enough = answer.over or (self._plan.reconnect and answer.found > 0)
        if not data and not enough:
            raise TooLong("a connection ended in the middle of an answer")
        if not enough:
            return
        self._answered += 1
        self._statuses[answer.status] += 1
        sock: socket.socket | None = reader.sock
        if self._plan.reconnect or self._asked >= self._plan.count:
            self._selector.unregister(reader.sock)
            reader.sock.close()
            sock = None
        if self._asked < self._plan.count:
            self._ask(sock)


def _cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def tell(said: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(said) + "\n")
    sys.stdout.flush()


def carry_out(plan: Plan) -> dict[str, Any]:
    if plan.mode == "whole":
        return read_whole(plan)
    if plan.mode == "ask":
        return Asker(plan).run()
    return Follower(plan).run()


def main() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    plan = Plan(**json.loads(sys.stdin.readline()))
    try:
        tell(carry_out(plan))
    except (TooLong, OSError) as error:
        tell({"error": str(error)})


if __name__ == "__main__":
    main()
