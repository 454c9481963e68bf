"""Whether this node can take work now, and if not, why."""

from collections.abc import Callable
from dataclasses import dataclass

import anyio

from server.errors import HoldfastError
from server.stores.base import Store
from server.tasks.liveness import Liveness

STORE_SECONDS = 0.8
"""Less than the second after which those who ask usually give up."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that a node needs in order to take work. ``detail`` says what is wrong; empty where nothing is."""

    name: str
    detail: str = ""

    @property
    def ok(self) -> bool:
        return not self.detail


class Readiness:
    """Looks at the store for whoever asks, one look at a time: a dead volume holds one thread and nobody who asks."""

    def __init__(self, store: Store, liveness: Liveness, is_ending: Callable[[], bool]) -> None:
        self._store, self._liveness, self._is_ending = store, liveness, is_ending
        self._wanted, self._looked = anyio.Event(), anyio.Event()
        self._found = Check("store")

    async def run(self) -> None:
        """Look at the store whenever somebody asks, until cancelled."""
        while True:
            await self._wanted.wait()
            self._found = await self._look()
            self._wanted = anyio.Event()
            looked, self._looked = self._looked, anyio.Event()
            looked.set()

    async def _look(self) -> Check:
        """As whoever looks for work does. That it can be written to is told by the heartbeat."""
        try:
            await self._store.open_tasks()
        except HoldfastError as error:
            return Check("store", error.detail)
        return Check("store")

    async def checks(self) -> list[Check]:
        """All checks, within a second; while this node is ending, the store is not asked."""
        if self._is_ending():
            return [Check("accepting", "This server is being shut down."), self._heartbeat()]
        return [Check("accepting"), self._heartbeat(), await self._store_answers()]

    def _heartbeat(self) -> Check:
        if self._liveness.may_write():
            return Check("heartbeat")
        age = self._liveness.heartbeat_age
        return Check("heartbeat", f"The last heartbeat was written {age:.1f} s ago; others may take this node's tasks.")

    async def _store_answers(self) -> Check:
        looked = self._looked
        self._wanted.set()
        with anyio.move_on_after(STORE_SECONDS):
            await looked.wait()
            return self._found
        return Check("store", f"The task folder has not answered within {STORE_SECONDS} s.")
