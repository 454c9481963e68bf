"""Owners that are stopped before, in the middle of or after a chosen system call, while others take the task over.

One process runs at a time, from one of its stops to the next, so what is tried is an order of system calls. In every
other history the call is swept over all that an owner makes: it stops there, another takes over and does all there is
to do, and the first one wakes up. In the others, up to four owners with up to eight stops each wake up in an order that
is drawn; or the task is removed and asked for again while its owner sleeps.
"""

import signal
from collections import Counter
from contextlib import ExitStack, closing
from functools import partial
from itertools import product
from pathlib import Path
from random import Random

from server.stores.disk import Disk
from tests.campaigns.alone import run_alone
from tests.campaigns.campaign import Campaign, Figures
from tests.campaigns.disks import BlindDisk, LinklessDisk, Moment, SignallingDisk, scratch
from tests.campaigns.forking import End, Forked, Tell
from tests.campaigns.losses import Losses
from tests.campaigns.onlooker import Onlooker, is_event
from tests.campaigns.owning import Worker
from tests.campaigns.store_kill import NEVER, remove

MOST_OWNERS = 4
MOST_STOPS = 8

Stops = list[tuple[int, Moment]]


def run(rounds: int, seed: int, weakened: bool) -> Figures:
    """``rounds`` pauses."""
    return run_alone("store_freeze", rounds, seed, weakened)


def rounds_of(rounds: int, seed: int, weakened: bool) -> Figures:
    return Pauses(rounds, seed, weakened).run()


class Pauses:
    """All histories of one run."""

    def __init__(self, rounds: int, seed: int, weakened: bool) -> None:
        self._rounds, self._seed, self._weakened = rounds, seed, weakened
        self._losses = Losses()
        self._counts: Counter[str] = Counter()
        self._stopped_in: Counter[str] = Counter()

    def run(self) -> Figures:
        calls = self._measure()
        every = list(product(range(1, calls + 1), Moment))
        first = Random(f"{self._seed}")  # noqa: S311 - dice, nothing secret
        first.shuffle(every)
        sweep = iter(every)
        while self._counts["pauses"] < self._rounds:
            chance = Random(f"{self._seed} {self._counts['histories']}")  # noqa: S311 - dice, nothing secret
            turn = self._counts["histories"] % 5
            if turn == 4:
                self._asked_again(_some(chance, calls, 1), _some(chance, calls, 1))
            elif turn % 2 == 0 and (point := next(sweep, None)) is not None:
                self._history(chance, [[point]])
            else:
                owners = chance.randint(2, MOST_OWNERS)
                self._history(chance, [_some(chance, calls, MOST_STOPS) for _ in range(owners)])
        done: dict[str, int | float] = {
            **self._counts,
            "calls of an owner": calls,
            "kinds of call stopped in": len(self._stopped_in),
        }
        return Figures(done, dict(self._losses.counts) or {"losses": 0}, tuple(self._losses.notes))

    def _measure(self) -> int:
        """How many calls an owner makes that nobody stops."""
        with scratch() as root:
            owner = Forked(partial(_own, root, "n0", [], Disk()))
            owner.wait()
            calls: int = owner.said[-1][1]
            return calls

    def _history(self, chance: Random, plans: list[Stops]) -> None:
        number = self._counts["histories"]
        self._counts["histories"] += 1
        links = number % 4 != 3
        where = f"seed {self._seed}, history {number}{'' if links else ', no hard links'}"
        with scratch() as root, closing(Onlooker(root, where, self._losses)) as onlooker:
            stopped: dict[str, Forked] = {}
            taken = False
            waiting = [(f"n{index}", stops) for index, stops in enumerate(plans)]
            try:
                while waiting or stopped:
                    if waiting and (not stopped or chance.random() < 0.5):
                        name, stops = waiting.pop(0)
                        owner = Forked(partial(_own, root, name, stops, self._disk(links=links)))
                    elif len(plans) == 1 and not taken:
                        taken = True
                        self._unharmed(root, onlooker, "taker", links=links)
                        continue
                    else:
                        name = chance.choice(sorted(stopped))
                        owner = stopped.pop(name)
                        owner.go_on()
                        onlooker.deaths.append(f"{name} wakes;")
                    if self._until_it_stops(name, owner, onlooker) is End.STOPPED:
                        stopped[name] = owner
                if onlooker.done:
                    self._counts["ended before the last owner came"] += 1
                    onlooker.look_at_rest()
                self._unharmed(root, onlooker, "last", links=links)
                onlooker.look_at_end()
                self._counts["takeovers"] += onlooker.epochs() - 1
            finally:
                for owner in stopped.values():
                    owner.kill()

    def _asked_again(self, stops: Stops, later_stops: Stops) -> None:
        """One owner sleeps while its task is ended by another, removed, asked for again, and taken up anew."""
        self._counts["histories"] += 1
        self._counts["tasks removed and asked for again"] += 1
        where = f"seed {self._seed}, history {self._counts['histories'] - 1}"
        with scratch() as root, ExitStack() as onlookers:
            before = Onlooker(root, f"{where}, before", self._losses)
            after = Onlooker(root, f"{where}, asked again", self._losses)
            onlookers.callback(before.close)
            onlookers.callback(after.close)
            sleeper = Forked(partial(_own, root, "n0", stops, self._disk(links=True)))
            if self._until_it_stops("n0", sleeper, before) is not End.STOPPED:
                return
            self._unharmed(root, before, "taker", links=True)
            before.look_at_end()
            Forked(partial(remove, root, Disk(), NEVER)).wait()
            later = Forked(partial(_own, root, "n1", later_stops, self._disk(links=True)))
            end = self._until_it_stops("n1", later, after)
            try:
                after.deaths += [*before.deaths, "n0 wakes;"]
                self._wake_from_before(sleeper, before, after)
                if end is End.STOPPED:
                    later.go_on()
                    end = self._until_it_stops("n1", later, after)
                self._unharmed(root, after, "last", links=True)
                after.look_at_end()
            finally:
                if end is End.STOPPED:
                    later.kill()

    def _wake_from_before(self, sleeper: Forked, before: Onlooker, after: Onlooker) -> None:
        """What the sleeper then shows must stand in the old log, which it had a part in, or in the new one."""
        sleeper.go_on()
        if sleeper.wait(after.follow) is not End.EXITED:
            after.lost("owners hung", f"n0: {sleeper.said[-3:]}")
        after.look()
        stand = {*before.shown.values(), *after.shown.values()}
        for what, *values in sleeper.said:
            if what == "shown" and is_event(values[0]) and values[0] not in stand:
                after.lost("events shown of a removed task", values[0])

    def _disk(self, *, links: bool) -> Disk:
        return BlindDisk() if self._weakened else Disk() if links else LinklessDisk()

    def _unharmed(self, root: Path, onlooker: Onlooker, name: str, *, links: bool) -> None:
        owner = Forked(partial(_own, root, name, [], self._disk(links=links)))
        self._until_it_stops(name, owner, onlooker)

    def _until_it_stops(self, name: str, owner: Forked, onlooker: Onlooker) -> End:
        end = owner.wait(onlooker.follow)
        onlooker.done = onlooker.done or ["over"] in owner.said
        said, owner.said = owner.said, []
        if end is End.STOPPED:
            self._counts["pauses"] += 1
            # Two threads may reach a stop at once; then both tell before the first, and none at the second.
            stops = [words[2:] for words in said if words[0] == "stops"]
            self._stopped_in.update(call for call, _ in stops)
            where = " and ".join(f"{call} ({moment})" for call, moment in stops)
            onlooker.deaths.append(f"{name} stops in {where or 'the same'};")
        elif end is not End.EXITED:
            onlooker.lost("owners hung", f"{name}: {end.value}, {said[-3:]}")
        for what, *values in said:
            if what == "owns":
                onlooker.deaths.append(f"{name} owns {values[0]};")
            elif what in ("refused", "logged") and _is_a_fault(values[-1]):
                onlooker.lost("owners refused", f"{name}: {values}")
        onlooker.hear(said, repeats_count=False)
        onlooker.look()
        return end


def _some(chance: Random, calls: int, most: int) -> Stops:
    drawn = sorted(chance.sample(range(1, calls + 1), chance.randint(1, most)))
    return [(call, chance.choice(list(Moment))) for call in drawn]


def _is_a_fault(logged: str) -> bool:
    """An owner that finds itself overtaken gives up in these words, and that is right."""
    return "Another node owns this task now" not in logged and "servers in a row" not in logged


def _own(root: Path, name: str, stops: Stops, inner: Disk, tell: Tell) -> None:
    disk = SignallingDisk(stops, signal.SIGSTOP, lambda *at: tell("stops", *at), inner)
    Worker(root, name, disk, tell, on_owning=inner.own if isinstance(inner, BlindDisk) else lambda _: None).work()
    tell("calls", disk.count)


CAMPAIGN = Campaign(
    name="store-freeze",
    round="one pause before, in or after a system call",
    protection="the look for a newer claim",
    small=100,
    small_weakened=60,
    run=run,
)
