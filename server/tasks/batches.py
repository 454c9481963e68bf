"""The batch of pages of a session: its newest `browse` task, and what a further start makes of it.

A session has no store of its own: its tasks are the truth. Each knows by its parameters what those before it had done.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol, cast

from pydantic import ValidationError

from server.errors import LogCorrupt, SessionBusy, TaskEnded, TaskNotFound, TaskNotRetryable
from server.fingerprint import clean
from server.lately import Lately
from server.models import Headline, Life, Status
from server.tasks.catalogue import Catalogue
from server.tasks.items import BATCHES_KEPT, Items
from server.tasks.manager import BackgroundTaskManager, TaskRequest
from server.tasks.outlook import Outlook
from server.tasks.steering import Steering
from server.workflows.base import Registry

KIND = "browse"
COMPLETE_SECONDS = 5.0
ACTIVE = frozenset({Status.PENDING, Status.RUNNING, Status.PAUSED})

_STEP_OF_PAGE = re.compile(r"[a-z]+:([0-9]{1,3})", re.ASCII)


class Step(Protocol):
    """A step of a page's plan. Only a `navigate` is asked for its ``url``."""

    type: str
    url: str


class Page(Protocol):
    """A page as the kind's parameters have it. ``recorded``: the steps that were given with it."""

    key: str | None
    title: str
    url: str | None
    recorded: Sequence[Step] | None

    def not_now(self, now: datetime) -> str | None:
        """``not_due`` or ``expired``, if it is one of them."""


class Pages(Protocol):
    """The kind's parameters, as far as a session must know them. ``chosen``: positions of the pages to be done."""

    tasks: Sequence[Page]
    chosen: list[int]
    completed: Sequence[str]
    ignore_completed: bool

    def key_of(self, index: int) -> str:
        """The key of the page at this position."""

    def model_dump(self, *, mode: str, by_alias: bool, exclude_none: bool) -> dict[str, Any]:
        """As JSON."""


class PageState(StrEnum):
    NOT_CHOSEN = "not_chosen"
    WAITING = "waiting"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    SKIPPED = "skipped"
    NEEDS_CONFIRMATION = "needs_confirmation"


DEALT_WITH = (PageState.COMPLETED, PageState.FAILED, PageState.SKIPPED, PageState.NEEDS_CONFIRMATION)


class Beginning(StrEnum):
    """What a start has led to."""

    STARTED = "started"
    ATTACHED = "attached"
    GOES_ON = "goes_on"
    NOTHING_LEFT = "nothing_left"


@dataclass(frozen=True, slots=True)
class PageOutline:
    """A page as it is shown. ``chosen``: it is to be done; ``done_before``: an earlier task had completed it."""

    key: str
    title: str
    url: str | None
    chosen: bool
    done_before: bool


@dataclass(frozen=True, slots=True)
class Batch:
    """A session's newest task as it is now.

    ``view``: the task as the API shows it. ``items``: the data of the event of each page that is dealt with, by key.
    ``seq``: an event, after which come all those that tell more than this.
    """

    life: Life
    outlines: Sequence[PageOutline]
    view: dict[str, Any]
    items: dict[str, dict[str, Any]]
    seq: int

    @property
    def status(self) -> Status:
        return Status(self.view["status"])

    @property
    def current(self) -> int | None:
        """Position of the page that is being done."""
        found = _STEP_OF_PAGE.fullmatch(self.view["progress"]["current"] or "")
        if found is None or self.status is not Status.RUNNING:
            return None
        return index if (index := int(found[1])) < len(self.outlines) else None

    @property
    def current_percentage(self) -> float:
        """How much is done of the page that was taken up last, 0 to 100."""
        if self.status is Status.COMPLETED:
            return 100.0
        return self.view["progress"]["current_percentage"] or 0.0

    @property
    def total(self) -> int:
        """How many pages are to be done."""
        return sum(page.chosen for page in self.outlines)

    def states(self) -> list[PageState]:
        """How it stands with each page."""
        current = self.current
        return [self._state(page, is_current=index == current) for index, page in enumerate(self.outlines)]

    def _state(self, page: PageOutline, *, is_current: bool) -> PageState:
        if not page.chosen:
            return PageState.NOT_CHOSEN
        if page.done_before:
            return PageState.COMPLETED
        item = self.items.get(page.key)
        if item is not None:
            return PageState(item["status"])
        return PageState.RUNNING if is_current else PageState.WAITING


class Batches:
    """The batches of sessions. A session is the label of its tasks; whose it is is their scope."""

    def __init__(
        self,
        registry: Registry,
        catalogue: Catalogue,
        outlook: Outlook,
        steering: Steering,
        manager: BackgroundTaskManager,
        items: Items,
    ) -> None:
        self._registry, self._catalogue, self._outlook = registry, catalogue, outlook
        self._steering, self._manager, self._items = steering, manager, items
        self._read = Lately[str, Sequence[PageOutline]](BATCHES_KEPT)

    async def newest(self, scope: str, session: str) -> Batch | None:
        """What the session's newest task makes of it; None when it has none.

        :raises UnknownKind: this server opens no pages.
        """
        await self._catalogue.refresh()
        if not self._catalogue.complete.is_set() and not self._tasks(scope, session):
            await self._catalogue.completed_within(COMPLETE_SECONDS)
        for headline in self._tasks(scope, session):
            # One that was removed just now, whose birth record is damaged, or whose parameters are those of another
            # version hides no other.
            with suppress(TaskNotFound, LogCorrupt, ValidationError):
                life, now = await self._outlook.find_with_outline(headline.task_id, scope, None)
                view = self._outlook.with_position(now.view)
                known = await self._items.of(life, view["seq"])
                return Batch(life, self._outlines(life), view, known.items, min(known.seq, view["seq"]))
        return None

    def task_ids(self, scope: str, session: str) -> list[str]:
        """Of all tasks of a session that are known by now, newest first."""
        return [headline.task_id for headline in self._tasks(scope, session)]

    def _tasks(self, scope: str, session: str) -> list[Headline]:
        return [each for each in self._catalogue.of_session(scope, session) if each.kind == KIND]

    def pages_in(self, params: dict[str, Any]) -> Pages:
        """What a request for this kind, or a task of it, is about."""
        return cast("Pages", self._registry.get(KIND).params.model_validate(params))

    def _outlines(self, life: Life) -> Sequence[PageOutline]:
        """Kept, as it is asked for again and again: the parameters may be some megabytes."""
        known = self._read.get(life.generation)
        if known is None:
            known = _outlined(self.pages_in(life.params))
            self._read.keep(life.generation, known)
        return known

    async def start(self, wanted: TaskRequest, newest: Batch | None) -> tuple[Life, Beginning]:
        """Start, attach to, or go on with the batch of a session.

        What ended without being done goes on where it was when the same is asked; anything else is a task of its own,
        which passes over the pages that are done already.

        :param wanted: validated, with all pages and the session.
        :param newest: what `newest` has found.
        :raises SessionBusy: another batch of this session has not ended.
        """
        if newest is None:
            return await self._submit(wanted)
        pages, earlier = self.pages_in(wanted.params), self.pages_in(newest.life.params)
        same = _asked(pages) == _asked(earlier)
        if newest.status in ACTIVE and not same:
            raise SessionBusy
        if newest.status in ACTIVE and newest.status is not Status.PAUSED:
            return newest.life, Beginning.ATTACHED
        corrupt = newest.view["error"] is not None and newest.view["error"]["code"] == LogCorrupt.code
        if newest.status.needs_restart and same and not corrupt:
            await self._go_on(newest)
            return newest.life, Beginning.GOES_ON
        done = _done_of(pages, earlier, newest.items)
        if not pages.ignore_completed and all(pages.key_of(index) in done for index in pages.chosen):
            return newest.life, Beginning.NOTHING_LEFT
        # Once after each task, however often it is asked for: a page that has failed again is tried again by this.
        after = f"after-{newest.life.generation}"
        return await self._submit(replace(wanted, params={**wanted.params, "completed": sorted(done)}, fresh=after))

    async def _go_on(self, batch: Batch) -> None:
        # Another start may have come first, and the batch even be done by now.
        with suppress(TaskEnded, TaskNotRetryable):
            if batch.status is Status.PAUSED:
                await self._steering.resume(batch.life)
            else:
                await self._steering.retry(batch.life)

    async def _submit(self, wanted: TaskRequest) -> tuple[Life, Beginning]:
        submission = await self._manager.submit(wanted)
        return submission.life, Beginning.ATTACHED if submission.reused else Beginning.STARTED


def _outlined(pages: Pages) -> Sequence[PageOutline]:
    chosen = frozenset(pages.chosen)
    done = frozenset(() if pages.ignore_completed else pages.completed)
    keys = [pages.key_of(index) for index in range(len(pages.tasks))]
    return [
        PageOutline(key, page.title, page.url or _opened(page), index in chosen, key in done)
        for index, (key, page) in enumerate(zip(keys, pages.tasks, strict=True))
    ]


def _opened(page: Page) -> str | None:
    """The address that the steps of a page open first."""
    return next((step.url for step in page.recorded or () if step.type == "navigate"), None)


def _asked(pages: Pages) -> dict[str, Any]:
    """What is asked for, without what is only known of it. All pages are all of them, named or not."""
    params = clean(pages.model_dump(mode="json", by_alias=True, exclude_none=True))
    asked = {name: value for name, value in params.items() if name not in ("completed", "batch")}
    return {**asked, "task_indices": pages.chosen}


def _done_of(pages: Pages, earlier: Pages, items: Mapping[str, dict[str, Any]]) -> Collection[str]:
    """Keys of the pages that are done: as this request says, and as the session knows of the same pages.

    A page with a key of its own is known by that, another one by all that is said of it.
    """
    before = {earlier.key_of(index): page for index, page in enumerate(earlier.tasks)}
    now = {pages.key_of(index): page for index, page in enumerate(pages.tasks)}
    known = {key for key in before if _is_done(items.get(key), before=key in earlier.completed)}
    same = {key for key in known & now.keys() if now[key].key is not None or now[key] == before[key]}
    return same | (set(pages.completed) & now.keys())


def _is_done(item: Mapping[str, Any] | None, *, before: bool) -> bool:
    """What was done last counts; a page that was only passed over is as it was ``before``."""
    if item is None or item["status"] == PageState.SKIPPED:
        return before
    return bool(item["status"] == PageState.COMPLETED)
