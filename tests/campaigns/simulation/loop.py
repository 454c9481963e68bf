"""An event loop in virtual time, on which each machine can stop for a while, or for ever."""

import asyncio
import heapq
import itertools
from asyncio import events
from collections import deque
from collections.abc import Callable, Coroutine
from contextvars import Context, copy_context
from typing import Any, Protocol

from tests.campaigns.simulation.world import MACHINE, WORLD

MOST_TURNS_AT_ONE_MOMENT = 200_000


class Stuck(Exception):
    """Nothing can run any more, or something runs for ever without time going on."""


class Sleeper(Protocol):
    """A machine, as the loop sees it. ``awake``: its code runs; otherwise what falls due is put into ``held``."""

    awake: bool
    held: list["Due"]


class Due:
    """A call that is to be made: `asyncio.Handle` and `asyncio.TimerHandle`."""

    __slots__ = ("_args", "_at", "_cancelled", "_context", "_function", "machine")

    def __init__(self, function: Callable[..., object], args: tuple[Any, ...], at: float, context: Context | None):
        self._function, self._args, self._at = function, args, at
        self._context = context if context is not None else copy_context()
        self.machine: Any = self._context.get(MACHINE)
        self._cancelled = False

    def cancel(self) -> None:
        self._cancelled = True

    def cancelled(self) -> bool:
        return self._cancelled

    def when(self) -> float:
        return self._at

    def run(self) -> None:
        self._context.run(self._function, *self._args)


class SimulatedLoop:
    """Runs what is ready, in order; when nothing is, time goes on to the next timer at once.

    It has what `asyncio` and `anyio` ask of a loop for tasks, futures and timers; there are no sockets and no threads.
    """

    def __init__(self) -> None:
        self._ready: deque[Due] = deque()
        self._timers: list[tuple[float, int, Due]] = []
        self._serial = itertools.count()
        self.complaints: list[dict[str, Any]] = []

    def run_until_complete(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """:raises Stuck:"""
        loop: Any = self
        events._set_running_loop(loop)
        try:
            task = self.create_task(coroutine)
            turns = 0
            while not task.done():
                if not self._ready:
                    self._let_time_go_on()
                    turns = 0
                due = self._ready.popleft()
                turns += 1
                if turns > MOST_TURNS_AT_ONE_MOMENT:
                    raise Stuck(f"at {WORLD.now:.6f} s time stands still")
                self._run(due)
            return task.result()
        finally:
            events._set_running_loop(None)

    def _run(self, due: Due) -> None:
        machine: Sleeper | None = due.machine
        if due._cancelled:
            return
        if machine is not None and not machine.awake:
            machine.held.append(due)
            return
        WORLD.machine = due.machine
        due.run()
        WORLD.machine = None

    def _let_time_go_on(self) -> None:
        timers = self._timers
        while timers and timers[0][2]._cancelled:
            heapq.heappop(timers)
        if not timers:
            raise Stuck(f"at {WORLD.now:.6f} s there is nothing left to wait for")
        WORLD.now = max(WORLD.now, timers[0][0])
        while timers and timers[0][0] <= WORLD.now:
            self._ready.append(heapq.heappop(timers)[2])

    def wake(self, machine: Sleeper) -> None:
        """Go on with what fell due while the machine stood still."""
        machine.awake = True
        self._ready.extend(machine.held)
        machine.held = []

    def time(self) -> float:
        return WORLD.now

    def call_soon(self, callback: Callable[..., object], *args: Any, context: Context | None = None) -> Any:
        due = Due(callback, args, WORLD.now, context)
        self._ready.append(due)
        return due

    def call_at(self, when: float, callback: Callable[..., object], *args: Any, context: Context | None = None) -> Any:
        due = Due(callback, args, when, context)
        heapq.heappush(self._timers, (when, next(self._serial), due))
        return due

    def call_later(
        self, delay: float, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> Any:
        return self.call_at(WORLD.now + delay, callback, *args, context=context)

    def create_future(self) -> asyncio.Future[Any]:
        loop: Any = self
        return asyncio.Future(loop=loop)

    def create_task(self, coro: Any, *, name: Any = None, context: Context | None = None, **more: Any) -> Any:
        loop: Any = self
        return asyncio.Task(coro, loop=loop, name=name, context=context)

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        self.complaints.append(context)

    def get_task_factory(self) -> None:
        return None

    def get_debug(self) -> bool:
        return False

    def is_running(self) -> bool:
        return True

    def is_closed(self) -> bool:
        return False
