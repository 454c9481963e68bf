"""How many tasks of each status there are, counted beside the work."""

import logging
import time
from collections import Counter
from collections.abc import Mapping

import anyio

from server.errors import HoldfastError
from server.models import Status
from server.stores.base import Store

CENSUS_SECONDS = 10.0
CENSUS_SHARE = 20
"""A count that took long is made again no sooner than after 20 times as long."""

logger = logging.getLogger(__name__)


class Census:
    """Counts when it was asked for and some time has passed, so whoever asks gets the last count and never waits.

    ``counts`` is of all scopes and all nodes; ``counted_at`` is in seconds since 1970, None before the first count.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._wanted = anyio.Event()
        self.counts: Mapping[Status, int] = {}
        self.counted_at: float | None = None

    def want(self) -> None:
        """Somebody reads the counts: they are to be kept fresh for a while."""
        self._wanted.set()

    async def run(self) -> None:
        """Count until cancelled."""
        while True:
            await self._wanted.wait()
            self._wanted = anyio.Event()
            started = anyio.current_time()
            try:
                await self.count()
            except HoldfastError as error:
                logger.warning("could not count the tasks: %s", error.detail)
            except Exception:  # the outermost loop: figures may be old, the work must not suffer
                logger.exception("could not count the tasks")
            took = anyio.current_time() - started
            await anyio.sleep(max(CENSUS_SECONDS, CENSUS_SHARE * took))

    async def count(self) -> None:
        """By the heads of snapshots, which the store keeps in memory. A task without one has not been taken up yet."""
        heads = await self._store.snapshots()
        ids = await self._store.task_ids()
        found = Counter(head.get("status") for head in heads)
        found[Status.PENDING] += len(set(ids) - {head["taskId"] for head in heads})
        self.counts = {status: found[status] for status in Status}
        self.counted_at = time.time()
