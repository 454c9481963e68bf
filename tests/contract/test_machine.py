"""The state machine over the stores finds each promise that is broken; `scripts/campaign contract` runs it for long."""

import os
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from functools import partial

import orjson
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from server.models import Headline, Life
from server.stores.checksum import with_checksum
from server.stores.files import FileStore
from server.stores.memory import MemoryStore
from tests.campaigns.contract import MACHINES, Machine, broken_promise
from tests.campaigns.weakened import BlindStore, HasteStore, RepeatingStore
from tests.contract.dying import MOST_CALLS, DyingMachine
from tests.contract.machine import NODE, PICKS, TASK_IDS, StoreMachine, Stores, files, memory

SEQUENCES = 20
MOST_SEQUENCES = 400
"""Until a broken promise is found, which mostly takes a few."""


class SettlingStore(MemoryStore):
    """Settles a task whoever asks for it."""

    async def settle(self, life: Life, epoch: int) -> None:
        self._open.discard(life.task_id)


class ForgivingStore(MemoryStore):
    """Keeps what an overtaken owner has made."""

    async def put_artifact(self, life: Life, epoch: int, name: str, content: bytes) -> str:
        return await super().put_artifact(life, 1_000_000, name, content)


class LateStore(FileStore):
    """Saves a snapshot whoever has made it."""

    async def save_snapshot(
        self, life: Life, epoch: int, snapshot: bytes, *, durable: bool, headline: Headline | None = None
    ) -> None:
        self._folder.snapshots.replacement(life.task_id, snapshot, durable=durable).commit()


class InPlaceStore(FileStore):
    """Writes over a snapshot: there is a moment in which it is neither the old one nor the new one."""

    async def save_snapshot(
        self, life: Life, epoch: int, snapshot: bytes, *, durable: bool, headline: Headline | None = None
    ) -> None:
        if not self._folder._superseded(life, epoch):
            disk = self._folder.volume.disk
            handle = disk.open(self._folder.snapshots.path(life.task_id), os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            disk.write(handle, with_checksum(snapshot))
            disk.close(handle)


class SleepingMachine(StoreMachine):
    """Somebody sleeps while its task is removed and asked for again, and wakes up beside the new one."""

    @precondition(lambda self: self._lives)
    @rule(pick=PICKS, node=NODE, epoch=st.integers(0, 2), what=st.sampled_from(["save", "settle", "keep"]))
    def wake_after_a_removal(self, pick: int, node: int, epoch: int, what: str) -> None:
        store, kept = self._store(node), self._tasks[self._any_life(pick).life.task_id][-1]
        gone = kept.life
        self.remove(self._lives.index(kept), node + 1, older=0)
        self.create(gone.task_id, node, again=False, at_once=False)
        snapshot = orjson.dumps({"taskId": gone.task_id, "by": "a sleeper"})
        calls: dict[str, Callable[[], Awaitable[object]]] = {
            "save": partial(store.save_snapshot, gone, epoch, snapshot, durable=False),
            "settle": partial(store.settle, gone, epoch),
            "keep": partial(store.put_artifact, gone, epoch, "x", b"a sleeper's"),
        }
        self._refusal(calls[what])


@pytest.mark.parametrize("stores", [memory, files], ids=["memory", "files"])
def test_who_sleeps_while_its_task_is_removed_changes_nothing_afterwards(stores: Stores) -> None:
    assert broken_promise(partial(SleepingMachine, stores), MOST_SEQUENCES // 8, 1) is None


def test_a_life_is_whole_wherever_its_creation_died() -> None:
    """Something can be kept for it at once."""
    for calls in range(MOST_CALLS):
        machine = DyingMachine()
        with ExitStack() as stack:
            stack.callback(machine.teardown)
            machine.create(TASK_IDS[0], 0, again=False, at_once=False)
            machine.die_creating(0, 0, calls)
            machine.put_artifact(1, 0, 0, "x")


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
