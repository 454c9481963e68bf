"""The newest headline of each task, and which of them have changed, in their order."""

from collections import deque
from collections.abc import Iterator, KeysView

from server.models import Headline, Status
from server.stores.base import Changes

CHANGES_KEPT = 100_000
GONE_KEPT = 100_000


class Headlines:
    """What is told of tasks may come late, twice, and in any order: the newest counts."""

    def __init__(self) -> None:
        self._known: dict[str, Headline] = {}
        self._gone: dict[str, None] = {}
        self._changed: deque[str] = deque(maxlen=CHANGES_KEPT)
        self._ever_changed = 0

    def __iter__(self) -> Iterator[Headline]:
        return iter(self._known.values())

    def __len__(self) -> int:
        return len(self._known)

    def __contains__(self, task_id: str) -> bool:
        return task_id in self._known

    @property
    def ids(self) -> KeysView[str]:
        return self._known.keys()

    def put(self, headline: Headline) -> bool | None:
        """Take it in if it is newer than what is known; returns whether it was.

        None where that can't be told, and then nothing was done: after a removal the same id may begin again with
        lower numbers, and a late headline of before looks like a newer one.
        """
        known = self._known.get(headline.task_id)
        if headline.generation in self._gone:
            return False
        if known is not None:
            if known.generation != headline.generation:
                if (headline.number > known.number) != (headline.created_at > known.created_at):
                    return None
                if headline.number <= known.number:
                    return False if headline.number < known.number else None
            elif _standing(headline) < _standing(known) or headline == known:
                return False
        self.set(headline)
        return True

    def set(self, headline: Headline) -> None:
        """Somebody has looked at the task: this is how it is."""
        self._known[headline.task_id] = headline
        self._note(headline.task_id)

    def drop(self, task_id: str, generation: str | None = None) -> bool:
        """The task was removed, when this was its current life (None: whichever was); returns whether it was known."""
        if generation is not None:
            self._gone[generation] = None
            if len(self._gone) > GONE_KEPT:
                del self._gone[next(iter(self._gone))]
        known = self._known.get(task_id)
        if known is None or generation not in (None, known.generation):
            return False
        del self._known[task_id]
        self._note(task_id)
        return True

    def _note(self, task_id: str) -> None:
        self._ever_changed += 1
        self._changed.append(task_id)

    def since(self, cursor: object) -> Changes:
        """What `server.stores.base.Store.changes` returns."""
        missed = self._ever_changed - cursor if isinstance(cursor, int) else None
        if missed is None or not 0 <= missed <= len(self._changed):
            return Changes(self._ever_changed, list(self._known.values()), [], anew=True)
        changed = dict.fromkeys(self._changed[index] for index in range(-1, -missed - 1, -1))
        found = [self._known[task_id] for task_id in changed if task_id in self._known]
        return Changes(self._ever_changed, found, [each for each in changed if each not in self._known], anew=False)


def _standing(headline: Headline) -> tuple[int, bool, int]:
    """Of two headlines of a life the greater counts. An owner that has failed it does nothing more with it, and where
    its log turned out to be damaged, it ends before what was told of it."""
    return headline.epoch, headline.status is Status.FAILED, headline.seq
