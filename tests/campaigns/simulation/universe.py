"""One simulated world from its seed: machines, those who ask of them, what befalls them, what is found at the end."""

import logging
from dataclasses import dataclass, field
from typing import Any

import anyio

from server.errors import HoldfastError
from server.models import Life, Status
from server.settings import Settings
from tests.campaigns.ledger import Ledger, Loss
from tests.campaigns.simulation.aftermath import check_life, check_snapshot
from tests.campaigns.simulation.clients import SCOPE, Meddler, Reader, Surroundings, request_for
from tests.campaigns.simulation.fake_disk import FakeDisk, Habits
from tests.campaigns.simulation.loop import SimulatedLoop, Stuck
from tests.campaigns.simulation.machine import Cut, Machine
from tests.campaigns.simulation.medium import Medium
from tests.campaigns.simulation.stores import ROOT, WEAKENED, Weakness
from tests.campaigns.simulation.troubles import KINDS, Troubles
from tests.campaigns.simulation.witness import Witness
from tests.campaigns.simulation.workload import Workload
from tests.campaigns.simulation.world import WORLD

LEASE_SECONDS = 4.0
CALM_SECONDS = 240.0
"""So long after the last harm all must have ended: longer than the longest pause before a task is tried again."""
ASK_AGAIN_SECONDS = 20.0
SETTLING_SECONDS = 2 * LEASE_SECONDS + 5.0
"""Snapshots of the last tasks are saved after their readers have got the `done`."""
KIND_SHARE = 0.35
"""Of the kinds of harm, how many a world knows: each can show more where others do not get in its way."""
LOSSES = (
    Loss.ERROR,
    Loss.RESET,
    Loss.GAP,
    Loss.DOUBLE,
    Loss.UNEQUAL,
    Loss.REPORT,
    Loss.STEP,
    Loss.OWNER,
    Loss.END,
    Loss.UNENDED,
    Loss.EXIT,
    Loss.RUNS,
)


@dataclass(slots=True)
class Story:
    """What became of a world."""

    seed: int
    lost: dict[str, int]
    notes: list[str]
    done: dict[str, int]
    digest: int
    tail: list[str] = field(default_factory=list)


class Tracebacks(logging.Handler):
    """What a server logs with a traceback it did not expect."""

    def __init__(self, ledger: Ledger) -> None:
        super().__init__(logging.INFO)
        self._ledger = ledger
        self.expected: tuple[type[BaseException], ...] = ()

    def emit(self, record: logging.LogRecord) -> None:
        WORLD.note(f"says: {record.getMessage()}")
        if record.exc_info is not None:
            self._ledger.lose(
                Loss.EXIT, f"{record.getMessage()}: {logging.Formatter().formatException(record.exc_info)}"
            )


class Universe:
    """See the module."""

    def __init__(self, seed: int, weakness: str | None) -> None:
        WORLD.begin(seed)
        self._seed, self._weakness = seed, weakness
        self._loop = SimulatedLoop()
        rng = WORLD.dice("universe")
        self._rng = rng
        self._ledger = Ledger(LOSSES)
        self._witness = Witness(self._ledger)
        self._medium = Medium()
        for folder in (ROOT.parent, ROOT):
            self._medium.make_root(folder)
        self._habits = Habits(
            hand_over_share=rng.choice((0.1, 0.3, 1.0)),
            seconds=rng.choice((0.0002, 0.002, 0.01)),
            flock=rng.choice(("works", "works", "refused", "anybody")),
        )
        self._medium.has_links = rng.random() < 0.85
        if weakness is not None:
            self._habits.idle_syncs = WEAKENED[weakness].idle_syncs
        self._settings = Settings(
            heartbeat_seconds=1.0,
            lease_seconds=LEASE_SECONDS,
            scan_seconds=0.5,
            snapshot_interval_seconds=rng.choice((0.5, 5.0)),
            shutdown_grace_seconds=1.0,
            max_concurrent_tasks=rng.choice((1, 2, 5)),
        )
        self._workload = Workload(self._witness, WORLD.dice("work"), failing_share=rng.choice((0.0, 0.0, 0.05)))
        self._places: list[Machine | None] = [None] * rng.choice((2, 3, 3, 4))
        self._starts = self._reading = 0
        self._all_have_read = anyio.Event()
        self._around = Surroundings(self._machines, WORLD.dice("clients"), self._ledger, self._witness)
        self._plans = rng.randint(1, 4)
        self._trouble_seconds = rng.uniform(4, 20)
        swarm = [kind for kind in KINDS if rng.random() < KIND_SHARE]
        if weakness is not None:
            swarm = list(WEAKENED[weakness].shown_by)
        self._troubles = Troubles(
            self._machines,
            self._medium,
            self._witness,
            WORLD.dice("troubles"),
            LEASE_SECONDS,
            swarm,
            between_seconds=rng.choice((0.3, 1.0, 4.0)),
        )
        meddling = ("pause", "stop", "resume", "retry", "rerun", "fresh", "delete", "look")
        self._meddling = [action for action in meddling if rng.random() < 0.3]

    def _machines(self) -> list[Machine]:
        return [machine for machine in self._places if machine is not None]

    def tell(self) -> Story:
        """Let it happen. What it finds depends on the seed and the weakness alone."""
        logger = logging.getLogger("server")
        handler = Tracebacks(self._ledger)
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)
        logger.propagate = False
        try:
            self._loop.run_until_complete(self._happen())
        except Stuck as error:
            self._ledger.lose(Loss.UNENDED, str(error))
        finally:
            logger.removeHandler(handler)
        done = {"events seen": self._witness.events, "steps executed": self._witness.executions}
        done |= {"starts of servers": self._starts, "calls to the disk": WORLD.calls, "seconds": round(WORLD.now)}
        done |= {f"trouble {kind}": count for kind, count in self._troubles.done.items()}
        return Story(
            self._seed,
            self._ledger.lost,
            self._ledger.notes,
            done,
            WORLD.digest,
            [f"{moment:10.6f} {machine:6} {what}" for moment, machine, what in WORLD.trace],
        )

    async def _happen(self) -> None:
        rng = self._rng
        async with anyio.create_task_group() as tg:
            for place in range(len(self._places)):
                tg.start_soon(self._keep_running, place)
            async with anyio.create_task_group() as people:
                readers = [Reader(self._around, rng.randrange(self._plans)) for _ in range(rng.randint(self._plans, 8))]
                self._reading = len(readers)
                with anyio.move_on_after(self._trouble_seconds + CALM_SECONDS):
                    async with anyio.create_task_group() as following:
                        for reader in readers:
                            following.start_soon(self._come, reader)
                        await self._suffer()
                        WORLD.note("calm")
                        self._workload.calm = True
                        self._troubles.calm()
                        for plan in range(self._plans):
                            following.start_soon(self._bring_to_its_end, plan)
                for reader in readers:
                    if reader.ended is None and not reader.corrupt:
                        self._ledger.lose(Loss.UNENDED, f"a reader of plan {reader.plan} waits at event {reader.seq}")
                people.cancel_scope.cancel()
            await self._look_back()
            tg.cancel_scope.cancel()

    async def _suffer(self) -> None:
        """Until the time for it is over, or nobody is left whom it could hurt."""
        async with anyio.create_task_group() as tg:
            tg.start_soon(self._troubles.run, self._trouble_seconds)
            if self._meddling:
                tg.start_soon(Meddler(self._around, self._plans, self._meddling).run)
            with anyio.move_on_at(self._trouble_seconds):
                await self._all_have_read.wait()
                await anyio.sleep(self._rng.choice((0.0, 0.5, 3.0)))
            tg.cancel_scope.cancel()

    async def _come(self, reader: Reader) -> None:
        moments = (0.5, self._trouble_seconds / 4, self._trouble_seconds / 2)  # many at once, as when a page is loaded
        await anyio.sleep(self._around.rng.choice(moments))
        await reader.follow()
        self._reading -= 1
        if not self._reading:
            self._all_have_read.set()

    async def _keep_running(self, place: int) -> None:
        """A server that has ended is started again, as its supervisor does."""
        rng = WORLD.dice(f"supervisor {place}")
        while True:
            self._starts += 1
            machine = self._start(f"{place}.{self._starts}")
            self._places[place] = machine
            await machine.ended.wait()
            if machine.crash is not None:
                self._ledger.lose(Loss.EXIT, f"a server ended with {machine.crash!r}")
            await anyio.sleep(rng.choice((0.01, 1.0, 5.0)) * rng.random())

    def _start(self, name: str) -> Machine:
        disk = FakeDisk(self._medium, self._habits, WORLD.dice(f"disk {name}"))
        weakness = WEAKENED[self._weakness] if self._weakness is not None else Weakness()
        store = weakness.make(ROOT, disk)
        workflows = [self._workload.workflow(1)]
        rng = WORLD.dice(f"machine {name}")
        return Machine(name, self._loop, disk, store, workflows, self._settings, rng, weakness.prepare)

    async def _bring_to_its_end(self, plan: int) -> None:
        """Ask for the task until it is completed: the same request resumes what is paused, and retries what failed."""
        while True:
            reader = Reader(self._around, plan)
            with anyio.move_on_after(ASK_AGAIN_SECONDS):
                await reader.follow()
            if reader.ended == Status.COMPLETED or reader.corrupt:
                return

    async def _look_back(self) -> None:
        """When all is over: what stands on the volume, against what everybody has seen."""
        await anyio.sleep(SETTLING_SECONDS)
        for plan in range(self._plans):
            for _ in range(100):
                try:
                    await self._around.ask(lambda machine: self._look_at(machine, plan))  # noqa: B023 - awaited here
                    break
                except Cut:
                    await anyio.sleep(0.5)
                except HoldfastError as error:
                    self._ledger.lose(Loss.ERROR, f"plan {plan} can't be looked at: {error.detail}")
                    break

    async def _look_at(self, machine: Machine, plan: int) -> None:
        parts = machine.node.services
        task_id = parts.manager._task_id(request_for(plan))
        lives = await parts.store.lives(task_id)
        for life in lives:
            seen = self._witness.life(life)
            await check_life(self._ledger, parts.store, life, seen, is_latest=life is lives[-1])
        there = {life.generation for life in lives}
        for generation, seen in self._witness.lives.items():
            if (
                seen.task_id == task_id
                and generation not in there
                and task_id not in self._witness.removed
                and seen.events
            ):
                self._ledger.lose(Loss.UNEQUAL, f"life {generation} of plan {plan} is gone")
        if lives:
            await self._check_shown(machine, lives[-1])

    async def _check_shown(self, machine: Machine, life: Life) -> None:
        parts = machine.node.services
        await parts.outlook.view(await parts.outlook.find(life.task_id, SCOPE))
        await check_snapshot(self._ledger, parts.store, life)


def tell(seed: int, weakness: str | None = None) -> dict[str, Any]:
    """One world, as plain data."""
    story = Universe(seed, weakness).tell()
    return {name: getattr(story, name) for name in ("seed", "lost", "notes", "done", "digest", "tail")}
