"""Status changes of all one's tasks over one connection."""

from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any, Protocol

import anyio

from server.models import Status

FEED_SECONDS = 0.5


class Tasks(Protocol):
    """One scope's tasks, as a feed looks at them."""

    async def active(self) -> list[dict[str, Any]]:
        """The views of those that have not ended, newest first."""

    async def changed(self) -> list[str]:
        """The ids of those that may be another or gone since it was asked the last time, or since `active` was."""

    async def views(self, task_ids: Iterable[str]) -> list[dict[str, Any]]:
        """The views of these, without those that are gone."""


async def watch_tasks(tasks: Tasks, is_closing: Callable[[], bool]) -> AsyncIterator[dict[str, Any]]:
    """The active tasks as they are, an empty one, then every task whenever it has changed or was removed.

    It tells states, not a log: who connects again gets the states of then. After the empty one nothing is missed, so
    a list that is asked for then is complete. A removed task comes as ``{"id": …, "removed": true}``.
    """
    told: dict[str, tuple[str, int]] = {}
    for view in reversed(await tasks.active()):
        told[view["id"]] = _version(view)
        yield view
    yield {}
    while not is_closing():
        await anyio.sleep(FEED_SECONDS)
        changed = await tasks.changed()
        views = {view["id"]: view for view in await tasks.views(changed)}
        for task_id in changed:
            view = views.get(task_id)
            if view is None:
                told.pop(task_id, None)
                yield {"id": task_id, "removed": True}
            elif told.get(task_id) != _version(view):
                told[task_id] = _version(view)
                yield view
            if view is not None and Status(view["status"]).terminal:
                del told[task_id]  # it changes no more, and a feed may be watched for days


def _version(view: dict[str, Any]) -> tuple[str, int]:
    return view["generation"], view["seq"]
