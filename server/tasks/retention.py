"""Taking away what is old: ended tasks past their age, older lives, uploads, and the length of finished logs."""

import logging
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager

import anyio

from server.errors import HoldfastError, TaskActive
from server.models import Life, Status
from server.settings import Settings
from server.stores.base import Store
from server.tasks.manager import BackgroundTaskManager
from server.tasks.outlook import Outlook
from server.tasks.succession import Succession

SWEEP_SECONDS = 3600.0
TIDY_SECONDS = 60.0
PACK_AFTER_SECONDS = 3600.0
REST = 9
"""A sweep rests nine times as long as it has looked at a task, so that many tasks don't keep a node from its work."""
SPREAD = 0.1
"""Nodes that were started together do not sweep together."""

logger = logging.getLogger(__name__)


class Retention:
    """Every node sweeps, about hourly; what two do at once comes to the same.

    A task's age is counted from its end, by the wall clock: this node's now, and its last owner's then. Nothing goes at
    first sight: it must be past its age at two sweeps, so that a clock that jumps and is set right again takes nothing.
    """

    def __init__(
        self,
        store: Store,
        outlook: Outlook,
        manager: BackgroundTaskManager,
        succession: Succession,
        settings: Settings,
    ) -> None:
        self._store, self._outlook, self._manager, self._succession = store, outlook, manager, succession
        self._max_age_seconds = settings.max_task_age_hours * 3600
        self._upload_age_seconds = settings.upload_retention_hours * 3600
        self._last_sweep: float | None = None
        self._past_age: set[str] = set()
        self._packed: set[str] = set()

    async def run(self) -> None:
        """Sweep and tidy until cancelled, each in its own time."""
        async with anyio.create_task_group() as tg:
            tg.start_soon(self._sweep_again_and_again)
            tg.start_soon(self._tidy_again_and_again)

    async def _sweep_again_and_again(self) -> None:
        next_sweep = anyio.current_time()
        while True:
            next_sweep += SWEEP_SECONDS * random.uniform(1 - SPREAD, 1 + SPREAD)  # noqa: S311 - no secret
            with _one_that_fails("could not look for old tasks"):
                await self.sweep(time.time())
            await anyio.sleep_until(next_sweep)

    async def _tidy_again_and_again(self) -> None:
        while True:
            with _one_that_fails("could not tidy up"):
                await self._store.tidy()
            await anyio.sleep(TIDY_SECONDS)

    async def sweep(self, now: float) -> None:
        """Look at everything once. ``now`` is in seconds since 1970."""
        await self._drop_uploads(now)
        past_age: set[str] = set()
        packed: set[str] = set()
        open_ids = set(await self._store.open_tasks())
        for task_id in set(await self._store.task_ids()) - open_ids:
            started = anyio.current_time()
            try:
                lives = await self._lives_if_ended(task_id)
                for life, ended in lives:
                    if now - ended > self._max_age_seconds:
                        past_age.add(life.generation)
                    elif now - ended > PACK_AFTER_SECONDS:
                        await self._pack(life)
                        packed.add(life.generation)
                await self._remove_old([life for life, _ in lives], past_age & self._past_age)
            except TaskActive:
                continue  # it was set going in between
            except HoldfastError as error:
                logger.warning("could not look at task %s: %s", task_id, error.detail)
            await anyio.sleep(REST * (anyio.current_time() - started))
        self._past_age, self._packed = past_age, packed

    async def _drop_uploads(self, now: float) -> None:
        last, self._last_sweep = self._last_sweep, now
        if last is None:
            return
        with _one_that_fails("could not look for old uploads"):
            # By the earlier of both times, so that these too must be past their age at two sweeps.
            dropped = await self._store.drop_uploads(int(1000 * (min(last, now) - self._upload_age_seconds)))
            if dropped:
                logger.info("removed %d uploads, which were sent long ago", dropped)

    async def _lives_if_ended(self, task_id: str) -> list[tuple[Life, float]]:
        """A task's lives, oldest first, and when each ended, in seconds since 1970; empty while it has not ended."""
        lives = await self._store.lives(task_id)
        if not lives:
            return []
        self._succession.see_to(lives[:-1])
        now = await self._outlook.outline(lives[-1])
        if now.status in (Status.PENDING, Status.RUNNING):
            # Its mark was lost with a server that died over putting it back.
            await self._store.reopen(task_id)
        if not now.status.terminal or now.finished_at is None:
            return []
        # An older life ended at the latest when the next one took its place.
        ends = [successor.created_at for successor in lives[1:]] + [now.finished_at]
        return [(life, ended / 1000) for life, ended in zip(lives, ends, strict=True)]

    async def _remove_old(self, lives: list[Life], old: set[str]) -> None:
        if lives and lives[-1].generation in old:
            await self._manager.delete(lives[-1])
            logger.info("removed task %s, which had ended long ago", lives[-1].task_id)
            return
        for life in lives[:-1]:
            if life.generation in old:
                await self._store.remove_life(life)
                logger.info("removed life %d of task %s", life.number, life.task_id)

    async def _pack(self, life: Life) -> None:
        if life.generation in self._packed:
            return
        claim = await self._store.newest_claim(life)
        if claim is not None and claim.released:
            saved = await self._store.pack(life, claim.epoch)
            if saved:
                logger.info("packed the log of task %s, which saves %d bytes", life.task_id, saved)


@contextmanager
def _one_that_fails(doing: str) -> Iterator[None]:
    """Part of the outermost loops: old tasks may wait, new ones must not suffer."""
    try:
        yield
    except HoldfastError as error:
        logger.warning("%s: %s", doing, error.detail)
    except Exception:
        logger.exception(doing)
