"""`/api/background_task/…` of the browser batch: its names and answers over the batch of a session."""

from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from functools import wraps
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from server.api.access import principal
from server.api.compat.background_words import refusal, said_of_start, said_of_status, said_of_stop
from server.api.languages import preferred
from server.api.problems import MEDIA_TYPE, describe, on_holdfast_error
from server.api.requests import json_object, request_for
from server.api.services import services
from server.api.sessions import events_url, page_url, percent, session_of
from server.api.stream import task_headers
from server.api.tasks import json_response
from server.errors import FieldError, HoldfastError, InvalidParameters, TaskEnded
from server.fingerprint import clean
from server.models import Status
from server.tasks.batches import KIND, Batch, Pages, PageState
from server.tasks.manager import TaskRequest

KEPT = ("tasks", "parallelism", "on_failure", "share_session", "budget")
"""What a start that names no pages takes from the session's newest task; all else is asked for each time."""

STATUSES = {
    Status.PENDING: "running",
    Status.RUNNING: "running",
    Status.PAUSED: "stopped",
    Status.STOPPED: "stopped",
    Status.COMPLETED: "completed",
    Status.FAILED: "error",
}

Handler = Callable[[Request], Awaitable[Response]]


def _telling(handler: Handler) -> Handler:
    """Errors are problem documents here as everywhere, and have `success` and `message` as well."""

    @wraps(handler)
    async def answer(request: Request) -> Response:
        try:
            return await handler(request)
        except HoldfastError as error:
            response = await on_holdfast_error(request, error)
            told = {**describe(error), "success": False, "message": refusal(error, _language(request))}
            kept = {
                name: response.headers[name] for name in ("Cache-Control", "Retry-After") if name in response.headers
            }
            return Response(orjson.dumps(told), error.status, kept, MEDIA_TYPE)

    return answer


@_telling
async def start(request: Request) -> Response:
    """Start the batch of a session, attach to it, or go on with it: `{"task_indices": [0, 1, 2]}`."""
    batches, scope, language = services(request).batches, principal(request).scope, _language(request)
    body = clean(await json_object(request))
    session = session_of(request, body)
    newest = await batches.newest(scope, session)
    wanted = _wanted(request, body, session, newest)
    life, beginning = await batches.start(wanted, newest)
    pages = batches.pages_in(wanted.params)
    skipped = _not_now(pages)
    told = {
        "success": True,
        "message": said_of_start(beginning, len(pages.chosen), skipped, language),
        "session": session,
        "url": page_url(session),
        "task_id": life.task_id,
        "events_url": f"/api/tasks/{life.task_id}/events",
        "skipped": skipped,
    }
    return json_response(told, headers=task_headers(life))


def _wanted(request: Request, body: dict[str, Any], session: str, newest: Batch | None) -> TaskRequest:
    """:raises InvalidParameters: it can't be carried out, or the session has no pages and the request names none."""
    if "tasks" not in body:
        if newest is None:
            message = "This session has no pages yet: send them in `tasks`, with the first start."
            raise InvalidParameters(errors=[FieldError("tasks", "no_pages", message)])
        kept = newest.life.params
        body = {**{name: kept[name] for name in KEPT if name in kept}, **body}
    body = {"batch": session, **body}
    wanted = request_for(services(request).registry.get(KIND), body, principal(request).scope, from_query=False)
    return replace(wanted, session=session)


def _not_now(pages: Pages) -> list[dict[str, Any]]:
    """The pages that are passed over because of the time: expired, or not yet due."""
    now = datetime.now(UTC)
    chosen = [(index, pages.tasks[index]) for index in sorted(pages.chosen)]
    return [
        {"index": index, "key": pages.key_of(index), "title": page.title or page.url or "", "code": code}
        for index, page in chosen
        if (code := page.not_now(now)) is not None
    ]


@_telling
async def status(request: Request) -> Response:
    """How far the batch of a session has come: `{"success": true, "task_status": {…}}`."""
    session = session_of(request, {})
    batch = await services(request).batches.newest(principal(request).scope, session)
    told = _status(batch, _language(request))
    headers = {} if batch is None else task_headers(batch.life)
    told = {**told, "session": session, "url": page_url(session)}
    return json_response({"success": True, "task_status": told}, headers=headers)


@_telling
async def stop(request: Request) -> Response:
    """Stop the batch of a session; pages that are done stay done, and `start` goes on."""
    body = clean(await json_object(request))
    session, parts = session_of(request, body), services(request)
    batch = await parts.batches.newest(principal(request).scope, session)
    stopped = False
    if batch is not None and not batch.status.terminal:
        try:
            stopped = (await parts.steering.stop(batch.life))["status"] == Status.STOPPED
        except TaskEnded:  # in this instant, by itself
            stopped = False
    told = {"success": True, "message": said_of_stop(stopped, _language(request)), "session": session}
    return json_response(told)


def _status(batch: Batch | None, language: str) -> dict[str, Any]:
    if batch is None:
        counts = dict.fromkeys(_COUNTS.values(), 0)
        idle = {"status": "idle", "total_tasks": 0, **counts, "progress_percent": 0, "current_task_progress": 0}
        return {**idle, "message": said_of_status("idle", counts, 0, None, language), "task_id": None}
    found, total, view = Counter(batch.states()), batch.total, batch.view
    counts = {name: found[state] for state, name in _COUNTS.items()}
    status, error = STATUSES[batch.status], view["error"]
    shown = "pending" if batch.status is Status.PENDING else status
    current = None if batch.current is None else batch.outlines[batch.current]
    return {
        "status": status,
        "total_tasks": total,
        **counts,
        "progress_percent": percent(found, total),
        "current_task_progress": int(batch.current_percentage),
        "current_task": None if current is None else current.title or current.url,
        "current_task_index": batch.current,
        "eta_seconds": view["progress"]["eta_seconds"],
        "message": said_of_status(shown, counts, total, error, language),
        "error": error,
        "start_time": view["started_at"],
        "end_time": view["finished_at"],
        "task_id": batch.life.task_id,
        "events_url": events_url(batch),
    }


_COUNTS = {
    PageState.COMPLETED: "completed_tasks",
    PageState.FAILED: "failed_tasks",
    PageState.SKIPPED: "skipped_tasks",
    PageState.NEEDS_CONFIRMATION: "needs_confirmation_tasks",
}


def _language(request: Request) -> str:
    """Chinese, as that system is, unless `lang` or `Accept-Language` says English."""
    named = request.query_params.get("lang", "")
    return named if named in ("en", "zh") else preferred(request.headers.get("accept-language", "")) or "zh"
