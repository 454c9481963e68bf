"""Wall clocks: nodes are up to a day apart, and jump by an hour while tasks run with readers at all of them.

libfaketime, loaded into the nodes, moves what time.time() says, and leaves the monotonic clock as it is.
"""

import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import anyio
from anyio.abc import TaskGroup

from server.app import Holdfast
from server.settings import Settings
from server.stores.base import Store
from server.stores.files import FileStore
from server.tasks.retention import Retention
from server.workflows.demo import demo_workflow
from tests.campaigns.campaign import Campaign, Figures
from tests.campaigns.chance import dice
from tests.campaigns.checking import Demo
from tests.campaigns.exchange import Cut, exchange
from tests.campaigns.flow import Flow
from tests.campaigns.kill import Takeovers
from tests.campaigns.ledger import Ledger, Loss
from tests.campaigns.nodes import Cluster, Node, cluster
from tests.campaigns.readers import Reader
from tests.campaigns.volume import Volume
from tests.campaigns.weakened import WALL_CLOCK

NODES = 3
PLACES = 6
READERS = 3
HOUR = 3600.0
DAY = 24 * HOUR
JUMP = HOUR
QUICK = {"heartbeat_seconds": 0.2, "scan_seconds": 0.1}
"""The lease is as long as by default: on a busy machine, too, nobody but a clock can make an owner lose it."""
BETWEEN_JUMPS = (0.2, 0.6)
JUMPS_PER_KILL = 4
LONGEST_OUTAGE_SECONDS = 0.5
LATEST_TAKEOVER_SECONDS = 6.0
"""From a kill to what the next owner shows; two missed heartbeats are 0.4 s of it. Without its lock free it is 15 s."""
SET_SECONDS = 5.0
AGES_HOURS = (168.0, 0.5)
SWEEP_OFFSETS = (DAY + JUMP, DAY + JUMP, -DAY, JUMP, -JUMP, JUMP, JUMP, 0.0, 0.0)
"""Seconds by which the clock of a sweep is ahead; nodes whose clocks stay ahead, and ones that are set right again."""
LIBRARIES = ("/usr/lib", "/usr/lib64", "/usr/local/lib")
LIBRARY = "faketime/libfaketimeMT.so.1"
LOSSES = (
    Loss.FALSE,
    Loss.LATE,
    Loss.TAKEN,
    Loss.CLOCK,
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
)


class WallClock:
    """One node's, moved while it runs. ``offset``: seconds by which it is ahead of the machine's."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self.offset = 0.0

    def move_to(self, offset: float) -> None:
        self.offset = offset
        new = self._node.clock.with_suffix(".new")
        new.write_text(f"{offset:+.3f}\n")
        new.rename(self._node.clock)

    async def shown(self) -> float | None:
        """By how much the node's own answers are ahead; None while it doesn't run."""
        try:
            async with exchange(self._node.port, "/api/kinds") as answer:
                (_, seconds, _) = answer.headers["x-request-id"].split("-")
        except Cut:
            return None
        return int(seconds) - time.time()


class Watch:
    """What ended tasks have been through: whose death explains which takeover, and where the time went back."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self.killed: dict[str, float] = {}
        self.takeovers = Takeovers(self.killed)
        self.claims = self.back = 0

    def note(self, readers: Sequence[Reader], volume: Volume) -> None:
        where = readers[-1].target
        self.claims += len(volume.claims)
        for epoch in range(1, len(volume.claims)):
            owner = volume.claims[epoch]
            if owner not in self.killed:
                self._ledger.lose(
                    Loss.FALSE, f"{where}: epoch {epoch} of {owner}, which nobody has killed, was followed"
                )
        times = [event["at"] for event in volume.events]
        self.back += sum(later < earlier for earlier, later in pairwise(times))
        before = len(self.takeovers.seconds)
        self.takeovers.note(readers, volume)
        for seconds in self.takeovers.seconds[before:]:
            if seconds < 0:
                self._ledger.lose(Loss.FALSE, f"{where}: taken {-seconds:.2f} s before its owner was killed")
            elif seconds > LATEST_TAKEOVER_SECONDS:
                self._ledger.lose(Loss.LATE, f"{where}: {seconds:.2f} s after its owner was killed")


class Trial:
    """Jumps, and every few of them a kill, so that deaths are looked for on clocks that are wrong."""

    def __init__(self, nodes: Cluster, ledger: Ledger, rng: Random) -> None:
        self._nodes, self._ledger, self._rng = nodes.nodes, ledger, rng
        self.watch = Watch(ledger)
        self.clocks = [WallClock(node) for node in self._nodes]
        self.kills = self.jumps = 0

    async def set_apart(self) -> None:
        """The first one a day ahead, the second one a day behind, the others anywhere between."""
        skews = [DAY, -DAY, *(self._rng.uniform(-DAY, DAY) for _ in self._nodes[2:])]
        for clock, skew in zip(self.clocks, skews, strict=True):
            clock.move_to(skew)
            shown = await clock.shown()
            if shown is None or abs(shown - skew) > SET_SECONDS:
                self._ledger.lose(Loss.CLOCK, f"set {skew:+.0f} s ahead, shows {shown}")

    async def run(self, jumps: int) -> None:
        """Return when every jump was made and every node listens again."""
        async with anyio.create_task_group() as tg:
            for number in range(1, jumps + 1):
                await anyio.sleep(self._rng.uniform(*BETWEEN_JUMPS))
                clock = self._rng.choice(self.clocks)
                clock.move_to(clock.offset + (JUMP if number % 2 else -JUMP))
                self.jumps += 1
                if number % JUMPS_PER_KILL == 0:
                    await self._kill_one(tg)

    async def _kill_one(self, tg: TaskGroup) -> None:
        victim = self._rng.choice(self._nodes)
        outage = self._rng.uniform(0, LONGEST_OUTAGE_SECONDS)
        if victim.id is None:
            return  # it is just being started again
        self.watch.killed[victim.id] = anyio.current_time()
        self.kills += 1
        await victim.kill()
        tg.start_soon(_start_again, victim, outage)


async def _start_again(node: Node, outage: float) -> None:
    await anyio.sleep(outage)
    await node.start()
    await node.listening()


async def sweep(tasks: Path, ledger: Ledger, kind: type[Retention] = Retention) -> int:
    """Retention, at times that any of the clocks may have shown; returns how many tasks it has taken, all of them old.

    What is old is said by the tasks themselves, and by two clocks in a row: the age by default is longer than any two
    clocks are apart, so nothing goes then; of half an hour what goes is as old as that by both.
    """
    taken = 0
    for hours in AGES_HOURS:
        settings = Settings(task_storage_dir=tasks, demo_kind=True, max_task_age_hours=hours)
        node = Holdfast(settings, FileStore(tasks), [demo_workflow()])
        async with node.running():
            parts = node.services
            retention = kind(parts.store, parts.outlook, parts.manager, node.succession, settings)
            before = float("-inf")
            for offset in SWEEP_OFFSETS:
                ends = {task_id: await _ended(parts.store, task_id) for task_id in await parts.store.task_ids()}
                now = time.time() + offset
                await retention.sweep(now)
                gone = ends.keys() - set(await parts.store.task_ids())
                taken += len(gone)
                for task_id in gone:
                    age = min(now, before) - ends[task_id]
                    if age <= hours * HOUR:
                        ledger.lose(Loss.TAKEN, f"{task_id}, which is no older than {age:.0f} s by one of two clocks")
                before = now
    return taken


async def _ended(store: Store, task_id: str) -> float:
    """When, by the clock of its last owner, in seconds since 1970; never, while it has not."""
    snapshot = await store.snapshot(task_id)
    ended = snapshot["finished_at"] if snapshot is not None else None
    return datetime.fromisoformat(ended).timestamp() if ended is not None else float("inf")


@asynccontextmanager
async def skewable(folder: Path, count: int, weakness: str | None = None, **settings: Any) -> AsyncIterator[Cluster]:
    """Nodes whose wall clocks can be moved. Only where nothing is `missing`."""
    environment = {
        "LD_PRELOAD": str(_library()),
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "FAKETIME_FORCE_MONOTONIC_FIX": "0",  # with it, a thread that waits for some time is never at rest
        "FAKETIME_NO_CACHE": "1",
        "NO_FAKE_STAT": "1",
    }
    async with cluster(folder, count, environment, weakness=weakness, **settings) as nodes:
        yield nodes
    for left in (f"faketime_shm_{nodes.zygote.pid}", f"sem.faketime_sem_{nodes.zygote.pid}"):
        Path("/dev/shm", left).unlink(missing_ok=True)  # noqa: S108 - it leaves them of each process that has loaded it


def _library() -> Path | None:
    """libfaketime for programs with threads."""
    places = (
        place for base in LIBRARIES for pattern in (LIBRARY, f"*/{LIBRARY}") for place in Path(base).glob(pattern)
    )
    return next(places, None)


def missing() -> str | None:
    return None if _library() is not None else "no libfaketime, by which wall clocks are moved (Debian: libfaketime)"


def run(rounds: int, seed: int, weakened: bool) -> Figures:
    """A round is one jump of one node's clock."""
    with tempfile.TemporaryDirectory(prefix="holdfast-clock-") as folder:
        return anyio.run(_run, rounds, seed, weakened, Path(folder), backend_options={"use_uvloop": True})


async def _run(rounds: int, seed: int, weakened: bool, folder: Path) -> Figures:
    ledger = Ledger(LOSSES)
    async with skewable(folder, NODES, WALL_CLOCK if weakened else None, **QUICK) as nodes:
        trial = Trial(nodes, ledger, dice(seed, "clocks"))
        await trial.set_apart()
        flow = Flow(
            nodes,
            ledger,
            dice(seed, "readers"),
            lambda number: Demo(seed * 1_000_000 + number),
            places=PLACES,
            readers=READERS,
            on_end=trial.watch.note,
        )
        async with anyio.create_task_group() as tg:
            tg.start_soon(flow.run)
            await flow.going.wait()
            await trial.run(rounds)
            flow.enough()
        for complaint in nodes.complaints():
            ledger.notes.append(f"a node said: {complaint}")
    taken = await sweep(nodes.tasks, ledger)
    figures: dict[str, int | float] = {
        "jumps of an hour": trial.jumps,
        "kills": trial.kills,
        "tasks": flow.tasks,
        "readers": flow.readers,
        "crash loops": flow.crash_loops,
        "claims": trial.watch.claims,
        **trial.watch.takeovers.figures(""),
        "times that went back": trial.watch.back,
        "tasks that were old by their clocks, and taken": taken,
    }
    return Figures(figures, ledger.lost, tuple(ledger.notes))


CAMPAIGN = Campaign(
    name="clock",
    round="one jump of one node's wall clock",
    protection="leases that are measured by the monotonic clock",
    small=8,
    small_weakened=6,
    run=run,
    missing=missing,
)
