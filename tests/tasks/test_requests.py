"""What is asked of running tasks is looked for together, and each hears what is meant for it."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack

import anyio
import pytest

from server.errors import StoreFailed
from server.models import Action, Control, Life
from server.stores.memory import MemoryStore
from server.tasks.requests import Requests
from tests.making import life


class CountingStore(MemoryStore):
    """Tells how often it was asked, and can't look at the life of one task."""

    def __init__(self) -> None:
        super().__init__()
        self.looks = 0
        self.damaged = ""

    async def asked(self, owned: Sequence[tuple[Life, int]]) -> list[list[Control]]:
        self.looks += 1
        if self.damaged in [life.task_id for life, _ in owned]:
            raise StoreFailed
        return await super().asked(owned)


class Run:
    """Hears what is asked of one life."""

    def __init__(self, number: int) -> None:
        self.life = life(f"{number:032x}")
        self.heard: list[Control] = []
        self.has_heard = anyio.Event()

    def heed(self, control: Control) -> None:
        self.heard.append(control)
        self.has_heard.set()


@pytest.fixture
async def store() -> CountingStore:
    return CountingStore()


@pytest.fixture
async def requests(store: CountingStore) -> AsyncIterator[Requests]:
    requests = Requests(store)
    async with anyio.create_task_group() as tg:
        tg.start_soon(requests.run)
        yield requests
        tg.cancel_scope.cancel()


async def running(store: CountingStore, requests: Requests, stack: AsyncExitStack, count: int) -> list[Run]:
    runs = [Run(number) for number in range(count)]
    for run in runs:
        await store.create(run.life)
        stack.enter_context(requests.heeding(run.life, [1], run.heed))
    return runs


async def test_each_run_hears_what_is_asked_of_it_and_nothing_else(store: CountingStore, requests: Requests) -> None:
    """A hundred runs cost no more calls than one."""
    async with AsyncExitStack() as stack:
        runs = await running(store, requests, stack, 100)
        asked = Control(Action.STOP, 1, "requested")
        await store.ask(runs[70].life, asked)
        await store.ask(runs[71].life, Control(Action.STOP, 2, "for another owner"))
        with anyio.fail_after(5):
            await runs[70].has_heard.wait()
        assert [index for index, run in enumerate(runs) if run.heard] == [70]
        assert asked in runs[70].heard
        assert store.looks < 10


async def test_what_was_asked_before_a_run_began_is_heard(store: CountingStore, requests: Requests) -> None:
    """Also what was asked of an owner that has died."""
    run = Run(1)
    await store.create(run.life)
    await store.ask(run.life, Control(Action.PAUSE, 1, "requested"))
    with requests.heeding(run.life, [2, 1], run.heed), anyio.fail_after(5):
        await run.has_heard.wait()
    assert run.heard[0] == Control(Action.PAUSE, 1, "requested")


async def test_a_life_that_cannot_be_looked_at_does_not_keep_the_others_from_being_heard(
    store: CountingStore, requests: Requests
) -> None:
    async with AsyncExitStack() as stack:
        runs = await running(store, requests, stack, 3)
        store.damaged = runs[0].life.task_id
        await store.ask(runs[2].life, Control(Action.STOP, 1, "requested"))
        with anyio.fail_after(5):
            await runs[2].has_heard.wait()
        assert not runs[0].heard


async def test_a_run_that_has_ended_is_not_asked_for(store: CountingStore, requests: Requests) -> None:
    over, runs = Run(1), Run(2)
    for run in (over, runs):
        await store.create(run.life)
        await store.ask(run.life, Control(Action.STOP, 1, "requested"))
    with requests.heeding(runs.life, [1], runs.heed):
        with requests.heeding(over.life, [1], over.heed):
            pass
        with anyio.fail_after(5):
            await runs.has_heard.wait()
    assert not over.heard
