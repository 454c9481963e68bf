"""Replays from renditions: the same bytes as from the log, or the log itself."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random

import anyio
import pytest

from server.models import EventType, Record
from server.stores.base import Rendition
from server.stores.memory import MemoryStore
from server.streaming.hub import Hub
from server.streaming.rendition import BLOCK_BYTES, NotEnded, RenditionReader, Unfit, render
from server.streaming.replay import LEAST_EVENTS, Replays
from server.streaming.source import Source, TaskSource
from server.streaming.wire import SseWire
from tests.making import life, output, release, step_record

EVENTS = 4000


async def nothing() -> None:
    return None


def done(seq: int) -> Record:
    return Record(seq, 1, EventType.DONE, b'{"status":"failed"}')


class Theatre:
    """One node over a memory store, with a task that has ended, was retried, and has ended again at `EVENTS`."""

    def __init__(self) -> None:
        self.store = MemoryStore()
        self.hub = Hub(self.store)
        self.replays = Replays(self.store, self.hub)
        self.task = life()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        await self.store.create(self.task)
        await self.write(1, [*(output(seq, f"text {seq}") for seq in range(1, EVENTS // 2)), done(EVENTS // 2)])
        middle = [output(seq, f"text {seq}") for seq in range(EVENTS // 2 + 1, EVENTS)]
        await self.write(2, [step_record("s"), *middle, done(EVENTS)])
        with anyio.fail_after(30):
            async with anyio.create_task_group() as tg:
                await tg.start(self.hub.run)
                tg.start_soon(self.replays.run)
                yield
                tg.cancel_scope.cancel()

    async def write(self, epoch: int, records: list[Record]) -> None:
        writer = await self.store.claim(self.task, epoch, "n1")
        assert writer is not None
        await writer.append([*records, release()])

    def from_log(self, after: int = 0) -> TaskSource:
        cursor = self.hub.subscribe(self.task, after)
        return TaskSource(cursor, SseWire(), [], stalled=lambda: None, on_damage=nothing)

    def replay(self, after: int = 0, ended: int = EVENTS) -> Source:
        cursor = self.hub.subscribe(self.task, after)
        from_log = TaskSource(cursor, SseWire(), [], stalled=lambda: None, on_damage=nothing)
        return self.replays.source(self.task, cursor, from_log, ended)

    async def rendered(self) -> bytes:
        """Make the rendition; returns its bytes."""
        await self.replays.make(self.task)
        rendition = await self.rendition()
        content = await rendition.read(0, rendition.size)
        assert content is not None
        return content

    async def rendition(self) -> Rendition:
        found = await self.store.rendition(self.task)
        assert found is not None
        return found

    async def keep(self, content: bytes) -> None:
        async def pieces() -> AsyncIterator[bytes]:
            yield content

        assert await self.store.keep_rendition(self.task, pieces())


async def whole(source: Source) -> bytes:
    blocks = []
    async with source:
        while (block := await source.next()) is not None:
            blocks.append(block)
        assert source.ended
    return b"".join(blocks)


async def from_rendition(theatre: Theatre, after: int = 0) -> bytes:
    """All that the rendition alone has after an event."""
    reader = RenditionReader(await theatre.rendition(), theatre.task.generation, after)
    blocks = []
    while not reader.ended:
        blocks.append(await reader.next())
    return b"".join(blocks)


async def test_a_rendition_gives_the_same_bytes_as_the_log_from_every_place() -> None:
    """From each border of its blocks, and from places in between; a `done` that a retry has followed is a `status`."""
    theatre = Theatre()
    async with theatre.running():
        await theatre.rendered()
        log = await whole(theatre.from_log())
        assert len(log) > 3 * BLOCK_BYTES
        events = [each + b"\n\n" for each in log.split(b"\n\n")[:-1]]
        assert len(events) == EVENTS
        assert log.count(b"event: done\n") == 1
        places = set(Random(1).sample(range(EVENTS), 100)) | {0, 1, EVENTS // 2, EVENTS - 1}  # noqa: S311
        size = 0
        for seq, event in enumerate(events, 1):
            places |= {seq - 1, seq} if size // BLOCK_BYTES != (size + len(event)) // BLOCK_BYTES else set()
            size += len(event)
        for after in sorted(places):
            assert await from_rendition(theatre, after) == b"".join(events[after:])
        assert await whole(theatre.replay()) == log


async def test_who_misses_a_rendition_gets_the_log_and_the_next_one_the_rendition() -> None:
    """It is made when the reader has left; a short replay does not miss it."""
    theatre = Theatre()
    async with theatre.running():
        log = await whole(theatre.from_log())
        short = await whole(theatre.replay(EVENTS - LEAST_EVENTS + 1))
        assert log.endswith(short)
        await anyio.wait_all_tasks_blocked()
        assert await theatre.store.rendition(theatre.task) is None
        assert await whole(theatre.replay()) == log
        await anyio.wait_all_tasks_blocked()
        while await theatre.store.rendition(theatre.task) is None:
            await anyio.lowlevel.checkpoint()
        assert await from_rendition(theatre) == log
        assert await whole(theatre.replay()) == log


async def test_a_damaged_rendition_makes_no_difference() -> None:
    """Any bit of it, and any cut: what is fit of it is sent, the log follows, and it is made anew."""
    theatre = Theatre()
    async with theatre.running():
        content = await theatre.rendered()
        log = await whole(theatre.from_log())
        chance = Random(2)  # noqa: S311
        index = len(content) - 400
        for offset in [*chance.sample(range(index), 40), *range(index, len(content), 7), len(content) - 1]:
            flipped = content[:offset] + bytes([content[offset] ^ 1 << chance.randrange(8)]) + content[offset + 1 :]
            for damaged in (flipped, content[:offset], content + flipped[offset : offset + 9]):
                await theatre.keep(damaged)
                with pytest.raises(Unfit):
                    await from_rendition(theatre)
                assert await whole(theatre.replay()) == log
        await anyio.wait_all_tasks_blocked()
        while (await theatre.rendition()).size != len(content):
            await anyio.lowlevel.checkpoint()
        assert await from_rendition(theatre) == log


async def test_a_reader_of_a_rendition_follows_the_task_when_it_is_gone_on_with() -> None:
    """The end that it has not been told yet is none any more."""
    theatre = Theatre()
    async with theatre.running():
        await theatre.rendered()
        log = await whole(theatre.from_log())
        source = theatre.replay()
        async with source:
            await theatre.write(3, [output(EVENTS + 1), done(EVENTS + 2)])
            blocks = []
            while (block := await source.next()) is not None:
                blocks.append(block)
        seen = b"".join(blocks)
        followed = log.replace(b"event: done\n", b"event: status\n")
        assert seen.startswith(followed)
        assert [line for line in seen[len(followed) :].split(b"\n") if line.startswith(b"event: ")] == [
            b"event: output",
            b"event: done",
        ]


async def test_an_end_that_a_reader_has_been_told_stays_told() -> None:
    """Whoever goes on with the task afterwards has other readers."""
    theatre = Theatre()
    async with theatre.running():
        await theatre.rendered()
        source = theatre.replay()
        async with source:
            while not source.ended:
                assert await source.next() is not None
            await theatre.write(3, [output(EVENTS + 1), done(EVENTS + 2)])
            assert await source.next() is None


async def test_a_replay_ends_when_its_node_shuts_down() -> None:
    """And says that it is not the end."""
    theatre = Theatre()
    async with theatre.running():
        await theatre.rendered()
        source = theatre.replay()
        async with source:
            theatre.hub.close()
            assert await source.next() is None
            assert not source.ended


async def test_a_log_without_an_end_is_not_rendered() -> None:
    """A task that was paused has released its log, too."""
    theatre = Theatre()
    async with theatre.running():
        await theatre.write(3, [output(EVENTS + 1)])
        with pytest.raises(NotEnded):
            [piece async for piece in render(theatre.store, theatre.task)]
        await theatre.replays.make(theatre.task)
        assert await theatre.store.rendition(theatre.task) is None


async def test_one_long_event_is_a_block_of_its_own() -> None:
    """However long."""
    theatre = Theatre()
    async with theatre.running():
        events = [output(seq, "x" * (2 << 20 if seq % 2 else 10)) for seq in range(EVENTS + 1, EVENTS + 5)]
        await theatre.write(3, [*events, done(EVENTS + 5)])
        await theatre.rendered()
        log = await whole(theatre.from_log())
        assert await from_rendition(theatre) == log
        assert log.endswith(await from_rendition(theatre, EVENTS + 3))
