"""Calls to the disk that fail, once or until they are healed, while nodes work."""

import errno
import os
from dataclasses import dataclass
from random import Random
from typing import Any

from server.errors import HoldfastError
from server.models import Life
from server.stores.disk import Disk
from server.stores.files import FileStore
from tests.campaigns.campaign import Figures
from tests.campaigns.chance import dice
from tests.campaigns.outages import FOLDER, look_after
from tests.campaigns.promises import UNTYPED, Ledger, Loss, counted, events_of
from tests.campaigns.relayed import RelayedDisk, os_error
from tests.campaigns.simulated import SimulatedDisk
from tests.campaigns.work import Work

NODES = 2
BEFORE, DURING, AFTER = 25, 25, 10
"""Operations before the calls begin to fail, while they do, and when they work again."""
LATEST_FAILURE = 8
CUTS = 4
SHORT = 0
"""In the place of an error's number: the write takes a part of what it is given."""

UNREAD = "reads refused"
AGAIN = "writes after a failed fsync"
MADE = "refused tasks made"

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)
_WRITING = (errno.EIO, errno.EROFS, *_NO_ROOM)
ERRORS: dict[str, tuple[int, ...]] = {
    "open": (errno.EMFILE, *_WRITING),
    "write": (SHORT, *_WRITING),
    "write_at": _WRITING,
    "sync": (errno.EIO, *_NO_ROOM),
    "sync_data": (errno.EIO, *_NO_ROOM),
    "sync_folder": (errno.EIO, errno.EMFILE, *_NO_ROOM),
    "link": _WRITING,
    "rename": _WRITING,
    "unlink": _WRITING,
    "make_folder": _WRITING,
    "truncate": _WRITING,
    "names": (errno.EIO, errno.EMFILE),
    "read_at": (errno.EIO,),
    "size": (errno.EIO,),
    "exists": (errno.EIO,),
    "version": (errno.EIO,),
    "lock": (errno.EIO, errno.ENOLCK),
}
"""Which calls fail, and how they may."""
READING = frozenset({"open", "names", "read_at", "size", "exists", "version", "sync_data"})
"""Without these nothing can be read; while any other one fails, everything can. A reader syncs what it reads."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Call ``name`` fails from its ``first``-th time on, once or for good. Of `open`, only that which makes a file
    fails for want of room or of the right to write."""

    name: str
    number: int
    first: int
    lasting: bool

    def __str__(self) -> str:
        what = errno.errorcode.get(self.number, "short")
        return f"{self.name} {what} {'from' if self.lasting else 'at'} call {self.first}"

    def hits(self, args: tuple[Any, ...]) -> bool:
        makes_a_file = self.name == "open" and bool(args[1] & os.O_CREAT)
        return self.name != "open" or self.number in (errno.EIO, errno.EMFILE) or makes_a_file


def all_faults() -> list[Fault]:
    """Each call with each of its errors, at each place, once and for good."""
    return [
        Fault(name, number, first, lasting)
        for first in range(1, LATEST_FAILURE + 1)
        for name, numbers in ERRORS.items()
        for number in numbers
        for lasting in (False, True)
    ]


class FailingDisk(RelayedDisk):
    """Fails as it is told to. ``spoilt`` counts what is done to a file whose fsync has failed, by the same handle."""

    def __init__(self, inner: SimulatedDisk) -> None:
        super().__init__(inner)
        self._simulated = inner
        self._fault: Fault | None = None
        self._seen = 0
        self._unsynced: set[int] = set()
        self.failed = self.spoilt = 0

    def fail(self, fault: Fault | None) -> None:
        self._fault, self._seen = fault, 0

    def call(self, name: str, *args: Any) -> Any:
        if name in ("write", "write_at", "sync", "sync_data") and args[0] in self._unsynced:
            self.spoilt += 1
        if name == "close":
            self._unsynced.discard(args[0])
        fault = self._fault
        if fault is None or fault.name != name or not fault.hits(args):
            return super().call(name, *args)
        self._seen += 1
        if self._seen < fault.first or (self._seen > fault.first and not fault.lasting):
            return super().call(name, *args)
        self.failed += 1
        if fault.number == SHORT:
            handle, content = args
            return super().call(name, handle, content[: (len(content) + 1) // 2])
        if name in ("sync", "sync_data"):
            self._unsynced.add(args[0])
            self._simulated.fail_sync(self._simulated.file_of(args[0]))
        if name == "write":
            super().call(name, args[0], args[1][: len(args[1]) // 3])  # a part of it may be there all the same
        raise os_error(fault.number)


class StubbornDisk(RelayedDisk):
    """Weakened: what an fsync could not do is tried again, and a short write taken for a whole one."""

    def call(self, name: str, *args: Any) -> Any:
        if name.startswith("sync"):
            try:
                return super().call(name, *args)
            except OSError:
                return super().call(name, *args)
        result = super().call(name, *args)
        return len(args[1]) if name == "write" else result


async def fail_calls(rounds: int, seed: int, weakened: bool) -> Figures:
    """One fault each round, in order of `all_faults` and from the start again, with other work."""
    faults = all_faults()
    order = dice(seed, "faults").sample(faults, len(faults))
    losses: list[Loss] = []
    notes: list[str] = []
    done = {"faults": 0, "failed calls": 0, "operations refused": 0, "power cuts after them": 0}
    for index in range(rounds):
        fault = order[index % len(order)]
        trial = Trial(fault, dice(seed, f"fault {index}"), weakened)
        found = await trial.run()
        done["faults"] += 1
        done["failed calls"] += trial.disk.failed
        done["operations refused"] += trial.refused
        done["power cuts after them"] += CUTS
        losses += found
        notes += [f"round {index + 1}, {fault}: {loss.kind}: {loss.told}" for loss in found]
    return Figures({**done}, counted(losses, (UNREAD, AGAIN, MADE)), tuple(notes))


class Trial:
    """One fault in the midst of work: the first node's calls fail, the second one's do not."""

    def __init__(self, fault: Fault, random: Random, weakened: bool) -> None:
        self._fault, self._random = fault, random
        self._below = SimulatedDisk()
        self.disk = FailingDisk(self._below)
        self._first: Disk = StubbornDisk(self.disk) if weakened else self.disk
        self._ledger = Ledger()
        self._made_not: list[Life] = []
        self._losses: list[Loss] = []
        self.refused = 0

    async def run(self) -> list[Loss]:
        """What was lost by it: at once, after the power is cut, and when the nodes start again."""
        stores = [FileStore(FOLDER, self._first), FileStore(FOLDER, self._below)]
        for store in stores:
            await store.open()
        work = Work(stores, self._random, self._ledger.note, self._note_refusal, self._note_unmade)
        await self._operate(work, BEFORE)
        self.disk.fail(self._fault)
        for _ in range(DURING):
            await self._operate(work, 1)
            await self._read_all(stores[0])
        self.disk.fail(None)
        await self._operate(work, AFTER)
        for life in self._made_not:
            if life in await stores[1].lives(life.task_id):
                self._losses.append(Loss(MADE, f"task {life.task_id[:6]} is there, though there was no room for it"))
        if self.disk.spoilt:
            self._losses.append(Loss(AGAIN, f"{self.disk.spoilt} calls"))
        for _ in range(CUTS):
            promised = self._ledger.copy()
            left = self._below.after_cut(self._below.calls, self._random)
            self._losses += await look_after(left, FOLDER, promised, promised.note)
        self._losses += await look_after(self._below, FOLDER, self._ledger, self._ledger.note)
        return self._losses

    async def _operate(self, work: Work, operations: int) -> None:
        for _ in range(operations):
            try:
                await work.one(self._random.choices(range(NODES), (3, 1))[0])
            except Exception as error:  # noqa: BLE001 - any but a typed one is what is looked for
                self._losses.append(Loss(UNTYPED, repr(error)))

    async def _read_all(self, store: FileStore) -> None:
        """Reading must go on while only writing fails."""
        if self._fault.name in READING:
            return
        try:
            for promise in self._ledger.promises.values():
                await events_of(store, promise.life)
                await store.head(promise.life.task_id)
            await store.changes()
        except HoldfastError as error:
            self._losses.append(Loss(UNREAD, error.detail))

    def _note_refusal(self, error: HoldfastError) -> None:
        self.refused += 1

    def _note_unmade(self, life: Life) -> None:
        self._made_not.append(life)
