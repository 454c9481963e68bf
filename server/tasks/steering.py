"""Changes of status that somebody asks for: by the task's owner, or by owning an idle task for just that."""

from typing import Any

import anyio

from server.errors import HoldfastError, OwnershipLost, TaskCorrupt, TaskEnded, TaskNotFound, TaskNotRetryable
from server.models import Action, Control, Life, Note, Status, now_ms
from server.stores.base import Store
from server.tasks.claims import Claims
from server.tasks.outlook import Outlook
from server.tasks.ownership import inscribe
from server.tasks.runner import ending_for
from server.tasks.scheduler import Scheduler

CARRIED_OUT_SECONDS = 10.0
POLL_SECONDS = 0.05


class Steering:
    """Pause, resume, stop and retry: idempotent, answered by any node."""

    def __init__(self, store: Store, scheduler: Scheduler, claims: Claims, outlook: Outlook) -> None:
        self._store, self._scheduler, self._claims, self._outlook = store, scheduler, claims, outlook

    async def stop(self, life: Life) -> dict[str, Any]:
        return await self._control(life, Action.STOP)

    async def pause(self, life: Life) -> dict[str, Any]:
        return await self._control(life, Action.PAUSE)

    async def resume(self, life: Life) -> dict[str, Any]:
        """:raises TaskEnded: it is not paused but over."""
        if (await self._outlook.outline(life)).status.terminal:
            raise TaskEnded
        await self.set_going(life, {Status.PAUSED}, "resumed")
        return await self._outlook.view(life)

    async def retry(self, life: Life) -> dict[str, Any]:
        """:raises TaskNotRetryable: it is completed."""
        now = await self._outlook.outline(life)
        if now.corrupt:
            raise TaskCorrupt
        if now.status is Status.COMPLETED:
            raise TaskNotRetryable
        await self.set_going(life, {Status.FAILED, Status.STOPPED}, "retried")
        return await self._outlook.view(life)

    async def tell(self, life: Life, body: dict[str, Any]) -> None:
        """Keep what the user tells a task; it hears that at its next step.

        :raises TaskEnded: nobody would hear it.
        """
        if (await self._outlook.outline(life)).status.terminal:
            raise TaskEnded
        await self._store.note(life, Note(now_ms(), body))

    async def _control(self, life: Life, action: Action) -> dict[str, Any]:
        target = ending_for(action, "requested").status
        with anyio.move_on_after(CARRIED_OUT_SECONDS):
            while True:
                status = (await self._outlook.outline(life)).status
                if status is target:
                    break
                if status.terminal:
                    raise TaskEnded
                if status is Status.RUNNING:
                    await self._ask_owner(life, action, "requested")
                    await self._until_it_moves(life)
                else:
                    await self._change(life, status, target, "requested")
        return await self._outlook.view(life)

    async def supersede(self, life: Life) -> bool:
        """End a life that a newer one has taken the place of; its readers are told.

        Returns whether it has ended, or was removed: a living owner is only asked to end it.
        """
        try:
            status = (await self._outlook.outline(life)).status
            if status.terminal:
                return True
            if status is Status.RUNNING and await self._has_owner(life):
                await self._ask_owner(life, Action.STOP, "superseded")
                return False
            return await self._change(life, status, Status.STOPPED, "superseded")
        except TaskNotFound:
            return True

    async def _has_owner(self, life: Life) -> bool:
        return self._scheduler.running_here(life) is not None or await self._claims.free_epoch(life) is None

    async def set_going(self, life: Life, idle: set[Status], reason: str) -> bool:
        """Make an idle task pending again, once; False when it was not idle, or somebody else has set it going."""
        with anyio.move_on_after(CARRIED_OUT_SECONDS):
            while (status := (await self._outlook.outline(life)).status) in idle:
                self._scheduler.refuse_when_full()
                if await self._change(life, status, Status.PENDING, reason):
                    return True
        return False

    async def _ask_owner(self, life: Life, action: Action, reason: str) -> None:
        run = self._scheduler.running_here(life)
        if run is not None:
            run.end(ending_for(action, reason))
            return
        claim = await self._store.newest_claim(life)
        if claim is not None and not claim.released:
            await self._store.ask(life, Control(action, claim.epoch, reason))

    async def _until_it_moves(self, life: Life) -> None:
        run = self._scheduler.running_here(life)
        if run is not None:
            await run.ended.wait()
        else:
            await anyio.sleep(POLL_SECONDS)

    async def _change(self, life: Life, expected: Status, status: Status, reason: str) -> bool:
        """Change the status of a task that nobody runs, by owning it for that.

        False, after a moment, when it has moved on or can't be owned now.
        """
        async with self._scheduler.holding(life) as held:
            changed = held and await self._change_held(life, expected, status, reason)
        if not changed:
            await anyio.sleep(POLL_SECONDS)
            return False
        if status is Status.PENDING:
            self._scheduler.offer(life)
        else:
            self._scheduler.forget(life)
        return True

    async def _change_held(self, life: Life, expected: Status, status: Status, reason: str) -> bool:
        epoch = await self._claims.free_epoch(life)
        if epoch is None or (await self._outlook.outline(life)).status is not expected:
            return False
        return await self._inscribe(life, epoch, expected, status, reason)

    async def _inscribe(self, life: Life, epoch: int, expected: Status, status: Status, reason: str) -> bool:
        done = False
        async with self._claims.owning(life, epoch) as owned:
            try:
                if owned is not None:
                    with anyio.CancelScope(shield=True):
                        done = await inscribe(owned, expected, status, reason)
            except OwnershipLost:
                pass
            except HoldfastError:
                self._scheduler.offer(life)  # which gives the claim back, as soon as the store allows it
                raise
        return done
