"""The owner's side of a task's log: numbering, gathering, and the order durable → folded → published."""

from collections.abc import Callable, Sequence
from typing import Any

import anyio
import orjson

from server.errors import HoldfastError, OwnershipLost, StoreFull
from server.models import EventType, Json, Record, Status, now_ms
from server.stores.base import LogWriter
from server.tasks.state import TaskState

GATHER_SECONDS = 0.02
"""Between two writes; an event after a pause is written at once."""
GATHER_SECONDS_WHEN_SLOW = 0.25
GATHER_BYTES = 16 * 1024
BACKLOG_BYTES = 2 * 1024 * 1024
PUTS_BETWEEN_YIELDS = 200
FULL_RETRY_SECONDS = 1.0

Group = list[tuple[Record, dict[str, Any]]]
Publish = Callable[[Sequence[Record]], None]


class TaskLog:
    """Takes what the workflow emits and makes it the task's log.

    `put` numbers and encodes an event at once; `run` writes what has gathered as one group, and only what the store
    calls durable is folded into the state and published. A full volume holds the task up until there is room.
    """

    def __init__(self, writer: LogWriter, state: TaskState, publish: Publish, may_write: Callable[[], bool]) -> None:
        self.state = state
        self._writer, self._publish, self._may_write = writer, publish, may_write
        self.epoch = writer.epoch
        self._seq = state.seq
        self._waiting: Group = []
        self._waiting_bytes = 0
        self._put_count = 0
        self._written_count = 0
        self._something = anyio.Event()
        self._urgent = anyio.Event()
        self._written = anyio.Event()
        self._next_write_at = float("-inf")
        self._error: HoldfastError | None = None

    @property
    def last_seq(self) -> int:
        """The last event that was numbered; it need not be durable."""
        return self._seq

    def put(self, kind: EventType, data: dict[str, Any], step: str | None = None) -> int:
        """Number an event and hand it to the writer; returns its seq. Returns at once."""
        encoded, data = _encode(data)
        seq = self._seq = self._seq + 1
        self._add(Record(seq, now_ms(), kind, encoded, step), data)
        return seq

    def put_journal(self, kind: EventType, data: dict[str, Any], step: str | None = None) -> None:
        """Hand a record of the journal to the writer. Returns at once."""
        encoded, data = _encode(data)
        self._add(Record(None, now_ms(), kind, encoded, step), data)

    def put_status(self, status: Status, *, attempt: int, node: str | None, reason: str, **more: Json) -> None:
        self.put(EventType.STATUS, {"status": status, "attempt": attempt, "node": node, "reason": reason, **more})

    def _add(self, record: Record, data: dict[str, Any]) -> None:
        if self._error is not None:
            raise self._error
        if not self._waiting:
            self._something.set()
        self._waiting.append((record, data))
        before = self._waiting_bytes
        self._waiting_bytes = waiting = before + len(record.data)
        self._put_count += 1
        if before < GATHER_BYTES <= waiting:
            self._urgent.set()

    def check_lease(self) -> None:
        """Before a write, and before anything that costs money or reaches outside. :raises OwnershipLost:"""
        if not self._may_write():
            raise OwnershipLost("This node could not renew its lease, so it has given the task up.")

    @property
    def crowded(self) -> bool:
        """Whether who has put an event must wait for `room` before the next: to be asked after each."""
        return self._put_count % PUTS_BETWEEN_YIELDS == 0 or self._waiting_bytes >= BACKLOG_BYTES

    async def room(self) -> None:
        """Let others run, and wait while too much waits to be written."""
        await anyio.lowlevel.checkpoint()
        while self._waiting_bytes >= BACKLOG_BYTES:
            await self._next_write()

    async def flush(self) -> None:
        """Return when all that was put is durable and published."""
        target = self._put_count
        self._urgent.set()
        while self._written_count < target:
            await self._next_write()

    async def _next_write(self) -> None:
        if self._error is not None:
            raise self._error
        await self._written.wait()
        if self._error is not None:
            raise self._error

    async def write_out(self) -> None:
        """Write what was put, for a log that `run` does not serve. :raises OwnershipLost, StoreFull, StoreFailed:"""
        while self._waiting:
            self.check_lease()
            with anyio.CancelScope(shield=True):
                left = await self._append(self._take())
            if left:
                raise self.state.stalled or StoreFull()

    async def run(self) -> None:
        """Write until cancelled.

        :raises OwnershipLost, StoreFailed: this ownership has ended; nothing more may be put.
        """
        try:
            while True:
                await self._something.wait()
                if not self._urgent.is_set():
                    with anyio.move_on_at(self._next_write_at):
                        await self._urgent.wait()
                await self._write(self._take())
        except HoldfastError as error:
            self._error = error
            raise
        finally:
            self._announce()

    def _take(self) -> Group:
        taken, self._waiting, self._waiting_bytes = self._waiting, [], 0
        self._something, self._urgent = anyio.Event(), anyio.Event()
        return taken

    async def _write(self, group: Group) -> None:
        while group:
            self.check_lease()
            # What is on its way to the volume must be published when it is there, whatever happens to the workflow.
            with anyio.CancelScope(shield=True):
                group = await self._append(group)
            if group:
                await anyio.sleep(FULL_RETRY_SECONDS)

    async def _append(self, group: Group) -> Group:
        """Write, fold and publish; returns what there was no room for."""
        started = anyio.current_time()
        try:
            await self._writer.append([record for record, _ in group])
            written, self.state.stalled = len(group), None
        except StoreFull as error:
            written, self.state.stalled = error.written, error
        self.state.apply_group(group if written == len(group) else group[:written])
        self._publish([record for record, _ in group[:written]])
        now = anyio.current_time()
        self._next_write_at = now + min(max(GATHER_SECONDS, now - started), GATHER_SECONDS_WHEN_SLOW)
        self._written_count += written
        self._announce()
        return group[written:]

    def _announce(self) -> None:
        written, self._written = self._written, anyio.Event()
        written.set()


def _encode(data: dict[str, Any]) -> tuple[bytes, dict[str, Any]]:
    """One line of JSON, and the data as it now reads: half a surrogate pair, which no stream takes, becomes U+FFFD."""
    try:
        return orjson.dumps(data), data
    except TypeError:
        data = _whole_characters(data)
        return orjson.dumps(data), data


def _whole_characters(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, dict):
        return {_whole_characters(key): _whole_characters(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_whole_characters(item) for item in value]
    return value
