"""What is kept in memory to be found again, no more than so many bytes of it."""

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

T = TypeVar("T")


class Kept(Generic[T]):
    """Drops what was asked for longest ago. A thing that is larger than ``longest`` is not kept. Sizes are in bytes."""

    def __init__(self, most: int, longest: int) -> None:
        self._most, self._longest = most, longest
        self._found: OrderedDict[Hashable, tuple[T, int]] = OrderedDict()
        self._size = 0

    def get(self, key: Hashable) -> T | None:
        found = self._found.get(key)
        if found is None:
            return None
        self._found.move_to_end(key)
        return found[0]

    def keep(self, key: Hashable, thing: T, size: int) -> None:
        if size > self._longest or key in self._found:
            return
        self._found[key] = thing, size
        self._size += size
        while self._size > self._most:
            self._size -= self._found.popitem(last=False)[1][1]
