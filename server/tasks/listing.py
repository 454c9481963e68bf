"""Lists of tasks: filtered, newest first, page by page."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from typing import Any

from server.errors import FieldError, InvalidParameters, LogCorrupt
from server.models import Headline, Life, Status, iso, ms_of
from server.stores.base import Store
from server.tasks.catalogue import Catalogue, Place
from server.tasks.runner import TaskRun
from server.tasks.scheduler import Scheduler
from server.tasks.state import view_of_snapshot

ROWS_AT_ONCE = 500
ACTIVE = frozenset({Status.PENDING, Status.RUNNING, Status.PAUSED})

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
        """Whether a task's view, or its headline's members, belong to the list."""
        return (
            (not self.statuses or Status(view["status"]) in self.statuses)
            and self.kind in (None, view["kind"])
            and self.project in (None, view["project"])
            and self.session in (None, view["session"])
            and (self.q is None or self.q.casefold() in view["title"].casefold())
        )


class Listing:
    """Which tasks a list has is known from the catalogue; how they are is read for each that is shown.

    Those that run here are shown as they are this moment.
    """

    def __init__(self, store: Store, catalogue: Catalogue, scheduler: Scheduler, rebuild: Rebuild) -> None:
        self._store, self._catalogue, self._scheduler, self._rebuild = store, catalogue, scheduler, rebuild

    async def page(
        self, scope: str, filters: Filters, limit: int, cursor: str | None
    ) -> tuple[list[dict[str, Any]], str | None]:
        """One page, and the cursor of the next one.

        :raises InvalidParameters: the cursor is none that a page gave.
        """
        views = await self._first(scope, filters, limit + 1, None if cursor is None else _place_of(cursor))
        more = len(views) > limit
        return views[:limit], _cursor_of(views[limit - 1]) if more else None

    async def active(self, scope: str) -> list[dict[str, Any]]:
        """Every task of this scope that waits, runs or is paused, newest first."""
        return await self._first(scope, Filters(statuses=ACTIVE), None, None)

    async def _first(
        self, scope: str, filters: Filters, count: int | None, after: Place | None
    ) -> list[dict[str, Any]]:
        """At most so many of a list, from this place on."""
        await self._catalogue.refresh()
        views: list[dict[str, Any]] = []
        while count is None or len(views) < count:
            wanted = ROWS_AT_ONCE if count is None else min(ROWS_AT_ONCE, count - len(views))
            found = list(islice(self._matching(scope, filters, after), wanted))
            views += [view for view in await self._views(found) if view["scope"] == scope and filters.match(view)]
            if len(found) < wanted:
                break
            after = found[-1].place
        return views

    def _matching(self, scope: str, filters: Filters, after: Place | None) -> Iterable[Headline]:
        known = (
            self._catalogue.newest_first(scope, after)
            if filters.session is None
            else self._catalogue.of_session(scope, filters.session, after)
        )
        for headline in known:
            run = self._run(headline.task_id)
            now = headline if run is None else headline._replace(status=run.state.status)
            if filters.match(now._asdict()):
                yield headline

    async def views(self, task_ids: Iterable[str]) -> list[dict[str, Any]]:
        """These tasks as they are now, without those that are gone."""
        return await self._views([found for each in task_ids if (found := self._catalogue.get(each)) is not None])

    async def _views(self, headlines: Sequence[Headline]) -> list[dict[str, Any]]:
        heads = await self._store.heads([each.task_id for each in headlines if self._run(each.task_id) is None])
        views = [await self._view(headline, heads.get(headline.task_id)) for headline in headlines]
        queue = {life.task_id: position for position, life in enumerate(self._scheduler.queue, 1)}
        return [
            self._scheduler.shown(view, queue.get(view["id"]) if view["status"] == Status.PENDING else None)
            for view in views
            if view is not None
        ]

    async def _view(self, headline: Headline, head: dict[str, Any] | None) -> dict[str, Any] | None:
        run = self._run(headline.task_id)
        if run is not None:
            return run.state.view()
        if head is not None and not _is_behind(head, headline):
            return view_of_snapshot(head)
        with suppress(LogCorrupt):  # its birth record: there is nothing that could be shown of it
            if (life := await self._store.latest(headline.task_id)) is not None:
                return await self._rebuild(life)
        return None

    def _run(self, task_id: str) -> TaskRun | None:
        """What runs it here, and has read its log."""
        run = self._scheduler.runs.get(task_id)
        return run if run is not None and run.owned.has_read_log else None

    def watched(self, scope: str) -> "Watched":
        """For a feed of this scope's tasks."""
        return Watched(self, self._catalogue, self._scheduler, scope)


class Watched:
    """See `server.streaming.feed.Tasks`."""

    def __init__(self, listing: Listing, catalogue: Catalogue, scheduler: Scheduler, scope: str) -> None:
        self._listing, self._catalogue, self._scheduler, self._scope = listing, catalogue, scheduler, scope
        self._position = 0

    async def active(self) -> list[dict[str, Any]]:
        await self._catalogue.refresh()
        self._position = self._catalogue.position
        return await self._listing.active(self._scope)

    async def changed(self) -> list[str]:
        await self._catalogue.refresh()
        changed = self._catalogue.changed_since(self._position, self._scope)
        self._position = self._catalogue.position
        # Those that run here may have changed at any moment.
        running = [task_id for task_id, run in self._scheduler.runs.items() if run.life.scope == self._scope]
        return list(dict.fromkeys([*changed, *running]))

    async def views(self, task_ids: Iterable[str]) -> list[dict[str, Any]]:
        return await self._listing.views(task_ids)


def _is_behind(head: dict[str, Any], headline: Headline) -> bool:
    """Whether more has been told of a task than its snapshot says: whoever saved that did not get so far.

    One of another life may be that of the life before, and is not trusted either.
    """
    if head["generation"] != headline.generation:
        return True
    return (head["epoch"], head["seq"]) < (headline.epoch, headline.seq)


def _cursor_of(view: dict[str, Any]) -> str:
    return f"{view['created_at']}_{view['id']}"


def _place_of(cursor: str) -> Place:
    created_at, _, task_id = cursor.partition("_")
    with suppress(ValueError):
        place = ms_of(created_at), task_id
        if task_id and iso(place[0]) == created_at:
            return place
    raise InvalidParameters(errors=[FieldError("cursor", "bad_cursor", "Pass `next_cursor` as it was given.")])
