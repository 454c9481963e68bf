"""What has become of the items of a batch, as its log tells it."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from anyio import create_task_group

from server.models import EventType, Life, Record, now_ms
from server.stores.files import FileLogReader, FileStore
from server.stores.memory import MemoryLogReader, MemoryStore
from server.tasks.items import Items, Known, Outcomes
from server.tasks.journal import UPGRADED
from tests.making import life, release, step_record


def item(seq: int, key: str, status: str = "completed", *, step: str | None = None) -> Record:
    data = {"key": key, "status": status, "outcome": status}
    return Record(seq, now_ms(), EventType.ITEM, orjson.dumps(data), step or f"item:{key}")


def status(seq: int, reason: str = "") -> Record:
    return Record(seq, now_ms(), EventType.STATUS, orjson.dumps({"status": "running", "reason": reason}))


def statuses(known: dict[str, dict[str, Any]]) -> dict[str, str]:
    return {key: data["status"] for key, data in known.items()}


def test_an_item_counts_when_its_step_is_recorded() -> None:
    """What is told in a step that has not finished may still come out otherwise."""
    outcomes = Outcomes()
    outcomes.add([item(1, "a"), step_record("item:a"), item(2, "b")])
    assert statuses(outcomes.known) == {"a": "completed"}
    outcomes.add([step_record("item:b")])
    assert statuses(outcomes.known) == {"a": "completed", "b": "completed"}


def test_who_reads_on_from_there_meets_every_item_that_does_not_count_yet() -> None:
    """What was told in steps that are not finished comes again, and nothing is passed over."""
    outcomes = Outcomes()
    outcomes.add([status(1), item(2, "a"), step_record("item:a"), item(3, "b"), item(4, "c"), step_record("item:c")])
    assert outcomes.seq == 2
    outcomes.add([step_record("item:b")])
    assert outcomes.seq == 4
    outcomes.add([item(5, "d"), status(6)])
    assert outcomes.seq == 6


def test_what_an_owner_told_who_died_over_it_does_not_count() -> None:
    """It is told once more by who takes the task up."""
    outcomes = Outcomes()
    outcomes.add(
        [item(1, "a", "failed"), item(2, "gone", step="item:a"), status(3), item(4, "a"), step_record("item:a")]
    )
    assert statuses(outcomes.known) == {"a": "completed"}


def test_nothing_of_an_older_program_counts() -> None:
    """Its task starts over in the open."""
    outcomes = Outcomes()
    outcomes.add([item(1, "a"), step_record("item:a"), status(2, UPGRADED), item(3, "b"), step_record("item:b")])
    assert statuses(outcomes.known) == {"b": "completed"}


class CountingMemory(MemoryStore):
    """Counts the readings of logs."""

    readings = 0

    def reader(self, life: Life, after: int = 0) -> MemoryLogReader:
        self.readings += 1
        return super().reader(life, after)


class CountingFiles(FileStore):
    """The same in a folder."""

    readings = 0

    def reader(self, life: Life, after: int = 0) -> FileLogReader:
        self.readings += 1
        return super().reader(life, after)


@pytest.fixture(params=["memory", "files"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[CountingMemory | CountingFiles]:
    made = CountingMemory() if request.param == "memory" else CountingFiles(tmp_path)
    await made.open()
    yield made
    await made.close()


async def test_a_log_is_read_once_for_all_and_again_only_when_there_may_be_more(
    store: CountingMemory | CountingFiles,
) -> None:
    """While somebody owns it, there may be more at any time: a step's record has no number of its own."""
    task, _ = await store.create(life())
    writer = await store.claim(task, 1, "n")
    assert writer is not None
    items = Items(store)
    await writer.append([item(1, "a")])
    assert await items.of(task, 1) == Known({}, 0)
    await writer.append([step_record("item:a")])
    assert statuses((await items.of(task, 1)).items) == {"a": "completed"}
    await writer.append([release()])
    await writer.close()
    store.readings = 0

    async def ask() -> None:
        assert statuses((await items.of(task, 1)).items) == {"a": "completed"}

    async with create_task_group() as tg:
        for _ in range(20):
            tg.start_soon(ask)
    assert store.readings == 1
    assert statuses((await items.of(task, 1)).items) == {"a": "completed"}
    assert store.readings == 1
    again = await store.claim(task, 2, "m")
    assert again is not None
    await again.append([status(2), item(3, "b"), step_record("item:b")])
    await again.close()
    assert statuses((await items.of(task, 3)).items) == {"a": "completed", "b": "completed"}
