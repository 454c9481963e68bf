"""BackgroundTaskManager: from a request to the one task that it is."""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

from server.errors import HoldfastError, LogCorrupt, TaskActive, UploadNotFound
from server.fingerprint import fingerprint
from server.models import Headline, Life, Status, new_generation, now_ms
from server.stores.base import Sight, Store
from server.tasks.claims import Claims
from server.tasks.ledgers import StoredLedger
from server.tasks.outlook import Outlook
from server.tasks.scheduler import Scheduler
from server.tasks.state import Outline, TaskState
from server.tasks.steering import Steering
from server.tasks.succession import Succession
from server.tasks.witness import Witness
from server.workflows.base import Registry

MOST_DAMAGED_BIRTHS = 100


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
    after: str | None = None


@dataclass(frozen=True, slots=True)
class Submission:
    """What a request led to, and what is known of it now. ``reused``: the life was there before."""

    life: Life
    reused: bool
    now: Outline


class BackgroundTaskManager:
    """One node's way from requests to tasks."""

    def __init__(
        self,
        store: Store,
        registry: Registry,
        scheduler: Scheduler,
        outlook: Outlook,
        steering: Steering,
        succession: Succession,
        claims: Claims,
        witness: Witness,
    ) -> None:
        self._store, self._registry, self._scheduler, self._claims = store, registry, scheduler, claims
        self._outlook, self._steering, self._succession, self._witness = outlook, steering, succession, witness

    async def submit(self, request: TaskRequest, resuming: Callable[[Life], bool] = lambda life: False) -> Submission:
        """Start, attach to, replay, resume or retry the task of a request.

        :param resuming: says whether the caller only reads on in this life; then it is left as it is.
        :raises QueueFull, ShuttingDown, StoreFull, UploadNotFound: nothing was made.
        :raises HoldfastError: the kind does not admit it by what its ledgers hold; nothing was made.
        """
        task_id = self._task_id(request)
        while True:
            try:
                sight = await self._outlook.look(task_id)
            except LogCorrupt:
                if request.fresh is None:
                    raise
                sight = Sight([], None)
            lives = sight.lives
            if lives and resuming(lives[-1]):
                return await self._attached(lives[-1], sight)
            if not lives or await self._calls_for_a_new_life(request, sight):
                await self._admit(request)
                number = lives[-1].number + 1 if lives else 1
                begun = await self._begin_behind_damage(request, task_id, number)
                if begun is not None:
                    return Submission(begun, reused=False, now=TaskState(begun).outline())
                continue  # somebody else was first, perhaps with another key
            life = _with_key(lives, request.fresh) or lives[-1]
            if life is not lives[-1]:
                return await self._attached(life)
            found = await self._attached(life, sight)
            if not found.now.status.needs_restart or found.now.corrupt:
                if found.now.status is Status.PENDING:
                    self._scheduler.offer(life)
                return found
            reason = "resumed" if found.now.status is Status.PAUSED else "retried"
            await self._steering.set_going(life, {found.now.status}, reason)
            return await self._attached(life)

    async def _admit(self, request: TaskRequest) -> None:
        workflow = self._registry.get(request.kind)
        if workflow.admit is not None:
            params = workflow.params.model_validate(request.params)
            await workflow.admit(params, partial(StoredLedger, self._store, request.scope, request.kind))

    async def _attached(self, life: Life, sight: Sight | None = None) -> Submission:
        return Submission(life, reused=True, now=await self._outlook.outline(life, sight))

    async def _begin_behind_damage(self, request: TaskRequest, task_id: str, number: int) -> Life | None:
        """A key that asks for a new life gets one although a birth record is damaged: under the next free number."""
        try:
            return await self._begin(request, task_id, number)
        except LogCorrupt:
            if request.fresh is None or number >= MOST_DAMAGED_BIRTHS:
                raise
        return await self._begin_behind_damage(request, task_id, number + 1)

    async def rerun(self, life: Life, fresh: str | None) -> Life:
        """A new life of an ended task, once per ``fresh`` (without one: once per life); an active one is the answer.

        The parameters are taken as they are, under the id that they have: the server's model may be another by now.
        """
        if not (await self._outlook.outline(life)).status.terminal:
            return life
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
        while True:
            lives = await self._store.lives(life.task_id)
            known = _with_key(lives, request.fresh)
            if known is not None:
                return known
            begun = await self._begin(request, life.task_id, lives[-1].number + 1 if lives else 1)
            if begun is not None:
                return begun

    async def delete(self, life: Life) -> None:
        """:raises TaskActive: it has not ended, or somebody has just set it going again."""
        async with self._scheduler.holding(life) as held:
            now = await self._outlook.outline(life)
            if not held or not now.status.terminal:
                raise TaskActive
            claim = await self._store.newest_claim(life)
            epoch = claim.epoch if claim is not None else 0
            # To a damaged log nobody can write, whoever has claimed it.
            if not now.corrupt and await self._claims.free_epoch(life) != epoch + 1:
                raise TaskActive
            if not await self._store.remove(life, epoch):
                raise TaskActive
            self._scheduler.forget(life)

    async def _calls_for_a_new_life(self, request: TaskRequest, sight: Sight) -> bool:
        if request.fresh is not None and _with_key(sight.lives, request.fresh) is None:
            return True
        if request.max_age is None:
            return False
        now = await self._outlook.outline(sight.lives[-1], sight)
        if now.status is not Status.COMPLETED or now.finished_at is None:
            return False
        return time.time() - now.finished_at / 1000 > request.max_age

    def _task_id(self, request: TaskRequest) -> str:
        workflow = self._registry.get(request.kind)
        return fingerprint(
            kind=workflow.kind,
            workflow_version=workflow.version,
            params=request.params,
            model=workflow.model_for(request.params),
            search=workflow.search(request.params),
            scope=request.scope,
        )

    async def _begin(self, request: TaskRequest, task_id: str, number: int) -> Life | None:
        """Bring a life into being; None when there is one of this number already."""
        await self._check_uploads(request)
        with self._scheduler.making():
            life, made = await self._store.create(self._life(request, task_id, number))
            if not made:
                return None
            self._witness.created(life)
            self._scheduler.offer(life)
        if life.number > 1:
            lives = await self._store.lives(task_id)
            await self._succession.end(older for older in lives if older.number < life.number)
            self._scheduler.offer(life)  # again: while the older one was held, it could not be taken up
        with suppress(HoldfastError):  # the owner saves one, too
            snapshot, headline = TaskState(life).snapshot(0, now_ms()), Headline.of_life(life)
            await self._store.save_snapshot(life, 0, snapshot, durable=False, headline=headline)
        return life

    async def _check_uploads(self, request: TaskRequest) -> None:
        """Only of a life that begins: one that has read them goes on without, and its results stay.

        :raises UploadNotFound, UploadDamaged: nothing was made.
        """
        for upload_id in self._registry.get(request.kind).uploads(request.params):
            if await self._store.upload(request.scope, upload_id) is None:
                raise UploadNotFound.of(upload_id)

    def _life(self, request: TaskRequest, task_id: str, number: int) -> Life:
        workflow = self._registry.get(request.kind)
        return Life(
            task_id=task_id,
            number=number,
            kind=workflow.kind,
            workflow_version=workflow.version,
            params=request.params,
            generation=new_generation(),
            created_at=now_ms(),
            scope=request.scope,
            model=workflow.model_for(request.params),
            search=workflow.search(request.params),
            title=request.title,
            priority=request.priority,
            project=request.project,
            session=request.session,
            fresh=request.fresh,
        )


def _with_key(lives: list[Life], fresh: str | None) -> Life | None:
    """The life that was started with this key."""
    return next((life for life in lives if fresh is not None and life.fresh == fresh), None)
