"""Tasks as resources: make, list, show, control, delete."""

import re
from collections.abc import Awaitable, Callable
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from server.api.access import own_current_task, own_task, own_task_now, principal
from server.api.requests import LONGEST_KEY, json_object, task_request, validated
from server.api.services import services
from server.api.stream import raw_task_headers, task_headers
from server.api.told import told
from server.errors import FieldError, InvalidParameters, TaskNotSteerable
from server.fingerprint import clean
from server.models import Life, Status
from server.streaming.whole import WholeResponse
from server.tasks.listing import Filters

PAGE = 50
LARGEST_PAGE = 500
NOT_BRIEF = frozenset({"params", "artifacts"})
LIST_PARAMETERS = ("status", "kind", "project", "session", "q", "limit", "cursor", "brief")


def json_response(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(orjson.dumps(value), status, {"Cache-Control": "no-store", **(headers or {})}, "application/json")


async def create_task(request: Request) -> Response:
    """Start or attach: 201 for a new life, 200 for one that was there."""
    parts = services(request)
    submission = await parts.manager.submit(await task_request(request))
    life = submission.life
    location = b"location", f"/api/tasks/{life.task_id}".encode()
    headers = [*raw_task_headers(life), location, (b"content-type", b"application/json")]
    return WholeResponse(200 if submission.reused else 201, headers, told(parts, submission))


async def list_tasks(request: Request) -> Response:
    """One page of the caller's tasks, newest first. Not ``complete``: this node still finds out what there is."""
    parts, query = services(request), request.query_params
    limit = limit_of(request)
    page, cursor = await parts.listing.page(
        principal(request).scope, filters_of(request), limit, query.get("cursor") or None
    )
    rows = [_brief(view) for view in page] if _is_brief(query.get("brief")) else page
    return json_response({"tasks": rows, "next_cursor": cursor, "complete": parts.catalogue.complete.is_set()})


async def active_tasks(request: Request) -> Response:
    """The caller's pending, running and paused tasks."""
    parts = services(request)
    views = await parts.listing.active(principal(request).scope)
    return json_response({"tasks": views, "complete": parts.catalogue.complete.is_set()})


async def show_task(request: Request) -> Response:
    """The task, with an ETag that changes whenever the task does."""
    life, now = await own_task_now(request)
    view = services(request).outlook.with_position(now.view)
    etag = f'"{life.generation}-{view["seq"]}-{view["queue_position"] or 0}{"-stalled" if view["stalled"] else ""}"'
    headers = {**task_headers(life), "ETag": etag, "Cache-Control": "no-cache"}
    if etag in (tag.strip() for tag in request.headers.get("if-none-match", "").split(",")):
        return Response(status_code=304, headers=headers)
    return json_response(view, headers=headers)


async def delete_task(request: Request) -> Response:
    """A task that has ended, with all its lives and files."""
    await services(request).manager.delete(await own_current_task(request))
    return Response(status_code=204)


async def history(request: Request) -> Response:
    """All lives of the task, newest first."""
    life = await own_task(request)
    return json_response({"lives": await services(request).outlook.history(life)})


async def pause(request: Request) -> Response:
    """Pause at once; what an unfinished step has written is taken back when the task goes on."""
    return await _control(request, services(request).steering.pause)


async def resume(request: Request) -> Response:
    """Let a paused task go on from its journal."""
    return await _control(request, services(request).steering.resume)


async def stop(request: Request) -> Response:
    """End a task at once; `retry` lets it go on from its journal."""
    return await _control(request, services(request).steering.stop)


async def retry(request: Request) -> Response:
    """Let a failed or stopped task go on from its journal."""
    return await _control(request, services(request).steering.retry)


async def steer(request: Request) -> Response:
    """Tell a task something that it heeds from its next step on; what can be told, its kind says."""
    life = await own_current_task(request)
    parts = services(request)
    wanted = parts.registry.get(life.kind).steering
    if wanted is None:
        raise TaskNotSteerable
    told = validated(wanted, clean(await json_object(request)))
    await parts.steering.tell(life, told.model_dump(mode="json", exclude_defaults=True))
    return json_response(await parts.outlook.view(life), 202, task_headers(life))


async def rerun(request: Request) -> Response:
    """Start a new life of a task that has ended, once per `fresh` (without one: once per life)."""
    body = await json_object(request)
    fresh = body.get("fresh", request.query_params.get("fresh"))
    if fresh is not None and not (isinstance(fresh, str) and 1 <= len(fresh) <= LONGEST_KEY):
        raise InvalidParameters(
            errors=[FieldError("fresh", "string_type", f"Send any text of your own, at most {LONGEST_KEY} characters.")]
        )
    life = await services(request).manager.rerun(await own_current_task(request), fresh)
    return json_response(await services(request).outlook.view(life), headers=task_headers(life))


async def _control(request: Request, carry_out: Callable[[Life], Awaitable[dict[str, Any]]]) -> Response:
    life = await own_current_task(request)
    return json_response(await carry_out(life), headers=task_headers(life))


def filters_of(request: Request, *, kind: str | None = None, project: str | None = None) -> Filters:
    """What the query narrows a list to, where kind and project are given already.

    :raises InvalidParameters: with the filters that there are.
    """
    query = request.query_params
    unknown = [name for name in query if name not in LIST_PARAMETERS]
    if unknown:
        known = ", ".join(LIST_PARAMETERS)
        raise InvalidParameters(errors=[FieldError(unknown[0], "unknown_filter", f"A list is filtered by: {known}.")])
    given = [name.strip() for value in query.getlist("status") for name in value.split(",") if name.strip()]
    known = ", ".join(Status)
    if any(name not in set(Status) for name in given):
        raise InvalidParameters(errors=[FieldError("status", "unknown_status", f"Use any of: {known}.")])
    return Filters(
        statuses=frozenset(Status(name) for name in given),
        kind=kind or query.get("kind") or None,
        project=project or query.get("project") or None,
        session=query.get("session") or None,
        q=query.get("q") or None,
    )


def _brief(view: dict[str, Any]) -> dict[str, Any]:
    """A row of a list of thousands; the parameters of one task may be some megabytes."""
    return {name: value for name, value in view.items() if name not in NOT_BRIEF}


def _is_brief(text: str | None) -> bool:
    if text not in (None, "", "0", "1", "true", "false"):
        raise InvalidParameters(errors=[FieldError("brief", "bool_parsing", "Use 1 or 0.")])
    return text in ("1", "true")


def limit_of(request: Request) -> int:
    """How many a page has at most. :raises InvalidParameters: with what would be right."""
    text = request.query_params.get("limit")
    if text is None:
        return PAGE
    if re.fullmatch(r"[0-9]{1,3}", text) is None or not 1 <= int(text) <= LARGEST_PAGE:
        raise InvalidParameters(
            errors=[FieldError("limit", "out_of_range", f"A whole number from 1 to {LARGEST_PAGE}.")]
        )
    return int(text)
