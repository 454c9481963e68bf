"""A block of text → its sentences, as offsets, so that a quote is a slice and nothing else."""

import re
from collections.abc import Iterator

_END = re.compile(r"""[。！？][」』”’）】》"']*|[.!?]+["'”’)\]»]*(?=\s)|；|(?<=[\u3400-\u9fff])[!?][」』”’）]*""")
_ABBREVIATION = re.compile(
    r"(?:\b(?:e\.g|i\.e|etc|vs|cf|al|resp|approx|Mr|Mrs|Ms|Dr|Prof|St|No|Nos|Fig|Figs|Sec|Eq|Vol|pp|ed|eds|Inc|Ltd|Co|Corp|Jan|Feb|"
    r"Mar|Apr|Jun|Jul|Aug|Sep|Sept|Oct|Nov|Dec|incl|esp)|\b[A-Z])\.$"
)
_STARTS_SENTENCE = re.compile(r"""\s+["'“‘(\[«*_`]*[^\s\W]""")
_LOWER = re.compile(r"""\s+["'“‘(\[«]*[a-z]""")


def sentences(text: str) -> Iterator[tuple[int, int]]:
    """Start and end of each sentence; together they cover the text but for the spaces between them."""
    start = 0
    for match in _END.finditer(text):
        end = match.end()
        if match.group()[0] == "." and not _ends_here(text, start, match):
            continue
        yield from _trimmed(text, start, end)
        start = end
    yield from _trimmed(text, start, len(text))


def _ends_here(text: str, start: int, match: re.Match[str]) -> bool:
    if match.group() == "." and _ABBREVIATION.search(text[max(start, match.start() - 12) : match.end()]):
        return False
    return _STARTS_SENTENCE.match(text, match.end()) is not None and _LOWER.match(text, match.end()) is None


def _trimmed(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    if start < end:
        yield start, end
