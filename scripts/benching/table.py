"""What was measured, as a table of medians and ratios."""

import statistics
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

HOLDFAST = "Holdfast"


@dataclass(frozen=True)
class Figure:
    """One subject's values of one quantity, one for each round. ``unit`` is told with the quantity."""

    what: str
    who: str
    unit: str
    values: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.values)


@dataclass(frozen=True)
class Wanted:
    """What must hold. ``limit`` is a lower one with ``at_least``, else an upper one."""

    what: str
    value: float
    limit: float
    at_least: bool

    @property
    def holds(self) -> bool:
        return self.value >= self.limit if self.at_least else self.value <= self.limit

    def __str__(self) -> str:
        sign = "≥" if self.at_least else "≤"
        return f"{'✓' if self.holds else '✗'} {self.what}: {shown(self.value)}, wanted {sign} {shown(self.limit)}"


@dataclass
class Outcome:
    """One measure's figures and what was wanted of them; ``notes`` are told below the table."""

    figures: list[Figure] = field(default_factory=list)
    wanted: list[Wanted] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, what: str, unit: str, values: dict[str, list[float]]) -> None:
        """One quantity of several subjects; of whom there is nothing, nothing is told."""
        self.figures += [Figure(what, who, unit, tuple(rounds)) for who, rounds in values.items() if rounds]

    def median(self, what: str, who: str) -> float | None:
        return next((each.median for each in self.figures if (each.what, each.who) == (what, who)), None)

    def ratio(self, what: str, peer: str) -> float | None:
        """Holdfast's value in those of the peer."""
        own, other = self.median(what, HOLDFAST), self.median(what, peer)
        return own / other if own is not None and other else None

    def want_ratio(self, what: str, peer: str, limit: float, *, at_least: bool) -> None:
        """Where the peer is not there, nothing can be said."""
        value = self.ratio(what, peer)
        if value is not None:
            self.wanted.append(Wanted(f"{what}, Holdfast ÷ {peer}", value, limit, at_least))

    def want(self, what: str, value: float | None, limit: float, *, at_least: bool) -> None:
        if value is not None:
            self.wanted.append(Wanted(what, value, limit, at_least))


def shown(value: float) -> str:
    """Three digits that count, the thousands apart: ``88,012``, ``3.14``, ``0.0071``."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def rows(outcome: Outcome) -> list[list[str]]:
    found = []
    for each in outcome.figures:
        own = outcome.median(each.what, HOLDFAST)
        ratio = f"{shown(own / each.median)} ×" if own is not None and each.who != HOLDFAST and each.median else "—"
        least, most = shown(min(each.values)), shown(max(each.values))
        quantity = f"{each.what}, {each.unit}"
        found.append([quantity, each.who, shown(each.median), f"{least} … {most}" if least != most else "—", ratio])
    return found


HEADINGS = ["what", "who", "median", "least … most", "Holdfast is"]


def table(content: Sequence[Sequence[str]]) -> str:
    """A Markdown table with its columns in line."""
    widths = [max(width(cell) for cell in column) for column in zip(HEADINGS, *content, strict=True)]
    lines = [_line(HEADINGS, widths), _line(["-" * each for each in widths], widths)]
    return "\n".join([*lines, *(_line(row, widths) for row in content)])


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = (cell + " " * (each - width(cell)) for cell, each in zip(cells, widths, strict=True))
    return f"| {' | '.join(padded)} |"


def width(text: str) -> int:
    """The places that it takes on a terminal."""
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


def told(outcomes: Iterable[tuple[str, Outcome]]) -> str:
    """The whole table, and what was wanted below it."""
    outcomes = list(outcomes)
    content = [row for _, outcome in outcomes for row in rows(outcome)]
    lines = [table(content)] if content else []
    for name, outcome in outcomes:
        lines += [f"{each}" for each in outcome.wanted]
        lines += [f"  {name}: {note}" for note in outcome.notes]
    return "\n".join(lines)
