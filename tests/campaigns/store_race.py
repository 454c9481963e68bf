"""Eight processes that go for the same task at the same instant: to create it, and to own it after its owner has died.

Every third task lies on a volume without hard links.
"""

import multiprocessing
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

import anyio

from server.errors import HoldfastError, LogCorrupt, OwnershipLost
from server.models import EventType, Life, Record, new_generation
from server.stores import lines
from server.stores.births import Births
from server.stores.disk import Disk
from server.stores.files import FileStore
from server.stores.reader import SegmentReader
from server.stores.seals import current_seals
from server.stores.segments import Segments
from server.stores.volume import Volume
from server.tasks.ownership import Ownership
from tests.campaigns.alone import run_alone
from tests.campaigns.campaign import Campaign, Figures
from tests.campaigns.disks import LinklessDisk, ReplacingDisk, scratch
from tests.campaigns.forking import End, Forked, Tell
from tests.campaigns.losses import Losses
from tests.campaigns.owning import LIFE

PROCESSES = 8
EPOCHS = 3
"""So many claims each process tries for: with every other task, all at the same moment for the same epoch; with the
others, each as fast as it can for the next one. Whoever wins writes, and dies over a record."""
EVENTS = 3
PATIENCE_SECONDS = 1.0
TRIES, TRY_AGAIN_SECONDS = 20, 0.005
MEETING_SECONDS = 60.0


def run(rounds: int, seed: int, weakened: bool) -> Figures:
    """``rounds`` tasks."""
    return run_alone("store_race", rounds, seed, weakened)


def rounds_of(rounds: int, seed: int, weakened: bool) -> Figures:
    losses = Losses()
    tasks = [f"{seed:08x}{index:024x}" for index in range(rounds)]
    counts: Counter[str] = Counter({"processes": PROCESSES, "tasks": len(tasks)})
    with scratch() as root:
        barrier = multiprocessing.get_context("fork").Barrier(PROCESSES)
        racers = [Forked(partial(_race, root, index, tasks, barrier, weakened)) for index in range(PROCESSES)]
        _wait_for_all(racers, losses)
        said: dict[str, list[list[Any]]] = defaultdict(list)
        for racer in racers:
            for what, task_id, *values in racer.said:
                said[task_id].append([what, *values])
        for number, task_id in enumerate(tasks):
            where = f"seed {seed}, task {number}{', no hard links' if number % 3 == 2 and not weakened else ''}"

            def lost(what: str, how: str, where: str = where) -> None:
                losses.lost(what, where, how)

            counts += _judge(root, task_id, said[task_id], lost)
    return Figures(dict(counts), dict(losses.counts) or {"losses": 0}, tuple(losses.notes))


def _wait_for_all(racers: Sequence[Forked], losses: Losses) -> None:
    running = list(racers)
    while running:
        for racer in list(running):
            end = racer.look()
            if end is not None:
                running.remove(racer)
            broke = [values for what, *values in racer.said if what in ("broke", "logged")]
            if end is End.KILLED or broke:
                losses.lost("racers broken", str(racer.pid), str(broke))
                racer.said = [words for words in racer.said if words[0] not in ("broke", "logged")]
        time.sleep(0.005)


class Racer:
    """One process: all tasks, each at the moment when every other process is there too."""

    def __init__(self, root: Path, index: int, barrier: Barrier, tell: Tell, *, weakened: bool) -> None:
        self._root, self._node, self._barrier, self._tell = root, f"n{index}", barrier, tell
        disks = [ReplacingDisk()] if weakened else [Disk(), Disk(), LinklessDisk()]
        self._stores = [FileStore(root, disk, PATIENCE_SECONDS) for disk in disks]

    async def race(self, tasks: Sequence[str]) -> None:
        for store in self._stores:
            await store.open()
        for number, task_id in enumerate(tasks):
            store = self._stores[number % len(self._stores)]
            life = await self._create(store, task_id)
            for epoch in range(1, EPOCHS + 1):
                if number % 2 == 0:
                    self._meet()
                    await self._claim(store, life, epoch)
                else:
                    newest = await store.newest_claim(life)
                    await self._claim(store, life, newest.epoch + 1 if newest else 1)
            self._meet()
            found = current_seals(_segments(self._root, life))
            self._tell("seals", task_id, sorted([epoch, seal.length, seal.seq] for epoch, seal in found.items()))

    def _meet(self) -> None:
        self._barrier.wait(MEETING_SECONDS)

    async def _create(self, store: FileStore, task_id: str) -> Life:
        mine = replace(LIFE, task_id=task_id, generation=new_generation())
        self._meet()
        for _ in range(TRIES):
            try:
                life, made = await store.create(mine)
            except HoldfastError as error:
                self._tell("refused", task_id, "creation", error.code, error.detail)
                await anyio.sleep(TRY_AGAIN_SECONDS)
            else:
                self._tell("created", task_id, life.generation, made)
                return life
        return mine

    async def _claim(self, store: FileStore, life: Life, epoch: int) -> None:
        task_id = life.task_id

        def publish(records: Sequence[Record]) -> None:
            for record in records:
                self._tell("shown", task_id, lines.encode(record).decode())

        try:
            writer = await store.claim(life, epoch, self._node)
            if writer is None:
                return
            self._tell("won", task_id, epoch, self._node)
            owned = Ownership(life, writer, self._node, store, publish, lambda: True)
            await owned.read_log()
            for index in range(EVENTS):
                owned.log.put(EventType.OUTPUT, {"part": "p", "text": f"{index} by {self._node}"}, "step")
            await owned.log.write_out()
            await owned.close()
            self._die_over_a_record(life, epoch)
        except OwnershipLost:
            self._tell("overtaken", task_id, epoch)
        except HoldfastError as error:
            self._tell("refused", task_id, f"claim of epoch {epoch}", error.code, error.detail)

    def _die_over_a_record(self, life: Life, epoch: int) -> None:
        with _segments(self._root, life).log(epoch).open("ab") as log:
            log.write(b'{"seq":9')


def _race(root: Path, index: int, tasks: Sequence[str], barrier: Barrier, weakened: bool, tell: Tell) -> None:
    racer = Racer(root, index, barrier, tell, weakened=weakened)
    anyio.run(racer.race, tasks, backend_options={"use_uvloop": True})


def _judge(root: Path, task_id: str, said: list[list[Any]], lost: Callable[[str, str], None]) -> Counter[str]:
    """What the processes say of one task, against each other and against what lies on the volume."""
    told: dict[str, list[list[Any]]] = defaultdict(list)
    for what, *values in said:
        told[what].append(values)
    for values in told["refused"]:
        lost("requests refused", str(values))
    if len({generation for generation, _ in told["created"]}) != 1:
        lost("second lives", str(told["created"]))
    if sum(made for _, made in told["created"]) != 1:
        lost("lives made twice or by nobody", str(told["created"]))
    try:
        born = Births(Volume(Disk()), root).find(replace(LIFE, task_id=task_id))
    except LogCorrupt as error:
        lost("lives damaged", error.detail)
        return Counter()
    if born is None:
        lost("lives lost", task_id)
        return Counter()
    segments = _segments(root, born)
    owners = Counter(epoch for epoch, _ in told["won"])
    for epoch, count in owners.items():
        if count != 1:
            lost("second owners", f"epoch {epoch}: {[node for won, node in told['won'] if won == epoch]}")
    for epoch, node in told["won"]:
        if segments.owner(epoch) != node:
            lost("claims taken away", f"epoch {epoch} was won by {node}, and is {segments.owner(epoch)!r}'s")
    unowned = set(range(1, segments.newest() + 1)) - set(owners) - {epoch for (epoch,) in told["overtaken"]}
    if unowned:
        lost("epochs without an owner", str(sorted(unowned)))
    if len({str(seals) for (seals,) in told["seals"]}) != 1:
        lost("seals that differ", str(told["seals"]))
    _judge_log(segments, [line for (line,) in told["shown"]], lost)
    return Counter({"claims won": len(told["won"]), "owners overtaken": len(told["overtaken"])})


def _segments(root: Path, life: Life) -> Segments:
    volume = Volume(Disk())
    return Segments(volume, Births(volume, root).folder(life))


def _judge_log(segments: Segments, shown: list[str], lost: Callable[[str, str], None]) -> None:
    reader = SegmentReader(segments, 0)
    records: list[Record] = []
    try:
        while batch := reader.read(None):
            records += batch
    except LogCorrupt as error:
        lost("readers failed", str(error))
    finally:
        reader.close()
    seqs = [record.seq for record in records if record.seq is not None]
    if seqs != list(range(1, len(seqs) + 1)):
        lost("gaps and repeats", str(seqs))
    for line in set(shown) - {lines.encode(record).decode() for record in records}:
        lost("events lost", line)


CAMPAIGN = Campaign(
    name="store-race",
    round="one task that eight processes race for",
    protection="link(), which fails if the name exists",
    small=12,
    small_weakened=4,
    run=run,
)
