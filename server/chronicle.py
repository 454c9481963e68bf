"""The life of each task of this node, told as it goes on: a line of the log at each turn, and the figures."""

import logging
import time
from collections.abc import Sequence
from typing import Any

import orjson

from server.metrics import Metrics
from server.models import EventType, Life, Record, Status
from server.stores.base import LogWriter
from server.tasks.claims import Stage
from server.tasks.log import Publish
from server.tasks.runner import HANDED_OVER
from server.tasks.tenures import Tenure

STATUS = str(EventType.STATUS)
"""Looked up once: every event of this node is compared with it."""

logger = logging.getLogger(__name__)


class Chronicle:
    """A `Witness`, and a `Stage` before another one: what is durable goes on to that, and changes of status are told.

    No title, parameter or text of a task is ever told.
    """

    def __init__(self, stage: Stage, metrics: Metrics, node: str) -> None:
        self._stage, self._metrics, self._node = stage, metrics, node

    def enter(self, life: Life) -> Publish:
        publish = self._stage.enter(life)

        def published(records: Sequence[Record]) -> None:
            publish(records)
            events = 0
            for record in records:
                if record.seq is not None:
                    events += 1
                    if record.type == STATUS:
                        self._status_changed(life, orjson.loads(record.data))
            self._metrics.published(events)

        return published

    def leave(self, life: Life) -> None:
        self._stage.leave(life)

    def created(self, life: Life) -> None:
        self._metrics.created(life.kind)
        self._tell(life, "is created", life=life.number)

    def claimed(self, life: Life, epoch: int, before: Tenure | None) -> None:
        died = before is not None and not before.released and before.node != self._node
        self._metrics.claimed(taken_over=died)
        more = {"taken_over_from": before.node} if before is not None and died else {}
        self._tell(life, "is claimed", epoch=epoch, **more)

    def quarantined(self, life: Life, found: str) -> None:
        self._metrics.quarantined()
        logger.error("task %s is quarantined: %s", life.task_id, found, extra=_fields(life))

    def timed(self, writer: LogWriter) -> LogWriter:
        return _TimedWriter(writer, self._metrics)

    def _status_changed(self, life: Life, data: dict[str, Any]) -> None:
        status, reason = Status(data["status"]), data["reason"]
        self._metrics.status_changed(status)
        if reason == HANDED_OVER.reason:
            self._metrics.handed_over()
        self._tell(life, f"is {status}", status=status, reason=reason, attempt=data["attempt"])

    def _tell(self, task: Life, what: str, **more: object) -> None:
        logger.info("task %s %s", task.task_id, what, extra={**_fields(task), **more})


def _fields(life: Life) -> dict[str, object]:
    return {"task": life.task_id, "generation": life.generation, "kind": life.kind}


class _TimedWriter:
    """A log's writer whose appends are timed, from handing a group over to its being durable and still this node's."""

    def __init__(self, writer: LogWriter, metrics: Metrics) -> None:
        self._writer, self._metrics = writer, metrics
        self.epoch = writer.epoch

    async def append(self, records: Sequence[Record]) -> None:
        started = time.monotonic()
        try:
            await self._writer.append(records)
        finally:
            self._metrics.appended(time.monotonic() - started)

    async def close(self) -> None:
        await self._writer.close()
