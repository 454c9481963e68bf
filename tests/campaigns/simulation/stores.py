"""The file store on a fake disk, and with one protection taken away each: what the model must notice."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import anyio

from server.app import Holdfast
from server.errors import OwnershipLost
from server.models import Life, Record
from server.stores.base import LogWriter
from server.stores.births import Births
from server.stores.checksum import with_checksum
from server.stores.files import FileStore
from tests.campaigns.simulation.fake_disk import FakeDisk
from tests.campaigns.weakened import HEEDLESS_SECONDS, BlindStore, HasteStore

ROOT = Path("/volume/tasks")
PACKED_ABOVE_BYTES = 1500
"""Logs are short in a simulated world."""


class SimulatedStore(FileStore):
    """Packs short logs, too."""

    async def pack(self, life: Life, epoch: int) -> int:
        return await self._run("packing a log", self._folder.pack, life, epoch, PACKED_ABOVE_BYTES)


class _EarlyWriter:
    """Looks for a newer claim, and then writes."""

    def __init__(self, inner: LogWriter, is_taken: Callable[[], bool], store: FileStore) -> None:
        self.epoch, self._inner, self._is_taken, self._store = inner.epoch, inner, is_taken, store

    async def append(self, records: Sequence[Record]) -> None:
        if await self._store._run("looking at claims", self._is_taken):
            raise OwnershipLost
        try:
            await self._inner.append(records)
        except OwnershipLost:
            return

    async def close(self) -> None:
        await self._inner.close()


class EarlyStore(FileStore):
    """An owner looks for a newer claim before it writes, instead of afterwards."""

    async def claim(self, life: Life, epoch: int, node: str) -> LogWriter | None:  # type: ignore[override]
        writer = await super().claim(life, epoch, node)
        segments = self._folder.segments(life)
        return _EarlyWriter(writer, lambda: segments.claimed(epoch + 1), self) if writer is not None else None


class ReplacingStore(FileStore):
    """Looks for a task and then makes it, in the place of one that others have made meanwhile."""

    async def create(self, life: Life) -> tuple[Life, bool]:
        if (found := await self.latest(life.task_id)) is not None and found.number >= life.number:
            return found, False
        await anyio.sleep(HEEDLESS_SECONDS)
        await super().create(life)
        await self._run("making a task", self._make_it_count, life)
        return life, True

    def _make_it_count(self, life: Life) -> None:
        volume = self._folder.volume
        births = Births(volume, self._folder.root)
        volume.replace(births.record(life), with_checksum(life.encode()), durable=True)
        volume.make_folder(births.folder(life))


@dataclass(frozen=True, slots=True)
class Weakness:
    """``make(root, disk)`` is a store that lacks something, ``idle_syncs`` a disk, ``prepare`` takes it from a node.

    ``shown_by``: which troubles.
    """

    make: Callable[[Path, FakeDisk], FileStore] = SimulatedStore
    idle_syncs: str = "none"
    shown_by: tuple[str, ...] = ()
    prepare: Callable[[Holdfast], None] = lambda node: None


def without_leases(node: Holdfast) -> None:
    """It never fences itself: the look for a newer claim is all there is."""
    node.services.liveness.lease = lambda: lambda: True  # type: ignore[method-assign]


WEAKENED = {
    "blind": Weakness(BlindStore, shown_by=("freeze",), prepare=without_leases),
    "early": Weakness(EarlyStore, shown_by=("freeze",), prepare=without_leases),
    "haste": Weakness(HasteStore, shown_by=("kill",)),
    "heedless": Weakness(ReplacingStore),
    "unsynced": Weakness(idle_syncs="all", shown_by=("power",)),
    "unsynced readers": Weakness(idle_syncs="of readers", shown_by=("outage",)),
}
