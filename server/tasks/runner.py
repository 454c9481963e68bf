"""One ownership of one task, from the claim to the release."""

import logging
from dataclasses import dataclass
from typing import Any

import anyio
from pydantic import ValidationError

from server.errors import CrashLoop, HoldfastError, OwnershipLost, StoreFailed, WorkflowFailed
from server.models import Action, Control, EventType, Status
from server.settings import Settings
from server.tasks.context import TaskContext
from server.tasks.ownership import Ownership
from server.tasks.requests import Requests
from server.tasks.state import TaskState
from server.tasks.witness import Witness
from server.workflows.base import Workflow

HOUSEKEEPING_SECONDS = 0.5
BRIEF_SECONDS = 0.1
"""A task that has ended by then gets no snapshot as it starts: that of its end comes in a moment."""
SNAPSHOT_SHARE = 20
"""A snapshot that took long to save is saved again no sooner than after 20 times as long."""

MOST_DEATHS = 3

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Ending:
    """Why a run stops before its workflow does."""

    status: Status
    reason: str


HANDED_OVER = Ending(Status.PENDING, "handed_over")


class TaskRun:
    """Runs a workflow over a claimed task, journals it, and ends in exactly one way."""

    def __init__(
        self,
        owned: Ownership,
        workflow: Workflow,
        node: str,
        settings: Settings,
        witness: Witness,
        requests: Requests,
    ) -> None:
        self.owned, self.life, self._requests = owned, owned.life, requests
        self._workflow, self._node, self._settings = workflow, node, settings
        self._witness = witness
        self._scope = anyio.CancelScope()
        self._ending: Ending | None = None
        self._context: TaskContext | None = None
        self.gave_up = False
        self.ended = anyio.Event()

    @property
    def state(self) -> TaskState:
        return self.owned.state

    @property
    def got_on(self) -> bool:
        """Whether this attempt has finished a step."""
        return self._context is not None and self._context.finished_steps > 0

    def end(self, ending: Ending) -> None:
        """Stop the workflow where it is; the first ending asked for is the one."""
        if self._ending is None:
            self._ending = ending
            self._scope.cancel()

    def hand_over(self) -> None:
        """Let the steps under way reach their record, then leave the task to another owner."""
        if self._context is not None:
            self._context.leave_at_next_step(lambda: self.end(HANDED_OVER))
        else:
            self.end(HANDED_OVER)

    def leave_now(self) -> None:
        """Leave the task to another owner where it is."""
        self.end(HANDED_OVER)

    async def run(self) -> None:
        """Own the task until it ends, is paused or handed over, or this node loses it.

        Never raises but when cancelled: what goes wrong with one task must not touch the others.
        """
        try:
            await self._own()
        except* HoldfastError as errors:
            self.gave_up = True
            reason = _first_cause(errors)
            logger.warning("gave up task %s epoch %d: %s", self.life.task_id, self.owned.epoch, reason)
        except* Exception:
            self.gave_up = True
            logger.exception("gave up task %s epoch %d", self.life.task_id, self.owned.epoch)
        finally:
            await self.owned.close()
            self.ended.set()

    async def _own(self) -> None:
        await self.owned.read_log()
        self._witness.claimed(self.life, self.owned.epoch, self.owned.before)
        if self.state.status not in (Status.PENDING, Status.RUNNING):
            await self.owned.give_back()
            return
        if self.owned.deaths >= MOST_DEATHS:
            logger.error("task %s has ended %d servers in a row", self.life.task_id, self.owned.deaths)
            self._fail(CrashLoop())
            await self.owned.log.write_out()
            await self.owned.settle()
            return
        epochs = [self.owned.epoch, *self.owned.orphaned]
        async with anyio.create_task_group() as tg:
            tg.start_soon(self.owned.log.run)
            with self._requests.heeding(self.life, epochs, self._heed):
                await self._start()
                tg.start_soon(self._keep_house)
                await self._attempt()
            tg.cancel_scope.cancel()
        await self.owned.settle()

    async def _start(self) -> None:
        owned = self.owned
        reason = "started" if owned.state.attempt == 0 else "continued"
        if owned.state.workflow_version == self._workflow.version:
            owned.put_status(Status.RUNNING, self._node, reason)
        else:
            owned.start_over(self._workflow.version)
        for rollback in owned.journal.rollbacks:
            owned.log.put(EventType.ROLLBACK, {"part": rollback.part, "to_seq": rollback.to_seq})
        await owned.log.flush()

    async def _attempt(self) -> None:
        owned = self.owned
        self._context = TaskContext(self.life, owned.store, owned.log, owned.journal)
        with self._scope:
            try:
                self._complete(await self._workflow.run(self._context, self._params()))
            except Exception as error:  # noqa: BLE001 - the outermost loop of a workflow: whatever it raises is its failure
                self._fail(error)
        if self._scope.cancelled_caught and self._ending is not None:
            node = None if self._ending is HANDED_OVER else self._node
            owned.put_end(self._ending.status, node, self._ending.reason)
        await owned.log.flush()

    def _params(self) -> Any:
        try:
            return self._workflow.params.model_validate(self.life.params)
        except ValidationError:
            version = self._workflow.version
            raise WorkflowFailed(
                f"The parameters of this task do not fit version {version} of its workflow, and no server has "
                "another now; ask anew."
            ) from None

    def _complete(self, result: Any) -> None:
        owned, state = self.owned, self.owned.state
        if self._context is not None:
            self._context.tell(final=True)
        if state.result_seq == 0 or state.result != result:
            owned.log.put(EventType.RESULT, result if isinstance(result, dict) else {"value": result})
        owned.put_end(Status.COMPLETED, self._node, "completed")

    def _fail(self, error: Exception) -> None:
        cause = _first_cause(error)
        if not isinstance(cause, HoldfastError):
            logger.error("task %s failed", self.life.task_id, exc_info=cause)
            cause = WorkflowFailed(f"The workflow broke off: {type(cause).__name__}. The server's log has the details.")
        elif isinstance(cause, OwnershipLost | StoreFailed):
            raise cause
        step = self._context.current_step if self._context is not None else None
        failure = {"code": cause.code, "message": cause.detail, "retryable": cause.retryable, "step": step}
        self.owned.log.put(EventType.FAILURE, failure)
        if cause.pauses:
            self.owned.put_end(Status.PAUSED, self._node, cause.code, again=list(cause.again))
        else:
            self.owned.put_end(Status.FAILED, self._node, cause.code)

    async def _keep_house(self) -> None:
        """Progress held back, and the snapshot."""
        saved_seq, next_save, pause = 0, anyio.current_time(), BRIEF_SECONDS
        while True:
            await anyio.sleep(pause)
            pause = HOUSEKEEPING_SECONDS
            # A step that says nothing is left as well, when others may have the task by now.
            self.owned.log.check_lease()
            if self._context is not None and self._ending is None:
                self._context.tell_rest()
            now = anyio.current_time()
            if now >= next_save:
                if self.state.seq == saved_seq:
                    await self.owned.check_claim()
                else:
                    saved_seq = self.state.seq
                    await self.owned.save_snapshot()
                took = anyio.current_time() - now
                next_save = now + max(self._settings.snapshot_interval_seconds, SNAPSHOT_SHARE * took)

    def _heed(self, control: Control) -> None:
        self.end(ending_for(control.action, control.reason))


def ending_for(action: Action, reason: str) -> Ending:
    return Ending(Status.PAUSED if action is Action.PAUSE else Status.STOPPED, reason)


def _first_cause(error: BaseException) -> BaseException:
    """The error itself, or of a group of parallel steps' errors the first that says something to a user."""
    if not isinstance(error, BaseExceptionGroup):
        return error
    causes = [_first_cause(inner) for inner in error.exceptions]
    return next((cause for cause in causes if isinstance(cause, HoldfastError)), causes[0])
