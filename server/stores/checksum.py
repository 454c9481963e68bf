"""A JSON object whose last member is the CRC-32 of the bytes before it: people can read it, and damage shows."""

import re
from typing import Any
from zlib import crc32

import orjson

END = b"\n}\n"
_CHECKSUM = re.compile(rb',\n  "crc": (\d{1,10})\n\}\n\Z')


def with_checksum(content: bytes) -> bytes:
    """The JSON object with one more member at its end: the CRC-32 of all bytes before it."""
    body = content.rstrip()[:-1].rstrip()
    return b'%b,\n  "crc": %d\n}\n' % (body, crc32(body))


def checked(content: bytes) -> dict[str, Any]:
    """The object without its checksum. :raises ValueError: this is not what `with_checksum` made."""
    match = _CHECKSUM.search(content)
    if match is None or crc32(content[: match.start()]) != int(match[1]):
        raise ValueError("the checksum does not match")
    found: dict[str, Any] = orjson.loads(content)
    del found["crc"]
    return found
