"""Reading a life's log over its segments: what is durable, to the seals that count, and never past them."""

from functools import partial

from server.models import EventType, Record
from server.stores import lines
from server.stores.packed import BadMember
from server.stores.seals import Seal, corrupt, current_seals
from server.stores.segments import OpenSegment, Segments

READ_BYTES = 1024 * 1024
SEEK_BYTES = 4 * 1024
"""What is read at each step of a search, which ends when no more than that is left to be decoded."""


def _first_numbered(content: bytes) -> tuple[int, int] | None:
    """``(place, seq)`` of the first whole event behind the first newline; None when there is none, or it is damaged."""
    start = content.find(b"\n") + 1
    while start and (end := content.find(b"\n", start)) >= 0:
        try:
            record = lines.decode(content[start:end])
        except lines.BadLine:
            return None
        if record.seq is not None:
            return start, record.seq
        start = end + 1
    return None


class SegmentReader:
    """A position in a life's segments. Its method blocks; the store runs it in a thread."""

    def __init__(self, segments: Segments, after: int) -> None:
        self._segments, self.after = segments, after
        self._everything = after == 0
        self._epoch, self._offset = 1, 0
        self._segment: OpenSegment | None = None
        self._seals: dict[int, Seal] = {}
        self.undecided = self.complete = False

    def read(self, durable_to: int | None) -> list[Record]:
        self.complete = False
        found = self._read(durable_to)
        self.undecided = not found and self._segments.claimed(self._epoch + 1)
        return found

    def _read(self, durable_to: int | None) -> list[Record]:
        while durable_to is None or self.after < durable_to:
            seal = self._seal()
            if seal is not None and self._is_behind(seal):
                self.close()
                self._epoch, self._offset = self._epoch + 1, 0
                continue
            try:
                chunk = self._next_chunk(seal, durable_to)
            except BadMember:
                raise corrupt(self._epoch, self._offset) from None
            if chunk.length == 0:
                if chunk.damaged or seal is not None:
                    raise corrupt(self._epoch, self._offset)
                break
            before = self._offset
            wanted = self._take(chunk, durable_to)
            if self._is_end(chunk) and seal is None and self._offset == before + chunk.length:
                # Looked at last: what a claim that is not there now will seal ends here.
                self.complete = not self._segments.claimed(self._epoch + 1)
            if wanted or self._offset == before:
                return wanted
        return []

    @staticmethod
    def _is_end(chunk: lines.Chunk) -> bool:
        return chunk.records[-1].type == EventType.RELEASE and not chunk.damaged

    def close(self) -> None:
        segment, self._segment = self._segment, None
        if segment is not None:
            segment.close()

    def _seal(self) -> Seal | None:
        """The seal of the epoch being read, once a later owner has written it."""
        if self._epoch not in self._seals and self._segments.claimed(self._epoch + 1):
            self._seals = current_seals(self._segments)
        return self._seals.get(self._epoch)

    def _is_behind(self, seal: Seal) -> bool:
        """Whether nothing of the sealed epoch is wanted any more."""
        if self._offset >= seal.length:
            return True
        return self._offset == 0 and not self._everything and self.after >= seal.seq

    def _next_chunk(self, seal: Seal | None, durable_to: int | None) -> lines.Chunk:
        """The next whole records; none when nothing may be delivered as of now."""
        nothing = lines.Chunk([], 0, damaged=False)
        if self._segment is None:
            self._segment = self._segments.open(self._epoch)
            if self._segment is None:
                return nothing
            if not self._everything:
                self._offset = self._near_start(self._segment, seal)
        segment = self._segment
        size = READ_BYTES
        while True:
            read_at = segment.read_at if seal is None else partial(seal.read, segment)
            content = read_at(size, self._offset)
            chunk = lines.scan(content)
            if chunk.length or chunk.damaged or len(content) < size:
                break
            size *= 4
        if seal is None and chunk.records and durable_to is None:
            # In this order: a claim that is not there after the sync can't seal less than what was read.
            segment.sync()
            if self._segments.claimed(self._epoch + 1):
                return nothing
        return chunk

    def _near_start(self, segment: OpenSegment, seal: Seal | None) -> int:
        """Where a record begins that is not after the wanted ones, and not far before: found by halving."""
        low, high = 0, segment.size() if seal is None else seal.length - len(seal.last)
        while high - low > SEEK_BYTES:
            middle = (low + high) // 2
            size = SEEK_BYTES
            while (found := _first_numbered(segment.read_at(size, middle))) is None and middle + size < high:
                size *= 4  # a record may be long
            if found is None:
                break
            place, seq = found
            if seq > self.after:
                high = middle
            elif middle + place > low:
                low = middle + place
            else:
                break
        return low

    def _take(self, chunk: lines.Chunk, durable_to: int | None) -> list[Record]:
        """The wanted records of a chunk; moves the position behind them."""
        wanted: list[Record] = []
        length = chunk.length
        for index, record in enumerate(chunk.records):
            if record.seq is None:
                if self._everything:
                    wanted.append(record)
            elif durable_to is not None and record.seq > durable_to:
                length = chunk.ends[index - 1] if index else 0
                break
            elif record.seq > self.after:
                wanted.append(record)
                self.after = record.seq
        self._offset += length
        return wanted
