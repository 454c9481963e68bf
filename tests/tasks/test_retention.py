"""What is old goes, what is not stays."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import anyio
import pytest

from server.app import Holdfast
from server.models import Life, Status, Upload
from server.stores.files import FileStore
from server.tasks.manager import TaskRequest
from server.tasks.retention import Retention
from server.workflows.demo import demo_workflow
from tests.making import life as birth
from tests.serving import settings

HOUR = 3600.0
WEEK = 168 * HOUR


class Place:
    """One node, and sweeps at any time."""

    def __init__(self, node: Holdfast, folder: Path) -> None:
        self.node, self.parts, self.folder = node, node.services, folder
        self.retention = Retention(
            self.parts.store, self.parts.outlook, self.parts.manager, node.succession, self.parts.settings
        )

    async def ended_task(self, fresh: str | None = None, **params: Any) -> Life:
        wanted = {"events": 20, "steps": 2, "size": 20, "items": 0, "rate": 0, "seed": 0, **params}
        made = await self.parts.manager.submit(TaskRequest("demo", wanted, "title", "local", fresh=fresh))
        with anyio.fail_after(20):
            async with self.parts.hub.subscribe(made.life, 0) as subscription:
                while await subscription.next() is not None:
                    pass
            run = self.parts.scheduler.running_here(made.life)
            if run is not None:
                await run.ended.wait()
        assert (await self.parts.outlook.outline(made.life)).status is Status.COMPLETED
        return made.life

    async def sweep(self, later: float) -> None:
        await self.retention.sweep(time.time() + later)

    async def ids(self) -> list[str]:
        return await self.parts.store.task_ids()


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    wanted = settings(tmp_path)
    node = Holdfast(wanted, FileStore(wanted.task_storage_dir), [demo_workflow()])
    async with node.running():
        yield Place(node, wanted.task_storage_dir)


async def test_an_ended_task_is_removed_after_its_age_with_all_its_files(place: Place) -> None:
    """At the second sweep that finds it too old."""
    task = await place.ended_task()
    await place.sweep(WEEK - 60)
    await place.sweep(WEEK - 30)
    assert await place.ids() == [task.task_id]
    await place.sweep(WEEK + 30)
    assert await place.ids() == [task.task_id]
    await place.sweep(WEEK + HOUR)
    assert await place.ids() == []
    assert not [path for path in place.folder.rglob("*") if task.task_id in str(path)]


async def test_a_clock_that_jumped_takes_nothing(place: Place) -> None:
    """When it is right again at the next sweep, the task is as young as it was."""
    task = await place.ended_task()
    for later in (2 * WEEK, 0, 2 * WEEK, -24 * HOUR):
        await place.sweep(later)
    assert await place.ids() == [task.task_id]


async def test_a_task_that_has_not_ended_stays_however_old(place: Place) -> None:
    """Paused ones as well."""
    wanted = {"events": 5000, "steps": 5000, "size": 20, "items": 0, "rate": 50, "seed": 1}
    made = await place.parts.manager.submit(TaskRequest("demo", wanted, "title", "local"))
    for step in (None, place.parts.steering.pause):
        if step is not None:
            await _paused(step, made.life)
        for later in (9 * WEEK, 10 * WEEK):
            await place.sweep(later)
        assert await place.ids() == [made.life.task_id]


async def _paused(pause: Callable[[Life], Awaitable[dict[str, Any]]], life: Life) -> None:
    assert (await pause(life))["status"] == Status.PAUSED


async def test_a_task_whose_mark_was_lost_is_found_again(place: Place) -> None:
    """A server that dies over putting a mark back leaves a task that nobody looks for."""
    forgotten, _ = await place.parts.store.create(birth(kind="nobody offers it"))
    with anyio.fail_after(20):
        while forgotten.task_id in await place.parts.store.open_tasks():  # a node that just looks at it may mark it
            (place.folder / "open" / forgotten.task_id).unlink(missing_ok=True)
    await place.sweep(0)
    assert forgotten.task_id in await place.parts.store.open_tasks()


async def test_older_lives_go_before_the_task_does(place: Place) -> None:
    """Their age counts from when the next one took their place."""
    first = await place.ended_task()
    second = await place.ended_task(fresh="again")
    assert second.task_id == first.task_id
    taken_over = second.created_at / 1000
    for later, left in ((WEEK - 1, [1, 2]), (WEEK + 0.001, [1, 2]), (WEEK + 0.002, [2])):
        await place.retention.sweep(taken_over + later)
        assert [life.number for life in await place.parts.store.lives(first.task_id)] == left


async def test_a_long_finished_log_is_packed_and_reads_as_before(place: Place) -> None:
    """After an hour; its readers notice nothing, and a new life can be started."""
    task = await place.ended_task(events=4000, size=100)
    before = (await place.parts.outlook.state(task)).output
    (plain,) = place.folder.glob(f"{task.task_id}/0001-*/*.jsonl")
    await place.sweep(HOUR / 2)
    assert plain.exists()
    await place.sweep(HOUR + 60)
    await place.sweep(HOUR + 90)
    assert not plain.exists()
    (packed,) = place.folder.glob(f"{task.task_id}/0001-*/*.jsonl.gz")
    assert packed.stat().st_size > 0
    assert (await place.parts.outlook.state(task)).output == before
    assert (await place.ended_task(fresh="again", events=4000, size=100)).number == 2


async def send(place: Place, content: bytes) -> Upload:
    async def pieces() -> AsyncIterator[bytes]:
        yield content

    return (await place.parts.store.keep_upload("local", "a.txt", "text/plain", pieces()))[0]


async def test_an_upload_goes_after_its_time_at_the_second_sweep(place: Place) -> None:
    """Counted from when it was sent last; a clock that jumps and is right again takes none."""
    first = await send(place, b"first")
    for later in (WEEK, 0, WEEK, 24 * HOUR - 60, 24 * HOUR + 60):
        await place.sweep(later)
        assert await place.parts.store.upload("local", first.id) is not None
    await place.sweep(25 * HOUR)
    assert await place.parts.store.upload("local", first.id) is None
