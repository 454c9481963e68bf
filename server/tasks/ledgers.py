"""A ledger as a workflow sees it: by its name, among those of its kind and user."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeAlias

from server.fingerprint import ledger_id
from server.models import Json
from server.stores.base import Store
from server.workflows.base import Ledger

WithRoom: TypeAlias = Callable[[Callable[[], Awaitable[bool]]], Awaitable[bool]]
"""Makes a call again and again until there is room for it."""


class StoredLedger:
    """See `server.workflows.base.Ledger`."""

    def __init__(self, store: Store, scope: str, kind: str, name: str) -> None:
        self._store, self._id = store, ledger_id(scope, kind, name)

    async def entries(self, after: int = 0) -> list[Json]:
        return await self._store.entries(self._id, after)

    async def enter(self, number: int, content: Json) -> bool:
        return await self._store.enter(self._id, number, content)

    async def blank(self, below: int) -> None:
        await self._store.blank(self._id, below)


class PatientLedger:
    """A ledger whose writers wait for room on a full volume."""

    def __init__(self, ledger: Ledger, with_room: WithRoom) -> None:
        self._ledger, self._with_room = ledger, with_room

    async def entries(self, after: int = 0) -> list[Json]:
        return await self._ledger.entries(after)

    async def enter(self, number: int, content: Json) -> bool:
        return await self._with_room(partial(self._ledger.enter, number, content))

    async def blank(self, below: int) -> None:
        await self._ledger.blank(below)
