"""An end is brought to its end, whatever of it the last owner could still write."""

from pathlib import Path

import anyio
import pytest

from server.app import Holdfast
from server.models import EventType, Node, Record, Status
from server.stores.files import FileStore
from server.workflows.demo import demo_workflow
from tests.making import life, release
from tests.serving import settings

COMPLETED = Record(1, 1, EventType.STATUS, b'{"status":"completed","attempt":1,"node":"gone","reason":"completed"}')
DONE = Record(2, 1, EventType.DONE, b'{"status":"completed"}')


@pytest.mark.parametrize("written", [[COMPLETED], [COMPLETED, DONE], [COMPLETED, DONE, release()]])
async def test_readers_get_one_done_however_much_of_the_end_was_written(tmp_path: Path, written: list[Record]) -> None:
    """On a full volume the group that ends a task may be written in part, and its owner may die over the rest."""
    wanted = settings(tmp_path, heartbeat_seconds=0.1, lease_seconds=0.5, shutdown_grace_seconds=0)
    on = Holdfast(wanted, FileStore(wanted.task_storage_dir), [demo_workflow()])
    store = on.services.store
    await store.open()
    task, _ = await store.create(life(params={"events": 1, "steps": 1}))
    await store.beat(Node("gone", 1, "", 1, 1, "0", {"demo": 1}))
    writer = await store.claim(task, 1, "gone")
    assert writer is not None
    await writer.append(written)
    await writer.close()
    async with on.running():
        with anyio.fail_after(20):
            async with on.services.hub.subscribe(task, 0) as subscription:
                seen = [frame.type for frames in [await subscription.next() or []] for frame in frames]
                while not subscription.ended:
                    seen += [frame.type for frame in await subscription.next() or []]
            while await store.open_tasks():  # noqa: ASYNC110 - nothing tells it
                await anyio.sleep(0.02)
        assert seen == [EventType.STATUS, EventType.DONE]
        state = await on.services.outlook.state(task)
        assert (state.status, state.ended) == (Status.COMPLETED, 2)
