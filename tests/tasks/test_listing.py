"""Lists and feeds: true in what they show, and no dearer for the tasks that they don't."""

import os
import shutil
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest

from server.app import Holdfast
from server.errors import InvalidParameters
from server.models import Life, Status
from server.stores.disk import Disk
from server.stores.files import FileStore
from server.tasks.catalogue import Catalogue
from server.tasks.listing import Filters, Listing
from server.tasks.state import TaskState
from server.workflows.demo import demo_workflow
from tests.campaigns.relayed import RelayedDisk
from tests.making import life
from tests.serving import settings

ALL = Filters()
SCOPE = "local"


class CountingDisk(RelayedDisk):
    """Counts its calls."""

    def __init__(self) -> None:
        super().__init__(Disk())
        self.calls: Counter[str] = Counter()

    def call(self, name: str, *args: Any) -> Any:
        self.calls[name] += 1
        return super().call(name, *args)


class GatedStore(FileStore):
    """Makes its headlines in parts, each when the test lets it; all of them where it says nothing."""

    let: anyio.Semaphore | None = None

    async def make_headlines(self) -> bool:
        if self.let is not None:
            await self.let.acquire()
        return await super().make_headlines()


class Node:
    """The lists of a node that runs nothing."""

    def __init__(self, folder: Path) -> None:
        self.disk = CountingDisk()
        self.store = GatedStore(folder / "tasks", self.disk)
        parts = Holdfast(settings(folder), self.store, [demo_workflow()]).services
        self.listing: Listing = parts.listing
        self.catalogue: Catalogue = parts.catalogue

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Node"]:
        await self.store.open()
        async with anyio.create_task_group() as tg:
            tg.start_soon(self.catalogue.run)
            yield self
            tg.cancel_scope.cancel()
        await self.store.close()

    async def titles(self, filters: Filters = ALL, limit: int = 500, cursor: str | None = None) -> list[str]:
        views, _ = await self.listing.page(SCOPE, filters, limit, cursor)
        return [view["title"] for view in views]


class Place:
    """A node, and another store that changes the tasks."""

    def __init__(self, folder: Path, node: Node, other: FileStore) -> None:
        self.folder, self.node, self.other = folder, node, other

    async def make(self, number: int, status: Status = Status.PENDING, **more: Any) -> Life:
        born = {"created_at": 1_764_000_000_000 + number, "title": f"task {number}", **more}
        task, _ = await self.other.create(life(f"{number:032x}", **born))
        await self.save(task, status)
        if status.terminal:
            await self.other.settle(task, 0)
        return task

    async def save(self, task: Life, status: Status, seq: int = 0) -> None:
        state = TaskState(task, status=status, seq=seq)
        await self.other.save_snapshot(task, 0, state.snapshot(0, 0), durable=False, headline=state.headline(0))


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    other = FileStore(tmp_path / "tasks")
    await other.open()
    async with AsyncExitStack() as stack:
        yield Place(tmp_path, await stack.enter_async_context(Node(tmp_path).running()), other)
    await other.close()


async def test_pages_are_stable_while_tasks_come_and_go(place: Place) -> None:
    """What comes in is on no later page, and what goes makes no other be skipped."""
    tasks = [await place.make(number) for number in range(10)]
    views, cursor = await place.node.listing.page(SCOPE, ALL, 4, None)
    assert [view["title"] for view in views] == ["task 9", "task 8", "task 7", "task 6"]
    await place.make(99)
    for gone in (tasks[6], tasks[5]):
        assert await place.other.remove(gone, 0)
    views, cursor = await place.node.listing.page(SCOPE, ALL, 3, cursor)
    assert [view["title"] for view in views] == ["task 4", "task 3", "task 2"]
    views, cursor = await place.node.listing.page(SCOPE, ALL, 2, cursor)
    assert [view["title"] for view in views] == ["task 1", "task 0"]
    assert cursor is None


@pytest.mark.parametrize("cursor", ["nonsense", "_", "2025-11-24T16:00:00.000Z_", "2025-11-24_abc", "x_y"])
async def test_a_cursor_that_no_page_gave_is_refused(place: Place, cursor: str) -> None:
    """Whatever it looks like."""
    with pytest.raises(InvalidParameters):
        await place.node.listing.page(SCOPE, ALL, 4, cursor)


async def test_a_list_is_narrowed_by_each_of_its_filters(place: Place) -> None:
    """And shows nobody what is another's."""
    await place.make(1, Status.COMPLETED, project="p")
    await place.make(2, Status.PAUSED, session="s")
    await place.make(3, Status.RUNNING, scope="other")
    titles = place.node.titles
    assert await titles() == ["task 2", "task 1"]
    assert await titles(Filters(statuses=frozenset({Status.COMPLETED}))) == ["task 1"]
    assert await titles(Filters(statuses=frozenset({Status.PAUSED, Status.FAILED}))) == ["task 2"]
    assert await titles(Filters(project="p")) == ["task 1"]
    assert await titles(Filters(session="s")) == ["task 2"]
    assert await titles(Filters(q="TASK 2")) == ["task 2"]
    assert await titles(Filters(kind="research")) == []
    assert [view["title"] for view in await place.node.listing.active(SCOPE)] == ["task 2"]


async def test_a_row_that_is_behind_its_headline_is_read_from_the_log(place: Place) -> None:
    """Whoever saved the snapshot has died before the next: what the log has is shown, not what was told either."""
    task = await place.make(1, Status.PENDING)
    state = TaskState(task, status=Status.COMPLETED, seq=9)
    place.other._folder._index.tell(state.headline(0))
    [view], _ = await place.node.listing.page(SCOPE, ALL, 5, None)
    assert (view["title"], view["status"], view["seq"]) == ("task 1", Status.PENDING, 0)


async def test_a_task_that_begins_again_is_shown_as_its_new_life(place: Place) -> None:
    """Also before anybody has saved a snapshot of that."""
    await place.make(1, Status.COMPLETED)
    assert await place.node.titles() == ["task 1"]
    later, _ = await place.other.create(life(f"{1:032x}", number=2, title="again"))
    [view], _ = await place.node.listing.page(SCOPE, ALL, 5, None)
    assert (view["title"], view["status"], view["generation"]) == ("again", Status.PENDING, later.generation)


async def test_a_row_that_is_gone_without_a_word_makes_room_for_the_next(place: Place) -> None:
    """As with files that somebody has taken away by hand."""
    for number in range(5):
        await place.make(number, Status.COMPLETED)
    assert len(await place.node.titles()) == 5
    _take_away(place, 4)
    assert await place.node.titles(limit=2) == ["task 3", "task 2"]


async def test_a_damaged_snapshot_hides_no_task(place: Place) -> None:
    """Neither its own nor another."""
    for number in range(3):
        await place.make(number)
    (place.folder / f"tasks/{1:032x}.json").write_bytes(b"{")
    assert await place.node.titles() == ["task 2", "task 1", "task 0"]


async def test_a_page_beside_a_thousand_tasks_reads_its_own_alone(place: Place) -> None:
    """Counted in calls to the disk, as beside a few; what has not changed costs a look at the index."""
    for number in range(20):
        await place.make(number, Status.COMPLETED)
    await place.node.catalogue.complete.wait()
    await place.node.titles(limit=1)
    few = await _calls_of_a_page(place)
    for number in range(20, 1000):
        await place.make(number, Status.COMPLETED)
    await place.node.titles(limit=1)
    many = await _calls_of_a_page(place)
    assert many == few
    assert many < 10 * 5 + 20
    place.node.disk.calls.clear()
    assert await place.node.listing.active(SCOPE) == []
    assert place.node.disk.calls.total() < 20


async def test_a_list_without_its_index_has_the_newest_first_and_is_complete_later(place: Place) -> None:
    """Then the next node has it at once."""
    count = 250
    for number in range(count):
        await place.make(number, Status.COMPLETED)
        _set_time(place, number, 1_700_000_000 + number)
    shutil.rmtree(place.folder / "tasks/index")
    gated = Node(place.folder)
    gated.store.let = let = anyio.Semaphore(1)
    async with gated.running() as node:
        newest = [f"task {number}" for number in range(count - 1, count - 51, -1)]
        assert await node.titles(limit=50) == newest
        assert not node.catalogue.complete.is_set()
        for _ in range(2):
            let.release()
        await node.catalogue.complete.wait()
        assert len(await node.titles()) == count
    async with Node(place.folder).running() as later:
        await later.catalogue.complete.wait()
        later.disk.calls.clear()
        await later.catalogue.refresh()
        assert sum(later.catalogue.counts(SCOPE).values()) == count
        assert later.disk.calls.total() < 20


async def test_a_feed_is_told_what_changed_and_what_is_gone_and_no_more(place: Place) -> None:
    """Each once, with one look at what happened on other nodes meanwhile."""
    first, second = await place.make(1, Status.RUNNING), await place.make(2, Status.COMPLETED)
    await place.node.catalogue.complete.wait()
    watched = place.node.listing.watched(SCOPE)
    assert [view["title"] for view in await watched.active()] == ["task 1"]
    assert await watched.changed() == []
    await place.save(first, Status.COMPLETED, 5)
    third = await place.make(3)
    await place.make(4, scope="other")
    assert await place.other.remove(second, 0)
    changed = await watched.changed()
    assert set(changed) == {first.task_id, second.task_id, third.task_id}
    views = {view["id"]: view["status"] for view in await watched.views(changed)}
    assert views == {first.task_id: Status.COMPLETED, third.task_id: Status.PENDING}
    assert await watched.changed() == []


async def _calls_of_a_page(place: Place) -> int:
    place.node.disk.calls.clear()
    assert len(await place.node.titles(limit=10)) == 10
    return place.node.disk.calls.total()


def _set_time(place: Place, number: int, seconds: int) -> None:
    os.utime(place.folder / f"tasks/{number:032x}.json", (seconds, seconds))


def _take_away(place: Place, number: int) -> None:
    (place.folder / f"tasks/{number:032x}.json").unlink()
    shutil.rmtree(place.folder / f"tasks/{number:032x}")
