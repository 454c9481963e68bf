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
from server.api.requests import json_object, query_tree, request_for
from server.api.services import services
from server.api.stream import event_stream, last_event_id
from server.errors import FieldError, InvalidParameters, MethodNotAllowed
from server.fingerprint import clean
from server.models import EventType, Json, Life
from server.streaming import sse
from server.streaming.resume import reads_on

NAMES = {
    "query": "query",
    "maxResult": "max_results",
    "enableReferences": "references",
    "enableCitationImage": "images",
    "thinkingModel": "thinking_model",
    "taskModel": "model",
}
LANGUAGES = {"en": "en", "zh": "zh", "english": "en", "chinese": "zh", "中文": "zh", "简体中文": "zh"}
PASSED_OVER = ("provider", "searchProvider", "temperature")
STAGES = {
    "systemQuestionPrompt": "scope",
    "reportPlanPrompt": "plan",
    "serpQueriesPrompt": "plan",
    "queryResultPrompt": "learn",
    "searchResultPrompt": "learn",
    "searchKnowledgeResultPrompt": "learn",
    "reviewPrompt": "gaps",
    "outputGuidelinesPrompt": "write",
    "guidelinesPrompt": "write",
    "citationRulesPrompt": "write",
    "finalReportPrompt": "write",
    "finalReportCitationImagePrompt": "write",
    "finalReportReferencesPrompt": "write",
}
"""That API's prompts, by the stage at which Holdfast's model is told them; its `systemInstruction` is told at all."""
OVERRIDES = "promptOverrides"


async def deep_research(request: Request) -> Response:
    """Start or attach to a research task by the deep-research API's names, and stream it with that API's events."""
    if request.method == "HEAD":
        raise MethodNotAllowed("HEAD would start a task; use GET or POST.")
    from_query = request.method == "GET"
    given = clean(query_tree(request) if from_query else await json_object(request))
    passed_over = [name for name in PASSED_OVER if given.pop(name, None) is not None]
    given.pop("after", None)
    wanted = request_for(
        services(request).registry.get("research"), _translated(given), principal(request).scope, from_query=from_query
    )
    given_id = last_event_id(request)
    submission = await services(request).manager.submit(wanted, lambda life: reads_on(given_id, life.generation))
    wire = DeepResearchWire(submission.life, passed_over)
    return event_stream(request, submission, given_id, wire)


def _translated(given: dict[str, Any]) -> dict[str, Any]:
    """That API's parameters under this one's names. :raises InvalidParameters: some have no counterpart."""
    language, overrides = given.pop("language", None), given.pop(OVERRIDES, None)
    unknown = [name for name in given if name not in NAMES]
    if unknown:
        known = ", ".join([*NAMES, "language", OVERRIDES, *PASSED_OVER])
        raise InvalidParameters(f"Unknown: {', '.join(unknown)[:200]}. This address takes: {known}.")
    params = {NAMES[name]: value for name, value in given.items()} | _overriding(overrides)
    if isinstance(language, str):
        short = language.lower()
        params["language"] = LANGUAGES.get(short) or LANGUAGES.get(short.partition("-")[0], "auto")
    return params


def _overriding(given: Any) -> dict[str, Any]:
    """Its overrides of prompts, an object or one as JSON text. Ours stay: these are told beside them.

    :raises InvalidParameters: this is no object of texts, or some have no counterpart.
    """
    if isinstance(given, str):
        try:
            given = orjson.loads(given) if given else {}
        except orjson.JSONDecodeError:
            given = [given]
    if given is None:
        return {}
    known = ["systemInstruction", *STAGES]
    if not isinstance(given, dict) or not all(isinstance(text, str) for text in given.values()):
        raise InvalidParameters(errors=[FieldError(OVERRIDES, "not_an_object", "Send an object of texts.")])
    if unknown := [name for name in given if name not in known]:
        told = f"{', '.join(unknown)[:200]} is unknown; these can be overridden: {', '.join(known)}."
        raise InvalidParameters(errors=[FieldError(OVERRIDES, "unknown_prompt", told)])
    texts = {name: text.strip() for name, text in given.items() if text.strip()}
    stages: dict[str, list[str]] = {}
    for name, text in texts.items():
        if name in STAGES:
            stages.setdefault(STAGES[name], []).append(text)
    params: dict[str, Any] = {"prompts": {stage: "\n".join(told) for stage, told in stages.items()}} if stages else {}
    return params | ({"instructions": texts["systemInstruction"]} if "systemInstruction" in texts else {})


class DeepResearchWire:
    """That API's events. Their ids are Holdfast's own."""

    name = "deep-research"
    media_type = "text/event-stream; charset=utf-8"
    ping = sse.PING

    def __init__(self, life: Life, passed_over: list[str]) -> None:
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
            return "progress", {**data, "name": data["message"], "status": "end" if ended else "start"}
        case EventType.FAILURE:
            return "error", {"code": data["code"], "message": data["message"]}
        case _:
            return "infor", {"type": frame.type, **data}


def _event(event: str, data: dict[str, Any], event_id: str | None) -> bytes:
    return ServerSentEvent(orjson.dumps(data).decode(), event=event, id=event_id, sep="\n").encode()
