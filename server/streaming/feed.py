"""Status changes of all one's tasks over one connection."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import anyio

from server.models import Status

FEED_SECONDS = 0.5

ListTasks = Callable[[str], Awaitable[list[dict[str, Any]]]]


async def watch_tasks(
    list_tasks: ListTasks, scope: str, is_closing: Callable[[], bool]
) -> AsyncIterator[dict[str, Any]]:
    """The scope's active tasks as they are, an empty one, then every task whenever it has changed or was removed.

    It tells states, not a log: who connects again gets the states of then. After the empty one nothing is missed, so
    a list that is asked for then is complete. A removed task comes as ``{"id": …, "removed": true}``.
    """
    known: dict[str, tuple[str, int]] | None = None
    while not is_closing():
        views = await list_tasks(scope)
        versions = {view["id"]: (view["generation"], view["seq"]) for view in views}
        for view in reversed(views):
            changed = (
                not Status(view["status"]).terminal if known is None else known.get(view["id"]) != versions[view["id"]]
            )
            if changed:
                yield view
        for task_id in (known or {}).keys() - versions.keys():
            yield {"id": task_id, "removed": True}
        if known is None:
            yield {}
        known = versions
        await anyio.sleep(FEED_SECONDS)
