"""A reader that follows one task to its end through any node that answers, and notes whatever it must never see."""

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import anyio
import orjson

from tests.campaigns.exchange import Answer, Cut, Refused, exchange
from tests.campaigns.ledger import Ledger, Loss

RETRY_SECONDS = 3.0
"""What EventSource waits before it connects again while the stream has not said anything else."""
NEVER_CUT = 1 << 60


@dataclass(frozen=True, slots=True)
class Event:
    """A numbered event: its bytes as they came, and when (seconds on the monotonic clock)."""

    seq: int
    type: str
    raw: bytes
    at: float

    @property
    def id(self) -> str:
        return self.raw.partition(b"\n")[0].removeprefix(b"id: ").decode()

    @property
    def data(self) -> dict[str, Any]:
        data: dict[str, Any] = orjson.loads(self.raw.partition(b"\ndata: ")[2])
        return data


class Reader:
    """Follows ``target`` as EventSource does: connects again with the id that it saw last, at the next port.

    :param pause: seconds between two connections; None: what the stream itself asks for.
    :param cut: called for each connection, says after how many bytes of the body the reader drops it.
    :param dawdle: called after each piece read, to be awaited: a slow reader.
    :param last_id: what it says it has seen before.
    """

    def __init__(
        self,
        target: str,
        ports: Sequence[int],
        ledger: Ledger,
        *,
        first: int = 0,
        pause: float | None = None,
        cut: Callable[[], int] = lambda: NEVER_CUT,
        dawdle: Callable[[], Awaitable[object]] | None = None,
        last_id: str = "",
    ) -> None:
        self.target = target
        self.events: list[Event] = []
        self.task: dict[str, Any] = {}
        self.ended = False
        self.connections = self.refusals = self.breaks = self.body_bytes = self.status = 0
        self._ports, self._place, self._ledger = ports, first, ledger
        self._pause, self._retry_seconds = pause, RETRY_SECONDS
        self._cut, self._dawdle = cut, dawdle
        self._last_id, self._expected = last_id, _seq_of(last_id) + 1
        self.has_task = anyio.Event()

    @property
    def port(self) -> int:
        return self._ports[self._place % len(self._ports)]

    async def follow(self) -> None:
        """Until `done`."""
        while not self.ended:
            await self.connect()
            if not self.ended:
                await anyio.sleep(self._retry_seconds if self._pause is None else self._pause)

    async def connect(self) -> None:
        """One connection, to its end, wherever that is. The next one goes to the next port."""
        headers = {"Last-Event-ID": self._last_id} if self._last_id else {}
        try:
            async with exchange(self.port, self.target, headers=headers) as answer:
                self.connections += 1
                self.status = answer.status
                if answer.status != 200:
                    self._lose(Loss.ERROR, f"was answered {answer.status}: {(await answer.read())[:300]!r}")
                    self.ended = answer.status == 204
                else:
                    await self._read(answer, self._cut())
        except Refused:
            self.refusals += 1
        except Cut:
            self.breaks += 1
        self._place += 1

    async def _read(self, answer: Answer, left: int) -> None:
        rest = b""
        while left > 0 and (piece := await answer.more()):
            *blocks, rest = (rest + piece[:left]).split(b"\n\n")
            left -= len(piece)
            self.body_bytes += len(piece)
            for block in blocks:
                self._take(block)
            if self._dawdle is not None:
                await self._dawdle()
        self._take_fields(rest.rpartition(b"\n")[0])

    def _take(self, block: bytes) -> None:
        fields = self._take_fields(block)
        kind = fields.get(b"event", b"").decode()
        if b"id" not in fields:
            self._take_unnumbered(kind, fields.get(b"data", b"null"))
            return
        self._last_id = fields[b"id"].decode()
        seq = _seq_of(self._last_id)
        if seq != self._expected or self.ended:
            loss = Loss.GAP if seq > self._expected else Loss.DOUBLE
            self._lose(loss, f"got {seq} ({kind}) where {self._expected} was due")
        self._expected = seq + 1
        raw = b"\n".join(b"%b: %b" % (name, fields[name]) for name in (b"id", b"event", b"data"))
        self.events.append(Event(seq, kind, raw, time.monotonic()))
        self.ended = self.ended or kind == "done"

    def _take_fields(self, block: bytes) -> dict[bytes, bytes]:
        """The fields of an event, without comments."""
        lines = (line.partition(b": ") for line in block.split(b"\n") if line and not line.startswith(b":"))
        fields = {name: value for name, _, value in lines}
        if b"retry" in fields and fields[b"retry"].isdigit():
            self._retry_seconds = int(fields[b"retry"]) / 1000
        return fields

    def _take_unnumbered(self, kind: str, data: bytes) -> None:
        if kind == "stalled":
            return  # it waits, which is no loss
        if kind == "task":
            self.task = orjson.loads(data)
            self.has_task.set()
        elif kind:
            loss = Loss.RESET if kind == "reset" else Loss.ERROR
            self._lose(loss, f"was told {kind} {data[:200]!r} after {self._last_id or 'nothing'}")
            self.events.clear()
            self._expected = 1
            self.ended = self.ended or kind == "done"

    def _lose(self, kind: Loss, what: str) -> None:
        self._ledger.lose(kind, f"a reader of {self.target} at port {self.port} {what}")


def _seq_of(event_id: str) -> int:
    """0 for what is no id of an event."""
    number = event_id.rpartition("-")[2]
    return int(number) if number.isdigit() else 0
