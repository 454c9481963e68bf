"""Log segments of the file store: one file for each epoch, with one writer ever."""

import contextlib
import os
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Protocol

import orjson

from server.errors import OwnershipLost, StoreFailed, StoreFull
from server.models import EventType, Record
from server.stores import lines
from server.stores.checksum import checked, with_checksum
from server.stores.disk import Disk
from server.stores.packed import MEMBER_BYTES, BadMember, PackedFile, pack
from server.stores.volume import Version, Volume, store_error

TAIL_BYTES = 4096
PATHS_KEPT = 8
"""The last ones of a life: each look at it asks for the same again."""
AT_ONCE_BYTES = 1 << 30
"""Systems read no more than about 2 GiB with one call."""
PACKED_SUFFIX = ".jsonl.gz"


class OpenSegment(Protocol):
    """A segment open for reading, by offsets of its plain text."""

    def read_at(self, size: int, offset: int) -> bytes:
        """At most ``size`` bytes; fewer only at its end. :raises BadMember: packed, and damaged."""

    def size(self) -> int: ...

    def sync(self) -> None:
        """Make durable what can be read of it."""

    def close(self) -> None: ...


class _Plain:
    def __init__(self, volume: Volume, handle: int) -> None:
        self._volume, self._disk, self._handle = volume, volume.disk, handle

    def read_at(self, size: int, offset: int) -> bytes:
        if size <= AT_ONCE_BYTES:
            return self._disk.read_at(self._handle, size, offset)
        return self._volume.read_on(self._handle, offset, size)

    def size(self) -> int:
        return self._disk.size(self._handle)

    def sync(self) -> None:
        self._disk.sync_data(self._handle)

    def close(self) -> None:
        self._disk.close(self._handle)


class _Packed:
    def __init__(self, disk: Disk, handle: int) -> None:
        self._disk, self._handle = disk, handle
        self._file: PackedFile | None = None

    def _opened(self) -> PackedFile:
        if self._file is None:
            self._file = PackedFile(self._disk, self._handle)
        return self._file

    def read_at(self, size: int, offset: int) -> bytes:
        return self._opened().read_at(size, offset)

    def size(self) -> int:
        return self._opened().size

    def sync(self) -> None:
        """It was durable before it took its name."""

    def close(self) -> None:
        self._disk.close(self._handle)


class Segments:
    """The files of one life: which epochs are claimed, and where each segment lies."""

    def __init__(self, volume: Volume, folder: Path) -> None:
        self.volume, self.folder = volume, folder
        self._path = lru_cache(maxsize=PATHS_KEPT)(folder.joinpath)

    def log(self, epoch: int) -> Path:
        return self._path(f"{epoch:06d}.jsonl")

    def packed_log(self, epoch: int) -> Path:
        return self._path(f"{epoch:06d}{PACKED_SUFFIX}")

    def claim(self, epoch: int) -> Path:
        return self._path(f"{epoch:06d}.claim")

    def claimed(self, epoch: int) -> bool:
        return self.volume.disk.exists(self.claim(epoch))

    def newest(self) -> int:
        """The newest claimed epoch, 0 when there is none."""
        names = self.volume.names(self.folder)
        return max((int(name[:6]) for name in names if name.endswith(".claim") and name[:6].isdigit()), default=0)

    def owner(self, epoch: int) -> str:
        """The node that claimed an epoch; empty where the claim can't be read."""
        try:
            node = checked(self.volume.read(self.claim(epoch)) or b"").get("node")
        except ValueError:
            return ""
        return node if isinstance(node, str) else ""

    def take(self, epoch: int, node: str) -> bool:
        """Claim an epoch; False when somebody else has.

        Durable at once, and not with the segment that is made next: a power cut could leave that one without its claim,
        and nobody could make it then.
        """
        return self.volume.link_new(self.claim(epoch), with_checksum(orjson.dumps({"epoch": epoch, "node": node})))

    def open(self, epoch: int) -> OpenSegment | None:
        """None when there is no such segment (yet)."""
        disk = self.volume.disk
        with contextlib.suppress(FileNotFoundError):
            return _Plain(self.volume, disk.open(self.log(epoch), os.O_RDONLY))
        with contextlib.suppress(FileNotFoundError):
            return _Packed(disk, disk.open(self.packed_log(epoch), os.O_RDONLY))
        return None

    def last_record(self, epoch: int) -> Record | None:
        """The last whole record of a segment, read from its end."""
        segment = self.open(epoch)
        if segment is None:
            return None
        with contextlib.closing(segment):
            try:
                size, tail = segment.size(), TAIL_BYTES
                while True:
                    start = max(0, size - tail)
                    content = segment.read_at(size - start, start)
                    end = content.rfind(b"\n")
                    begin = content.rfind(b"\n", 0, end) if end > 0 else -1
                    if end < 0 and start == 0:
                        return None
                    if begin >= 0 or start == 0:
                        return lines.decode(content[begin + 1 : end])
                    tail *= 8
            except (lines.BadLine, BadMember):
                return None

    def pack(self, epoch: int, longer_than: int) -> int:
        """Pack the segments up to this epoch's that are longer than so many bytes; returns how many that has saved.

        Only when the epoch was released: then its owner appends nothing more, and those before it are sealed. A reader
        that has the plain file open reads on in it.
        """
        last = self.last_record(epoch)
        if last is None or last.type != EventType.RELEASE:
            return 0
        return sum(self._pack(each) for each in range(1, epoch + 1) if (self._size(self.log(each)) or 0) > longer_than)

    def files(self, epoch: int) -> dict[str, int]:
        """The files of the segments up to this epoch's, by name, and how long each is."""
        found = [self.file(each) for each in range(1, epoch + 1)]
        return {path.name: version[-1] for path, version in (each for each in found if each is not None)}

    def file(self, epoch: int) -> tuple[Path, Version] | None:
        """The file of a segment as it is now, plain or packed; None when there is no such segment (yet)."""
        for path in (self.log, self.packed_log):
            with contextlib.suppress(FileNotFoundError):
                return path(epoch), self.volume.disk.version(path(epoch))
        return None

    def _size(self, path: Path) -> int | None:
        try:
            return self.volume.disk.version(path)[-1]
        except FileNotFoundError:
            return None

    def _pack(self, epoch: int) -> int:
        log = self.log(epoch)
        try:
            plain = _Plain(self.volume, self.volume.disk.open(log, os.O_RDONLY))
        except FileNotFoundError:
            return 0  # somebody else has just packed it
        with contextlib.closing(plain):
            replacement = self.volume.replacement(
                self.packed_log(epoch), pack(piece for _, piece in _pieces(plain)), durable=True
            )
            if not self._unpacks_to(replacement.aside, plain):
                replacement.discard()
                raise StoreFailed("A packed log did not read back as it was written; the plain one is kept.")
            saved = plain.size() - self.volume.disk.version(replacement.aside)[-1]
        replacement.commit()
        self.volume.remove_file(log)
        return saved

    def _unpacks_to(self, path: Path, plain: OpenSegment) -> bool:
        handle = self.volume.disk.open(path, os.O_RDONLY)
        try:
            packed = PackedFile(self.volume.disk, handle)
            same = all(packed.read_at(len(piece), offset) == piece for offset, piece in _pieces(plain))
            return same and packed.size == plain.size()
        except BadMember:
            return False
        finally:
            self.volume.disk.close(handle)


def _pieces(plain: OpenSegment) -> Iterator[tuple[int, bytes]]:
    """A segment from its beginning, as ``(offset, bytes)``, never all of it at once."""
    offset = 0
    while piece := plain.read_at(MEMBER_BYTES, offset):
        yield offset, piece
        offset += len(piece)


class SegmentWriter:
    """The one writer of one segment. Its methods block; the store runs them in a thread, one at a time."""

    def __init__(self, segments: Segments, epoch: int) -> None:
        self._segments, self.epoch = segments, epoch
        self._volume, self._disk = segments.volume, segments.volume.disk
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND
        self._handle: int | None = self._disk.open(segments.log(epoch), flags)
        self._size = 0
        try:
            self._disk.sync_folder(segments.folder)
        except BaseException:
            self.close()
            raise

    def append(self, records: Sequence[Record]) -> None:
        if self._handle is None:
            raise StoreFailed("This log was closed; claim the task again.")
        content = b"".join(self._lines(records))
        failure: OSError | None = None
        try:
            self._volume.write_all(self._handle, content)
        except OSError as error:
            failure = error
            records, content = self._cut_back(records)
        try:
            self._disk.sync_data(self._handle)
        except OSError as error:
            # What a failed fsync has lost can't be known, and a second one may report success for it: also to others,
            # who can read it and would show it.
            self._step_down()
            self.close()
            raise StoreFailed(f"The volume could not make a log durable: {os.strerror(error.errno or 0)}.") from None
        self._size += len(content)
        # In this order: where its own claim is there afterwards, the next one was not, and not because all was removed.
        if self._segments.claimed(self.epoch + 1) or not self._segments.claimed(self.epoch):
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
            self._disk.close(self._handle)
            self._handle = None

    def _lines(self, records: Sequence[Record]) -> Iterator[bytes]:
        """The lines of a group."""
        for index, record in enumerate(records):
            yield lines.encode(record, synced=index == 0 and self._size > 0)

    def _step_down(self) -> None:
        """Claim the next epoch, which is then never written: who reads the log waits for what a later owner seals."""
        with contextlib.suppress(OSError, StoreFailed):
            self._segments.take(self.epoch + 1, self._segments.owner(self.epoch))

    def _cut_back(self, records: Sequence[Record]) -> tuple[Sequence[Record], bytes]:
        """After a short write: keep the records that are whole, as others may have read them. Returns what is kept."""
        kept, content = 0, b""
        try:
            written = self._disk.size(self._handle) - self._size if self._handle is not None else 0
            for line in self._lines(records):
                if len(content) + len(line) > written:
                    break
                content += line
                kept += 1
            if self._handle is not None:
                self._disk.truncate(self._handle, self._size + len(content))
        except OSError as error:
            self.close()
            raise StoreFailed(f"A half-written log could not be cut back: {os.strerror(error.errno or 0)}.") from None
        return records[:kept], content
