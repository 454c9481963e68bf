"""What a node does about one task, from its creation to the end of all that there is to do: the real code, no server.

Its workflow writes into each text and file which attempt made it, as a model's answers differ from attempt to attempt,
so that a mixture of two shows.
"""

import os
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio

from server.errors import HoldfastError
from server.models import Action, Control, Json, Life, Node, Record, Status, new_generation, now_ms
from server.settings import Settings
from server.stores import lines
from server.stores.base import LogWriter
from server.stores.births import Births
from server.stores.disk import Disk
from server.stores.files import FileStore
from server.stores.segments import Segments
from server.stores.volume import Volume
from server.tasks.journal import INLINE_RESULT_BYTES
from server.tasks.ownership import Ownership, inscribe
from server.tasks.requests import Requests
from server.tasks.runner import TaskRun
from server.tasks.state import TaskState
from server.tasks.tenures import Tenure
from server.workflows.base import Context, Params, Step, Workflow
from tests.campaigns.forking import Tell
from tests.making import TASK

PIECES = 4
PARTS = ("gather", "left", "right", "close")
ARTIFACT = "table.csv"
LIFE = Life(
    task_id=TASK, number=1, kind="campaign", workflow_version=1, params={}, generation="", created_at=0, scope="local"
)


class NoParams(Params):
    """The workflow takes none."""


def piece_of(attempt: str, part: str, index: int) -> str:
    return f"{part} {index} by {attempt}\n"


class Work:
    """The workflow's program as one attempt runs it. ``ask`` is called in its first step."""

    def __init__(self, attempt: str, tell: Tell, ask: Callable[[], Awaitable[None]]) -> None:
        self._attempt, self._tell, self._ask = attempt, tell, ask

    async def run(self, ctx: Context, params: NoParams) -> Json:
        ctx.expect(len(PARTS) + 1, items=PIECES)
        gathered = await self._step(ctx, "gather", self._gather)
        async with anyio.create_task_group() as tg:
            tg.start_soon(self._step, ctx, "left", self._write)
            tg.start_soon(self._step, ctx, "right", self._file)
        await self._step(ctx, "large", self._large)
        closed = await self._step(ctx, "close", self._write)
        return {"gathered": gathered["by"], "closed": closed["by"]}

    async def _step(self, ctx: Context, key: str, work: Callable[[Step], Awaitable[Json]]) -> Any:
        async def run(step: Step) -> Json:
            self._tell("began", key)
            return await work(step)

        found = await ctx.step(key, run, {"of": key})
        self._tell("finished", key, found["by"])
        return found

    async def _write(self, step: Step) -> Json:
        for index in range(PIECES):
            await step.output(step.key, piece_of(self._attempt, step.key, index))
        return {"by": self._attempt}

    async def _gather(self, step: Step) -> Json:
        for index in range(PIECES):
            await step.item({"key": f"item-{index}", "by": self._attempt})
        await self._ask()
        return await self._write(step)

    async def _file(self, step: Step) -> Json:
        await step.artifact(ARTIFACT, self._attempt.encode(), "text/csv")
        return await self._write(step)

    async def _large(self, step: Step) -> Json:
        await step.progress("large", 50)
        return {"by": self._attempt, "filling": "x" * INLINE_RESULT_BYTES}


class Unwatched:
    """Nobody keeps figures of what these nodes do."""

    def created(self, life: Life) -> None:
        pass

    def claimed(self, life: Life, epoch: int, before: Tenure | None) -> None:
        pass

    def quarantined(self, life: Life, found: str) -> None:
        pass

    def timed(self, writer: LogWriter) -> LogWriter:
        return writer


class Worker:
    """One node's process. ``asks``: it is asked to pause while it works. ``on_owning`` hears of each epoch it owns."""

    def __init__(
        self,
        root: Path,
        name: str,
        disk: Disk,
        tell: Tell,
        *,
        asks: bool = False,
        on_owning: Callable[[int], None] = lambda _: None,
    ) -> None:
        self.name, self._root, self._disk, self._tell = name, root, disk, tell
        self._asks, self._on_owning = asks, on_owning
        self._store = FileStore(root, disk)
        self._settings = Settings(task_storage_dir=root)

    def work(self) -> None:
        anyio.run(self._work, backend_options={"use_uvloop": True})

    async def _work(self) -> None:
        try:
            await self._until_nothing_is_to_do()
        except HoldfastError as error:
            self._tell("refused", error.code, error.detail)

    async def _until_nothing_is_to_do(self) -> None:
        store = self._store
        await store.open()
        await store.beat(Node(self.name, 1, "", 0, 1, "0"))
        life, _ = await store.create(replace(LIFE, generation=new_generation()))
        self._tell("life", life.generation)
        while True:
            claim, state = await store.newest_claim(life), await self._state(life)
            if claim is not None and claim.released and state.status is Status.COMPLETED:
                break
            epoch = claim.epoch + 1 if claim is not None else 1
            writer = await store.claim(life, epoch, self.name)
            if writer is None:
                self._tell("lost", epoch)
                return
            self._tell("owns", epoch)
            if not await self._own(life, writer):
                return
        # As a node does that finds the mark of a task that has ended.
        await store.save_snapshot(life, claim.epoch, state.snapshot(claim.epoch, now_ms()), durable=False)
        await store.settle(life, claim.epoch)
        Segments(Volume(self._disk), Births(Volume(self._disk), self._root).folder(life)).pack(claim.epoch, 0)
        await store.leave(self.name)
        await store.close()
        self._tell("over")

    async def _state(self, life: Life) -> TaskState:
        """As far as it can be read now: whoever claims the task next decides about the rest."""
        state = TaskState(life)
        reader = self._store.reader(life)
        while batch := await reader.read():
            state.apply_all(batch)
        await reader.close()
        return state

    async def _own(self, life: Life, writer: LogWriter) -> bool:
        """Whether this node has done with the task what it could; False when it has lost it."""
        owned = Ownership(life, writer, self.name, self._store, self._publish, lambda: True)
        self._on_owning(writer.epoch)
        state = await self._state(life)
        if state.status.needs_restart:
            await inscribe(owned, state.status, Status.PENDING, "resumed")
            return True

        async def ask() -> None:
            if self._asks:
                self._asks = False
                await self._store.ask(life, Control(Action.PAUSE, writer.epoch, f"asked of {self.name}"))
                self._tell("asked", writer.epoch)

        program = Work(f"{self.name}.{writer.epoch}.{os.getpid()}", self._tell, ask)
        workflow = Workflow(kind=LIFE.kind, version=1, params=NoParams, run=program.run, title=lambda _: "")
        requests = Requests(self._store)
        run = TaskRun(owned, workflow, self.name, self._settings, Unwatched(), requests)
        async with anyio.create_task_group() as tg:
            tg.start_soon(requests.run)
            await run.run()
            tg.cancel_scope.cancel()
        return not run.gave_up

    def _publish(self, records: Sequence[Record]) -> None:
        for record in records:
            self._tell("shown", lines.encode(record).decode())
