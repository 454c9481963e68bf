"""Finished log segments, packed: a gzip file that `zcat` unpacks, and of which any part can be read without the rest.

It is a run of gzip members (RFC 1952), each of at most 256 KiB of the log. A member's extra field `HF` holds its own
length and that of what it unpacks to, so that a reader steps from member to member without unpacking any, and the
CRC-32 of the packed bytes: gzip's own checksum leaves the last few bits unguarded.
"""

import struct
import zlib
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from functools import lru_cache

from server.stores.disk import Disk

MEMBER_BYTES = 256 * 1024
LEVEL = 6
_FIXED = b"\x1f\x8b\x08\x04" + b"\x00" * 5 + b"\xff" + struct.pack("<H2sH", 16, b"HF", 12)
"""Deflate, with an extra field; no time, no system; the field's name and length."""
_LENGTHS = struct.Struct("<III")
_TAIL = struct.Struct("<II")
_HEAD_BYTES = len(_FIXED) + _LENGTHS.size
_NOTHING = b"\x03\x00"
_END_BYTES = _HEAD_BYTES + len(_NOTHING) + _TAIL.size


class BadMember(ValueError):
    """These bytes are no whole, undamaged member."""


def pack(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """A member for each piece of the log, and at the end an empty one whose extra field holds the length of the whole.

    The pieces should be of `MEMBER_BYTES` each.
    """
    length = 0
    for piece in pieces:
        length += len(piece)
        yield _member(piece)
    yield _end(length)


def _end(length: int) -> bytes:
    lengths = _LENGTHS.pack(_END_BYTES, length & 0xFFFFFFFF, zlib.crc32(_NOTHING))
    return _FIXED + lengths + _NOTHING + _TAIL.pack(0, 0)


def _member(content: bytes) -> bytes:
    packer = zlib.compressobj(LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
    body = packer.compress(content) + packer.flush()
    lengths = _LENGTHS.pack(_HEAD_BYTES + len(body) + _TAIL.size, len(content), zlib.crc32(body))
    return _FIXED + lengths + body + _TAIL.pack(zlib.crc32(content), len(content))


def _lengths(head: bytes) -> tuple[int, int]:
    """``(packed, unpacked)``. :raises BadMember:"""
    if len(head) < _HEAD_BYTES or not head.startswith(_FIXED):
        raise BadMember("not a member's head")
    packed, unpacked, _ = _LENGTHS.unpack_from(head, len(_FIXED))
    return packed, unpacked


def _unpack(member: bytes) -> bytes:
    """:raises BadMember:"""
    body = member[_HEAD_BYTES : -_TAIL.size]
    if _LENGTHS.unpack_from(member, len(_FIXED))[2] != zlib.crc32(body):
        raise BadMember("the checksum does not match")
    try:
        content = zlib.decompress(body, -zlib.MAX_WBITS)
    except zlib.error as error:
        raise BadMember(str(error)) from None
    if _TAIL.unpack(member[-_TAIL.size :]) != (zlib.crc32(content), len(content)):
        raise BadMember("the checksum does not match")
    return content


class PackedFile:
    """Reads an open packed file by offsets of the log as it was. :raises BadMember: on damage."""

    def __init__(self, disk: Disk, handle: int) -> None:
        self._disk, self._handle = disk, handle
        self._places = list(self._walk())
        self._starts = [start for start, _, _ in self._places]
        self._content = lru_cache(maxsize=2)(self._member)

    def _walk(self) -> Iterator[tuple[int, int, int]]:
        """``(start in the log, place in the file, packed length)`` of each member."""
        start, place, end = 0, 0, self._disk.size(self._handle)
        while True:
            packed, unpacked = _lengths(self._disk.read_at(self._handle, _HEAD_BYTES, place))
            if packed < _END_BYTES or place + packed > end:
                raise BadMember("a member is cut off")
            if packed == _END_BYTES:
                break
            yield start, place, packed
            start, place = start + unpacked, place + packed
        if place + packed != end or self._disk.read_at(self._handle, packed, place) != _end(start):
            raise BadMember("the end does not fit what stands before it")
        self.size = start

    def _member(self, index: int) -> bytes:
        start, place, packed = self._places[index]
        content = _unpack(self._disk.read_at(self._handle, packed, place))
        following = self._starts[index + 1] if index + 1 < len(self._starts) else self.size
        if len(content) != following - start:
            raise BadMember("a member's length is not what its head says")
        return content

    def read_at(self, size: int, offset: int) -> bytes:
        """At most ``size`` bytes; fewer only at the log's end."""
        pieces: list[bytes] = []
        end = min(offset + size, self.size)
        while offset < end:
            index = bisect_right(self._starts, offset) - 1
            start = self._starts[index]
            piece = self._content(index)[offset - start : end - start]
            pieces.append(piece)
            offset += len(piece)
        return b"".join(pieces)
