"""Tasks over which servers have died: tried one at a time, so that one that ends every server is found out."""

from collections.abc import Container

from server.models import Claim, Life
from server.stores.base import Store
from server.tasks.ownership import deaths_so_far

SUSPECT_DEATHS = 2


class Suspects:
    """Else one that ends every server would make the others that run beside it look as if they did."""

    def __init__(self, store: Store, node: str) -> None:
        self._store, self._node = store, node
        self._tried: str | None = None

    async def may_try(self, life: Life, claim: Claim | None, unproven: Container[str]) -> bool:
        """Whether this life may be taken up now, after this claim.

        ``unproven``: the tasks here that have not finished a step yet.
        """
        if claim is None or claim.released or claim.node == self._node:
            return True
        if await deaths_so_far(self._store, life, claim) < SUSPECT_DEATHS:
            return True
        if self._tried not in (None, life.task_id) and self._tried in unproven:
            return False
        self._tried = life.task_id
        return True
