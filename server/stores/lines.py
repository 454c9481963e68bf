"""How a log record is written as a line of JSON, and how a line is checked and read back.

    {"seq":7,"at":1764000000000,"type":"output","step":"write:q1","data":{…},"crc":3735928559}

``crc`` is the CRC-32 of all the line's bytes before ``,"crc"``. Records of the journal have no ``seq``. The first line
of each group but a segment's first has ``"synced":true`` before all else: what stands before it was durable when it was
written. Only this module writes such lines, so their keys always stand in this order and ``data`` can be cut out
without decoding it.
"""

import re
from dataclasses import dataclass, field
from functools import lru_cache
from zlib import crc32

import orjson

from server.models import Record

_LINE = re.compile(
    rb'\{(?:"synced":true,)?(?:"seq":(\d{1,15}),)?"at":(\d{1,15}),"type":"([a-z]{1,20})",(?:"step":("(?:[^"\\]|\\.)*"),)?"data":(\{.*\}),"crc":(\d{1,10})\}',
    re.DOTALL,
)
_SYNCED = b'{"synced":true,'
_CRC = b',"crc":'


class BadLine(ValueError):
    """These bytes are no whole, undamaged record."""


def encode(record: Record, *, synced: bool = False) -> bytes:
    """The line. ``synced``: all before it is durable."""
    seq, at, kind, data, step = record
    if seq is None:
        body = _form(kind, step, False, synced) % (at, data)
    else:
        body = _form(kind, step, True, synced) % (seq, at, data)
    return b'%b,"crc":%d}\n' % (body, crc32(body))


@lru_cache(maxsize=256)
def _form(kind: str, step: str | None, has_seq: bool, synced: bool) -> bytes:
    """What a step's records of one type have in common, up to their checksum, with places for what they have not."""
    start = _SYNCED if synced else b"{"
    seq = b'"seq":%d,' if has_seq else b""
    named = b'"step":%b,' % orjson.dumps(step).replace(b"%", b"%%") if step is not None else b""
    return b'%b%b"at":%%d,"type":"%b",%b"data":%%b' % (start, seq, kind.encode(), named)


def decode(line: bytes) -> Record:
    """:raises BadLine: the line (without its newline) is damaged."""
    match = _LINE.fullmatch(line)
    if match is None:
        raise BadLine("not a log record")
    seq, at, kind, step, data, crc = match.groups()
    if crc32(line[: line.rindex(_CRC)]) != int(crc):
        raise BadLine("the checksum does not match")
    return Record(
        seq=int(seq) if seq is not None else None,
        at=int(at),
        type=kind.decode(),
        data=data,
        step=orjson.loads(step) if step is not None else None,
    )


@dataclass(frozen=True, slots=True)
class Chunk:
    """What a run of bytes holds: whole records, where each ends, how many bytes they take, and whether damage follows.

    ``last_group``: where the last group of records begins, before which all was durable when it was written.

    ``damaged`` is set when a bad line has a good one after it, unless that is what a power cut leaves of a group that
    was never durable: some of its pages, with zeros in the place of the others.
    """

    records: list[Record]
    length: int
    damaged: bool
    ends: list[int] = field(default_factory=list)
    last_group: int = 0


def scan(content: bytes) -> Chunk:
    """Read whole records from the start of ``content`` up to its end or the first line that is not one."""
    records: list[Record] = []
    ends: list[int] = []
    start = last_group = 0
    while (end := content.find(b"\n", start)) >= 0:
        try:
            records.append(decode(content[start:end]))
        except BadLine:
            return Chunk(records, start, _is_damage(content, start), ends, last_group)
        if content.startswith(_SYNCED, start):
            last_group = start
        start = end + 1
        ends.append(start)
    return Chunk(records, start, damaged=False, ends=ends, last_group=last_group)


def _is_damage(content: bytes, start: int) -> bool:
    """Whether the bad line that begins at ``start`` is no part of a torn tail."""
    torn = b"\0" in content[start : content.index(b"\n", start)]
    for line in content[start:].split(b"\n"):
        try:
            decode(line)
        except BadLine:
            continue
        if not torn or line.startswith(_SYNCED):
            return True
    return False
