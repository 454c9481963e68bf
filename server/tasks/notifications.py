"""What a user has yet to learn: which of the tasks have ended since they looked, and of which nobody has told them.

Nothing is kept of a notification but that it was read, or told: which there are is known from the tasks. See
docs/decisions/040.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from server.models import Headline, Personal, Status
from server.stores.base import Store
from server.tasks.catalogue import Catalogue

READ, TOLD = "read", "told"
SLACK_MS = 3_600_000
"""How late an end may become known to who moves a mark, and by how much the clocks of the nodes may differ."""
_ACTIVE = (Status.PENDING, Status.RUNNING, Status.PAUSED)


@dataclass(frozen=True, slots=True)
class Mark:
    """Which ends are done with: all up to ``to``, in milliseconds since 1970, and those of ``ends``: id → when."""

    to: int
    ends: dict[str, int]

    @classmethod
    def of(cls, content: dict[str, Any], name: str) -> "Mark":
        found = content.get(name, {})
        return cls(found.get("to", 0), found.get("ends", {}))

    def has(self, headline: Headline) -> bool:
        return (headline.finished_at or 0) <= self.to or end_id(headline) in self.ends

    def with_these(self, ends: Iterable[Headline]) -> "Mark":
        return Mark(self.to, self.ends | {end_id(each): each.finished_at or 0 for each in ends})

    def tidied(self, ends: Sequence[Headline]) -> "Mark":
        """The same, naming no end that the moment covers or that is gone with its task.

        One that is gone is named for a while: another node may have told of it before this one knows it.

        :param ends: all that there are after ``to``, the last first.
        """
        if not ends:
            return self
        lately = (ends[0].finished_at or 0) - SLACK_MS
        open_ones = ((each.finished_at or 0) - 1 for each in ends if not self.has(each))
        to = max(self.to, min([lately, *open_ones]))
        there = {end_id(each) for each in ends}
        named = {name: at for name, at in self.ends.items() if at > to and (at > lately or name in there)}
        return Mark(to, named)

    def to_json(self) -> dict[str, Any]:
        return {"to": self.to, "ends": self.ends}


@dataclass(frozen=True, slots=True)
class Standing:
    """What there is for a user at this moment. ``ended``: the last first, each with whether it was read."""

    ended: Sequence[tuple[Headline, bool]]
    unread: int
    untold: int
    active: int


def end_id(headline: Headline) -> str:
    """Of one end of a task: when it is retried, or run again, the next end is another one."""
    return f"{headline.task_id}:{headline.generation}:{headline.finished_at}"


class Notifications:
    """Of any number of nodes and pages that ask to tell a user, each end is given to one."""

    def __init__(self, store: Store, catalogue: Catalogue) -> None:
        self._store, self._catalogue = store, catalogue

    async def standing(self, scope: str, most: int) -> Standing:
        """With at most so many of the ends."""
        await self._catalogue.refresh()
        content = (await self._store.personal(scope)).content
        read, told = Mark.of(content, READ), Mark.of(content, TOLD)
        shown: list[tuple[Headline, bool]] = []
        for headline in self._catalogue.last_ended_first(scope, 0):
            if len(shown) == most:
                break
            shown.append((headline, read.has(headline)))
        unread, untold = (len(self._not_in(mark, scope)) for mark in (read, told))
        return Standing(shown, unread, untold, self.active(scope))

    def active(self, scope: str) -> int:
        """How many of a user's tasks have not ended."""
        counts = self._catalogue.counts(scope)
        return sum(counts[status] for status in _ACTIVE)

    async def read(self, scope: str, ids: Collection[str] | None) -> None:
        """The user has read these, or all that there are. An id that is none of theirs is passed over."""
        await self._mark(scope, READ, lambda each: ids is None or end_id(each) in ids)

    async def tell(self, scope: str) -> list[Headline]:
        """The ends that the user was not told of, the last first; whoever asks is to tell them, and nobody else will.

        They are given away as this returns: a page that dies over them has told nobody, and they stay unread.
        """
        return await self._mark(scope, TOLD, lambda each: True)

    async def _mark(self, scope: str, name: str, wanted: Callable[[Headline], bool]) -> list[Headline]:
        await self._catalogue.refresh()
        while True:
            kept = await self._store.personal(scope)
            mark = Mark.of(kept.content, name)
            ends = list(self._catalogue.last_ended_first(scope, mark.to))
            found = [each for each in ends if not mark.has(each) and wanted(each)]
            if not found:
                return []
            grown = mark.with_these(found)
            # While there may be others that are not known yet, none is done with by another one's end.
            if self._catalogue.complete.is_set():
                grown = grown.tidied(ends)
            following = Personal(kept.version + 1, {**kept.content, name: grown.to_json()})
            if await self._store.keep_personal(scope, following):
                return found

    def _not_in(self, mark: Mark, scope: str) -> list[Headline]:
        return [each for each in self._catalogue.last_ended_first(scope, mark.to) if not mark.has(each)]
