"""Seals: how a new owner fixes for ever what counts of the epochs before its own, and how readers find that out.

A seal repeats the last group of records that it seals. That one may be on no disk although it can be read: where its
owner's fsync has failed, the system goes on showing it, and calls it durable to whoever asks next. Of the groups before
it each next one says that they were durable.
"""

import contextlib
from collections.abc import Sequence
from typing import NamedTuple

import orjson

from server.errors import LogCorrupt
from server.models import EventType, Record, now_ms
from server.stores import lines
from server.stores.packed import BadMember
from server.stores.segments import OpenSegment, Segments

HEAD_BYTES = 64 * 1024


class Seal(NamedTuple):
    """What counts of an epoch: its first ``length`` bytes, with the last event ``seq``.

    ``last``: the last of these bytes, which are read from here and not from the segment.
    """

    length: int
    seq: int
    last: bytes = b""

    def read(self, segment: OpenSegment, size: int, offset: int) -> bytes:
        """At most ``size`` bytes of what counts; fewer only at its end, or where the segment is damaged."""
        start = self.length - len(self.last)
        size = min(size, self.length - offset)
        wanted = max(0, min(size, start - offset))
        content = segment.read_at(wanted, offset) if wanted else b""
        if len(content) < wanted:
            return content
        place = offset + wanted - start
        return content + self.last[place : place + size - wanted]


def seals_of(records: Sequence[Record]) -> dict[int, Seal]:
    """The seals among the leading records of a segment, by the epoch that they seal."""
    found: dict[int, Seal] = {}
    for record in records:
        if record.type != EventType.SEAL:
            break
        seal = orjson.loads(record.data)
        found[seal["epoch"]] = Seal(seal["bytes"], seal["seq"], seal.get("last", "").encode())
    return found


def seal_before(segments: Segments, epoch: int) -> list[Record]:
    """Fix for ever what counts of the epochs before ``epoch``: the seal records that its segment must begin with.

    Each unsealed segment is read to its last whole record and then made durable, since what its owner had not synced
    must not be sealed and then vanish. A seal counts only where it stands inside what counts of its own
    segment: an owner that was overtaken before it wrote its first record has sealed nothing.

    :raises LogCorrupt: a record in the middle of one of them is damaged.
    """
    known: dict[int, Seal] = {}
    unsealed: list[tuple[int, lines.Chunk, bytes]] = []
    for earlier in range(epoch - 1, 0, -1):
        if earlier in known:
            seals_found = _leading_seals(segments, earlier, known[earlier])
        else:
            content = _content(segments, earlier, sync=True)
            chunk = lines.scan(content)
            if chunk.damaged:
                raise corrupt(earlier, chunk.length)
            if chunk.length < len(content):
                _keep_torn(segments, earlier, content[chunk.length :])
            unsealed.append((earlier, chunk, content[chunk.last_group : chunk.length]))
            seals_found = seals_of(chunk.records)
        for sealed, seal in seals_found.items():
            known.setdefault(sealed, seal)
    seals: list[Record] = []
    for earlier, chunk, last in reversed(unsealed):
        before = known[earlier - 1].seq if earlier > 1 else 0
        seq = next((record.seq for record in reversed(chunk.records) if record.seq is not None), before)
        known[earlier] = Seal(chunk.length, seq, last)
        data = {
            "epoch": earlier,
            "bytes": chunk.length,
            "seq": seq,
            "node": segments.owner(earlier),
            "last": last.decode(),
        }
        seals.append(Record(None, now_ms(), EventType.SEAL, orjson.dumps(data)))
    return seals


def current_seals(segments: Segments) -> dict[int, Seal]:
    """Every seal that counts as of now; empty while a new owner has not written its seals yet."""
    newest = segments.newest()
    known: dict[int, Seal] = {}
    for epoch in range(newest, 1, -1):
        if epoch < newest and epoch not in known:
            break
        for sealed, seal in _leading_seals(segments, epoch, known.get(epoch), sync=epoch == newest).items():
            known.setdefault(sealed, seal)
    # Looked at last: a claim that is not there now will find, and keep, the seals that were just read.
    return {} if segments.claimed(newest + 1) else known


def _leading_seals(segments: Segments, epoch: int, seal: Seal | None, *, sync: bool = False) -> dict[int, Seal]:
    """The seals that a segment begins with, however many; ``seal``: its own, where there is one."""
    limit = HEAD_BYTES
    while True:
        content = _content(segments, epoch, seal=seal, limit=limit, sync=sync)
        chunk = lines.scan(content)
        if chunk.damaged:
            raise corrupt(epoch, chunk.length)
        seals = seals_of(chunk.records)
        if len(seals) < len(chunk.records) or len(content) < limit:
            return seals
        limit *= 4


def _content(
    segments: Segments, epoch: int, *, seal: Seal | None = None, limit: int | None = None, sync: bool = False
) -> bytes:
    """What stands in a segment, or counts of it, from its beginning."""
    segment = segments.open(epoch)
    if segment is None:
        return b""
    with contextlib.closing(segment):
        try:
            if seal is not None:
                content = seal.read(segment, seal.length if limit is None else limit, 0)
            else:
                content = segment.read_at(segment.size() if limit is None else limit, 0)
        except BadMember:
            raise corrupt(epoch, 0) from None
        if sync:
            # After it was read: what an owner that woke up writes in between is not part of it.
            segment.sync()
    return content


def _keep_torn(segments: Segments, epoch: int, tail: bytes) -> None:
    segments.volume.replace(segments.log(epoch).with_suffix(".jsonl.broken"), tail, durable=False)


def corrupt(epoch: int, offset: int) -> LogCorrupt:
    return LogCorrupt(
        f"The log of this task is damaged in epoch {epoch} at byte {offset}; what stands before it is whole. "
        "The file is kept as it is."
    )


def cut_short(seq: int) -> LogCorrupt:
    return LogCorrupt(
        f"The log of this task ends before event {seq}, which it held when its snapshot was saved. What is left of it "
        "is kept as it is.",
        reaches=seq,
    )
