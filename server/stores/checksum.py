"""A JSON object whose last member is the CRC-32 of the bytes before it: people can read it, and damage shows."""

import re
from typing import Any
from zlib import crc32

import orjson

END = b"\n}\n"
_BEFORE = b',\n  "crc": '
_CHECKSUM = re.compile(rb"%b(\d{1,10})\n\}\n" % _BEFORE)


def with_checksum(content: bytes) -> bytes:
    """The JSON object with one more member at its end: the CRC-32 of all bytes before it."""
    body = content.rstrip()[:-1].rstrip()
    return b'%b,\n  "crc": %d\n}\n' % (body, crc32(body))


def checked(content: bytes) -> dict[str, Any]:
    """The object without its checksum. :raises ValueError: this is not what `with_checksum` made."""
    match = _CHECKSUM.fullmatch(content, max(0, content.rfind(_BEFORE)))  # found from its end: it may be long
    if match is None or crc32(memoryview(content)[: match.start()]) != int(match[1]):
        raise ValueError("the checksum does not match")
    found: dict[str, Any] = orjson.loads(content)
    del found["crc"]
    return found
