"""Claiming tasks for this node: which epoch is free, and owning a task for as long as there is something to do."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Protocol

import anyio

from server.models import Claim, Life
from server.stores.base import LogWriter, Store
from server.tasks.liveness import Liveness
from server.tasks.log import Publish
from server.tasks.ownership import Announce, Ownership, nobody
from server.tasks.witness import Witness


class Stage(Protocol):
    """Where a node's own events are shown as soon as they are durable."""

    def enter(self, life: Life) -> Publish:
        """This node owns the life now; what it publishes comes from here."""

    def leave(self, life: Life) -> None:
        """This node no longer owns the life."""


class Claims:
    """This node's claims. ``announce`` is called for each task that has ended before it is forgotten."""

    def __init__(
        self,
        store: Store,
        liveness: Liveness,
        stage: Stage,
        witness: Witness,
        node: str,
        announce: Announce = nobody,
    ) -> None:
        self._store, self._liveness, self._stage, self._witness = store, liveness, stage, witness
        self.node, self.announce = node, announce

    async def free_epoch(self, life: Life) -> int | None:
        """The epoch that may be claimed, or None while the task has a living owner."""
        return self.epoch_after(await self._store.newest_claim(life))

    def epoch_after(self, claim: Claim | None) -> int | None:
        """The epoch that may be claimed after this claim, or None while its owner lives."""
        if claim is None:
            return 1
        if claim.released or claim.node == self.node or self._liveness.is_dead(claim.node):
            return claim.epoch + 1
        return None

    @asynccontextmanager
    async def owning(self, life: Life, epoch: int) -> AsyncIterator[Ownership | None]:
        """Own the life while the block lasts; None when somebody else was first, or this node's lease has run out."""
        may_write = self._liveness.lease()
        writer = await self._claim(life, epoch) if may_write() else None
        if writer is None:
            yield None
            return
        publish = self._stage.enter(life)
        try:
            yield Ownership(life, writer, self.node, self._store, publish, may_write, self.announce)
        finally:
            self._stage.leave(life)

    async def _claim(self, life: Life, epoch: int) -> LogWriter | None:
        """A claim that was made must not lose its writer to a cancellation."""
        writer: LogWriter | None = None
        with anyio.CancelScope(shield=True):
            writer = await self._store.claim(life, epoch, self.node)
        return None if writer is None else self._witness.timed(writer)
