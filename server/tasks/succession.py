"""Lives that newer ones have taken the place of: they are ended, whoever had them and whatever became of that one."""

import logging
from collections.abc import Iterable

import anyio

from server.errors import HoldfastError
from server.models import Life
from server.tasks.steering import Steering

LOOK_SECONDS = 1.0

logger = logging.getLogger(__name__)


class Succession:
    """Sees to older lives until they have ended, so that nobody who reads one waits for ever.

    A living owner is asked to stop, in the place of a dead one this node does it. Whoever begins a life, takes it up or
    sweeps sees to those before it, so that it does not matter which of them dies over it.
    """

    def __init__(self, steering: Steering) -> None:
        self._steering = steering
        self._older: dict[str, Life] = {}
        self._wake = anyio.Event()

    async def end(self, older: Iterable[Life]) -> None:
        """Try it at once, and see to those that did not end so."""
        self.see_to([life for life in older if not await self._has_ended(life)])

    def see_to(self, older: Iterable[Life]) -> None:
        """These lives have been succeeded. Returns at once."""
        self._older.update({life.generation: life for life in older})
        if self._older:
            self._wake.set()

    async def run(self) -> None:
        """See to them until cancelled."""
        while True:
            await self._wake.wait()
            self._wake = anyio.Event()
            for life in list(self._older.values()):
                if await self._has_ended(life):
                    del self._older[life.generation]
            if self._older:
                with anyio.move_on_after(LOOK_SECONDS):
                    await self._wake.wait()
                self._wake.set()

    async def _has_ended(self, life: Life) -> bool:
        try:
            return await self._steering.supersede(life)
        except HoldfastError as error:
            logger.warning("could not end life %d of task %s: %s", life.number, life.task_id, error.detail)
        except Exception:  # the outermost loop: one bad life must not keep the others waiting
            logger.exception("could not end life %d of task %s", life.number, life.task_id)
        return False
