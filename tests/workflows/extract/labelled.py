"""The hand-labelled sentences, and how the readers of times and facts fare on them.

    python -m tests.workflows.extract.labelled [misses]

With `misses` every sentence is shown that is not read as it is labelled.
"""

import sys
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from server.workflows.extract.events import facts_of
from server.workflows.extract.facts import facts
from server.workflows.extract.moments import moments
from server.workflows.extract.spans import without

ZONE = ZoneInfo("Asia/Shanghai")
WRITTEN_AT = datetime(2024, 5, 15, 10, tzinfo=ZONE)
SENTENCES = Path(__file__).with_name("labelled.tsv")
UNKNOWN = "?"


@dataclass(frozen=True)
class Sentence:
    """``facts``: kind, words and value of each, as labelled."""

    language: str
    category: str
    text: str
    facts: frozenset[tuple[str, str, str]]


@dataclass(frozen=True)
class Score:
    """Labels that were met in words and value; of the others those whose words were found with another value, or whose
    words were not found; and what was found where nothing is labelled."""

    labels: int = 0
    hits: int = 0
    otherwise: int = 0
    missed: int = 0
    made_up: int = 0

    def __add__(self, other: "Score") -> "Score":
        return Score(*(getattr(self, name) + getattr(other, name) for name in self.__dataclass_fields__))


def sentences() -> Iterator[Sentence]:
    for line in SENTENCES.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            language, category, text, labels = line.split("\t")
            yield Sentence(language, category, text, frozenset(label(one) for one in labels.split(";") if one))


def label(written: str) -> tuple[str, str, str]:
    """Kind, words and value of a fact as the file has it."""
    kind, _, rest = written.partition(":")
    words, mark, value = rest, "", ""
    if kind in ("time", "amount"):
        words, mark, value = rest.rpartition("=")
        assert mark, written
    if kind == "time" and value != UNKNOWN and ".." not in value:
        value = f"{value}..{value}"
    return kind, words, value


def found_in(text: str) -> set[tuple[str, str, str]]:
    """What the readers find, in the form of the labels."""
    known = facts(text)
    times = without(moments(text, WRITTEN_AT, ZONE), known)
    return {(fact["kind"], fact["text"], _value(fact)) for fact in facts_of(text, known, times)}


def _value(fact: dict[str, Any]) -> str:
    value = fact["value"]
    if fact["kind"] == "amount":
        return f"{value['number']} {value['currency']}"
    if fact["kind"] == "time":
        return UNKNOWN if value["from"] is None else f"{_local(value['from'])}..{_local(value['to'])}"
    return ""


def _local(moment: str) -> str:
    if len(moment) == len("2024-05-15"):
        return moment
    return datetime.fromisoformat(moment).astimezone(ZONE).strftime("%Y-%m-%dT%H:%M")


def score(found: set[tuple[str, str, str]], labels: Collection[tuple[str, str, str]]) -> Score:
    hits = found.intersection(labels)
    left, over = set(labels) - hits, found - hits
    otherwise = {meant for meant in left if any(meant[:2] == one[:2] for one in over)}
    about = {one for one in over if any(one[0] == meant[0] and _overlap(one[1], meant[1]) for meant in left)}
    return Score(len(labels), len(hits), len(otherwise), len(left) - len(otherwise), len(over - about))


def _overlap(one: str, other: str) -> bool:
    return one in other or other in one


def table() -> dict[tuple[str, str], Score]:
    """By language and category."""
    scores: dict[tuple[str, str], Score] = {}
    for sentence in sentences():
        key = sentence.language, sentence.category
        scores[key] = scores.get(key, Score()) + score(found_in(sentence.text), sentence.facts)
    return scores


def rows() -> list[str]:
    """The table as docs/extract.md has it, without its head."""
    numbers = Counter((sentence.language, sentence.category) for sentence in sentences())
    scores = table()
    shown = [_row(language, category, numbers[language, category], of) for (language, category), of in scores.items()]
    for language in ("zh", "en"):
        of = sum((one for (spoken, _), one in scores.items() if spoken == language), Score())
        number = sum(many for (spoken, _), many in numbers.items() if spoken == language)
        shown.append(_row(language, "all", number, of))
    return shown


def _row(language: str, category: str, number: int, of: Score) -> str:
    figures = (number, of.labels, of.hits, of.otherwise, of.missed, of.made_up)
    return f"| {language} | {category} | {' | '.join(map(str, figures))} |"


def main() -> None:
    lines = rows()
    if "misses" in sys.argv:
        for sentence in sentences():
            found = found_in(sentence.text)
            if found != sentence.facts:
                labelled, read = sorted(sentence.facts - found), sorted(found - sentence.facts)
                lines.append(f"{sentence.text}\n  labelled {labelled}\n  found    {read}")
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
