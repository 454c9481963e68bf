"""All tasks in order: what lists, counts and feeds go through."""

import random
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest

from server.errors import StoreFailed
from server.models import Headline, Life, Status
from server.stores.base import Changes
from server.stores.memory import MemoryStore
from server.tasks import catalogue as module
from server.tasks.catalogue import Catalogue
from server.tasks.state import TaskState
from tests.making import life

SCOPE = "local"


class GatedStore(MemoryStore):
    """Makes its headlines in parts, each when the test lets it; it can fail."""

    def __init__(self, parts: int = 1) -> None:
        super().__init__()
        self._parts = parts
        self.let = anyio.Semaphore(0)
        self.failing = False

    async def make_headlines(self) -> bool:
        await self.let.acquire()
        self._parts -= 1
        return self._parts <= 0

    async def changes(self, cursor: object = None) -> Changes:
        if self.failing:
            raise StoreFailed("The volume does not answer.")
        return await super().changes(cursor)


@asynccontextmanager
async def running(store: MemoryStore) -> AsyncIterator[Catalogue]:
    """A catalogue that looks by itself."""
    catalogue = Catalogue(store)
    async with anyio.create_task_group() as tg:
        tg.start_soon(catalogue.run)
        yield catalogue
        tg.cancel_scope.cancel()


async def make(store: MemoryStore, number: int, status: Status = Status.PENDING, **more: Any) -> Life:
    task, _ = await store.create(life(f"{number:032x}", **{"created_at": number, **more}))
    await save(store, task, status)
    return task


async def save(store: MemoryStore, task: Life, status: Status, seq: int = 0) -> None:
    state = TaskState(task, status=status, seq=seq)
    await store.save_snapshot(task, 0, state.snapshot(0, 0), durable=False, headline=state.headline(0))


def numbers(found: Iterable[Headline]) -> list[int]:
    return [int(each.task_id, 16) for each in found]


async def test_tasks_are_in_order_by_whose_they_are_and_counted() -> None:
    """Whatever comes, changes, moves and goes: as a plain list of them says."""
    store, rng = MemoryStore(), random.Random(7)  # noqa: S311 - no secret
    plain: dict[int, tuple[Life, Status]] = {}
    # Nothing follows a failure but by another owner, and here all are of one.
    unfailed: list[Status] = [status for status in Status if status is not Status.FAILED]
    async with running(store) as catalogue:
        for round_number in range(30):
            for _ in range(8):
                number, status = rng.randrange(40), rng.choice(unfailed)
                scope, session = rng.choice([SCOPE, "other"]), rng.choice([None, "one", "two"])
                if number in plain:
                    task, _ = plain[number]
                    await save(store, task, status, round_number)
                else:
                    task = await make(store, number, status, scope=scope, session=session, created_at=rng.randrange(10))
                plain[number] = task, status
            for number in rng.sample(sorted(plain), 3):
                assert await store.remove(plain.pop(number)[0], 0)
            await catalogue.refresh()
            for scope in (SCOPE, "other"):
                mine = [(task.created_at, task.task_id) for task, _ in plain.values() if task.scope == scope]
                assert [each.place for each in catalogue.newest_first(scope)] == sorted(mine, reverse=True)
                for session in ("one", "two"):
                    wanted = [each for each in catalogue.newest_first(scope) if each.session == session]
                    assert list(catalogue.of_session(scope, session)) == wanted
                    assert list(catalogue.of_session(scope, session, (5, ""))) == [
                        each for each in wanted if each.place < (5, "")
                    ]
                for status in Status:
                    there = sum(task.scope == scope and each is status for task, each in plain.values())
                    assert catalogue.counts(scope)[status] == there
            assert sum(catalogue.all_counts.values()) == len(plain)


async def test_a_list_goes_on_from_a_place_whether_or_not_its_task_is_there() -> None:
    """Those that are newer come no more."""
    store = MemoryStore()
    tasks = [await make(store, number) for number in range(5)]
    async with running(store) as catalogue:
        await catalogue.refresh()
        assert numbers(catalogue.newest_first(SCOPE, (3, tasks[3].task_id))) == [2, 1, 0]
        assert await store.remove(tasks[3], 0)
        await catalogue.refresh()
        assert numbers(catalogue.newest_first(SCOPE, (3, tasks[3].task_id))) == [2, 1, 0]


async def test_what_has_changed_is_told_each_once_and_to_its_scope(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is gone too; and all of them to who asks for changes of long ago."""
    store = MemoryStore()
    first, second = await make(store, 1), await make(store, 2)
    await make(store, 3, scope="other")
    async with running(store) as catalogue:
        await catalogue.complete.wait()
        await catalogue.refresh()
        position = catalogue.position
        assert catalogue.changed_since(position, SCOPE) == []
        await save(store, first, Status.RUNNING, 1)
        await catalogue.refresh()
        await save(store, first, Status.COMPLETED, 2)
        assert await store.remove(second, 0)
        await make(store, 4, scope="other")
        await catalogue.refresh()
        assert set(catalogue.changed_since(position, SCOPE)) == {first.task_id, second.task_id}
    monkeypatch.setattr(module, "CHANGES_KEPT", 1)
    async with running(store) as catalogue:
        await catalogue.complete.wait()
        assert catalogue.changed_since(-5, SCOPE) == [first.task_id]


async def test_nothing_is_taken_for_empty_before_the_newest_tasks_were_looked_at() -> None:
    """And nothing for complete before all were."""
    store = GatedStore(parts=2)
    await make(store, 1)
    asked = anyio.Event()
    async with running(store) as catalogue, anyio.create_task_group() as tg:

        async def ask() -> None:
            await catalogue.refresh()
            asked.set()

        tg.start_soon(ask)
        await anyio.wait_all_tasks_blocked()
        assert not asked.is_set()
        store.let.release()
        await asked.wait()
        assert numbers(catalogue.newest_first(SCOPE)) == [1]
        assert not catalogue.complete.is_set()
        await catalogue.completed_within(0.01)
        assert not catalogue.complete.is_set()
        store.let.release()
        await catalogue.completed_within(10)
        assert catalogue.complete.is_set()


async def test_a_store_that_fails_is_told_to_who_asks_and_leaves_what_is_known() -> None:
    """A count may be old, and says of when it is."""
    store = GatedStore()
    store.let.release()
    await make(store, 1)
    async with running(store) as catalogue:
        await catalogue.complete.wait()
        counted_at = catalogue.counted_at
        store.failing = True
        with pytest.raises(StoreFailed):
            await catalogue.refresh()
        await catalogue.refresh_within(10)
        assert catalogue.counted_at == counted_at
        assert catalogue.all_counts[Status.PENDING] == 1
        store.failing = False
        await make(store, 2)
        await catalogue.refresh_within(10)
        assert catalogue.all_counts[Status.PENDING] == 2


async def test_who_waits_is_what_may_need_an_owner() -> None:
    """Of all scopes."""
    store = MemoryStore()
    for number, status in enumerate(Status):
        await make(store, number, status, scope=f"s{number}")
    async with running(store) as catalogue:
        await catalogue.refresh()
        wanted = {number for number, each in enumerate(Status) if each in (Status.PENDING, Status.RUNNING)}
        assert {int(task_id, 16) for task_id in catalogue.waiting()} == wanted
