"""A simulated connection on which an answer goes on without its request, to a client that does not always take it."""

import asyncio
import re
from collections.abc import Callable
from random import Random

import anyio

from server.streaming.line import OnLine
from server.streaming.sse import Frame

PAUSE_SHARE, FOR_GOOD_SHARE = 0.2, 0.02
LONGEST_PAUSE_SECONDS = 1.5

_EVENT = re.compile(rb"id: [a-z0-9]+-(\d+)\nevent: (\w+)\ndata: (.*)\n\n")


class SimulatedLine:
    """A `server.streaming.line.Line`. ``over`` is set when the answer has ended or the connection is gone.

    What is written reaches the client at once; that it takes no more is told afterwards, as by a real one.
    """

    def __init__(self, take: Callable[[Frame], None], rng: Random) -> None:
        self._take, self._rng = take, rng
        self._on_line: OnLine
        self.paused = self._gone = False
        self.waiting_bytes = 0
        self.over = anyio.Event()

    def detach(self, on_line: OnLine) -> "SimulatedLine":
        self._on_line = on_line
        return self

    def write(self, piece: bytes) -> None:
        size, _, rest = piece.partition(b"\r\n")
        body = rest[:-2]
        if len(body) != int(size, 16):
            raise ValueError(f"a piece says that it has {size!r} bytes and has {len(body)}")
        for seq, kind, data in _EVENT.findall(body):
            self._take(Frame(int(seq), kind.decode(), data, body))
        if self._rng.random() < PAUSE_SHARE:
            self.paused = True
            if self._rng.random() >= FOR_GOOD_SHARE:
                asyncio.get_running_loop().call_later(self._rng.uniform(0, LONGEST_PAUSE_SECONDS), self._resume)

    def finish(self) -> None:
        self._gone = True
        self.over.set()

    def abort(self) -> None:
        asyncio.get_running_loop().call_soon(self.hang_up)

    def hang_up(self) -> None:
        """The connection is gone."""
        if not self._gone:
            self._gone = True
            self.over.set()
            self._on_line.lost()

    def _resume(self) -> None:
        self.paused = False
        if not self._gone:
            self._on_line.resumed()
