"""Those who ask of simulated machines: readers that follow to the end, and people who meddle."""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import TypeVar

import anyio

from server.errors import (
    HoldfastError,
    LogCorrupt,
    TaskActive,
    TaskEnded,
    TaskNotFound,
    TaskNotRetryable,
)
from server.models import EventType, Life
from server.streaming.audience import Audience
from server.streaming.hub import Subscription
from server.streaming.line import DETACH_EXTENSION
from server.streaming.resume import reads_on, resume_point
from server.streaming.source import TaskSource
from server.streaming.sse import Frame, event_id
from server.streaming.wire import SseWire
from server.tasks.listing import Filters
from server.tasks.manager import TaskRequest
from tests.campaigns.ledger import Ledger, Loss
from tests.campaigns.simulation.lines import SimulatedLine
from tests.campaigns.simulation.machine import Cut, Machine
from tests.campaigns.simulation.witness import Witness
from tests.campaigns.simulation.workload import KIND
from tests.campaigns.simulation.world import WORLD

PATIENCE_SECONDS = 60.0
DETACHED_SHARE = 0.7
SCOPE = "local"
LIST_PAGE = 50

T = TypeVar("T")


def request_for(plan: int, **more: object) -> TaskRequest:
    return TaskRequest(KIND, {"plan": plan}, "simulated", SCOPE, **more)  # type: ignore[arg-type]


@dataclass(slots=True)
class Surroundings:
    """What every client knows of the world."""

    machines: Callable[[], Sequence[Machine]]
    rng: Random
    ledger: Ledger
    witness: Witness

    def any_machine(self) -> Machine | None:
        serving = [machine for machine in self.machines() if machine.serving]
        return self.rng.choice(serving) if serving else None

    async def ask(self, request: Callable[[Machine], Awaitable[T]], patience: float = PATIENCE_SECONDS) -> T:
        """Ask some machine. :raises Cut, HoldfastError: as it went."""
        machine = self.any_machine()
        if machine is None:
            raise Cut
        return await machine.ask(lambda: request(machine), patience)


@dataclass(slots=True)
class Reader:
    """Asks for a task and follows it to its `done`, from any machine, as an EventSource does.

    ``ended`` is its last status. ``life`` is the one that it reads; another one only after it was told to begin anew.
    """

    around: Surroundings
    plan: int
    fresh: str | None = None
    life: Life | None = None
    seq: int = 0
    ended: str | None = None
    corrupt: bool = False
    connections: int = 0

    @property
    def _last_id(self) -> str | None:
        return event_id(self.life.generation, self.seq) if self.life is not None and self.seq else None

    async def follow(self) -> None:
        rng = self.around.rng
        while self.ended is None and not self.corrupt:
            patience = rng.choice((0.2, 2.0, 10.0, PATIENCE_SECONDS))
            self.connections += 1
            number = self.connections
            try:
                await self.around.ask(lambda machine: self._read_at(machine, number), patience)  # noqa: B023 - awaited here
            except Cut:
                pass
            except LogCorrupt as error:
                self.corrupt = True
                self.around.ledger.lose(Loss.ERROR, f"task of plan {self.plan}: {error.detail}")
            except HoldfastError as error:
                WORLD.note(f"a reader is refused: {error.code}")
            except Exception as error:  # noqa: BLE001 - whatever else an answer is, it must not be
                self.around.ledger.lose(Loss.EXIT, f"a reader of plan {self.plan} met {error!r}")
            self.connections += 1
            if self.ended is None:
                await anyio.sleep(rng.uniform(0, 1.0))

    async def _read_at(self, machine: Machine, connection: int) -> None:
        """What `/api/stream` does; what comes over a connection that was left reaches nobody."""
        parts = machine.node.services
        given = self._last_id
        request = request_for(self.plan, fresh=self.fresh)
        submission = await parts.manager.submit(request, lambda life: reads_on(given, life.generation))
        life = submission.life
        now = await parts.outlook.outline(life)
        point = resume_point(given, life.generation, now.seq, now.ended)
        if connection != self.connections:
            return
        if point.over:
            self.ended = now.status
            return
        self._begin(life, point.after, point.reset)
        cursor = parts.hub.subscribe(life, point.after, durable_to=now.ended or 0)
        if self.around.rng.random() < DETACHED_SHARE:
            await self._listen(parts.audience, cursor, connection)
            return
        from_log = TaskSource(cursor, SseWire(), [], stalled=lambda: None, on_damage=_damaged)
        source = parts.replays.source(life, cursor, from_log, now.ended)
        async with source:
            while (block := await source.next()) is not None:
                for frame in _frames_in(block):
                    self._hear(frame, connection)

    async def _listen(self, audience: Audience, subscription: Subscription, connection: int) -> None:
        """As a reader whose answer has been detached from its request."""
        damage: list[str] = []

        async def on_damage() -> None:
            damage.append("its log is damaged")

        line = SimulatedLine(lambda frame: self._hear(frame, connection), self.around.rng)
        source = TaskSource(subscription, SseWire(), [], stalled=lambda: None, on_damage=on_damage)
        try:
            await audience.take_in({"extensions": {DETACH_EXTENSION: line.detach}}, source)
            await line.over.wait()
        finally:
            line.hang_up()
        if damage:
            raise LogCorrupt(damage[0])

    def _hear(self, frame: Frame, connection: int) -> None:
        if connection == self.connections:
            self._take(frame)

    def _begin(self, life: Life, after: int, reset: str | None) -> None:
        around = self.around
        around.witness.life(life)
        if self.life is not None and reset is not None:
            WORLD.note(f"a reader of {self.life.generation} at {self.seq} is reset: {reset}")
            if life.number <= self.life.number and life.task_id not in around.witness.removed:
                around.ledger.lose(Loss.RESET, f"a reader of {self.life.generation} at {self.seq} is reset: {reset}")
        self.life, self.seq = life, after

    def _take(self, frame: Frame) -> None:
        life = self.life
        if life is None:
            return
        if frame.seq != self.seq + 1:
            kind = Loss.GAP if frame.seq > self.seq else Loss.DOUBLE
            self.around.ledger.lose(kind, f"a reader of {life.generation} got event {frame.seq} after {self.seq}")
        self.seq = frame.seq
        self.around.witness.saw(life.generation, frame)
        if frame.type == EventType.DONE:
            self.ended = _status_in(frame)


async def _damaged() -> None:
    raise LogCorrupt


def _frames_in(block: bytes) -> Iterator[Frame]:
    """The events of a block of `text/event-stream`."""
    for event in block.split(b"\n\n")[:-1]:
        fields = dict(line.split(b": ", 1) for line in event.split(b"\n"))
        seq = int(fields[b"id"].rpartition(b"-")[2])
        yield Frame(seq, fields[b"event"].decode(), fields[b"data"], event + b"\n\n")


def _status_in(frame: Frame) -> str:
    return frame.data.decode().split('"')[3]


@dataclass(slots=True)
class Meddler:
    """Somebody who pauses, stops, resumes, retries, reruns and deletes tasks at random moments."""

    around: Surroundings
    plans: int
    actions: Sequence[str]

    async def run(self) -> None:
        """Until cancelled."""
        rng = self.around.rng
        while True:
            await anyio.sleep(rng.expovariate(0.7))
            action, plan = rng.choice(self.actions), rng.randrange(self.plans)
            WORLD.note(f"somebody asks to {action} plan {plan}")
            try:
                await self.around.ask(lambda machine: self._do(machine, action, plan))  # noqa: B023 - awaited here
            except (Cut, TaskNotFound, TaskActive, TaskEnded, TaskNotRetryable):
                continue
            except HoldfastError as error:
                WORLD.note(f"{action} is refused: {error.code}")

    async def _do(self, machine: Machine, action: str, plan: int) -> None:
        parts = machine.node.services
        task_id = parts.manager._task_id(request_for(plan))
        life = await parts.outlook.find(task_id, SCOPE)
        self.around.witness.life(life)
        if action == "rerun":
            await parts.manager.rerun(life, None)
        elif action == "fresh":
            key = f"{self.around.rng.randrange(3)}"
            await parts.manager.submit(request_for(plan, fresh=key))
        elif action == "delete":
            self.around.witness.will_remove(task_id)
            await parts.manager.delete(life)
        elif action == "look":
            await parts.listing.page(SCOPE, Filters(), LIST_PAGE, None)
        else:
            await getattr(parts.steering, action)(life)
