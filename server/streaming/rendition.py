"""A finished log as it goes over the wire, so that replaying it is reading and sending.

    blocks                  whole events of `text/event-stream`, about 64 KiB together
    index                   for each block: its first seq, where it begins, how long it is, its CRC-32
    end                     how many entries the index has, the last seq, the CRC-32 of both

It is made from the log and kept by the store as something derived. What is read of it is checked, and where anything
does not fit, the log is read instead.
"""

import struct
from bisect import bisect_right
from collections.abc import AsyncGenerator, Sequence
from typing import NamedTuple
from zlib import crc32

from anyio import to_thread

from server.errors import StoreFailed
from server.models import EventType, Life, Record
from server.stores.base import Rendition, Store, numbered
from server.streaming.sse import event_id, frame, superseded

BLOCK_BYTES = 64 * 1024
READ_BYTES = 1024 * 1024
TAIL_BYTES = 16 * 1024
"""Of which most indices are shorter."""
_ENTRY = struct.Struct("<QQII")
_END = struct.Struct("<4sIQI")
_MAGIC = b"SSE1"


class NotEnded(Exception):
    """The log does not end with `done`."""


async def render(store: Store, life: Life) -> AsyncGenerator[bytes]:
    """The rendition of a life's log, piece by piece. :raises NotEnded: there is no `done` at its end."""
    writing = _Writing(life.generation)
    reader = store.reader(life)
    try:
        while batch := await reader.read():
            # A long log is a lot of encoding, and others wait on this loop.
            yield await to_thread.run_sync(writing.add, batch)
    finally:
        await reader.close()
    yield writing.end()


class _Writing:
    """Fills blocks, and notes for the index what is in them."""

    def __init__(self, generation: str) -> None:
        self._generation = generation
        self._entries: list[bytes] = []
        self._block: list[bytes] = []
        self._block_bytes = self._offset = self._first_seq = 0
        self._last: Record | None = None

    def add(self, records: Sequence[Record]) -> bytes:
        """The blocks that these records fill. The last one waits: whether a `done` is the last decides its name."""
        blocks = []
        for record in numbered(records):
            if self._last is not None:
                self._put(self._last, followed=True)
                if self._block_bytes >= BLOCK_BYTES:
                    blocks.append(self._close_block())
            self._last = record
        return b"".join(blocks)

    def end(self) -> bytes:
        """The last block with all that follows it."""
        if self._last is None or self._last.type != EventType.DONE:
            raise NotEnded
        self._put(self._last, followed=False)
        block = self._close_block()
        index = b"".join(self._entries)
        last_seq = self._last.seq or 0
        return block + index + _END.pack(_MAGIC, len(self._entries), last_seq, _checksum(index, last_seq))

    def _put(self, record: Record, *, followed: bool) -> None:
        encoded = frame(self._generation, record)
        if followed and record.type == EventType.DONE:
            encoded = superseded(self._generation, encoded)
        self._first_seq = self._first_seq or encoded.seq
        self._block.append(encoded.sse)
        self._block_bytes += len(encoded.sse)

    def _close_block(self) -> bytes:
        block = b"".join(self._block)
        self._entries.append(_ENTRY.pack(self._first_seq, self._offset, len(block), crc32(block)))
        self._offset += len(block)
        self._block, self._block_bytes, self._first_seq = [], 0, 0
        return block


class Unfit(Exception):
    """The rendition is damaged, or no longer that of the log: what follows must be read from the log."""


class _Block(NamedTuple):
    """An entry of the index: lengths and places in bytes."""

    first_seq: int
    start: int
    length: int
    checksum: int


class RenditionReader:
    """A cursor on an open rendition: ``seq`` is the last event that it has given."""

    def __init__(self, rendition: Rendition, generation: str, after: int) -> None:
        self._rendition, self._generation = rendition, generation
        self._blocks: list[_Block] = []
        self._next = 0
        self.seq, self._last_seq = after, 0

    @property
    def ended(self) -> bool:
        """Whether it has given the last event."""
        return 0 < self._last_seq <= self.seq

    async def next(self) -> bytes:
        """The next whole events, not to be asked for once it has `ended`. :raises Unfit:"""
        try:
            if not self._blocks:
                await self._read_index()
            return await self._read_blocks()
        except StoreFailed as error:
            raise Unfit(error.detail) from None

    async def close(self) -> None:
        await self._rendition.close()

    async def _read_index(self) -> None:
        size = self._rendition.size
        tail = await self._read(max(0, size - TAIL_BYTES), TAIL_BYTES)
        if len(tail) < _END.size:
            raise Unfit("It is cut off.")
        magic, count, last_seq, checksum = _END.unpack_from(tail, len(tail) - _END.size)
        length = count * _ENTRY.size + _END.size
        if magic != _MAGIC or not count or length > size:
            raise Unfit("There is no index at its end.")
        if length > len(tail):
            tail = await self._read(size - length, length)
        index = tail[len(tail) - length : -_END.size]
        if checksum != _checksum(index, last_seq):
            raise Unfit("The checksum of its index does not match.")
        self._last_seq, self._blocks = last_seq, [_Block(*entry) for entry in _ENTRY.iter_unpack(index)]
        self._next = bisect_right(self._blocks, self.seq + 1, key=lambda block: block.first_seq) - 1
        if self._next < 0 or self.seq >= last_seq:
            raise Unfit("It does not hold what is asked for.")

    async def _read_blocks(self) -> bytes:
        """As many blocks as are read at once, each checked."""
        blocks = self._blocks[self._next :]
        start = blocks[0].start
        count = max(1, bisect_right(blocks, start + READ_BYTES, key=lambda block: block.start + block.length))
        end = blocks[count - 1].start + blocks[count - 1].length
        content = await self._read(start, end - start)
        view = memoryview(content)
        for block in blocks[:count]:
            place = block.start - start
            if crc32(view[place : place + block.length]) != block.checksum:
                raise Unfit(f"The checksum of the block from event {block.first_seq} on does not match.")
        wanted = self._place_of(self.seq + 1, content, blocks[0])
        self._next += count
        self.seq = blocks[count].first_seq - 1 if count < len(blocks) else self._last_seq
        return content[wanted:] if wanted else content

    def _place_of(self, seq: int, content: bytes, block: _Block) -> int:
        """Where an event begins that is in the first of these blocks."""
        if seq == block.first_seq:
            return 0
        # A line of data holds no newline, so nothing but the event itself begins like this.
        place = content.find(b"\n\nid: %b\n" % event_id(self._generation, seq).encode(), 0, block.length)
        if place < 0:
            raise Unfit(f"Event {seq} is not where the index says.")
        return place + 2

    async def _read(self, offset: int, size: int) -> bytes:
        content = await self._rendition.read(offset, size)
        if content is None:
            raise Unfit("The task was gone on with, or removed.")
        return content


def _checksum(index: bytes, last_seq: int) -> int:
    return crc32(b"%b%d" % (index, last_seq))
