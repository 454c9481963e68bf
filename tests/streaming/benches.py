"""A hub over a store, with one claimed task and the audience of its readers."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio

from server.models import EventType, Life, Record
from server.settings import Settings
from server.stores.base import LogWriter, Store
from server.stores.memory import MemoryStore
from server.streaming.audience import Audience
from server.streaming.hub import Hub
from server.streaming.line import DETACH_EXTENSION
from server.streaming.source import TaskSource
from server.streaming.wire import SseWire
from tests.making import life
from tests.streaming.lines import HeldLine


def done(seq: int) -> Record:
    return Record(seq, 1, EventType.DONE, b'{"status":"failed"}')


class Bench:
    """See the module. What readers were told is damaged is in ``damages``."""

    def __init__(self, store: Store | None = None, settings: Settings | None = None) -> None:
        self.store = store or MemoryStore()
        self.hub = Hub(self.store)
        self.audience = Audience(settings or Settings())
        self.task: Life = life()
        self.writer: LogWriter
        self.damages = 0

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        await self.store.open()
        await self.store.create(self.task)
        writer = await self.store.claim(self.task, 1, "n1")
        assert writer is not None
        self.writer = writer
        with anyio.fail_after(10):
            async with anyio.create_task_group() as tg:
                await tg.start(self.hub.run)
                await tg.start(self.audience.run)
                yield
                tg.cancel_scope.cancel()

    async def own(self, *records: Record) -> None:
        """Write as this node's owner does."""
        publish = self.hub.enter(self.task)
        await self.writer.append(records)
        publish(records)

    def source(self, after: int = 0) -> TaskSource:
        async def on_damage() -> None:
            self.damages += 1

        return TaskSource(self.hub.subscribe(self.task, after), SseWire(), [], lambda: None, on_damage)

    async def listen(self, after: int = 0, line: HeldLine | None = None) -> HeldLine:
        """The line of a reader that has been taken in."""
        line = line or HeldLine()
        assert await self.audience.take_in({"extensions": {DETACH_EXTENSION: line.detach}}, self.source(after))
        return line
