"""Fan-out of tasks' events to their subscribers in this node.

A subscriber is a cursor on the log. What it has not got it reads from the store; once it has caught up it shares
the ring of encoded events that the task's owner in this node, or one follower of another node's log, feeds.
"""

import logging
from collections.abc import Callable, Sequence

import anyio
from anyio import TASK_STATUS_IGNORED
from anyio.abc import TaskGroup, TaskStatus
from structlog.contextvars import bind_contextvars, clear_contextvars

from server.errors import HoldfastError
from server.models import EventType, Life, Record
from server.stores.base import LogReader, Store, numbered
from server.streaming.channel import Channel
from server.streaming.sse import Frame, frame, superseded
from server.streaming.turn import Turn, turn
from server.streaming.wire import Wire

RING_BYTES = 1024 * 1024
RINGS_BYTES = 32 * 1024 * 1024
"""All rings of a node together, so that many tasks' rings do not fill the memory."""
LEAST_RING_BYTES = 16 * 1024
POLL_SECONDS = 0.015
POLL_SECONDS_IDLE = 0.25
POLL_GROWTH = 1.3
HOT_SECONDS = 1.0
"""So long after its last event a log is looked at as often as can be."""
LOOKS_PER_SECOND = 1000
"""At all followed logs together, about: each costs a hand-over to a thread, and tasks run in this process, too."""

logger = logging.getLogger(__name__)


class Hub:
    """All channels of this node. ``followed`` is told what a follower of another node's log has shown to readers."""

    def __init__(self, store: Store, followed: Callable[[Sequence[Record]], None] = lambda records: None) -> None:
        self._store, self._followed = store, followed
        self._channels: dict[str, Channel] = {}
        self._tg: TaskGroup | None = None
        self._following = 0
        self.draining = False
        self.closing = False

    async def run(self, *, task_status: TaskStatus[None] = TASK_STATUS_IGNORED) -> None:
        """Serve followers until cancelled."""
        async with anyio.create_task_group() as tg:
            self._tg = tg
            task_status.started()
            await anyio.sleep_forever()

    def drain(self) -> None:
        """From now on a subscription ends when its task has left this node and it has what was published here."""
        self.draining = True

    def close(self) -> None:
        """End every subscription, so that streams can say goodbye and close."""
        self.closing = True
        for channel in self._channels.values():
            channel.notify()

    @property
    def readers(self) -> int:
        return sum(channel.readers for channel in self._channels.values())

    def enter(self, life: Life) -> Callable[[Sequence[Record]], None]:
        """See `server.tasks.scheduler.Stage`."""
        channel = self.channel(life)
        channel.owned = True
        return channel.publish

    def leave(self, life: Life) -> None:
        channel = self.channel(life)
        channel.owned = False
        channel.notify()
        self.drop_unused(channel)

    def subscribe(self, life: Life, after: int, durable_to: int = 0) -> "Subscription":
        """A cursor behind the event ``after``; use it as an async context manager.

        ``durable_to``: the log is known to be durable and valid up to this seq.
        """
        return Subscription(self, self._store, life, after, durable_to)

    def channel(self, life: Life) -> Channel:
        channel = self._channels.get(life.generation)
        if channel is None:
            channel = self._channels[life.generation] = Channel(life, self._ring_bytes)
        return channel

    def _ring_bytes(self) -> int:
        """How much one ring may take; a follower may feed one that nobody reads any more."""
        return max(LEAST_RING_BYTES, min(RING_BYTES, RINGS_BYTES // max(1, len(self._channels))))

    def drop_unused(self, channel: Channel) -> None:
        if not channel.readers and not channel.owned:
            self._channels.pop(channel.life.generation, None)

    def follow(self, channel: Channel, after: int) -> None:
        """Feed the channel from the store while it has readers and no owner in this node."""
        if self._tg is not None and not channel.flowing and not self.closing:
            channel.following = True
            self._following += 1
            self._tg.start_soon(self._follow, channel, after)

    async def _follow(self, channel: Channel, after: int) -> None:
        # It outlives the request that has started it, and serves others.
        clear_contextvars()
        bind_contextvars(task=channel.life.task_id)
        reader = self._store.reader(channel.life, after)
        pause, hot_until = POLL_SECONDS, anyio.current_time() + HOT_SECONDS
        try:
            while channel.readers and not channel.owned and not self.closing:
                records = await reader.read()
                if records:
                    channel.publish(records)
                    self._followed(records)
                    pause, hot_until = POLL_SECONDS, anyio.current_time() + HOT_SECONDS
                    continue
                await anyio.sleep(max(pause, self._following / LOOKS_PER_SECOND))
                if anyio.current_time() > hot_until:
                    pause = min(pause * POLL_GROWTH, POLL_SECONDS_IDLE)
        except HoldfastError as error:
            # Each reader meets the same error as it reads on for itself, and tells it.
            logger.warning("stopped following task %s: %s", channel.life.task_id, error.detail)
        finally:
            channel.following = False
            self._following -= 1
            channel.notify()
            await reader.close()


class Subscription:
    """One reader's cursor on one life's log."""

    def __init__(self, hub: Hub, store: Store, life: Life, after: int, durable_to: int) -> None:
        self._hub, self._store, self._life, self._durable_to = hub, store, life, durable_to
        self.channel: Channel
        self._reader: LogReader | None = None
        self._reader_seq = after
        self.ended = False
        self.seq = after

    async def __aenter__(self) -> "Subscription":
        self.enter()
        return self

    async def __aexit__(self, *error: object) -> None:
        reader = self.leave()
        if reader is not None:
            await reader.close()

    def enter(self) -> None:
        self.channel = self._hub.channel(self._life)
        self.channel.readers += 1

    def leave(self) -> LogReader | None:
        """Returns the store's reader, if there is one, which is to be closed."""
        self.channel.readers -= 1
        self._hub.drop_unused(self.channel)
        reader, self._reader = self._reader, None
        return reader

    @property
    def turn(self) -> Turn:
        """What to do next."""
        hub, channel = self._hub, self.channel
        return turn(
            ended=self.ended,
            ahead=channel.ahead(self.seq),
            flowing=channel.flowing,
            owned=channel.owned,
            draining=hub.draining,
            closing=hub.closing,
        )

    async def next(self) -> list[Frame] | None:
        """The next events, waiting for them; None after `done`, and when the hub closes.

        :raises LogCorrupt: what follows can't be read.
        """
        while True:
            changed = self.channel.changed
            match self.turn:
                case Turn.TAKE:
                    return self._passed(self.channel.after(self.seq) or [])
                case Turn.READ if frames := await self.read():
                    return frames
                case Turn.LEAVE | Turn.END:
                    return None
            await changed.wait()

    def take(self, wire: Wire) -> bytes:
        """The next events of the ring, as it is their `turn`, as a piece of a chunked body."""
        batch = self.channel.batch(self.seq, wire)
        self.seq, self.ended = batch.seq, batch.done
        return batch.piece

    async def read(self) -> list[Frame]:
        """The next events in the store. When there are none, the channel is fed from now on and changes with them.

        :raises LogCorrupt: what follows can't be read.
        """
        frames = await self._from_store()
        if frames:
            return self._passed(frames)
        await self._close_reader()  # it is not needed while the reader waits, perhaps for hours
        self._hub.follow(self.channel, self.seq)
        return frames

    def _passed(self, frames: list[Frame]) -> list[Frame]:
        self.seq = frames[-1].seq
        self.ended = frames[-1].type == EventType.DONE
        return frames

    async def _from_store(self) -> list[Frame]:
        """What the store has after the cursor. A `done` comes last only if nothing has followed it as of now."""
        if self._reader is None or self._reader_seq != self.seq:
            await self._close_reader()
            self._reader = self._store.reader(self._life, self.seq)
        try:
            records = await self._read_on(self._reader)
        except BaseException:
            # A read that was cut off may have moved the reader's position; the cursor has not moved.
            await self._close_reader()
            raise
        generation = self._life.generation
        frames = [frame(generation, record) for record in records]
        for index, each in enumerate(frames[:-1]):
            if each.type == EventType.DONE:
                frames[index] = superseded(generation, each)
        self._reader_seq = frames[-1].seq if frames else self.seq
        return frames

    async def _read_on(self, reader: LogReader) -> list[Record]:
        channel = self.channel
        known_durable = max(self._durable_to, channel.last_seq if channel.owned else 0)
        found: list[Record] = []
        if known_durable > self.seq:
            found = numbered(await reader.read(known_durable))
        while not found and (batch := await reader.read()):
            found = numbered(batch)
        if not found:
            return []
        while found[-1].type == EventType.DONE and not reader.complete and (more := await reader.read()):
            found += numbered(more)
        return found

    async def _close_reader(self) -> None:
        reader, self._reader = self._reader, None
        if reader is not None:
            await reader.close()
