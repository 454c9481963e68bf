"""Ordinary sentences with all that is in them, people and places as well, and how the readers fare at first sight.

python -m tests.workflows.extract.ordinary [misses]
"""

import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from server.workflows.extract.people import participants
from server.workflows.extract.places import place
from server.workflows.extract.statements import statements
from tests.workflows.extract.labelled import Score, Sentence, found_in, label, score

SENTENCES = Path(__file__).with_name("ordinary.tsv")
KINDS = ("time", "amount", "mail, phone, number", "place", "person")


def ordinary() -> Iterator[Sentence]:
    """``category``: the set."""
    for line in SENTENCES.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            group, language, text, labels = line.split("\t")
            yield Sentence(language, group, text, frozenset(label(one) for one in labels.split(";") if one))


def all_in(text: str) -> set[tuple[str, str, str]]:
    """Facts, places and people, as events have them."""
    found = found_in(text)
    for start, end in statements(text):
        statement = text[start:end]
        where = place(statement)
        found |= set() if where is None else {("place", statement[slice(*where)], "")}
        found |= {("person", statement[slice(*span)], "") for span in participants(statement)}
    return found


def scores() -> dict[tuple[str, str, str], Score]:
    """By set, language and kind."""
    added: dict[tuple[str, str, str], Score] = {}
    for sentence in ordinary():
        found = all_in(sentence.text)
        for kind in KINDS:
            of_kind = ({one for one in ones if _kind(one) == kind} for ones in (found, sentence.facts))
            key = sentence.category, sentence.language, kind
            added[key] = added.get(key, Score()) + score(*of_kind)
    return added


def _kind(fact: tuple[str, str, str]) -> str:
    return fact[0] if fact[0] in KINDS else KINDS[2]


def rows() -> list[str]:
    """The table as docs/extract.md has it, without its head."""
    many = Counter((sentence.category, sentence.language) for sentence in ordinary())
    return [
        f"| {group} | {language} | {many[group, language]} | {kind} | "
        f"{of.labels} | {of.hits} | {of.otherwise} | {of.missed} | {of.made_up} |"
        for (group, language, kind), of in scores().items()
    ]


def main() -> None:
    lines = rows()
    if "misses" in sys.argv:
        for sentence in ordinary():
            found = all_in(sentence.text)
            if found != sentence.facts:
                labelled, read = sorted(sentence.facts - found), sorted(found - sentence.facts)
                lines.append(f"{sentence.text}\n  labelled {labelled}\n  found    {read}")
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
