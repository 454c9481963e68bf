"""The readers of this node that no coroutine serves: one loop for those of each task, and one clock for all.

A reader's answer is detached from its request as soon as its head is sent. What the ring has is written to its line at
once; only where the store must be read does a coroutine serve it, until it has caught up or its line takes no more.
"""

import asyncio
import logging
from collections.abc import Iterator
from dataclasses import dataclass, field

import anyio
from anyio import TASK_STATUS_IGNORED
from anyio.abc import TaskGroup, TaskStatus
from anyio.lowlevel import checkpoint
from starlette.types import Scope
from structlog.contextvars import bind_contextvars, clear_contextvars

from server.errors import HoldfastError
from server.settings import Settings
from server.streaming.channel import Channel
from server.streaming.line import detach
from server.streaming.listener import Listener
from server.streaming.source import TaskSource

LONGEST_TICK_SECONDS = 1.0
TICKS = 4
"""At least so many looks at a line within the shortest of the times that lines are looked at for."""
SERVED_BETWEEN_YIELDS = 250

DROPPED = "a reader was dropped, which may come again"

logger = logging.getLogger(__name__)


@dataclass(eq=False, slots=True)
class _Circle:
    """The listeners of one channel that have caught up, or wait for their lines to take more."""

    channel: Channel
    listeners: dict[Listener, None] = field(default_factory=dict)
    scope: anyio.CancelScope = field(default_factory=anyio.CancelScope)


class Audience:
    """Looks after listeners from `take_in` to their ends."""

    def __init__(self, settings: Settings) -> None:
        ping_seconds, self._send_timeout_seconds = settings.stream_ping_seconds, settings.stream_send_timeout_seconds
        self._tick_seconds = min(LONGEST_TICK_SECONDS, min(ping_seconds, self._send_timeout_seconds) / TICKS)
        self._ping_seconds = ping_seconds - self._tick_seconds  # so that no line is silent for longer than was set
        self._listeners: dict[Listener, _Circle | None] = {}
        self._circles: dict[Channel, _Circle] = {}
        self._attended: dict[Listener, None] = {}
        self._woken = anyio.Event()
        self._tg: TaskGroup
        self._ended = False

    async def run(self, *, task_status: TaskStatus[None] = TASK_STATUS_IGNORED) -> None:
        """Look after the listeners until cancelled."""
        async with anyio.create_task_group() as tg:
            self._tg = tg
            tg.start_soon(self._attend)
            task_status.started()
            try:
                await self._look_after_all()
            finally:
                self._ended = True
                self._attend_to_all(anyio.current_time())

    async def _look_after_all(self) -> None:
        while True:
            await anyio.sleep(self._tick_seconds)
            for some in _by(SERVED_BETWEEN_YIELDS, tuple(self._listeners)):
                now = anyio.current_time()
                for listener in some:
                    self._look_after(listener, now)
                await checkpoint()

    async def take_in(self, scope: Scope, source: TaskSource) -> bool:
        """Detach the answer that is being given and serve it from here on; False where it can't be detached.

        Returns when the reader needs nobody who waits for anything on its behalf.
        """
        now = anyio.current_time()
        listener = Listener(self, source, now)
        line = detach(scope, listener)
        if line is None:
            return False
        listener.line = line
        source.enter()
        self._listeners[listener] = None
        listener.write(source.opening(), now)
        listener.reading = True
        await self._read(listener)
        return True

    def attend(self, listener: Listener) -> None:
        """See `server.streaming.listener.Attendant`."""
        self._attended[listener] = None
        if self._ended:
            self._attend_to_all(asyncio.get_running_loop().time())
        else:
            # The event loop calls this, and not a task: nothing can be started from here.
            self._woken.set()

    async def _attend(self) -> None:
        while True:
            await self._woken.wait()
            self._woken = anyio.Event()
            self._attend_to_all(anyio.current_time())

    def _attend_to_all(self, now: float) -> None:
        attended, self._attended = self._attended, {}
        for listener in attended:
            self._serve(listener, now)

    def _serve(self, listener: Listener, now: float) -> None:
        if listener.reading:
            return  # whoever reads for it sees to the rest
        try:
            if listener.heed(now) and not self._ended:
                listener.reading = True
                self._tg.start_soon(self._read_later, listener)
        except Exception:  # it must not reach those who are served after it
            logger.exception(DROPPED)
            self._drop(listener)
        if listener.gone:
            self._let_go(listener)

    def _look_after(self, listener: Listener, now: float) -> None:
        try:
            listener.look_after(now, self._ping_seconds, self._send_timeout_seconds)
        except Exception:
            logger.exception(DROPPED)
            self._drop(listener)

    async def _read_later(self, listener: Listener) -> None:
        clear_contextvars()
        bind_contextvars(task=listener.source.channel.life.task_id)
        await self._read(listener)

    async def _read(self, listener: Listener) -> None:
        """Read the store for a listener until the ring will do, its line takes no more, or it has gone."""
        source, channel = listener.source, listener.source.channel
        try:
            while listener.heed(anyio.current_time()):
                changed = channel.changed
                block = await source.read()
                listener.write(block, anyio.current_time())
                if not block and changed is channel.changed:
                    break
        except HoldfastError:
            # The store can't be read now: the reader may come again where it was.
            listener.dismiss()
        except Exception:
            logger.exception(DROPPED)
            self._drop(listener)
        except BaseException:
            self._drop(listener)
            raise
        finally:
            # From the last look at the channel to here nothing was awaited, so no change of it was missed.
            listener.reading = False
            if self._ended:  # the store took so long over it that the node has closed meanwhile
                listener.dismiss()
            if listener.gone:
                self._let_go(listener)
            else:
                self._seat(listener)

    def _seat(self, listener: Listener) -> None:
        """Have it served whenever its channel changes."""
        if self._listeners[listener] is not None:
            return
        channel = listener.source.channel
        circle = self._circles.get(channel)
        if circle is None:
            circle = self._circles[channel] = _Circle(channel)
            self._tg.start_soon(self._serve_circle, circle, channel.changed)
        circle.listeners[listener] = None
        self._listeners[listener] = circle

    async def _serve_circle(self, circle: _Circle, changed: anyio.Event) -> None:
        clear_contextvars()
        bind_contextvars(task=circle.channel.life.task_id)
        with circle.scope:
            while True:
                await changed.wait()
                changed = circle.channel.changed
                for some in _by(SERVED_BETWEEN_YIELDS, tuple(circle.listeners)):
                    now = anyio.current_time()
                    for listener in some:
                        self._serve(listener, now)
                    await checkpoint()

    def _let_go(self, listener: Listener) -> None:
        if listener not in self._listeners:
            return
        circle = self._listeners.pop(listener)
        if circle is not None:
            del circle.listeners[listener]
            if not circle.listeners:
                del self._circles[circle.channel]
                circle.scope.cancel()
        reader = listener.source.leave()
        if reader is not None and not self._ended:  # what is open when the node has closed goes with its process
            self._tg.start_soon(reader.close)

    def _drop(self, listener: Listener) -> None:
        listener.gone = True
        listener.line.abort()


def _by(size: int, listeners: tuple[Listener, ...]) -> Iterator[tuple[Listener, ...]]:
    return (listeners[start : start + size] for start in range(0, len(listeners), size))
