"""Owning a task: the claimed log with what it adds up to, and changes of status that need no run."""

import logging
from collections.abc import Awaitable, Callable

import anyio
from anyio import to_thread

from server.errors import HoldfastError, LogCorrupt, OwnershipLost
from server.models import Claim, EventType, Json, Life, Record, Status, now_ms
from server.stores.base import LogWriter, Store
from server.tasks.journal import UPGRADED, Journal, Rollback
from server.tasks.log import Publish, TaskLog
from server.tasks.state import TaskState
from server.tasks.tenures import Tenure, deaths_in_a_row, tenures

SEAL_WAIT_SECONDS = 2.0
SEAL_POLL_SECONDS = 0.01

Announce = Callable[[TaskState], Awaitable[None]]
"""See `server.tasks.announcer.Announcer.announce`."""

logger = logging.getLogger(__name__)


async def nobody(state: TaskState) -> None:
    """There is nobody to be told."""


class Ownership:
    """A claimed task with its log read: what a run, or a mere change of status, works on.

    ``orphaned``: the epochs before this one that nobody has released, so what was asked of their owners is still to be
    done.
    ``may_write``: whether nobody can have taken the task from it, as far as its lease tells.
    ``before``: the ownership before this one, if any. ``deaths``: how many owners in a row have died over it without
    finishing a step.
    """

    def __init__(
        self,
        life: Life,
        writer: LogWriter,
        node: str,
        store: Store,
        publish: Publish,
        may_write: Callable[[], bool],
        announce: Announce = nobody,
    ) -> None:
        self.life, self.store, self.epoch, self.node = life, store, writer.epoch, node
        self._writer = writer
        self.state = TaskState(life)
        self.has_read_log = False
        self.journal = Journal()
        self.before: Tenure | None = None
        self.orphaned: list[int] = []
        self.deaths = 0
        self._publish, self.may_write, self._announce = publish, may_write, announce
        self.log: TaskLog

    async def read_log(self) -> None:
        """:raises LogCorrupt: the log is damaged.
        :raises OwnershipLost: somebody else has claimed the task since, so not all of its log could be read.
        """
        # Before the first claim nobody could write.
        records = await read_all(self.store, self.life) if self.epoch > 1 else []
        if records:
            await self._fold(records)
        self.log = TaskLog(self._writer, self.state, self._publish, self.may_write)
        self.has_read_log = True

    async def _fold(self, records: list[Record]) -> None:
        """In threads, as the log may be long."""
        await to_thread.run_sync(self.state.apply_all, records)
        self.journal = await to_thread.run_sync(Journal.of, records)
        owners = await to_thread.run_sync(tenures, records, self.node)
        self.before = owners[-2] if len(owners) > 1 else None
        for epoch in range(len(owners) - 1, 0, -1):
            if owners[epoch - 1].released:
                break
            self.orphaned.append(epoch)
        self.deaths = deaths_in_a_row(owners)

    def put_status(self, status: Status, node: str | None, reason: str, **more: Json) -> None:
        self.log.put_status(status, attempt=self._attempt(status), node=node, reason=reason, **more)

    def start_over(self, workflow_version: int) -> None:
        """What an older program did can't be gone on with: all of it is taken back in the open."""
        self.log.put_status(
            Status.RUNNING,
            attempt=self._attempt(Status.RUNNING),
            node=self.node,
            reason=UPGRADED,
            workflow_version=workflow_version,
        )
        self.journal = Journal(rollbacks=[Rollback(part, 0) for part in self.journal.parts])

    def _attempt(self, status: Status) -> int:
        return self.state.attempt + (status is Status.RUNNING)

    def put_end(self, status: Status, node: str | None, reason: str, **more: Json) -> None:
        """What an ownership ends with: the status, `done` where it is terminal, and the release.

        ``more`` is put into the status event.
        """
        self.put_status(status, node, reason, **more)
        if status.terminal:
            self.log.put(EventType.DONE, {"status": status})
        self.log.put_journal(EventType.RELEASE, {"epoch": self.epoch})

    async def check_claim(self) -> None:
        """Whoever writes finds out by that; a step that says nothing has to look. :raises OwnershipLost:"""
        try:
            claim = await self.store.newest_claim(self.life)
        except HoldfastError as error:
            logger.warning("could not look whether task %s is still owned: %s", self.life.task_id, error.detail)
            return
        if claim is None or claim.epoch != self.epoch:
            raise OwnershipLost

    async def save_snapshot(self, *, durable: bool = False) -> None:
        try:
            await self.store.save_snapshot(
                self.life,
                self.epoch,
                self.state.snapshot(self.epoch, now_ms()),
                durable=durable,
                headline=self.state.headline(self.epoch),
            )
        except HoldfastError as error:
            # A lost snapshot is rebuilt from the log.
            logger.warning("snapshot of task %s was not saved: %s", self.life.task_id, error.detail)

    async def settle(self) -> None:
        """After the end is in the log: the snapshot says so, and nobody looks for an owner any more."""
        await self.save_snapshot(durable=self.state.status.terminal)
        if self.state.needs_owner:
            return
        try:
            await self._announce(self.state)
        except HoldfastError as error:
            # It stays open, so that whoever looks at it next tries that again.
            logger.warning("the end of task %s can't be told yet: %s", self.life.task_id, error.detail)
            return
        await self.store.settle(self.life, self.epoch)

    async def give_back(self) -> None:
        """End this ownership as it began: the task needs no owner after all, or only a `done`."""
        if self.state.lacks_end:
            self.log.put(EventType.DONE, {"status": self.state.status})
        self.log.put_journal(EventType.RELEASE, {"epoch": self.epoch})
        await self.log.write_out()
        await self.settle()

    async def close(self) -> None:
        await self._writer.close()


async def read_all(store: Store, life: Life) -> list[Record]:
    """The whole log, for its owner. :raises LogCorrupt: it is damaged. :raises OwnershipLost: there is a newer one."""
    reader = store.reader(life)
    records: list[Record] = []
    try:
        while batch := await reader.read():
            records += batch
        if reader.undecided:
            # What a newer owner has yet to seal is not shown, and what was read is not all: whoever numbered on from
            # there would give old numbers to new events.
            raise OwnershipLost
    finally:
        await reader.close()
    return records


async def deaths_so_far(store: Store, life: Life, newest: Claim) -> int:
    """How many owners have died over a task without getting on, if that of its newest claim is dead."""
    reader = store.reader(life)
    records: list[Record] = []
    try:
        while batch := await reader.read():
            records += batch
    finally:
        await reader.close()
    return deaths_in_a_row([*tenures(records, newest.node), Tenure("")])


async def give_back(owned: Ownership) -> None:
    """Release a task and change nothing of it."""
    try:
        await owned.read_log()
        await owned.give_back()
    finally:
        await owned.close()


async def read_state(store: Store, life: Life, seal_wait_seconds: float = SEAL_WAIT_SECONDS) -> TaskState:
    """What a life's log adds up to as of now. A damaged log's task counts as failed, with all that is whole of it.

    While a new owner has yet to seal its predecessor's log, it is waited for; if that takes longer, as when it has died
    over it, the state is marked as not ``settled``: more was shown to readers than it knows of.
    """
    state = TaskState(life)
    reader = store.reader(life)
    try:
        give_up = anyio.current_time() + seal_wait_seconds
        while True:
            while batch := await reader.read():
                # A long log is a lot of decoding, and others wait on this loop.
                await to_thread.run_sync(state.apply_all, batch)
            state.settled = not reader.undecided
            if state.settled or anyio.current_time() >= give_up:
                break
            await anyio.sleep(SEAL_POLL_SECONDS)
    except LogCorrupt as error:
        state.settled, state.status, state.reason = True, Status.FAILED, error.code
        # Kept in its snapshot, too: of a log that was cut short nothing else tells.
        state.seq = max(state.seq, error.reaches)
        state.failure = {"code": error.code, "message": error.detail, "retryable": False, "step": None}
    finally:
        await reader.close()
    return state


async def inscribe(owned: Ownership, expected: Status, status: Status, reason: str) -> bool:
    """Change the status of a task that nobody runs: the whole ownership is this one change.

    A retry, a resume or a stop of a waiting task is made so, and therefore stands in the log as everything does. False
    when the status is not the expected one, and then it stays as it is.
    """
    try:
        await owned.read_log()
        if owned.state.status is not expected:
            await owned.give_back()
            return False
        owned.put_end(status, None, reason)
        await owned.log.write_out()
        await owned.settle()
        return True
    finally:
        await owned.close()
