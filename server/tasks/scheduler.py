"""Which task this node takes up next, and how many at once."""

import logging
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any

import anyio
from anyio.abc import TaskGroup
from structlog.contextvars import bind_contextvars

from server.errors import HoldfastError, LogCorrupt, QueueFull, ShuttingDown, UnknownKind
from server.models import Life, Status, now_ms
from server.settings import Settings
from server.stores.base import Store
from server.tasks.catalogue import Catalogue
from server.tasks.claims import Claims
from server.tasks.liveness import Liveness
from server.tasks.lookout import Lookout
from server.tasks.ownership import Ownership, give_back, read_state
from server.tasks.queue import Queue
from server.tasks.requests import Requests
from server.tasks.runner import TaskRun
from server.tasks.state import TaskState, told
from server.tasks.suspects import Suspects
from server.tasks.witness import Witness
from server.workflows.base import Registry

HOLD_SECONDS = 5.0
LEAVE_SECONDS = 2.0
QUEUE_RETRY_SECONDS = 10
SUSPECT_SECONDS = 1.0
"""How long a task over which owners have died waits before it is looked at again, while another such one is tried."""
LEAVE_TO_OTHERS_SECONDS = 5.0
"""How long a task is left to nodes that have its version of the program, before it is looked at again."""
SHUTDOWN_RETRY_SECONDS = 2

logger = logging.getLogger(__name__)


class Scheduler:
    """Runs what waits, by priority, then age; looks for tasks whose owner has died.

    A place is taken before the claim is tried and without waiting in between, so limits hold under races. ``on_older``
    gets the lives before one that is taken up.
    """

    def __init__(
        self,
        store: Store,
        registry: Registry,
        liveness: Liveness,
        claims: Claims,
        catalogue: Catalogue,
        witness: Witness,
        settings: Settings,
        on_older: Callable[[Sequence[Life]], None],
        requests: Requests,
    ) -> None:
        self._store, self._registry, self._liveness, self._claims = store, registry, liveness, claims
        self._witness, self._settings, self._node = witness, settings, claims.node
        self._on_older, self._requests = on_older, requests
        self._queue = Queue()
        self._lookout = Lookout(store, claims, catalogue, self._queue, self._is_held)
        self._suspects = Suspects(store, self._node)
        self._taken: dict[str, Life] = {}
        self._held: set[str] = set()
        self._being_made = 0
        self._wake = anyio.Event()
        self._moved = anyio.Event()
        self._closing = False
        self._look = True
        self.runs: dict[str, TaskRun] = {}

    def offer(self, life: Life) -> None:
        """A task waits for an owner."""
        if not self._is_taken(life):
            self._queue.add(life)
        self._wake.set()

    def look_now(self) -> None:
        """Some node has died or is leaving: its tasks need not wait for the next regular look."""
        self._look = True
        self._wake.set()

    def refuse_when_full(self) -> None:
        """Before a task is made or set going. :raises QueueFull, ShuttingDown:"""
        if self._closing:
            raise ShuttingDown(retry_after=SHUTDOWN_RETRY_SECONDS)
        waiting = self._queue.waiting + self._being_made
        if waiting >= self._settings.max_pending_tasks:
            raise QueueFull(f"{waiting} tasks wait already; ask again later.", retry_after=QUEUE_RETRY_SECONDS)

    @contextmanager
    def making(self) -> Iterator[None]:
        """Take a place in the queue for a task that is being made. :raises QueueFull, ShuttingDown: there is none."""
        self.refuse_when_full()
        self._being_made += 1
        try:
            yield
        finally:
            self._being_made -= 1

    def forget(self, life: Life) -> None:
        """This life waits no longer: it was paused, stopped or removed. A newer one may still."""
        self._queue.forget(life)

    @asynccontextmanager
    async def holding(self, life: Life) -> AsyncIterator[bool]:
        """Keep a life from being taken up while its status is changed; False when it is run here or held already.

        A place that is just being taken or given back is waited for.
        """
        with anyio.move_on_after(HOLD_SECONDS):
            while self._is_held(life) or (self._is_taken(life) and self.running_here(life) is None):
                await self._moved.wait()
        if self._is_held(life) or self._is_taken(life):
            yield False
            return
        self._held.add(life.generation)
        try:
            yield True
        finally:
            self._held.discard(life.generation)
            self._tell_moved()
            self._wake.set()

    def _is_held(self, life: Life) -> bool:
        return life.generation in self._held

    def _is_taken(self, life: Life) -> bool:
        taken = self._taken.get(life.task_id)
        return taken is not None and taken.generation == life.generation

    def _tell_moved(self) -> None:
        moved, self._moved = self._moved, anyio.Event()
        moved.set()

    @property
    def queue(self) -> list[Life]:
        """What waits for a place, next one first."""
        return self._queue.in_order()

    @property
    def oldest_wait_seconds(self) -> float:
        """How long the one that has waited longest is known here to wait for a place; 0 when none waits."""
        return self._queue.oldest_wait_seconds

    def position(self, task_id: str) -> int | None:
        """1 for the task that is next; None when it does not wait here."""
        return next((index for index, life in enumerate(self.queue, 1) if life.task_id == task_id), None)

    def shown(self, view: Mapping[str, Any], position: int | None) -> dict[str, Any]:
        """A task's view with its place in the queue; where nobody offers its kind, it says that it waits for that."""
        stalled = view.get("stalled")
        if view["status"] == Status.PENDING and not self._is_offered(view["kind"]):
            stalled = told(
                UnknownKind(f"No server that runs now offers the kind {view['kind']}; the task waits for one.")
            )
        return {**view, "queue_position": position, "stalled": stalled}

    def _is_offered(self, kind: str) -> bool:
        return kind in self._registry.versions() or self._liveness.offers(kind)

    def running_here(self, life: Life) -> TaskRun | None:
        run = self.runs.get(life.task_id)
        return run if run is not None and run.life.generation == life.generation else None

    async def run(self) -> None:
        """Take up tasks until closed."""
        async with anyio.create_task_group() as tg:
            tg.start_soon(self._lookout.look_everywhere)
            next_scan = anyio.current_time()
            while not self._closing:
                self._wake = anyio.Event()
                if self._look or anyio.current_time() >= next_scan:
                    self._look = False
                    await self._lookout.look(self._taken.keys())
                    next_scan = anyio.current_time() + self._settings.scan_seconds
                self._start_waiting(tg)
                with anyio.move_on_at(next_scan):
                    await self._wake.wait()

    async def close(self, grace_seconds: float) -> None:
        """Take up nothing more; hand over what runs at its next step, or where it is when the time is over."""
        self._closing = True
        self._wake.set()
        for run in self.runs.values():
            run.hand_over()
        with anyio.move_on_after(grace_seconds):
            await self._all_left()
        for run in self.runs.values():
            run.leave_now()
        # A thread can't be cancelled and a full volume takes no release: then the lease decides, as after a kill.
        with anyio.move_on_after(LEAVE_SECONDS):
            await self._all_left()

    async def _all_left(self) -> None:
        """Those as well that were just being claimed, and are handed over as soon as they run."""
        while self._taken:
            await self._moved.wait()

    def _start_waiting(self, tg: TaskGroup) -> None:
        if not self._liveness.may_write():
            return  # whoever may not write can't own anything
        if self._is_full():
            return  # putting a long queue in order takes its time
        for life in self.queue:
            if self._is_full():
                break
            busy = self._is_held(life) or life.task_id in self._taken
            if not busy and not self._queue.is_put_off(life.task_id) and self._has_place_for(life):
                self._taken[life.task_id] = life
                tg.start_soon(self._take_up, life)

    def _is_full(self) -> bool:
        return len(self._taken) >= self._settings.max_concurrent_tasks

    def _has_place_for(self, life: Life) -> bool:
        cap = self._settings.max_running_per_user
        mine = life.kind in self._registry.versions()
        return mine and (cap == 0 or sum(taken.scope == life.scope for taken in self._taken.values()) < cap)

    async def _take_up(self, life: Life) -> None:
        """One place: claim the task, run it, give the place back."""
        bind_contextvars(task=life.task_id)
        newer: Life | None = None
        try:
            lives = await self._store.lives(life.task_id)
            self._on_older(lives[:-1])
            if not lives or lives[-1].generation != life.generation:
                self.forget(life)
                newer = lives[-1] if lives else None
            elif not self._closing:
                await self._claim_and_run(life)
        except LogCorrupt as error:
            self._witness.quarantined(life, error.detail)
            await self._quarantine(life)
        except HoldfastError as error:
            logger.warning("could not take up task %s: %s", life.task_id, error.detail)
            self._queue.note_outcome(life.task_id, gave_up=True)
        except Exception:  # part of the outermost loop of a node's work: one bad task must not end all others
            logger.exception("could not take up task %s", life.task_id)
            self._queue.note_outcome(life.task_id, gave_up=True)
        finally:
            del self._taken[life.task_id]
            self._tell_moved()
        if newer is not None:
            self.offer(newer)

    async def _claim_and_run(self, life: Life) -> None:
        claim = await self._store.newest_claim(life)
        epoch = self._claims.epoch_after(claim)
        if epoch is None:
            self._queue.watch(life)
            return
        state = TaskState(life)
        if claim is not None:
            # Without patience: where more was shown than can be read now, whoever claims settles that.
            state = await read_state(self._store, life, seal_wait_seconds=0.0)
        if state.settled and not state.needs_owner:
            await self._put_away(life, epoch, state)
            return
        version = self._registry.get(life.kind).version
        if state.workflow_version != version and self._liveness.offers(life.kind, state.workflow_version):
            self._queue.put_off(life.task_id, LEAVE_TO_OTHERS_SECONDS)
            return
        if not await self._suspects.may_try(life, claim, self._unproven()):
            self._queue.put_off(life.task_id, SUSPECT_SECONDS)
            return
        async with self._claims.owning(life, epoch) as owned:
            if owned is None:
                self._queue.watch(life)
            else:
                self.forget(life)
                await self._run(owned)

    def _unproven(self) -> set[str]:
        """The tasks that have a place here and have not finished a step yet."""
        return {task_id for task_id in self._taken if task_id not in self.runs or not self.runs[task_id].got_on}

    async def _run(self, owned: Ownership) -> None:
        life = owned.life
        run = TaskRun(owned, self._registry.get(life.kind), self._node, self._settings, self._witness, self._requests)
        self.runs[life.task_id] = run
        self._tell_moved()
        if self._closing:
            run.hand_over()
        try:
            await run.run()
        finally:
            del self.runs[life.task_id]
            self._queue.note_outcome(life.task_id, gave_up=run.gave_up)
            if run.gave_up:
                # This very life, as its claim is this node's: whoever has taken its place can only ask it to end it.
                self._queue.add(life)
            self._wake.set()

    async def _put_away(self, life: Life, epoch: int, state: TaskState) -> None:
        """It was open, and needs no owner. What this node has claimed and could not finish is given back."""
        with suppress(HoldfastError):  # a list that shows it as running would otherwise do so for ever
            snapshot, headline = state.snapshot(epoch - 1, now_ms()), state.headline(epoch - 1)
            await self._store.save_snapshot(life, epoch - 1, snapshot, durable=False, headline=headline)
        await self._claims.announce(state)
        await self._store.settle(life, epoch - 1)
        self.forget(life)
        claim = await self._store.newest_claim(life)
        if claim is not None and not claim.released and claim.node == self._node:
            async with self._claims.owning(life, claim.epoch + 1) as owned:
                if owned is not None:
                    with anyio.CancelScope(shield=True):
                        await give_back(owned)

    async def _quarantine(self, life: Life) -> None:
        """Say in the snapshot that the log is damaged, and look at the task no more."""
        self.forget(life)
        with suppress(HoldfastError):
            claim = await self._store.newest_claim(life)
            epoch = claim.epoch if claim is not None else 0
            state = await read_state(self._store, life)
            snapshot, headline = state.snapshot(epoch, now_ms()), state.headline(epoch)
            await self._store.save_snapshot(life, epoch, snapshot, durable=False, headline=headline)
            await self._claims.announce(state)
            await self._store.settle(life, epoch)


def node_name(host: str, token: str) -> str:
    """A node's id: unique for each process start, readable, fit for a file name."""
    readable = "".join(letter if letter.isalnum() or letter == "-" else "-" for letter in host)[:40]
    return f"{readable or 'node'}-{token}"
