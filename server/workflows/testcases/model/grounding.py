"""What a model says is held to the text: its quotes have to stand there, and its numbers and messages in them."""

import re
from decimal import Decimal
from typing import Any

from server.workflows.testcases.quantities import number
from server.workflows.testcases.reading.numerals import BYTES, ENGLISH, NUMBER, value_of

_FIGURE = re.compile(rf"(?P<figure>{NUMBER}|\b{ENGLISH}\b)\s*(?P<unit>[KMG](?=i?B)|兆)?", re.I)
_MESSAGE = re.compile(r"“([^”]{2,200})”|\"([^\"]{2,200})\"|「([^」]{2,200})」|‘([^’]{2,200})’")


def place_of(quote: str, text: str, start: int = 0, end: int | None = None) -> tuple[int, int] | None:
    """Where a quote stands, white space aside; None: nowhere."""
    end = len(text) if end is None else end
    words = quote.split()
    if not words:
        return None
    found = re.compile(r"\s+".join(map(re.escape, words))).search(text, start, end)
    return found.span() if found else None


def figures_of(quote: str) -> set[Decimal]:
    """The numbers that a quote names, and those next to them, as *below 5* may mean 4."""
    found: set[Decimal] = set()
    for each in _FIGURE.finditer(quote):
        try:
            value = Decimal(str(value_of(each["figure"])))
        except (ValueError, ArithmeticError):
            continue
        if each["unit"]:
            value *= BYTES[each["unit"].lower()]
        found |= {value, value - 1, value + 1, value + Decimal("0.01"), value - Decimal("0.01")}
    return found


def invented_figure(values: list[Any], quote: str) -> str | None:
    """The first number that the quote does not name; 0, 1 and dates counted from today may be meant without it."""
    known = figures_of(quote)
    for value in values:
        told = number(value)
        if told is not None and told not in known and told not in (0, 1):
            return str(value)
        if isinstance(value, str) and told is None and not value.startswith("today") and value not in quote:
            return value
    return None


def invented_message(expected: str, text: str) -> bool:
    """Whether it puts words between quotation marks that the requirements don't have."""
    messages = ["".join(filter(None, found)) for found in _MESSAGE.findall(expected)]
    return any(message not in text for message in messages)
