"""The ring of a task's latest events, encoded once for all its readers in this node."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import anyio

from server.models import EventType, Life, Record
from server.stores.base import numbered
from server.streaming.line import chunk
from server.streaming.sse import Frame, frame, superseded
from server.streaming.wire import Wire

FRAME_BYTES = 250
"""What an event takes in a ring beside its bytes on the wire, about."""
BATCH_FRAMES = 500
BATCHES_KEPT = 4

DONE = str(EventType.DONE)
"""Looked up once: every event is compared with it."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Some frames as a piece of a chunked body. ``seq`` is that of the last one; ``done``: there will be no more."""

    piece: bytes
    seq: int
    done: bool


class Channel:
    """The latest events of one life: a run of frames without gaps, its end the last event published."""

    def __init__(self, life: Life, may_take: Callable[[], int]) -> None:
        self.life = life
        self._may_take = may_take
        self.owned = False
        self.following = False
        self.readers = 0
        self._frames: list[Frame] = []
        self._bytes = 0
        self._batches: dict[tuple[str, int], Batch] = {}
        self.changed = anyio.Event()

    @property
    def flowing(self) -> bool:
        """Whether somebody feeds the ring."""
        return self.owned or self.following

    @property
    def last_seq(self) -> int:
        return self._frames[-1].seq if self._frames else 0

    def publish(self, records: Sequence[Record]) -> None:
        """Add durable records. What the ring has already is passed over."""
        self._batches.clear()
        generation, frames = self.life.generation, self._frames
        last = frames[-1] if frames else None
        for record in numbered(records):
            seq = record.seq or 0
            if last is not None:
                if seq <= last.seq:
                    continue
                if seq != last.seq + 1:
                    frames.clear()
                    self._bytes = 0
                elif last.type == DONE:
                    frames[-1] = superseded(generation, last)
            last = frame(generation, record)
            frames.append(last)
            self._bytes += len(last.sse) + FRAME_BYTES
        self._trim()
        self.notify()

    def after(self, seq: int) -> list[Frame] | None:
        """The frames after ``seq``, at most a batch; None when the ring does not reach back so far."""
        if not self._frames or seq < self._frames[0].seq - 1 or seq > self.last_seq:
            return None
        start = seq - self._frames[0].seq + 1
        return self._frames[start : start + BATCH_FRAMES]

    def ahead(self, seq: int) -> bool | None:
        """Whether the ring has frames after ``seq``; None when it does not reach back so far."""
        if not self._frames or seq < self._frames[0].seq - 1 or seq > self.last_seq:
            return None
        return seq < self.last_seq

    def batch(self, seq: int, wire: Wire) -> Batch:
        """The frames after ``seq``, which must be `ahead`; made once for all who are there."""
        key = (wire.name, seq)
        batch = self._batches.get(key)
        if batch is None:
            frames = self.after(seq) or []
            batch = Batch(chunk(wire.frames(frames)), frames[-1].seq, frames[-1].type == EventType.DONE)
            if len(self._batches) >= BATCHES_KEPT:  # else readers that are each somewhere else would fill the memory
                self._batches.clear()
            self._batches[key] = batch
        return batch

    def notify(self) -> None:
        changed, self.changed = self.changed, anyio.Event()
        changed.set()

    def _trim(self) -> None:
        most = self._may_take()
        if self._bytes <= most * 5 // 4:  # not for each event anew
            return
        drop = 0
        while self._bytes > most and drop < len(self._frames) - 1:
            self._bytes -= _size(self._frames[drop])
            drop += 1
        del self._frames[:drop]


def _size(frame: Frame) -> int:
    return len(frame.sse) + FRAME_BYTES
