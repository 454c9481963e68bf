"""A disk that says how long it took to make things durable."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from server.stores.disk import Disk


class TimedDisk(Disk):
    """``synced`` gets the name of each such call and how many seconds it took, also when it failed."""

    def __init__(self, synced: Callable[[str, float], None]) -> None:
        self._synced = synced

    def sync(self, handle: int) -> None:
        with self._timed("fsync"):
            super().sync(handle)

    def sync_data(self, handle: int) -> None:
        with self._timed("fdatasync"):
            super().sync_data(handle)

    def sync_folder(self, path: Path) -> None:
        with self._timed("fsync_folder"):
            super().sync_folder(path)

    @contextmanager
    def _timed(self, call: str) -> Iterator[None]:
        started = time.monotonic()
        try:
            yield
        finally:
            self._synced(call, time.monotonic() - started)
