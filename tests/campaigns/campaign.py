"""What a campaign is: something done to Holdfast many times over, and a count of what it lost by it."""

import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figures:
    """What one run found.

    ``done``: what was done and how often, and what was measured. ``lost``: what must never be, and how often it was.
    ``notes``: each loss in words, with what is needed to see it again.
    """

    done: dict[str, int | float]
    lost: dict[str, int]
    notes: tuple[str, ...] = ()

    @property
    def clean(self) -> bool:
        return not any(self.lost.values())


@dataclass(frozen=True, slots=True)
class Campaign:
    """One campaign. ``run(rounds, seed, weakened)`` is replayable from its seed.

    ``weakened`` runs the same with the protection taken away that ``protection`` names: it must report losses, or the
    campaign proves nothing. ``small`` and ``small_weakened`` are the rounds that the test suite runs. ``missing`` says
    what this machine lacks for it, in words; None where it can run.
    """

    name: str
    round: str
    protection: str
    small: int
    small_weakened: int
    run: Callable[[int, int, bool], Figures]
    missing: Callable[[], str | None] = lambda: None


def figure_line(campaign: Campaign, rounds: int, seed: int, weakened: bool, figures: Figures, seconds: float) -> str:
    """The one line that a run prints."""
    how = f" WEAKENED (without {campaign.protection})" if weakened else ""
    told = ", ".join(f"{name} {_short(value)}" for name, value in {**figures.done, **figures.lost}.items())
    verdict = "nothing lost" if figures.clean else "LOSSES"
    return f"{campaign.name}{how}: {rounds} rounds, seed {seed}: {told}; {verdict}; {seconds:.0f} s"


def timed(campaign: Campaign, rounds: int, seed: int, weakened: bool) -> tuple[Figures, str]:
    """Run it; the figures, and their line."""
    started = time.monotonic()
    figures = campaign.run(rounds, seed, weakened)
    return figures, figure_line(campaign, rounds, seed, weakened, figures, time.monotonic() - started)


def _short(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:,.4g}"
