"""Replays of finished tasks: from their rendition where there is one, and what makes those that are missed."""

import logging
from contextlib import aclosing

import anyio
from structlog.contextvars import bind_contextvars, unbind_contextvars

from server.errors import HoldfastError
from server.models import Life
from server.stores.base import Store
from server.streaming.hub import Hub, Subscription
from server.streaming.rendition import NotEnded, RenditionReader, Unfit, render
from server.streaming.source import Source

LEAST_EVENTS = 1000
MOST_MISSED = 100

logger = logging.getLogger(__name__)


class Replays:
    """Finds renditions, and makes those that were missed: one after the other, when their readers have the log.

    ``least_events``: of so many they are of use; fewer are read from the log about as fast.
    """

    def __init__(self, store: Store, hub: Hub, least_events: int = LEAST_EVENTS) -> None:
        self._store, self._hub, self.least_events = store, hub, least_events
        self._missed: dict[str, Life] = {}
        self._something = anyio.Event()

    @property
    def closing(self) -> bool:
        return self._hub.closing

    def source(self, life: Life, cursor: Subscription, from_log: Source, ended: int | None) -> Source:
        """The source for a reader of a task with its `done` at ``ended``, if it has one."""
        if ended is None or ended - cursor.seq < self.least_events:
            return from_log
        return Replay(self, life, cursor, from_log)

    async def reader(self, life: Life, after: int) -> RenditionReader:
        """:raises Unfit: there is no rendition that fits the log."""
        try:
            rendition = await self._store.rendition(life)
        except HoldfastError as error:
            raise Unfit(error.detail) from None
        if rendition is None:
            raise Unfit("There is no rendition that fits it.")
        return RenditionReader(rendition, life.generation, after)

    def miss(self, life: Life) -> None:
        """Say that a rendition would have been of use. Of too many some are forgotten, and will be missed again."""
        if len(self._missed) < MOST_MISSED:
            self._missed[life.generation] = life
            self._something.set()

    async def run(self) -> None:
        """Make what was missed, until cancelled."""
        while True:
            await self._something.wait()
            self._something = anyio.Event()
            while self._missed:
                await self.make(self._missed.popitem()[1])

    async def make(self, life: Life) -> None:
        """Make the rendition of a life, if its log has come to its end."""
        bind_contextvars(task=life.task_id)
        try:
            async with aclosing(render(self._store, life)) as pieces:
                if await self._store.keep_rendition(life, pieces):
                    logger.info("task %s is kept as it goes over the wire", life.task_id)
        except NotEnded:
            return
        except HoldfastError as error:
            # Its readers are told what is wrong with the log; and without a rendition they are only served more slowly.
            logger.info("task %s is not kept as it goes over the wire: %s", life.task_id, error.detail)
        finally:
            unbind_contextvars("task")


class Replay:
    """A source: a finished task for a reader of `text/event-stream`, from its rendition as far as that is fit.

    Where there is none, and from where it is not, the events come from ``from_log``, whose cursor ``cursor`` is.
    """

    def __init__(self, replays: "Replays", life: Life, cursor: Subscription, from_log: Source) -> None:
        self.wire = from_log.wire
        self._replays, self._life, self._cursor, self._from_log = replays, life, cursor, from_log
        self._reader: RenditionReader | None = None
        self._missed = False

    async def __aenter__(self) -> None:
        await self._from_log.__aenter__()

    async def __aexit__(self, *error: object) -> None:
        if self._reader is not None:
            await self._reader.close()
        if self._missed:
            self._replays.miss(self._life)
        await self._from_log.__aexit__(*error)

    def opening(self) -> bytes:
        return self._from_log.opening()

    async def next(self) -> bytes | None:
        if self.ended:
            return None
        if not self._missed and not self._replays.closing:
            try:
                return await self._next_of_rendition()
            except Unfit as unfit:
                self._missed = True
                logger.debug("task %s is read from its log: %s", self._life.task_id, unfit)
        return await self._from_log.next()

    def heartbeat(self) -> bytes:
        return self._from_log.heartbeat()

    @property
    def ended(self) -> bool:
        return self._from_log.ended or (self._reader is not None and self._reader.ended)

    async def _next_of_rendition(self) -> bytes:
        if self._reader is None:
            self._reader = await self._replays.reader(self._life, self._cursor.seq)
        events = await self._reader.next()
        self._cursor.seq = self._reader.seq
        return events
