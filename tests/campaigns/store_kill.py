"""Kills, one system call apart: each owner of a task dies before, half-way through or after a chosen call of its store.

The next one takes over, until the task has ended; then it is packed and removed in the same way. The call is swept over
all that an owner makes; where the sweep is not at work, it is drawn.
"""

import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from itertools import cycle, product
from pathlib import Path
from random import Random
from typing import TypeAlias

import anyio

from server.stores.disk import Disk
from server.stores.files import FileStore
from tests.campaigns.alone import run_alone
from tests.campaigns.campaign import Campaign, Figures
from tests.campaigns.disks import HoldingDisk, LinklessDisk, Moment, SignallingDisk, scratch
from tests.campaigns.forking import End, Forked, Tell
from tests.campaigns.losses import Losses
from tests.campaigns.onlooker import Onlooker
from tests.campaigns.owning import Worker
from tests.making import TASK

MOST_KILLS = 12
"""After so many in one history its owner is left alone."""
REMOVAL_KILLS = 3
TIDYINGS = 2
"""What stands there at one and still at the next is taken for left behind."""

Point: TypeAlias = tuple[int, Moment]
NEVER: Point = (0, Moment.BEFORE)


def run(rounds: int, seed: int, weakened: bool) -> Figures:
    """``rounds`` kills."""
    return run_alone("store_kill", rounds, seed, weakened)


def rounds_of(rounds: int, seed: int, weakened: bool) -> Figures:
    return Kills(rounds, seed, weakened).run()


class Kills:
    """All histories of one run."""

    def __init__(self, rounds: int, seed: int, weakened: bool) -> None:
        self._rounds, self._seed, self._weakened = rounds, seed, weakened
        self._losses = Losses()
        self._counts: Counter[str] = Counter()
        self._died_at: Counter[str] = Counter()
        self._calls = self._removal_calls = 1

    def run(self) -> Figures:
        self._measure()
        sweep = cycle(product(range(1, self._calls + 1), Moment))
        while self._counts["kills"] < self._rounds:
            self._history(sweep)
        done: dict[str, int | float] = {
            **self._counts,
            "calls of an owner": self._calls,
            "kinds of call died in": len(self._died_at),
        }
        return Figures(done, dict(self._losses.counts) or {"losses": 0}, tuple(self._losses.notes))

    def _measure(self) -> None:
        """How many calls an owner and a remover make that nobody harms."""
        with scratch() as root, closing(Onlooker(root, "unharmed", self._losses)) as onlooker:
            owner = Forked(lambda tell: _own(root, "n0", Disk(), NEVER, tell, asks=False))
            owner.wait(onlooker.follow)
            onlooker.hear(owner.said, repeats_count=True)
            onlooker.look_at_end()
            remover = Forked(lambda tell: remove(root, Disk(), NEVER, tell))
            remover.wait()
            self._calls, self._removal_calls = owner.said[-1][1], remover.said[-1][1]

    def _history(self, sweep: Iterator[tuple[int, Moment]]) -> None:
        number = self._counts["histories"]
        self._counts["histories"] += 1
        chance = Random(f"{self._seed} {number}")  # noqa: S311 - dice, nothing secret
        links = number % 4 != 3
        where = f"seed {self._seed}, history {number}{'' if links else ', no hard links'}"
        with scratch() as root, closing(Onlooker(root, where, self._losses)) as onlooker:
            swept = number % 3
            for index in range(MOST_KILLS + 1):
                drawn = (chance.randint(1, self._calls), chance.choice(list(Moment)))
                point = NEVER if index == MOST_KILLS else next(sweep) if index == swept else drawn
                asks = index == number % 5
                if self._owner(root, onlooker, f"n{index}", links=links, point=point, asks=asks):
                    break
            onlooker.look_at_end()
            for _ in range(REMOVAL_KILLS):
                point = (chance.randint(1, self._removal_calls), chance.choice(list(Moment)))
                self._removal(root, onlooker, point)
            self._removal(root, onlooker, NEVER)
            self._look_for_ghosts(root, onlooker)

    def _owner(self, root: Path, onlooker: Onlooker, name: str, *, links: bool, point: Point, asks: bool) -> bool:
        """One owner's time; whether it has done all that there was to do."""
        inner: Disk = Disk() if links else LinklessDisk()
        if self._weakened:
            inner = HoldingDisk()
        child = Forked(lambda tell: _own(root, name, inner, point, tell, asks=asks))
        end = child.wait(onlooker.follow)
        self._note_death(child, end, onlooker)
        onlooker.hear(child.said, repeats_count=True)
        onlooker.look()
        for what, *values in child.said:
            if what == "logged" and "servers in a row" in values[0]:
                self._counts["crash loops set going again"] += 1
            elif what in ("refused", "logged"):
                onlooker.lost("owners refused", str(values))
        return end is End.EXITED

    def _removal(self, root: Path, onlooker: Onlooker, point: Point) -> None:
        child = Forked(lambda tell: remove(root, Disk(), point, tell))
        self._note_death(child, child.wait(), onlooker)
        if any((root / TASK).glob("*.task")):
            onlooker.look()

    def _look_for_ghosts(self, root: Path, onlooker: Onlooker) -> None:
        """After a removal that went on to its end, or that nobody could ask for again, and two tidyings."""
        left = sorted(str(path.relative_to(root)) for path in root.rglob("*") if TASK in str(path.relative_to(root)))
        if left:
            onlooker.lost("ghosts of removed tasks", ", ".join(left))

    def _note_death(self, child: Forked, end: End, onlooker: Onlooker) -> None:
        if end is End.KILLED:
            self._counts["kills"] += 1
            name, moment = next(said[2:] for said in reversed(child.said) if said[0] == "dies")
            self._died_at[name] += 1
            onlooker.deaths.append(f"{name} ({moment})")
        elif end is End.HUNG:
            onlooker.lost("owners hung", str(child.said[-3:]))


def _own(root: Path, name: str, inner: Disk, point: Point, tell: Tell, *, asks: bool) -> None:
    disk = _killing(inner, point, tell)
    Worker(root, name, disk, tell, asks=asks).work()
    tell("calls", disk.count)


def remove(root: Path, inner: Disk, point: Point, tell: Tell) -> None:
    """As a node does that is asked to, between its tidyings; what has no life nobody can ask to be removed."""
    disk = _killing(inner, point, tell)
    store = FileStore(root, disk)

    async def tidy() -> None:
        for _ in range(TIDYINGS):
            await store.tidy()

    async def work() -> None:
        await store.open()
        await tidy()
        for life in await store.lives(TASK):
            claim = await store.newest_claim(life)
            tell("removed", await store.remove(life, claim.epoch if claim else 0))
        await tidy()

    anyio.run(work)
    tell("calls", disk.count)


def _killing(inner: Disk, point: Point, tell: Tell) -> SignallingDisk:
    return SignallingDisk([point], signal.SIGKILL, lambda *at: tell("dies", *at), inner)


CAMPAIGN = Campaign(
    name="store-kill",
    round="one SIGKILL before, in or after a system call",
    protection="writing before a call returns",
    small=60,
    small_weakened=40,
    run=run,
)
