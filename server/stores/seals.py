"""Seals: how a new owner fixes for ever what counts of the epochs before its own, and how readers find that out."""

import contextlib
from collections.abc import Sequence

import orjson

from server.errors import LogCorrupt
from server.models import EventType, Record, now_ms
from server.stores import lines
from server.stores.packed import BadMember
from server.stores.segments import Segments

HEAD_BYTES = 64 * 1024


def seals_of(records: Sequence[Record]) -> dict[int, tuple[int, int]]:
    """The seals among the leading records of a segment: ``{epoch: (bytes, seq)}``."""
    found: dict[int, tuple[int, int]] = {}
    for record in records:
        if record.type != EventType.SEAL:
            break
        seal = orjson.loads(record.data)
        found[seal["epoch"]] = (seal["bytes"], seal["seq"])
    return found


def seal_before(segments: Segments, epoch: int) -> list[Record]:
    """Fix for ever what counts of the epochs before ``epoch``: the seal records that its segment must begin with.

    Each unsealed segment is read to its last whole record and then made durable, since what its owner had not synced
    must not be sealed and then vanish. A seal counts only where it stands inside what counts of its own
    segment: an owner that was overtaken before it wrote its first record has sealed nothing.

    :raises LogCorrupt: a record in the middle of one of them is damaged.
    """
    known: dict[int, tuple[int, int]] = {}
    unsealed: list[tuple[int, lines.Chunk]] = []
    for earlier in range(epoch - 1, 0, -1):
        if earlier in known:
            seals_found = _leading_seals(segments, earlier, end=known[earlier][0])
        else:
            chunk, _ = _read_segment(segments, earlier, sync=True, keep_torn=True)
            if chunk.damaged:
                raise corrupt(earlier, chunk.length)
            unsealed.append((earlier, chunk))
            seals_found = seals_of(chunk.records)
        for sealed, seal in seals_found.items():
            known.setdefault(sealed, seal)
    seals: list[Record] = []
    for earlier, chunk in reversed(unsealed):
        before = known[earlier - 1][1] if earlier > 1 else 0
        seq = next((record.seq for record in reversed(chunk.records) if record.seq is not None), before)
        known[earlier] = (chunk.length, seq)
        data = {"epoch": earlier, "bytes": chunk.length, "seq": seq, "node": segments.owner(earlier)}
        seals.append(Record(None, now_ms(), EventType.SEAL, orjson.dumps(data)))
    return seals


def current_seals(segments: Segments) -> dict[int, tuple[int, int]]:
    """Every seal that counts as of now; empty while a new owner has not written its seals yet."""
    newest = segments.newest()
    known: dict[int, tuple[int, int]] = {}
    for epoch in range(newest, 1, -1):
        if epoch < newest and epoch not in known:
            break
        end = None if epoch == newest else known[epoch][0]
        for sealed, seal in _leading_seals(segments, epoch, end=end, sync=epoch == newest).items():
            known.setdefault(sealed, seal)
    # Looked at last: a claim that is not there now will find, and keep, the seals that were just read.
    return {} if segments.claimed(newest + 1) else known


def _leading_seals(
    segments: Segments, epoch: int, *, end: int | None, sync: bool = False
) -> dict[int, tuple[int, int]]:
    """The seals that a segment begins with, however many; ``end``: what counts of it, where that is known."""
    limit = HEAD_BYTES
    while True:
        wanted = limit if end is None else min(limit, end)
        chunk, size = _read_segment(segments, epoch, limit=wanted, sync=sync)
        if chunk.damaged:
            raise corrupt(epoch, chunk.length)
        seals = seals_of(chunk.records)
        if len(seals) < len(chunk.records) or size < limit:
            return seals
        limit *= 4


def _read_segment(
    segments: Segments, epoch: int, *, limit: int | None = None, sync: bool = False, keep_torn: bool = False
) -> tuple[lines.Chunk, int]:
    """What a segment holds, and how many bytes were read for that."""
    segment = segments.open(epoch)
    if segment is None:
        return lines.Chunk([], 0, damaged=False), 0
    with contextlib.closing(segment):
        try:
            content = segment.read_at(segment.size() if limit is None else limit, 0)
        except BadMember:
            raise corrupt(epoch, 0) from None
        if sync:
            # After it was read: what an owner that woke up writes in between is not part of it.
            segment.sync()
    chunk = lines.scan(content)
    if keep_torn and not chunk.damaged and chunk.length < len(content):
        segments.volume.replace(
            segments.log(epoch).with_suffix(".jsonl.broken"), content[chunk.length :], durable=False
        )
    return chunk, len(content)


def corrupt(epoch: int, offset: int) -> LogCorrupt:
    return LogCorrupt(
        f"The log of this task is damaged in epoch {epoch} at byte {offset}; what stands before it is whole. "
        "The file is kept as it is."
    )
