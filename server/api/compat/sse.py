"""`/api/sse` of the deep-research API: its parameter names and its events over a research task.

Its events are `infor`, `message`, `reasoning`, `progress` and `error`, with valid JSON in each. Ids are Holdfast's
own, so a client that sends Last-Event-ID resumes exactly.
"""

from typing import Any

import orjson
from sse_starlette.event import ServerSentEvent
from starlette.requests import Request
from starlette.responses import Response

from server import __version__
from server.api.access import principal
from server.api.compat.deep_research_words import passed_over, step_of, translated
from server.api.requests import json_object, query_tree, request_for
from server.api.services import services
from server.api.stream import event_stream, last_event_id
from server.errors import MethodNotAllowed
from server.fingerprint import clean
from server.models import EventType, Json, Life
from server.streaming import sse
from server.streaming.resume import reads_on


async def deep_research(request: Request) -> Response:
    """Start or attach to a research task by the deep-research API's names, and stream it with that API's events."""
    if request.method == "HEAD":
        raise MethodNotAllowed("HEAD would start a task; use GET or POST.")
    from_query = request.method == "GET"
    given = clean(query_tree(request) if from_query else await json_object(request))
    given.pop("after", None)
    parts = services(request)
    research = parts.registry.get("research")
    wanted = request_for(research, translated(given), principal(request).scope, from_query=from_query)
    given_id = last_event_id(request)
    submission = await parts.manager.submit(wanted, lambda life: reads_on(given_id, life.generation))
    life = submission.life
    model = life.model.get("name") if isinstance(life.model, dict) else None
    searched = life.search.get("providers", []) if isinstance(life.search, dict) else []
    wire = DeepResearchWire(life, passed_over(given, model, searched))
    return event_stream(request, submission, given_id, wire)


class DeepResearchWire:
    """That API's events. Their ids are Holdfast's own."""

    name = "deep-research"
    media_type = "text/event-stream; charset=utf-8"
    ping = sse.PING

    def __init__(self, life: Life, passed_over: dict[str, str]) -> None:
        self._life, self._passed_over = life, passed_over

    def frames(self, frames: list[sse.Frame]) -> bytes:
        generation = self._life.generation
        return b"".join(_event(*_translate(frame), sse.event_id(generation, frame.seq)) for frame in frames)

    def unnumbered(self, event: str, data: Json) -> bytes:
        if event == "task":
            task = self._life.task_id
            infor = {"name": "holdfast", "version": __version__, "task": task, "passedOver": self._passed_over}
            return b"retry: %d\n" % sse.RETRY_MS + _event("infor", infor, None)
        if event == "failure" and isinstance(data, dict):
            return _event("error", {"code": data["code"], "message": data["message"]}, None)
        return _event("infor", {"type": event, **(data if isinstance(data, dict) else {})}, None)

    def goodbye(self) -> bytes:
        return b"retry: %d\n" % sse.RETRY_MS


def _translate(frame: sse.Frame) -> tuple[str, dict[str, Any]]:
    data: dict[str, Any] = orjson.loads(frame.data)
    match frame.type:
        case EventType.OUTPUT:
            return "message", {"type": "text", "text": data["text"]}
        case EventType.REASONING:
            return "reasoning", {"type": "text", "text": data["text"]}
        case EventType.PROGRESS:
            ended = data["percentage"] >= 100
            step = {"step": step_of(data["current"]), "stage": data["step"]}
            return "progress", {**data, **step, "name": data["message"], "status": "end" if ended else "start"}
        case EventType.FAILURE:
            return "error", {"code": data["code"], "message": data["message"]}
        case _:
            return "infor", {"type": frame.type, **data}


def _event(event: str, data: dict[str, Any], event_id: str | None) -> bytes:
    return ServerSentEvent(orjson.dumps(data).decode(), event=event, id=event_id, sep="\n").encode()
