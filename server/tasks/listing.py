"""Lists of tasks: filtered, newest first, page by page."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from server.errors import FieldError, InvalidParameters, LogCorrupt
from server.models import Life, Status
from server.stores.base import Store
from server.tasks.scheduler import Scheduler
from server.tasks.state import view_of_snapshot

Rebuild = Callable[[Life], Awaitable[dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class Filters:
    """What a list is narrowed to; empty means all. ``q`` is looked for in titles, without regard to case."""

    statuses: frozenset[Status] = frozenset()
    kind: str | None = None
    project: str | None = None
    session: str | None = None
    q: str | None = None

    def match(self, view: dict[str, Any]) -> bool:
        return (
            (not self.statuses or Status(view["status"]) in self.statuses)
            and self.kind in (None, view["kind"])
            and self.project in (None, view["project"])
            and self.session in (None, view["session"])
            and (self.q is None or self.q.casefold() in view["title"].casefold())
        )


class Listing:
    """Tasks by their snapshots, with those that run here as they are this moment."""

    def __init__(self, store: Store, scheduler: Scheduler, rebuild: Rebuild) -> None:
        self._store, self._scheduler, self._rebuild = store, scheduler, rebuild

    async def all(self, scope: str, filters: Filters) -> list[dict[str, Any]]:
        """Every task of this scope that matches, newest first."""
        views = {head["taskId"]: view_of_snapshot(head) for head in await self._store.snapshots()}
        for task_id in await self._store.task_ids():
            if task_id not in views:
                with suppress(LogCorrupt):  # its birth record: there is nothing that could be shown of it
                    if (life := await self._store.latest(task_id)) is not None:
                        views[task_id] = await self._rebuild(life)
        for task_id, run in self._scheduler.runs.items():
            if run.owned.has_read_log:
                views[task_id] = run.state.view()
        queue = {life.task_id: position for position, life in enumerate(self._scheduler.queue, 1)}
        mine = [view for view in views.values() if view["scope"] == scope and filters.match(view)]
        mine = [
            self._scheduler.shown(view, queue.get(view["id"]) if view["status"] == Status.PENDING else None)
            for view in mine
        ]
        return sorted(mine, key=_place, reverse=True)

    async def page(
        self, scope: str, filters: Filters, limit: int, cursor: str | None
    ) -> tuple[list[dict[str, Any]], str | None]:
        """One page, and the cursor of the next one.

        :raises InvalidParameters: the cursor is none that a page gave.
        """
        views = await self.all(scope, filters)
        if cursor is not None:
            created_at, separator, task_id = cursor.partition("_")
            if not separator:
                raise InvalidParameters(
                    errors=[FieldError("cursor", "bad_cursor", "Pass `next_cursor` as it was given.")]
                )
            views = [view for view in views if _place(view) < (created_at, task_id)]
        page = views[:limit]
        more = len(views) > limit
        return page, "_".join(_place(page[-1])) if more else None


def _place(view: dict[str, Any]) -> tuple[str, str]:
    return view["created_at"], view["id"]
