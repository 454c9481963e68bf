"""The state machine over the stores finds each promise that is broken; `scripts/campaign contract` runs it for long."""

from functools import partial

import pytest

from server.models import Life
from server.stores.files import FileStore
from server.stores.memory import MemoryStore
from tests.campaigns.contract import broken_promise
from tests.campaigns.weakened import BlindStore, RepeatingStore
from tests.contract.machine import Stores, files, memory

SEQUENCES = 60


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


@pytest.mark.parametrize("stores", [memory, files])
def test_a_store_holds_what_it_has_promised_whatever_its_nodes_do(stores: Stores) -> None:
    """In each of these sequences."""
    assert broken_promise(stores, SEQUENCES // 2, 1, shrink=True) is None


@pytest.mark.parametrize(
    "stores",
    [
        partial(memory, SettlingStore),
        partial(memory, ForgivingStore),
        partial(files, BlindStore),
        partial(files, RepeatingStore),
        partial(files, LateStore),
    ],
    ids=lambda stores: stores.args[0].__name__,
)
def test_a_promise_that_is_broken_is_found(stores: Stores) -> None:
    """A check that can't fail proves nothing."""
    assert broken_promise(stores, SEQUENCES, 1) is not None
