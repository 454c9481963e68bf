"""Power cuts on a simulated file system: after each, what was promised is looked for, and every task goes on."""

from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random

import anyio

from server.errors import HoldfastError, LogCorrupt
from server.stores.disk import Disk
from server.stores.files import FileStore
from tests.campaigns.campaign import Figures
from tests.campaigns.chance import dice
from tests.campaigns.promises import DAMAGED, STUCK, UNTYPED, Ledger, Loss, Note, broken_promises, counted
from tests.campaigns.relayed import ForgetfulDisk, Killed, ProcessDisk
from tests.campaigns.simulated import ROOT, SimulatedDisk
from tests.campaigns.work import Work

NODES = 3
OPERATIONS = 40
CUTS_PER_SPELL = 20
SPELLS_PER_VOLUME = 8
LONGEST_OPERATION = 30
FOLDER = ROOT / "tasks"


async def simulate(cuts: int, seed: int, weakened: bool) -> Figures:
    """So many cuts: spells of work, each cut at several places; one of the volumes left is worked on with."""
    random = dice(seed, "cuts")
    losses: list[Loss] = []
    notes: list[str] = []
    done = spells = kills = freezes = 0
    while done < cuts:
        disk, ledger = SimulatedDisk(), Ledger()
        for _ in range(SPELLS_PER_VOLUME):
            spell = Spell(disk, ledger, dice(random.getrandbits(64), "work"), weakened)
            await spell.work()
            spells, kills, freezes = spells + 1, kills + spell.kills, freezes + spell.freezes
            for _ in range(min(CUTS_PER_SPELL, cuts - done)):
                at = random.randint(spell.began, disk.calls)
                left, promised = disk.after_cut(at, random), spell.promised_at(at)
                found = await look_after(left, FOLDER, promised, promised.note)
                done += 1
                losses += found
                notes += [f"cut {done}, after call {at} of {disk.calls}: {loss.kind}: {loss.told}" for loss in found]
            if done >= cuts or losses:
                break
            disk, ledger = left, promised
    counts = {"simulated cuts": done, "spells of work": spells, "kills": kills, "freezes": freezes}
    return Figures({**counts}, counted(losses), tuple(notes))


async def look_after(disk: Disk, folder: Path, ledger: Ledger, note: Callable[[Note], None]) -> list[Loss]:
    """What is broken of the promises, before and after every task has gone on.

    ``note`` is given what that promises, and must put it into the ledger.
    """
    store = FileStore(folder, disk)
    try:
        await store.open()
        if losses := await broken_promises(store, ledger):
            return losses
        work = Work([store], dice(0, "going on"), note)
        await work.find([promise.life for promise in ledger.promises.values()])
        await work.go_on()
        return await broken_promises(store, ledger)
    except LogCorrupt as error:
        return [Loss(DAMAGED, f"a task can't go on: {error.detail}")]
    except HoldfastError as error:
        return [Loss(STUCK, f"a task can't go on: {error.detail}")]
    except Exception as error:  # noqa: BLE001 - any other error is what is looked for
        return [Loss(UNTYPED, repr(error))]
    finally:
        await store.close()


class Spell:
    """Some work of several nodes on one disk, that die and stand still between any two calls."""

    def __init__(self, disk: SimulatedDisk, ledger: Ledger, random: Random, weakened: bool) -> None:
        self._disk, self._ledger, self._random = disk, ledger, random
        self._below: Disk = ForgetfulDisk(disk) if weakened else disk
        self._noted: list[tuple[int, Note]] = []
        self.began = disk.calls
        self.kills = self.freezes = 0

    def promised_at(self, calls: int) -> Ledger:
        """What had been promised when so many calls had been made."""
        promised = self._ledger.copy()
        for at, note in self._noted:
            if at <= calls:
                promised.note(note)
        return promised

    def _note(self, note: Note) -> None:
        self._noted.append((self._disk.calls, note))

    async def work(self) -> None:
        self._processes = [ProcessDisk(self._below) for _ in range(NODES)]
        stores = [await _opened(process) for process in self._processes]
        self._work = Work(stores, self._random, self._note)
        await self._work.find([promise.life for promise in self._ledger.promises.values()])
        for _ in range(OPERATIONS):
            seat = self._random.randrange(NODES)
            chance = self._random.random()
            if chance < 0.1:
                self._processes[seat].die_after(self._random.randrange(LONGEST_OPERATION))
            if chance > 0.8:
                await self._frozen(seat)
            else:
                await self._one(seat)

    async def _one(self, seat: int) -> None:
        try:
            await self._work.one(seat)
        except Killed:
            self.kills += 1
            self._work.leave(seat)
            self._processes[seat] = ProcessDisk(self._below)
            self._work.seats[seat] = await _opened(self._processes[seat])

    async def _frozen(self, seat: int) -> None:
        """An operation that stands still between two calls while other nodes work on."""
        process = self._processes[seat]
        process.freeze_after(self._random.randrange(LONGEST_OPERATION))
        frozen = process.frozen

        async def frozen_one() -> None:
            await self._one(seat)
            frozen.set()

        async with anyio.create_task_group() as tg:
            tg.start_soon(frozen_one)
            await frozen.wait()
            self.freezes += 1
            for _ in range(self._random.randint(1, 4)):
                await self._one(self._random.choice(others(seat)))
            process.thaw()


def others(seat: int) -> Sequence[int]:
    return [index for index in range(NODES) if index != seat]


async def _opened(disk: Disk) -> FileStore:
    store = FileStore(FOLDER, disk)
    await store.open()
    return store
