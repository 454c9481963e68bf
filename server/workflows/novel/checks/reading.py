"""Sentences of a novel's texts with the people that they name, and numbers as they are written in words."""

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from server.sources.sentences import sentences
from server.workflows.novel.bible import Bible
from server.workflows.novel.checks.health import number_in
from server.workflows.novel.checks.naming import bounded
from server.workflows.novel.entities import ChapterPlan, ChapterText, Character

LEAST_PART = 3
"""Shorter parts of a Latin name name nobody."""
ZH_NUMBER = "[0-9０-９〇零一二三四五六七八九十百两]{1,4}"
_ONES = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
).split()
_TENS = {word: ten * 10 for ten, word in enumerate("twenty thirty forty fifty sixty seventy eighty ninety".split(), 2)}
EN_NUMBER = rf"(?:\d{{1,3}}|(?:{'|'.join(_TENS)})(?:[- ](?:{'|'.join(_ONES[1:10])}))?|{'|'.join(reversed(_ONES[1:]))})"


@dataclass(frozen=True, slots=True)
class Sentence:
    """``named``: ids of the people that it names, and where the name of each stands in it for the first time."""

    chapter: int
    text: str
    named: dict[str, tuple[int, int]]

    @property
    def sole(self) -> str | None:
        """Who is named, if nobody else is."""
        return next(iter(self.named)) if len(self.named) == 1 else None


def names_of(bible: Bible) -> dict[str, str]:
    """Whom each name means: names, aliases, and the parts of Latin names that only one person has."""
    owners: dict[str, set[str]] = defaultdict(set)
    for person in bible.of(Character):
        for name in (person.name, *person.aliases):
            owners[name].add(person.id)
            parts = name.split() if name.isascii() else []
            for part in parts if len(parts) > 1 else ():
                if len(part) >= LEAST_PART and part[0].isupper():
                    owners[part].add(person.id)
    return {name: next(iter(ids)) for name, ids in owners.items() if len(ids) == 1}


def told(bible: Bible) -> Iterator[Sentence]:
    """All sentences of the texts, but for those of chapters that are flashbacks, in order."""
    owner = names_of(bible)
    plans = bible.numbered(ChapterPlan)
    ordered = sorted(owner, key=len, reverse=True)
    pattern = re.compile("|".join(bounded(name) for name in ordered)) if ordered else None
    for number, text in sorted(bible.numbered(ChapterText).items()):
        if number in plans and plans[number].flashback:
            continue
        for start, end in sentences(text.text):
            sentence = text.text[start:end]
            named: dict[str, tuple[int, int]] = {}
            for found in pattern.finditer(sentence) if pattern is not None else ():
                named.setdefault(owner[found[0]], found.span())
            yield Sentence(number, sentence, named)


def read_number(written: str) -> int:
    """``28``, ``二十八``, ``twenty-eight`` → 28."""
    words = re.split("[- ]", written.lower())
    if words[0] in _TENS:
        return _TENS[words[0]] + (_ONES.index(words[1]) if len(words) > 1 else 0)
    return _ONES.index(words[0]) if words[0] in _ONES else number_in(written)
