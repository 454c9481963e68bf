"""Progress as the sum of weight × committed work, and an ETA from how fast work was committed lately."""

import time
from collections import deque
from collections.abc import Callable, Mapping
from statistics import median

from server.models import Progress

COMMITS_BEFORE_ETA = 3
WINDOW = 12


class ProgressMeter:
    """Counts committed work. No timer moves it."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._expected = 0.0
        self._committed = 0.0
        self._rates: deque[float] = deque(maxlen=WINDOW)
        self._last_commit = clock()
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

    def expect(self, weight: float, items: int) -> None:
        self._expected, self._items = weight, items

    def commit(self, weight: float, *, replayed: bool) -> None:
        """Count a finished step. A replayed one took no time now, so it says nothing about the rest."""
        self._committed += weight
        now = self._clock()
        if not replayed and weight > 0:
            self._rates.append((now - self._last_commit) / weight)
        self._last_commit = now

    def item(self, key: str, outcome: str) -> None:
        self._outcomes[key] = outcome

    @property
    def eta_seconds(self) -> float | None:
        """None until three steps were done in this attempt; then the median pace of the recent ones."""
        if len(self._rates) < COMMITS_BEFORE_ETA:
            return None
        remaining = max(0.0, self._expected - self._committed)
        return round(median(self._rates) * remaining, 1)

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
