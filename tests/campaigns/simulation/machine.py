"""One process of the server on a simulated machine: the real node, over a fake disk, that can be killed and frozen."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextvars import Context, copy_context
from random import Random
from typing import Any, TypeVar

import anyio

from server.app import Holdfast
from server.errors import HoldfastError
from server.settings import Settings
from server.stores.base import Store
from server.workflows.base import Workflow
from tests.campaigns.simulation.fake_disk import FakeDisk
from tests.campaigns.simulation.loop import Due, SimulatedLoop
from tests.campaigns.simulation.world import MACHINE, WORLD

RENDERED_FROM_EVENTS = 5
"""Logs are short in a simulated world."""

T = TypeVar("T")


class Cut(Exception):
    """The connection broke off: the process is gone, or was never there."""


class Connection:
    """A request under way at a machine. ``answer`` is what came of it."""

    def __init__(self, loop: SimulatedLoop, context: Context) -> None:
        self._loop, self._context = loop, context
        self.answer: asyncio.Future[Any] = loop.create_future()
        self._scope = anyio.CancelScope()

    async def serve(self, request: Callable[[], Awaitable[Any]]) -> None:
        """Runs at the machine."""
        try:
            with self._scope:
                found = await request()
                self._tell(lambda: self.answer.set_result(found))
                return
            self._tell(lambda: self.answer.set_exception(Cut()))
        except Exception as error:  # noqa: BLE001 - what the request raises is its answer
            broken = error
            self._tell(lambda: self.answer.set_exception(broken))

    def hang_up(self) -> None:
        """The client goes away."""
        self._loop.call_soon(self._scope.cancel, context=self._context)
        self.cut()

    def cut(self) -> None:
        self._tell(lambda: self.answer.set_exception(Cut()))

    def _tell(self, tell: Callable[[], None]) -> None:
        if not self.answer.done():
            tell()


class Machine:
    """One start of the server. ``awake`` while its code runs; a killed one never wakes again."""

    def __init__(
        self,
        name: str,
        loop: SimulatedLoop,
        disk: FakeDisk,
        store: Store,
        workflows: Iterable[Workflow],
        settings: Settings,
        rng: Random,
        prepare: Callable[[Holdfast], None] = lambda node: None,
    ) -> None:
        self.name, self.disk, self.store = name, disk, store
        self._loop = loop
        self.awake, self.over = True, False
        self.held: list[Due] = []
        self.monotonic_start, self.wall_offset = rng.uniform(10, 1e6), 0.0
        self._connections: list[Connection] = []
        self._context = copy_context()
        self._context.run(MACHINE.set, self)
        self.serving = False
        self._to_stop = asyncio.Event()
        self.ended = asyncio.Event()
        self.crash: BaseException | None = None
        self._settings, self._workflows, self._prepare = settings, list(workflows), prepare
        self.node: Holdfast
        self._life = loop.create_task(self._live(), context=self._context)

    async def _live(self) -> None:
        self.node = Holdfast(self._settings, self.store, self._workflows)
        self.node.services.replays.least_events = RENDERED_FROM_EVENTS
        self._prepare(self.node)
        try:
            async with self.node.running():
                self.serving = True
                WORLD.note(f"serves as {self.node.node}")
                await self._to_stop.wait()
                self.serving = False
                await self.node.begin_shutdown()
        except HoldfastError as error:
            WORLD.note(f"could not start: {error.detail}")
        except BaseException as error:  # noqa: BLE001 - whatever ends a server is to be known
            self.crash = error
        finally:
            self._end()

    def _end(self) -> None:
        self.serving, self.over, self.awake = False, True, False
        self.disk.release_all()
        for connection in self._connections:
            connection.cut()
        self.ended.set()

    def stop(self) -> None:
        """SIGTERM."""
        self._to_stop.set()

    def kill(self) -> None:
        """SIGKILL, or the machine loses power: nothing of it runs any more."""
        if not self.over:
            WORLD.note(f"{self.name} is killed")
            self._end()

    def freeze(self) -> None:
        if not self.over:
            self.awake = False

    def thaw(self) -> None:
        if not self.over and not self.awake:
            self._loop.wake(self)

    def connect(self, request: Callable[[], Awaitable[Any]]) -> Connection:
        """Have this machine answer a request. :raises Cut: nobody listens."""
        if not self.serving:
            raise Cut
        connection = Connection(self._loop, self._context)
        self._connections = [known for known in self._connections if not known.answer.done()]
        self._connections.append(connection)
        self._loop.create_task(connection.serve(request), context=self._context)
        return connection

    async def ask(self, request: Callable[[], Awaitable[T]], patience: float) -> T:
        """A request and its answer. :raises Cut: none came within so many seconds. :raises HoldfastError: a refusal"""
        connection = self.connect(request)
        try:
            with anyio.move_on_after(patience):
                answer: T = await connection.answer
                return answer
            raise Cut
        finally:
            connection.hang_up()
