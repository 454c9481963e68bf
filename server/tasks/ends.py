"""Which tasks have ended, by whose they are and in the order of their ends."""

import bisect
from collections.abc import Iterable, Iterator

from server.models import Headline

End = tuple[int, str]
"""See `Headline.end`."""


class Ends:
    """A scope's ends in their order. What has not ended is passed over."""

    def __init__(self) -> None:
        self._of: dict[str, list[End]] = {}

    def fill(self, headlines: Iterable[Headline]) -> None:
        """All at once, in the place of all that is known."""
        self._of = {}
        for headline in headlines:
            if headline.end is not None:
                self._of.setdefault(headline.scope, []).append(headline.end)
        for ends in self._of.values():
            ends.sort()

    def put(self, headline: Headline) -> None:
        if headline.end is not None:
            bisect.insort(self._of.setdefault(headline.scope, []), headline.end)

    def drop(self, headline: Headline) -> None:
        """As it was put."""
        if headline.end is not None:
            ends = self._of[headline.scope]
            del ends[bisect.bisect_left(ends, headline.end)]

    def last_first(self, scope: str, after: int) -> Iterator[str]:
        """The ids of those that ended after this moment, in milliseconds."""
        for at, task_id in reversed(self._of.get(scope, ())):
            if at <= after:
                return
            yield task_id
