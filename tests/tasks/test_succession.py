"""Lives that newer ones have taken the place of are ended, whatever became of their owners."""

from pathlib import Path

import anyio

from server.app import Holdfast
from server.models import EventType, Life, Node, Record, Status
from server.stores.base import Store
from server.stores.files import FileStore
from server.tasks.manager import TaskRequest
from server.tasks.state import TaskState
from server.workflows.demo import demo_workflow
from tests.making import life as birth
from tests.serving import settings

LEASE_SECONDS = 1.0


def node(folder: Path) -> Holdfast:
    wanted = settings(folder, heartbeat_seconds=0.1, lease_seconds=LEASE_SECONDS, shutdown_grace_seconds=0)
    return Holdfast(wanted, FileStore(wanted.task_storage_dir), [demo_workflow()])


def request(fresh: str | None) -> TaskRequest:
    wanted = {"events": 3, "steps": 1, "size": 20, "items": 0, "rate": 0, "seed": 0}
    return TaskRequest("demo", wanted, "title", "local", fresh=fresh)


async def owned_by_one_that_dies(store: Store, task: Life) -> None:
    """Somebody who writes a first event and is never heard of again."""
    await store.beat(Node("gone", 1, "", 1, 1, "0", {"demo": 1}))
    writer = await store.claim(task, 1, "gone")
    assert writer is not None
    data = b'{"status":"running","attempt":1,"node":"gone","reason":"started"}'
    await writer.append([Record(1, 1, EventType.STATUS, data)])
    await writer.close()


async def ended(on: Holdfast, task: Life) -> TaskState:
    with anyio.fail_after(20):
        while not (state := await on.services.outlook.state(task)).status.terminal:  # noqa: ASYNC110 - nothing tells it
            await anyio.sleep(0.02)
    return state


async def test_a_life_whose_owner_has_died_is_ended_when_another_is_begun(tmp_path: Path) -> None:
    """Whoever reads it is told, and does not wait for ever."""
    on = node(tmp_path)
    async with on.running():
        first = (await on.services.manager.submit(request(None))).life
        await ended(on, first)
        number_2, _ = await on.services.store.create(birth(first.task_id, 2, params=first.params, fresh="dead"))
        await owned_by_one_that_dies(on.services.store, number_2)
        second = (await on.services.manager.submit(request("again"))).life
        assert second.number == 3
        state = await ended(on, number_2)
        assert (state.status, state.reason) == (Status.STOPPED, "superseded")
        assert state.ended is not None
        assert (await ended(on, second)).status is Status.COMPLETED


async def test_whoever_takes_a_life_up_ends_those_before_it(tmp_path: Path) -> None:
    """The one who began it may have died before it could."""
    on = node(tmp_path)
    store = FileStore(on.services.settings.task_storage_dir)
    await store.open()
    params = request(None).params
    older, _ = await store.create(birth(params=params))
    await owned_by_one_that_dies(store, older)
    newer, _ = await store.create(birth(number=2, params=params, fresh="again"))
    async with on.running():
        assert (await ended(on, newer)).status is Status.COMPLETED
        state = await ended(on, older)
        assert (state.status, state.reason) == (Status.STOPPED, "superseded")
    await store.close()


async def test_a_life_that_was_removed_meanwhile_needs_no_end(tmp_path: Path) -> None:
    """It is nobody's care any more."""
    on = node(tmp_path)
    async with on.running():
        assert await on.services.steering.supersede(birth("f" * 32))
