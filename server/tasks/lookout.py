"""Looking through the store for tasks that need an owner."""

import logging
from collections.abc import Awaitable, Callable, Set
from functools import partial

from server.errors import HoldfastError
from server.models import Life
from server.stores.base import Store
from server.tasks.catalogue import Catalogue
from server.tasks.claims import Claims
from server.tasks.queue import Queue

logger = logging.getLogger(__name__)


class Lookout:
    """Puts what it finds into the queue.

    ``is_held`` says whether a life is not to be taken up now, as its status is being changed.
    """

    def __init__(
        self,
        store: Store,
        claims: Claims,
        catalogue: Catalogue,
        queue: Queue,
        is_held: Callable[[Life], bool],
    ) -> None:
        self._store, self._claims, self._catalogue = store, claims, catalogue
        self._queue, self._is_held = queue, is_held

    async def look_everywhere(self) -> None:
        """Once, beside the work: find tasks that need an owner although the store does not count them as open."""
        try:
            await self._catalogue.complete.wait()
            opened = set(await self._store.open_tasks())
            for task_id in set(self._catalogue.waiting()) - opened:
                await self._store.reopen(task_id)
        except HoldfastError as error:
            logger.warning("could not look through all tasks: %s", error.detail)

    async def look(self, taken: Set[str]) -> None:
        """Find open tasks that this node has not heard of, and those elsewhere that lost their owner.

        ``taken``: the tasks that have a place here. Whatever comes, the next look is tried again.
        """
        try:
            await self._look(taken)
        except HoldfastError as error:
            logger.warning("could not look for tasks: %s", error.detail)
        except Exception:  # part of the outermost loop of a node's work: one bad task must not end all others
            logger.exception("could not look for tasks")

    async def _look(self, taken: Set[str]) -> None:
        open_ids = set(await self._store.open_tasks())
        for task_id in open_ids - taken:
            if task_id not in self._queue:
                await self._look_at(task_id, self._watch)
        self._queue.keep_only(open_ids)
        for life in self._queue.watched():
            await self._look_at(life.task_id, partial(self._look_for_owner, life))

    async def _look_at(self, task_id: str, look: Callable[[str], Awaitable[None]]) -> None:
        """What can't be read of one task must not keep the others waiting."""
        if self._queue.is_put_off(task_id):
            return
        try:
            await look(task_id)
        except HoldfastError as error:
            logger.warning("could not look at task %s: %s", task_id, error.detail)
            self._queue.note_outcome(task_id, gave_up=True)

    async def _watch(self, task_id: str) -> None:
        life = await self._store.latest(task_id)
        # It may have been offered meanwhile, and then waits here.
        if life is not None and not self._is_held(life) and task_id not in self._queue:
            self._queue.watch(life)

    async def _look_for_owner(self, life: Life, _: str) -> None:
        if not self._is_held(life) and await self._claims.free_epoch(life) is not None:
            self._queue.has_come_free(life)
