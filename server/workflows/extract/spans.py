"""Stretches of a text that don't overlap, kept in order, so that a long text costs little more than its length."""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Sequence
from typing import Protocol, TypeVar


class Spanned(Protocol):
    """Anything that stands somewhere in a text."""

    @property
    def start(self) -> int:
        """The first code point of it."""

    @property
    def end(self) -> int:
        """The first code point after it."""


T = TypeVar("T", bound=Spanned)


class Spans:
    """Where something stands already."""

    def __init__(self) -> None:
        self._spans: list[tuple[int, int]] = []

    def free(self, one: Spanned) -> bool:
        """Whether nothing stands there."""
        after = bisect_right(self._spans, (one.start, one.end))
        overlaps = after > 0 and self._spans[after - 1][1] > one.start
        return not overlaps and not (after < len(self._spans) and self._spans[after][0] < one.end)

    def take(self, one: Spanned) -> bool:
        """Take its place, if nothing stands there. Returns whether it was free."""
        if not self.free(one):
            return False
        insort(self._spans, (one.start, one.end))
        return True


def inside(ordered: Sequence[T], start: int, end: int) -> list[T]:
    """Those that stand between ``start`` and ``end`` as a whole, of a sequence in the order of the text."""
    first = bisect_left(ordered, start, key=lambda one: one.start)
    last = bisect_left(ordered, end, key=lambda one: one.start)
    return [one for one in ordered[first:last] if one.end <= end]


def without(ones: Sequence[T], others: Sequence[Spanned]) -> list[T]:
    """Those that overlap none of the others, which don't overlap each other."""
    taken = Spans()
    for other in others:
        taken.take(other)
    return [one for one in ones if taken.free(one)]
