"""Progress as the sum of weight × committed work, and an ETA from how fast work was committed lately."""

import time
from collections.abc import Callable, Mapping
from statistics import median

from server.models import Progress

COMMITS_BEFORE_ETA = 3
WINDOW = 12
"""Of how many marks the pace is the median; there are at most twice as many, so they cover half of this attempt."""


class ProgressMeter:
    """Counts committed work. No timer moves it."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._expected = 0.0
        self._committed = 0.0
        self._at_once = 1
        self._marks = [(clock(), 0.0)]
        """When how much was committed: as this attempt began, and at every ``stride``-th commit of it since."""
        self._stride, self._unmarked = 1, 0
        self._outcomes: dict[str, str] = {}
        self._items = 0
        self._floor = 0.0
        self.label = ""
        self.message = ""
        self.current: str | None = None
        self.current_percentage: float | None = None

    def go_on(self, outcomes: Mapping[str, str], percentage: float) -> None:
        """Begin where an earlier attempt was: what it recorded and told stands, although it is replayed only now."""
        self._outcomes.update(outcomes)
        self._floor = percentage

    def expect(self, weight: float, items: int, at_once: int = 1) -> None:
        """``at_once``: how many steps run side by side."""
        self._expected, self._items, self._at_once = weight, items, at_once

    def commit(self, weight: float, *, replayed: bool) -> None:
        """Count a finished step. A replayed one took no time now, so it says nothing about the rest."""
        self._committed += weight
        if replayed:
            self._marks, self._stride, self._unmarked = [(self._clock(), self._committed)], 1, 0
        elif weight > 0:
            self._mark()

    def _mark(self) -> None:
        """Remember this commit, if it is its turn; of thousands of quick ones the last dozen would say little."""
        self._unmarked += 1
        if self._unmarked < self._stride:
            return
        self._unmarked = 0
        self._marks.append((self._clock(), self._committed))
        if len(self._marks) > 2 * WINDOW:
            self._marks = self._marks[::2]
            self._stride *= 2

    def item(self, key: str, outcome: str) -> None:
        self._outcomes[key] = outcome

    @property
    def eta_seconds(self) -> float | None:
        """None until three steps were done in this attempt; then the median pace of the recent ones.

        Of steps that run side by side several may end in one moment, so a pace is taken over as many as run at once.
        """
        marks = self._marks[-WINDOW - 1 :]
        if len(marks) <= COMMITS_BEFORE_ETA:
            return None
        span = min(-(-self._at_once // self._stride), len(marks) - 1)
        pairs = zip(marks, marks[span:], strict=False)
        paces = [(later - earlier) / (after - before) for (earlier, before), (later, after) in pairs]
        remaining = max(0.0, self._expected - self._committed)
        return round(median(paces) * remaining, 1)

    def reading(self) -> Progress:
        outcomes = list(self._outcomes.values())
        whole = max(self._expected, self._committed)
        percentage = round(100.0 * self._committed / whole, 1) if whole else 0.0
        return Progress(
            step=self.label,
            percentage=max(self._floor, percentage),
            message=self.message,
            completed=outcomes.count("completed"),
            failed=outcomes.count("failed"),
            skipped=outcomes.count("skipped"),
            total=max(self._items, len(outcomes)),
            current=self.current,
            current_percentage=self.current_percentage,
            eta_seconds=self.eta_seconds,
        )
