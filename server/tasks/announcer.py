"""Keeping what is to be told of a task's end, before anybody may forget that the task has ended."""

from collections.abc import Sequence

import orjson

from server.models import Notice, iso, now_ms
from server.stores.base import Store
from server.tasks.state import TaskState

LONGEST_TITLE = 200


class Announcer:
    """Keeps a notice for each receiver; without receivers it does nothing.

    It is called before the store is told that a task needs no owner any more. Until that is done, other nodes look at
    the task, find that it has ended, and call it in the place of a node that has died: so no end is lost. Whoever calls
    it again keeps the same notices again.
    """

    def __init__(self, store: Store, node: str, receivers: Sequence[str] = ()) -> None:
        self._store, self._node, self._receivers = store, node, receivers

    async def announce(self, state: TaskState) -> None:
        """Nothing for a task that has not ended. :raises StoreFull, StoreFailed: what is to be told may be lost."""
        if not self._receivers or not state.status.terminal:
            return
        body = orjson.dumps(message_of(state)).decode()
        for receiver in self._receivers:
            at = state.finished_at or now_ms()
            await self._store.keep_notice(Notice(message_id(state), receiver, self._node, at, body))


def message_id(state: TaskState) -> str:
    """The same for the same end, whoever tells it: a retry's end has another seq, another life another generation."""
    return f"{state.life.task_id}:{state.life.generation}:{state.seq}"


def message_of(state: TaskState) -> dict[str, object]:
    """What receivers are told: which task has ended, how and when. No parameter, text or result of it."""
    life, progress = state.life, state.progress
    return {
        "type": f"task.{state.status}",
        "timestamp": iso(state.finished_at),
        "data": {
            "task_id": life.task_id,
            "kind": life.kind,
            "title": life.title[:LONGEST_TITLE],
            "status": state.status,
            "reason": state.reason,
            "generation": life.generation,
            "attempt": state.attempt,
            "url": f"/api/tasks/{life.task_id}",
            "completed": progress.completed,
            "failed": progress.failed,
            "skipped": progress.skipped,
            "total": progress.total,
            "created_at": iso(life.created_at),
            "started_at": iso(state.started_at),
            "finished_at": iso(state.finished_at),
        },
    }
