"""BackgroundTaskManager: what can be asked of tasks. It decides; owners carry out."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import anyio

from server.errors import (
    OwnershipLost,
    QueueFull,
    ShuttingDown,
    TaskActive,
    TaskCorrupt,
    TaskEnded,
    TaskNotFound,
    TaskNotRetryable,
)
from server.fingerprint import fingerprint, is_task_id
from server.models import Action, Control, Life, Status, new_generation, now_ms
from server.settings import Settings
from server.stores.base import Store
from server.tasks.listing import Listing
from server.tasks.liveness import Liveness
from server.tasks.ownership import Ownership, inscribe, read_state
from server.tasks.runner import ending_for
from server.tasks.scheduler import Scheduler, Stage
from server.tasks.state import Outline, TaskState, outline_of_snapshot
from server.workflows.base import Registry

QUEUE_RETRY_SECONDS = 10
CARRIED_OUT_SECONDS = 10.0
POLL_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class TaskRequest:
    """A validated request for a task. ``params`` are cleaned and complete; the rest never enters the fingerprint."""

    kind: str
    params: dict[str, Any]
    title: str
    scope: str
    fresh: str | None = None
    max_age: float | None = None
    priority: int = 5
    project: str | None = None
    session: str | None = None


@dataclass(frozen=True, slots=True)
class Submission:
    """What a request led to. ``reused``: the life was there before."""

    life: Life
    reused: bool


class BackgroundTaskManager:
    """One node's way to all tasks of the store."""

    def __init__(
        self,
        store: Store,
        registry: Registry,
        scheduler: Scheduler,
        liveness: Liveness,
        stage: Stage,
        settings: Settings,
        node: str,
    ) -> None:
        self._store, self._registry, self._scheduler = store, registry, scheduler
        self._liveness, self._stage, self._settings, self._node = liveness, stage, settings, node
        self._closing = False
        self.listing = Listing(store, scheduler, self._rebuild)

    async def submit(self, request: TaskRequest, resuming: Callable[[Life], bool] = lambda life: False) -> Submission:
        """Start, attach to, replay, resume or retry the task of a request.

        :param resuming: says whether the caller only reads on in this life; then a failed or stopped one is left so.
        :raises QueueFull: nothing was made.
        """
        task_id = self._task_id(request)
        while True:
            lives = await self._store.lives(task_id)
            if not lives:
                return await self._begin(request, task_id, 1)
            if request.fresh is not None:
                known = next((life for life in lives if life.fresh == request.fresh), None)
                if known is None:
                    return await self._begin(request, task_id, lives[-1].number + 1)
                if known is not lives[-1]:
                    return Submission(known, reused=True)
            life = lives[-1]
            now = await self.outline(life)
            if self._too_old(now, request.max_age):
                return await self._begin(request, task_id, life.number + 1)
            if not now.status.needs_restart or now.corrupt or resuming(life):
                if now.status is Status.PENDING:
                    self._scheduler.offer(life)
                return Submission(life, reused=True)
            reason = "resumed" if now.status is Status.PAUSED else "retried"
            self._refuse_when_full()
            await self._change(life, now.status, Status.PENDING, reason)

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
        run = self._scheduler.running_here(life)
        return run.state if run is not None and run.owned.has_read_log else await read_state(self._store, life)

    async def outline(self, life: Life) -> Outline:
        """What is known of the task now without its texts: from its snapshot where that is known to be the last one."""
        run = self._scheduler.running_here(life)
        if run is not None and run.owned.has_read_log:
            return run.state.outline()
        head = await self._store.head(life.task_id)
        if head is not None and head["generation"] == life.generation and Status(head["status"]).terminal:
            claim = await self._store.newest_claim(life)
            if claim is not None and claim.released and claim.epoch == head["epoch"]:
                return outline_of_snapshot(head)
        return (await read_state(self._store, life)).outline()

    async def view(self, life: Life) -> dict[str, Any]:
        """The task as the API shows it."""
        return self.with_position((await self.outline(life)).view)

    async def _rebuild(self, life: Life) -> dict[str, Any]:
        """The view of a task whose snapshot is lost or bad; an ended one's is written again.

        One that has not ended gets its snapshot from its owner: another one, read before, must not replace that.
        """
        state = await self.state(life)
        claim = await self._store.newest_claim(life)
        if state.status.terminal and claim is not None:
            await self._store.save_snapshot(life, claim.epoch, state.snapshot(claim.epoch, now_ms()), durable=False)
        return state.view()

    async def history(self, life: Life) -> list[dict[str, Any]]:
        """All lives of the task, newest first."""
        lives = await self._store.lives(life.task_id)
        return [(await self.outline(each)).view for each in reversed(lives)]

    async def stop(self, life: Life) -> dict[str, Any]:
        return await self._control(life, Action.STOP)

    async def pause(self, life: Life) -> dict[str, Any]:
        return await self._control(life, Action.PAUSE)

    async def resume(self, life: Life) -> dict[str, Any]:
        """:raises TaskEnded: it is not paused but over."""
        if (await self.outline(life)).status.terminal:
            raise TaskEnded
        await self._set_going(life, {Status.PAUSED}, "resumed")
        return await self.view(life)

    async def retry(self, life: Life) -> dict[str, Any]:
        """:raises TaskNotRetryable: it is completed."""
        now = await self.outline(life)
        if now.corrupt:
            raise TaskCorrupt
        if now.status is Status.COMPLETED:
            raise TaskNotRetryable
        await self._set_going(life, {Status.FAILED, Status.STOPPED}, "retried")
        return await self.view(life)

    async def rerun(self, life: Life, fresh: str | None) -> dict[str, Any]:
        """Start a new life of an ended task, once per ``fresh``; an active one is the answer itself."""
        if not (await self.outline(life)).status.terminal:
            return await self.view(life)
        request = TaskRequest(
            life.kind,
            life.params,
            life.title,
            life.scope,
            fresh=fresh or f"rerun-of-{life.generation}",
            priority=life.priority,
            project=life.project,
            session=life.session,
        )
        # The parameters as they are, under the id that they have: the server's model may be another by now.
        lives = await self._store.lives(life.task_id)
        known = next((each for each in lives if each.fresh == request.fresh), None)
        if known is None:
            known = (await self._begin(request, life.task_id, lives[-1].number + 1)).life
        return await self.view(known)

    async def delete(self, life: Life) -> None:
        """:raises TaskActive: it has not ended."""
        async with self._scheduler.holding(life.task_id) as held:
            if not held or not (await self.outline(life)).status.terminal:
                raise TaskActive
            await self._store.remove(life.task_id)
            self._scheduler.forget(life.task_id)

    def begin_shutdown(self) -> None:
        """Refuse new tasks from now on."""
        self._closing = True

    def _task_id(self, request: TaskRequest) -> str:
        workflow = self._registry.get(request.kind)
        return fingerprint(
            kind=workflow.kind,
            workflow_version=workflow.version,
            params=request.params,
            model=workflow.model,
            search=workflow.search(),
            scope=request.scope,
        )

    async def _begin(self, request: TaskRequest, task_id: str, number: int) -> Submission:
        self._refuse_when_full()
        workflow = self._registry.get(request.kind)
        wanted = Life(
            task_id=task_id,
            number=number,
            kind=workflow.kind,
            workflow_version=workflow.version,
            params=request.params,
            generation=new_generation(),
            created_at=now_ms(),
            scope=request.scope,
            model=workflow.model,
            search=workflow.search(),
            title=request.title,
            priority=request.priority,
            project=request.project,
            session=request.session,
            fresh=request.fresh,
        )
        life, made = await self._store.create(wanted)
        if made:
            if number > 1:
                await self._stop_older(task_id, number)
            await self._store.save_snapshot(life, 0, TaskState(life).snapshot(0, now_ms()), durable=False)
        self._scheduler.offer(life)
        return Submission(life, reused=not made)

    async def _stop_older(self, task_id: str, number: int) -> None:
        """A new life begins; the one before it, where it still runs, has no reader left to write for."""
        for older in await self._store.lives(task_id):
            if older.number < number and not (await self.outline(older)).status.terminal:
                await self._ask_owner(older, Action.STOP, "superseded")

    async def _control(self, life: Life, action: Action) -> dict[str, Any]:
        target = ending_for(action, "requested").status
        with anyio.move_on_after(CARRIED_OUT_SECONDS):
            while True:
                status = (await self.outline(life)).status
                if status is target:
                    break
                if status.terminal:
                    raise TaskEnded
                if status is Status.RUNNING:
                    await self._ask_owner(life, action, "requested")
                    await self._until_it_moves(life)
                else:
                    await self._change(life, status, target, "requested")
        return await self.view(life)

    async def _set_going(self, life: Life, idle: set[Status], reason: str) -> None:
        """Make an idle task pending again; another status needs nothing."""
        with anyio.move_on_after(CARRIED_OUT_SECONDS):
            while (status := (await self.outline(life)).status) in idle:
                self._refuse_when_full()
                await self._change(life, status, Status.PENDING, reason)

    async def _ask_owner(self, life: Life, action: Action, reason: str) -> None:
        run = self._scheduler.running_here(life)
        if run is not None:
            run.end(ending_for(action, reason))
            return
        claim = await self._store.newest_claim(life)
        if claim is not None and not claim.released:
            await self._store.ask(life, Control(action, claim.epoch, reason))

    async def _until_it_moves(self, life: Life) -> None:
        run = self._scheduler.running_here(life)
        if run is not None:
            await run.ended.wait()
        else:
            await anyio.sleep(POLL_SECONDS)

    async def _change(self, life: Life, expected: Status, status: Status, reason: str) -> None:
        """Change the status of a task that nobody runs, by owning it for that; does nothing when it has moved on."""
        async with self._scheduler.holding(life.task_id) as held:
            if not held:
                await anyio.sleep(POLL_SECONDS)
                return
            claim = await self._store.newest_claim(life)
            if claim is not None and not claim.released and not self._may_take_from(claim.node):
                await anyio.sleep(POLL_SECONDS)
                return
            if (await self.outline(life)).status is not expected:
                return
            writer = await self._scheduler.claim(life, claim.epoch + 1 if claim else 1)
            if writer is None:
                return
            owned = Ownership(life, writer, self._store, self._stage.enter(life), self._liveness.may_write)
            try:
                with anyio.CancelScope(shield=True):
                    await inscribe(owned, status, reason)
            except OwnershipLost:
                return
            finally:
                self._stage.leave(life)
        if status is Status.PENDING:
            self._scheduler.offer(life)
        else:
            self._scheduler.forget(life.task_id)

    def _may_take_from(self, node: str) -> bool:
        return node == self._node or self._liveness.is_dead(node)

    def _refuse_when_full(self) -> None:
        if self._closing:
            raise ShuttingDown(retry_after=2)
        waiting = len(self._scheduler.queue)
        if waiting >= self._settings.max_pending_tasks:
            raise QueueFull(f"{waiting} tasks wait already; ask again later.", retry_after=QUEUE_RETRY_SECONDS)

    def _too_old(self, now: Outline, max_age: float | None) -> bool:
        if max_age is None or now.status is not Status.COMPLETED or now.finished_at is None:
            return False
        return time.time() - now.finished_at / 1000 > max_age

    def with_position(self, view: Mapping[str, Any]) -> dict[str, Any]:
        """A task's view with its place in this node's queue, 1 for the next one."""
        waiting = view["status"] == Status.PENDING
        return {**view, "queue_position": self._scheduler.position(view["id"]) if waiting else None}
