"""Reports as documents that take a while to make: one of a kind at a time, and kept for whoever asks again."""

from collections import defaultdict
from collections.abc import Awaitable, Callable

import anyio

from server.api.kept import Kept
from server.errors import BrowserMissing, QueueFull
from server.reports.pdf import Printer

MOST_WAITING = 16
RETRY_SECONDS = 15
MOST_KEPT_BYTES = 32 * 1024 * 1024
LONGEST_KEPT_BYTES = 8 * 1024 * 1024


class Documents:
    """:param printer: what makes PDFs; without one there are none."""

    def __init__(self, printer: Printer | None) -> None:
        self._printer = printer
        self._kept: Kept[bytes] = Kept(MOST_KEPT_BYTES, LONGEST_KEPT_BYTES)
        self._turns: dict[str, anyio.Semaphore] = defaultdict(lambda: anyio.Semaphore(1))
        self._waiting = 0

    @property
    def printer(self) -> Printer:
        """:raises BrowserMissing: this server has none."""
        if self._printer is None:
            raise BrowserMissing
        return self._printer

    async def made(self, name: str, ending: str, make: Callable[[], Awaitable[bytes]]) -> bytes:
        """The document of this name and format; the name says all that it depends on.

        :raises QueueFull: too many wait for theirs already.
        """
        key = name, ending
        found = self._kept.get(key)
        if found is not None:
            return found
        if self._waiting >= MOST_WAITING:
            raise QueueFull("Too many reports are being made at the moment; ask again.", retry_after=RETRY_SECONDS)
        self._waiting += 1
        try:
            async with self._turns[ending]:
                found = self._kept.get(key)  # whoever was before may have wanted the same
                if found is None:
                    found = await make()
                    self._kept.keep(key, found, len(found))
                return found
        finally:
            self._waiting -= 1
