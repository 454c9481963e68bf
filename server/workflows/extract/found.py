"""What the readers of dates hand to each other."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import TypeAlias

from server.workflows.extract.calendar import Days


@dataclass(frozen=True, slots=True)
class Dated:
    """An expression for days. ``days``: None where they can't be known. ``relative``: they rest on when it was written.

    ``yearless``: month and day of one that names no year, or day alone (month 0): the other end of a range tells.
    """

    start: int
    end: int
    days: Days | None
    relative: bool = False
    yearless: tuple[int, int] | None = None


Meaning: TypeAlias = tuple[Days | None, bool, tuple[int, int] | None]
Reader: TypeAlias = tuple[re.Pattern[str], Callable[[re.Match[str], date | None], Meaning | None]]
"""A pattern, and what a match means on the day of writing; None: it is no date after all."""


def absolute(days: Days | None) -> Meaning | None:
    """What says all by itself; no such day, no date."""
    return None if days is None else (days, False, None)


def relative(now: date | None, days: Callable[[date], Days | None]) -> Meaning:
    return (None if now is None else days(now)), True, None


def read(readers: list[Reader], text: str, now: date | None) -> list[Dated]:
    """All that any of the readers finds, overlapping ones too."""
    found = []
    for pattern, meaning in readers:
        for match in pattern.finditer(text):
            meant = meaning(match, now)
            if meant is not None:
                found.append(Dated(match.start(), match.end(), *meant))
    return found
