"""Whether a quote stands in a source, by code.

Kinds of white space, of dashes and of punctuation are taken for equal, and marks of quotation and emphasis are passed
over, because models change these without meaning to; letters and digits are compared as they are. What is found is
given back as the source has it.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from server.sources.text import has_cjk

LEAST_LATIN, LEAST_CJK = 15, 6
"""A shorter quote stands in many sources by chance, and proves nothing."""

_LIKE = {
    **dict.fromkeys("‘’‚‛′＇`", "'"),
    **dict.fromkeys("‐‑‒–—―−－", "-"),
    "…": "...",
    "，": ",",
    "、": ",",
    "。": ".",
    "．": ".",
    "：": ":",
    "；": ";",
    "！": "!",
    "？": "?",
    "（": "(",
    "）": ")",
    "％": "%",
}
_NOTHING = frozenset('\u00ad\u200b\u200c\u200d\u2060\ufeff*_"“”„‟«»″「」『』＂')
"""Invisible characters; and marks of emphasis and quotation, which some sources keep and some models add."""
_ENDS = " .,:;!?'\"-()"
_WIDE = re.compile(r"[\u3000-\u303f\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\uff00-\uff65]")
_AFTER = re.compile(r"[.!?。！？]*[\"'”’」』)）]*")


@dataclass(frozen=True, slots=True)
class Found:
    """Where a quote stands: ``start`` and ``end`` in the source's text, ``text`` as it stands there."""

    text: str
    start: int
    end: int


class Wording:
    """The text of one source that was shown to the model, ready to be searched."""

    def __init__(self, blocks: Iterable[tuple[int, str]]) -> None:
        """:param blocks: offset in the source's text, and text."""
        self._runs = [(start, text, *_plain(text)) for start, text in _runs(blocks)]

    def find(self, quote: str, least: int | None = None) -> Found | None:
        """The first place where it stands; None also for what is too short to prove anything.

        :param least: the fewest characters that do; by default what hardly stands anywhere by chance.
        """
        wanted = plain(quote)
        if len(wanted) < (least or (LEAST_CJK if has_cjk(wanted) else LEAST_LATIN)):
            return None
        for offset, text, searched, places in self._runs:
            at = searched.find(wanted)
            if at >= 0:
                start, end = places[at], places[at + len(wanted) - 1] + 1
                after = _AFTER.match(text, end)
                end = after.end() if after else end
                return Found(text[start:end], offset + start, offset + end)
        return None


def plain(quote: str) -> str:
    """What of a quote is compared: without what stands around it."""
    return _plain(quote)[0].strip(_ENDS)


def _runs(blocks: Iterable[tuple[int, str]]) -> list[tuple[int, str]]:
    """Blocks that follow each other in the source as one text, since a quote may go on from one to the next."""
    runs: list[tuple[int, str]] = []
    for start, text in sorted(set(blocks)):
        if runs and runs[-1][0] + len(runs[-1][1]) + 1 == start:
            runs[-1] = runs[-1][0], f"{runs[-1][1]}\n{text}"
        else:
            runs.append((start, text))
    return runs


def _plain(text: str) -> tuple[str, list[int]]:
    """The text as it is compared, and the place in ``text`` of each of its characters."""
    kept: list[str] = []
    places: list[int] = []
    last = ""
    for place, character in enumerate(text):
        if character in _NOTHING:
            continue
        if character.isspace():
            if kept and kept[-1] != " ":
                kept.append(" ")
                places.append(place)
            continue
        # Beside Chinese some write a space and some don't.
        if kept and kept[-1] == " " and (_WIDE.match(character) or _WIDE.match(last)):
            kept.pop()
            places.pop()
        last = character
        for one in _LIKE.get(character, character):
            kept.append(one)
            places.append(place)
    return "".join(kept), places
