"""All tasks, as lists and counts go through them: in order, by whose they are, without reading one."""

import bisect
import logging
import time
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping

import anyio

from server.errors import HoldfastError
from server.models import Headline, Status
from server.stores.base import Store
from server.tasks.ends import Ends
from server.tasks.shared import Shared

CHANGES_KEPT = 100_000
RETRY_SECONDS = 5.0

Place = tuple[int, str]
"""See `Headline.place`."""

logger = logging.getLogger(__name__)


class Catalogue:
    """The store's headlines in memory, by scope and newest first.

    ``complete`` is set when it has all tasks: where the store had to make its headlines anew, it has the newest first.
    ``position`` moves with every change. ``counted_at`` is in seconds since 1970, None before the first look.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._cursor: object = None
        self._known: dict[str, Headline] = {}
        self._places: dict[str, list[Place]] = {}
        self._of_session: dict[tuple[str, str], set[Place]] = {}
        self._ends = Ends()
        self._counts: Counter[tuple[str, Status]] = Counter()
        self._changed: deque[tuple[str, str]] = deque(maxlen=CHANGES_KEPT)
        self._looks = Shared[None]()
        self._wanted, self._looked = anyio.Event(), anyio.Event()
        self._begun, self.complete = anyio.Event(), anyio.Event()
        self.position = 0
        self.counted_at: float | None = None

    async def run(self) -> None:
        """Complete it, then look for those who don't wait for it."""
        async with anyio.create_task_group() as tg:
            tg.start_soon(self._make_complete)
            tg.start_soon(self._look_when_wanted)

    async def _make_complete(self) -> None:
        """A part at a time, and half of the time only: others have work to do."""
        while not self.complete.is_set():
            started = anyio.current_time()
            try:
                try:
                    made = await self._store.make_headlines()
                finally:
                    self._begun.set()
                await self.refresh()
            except HoldfastError as error:
                logger.warning("could not look through all tasks: %s", error.detail)
                await anyio.sleep(RETRY_SECONDS)
                continue
            if made:
                self.complete.set()
            else:
                await anyio.sleep(anyio.current_time() - started)

    async def _look_when_wanted(self) -> None:
        while True:
            await self._wanted.wait()
            self._wanted = anyio.Event()
            looked, self._looked = self._looked, anyio.Event()
            try:
                await self.refresh()
            except HoldfastError as error:
                logger.warning("could not look for changes of tasks: %s", error.detail)
            except Exception:  # the outermost loop: counts may be old, the work must not suffer
                logger.exception("could not look for changes of tasks")
            looked.set()

    async def completed_within(self, seconds: float) -> None:
        """Return when it is complete, and no later than that."""
        with anyio.move_on_after(seconds):
            await self.complete.wait()

    async def refresh_within(self, seconds: float) -> None:
        """As `refresh`, and no longer than that: what takes longer goes on by itself, and nothing is raised."""
        self._wanted.set()
        with anyio.move_on_after(seconds):
            await self._looked.wait()

    async def refresh(self) -> None:
        """Take in what has become of tasks on any node until now: one look for all who ask meanwhile.

        Nothing is taken for complete, or for empty, before the newest tasks have been looked at.
        """
        await self._begun.wait()
        await self._looks.get(None, self._look)

    async def _look(self) -> None:
        changes = await self._store.changes(self._cursor)
        gone: Iterable[str] = changes.gone
        if changes.anew:
            gone = self._known.keys() - {headline.task_id for headline in changes.headlines}
        for task_id in list(gone):
            self._take_out(task_id)
        if self._known:
            for headline in changes.headlines:
                self._put(headline)
        else:
            self._fill(changes.headlines)
        self._cursor = changes.cursor
        self.counted_at = time.time()

    def _fill(self, headlines: Iterable[Headline]) -> None:
        """All at once: put in one by one they would be sorted again for each."""
        for headline in headlines:
            self._enter(headline)
            self._places.setdefault(headline.scope, []).append(headline.place)
        for places in self._places.values():
            places.sort()
        self._ends.fill(self._known.values())

    def _put(self, headline: Headline) -> None:
        known = self._known.get(headline.task_id)
        if known == headline:
            return
        if known is not None and _whose(known) == _whose(headline):
            self._counts[known.scope, known.status] -= 1
            self._ends.drop(known)
        else:
            if known is not None:
                self._take_out(known.task_id)
            bisect.insort(self._places.setdefault(headline.scope, []), headline.place)
        self._ends.put(headline)
        self._enter(headline)

    def _enter(self, headline: Headline) -> None:
        self._known[headline.task_id] = headline
        self._counts[headline.scope, headline.status] += 1
        if headline.session is not None:
            self._of_session.setdefault((headline.scope, headline.session), set()).add(headline.place)
        if self.complete.is_set() or not headline.status.terminal:
            # What ended long ago and is only found now has not changed.
            self._note(headline)

    def _take_out(self, task_id: str) -> None:
        headline = self._known.pop(task_id, None)
        if headline is None:
            return
        self._ends.drop(headline)
        self._counts[headline.scope, headline.status] -= 1
        places = self._places[headline.scope]
        del places[bisect.bisect_left(places, headline.place)]
        if headline.session is not None:
            session = headline.scope, headline.session
            self._of_session[session].discard(headline.place)
            if not self._of_session[session]:
                del self._of_session[session]
        self._note(headline)

    def _note(self, headline: Headline) -> None:
        self.position += 1
        self._changed.append((headline.scope, headline.task_id))

    def get(self, task_id: str) -> Headline | None:
        return self._known.get(task_id)

    def newest_first(self, scope: str, before: Place | None = None) -> Iterator[Headline]:
        """A scope's tasks, those only that come after this place in a list. Nothing may be awaited in between."""
        places = self._places.get(scope, [])
        for index in range((len(places) if before is None else bisect.bisect_left(places, before)) - 1, -1, -1):
            yield self._known[places[index][1]]

    def of_session(self, scope: str, session: str, before: Place | None = None) -> Iterator[Headline]:
        """As `newest_first`, of those tasks alone that bear this label; it costs as much as there are of them."""
        for place in sorted(self._of_session.get((scope, session), ()), reverse=True):
            if before is None or place < before:
                yield self._known[place[1]]

    def last_ended_first(self, scope: str, after: int) -> Iterator[Headline]:
        """A scope's tasks that ended after this moment, in milliseconds. It costs as much as there are of them."""
        for task_id in self._ends.last_first(scope, after):
            yield self._known[task_id]

    def changed_since(self, position: int, scope: str) -> list[str]:
        """The ids of a scope's tasks that have changed or gone since `position` was this, each once, oldest first.

        All of them, where that is too long ago.
        """
        missed = self.position - position
        if missed > len(self._changed):
            return [task_id for _, task_id in self._places.get(scope, [])]
        recent = (self._changed[index] for index in range(len(self._changed) - missed, len(self._changed)))
        return list(dict.fromkeys(task_id for each, task_id in recent if each == scope))

    def waiting(self) -> list[str]:
        """The ids of the tasks of all scopes that are to be run or go on, as far as is told of them."""
        statuses = (Status.PENDING, Status.RUNNING)
        return [headline.task_id for headline in self._known.values() if headline.status in statuses]

    def counts(self, scope: str) -> Mapping[Status, int]:
        """How many tasks of each status a scope has."""
        return {status: self._counts[scope, status] for status in Status}

    @property
    def all_counts(self) -> Mapping[Status, int]:
        """The same of all scopes."""
        found: Counter[Status] = Counter()
        for (_, status), count in self._counts.items():
            found[status] += count
        return {status: found[status] for status in Status}


def _whose(headline: Headline) -> tuple[str, Place, str | None]:
    """What it is found by."""
    return headline.scope, headline.place, headline.session
