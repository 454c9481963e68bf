"""What other nodes ask of the tasks that run here: looked for together, however many run."""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count

import anyio

from server.errors import HoldfastError
from server.models import Control, Life
from server.stores.base import Store

LOOK_SECONDS = 0.5

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Heeding:
    """Who does what is asked of the owner of an epoch."""

    life: Life
    epoch: int
    heed: Callable[[Control], None]


class Requests:
    """Asks the store again and again for all who heed at the same time: one call, and not one for each task."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._heeding: dict[int, _Heeding] = {}
        self._serial = count()
        self._somebody = anyio.Event()

    @contextmanager
    def heeding(self, life: Life, epochs: Sequence[int], heed: Callable[[Control], None]) -> Iterator[None]:
        """Have ``heed`` called with what is or was asked of the owners of these epochs, perhaps more than once."""
        entered = {next(self._serial): _Heeding(life, epoch, heed) for epoch in epochs}
        self._heeding.update(entered)
        self._somebody.set()
        try:
            yield
        finally:
            for number in entered:
                del self._heeding[number]

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            if not self._heeding:
                self._somebody = anyio.Event()
                await self._somebody.wait()
            try:
                await self._look(list(self._heeding.values()))
            except Exception:  # the outermost loop: without it no task of this node could be stopped from another one
                logger.exception("could not see what is asked of the tasks that run here")
            await anyio.sleep(LOOK_SECONDS)

    async def _look(self, heeding: list[_Heeding]) -> None:
        try:
            found = await self._store.asked([(one.life, one.epoch) for one in heeding])
        except HoldfastError as error:
            if len(heeding) == 1:
                logger.warning("could not see what is asked of task %s: %s", heeding[0].life.task_id, error.detail)
                return
            # One that can't be looked at must not keep the others from being heard.
            for one in heeding:
                await self._look([one])
            return
        for one, controls in zip(heeding, found, strict=True):
            for control in controls:
                one.heed(control)
