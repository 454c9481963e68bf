"""A text → the statements that it makes, as offsets: sentences; a wrapped line goes on, a list item stands alone."""

import re
from collections.abc import Iterator

from server.sources.sentences import sentences

LONGEST = 600
_BREAK = re.compile(r"\n")
_GOES_ON = re.compile(r"[ \t]*[a-z(,;]|[ \t]{2,}(?![*+\-•·][ \t])\w")
_ITEM = re.compile(r"[ \t]*(?:[*+\-•·]|\d{1,3}[.)、]|--)[ \t]")
_WRAPPED = 55
"""A line that is shorter was ended by whoever wrote it, and not by the width of a page."""


def statements(text: str) -> Iterator[tuple[int, int]]:
    """Start and end of each, in order, none empty; at most 600 code points, and a longer one is cut."""
    for start, end in _paragraphs(text):
        for begin, stop in sentences(text[start:end]):
            for cut in range(start + begin, start + stop, LONGEST):
                yield cut, min(cut + LONGEST, start + stop)


def _paragraphs(text: str) -> Iterator[tuple[int, int]]:
    start = line = 0
    for match in _BREAK.finditer(text):
        length, following = match.start() - line, match.end()
        line = following
        wrapped = length >= _WRAPPED and _GOES_ON.match(text, following) is not None
        if not wrapped or _ITEM.match(text, following) is not None:
            yield start, match.start()
            start = following
    yield start, len(text)
