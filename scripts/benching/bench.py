"""What every measure is given: where it may write, how large it is, how often it is repeated, what its peers are."""

import statistics
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from scripts.benching.load import Plan
from scripts.benching.processes import Missing, load

T = TypeVar("T")

NAIVE, NCHAN, NGINX, BARE = "naive", "Nchan", "nginx static", "bare writes"
HELLO, SQLITE, REDIS, PLAIN = "hello route", "SQLite", "Redis Streams", "plain file"
STORE = "Holdfast's store alone"
LOG = "Holdfast's log, no workflow"


@dataclass(frozen=True)
class Sizes:
    """How large the measures are. The naive app gets fewer idle readers: its memory for each is the question."""

    readers: int
    events: int
    steady_seconds: float
    idle_readers: int
    naive_readers: int
    replay_events: int
    requests: int
    append_events: int
    tasks: int
    stored_tasks: int
    soak_tasks: int
    soak_readers: int
    soak_minutes: float
    rounds: int


FULL = Sizes(1000, 1000, 10, 10_000, 1000, 100_000, 3000, 100_000, 300, 100_000, 500, 2000, 10, 5)
QUICK = Sizes(300, 300, 4, 1000, 300, 20_000, 600, 20_000, 60, 5000, 40, 160, 0.5, 3)
TINY = Sizes(5, 20, 0.25, 5, 5, 1200, 10, 50, 3, 20, 2, 4, 0.02, 1)
SIZES = {"full": FULL, "quick": QUICK, "tiny": TINY}


@dataclass
class Bench:
    """``left_out``: the peers that are not installed, with what to install."""

    folder: Path
    sizes: Sizes
    left_out: dict[str, str] = field(default_factory=dict)
    _rooms: int = 0

    def room(self, name: str) -> Path:
        """A new folder."""
        self._rooms += 1
        folder = self.folder / f"{self._rooms:03d}-{name}"
        folder.mkdir()
        return folder

    def enter(self, stack: ExitStack, name: str, peer: AbstractContextManager[T]) -> T | None:
        """A peer for as long as the stack; None where it is not installed."""
        try:
            return stack.enter_context(peer)
        except Missing as missing:
            self.left_out[name] = str(missing)
            return None

    def rounds(self, subjects: Mapping[str, Callable[[], T]]) -> dict[str, list[T]]:
        """Each subject once in each round, in turns, so that what else the machine does meets all of them."""
        found: dict[str, list[T]] = {who: [] for who in subjects}
        for number in range(self.sizes.rounds):
            for who, measured in subjects.items():
                began = time.monotonic()
                found[who].append(measured())
                say(f"  round {number + 1}, {who}: {time.monotonic() - began:.1f} s")
        return found


def say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def followed(plan: Plan, folder: Path, go: Callable[[], object]) -> dict[str, Any]:
    """What the readers of a plan have found. ``go`` is called when they are all connected."""
    with load(plan, folder) as loading:
        loading.ready()
        go()
        return loading.result()


def busiest(found: dict[str, list[dict[str, Any]]]) -> str:
    """How busy the load was: where it is near 100 %, it was what held things up."""
    shares = (f"{who} {statistics.median(each['busy'] for each in rounds):.0%}" for who, rounds in found.items())
    return f"the load process was busy for {', '.join(shares)} of the time"
