"""A ledger as a workflow sees it: by its name, among those of its kind and user."""

from server.fingerprint import ledger_id
from server.models import Json
from server.stores.base import Store


class StoredLedger:
    """See `server.workflows.base.Ledger`."""

    def __init__(self, store: Store, scope: str, kind: str, name: str) -> None:
        self._store, self._id = store, ledger_id(scope, kind, name)

    async def entries(self, after: int = 0) -> list[Json]:
        return await self._store.entries(self._id, after)

    async def enter(self, number: int, content: Json) -> bool:
        return await self._store.enter(self._id, number, content)
