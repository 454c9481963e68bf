"""Eight processes that go for the same task at the same instant: to create it, and to own it after its owner has died.

Every third task lies on a volume without hard links.
"""

import multiprocessing
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

import anyio

from server.errors import HoldfastError, OwnershipLost
from server.models import EventType, Life, Record, new_generation
from server.stores import lines
from server.stores.disk import Disk
from server.stores.files import FileStore
from server.stores.reader import SegmentReader
from server.stores.seals import current_seals
from server.stores.segments import Segments
from server.stores.volume import Volume
from server.tasks.ownership import Ownership
from tests.campaigns.alone import run_alone
from tests.campaigns.campaign import Figures
from tests.campaigns.disks import LinklessDisk, ReplacingDisk, scratch
from tests.campaigns.forking import End, Forked, Tell
from tests.campaigns.owning import LIFE
from tests.campaigns.witness import Losses

PROCESSES = 8
EPOCHS = 3
"""Each epoch but the first is raced for; its winner dies as well, over a record that it has not written to its end."""
MEETING_SECONDS = 60.0


def run(rounds: int, seed: int, weakened: bool) -> Figures:
    """``rounds`` tasks."""
    return run_alone("store_race", rounds, seed, weakened)


def rounds_of(rounds: int, seed: int, weakened: bool) -> Figures:
    losses = Losses()
    tasks = [f"{seed:08x}{index:024x}" for index in range(rounds)]
    with scratch() as root:
        barrier = multiprocessing.get_context("fork").Barrier(PROCESSES)
        racers = [Forked(partial(_race, root, index, tasks, barrier, weakened)) for index in range(PROCESSES)]
        _wait_for_all(racers, losses)
        counts: Counter[str] = Counter({"processes": PROCESSES, "tasks": len(tasks)})
        finds: dict[str, list[tuple[int, list[Any]]]] = defaultdict(list)
        for index, racer in enumerate(racers):
            for what, task_id, *values in racer.said:
                finds[task_id].append((index, [what, *values]))
        for number, task_id in enumerate(tasks):
            _judge(root, f"seed {seed}, task {number}", task_id, finds[task_id], losses, counts)
    return Figures(dict(counts), dict(losses.counts) or {"losses": 0}, tuple(losses.notes))


def _wait_for_all(racers: Sequence[Forked], losses: Losses) -> None:
    running = list(racers)
    while running:
        for racer in list(running):
            end = racer.look()
            if end is not None:
                running.remove(racer)
            if end not in (None, End.EXITED):
                losses.lost("racers broken", str(racer.pid), str(racer.said[-1:]))
        time.sleep(0.005)


def _race(root: Path, index: int, tasks: Sequence[str], barrier: Barrier, weakened: bool, tell: Tell) -> None:
    """One process: all tasks, each at the moment when every other process is there too."""
    node = f"n{index}"
    stores = {}
    for number, made in enumerate((Disk, Disk, LinklessDisk)):
        stores[number] = FileStore(root, ReplacingDisk() if weakened else made())

    async def work() -> None:
        for store in stores.values():
            await store.open()
        for number, task_id in enumerate(tasks):
            barrier.wait(MEETING_SECONDS)
            await _create_and_claim(stores[number % len(stores)], task_id, node, barrier, partial(tell_of, task_id))

    def tell_of(task_id: str, what: str, *values: Any) -> None:
        tell(what, task_id, *values)

    anyio.run(work, backend_options={"use_uvloop": True})


async def _create_and_claim(store: FileStore, task_id: str, node: str, barrier: Barrier, tell: Tell) -> None:
    mine = replace(LIFE, task_id=task_id, generation=new_generation())
    try:
        life, made = await store.create(mine)
    except HoldfastError as error:
        tell("refused", error.code, error.detail)
        life = await _found(store, task_id)
    else:
        tell("created", life.generation, made)
    for epoch in range(1, EPOCHS + 1):
        barrier.wait(MEETING_SECONDS)
        try:
            await _own(store, life, epoch, node, tell)
        except OwnershipLost:
            pass
        except HoldfastError as error:
            tell("refused", error.code, error.detail)
    barrier.wait(MEETING_SECONDS)
    tell("seals", sorted(current_seals(_segments(store, task_id)).items()))


async def _found(store: FileStore, task_id: str) -> Life:
    while (life := await store.latest(task_id)) is None:
        await anyio.sleep(0.001)
    return life


def _segments(store: FileStore, task_id: str) -> Segments:
    return Segments(Volume(Disk()), store.root / task_id / "0001")
