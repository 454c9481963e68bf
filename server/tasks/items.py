"""What has become of each item of a batch, as its task's log tells it: on any node, and while the task runs."""

import contextlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

import orjson
from anyio import to_thread

from server.errors import LogCorrupt
from server.lately import Lately
from server.models import EventType, Life, Record
from server.stores.base import Store
from server.tasks.journal import UPGRADED
from server.tasks.shared import Shared

BATCHES_KEPT = 32


@dataclass(frozen=True, slots=True)
class Known:
    """The data of each finished item's event, by the item's key.

    ``seq``: an event, after which come all those of items that are not among them.
    """

    items: dict[str, dict[str, Any]]
    seq: int


class Outcomes:
    """The fold over a log: the items of finished steps.

    One whose step did not finish will be done again, so it does not count: what is counted never goes back.
    """

    def __init__(self) -> None:
        self.known: dict[str, dict[str, Any]] = {}
        self._told: dict[str | None, list[tuple[int, dict[str, Any]]]] = {}
        self._last = 0

    @property
    def seq(self) -> int:
        """See `Known`."""
        return min((seq - 1 for told in self._told.values() for seq, _ in told), default=self._last)

    def add(self, records: Iterable[Record]) -> None:
        for record in records:
            self._last = record.seq or self._last
            match record.type:
                case EventType.ITEM:
                    self._told.setdefault(record.step, []).append((self._last, orjson.loads(record.data)))
                case EventType.STEP:
                    for _, item in self._told.pop(orjson.loads(record.data)["key"], ()):
                        self.known[item["key"]] = item
                case EventType.STATUS:
                    # Told before by somebody who died over it: it is told anew, if it comes to that again.
                    self._told = {}
                    if orjson.loads(record.data)["reason"] == UPGRADED:
                        self.known = {}


class Items:
    """Reads the log, once for all who ask at the same time, and again only when there is more of it."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._readings = Shared[Known]()
        self._read = Lately[str, tuple[int, Known]](BATCHES_KEPT)

    async def of(self, life: Life, seq: int) -> Known:
        """What is known by now, which is no less than what was known at that event.

        Of a damaged log what stands before the damage counts.

        :param seq: the last event that is known of the life; what was read up to it before is not read again.
        :raises TaskNotFound: the life has been removed.
        """
        known = self._read.get(life.generation)
        if known is not None and known[0] == seq:
            return known[1]
        return await self._readings.get(life.generation, partial(self._read_log, life))

    async def _read_log(self, life: Life) -> Known:
        outcomes, seq, complete = Outcomes(), 0, False
        reader = self._store.reader(life)
        try:
            with contextlib.suppress(LogCorrupt):
                while not complete and (batch := await reader.read()):
                    complete = reader.complete
                    # A long log is a lot of decoding, and others wait on this loop.
                    await to_thread.run_sync(outcomes.add, batch)
                    seq = max([seq, *(record.seq or 0 for record in batch)])
        finally:
            await reader.close()
        known = Known(outcomes.known, outcomes.seq)
        if complete:
            self._read.keep(life.generation, (seq, known))
        return known
