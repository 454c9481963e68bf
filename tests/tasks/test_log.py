"""The owner's log: gathered, made durable, and only then folded and published."""

from collections.abc import Callable, Sequence

import anyio
import orjson
import pytest

from server.errors import HoldfastError, OwnershipLost, StoreFailed, StoreFull
from server.models import EventType, Record
from server.stores.memory import MemoryStore
from server.tasks.context import TaskContext
from server.tasks.journal import Journal
from server.tasks.log import BACKLOG_BYTES, GATHER_SECONDS, TaskLog
from server.tasks.state import TaskState
from server.workflows.base import Step
from tests.making import life


class Writer:
    """A log writer whose every append waits for leave, and may be told to fail."""

    def __init__(self) -> None:
        self.epoch = 1
        self.groups: list[list[Record]] = []
        self.tried = 0
        self.failures: list[HoldfastError] = []
        self.may_go_on = anyio.Event()
        self.may_go_on.set()

    async def append(self, records: Sequence[Record]) -> None:
        self.tried += 1
        await self.may_go_on.wait()
        if self.failures:
            raise self.failures.pop(0)
        self.groups.append(list(records))

    async def close(self) -> None:
        pass


class Bench:
    """A log over such a writer, with what it has published."""

    def __init__(self, may_write: Callable[[], bool] = lambda: True) -> None:
        self.writer = Writer()
        self.state = TaskState(life())
        self.published: list[Record] = []
        self.log = TaskLog(self.writer, self.state, self._publish, may_write)

    def _publish(self, records: Sequence[Record]) -> None:
        durable = [record for group in self.writer.groups for record in group]
        assert all(record in durable for record in records), "published before it was durable"
        self.published += records

    def put(self, text: str = "x") -> int:
        return self.log.put(EventType.OUTPUT, {"part": "p", "text": text})


async def test_events_are_numbered_and_published_once_they_are_durable() -> None:
    """The state is what was published."""
    bench = Bench()
    with anyio.fail_after(5):
        async with anyio.create_task_group() as tg:
            tg.start_soon(bench.log.run)
            assert [bench.put(text) for text in "abc"] == [1, 2, 3]
            assert bench.published == []
            await bench.log.flush()
            tg.cancel_scope.cancel()
    assert [record.seq for record in bench.published] == [1, 2, 3]
    assert (bench.state.seq, bench.state.output) == (3, "abc")


async def test_what_gathers_while_the_volume_is_busy_goes_as_one_group() -> None:
    """However much it is."""
    bench = Bench()
    bench.writer.may_go_on = anyio.Event()
    with anyio.fail_after(5):
        async with anyio.create_task_group() as tg:
            tg.start_soon(bench.log.run)
            bench.put()
            while not bench.writer.tried:
                await anyio.lowlevel.checkpoint()
            for _ in range(100):
                bench.put()
            bench.writer.may_go_on.set()
            await bench.log.flush()
            tg.cancel_scope.cancel()
    assert [len(group) for group in bench.writer.groups] == [1, 100]


async def test_a_workflow_that_writes_faster_than_the_volume_has_to_wait() -> None:
    """So that what waits in memory is bounded."""
    bench = Bench()
    bench.writer.may_go_on = anyio.Event()
    written = 0

    async def write() -> None:
        nonlocal written
        for _ in range(100):
            bench.put("x" * 100_000)
            written += 1
            await bench.log.room()

    with anyio.fail_after(10):
        async with anyio.create_task_group() as tg:
            tg.start_soon(bench.log.run)
            tg.start_soon(write)
            for _ in range(1000):
                await anyio.lowlevel.checkpoint()
            assert 0 < written * 100_000 <= 2 * BACKLOG_BYTES + 200_000
            bench.writer.may_go_on.set()
            while written < 100:
                await anyio.lowlevel.checkpoint()
            await bench.log.flush()
            tg.cancel_scope.cancel()
    assert bench.state.seq == 100


async def test_a_full_volume_holds_the_task_up_until_there_is_room() -> None:
    """Nothing is lost, nothing is written twice."""
    bench = Bench()
    bench.writer.failures = [StoreFull()]
    with anyio.fail_after(10):
        async with anyio.create_task_group() as tg:
            tg.start_soon(bench.log.run)
            bench.put()
            while bench.log.state.stalled is None:
                await anyio.lowlevel.checkpoint()
            assert bench.published == []
            await bench.log.flush()
            tg.cancel_scope.cancel()
    assert bench.log.state.stalled is None
    assert [record.seq for record in bench.published] == [1]


@pytest.mark.parametrize("failure", [OwnershipLost(), StoreFailed()])
async def test_after_the_ownership_has_ended_nothing_more_is_taken(failure: HoldfastError) -> None:
    """Whoever waits is told."""
    bench = Bench()
    bench.writer.failures = [failure]
    bench.put()
    with anyio.fail_after(5), pytest.raises(type(failure)):
        await bench.log.run()
    with pytest.raises(type(failure)):
        bench.put()
    with anyio.fail_after(5), pytest.raises(type(failure)):
        await bench.log.flush()
    assert bench.published == []


async def test_a_node_whose_lease_has_run_out_writes_nothing() -> None:
    """Another one may have the task by now."""
    bench = Bench(may_write=lambda: False)
    bench.put()
    with anyio.fail_after(5), pytest.raises(OwnershipLost, match="lease"):
        await bench.log.run()
    assert bench.writer.tried == 0


async def test_half_a_character_becomes_a_whole_one() -> None:
    """No stream can carry a lone surrogate."""
    bench = Bench()
    bench.log.put(EventType.ITEM, {"key": "a\ud800", "outcome": "failed", "list": ["\udfff", ("b",)]})
    await bench.log.write_out()
    data = orjson.loads(bench.published[0].data)
    assert data["key"] == "a\ufffd"
    assert data["list"] == ["\ufffd", ["b"]]


async def test_without_a_fresh_lease_no_step_is_begun() -> None:
    """Another node may have the task by now, and a step may cost money."""
    fresh = [True]
    bench = Bench(may_write=lambda: fresh[0])
    done: list[str] = []

    async def work(step: Step) -> None:
        done.append(step.key)

    context = TaskContext(life(), MemoryStore(), bench.log, Journal())
    with anyio.fail_after(5):
        async with anyio.create_task_group() as tg:
            tg.start_soon(bench.log.run)
            await context.step("one", work)
            fresh[0] = False
            with pytest.raises(OwnershipLost):
                await context.step("two", work)
            tg.cancel_scope.cancel()
    assert done == ["one"]


async def test_an_event_after_a_pause_is_written_at_once_and_those_behind_it_gather() -> None:
    """Few events arrive without delay, many in few writes."""
    bench = Bench()
    with anyio.fail_after(5):
        async with anyio.create_task_group() as tg:
            tg.start_soon(bench.log.run)
            started = anyio.current_time()
            bench.put()
            await anyio.wait_all_tasks_blocked()
            for _ in range(10):
                bench.put()
            while len(bench.published) < 11:  # noqa: ASYNC110 - flush would write at once
                await anyio.sleep(0.001)
            took = anyio.current_time() - started
            tg.cancel_scope.cancel()
    assert [len(group) for group in bench.writer.groups] == [1, 10]
    assert took >= GATHER_SECONDS
