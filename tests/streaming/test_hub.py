"""Subscribers are cursors: nothing to overflow, nothing to drop."""

from pathlib import Path

import anyio
import pytest

from server.errors import TaskNotFound
from server.stores.files import FileStore
from server.streaming.hub import RING_BYTES, RINGS_BYTES, Subscription
from tests.making import life, output, outputs
from tests.streaming.benches import Bench, done


async def read(subscription: Subscription, count: int) -> list[int]:
    found: list[int] = []
    while len(found) < count and (frames := await subscription.next()) is not None:
        found += [frame.seq for frame in frames]
    return found


async def test_whoever_comes_late_gets_what_was_written_and_then_what_is(anyio_backend: object) -> None:
    """One gapless sequence."""
    bench = Bench()
    async with bench.running():
        await bench.own(*outputs(1, 3))
        async with bench.hub.subscribe(bench.task, 1) as subscription:
            assert await read(subscription, 2) == [2, 3]
            await bench.own(*outputs(4, 5))
            assert await read(subscription, 2) == [4, 5]


async def test_a_reader_behind_the_ring_goes_on_from_the_store() -> None:
    """And then shares the ring again."""
    bench = Bench()
    big = "x" * 10_000
    total = 5 * RING_BYTES // 10_000
    async with bench.running():
        await bench.own(*outputs(1, 1))
        async with bench.hub.subscribe(bench.task, 0) as subscription:
            assert await read(subscription, 1) == [1]
            for seq in range(2, total + 1):
                await bench.own(output(seq, big))
            assert await read(subscription, total - 1) == list(range(2, total + 1))
            await bench.own(output(total + 1))
            assert await read(subscription, 1) == [total + 1]


async def test_the_rings_of_many_tasks_share_a_budget() -> None:
    """What has left them is read from the store."""
    bench = Bench()
    async with bench.running():
        channels = [bench.hub.channel(life(f"{number:032x}")) for number in range(100)]
        for channel in channels:
            for first in range(1, 1000, 100):
                channel.publish([output(seq, "x" * 1000) for seq in range(first, first + 100)])
        kept = sum(next(seq for seq in range(1001) if channel.ahead(1000 - seq - 1) is None) for channel in channels)
        assert 0.5 * RINGS_BYTES < kept * 1000 < 1.25 * RINGS_BYTES
        assert all(channel.ahead(0) is None and channel.ahead(999) and not channel.ahead(1000) for channel in channels)
        alone = Bench().hub.channel(bench.task)
        alone.publish([output(seq, "x" * 1000) for seq in range(1, 801)])
        assert alone.ahead(0)


async def test_another_nodes_log_is_followed_by_one_reader_for_all() -> None:
    """While somebody reads."""
    bench = Bench()
    async with bench.running():
        await bench.writer.append(outputs(1, 2))
        async with bench.hub.subscribe(bench.task, 0) as one, bench.hub.subscribe(bench.task, 1) as two:
            assert await read(one, 2) == [1, 2]
            assert await read(two, 1) == [2]
            async with anyio.create_task_group() as tg:
                tg.start_soon(read, one, 1)
                await anyio.lowlevel.checkpoint()
                await bench.writer.append(outputs(3, 4))
            assert await read(two, 2) == [3, 4]


async def test_a_follower_gives_way_to_an_owner_in_this_node() -> None:
    """Its readers notice nothing."""
    bench = Bench()
    async with bench.running(), bench.hub.subscribe(bench.task, 0) as subscription, anyio.create_task_group() as tg:

        async def reader() -> None:
            assert await read(subscription, 4) == [1, 2, 3, 4]

        tg.start_soon(reader)
        await bench.writer.append(outputs(1, 2))
        while subscription.seq < 2:
            await anyio.lowlevel.checkpoint()
        await bench.own(*outputs(3, 4))


async def test_the_stream_ends_with_done() -> None:
    """From the ring and from the store."""
    bench = Bench()
    async with bench.running():
        await bench.own(output(1))
        async with bench.hub.subscribe(bench.task, 0) as subscription:
            assert await read(subscription, 1) == [1]
            await bench.own(done(2))
            assert await read(subscription, 9) == [2]
            assert await subscription.next() is None
        bench.hub.leave(bench.task)
        async with bench.hub.subscribe(bench.task, 0) as subscription:
            assert await read(subscription, 9) == [1, 2]
            assert subscription.ended


@pytest.mark.parametrize("owned", [True, False])
async def test_a_done_that_a_retry_has_followed_is_a_status(owned: bool) -> None:
    """In the ring and from the store."""
    bench = Bench()
    async with bench.running():
        records = [output(1), done(2), output(3), done(4)]
        await bench.own(*records[:2])
        await bench.own(*records[2:])
        if not owned:
            bench.hub.leave(bench.task)
        async with bench.hub.subscribe(bench.task, 0) as subscription:
            types: list[str] = []
            while (frames := await subscription.next()) is not None:
                types += [frame.type for frame in frames]
    assert types == ["output", "status", "output", "done"]


async def test_a_read_that_is_cut_off_loses_nothing(tmp_path: Path) -> None:
    """The next one begins at the cursor, though the store had read on already."""
    bench = Bench(FileStore(tmp_path))
    async with bench.running():
        await bench.writer.append(outputs(1, 5))
        async with bench.hub.subscribe(bench.task, 0) as subscription:
            with anyio.CancelScope() as scope:
                scope.cancel()
                await subscription.next()
            assert scope.cancelled_caught
            assert await read(subscription, 5) == [1, 2, 3, 4, 5]


async def test_closing_the_hub_ends_every_subscription() -> None:
    """Also those that wait."""
    bench = Bench()
    async with bench.running():
        await bench.own(output(1))
        async with bench.hub.subscribe(bench.task, 1) as subscription, anyio.create_task_group() as tg:

            async def wait() -> None:
                assert await subscription.next() is None

            tg.start_soon(wait)
            await anyio.lowlevel.checkpoint()
            bench.hub.close()
        assert not subscription.ended


async def test_channels_go_with_their_last_reader() -> None:
    """So that memory is bounded by what is read and run."""
    bench = Bench()
    async with bench.running():
        await bench.own(output(1))
        async with bench.hub.subscribe(bench.task, 0):
            assert bench.hub.readers == 1
        bench.hub.leave(bench.task)
        assert bench.hub.readers == 0
        assert bench.hub.channel(bench.task).last_seq == 0


@pytest.mark.parametrize("where", ["memory", "files"])
async def test_who_reads_a_life_that_is_removed_is_told(where: str, tmp_path: Path) -> None:
    """Also who has caught up and waits: nothing will ever come."""
    bench = Bench(FileStore(tmp_path) if where == "files" else None)
    async with bench.running():
        await bench.writer.append(outputs(1, 2))
        async with bench.hub.subscribe(bench.task, 0) as subscription:
            assert await read(subscription, 2) == [1, 2]
            assert await bench.store.remove(bench.task, 1)
            with pytest.raises(TaskNotFound):
                await subscription.next()
