"""What is known of tasks now: found, looked at, shown."""

import itertools
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

import anyio

from server.errors import HoldfastError, TaskNotFound
from server.fingerprint import is_task_id
from server.models import Claim, Life, Status, now_ms
from server.stores.base import Store
from server.tasks.ownership import read_state
from server.tasks.runner import TaskRun
from server.tasks.scheduler import Scheduler
from server.tasks.state import Outline, TaskState, outline_of_snapshot, told
from server.tasks.witness import Witness


@dataclass(slots=True)
class _Reading:
    """A log being read. ``began`` orders it with those who wait for it."""

    began: int
    state: TaskState | None = None
    over: anyio.Event = field(default_factory=anyio.Event)


class Outlook:
    """Reads; changes nothing but lost snapshots. What runs here is known from memory, all else from the store."""

    def __init__(self, store: Store, scheduler: Scheduler, witness: Witness) -> None:
        self._store, self._scheduler, self._witness = store, scheduler, witness
        self._ticks = itertools.count()
        self._readings: dict[str, _Reading] = {}

    async def find(self, task_id: str, scope: str, generation: str | None = None) -> Life:
        """The current life of a task, or the one of this generation.

        :raises TaskNotFound: there is none, or it is somebody else's, which is the same to who asks.
        """
        if not is_task_id(task_id):
            raise TaskNotFound("No task has this id: a task id is 32 hexadecimal digits in lower case.")
        lives = await self._store.lives(task_id)
        if generation is not None:
            lives = [life for life in lives if life.generation == generation]
        if not lives or lives[-1].scope != scope:
            raise TaskNotFound
        return lives[-1]

    async def state(self, life: Life) -> TaskState:
        """What the task's log adds up to now."""
        run = self._owned_here(life)
        return run.state if run is not None else await self._read(life)

    async def _read(self, life: Life) -> TaskState:
        """From the log, once for all who ask meanwhile: whoever comes gets a reading that began after they came.

        An ended task's snapshot is put right by the way, so that the log need not be read for the next one.
        """
        came = next(self._ticks)
        while (reading := self._readings.get(life.generation)) is not None:
            await reading.over.wait()
            if reading.began > came and reading.state is not None:
                return reading.state
        reading = self._readings[life.generation] = _Reading(began=next(self._ticks))
        try:
            # In this order: what is read belongs to this claim or an earlier one, never to a later one.
            claim = await self._store.newest_claim(life)
            reading.state = await read_state(self._store, life)
        finally:
            del self._readings[life.generation]
            reading.over.set()
        if reading.state.corrupt and reading.state.failure is not None:
            self._witness.quarantined(life, reading.state.failure["message"])
        if reading.state.status.terminal and reading.state.settled:
            with suppress(HoldfastError):  # on a volume that takes nothing, reading goes on
                await self._write_snapshot(life, claim, reading.state)
        return reading.state

    async def outline(self, life: Life) -> Outline:
        """What is known of the task now without its texts: from its snapshot where that is known to be the last one."""
        run = self._owned_here(life)
        if run is not None:
            # Others may have read on the volume, and shown, what is not folded here yet.
            return replace(run.state.outline(), seq=run.owned.log.last_seq)
        head = await self._store.head(life.task_id)
        if head is not None and head["generation"] == life.generation and Status(head["status"]).terminal:
            claim = await self._store.newest_claim(life)
            if claim is not None and claim.released and claim.epoch == head["epoch"]:
                return outline_of_snapshot(head)
        return (await self._read(life)).outline()

    async def view(self, life: Life) -> dict[str, Any]:
        """The task as the API shows it."""
        return self.with_position((await self.outline(life)).view)

    async def rebuild(self, life: Life) -> dict[str, Any]:
        """The view of a task whose snapshot is lost or bad."""
        return (await self.state(life)).view()

    async def _write_snapshot(self, life: Life, claim: Claim | None, state: TaskState) -> None:
        """Only for what has ended: one that runs gets its snapshot from its owner, which this must not replace."""
        if claim is not None:
            await self._store.save_snapshot(life, claim.epoch, state.snapshot(claim.epoch, now_ms()), durable=False)

    async def history(self, life: Life) -> list[dict[str, Any]]:
        """All lives of the task, newest first."""
        lives = await self._store.lives(life.task_id)
        return [(await self.outline(each)).view for each in reversed(lives)]

    def with_position(self, view: Mapping[str, Any]) -> dict[str, Any]:
        """A task's view with its place in this node's queue, 1 for the next one."""
        waiting = view["status"] == Status.PENDING
        return self._scheduler.shown(view, self._scheduler.position(view["id"]) if waiting else None)

    def stalled(self, life: Life) -> dict[str, Any] | None:
        """What holds a task up that runs in this node, and that its log can't tell; None for any other task."""
        run = self._owned_here(life)
        return told(run.state.stalled) if run is not None else None

    def _owned_here(self, life: Life) -> TaskRun | None:
        """What runs it here and knows it. A node that has slept knows nothing of what others have done meanwhile."""
        run = self._scheduler.running_here(life)
        return run if run is not None and run.owned.has_read_log and run.owned.may_write() else None
