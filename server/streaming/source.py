"""What a stream is made of: one task's events, or several tasks' as they come."""

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any, Protocol

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

from server.errors import HoldfastError, LogCorrupt
from server.models import Json, Life, Status
from server.stores.base import LogReader
from server.streaming import sse
from server.streaming.channel import Channel
from server.streaming.hub import Hub, Subscription
from server.streaming.resume import ResumePoint
from server.streaming.turn import Turn
from server.streaming.wire import Wire

BETWEEN_IDS = "~"


class Source(Protocol):
    """Entered by the task that reads it, and left by it."""

    wire: Wire

    async def __aenter__(self) -> object: ...

    async def __aexit__(self, *error: object) -> None: ...

    def opening(self) -> bytes:
        """What the stream begins with."""

    async def next(self) -> bytes | None:
        """The next whole events, waiting for them; None at the end. :raises HoldfastError: they can't be read."""

    def heartbeat(self) -> bytes:
        """What is sent when there was nothing to send for a while."""

    @property
    def ended(self) -> bool:
        """Whether there is nothing more to come, ever."""


class TaskSource:
    """One task.

    ``stalled`` says what the task waits for now, if anything holds it up that its log can't tell. ``on_damage`` is
    called when its log turns out to be damaged, before the reader is told.
    """

    def __init__(
        self,
        subscription: Subscription,
        wire: Wire,
        opening: list[tuple[str, Json]],
        stalled: Callable[[], dict[str, Any] | None],
        on_damage: Callable[[], Awaitable[object]],
    ) -> None:
        self.wire = wire
        self._subscription, self._opening, self._on_damage = subscription, opening, on_damage
        self._stalled, self._told_stalled = stalled, stalled()
        self._damaged = False

    async def __aenter__(self) -> None:
        self.enter()

    async def __aexit__(self, *error: object) -> None:
        await self._subscription.__aexit__(*error)

    def enter(self) -> None:
        self._subscription.enter()

    def leave(self) -> LogReader | None:
        """See `Subscription.leave`."""
        return self._subscription.leave()

    @property
    def channel(self) -> Channel:
        return self._subscription.channel

    @property
    def turn(self) -> Turn:
        """What its reader does next."""
        return Turn.END if self._damaged else self._subscription.turn

    def opening(self) -> bytes:
        opening, self._opening = self._opening, []
        return b"".join(self.wire.unnumbered(event, data) for event, data in opening)

    async def next(self) -> bytes | None:
        if self._damaged:
            return None
        try:
            frames = await self._subscription.next()
        except LogCorrupt as error:
            return await self._damage(error)
        return None if frames is None else self.wire.frames(frames)

    def take(self) -> bytes:
        """The next whole events of the ring, as it is their `turn`, as a piece of a chunked body."""
        return self._subscription.take(self.wire)

    async def read(self) -> bytes:
        """The next whole events in the store; nothing when there are none yet. :raises HoldfastError: as `next`."""
        try:
            return self.wire.frames(await self._subscription.read())
        except LogCorrupt as error:
            return await self._damage(error)

    def heartbeat(self) -> bytes:
        stalled = self._stalled()
        if stalled == self._told_stalled:
            return self.wire.ping
        self._told_stalled = stalled
        return self.wire.ping + self.wire.unnumbered("stalled", stalled or {})

    @property
    def ended(self) -> bool:
        return self.turn is Turn.END

    async def _damage(self, error: LogCorrupt) -> bytes:
        """What its reader is told of a damaged log."""
        self._damaged = True
        await self._on_damage()
        failure: dict[str, Any] = {"code": error.code, "message": error.detail, "retryable": False, "step": None}
        return self.wire.unnumbered("failure", failure) + self.wire.unnumbered("done", {"status": Status.FAILED})


@dataclass(frozen=True, slots=True)
class Seat:
    """One task of several: its view, and where the reader is in it."""

    life: Life
    view: Json
    point: ResumePoint


class GroupSource:
    """Several tasks over one connection. Every id names where the reader is in each of them."""

    def __init__(self, hub: Hub, seats: list[Seat], wire: Wire) -> None:
        self.wire = wire
        self._hub, self._seats = hub, seats
        self._cursors = {seat.life.task_id: sse.event_id(seat.life.generation, seat.point.after) for seat in seats}
        self._still_open = sum(not seat.point.over for seat in seats)
        self._stack = AsyncExitStack()
        self._received: MemoryObjectReceiveStream[tuple[Life, list[sse.Frame]]]

    async def __aenter__(self) -> None:
        tg = await self._stack.enter_async_context(anyio.create_task_group())
        send, self._received = anyio.create_memory_object_stream[tuple[Life, list[sse.Frame]]](0)
        self._stack.enter_context(self._received)
        self._stack.callback(tg.cancel_scope.cancel)
        with send:
            for seat in self._seats:
                if not seat.point.over:
                    tg.start_soon(self._pump, seat, send.clone())

    async def __aexit__(self, *error: object) -> None:
        await self._stack.aclose()

    def opening(self) -> bytes:
        opening = []
        for seat in self._seats:
            opening.append(self.wire.unnumbered("task", seat.view))
            if seat.point.reset is not None:
                reset = {"task": seat.life.task_id, "reason": seat.point.reset}
                opening.append(self.wire.unnumbered("reset", reset))
        return b"".join(opening)

    async def next(self) -> bytes | None:
        try:
            life, frames = await self._received.receive()
        except anyio.EndOfStream:
            return None
        return b"".join([self._encode(life, frame) for frame in frames])

    def heartbeat(self) -> bytes:
        return self.wire.ping

    @property
    def ended(self) -> bool:
        return self._still_open == 0

    async def _pump(self, seat: Seat, send: MemoryObjectSendStream[tuple[Life, list[sse.Frame]]]) -> None:
        async with send, self._hub.subscribe(seat.life, seat.point.after) as subscription:
            try:
                while (frames := await subscription.next()) is not None:
                    await send.send((seat.life, frames))
            except HoldfastError:
                return  # the task's own stream tells what is wrong with it
            self._still_open -= subscription.ended

    def _encode(self, life: Life, frame: sse.Frame) -> bytes:
        self._cursors[life.task_id] = sse.event_id(life.generation, frame.seq)
        data = b'{"task":"%b"%b%b' % (life.task_id.encode(), b"," if frame.data != b"{}" else b"", frame.data[1:])
        cursor = BETWEEN_IDS.join(self._cursors.values())
        return b"id: %b\nevent: %b\ndata: %b\n\n" % (cursor.encode(), frame.type.encode(), data)
