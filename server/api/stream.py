"""Starting, attaching and streaming: `/api/stream`, and the events of a task that is there."""

from functools import partial
from typing import cast

import orjson
from starlette.requests import Request
from starlette.responses import Response
from structlog.contextvars import bind_contextvars

from server.api.access import own_task_now
from server.api.requests import task_request
from server.api.services import LONGEST_REPLAY, Services, services
from server.api.told import told
from server.errors import MethodNotAllowed
from server.models import Json, Life
from server.streaming.hub import Subscription
from server.streaming.recording import Recording
from server.streaming.response import EventStream, TaskStream
from server.streaming.resume import reads_on, resume_point
from server.streaming.source import Source, TaskSource
from server.streaming.whole import WholeResponse
from server.streaming.wire import NdjsonWire, SseWire, Wire
from server.tasks.manager import Submission

NDJSON = "application/x-ndjson"
EMBEDDED = "embedded"


async def stream(request: Request) -> Response:
    """Start or attach, and stream, in one request."""
    if request.method == "HEAD":
        raise MethodNotAllowed("HEAD would start a task; use GET or POST.")
    wanted = await task_request(request)
    # What a GET has in its address was read with all else in it.
    seen = request.headers.get("last-event-id") if request.method == "GET" else last_event_id(request)
    given = seen or wanted.after
    manager = services(request).manager
    submission = await manager.submit(wanted, lambda life: reads_on(given, life.generation))
    return event_stream(request, submission, given)


async def task_events(request: Request) -> Response:
    """The events of a task that is there."""
    life, now = await own_task_now(request)
    return event_stream(request, Submission(life, reused=True, now=now), last_event_id(request))


def last_event_id(request: Request) -> str | None:
    """What the client has seen; the header wins over ``?after=``."""
    return request.headers.get("last-event-id") or request.query_params.get("after") or None


def event_stream(request: Request, submission: Submission, given: str | None, wire: Wire | None = None) -> Response:
    """The stream of a life from where the reader is; 204 for one that has seen it all."""
    life, now = submission.life, submission.now
    bind_contextvars(task=life.task_id)
    parts = services(request)
    point = resume_point(given, life.generation, now.seq, now.ended)
    if point.over:
        return Response(status_code=204, headers=task_headers(life))
    opening: list[tuple[str, Json]] = [("task", cast("Json", orjson.Fragment(told(parts, submission))))]
    if point.reset is not None:
        opening.append(("reset", {"reason": point.reset}))
    recording: tuple[str, int] | None = None
    if wire is None:
        wire = NdjsonWire(life.generation) if wants_ndjson(request) else SseWire()
        if now.ended is not None and point.after == 0 and isinstance(wire, SseWire):
            recording = life.generation, now.ended
            if (events := parts.recordings.get(recording)) is not None:
                begin = b"".join([wire.unnumbered(event, data) for event, data in opening])
                content_type = b"content-type", wire.media_type.encode()
                return WholeResponse(200, [*raw_task_headers(life), content_type], begin + events)
    headers = task_headers(life)
    # What was seen to have ended was durable by then.
    subscription = parts.hub.subscribe(life, point.after, durable_to=now.ended or 0)
    stalled = partial(parts.outlook.stalled, life)
    source = TaskSource(subscription, wire, opening, stalled, on_damage=partial(parts.outlook.state, life))
    if now.ended is None or not isinstance(wire, SseWire):
        return TaskStream(source, parts.audience, parts.settings, headers)
    finished: Source = parts.replays.source(life, subscription, source, now.ended)
    if recording is not None:
        finished = Recording(finished, LONGEST_REPLAY, partial(_keep, parts, subscription, recording))
    return EventStream(finished, parts.settings, headers)


def _keep(parts: Services, subscription: Subscription, recording: tuple[str, int], events: bytes) -> None:
    """Only where the stream has ended with the very event that was its last one: another may have followed since."""
    if subscription.ended and subscription.seq == recording[1]:
        parts.recordings.keep(recording, events, len(events))


def wants_ndjson(request: Request) -> bool:
    return NDJSON in request.headers.get("accept", "").lower()


def task_headers(life: Life) -> dict[str, str]:
    return {name.decode(): value.decode() for name, value in raw_task_headers(life)}


def raw_task_headers(life: Life) -> list[tuple[bytes, bytes]]:
    """As they go over the wire."""
    model = life.model.get("name") if isinstance(life.model, dict) else life.model
    return [
        (b"x-task-id", life.task_id.encode()),
        (b"x-model-name", str(model or EMBEDDED).encode("ascii", "replace")),
        (b"x-accel-buffering", b"no"),
        (b"cache-control", b"no-store"),
    ]
