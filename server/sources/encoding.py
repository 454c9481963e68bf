"""Bytes → text, for files and pages that say nothing, or something false, about their encoding."""

import codecs
import re

from charset_normalizer import from_bytes

from server.sources.failures import Unreadable
from server.sources.text import REPLACEMENT, clean

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_SUPERSETS = {
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "gb_2312-80": "gb18030",
    "ascii": "cp1252",
    "us-ascii": "cp1252",
    "latin-1": "cp1252",
    "iso-8859-1": "cp1252",
    "iso8859-1": "cp1252",
    "big5": "big5hkscs",
    "shift_jis": "cp932",
}
_GUESSES = ["gb18030", "big5", "cp932", "euc_jp", "euc_kr", "cp1252", "cp1251", "utf_16_le", "utf_16_be"]
_GUESS_BYTES = 65_536
_META_CHARSET = re.compile(
    rb"""<(?:meta|\?xml)[^>]{0,300}?(?:charset|encoding)\s*=\s*["']?\s*([A-Za-z0-9_:.-]{2,40})""", re.I
)
_META_BYTES = 4096
MOST_UNREADABLE = 0.03
"""A text with more replaced code points than this share is not text."""


def decode(data: bytes, hint: str | None = None) -> str:
    """Decode by byte order mark, by strict UTF-8, by ``hint``, by what an HTML head declares, then by guessing.

    UTF-8 goes before the hints since other encodings hardly ever pass for it, while hints are often wrong.

    :raises Unreadable: (``binary``) if this is not text.
    """
    for mark, name in _BOMS:
        if data.startswith(mark):
            return _checked(data.decode(name, "replace"))
    try:
        return _checked(data.decode("utf-8"))
    except UnicodeDecodeError:
        pass
    for declared in (hint, _declared(data)):
        text = _strict(data, declared) if declared else None
        if text is not None:
            return _checked(text)
    return _checked(_guess(data))


def _declared(data: bytes) -> str | None:
    found = _META_CHARSET.search(data[:_META_BYTES])
    return found.group(1).decode("ascii") if found else None


def _strict(data: bytes, name: str) -> str | None:
    name = name.strip().lower()
    try:
        return data.decode(_SUPERSETS.get(name, name))
    except (LookupError, UnicodeError, ValueError):
        return None


def _guess(data: bytes) -> str:
    if data[:_GUESS_BYTES].count(0) > len(data[:_GUESS_BYTES]) // 4:
        even = data[0:_GUESS_BYTES:2].count(0)
        odd = data[1:_GUESS_BYTES:2].count(0)
        return data.decode("utf-16-le" if odd > even else "utf-16-be", "replace")
    best = from_bytes(data[:_GUESS_BYTES], cp_isolation=_GUESSES, threshold=0.35).best()
    return data.decode(best.encoding if best is not None else "utf-8", "replace")


def _checked(text: str) -> str:
    cleaned = clean(text)
    if cleaned.count(REPLACEMENT) > max(4, len(cleaned) * MOST_UNREADABLE):
        raise Unreadable("binary", "This is not text in any encoding that is known here.")
    return cleaned
