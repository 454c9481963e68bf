"""Numbers as requirements write them: `1,000`, 三十六, *twelve*, with units that are part of them."""

import re
from decimal import Decimal

MINUS = r"(?:(?<![0-9A-Za-z）)])[-−](?=\d))?"
NUMBER = MINUS + r"(?:\d[\d,]*(?:\.\d+)?|[零一二两三四五六七八九十百千万]+)"
RANGE_SIGN = r"\s*(?:-|–|—|~|～|至|到)\s*"
WORDS = {
    word: number
    for number, word in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen".split()
    )
}
ENGLISH = rf"(?:\d[\d,]*(?:\.\d+)?|{'|'.join(WORDS)})"
BYTES = {"b": 1, "k": 1024, "m": 1024**2, "g": 1024**3, "兆": 1024**2}
_DIGITS = {letter: value for value, letter in enumerate("零一二三四五六七八九")} | {"两": 2}
_PLACES = {"十": 10, "百": 100, "千": 1000}
_COMMA = re.compile(r"(?<=\d),(?=\d{3})")


def value_of(written: str) -> int | float:
    """:raises ValueError: it is no number."""
    text = _COMMA.sub("", written.strip().lower()).replace(",", "").replace("−", "-")
    if text in WORDS:
        return WORDS[text]
    if text and text[0].isascii():
        found = Decimal(text)
        return int(found) if found == found.to_integral_value() else float(found)
    return _chinese(text)


def _chinese(text: str) -> int:
    total, section, digit = 0, 0, 0
    for letter in text:
        if letter in _DIGITS:
            digit = _DIGITS[letter]
        elif letter in _PLACES:
            section += (digit or 1) * _PLACES[letter]
            digit = 0
        else:  # 万
            total, section, digit = (total + section + digit) * 10_000, 0, 0
    return total + section + digit


def bytes_of(written: str, unit: str) -> int:
    return int(value_of(written) * BYTES[unit.strip().lower()[0]])
