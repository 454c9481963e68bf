"""What is known of tasks now: found, looked at, shown."""

from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from typing import Any

from server.errors import HoldfastError, TaskNotFound
from server.fingerprint import is_task_id
from server.lately import Lately
from server.models import Claim, Life, Status, now_ms
from server.stores.base import Sight, Store
from server.tasks.ownership import read_state
from server.tasks.runner import TaskRun
from server.tasks.scheduler import Scheduler
from server.tasks.shared import Shared
from server.tasks.state import Outline, TaskState, outline_of_snapshot, told
from server.tasks.witness import Witness

OUTLINES_KEPT = 1024


class Outlook:
    """Reads; changes nothing but lost snapshots. What runs here is known from memory, all else from the store."""

    def __init__(self, store: Store, scheduler: Scheduler, witness: Witness) -> None:
        self._store, self._scheduler, self._witness = store, scheduler, witness
        self._looks = Shared[Sight]()
        self._readings = Shared[TaskState]()
        self._ended = Lately[str, tuple[dict[str, Any], Outline]](OUTLINES_KEPT)

    async def look(self, task_id: str) -> Sight:
        """A task as the store has it now, which is asked once for all who ask meanwhile. :raises LogCorrupt:"""
        return await self._looks.get(task_id, partial(self._store.look, task_id))

    async def find(self, task_id: str, scope: str, generation: str | None = None) -> Life:
        """The current life of a task, or the one of this generation.

        :raises TaskNotFound: there is none, or it is somebody else's, which is the same to who asks.
        """
        return (await self._find(task_id, scope, generation))[0]

    async def find_with_outline(self, task_id: str, scope: str, generation: str | None) -> tuple[Life, Outline]:
        """As `find`, with what is known of that life now, by the same look."""
        life, sight = await self._find(task_id, scope, generation)
        return life, await self.outline(life, sight if life is sight.lives[-1] else None)

    async def _find(self, task_id: str, scope: str, generation: str | None) -> tuple[Life, Sight]:
        if not is_task_id(task_id):
            raise TaskNotFound("No task has this id: a task id is 32 hexadecimal digits in lower case.")
        sight = await self.look(task_id)
        lives = sight.lives
        if generation is not None:
            lives = [life for life in lives if life.generation == generation]
        if not lives or lives[-1].scope != scope:
            raise TaskNotFound
        return lives[-1], sight

    async def state(self, life: Life) -> TaskState:
        """What the task's log adds up to now."""
        run = self._owned_here(life)
        return run.state if run is not None else await self._read(life)

    async def _read(self, life: Life) -> TaskState:
        """From the log, once for all who ask meanwhile."""
        return await self._readings.get(life.generation, partial(self._read_log, life))

    async def _read_log(self, life: Life) -> TaskState:
        """An ended task's snapshot is put right by the way, so that the log need not be read for the next one."""
        # In this order: what is read belongs to this claim or an earlier one, never to a later one.
        claim = await self._store.newest_claim(life)
        state = await read_state(self._store, life)
        if state.corrupt and state.failure is not None:
            self._witness.quarantined(life, state.failure["message"])
        if state.status.terminal and state.settled:
            with suppress(HoldfastError):  # on a volume that takes nothing, reading goes on
                await self._write_snapshot(life, claim, state)
        return state

    async def outline(self, life: Life, sight: Sight | None = None) -> Outline:
        """What is known of the task now without its texts: from its snapshot where that is known to be the last one.

        ``sight`` is what the caller has just found by looking, for a life that is its current one.
        """
        run = self._owned_here(life)
        if run is not None:
            # Others may have read on the volume, and shown, what is not folded here yet.
            return run.state.outline(run.owned.log.last_seq)
        end = sight.end if sight is not None else await self._store.end(life)
        return self._outline_of(end) if end is not None else (await self._read(life)).outline()

    def _outline_of(self, end: dict[str, Any]) -> Outline:
        """Made once for each head: stores hand the same one out until it changes."""
        known = self._ended.get(end["generation"])
        if known is None or known[0] is not end:
            known = end, outline_of_snapshot(end)
            self._ended.keep(end["generation"], known)
        return known[1]

    async def view(self, life: Life) -> dict[str, Any]:
        """The task as the API shows it."""
        return self.with_position((await self.outline(life)).view)

    async def rebuild(self, life: Life) -> dict[str, Any]:
        """The view of a task whose snapshot is lost or bad."""
        return (await self.state(life)).view()

    async def _write_snapshot(self, life: Life, claim: Claim | None, state: TaskState) -> None:
        """Only for what has ended: one that runs gets its snapshot from its owner, which this must not replace."""
        if claim is not None:
            snapshot, headline = state.snapshot(claim.epoch, now_ms()), state.headline(claim.epoch)
            await self._store.save_snapshot(life, claim.epoch, snapshot, durable=False, headline=headline)

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
