"""Thirty texts of requirements as testers meet them, with what they say as a person reads it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from server.workflows.testcases.reading.reader import Reading, read

FOLDER = Path(__file__).parent
_SAYS_NOTHING = re.compile(
    r"^(?:\d{1,2}[.)、]|\d{1,2}(?:\.\d{1,3})+|（\d{1,2}）|但|可设置|最低|[-*|.,;:。，；：、（）()\s]*|and|it|must|the|may|only|a|is|且|的|,?最高)+$",
    re.I,
)


@dataclass(frozen=True, slots=True)
class Text:
    """``says``: `field.property=value` or `kind=number`; ``not_read``: what is known to be beyond the grammar."""

    name: str
    text: str
    says: tuple[str, ...]
    not_read: tuple[str, ...]


def texts() -> Iterator[Text]:
    for language in ("zh", "en"):
        for part in (FOLDER / f"requirements_{language}.txt").read_text(encoding="utf-8").split("\n## "):
            name, _, rest = part.removeprefix("## ").partition("\n")
            body, _, told = rest.partition("\n=> ")
            says, *missed = told.strip().splitlines()
            yield Text(
                f"{language}: {name}", body, tuple(says.split("; ")), tuple(one.removeprefix("?? ") for one in missed)
            )


def said(reading: Reading) -> set[str]:
    """What was read, in the same notation."""
    counts: dict[str, int] = {}
    found = set()
    for one in reading.findings:
        if one.kind != "field":
            counts[one.kind] = counts.get(one.kind, 0) + 1
            continue
        for key, value in one.data.items():
            if key in ("charset", "first", "contains", "pattern"):
                found.add(f"{one.subject}.{key}")
            elif key not in ("unit", "type") or value == "integer":
                found.add(f"{one.subject}.{key}={len(value) if isinstance(value, list) else value}")
    return found | {f"{kind}={count}" for kind, count in counts.items()}


def dropped(text: str) -> list[str]:
    """Words that lie in nothing that was read, in nothing that was not, and in no title."""
    reading = read(text)
    marked = [False] * len(text)
    places: list[Any] = [*reading.findings, *reading.unread, *reading.headings]
    for one in places:
        marked[one.start : one.end] = [True] * (one.end - one.start)
    rest = "".join(letter if not taken else " " for letter, taken in zip(text, marked, strict=True))
    return [word for word in rest.split() if not _SAYS_NOTHING.match(word)]
