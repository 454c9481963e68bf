"""What a task has been doing, with its times: its finished steps, and its log without the texts of its report."""

import re
from collections.abc import Iterable
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from server.api.access import own_task
from server.api.services import services
from server.api.stream import task_headers
from server.api.tasks import json_response
from server.errors import FieldError, InvalidParameters
from server.models import EventType, Record, iso
from server.stores.base import numbered

MOST_STEPS = 1000
LARGEST_LOG = 512 * 1024
_SEQ = re.compile(r"\d{1,12}", re.ASCII)


async def steps(request: Request) -> Response:
    """The steps that are finished, oldest first: the last thousand, and how many there are in all."""
    life = await own_task(request)
    found = list((await services(request).outlook.state(life)).steps.values())
    told = [step.to_json() for step in found[-MOST_STEPS:]]
    return json_response(
        {"generation": life.generation, "total": len(found), "steps": told}, headers=task_headers(life)
    )


async def log(request: Request) -> Response:
    """The events after ``?after=``, each with its time; of the report's texts, only how long they are."""
    life = await own_task(request)
    seq, entries, more = _after(request.query_params.get("after", "0")), Entries(), True
    reader = services(request).store.reader(life, seq)
    try:
        while more and entries.size < LARGEST_LOG:
            records = await reader.read()
            entries.add(numbered(records))
            more = bool(records)
    finally:
        await reader.close()
    body = {"generation": life.generation, "seq": entries.seq or seq, "more": more, "events": entries.told}
    return json_response(body, headers=task_headers(life))


class Entries:
    """Events as they are told; pieces of one part's text that follow each other are told as one. ``size`` in bytes."""

    def __init__(self) -> None:
        self.told: list[dict[str, Any]] = []
        self.seq = 0
        self.size = 0

    def add(self, records: Iterable[Record]) -> None:
        for record in records:
            self.seq = record.seq or self.seq
            data = orjson.loads(record.data)
            if record.type == EventType.OUTPUT:
                self._add_text(record, data)
            else:
                self.size += len(record.data)
                self._tell(record, data)

    def _add_text(self, record: Record, data: dict[str, Any]) -> None:
        last = self.told[-1] if self.told else None
        if last and last["type"] == EventType.OUTPUT and last["data"]["part"] == data["part"]:
            last["seq"], last["at"] = record.seq, iso(record.at)
            last["data"]["pieces"] += 1
            last["data"]["characters"] += len(data["text"])
        else:
            self._tell(record, {"part": data["part"], "pieces": 1, "characters": len(data["text"])})

    def _tell(self, record: Record, data: dict[str, Any]) -> None:
        entry = {"seq": record.seq, "at": iso(record.at), "type": record.type, "step": record.step, "data": data}
        self.told.append(entry)


def _after(text: str) -> int:
    """:raises InvalidParameters: this is no event's number."""
    if _SEQ.fullmatch(text) is None:
        raise InvalidParameters(errors=[FieldError("after", "not_a_number", "Send the number of an event, as 42.")])
    return int(text)
