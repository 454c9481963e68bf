"""Log segments of the file store: one file per epoch with one writer ever, and readers that follow the seals."""

import os
from collections.abc import Sequence
from pathlib import Path

import orjson

from server.errors import LogCorrupt, OwnershipLost, StoreFailed, StoreFull
from server.models import EventType, Record, now_ms
from server.stores import lines
from server.stores.posix import FILE_MODE, replace_file, store_error, sync_folder, write_all

READ_BYTES = 1024 * 1024
HEAD_BYTES = 64 * 1024
SEEK_BYTES = 64 * 1024


class Segments:
    """The files of one life: which epochs are claimed, and where each segment lies."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def log(self, epoch: int) -> Path:
        return self.folder / f"{epoch:06d}.jsonl"

    def claim(self, epoch: int) -> Path:
        return self.folder / f"{epoch:06d}.claim"

    def claimed(self, epoch: int) -> bool:
        return self.claim(epoch).exists()

    def newest(self) -> int:
        """The newest claimed epoch, 0 when there is none."""
        try:
            names = os.listdir(self.folder)
        except FileNotFoundError:
            return 0
        return max((int(name[:6]) for name in names if name.endswith(".claim") and name[:6].isdigit()), default=0)

    def last_record(self, epoch: int) -> Record | None:
        """The last whole record of a segment, read from its end."""
        try:
            with self.log(epoch).open("rb") as file:
                size = file.seek(0, os.SEEK_END)
                tail = 4096
                while True:
                    start = max(0, size - tail)
                    file.seek(start)
                    content = file.read(size - start)
                    end = content.rfind(b"\n")
                    begin = content.rfind(b"\n", 0, end) if end > 0 else -1
                    if end < 0 and start == 0:
                        return None
                    if begin >= 0 or start == 0:
                        return lines.decode(content[begin + 1 : end])
                    tail *= 8
        except (FileNotFoundError, lines.BadLine):
            return None


def seals_of(records: Sequence[Record]) -> dict[int, tuple[int, int]]:
    """The seals among the leading records of a segment: ``{epoch: (bytes, seq)}``."""
    found: dict[int, tuple[int, int]] = {}
    for record in records:
        if record.type != EventType.SEAL:
            break
        seal = orjson.loads(record.data)
        found[seal["epoch"]] = (seal["bytes"], seal["seq"])
    return found


class SegmentWriter:
    """The one writer of one segment. Its methods block; the store runs them in a thread, one at a time."""

    def __init__(self, segments: Segments, epoch: int) -> None:
        self._segments, self.epoch = segments, epoch
        self._handle: int | None = os.open(
            segments.log(epoch), os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, FILE_MODE
        )
        self._size = 0
        sync_folder(segments.folder)

    def append(self, records: Sequence[Record]) -> None:
        if self._handle is None:
            raise StoreFailed("This log was closed; claim the task again.")
        content = b"".join(map(lines.encode, records))
        failure: OSError | None = None
        try:
            write_all(self._handle, content)
        except OSError as error:
            failure = error
            records, content = self._cut_back(records)
        try:
            os.fdatasync(self._handle)
        except OSError as error:
            # What a failed fsync has lost can't be known, and a second one may report success for it.
            self.close()
            raise StoreFailed(f"The volume could not make a log durable: {os.strerror(error.errno or 0)}.") from None
        self._size += len(content)
        if self._segments.claimed(self.epoch + 1):
            self.close()
            raise OwnershipLost
        if failure is not None:
            refused = store_error(failure, "writing to a log")
            refused.written = len(records)
            if not isinstance(refused, StoreFull):
                self.close()
            raise refused

    def close(self) -> None:
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def _cut_back(self, records: Sequence[Record]) -> tuple[Sequence[Record], bytes]:
        """After a short write: keep the records that are whole, as others may have read them. Returns what is kept."""
        kept, content = 0, b""
        try:
            written = os.fstat(self._handle).st_size - self._size if self._handle is not None else 0
            for record in records:
                line = lines.encode(record)
                if len(content) + len(line) > written:
                    break
                content += line
                kept += 1
            if self._handle is not None:
                os.ftruncate(self._handle, self._size + len(content))
        except OSError as error:
            self.close()
            raise StoreFailed(f"A half-written log could not be cut back: {os.strerror(error.errno or 0)}.") from None
        return records[:kept], content


def seal_before(segments: Segments, epoch: int) -> list[Record]:
    """Fix for ever what counts of the epochs before ``epoch``: the seal records that its segment must begin with.

    Each unsealed segment is made durable first and then read to its last whole record, since what its owner had not
    synced must not be sealed and then vanish. A seal counts only where it stands inside what counts of its own
    segment: an owner that was overtaken before it wrote its first record has sealed nothing.

    :raises LogCorrupt: a record in the middle of one of them is damaged.
    """
    known: dict[int, tuple[int, int]] = {}
    unsealed: list[tuple[int, lines.Chunk]] = []
    for earlier in range(epoch - 1, 0, -1):
        if earlier in known:
            chunk = _read_segment(segments, earlier, limit=min(HEAD_BYTES, known[earlier][0]))
        else:
            chunk = _read_segment(segments, earlier, sync=True, keep_torn=True)
            if chunk.damaged:
                raise _corrupt(segments, earlier, chunk.length)
            unsealed.append((earlier, chunk))
        for sealed, seal in seals_of(chunk.records).items():
            known.setdefault(sealed, seal)
    seals: list[Record] = []
    for earlier, chunk in reversed(unsealed):
        before = known[earlier - 1][1] if earlier > 1 else 0
        seq = next((record.seq for record in reversed(chunk.records) if record.seq is not None), before)
        known[earlier] = (chunk.length, seq)
        data = orjson.dumps({"epoch": earlier, "bytes": chunk.length, "seq": seq})
        seals.append(Record(None, now_ms(), EventType.SEAL, data))
    return seals


def current_seals(segments: Segments) -> dict[int, tuple[int, int]]:
    """Every seal that counts as of now; empty while a new owner has not written its seals yet."""
    newest = segments.newest()
    known: dict[int, tuple[int, int]] = {}
    for epoch in range(newest, 1, -1):
        if epoch < newest and epoch not in known:
            break
        limit = HEAD_BYTES if epoch == newest else min(HEAD_BYTES, known[epoch][0])
        head = _read_segment(segments, epoch, limit=limit, sync=epoch == newest)
        for sealed, seal in seals_of(head.records).items():
            known.setdefault(sealed, seal)
    # Looked at last: a claim that is not there now will find, and keep, the seals that were just read.
    return {} if segments.claimed(newest + 1) else known


def _read_segment(
    segments: Segments, epoch: int, *, limit: int = -1, sync: bool = False, keep_torn: bool = False
) -> lines.Chunk:
    path = segments.log(epoch)
    try:
        handle = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return lines.Chunk([], 0, damaged=False)
    with os.fdopen(handle, "rb") as file:
        if sync:
            os.fdatasync(handle)
        content = file.read(limit)
    chunk = lines.scan(content)
    if keep_torn and not chunk.damaged and chunk.length < len(content):
        replace_file(path.with_suffix(".jsonl.broken"), content[chunk.length :], durable=False)
    return chunk


def _corrupt(segments: Segments, epoch: int, offset: int) -> LogCorrupt:
    return LogCorrupt(
        f"The log of this task is damaged in epoch {epoch} at byte {offset}; what stands before it is whole. "
        "The file is kept as it is."
    )


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
        self._segments, self._after = segments, after
        self._everything = after == 0
        self._epoch, self._offset = 1, 0
        self._handle: int | None = None
        self._seals: dict[int, tuple[int, int]] = {}
        self.undecided = False

    def read(self, durable_to: int | None) -> list[Record]:
        found = self._read(durable_to)
        self.undecided = not found and self._segments.claimed(self._epoch + 1)
        return found

    def _read(self, durable_to: int | None) -> list[Record]:
        while durable_to is None or self._after < durable_to:
            seal = self._seal()
            if seal is not None and self._is_behind(*seal):
                self.close()
                self._epoch, self._offset = self._epoch + 1, 0
                continue
            chunk = self._next_chunk(seal[0] if seal else None, durable_to)
            if chunk.length == 0:
                if chunk.damaged or seal is not None:
                    raise _corrupt(self._segments, self._epoch, self._offset)
                break
            before = self._offset
            if (wanted := self._take(chunk, durable_to)) or self._offset == before:
                return wanted
        return []

    def close(self) -> None:
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def _seal(self) -> tuple[int, int] | None:
        """The seal of the epoch being read, once a later owner has written it."""
        if self._epoch not in self._seals and self._segments.claimed(self._epoch + 1):
            self._seals = current_seals(self._segments)
        return self._seals.get(self._epoch)

    def _is_behind(self, sealed_bytes: int, sealed_seq: int) -> bool:
        """Whether nothing of the sealed epoch is wanted any more."""
        if self._offset >= sealed_bytes:
            return True
        return self._offset == 0 and not self._everything and self._after >= sealed_seq

    def _next_chunk(self, end: int | None, durable_to: int | None) -> lines.Chunk:
        """The next whole records; none when nothing may be delivered as of now."""
        nothing = lines.Chunk([], 0, damaged=False)
        if self._handle is None:
            try:
                self._handle = os.open(self._segments.log(self._epoch), os.O_RDONLY)
            except FileNotFoundError:
                return nothing
            if not self._everything:
                self._offset = self._near_start(self._handle, end)
        size = READ_BYTES
        while True:
            asked = size if end is None else min(size, end - self._offset)
            content = os.pread(self._handle, asked, self._offset)
            chunk = lines.scan(content)
            if chunk.length or chunk.damaged or len(content) < size:
                break
            size *= 4
        if end is None and chunk.records and durable_to is None:
            # In this order: a claim that is not there after the sync can't seal less than what was read.
            os.fdatasync(self._handle)
            if self._segments.claimed(self._epoch + 1):
                return nothing
        return chunk

    def _near_start(self, handle: int, end: int | None) -> int:
        """Where a record begins that is not after the wanted ones, and not far before: found by halving."""
        low, high = 0, end if end is not None else os.fstat(handle).st_size
        while high - low > SEEK_BYTES:
            middle = (low + high) // 2
            found = _first_numbered(os.pread(handle, SEEK_BYTES, middle))
            if found is None:
                break
            place, seq = found
            if seq > self._after:
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
                length -= sum(len(lines.encode(later)) for later in chunk.records[index:])
                break
            elif record.seq > self._after:
                wanted.append(record)
                self._after = record.seq
        self._offset += length
        return wanted
