"""The state machine over the stores finds each promise that is broken; `scripts/campaign contract` runs it for long."""

import os
from functools import partial

import pytest

from server.models import Life
from server.stores.checksum import with_checksum
from server.stores.files import FileStore
from server.stores.memory import MemoryStore
from tests.campaigns.contract import MACHINES, Machine, broken_promise
from tests.campaigns.weakened import BlindStore, HasteStore, RepeatingStore
from tests.contract.dying import DyingMachine
from tests.contract.machine import StoreMachine, files, memory

SEQUENCES = 20
MOST_SEQUENCES = 200
"""Until a broken promise is found, which mostly takes a few."""


class SettlingStore(MemoryStore):
    """Settles a task whoever asks for it."""

    async def settle(self, life: Life, epoch: int) -> None:
        self._open.discard(life.task_id)


class ForgivingStore(MemoryStore):
    """Keeps what an overtaken owner has made."""

    async def put_artifact(self, life: Life, epoch: int, name: str, content: bytes) -> None:
        await super().put_artifact(life, 1_000_000, name, content)


class LateStore(FileStore):
    """Saves a snapshot whoever has made it."""

    def _superseded(self, life: Life, epoch: int) -> bool:
        return False


class InPlaceStore(FileStore):
    """Writes over a snapshot: there is a moment in which it is neither the old one nor the new one."""

    def _save_snapshot(self, life: Life, epoch: int, snapshot: bytes, durable: bool) -> None:
        if not self._superseded(life, epoch):
            disk = self._volume.disk
            handle = disk.open(self._snapshots.path(life.task_id), os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            disk.write(handle, with_checksum(snapshot))
            disk.close(handle)


@pytest.mark.parametrize("machine", MACHINES.values(), ids=MACHINES)
def test_a_store_holds_what_it_has_promised_whatever_its_nodes_do(machine: Machine) -> None:
    """In each of these sequences."""
    assert broken_promise(machine, SEQUENCES, 1, shrink=True) is None


@pytest.mark.parametrize(
    "machine",
    [
        partial(StoreMachine, partial(memory, SettlingStore)),
        partial(StoreMachine, partial(memory, ForgivingStore)),
        partial(StoreMachine, partial(files, BlindStore)),
        partial(StoreMachine, partial(files, RepeatingStore)),
        partial(StoreMachine, partial(files, LateStore)),
        partial(DyingMachine, InPlaceStore),
        partial(DyingMachine, HasteStore),
    ],
    ids="settling forgiving blind repeating late in_place haste".split(),
)
def test_a_promise_that_is_broken_is_found(machine: Machine) -> None:
    """A check that can't fail proves nothing."""
    assert broken_promise(machine, MOST_SEQUENCES, 2) is not None


def test_writing_in_place_is_found_by_deaths_alone() -> None:
    """So the deaths fall where they matter."""
    assert broken_promise(partial(StoreMachine, partial(files, InPlaceStore)), SEQUENCES, 2) is None
