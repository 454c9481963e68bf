"""`/api/v1/events/extract/…` of the event extraction: its names and figures over the newest `extract` task."""

import re
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from server.api.access import principal
from server.api.requests import json_object, request_for
from server.api.services import services
from server.api.stream import task_headers
from server.api.tasks import json_response
from server.errors import FieldError, InvalidParameters, TaskEnded, TaskNotRetryable
from server.fingerprint import clean
from server.models import Life, Status
from server.tasks.newest import newest_of_kind

KIND = "extract"
DEFAULT_BATCH = 10
USERS = "users.json"
STATUSES = {
    Status.PENDING: "running",
    Status.RUNNING: "running",
    Status.PAUSED: "failed",
    Status.STOPPED: "failed",
    Status.COMPLETED: "completed",
    Status.FAILED: "failed",
}
STARTED = "批量抽象任务已启动"
RUNNING = "批量抽象任务正在执行中"
GOES_ON = "批量抽象任务继续执行"
NOTHING_LEFT = "批量抽象任务已完成，没有失败的用户"
_NOT_RUNNING = {Status.PAUSED: "任务已暂停；再次启动会继续执行。", Status.STOPPED: "任务已停止；再次启动会继续执行。"}
_STEP_OF_USER = re.compile(r"(?:user|ask):([0-9]{1,5})(?::.*)?", re.ASCII)


async def start(request: Request) -> Response:
    """Start a batch by `users`, or go on with the newest one; of a completed one, its failed users are read again."""
    body = clean(await json_object(request))
    scope, parts = principal(request).scope, services(request)
    if not body:
        life, said = await _go_on(request)
    else:
        wanted = request_for(parts.registry.get(KIND), body, scope, from_query=False)
        submission = await parts.manager.submit(wanted)
        life, said = submission.life, RUNNING if submission.reused else STARTED
    told = {"task_id": life.task_id, "events_url": f"/api/tasks/{life.task_id}/events"}
    return json_response({"code": 0, "message": said, "data": told}, headers=task_headers(life))


async def _go_on(request: Request) -> tuple[Life, str]:
    """:raises InvalidParameters: there is nothing to go on with."""
    scope, parts = principal(request).scope, services(request)
    newest = await newest_of_kind(parts.catalogue, parts.outlook, scope, KIND)
    if newest is None:
        said = 'There is no batch yet: send {"users": [{"user_id": "u1", "texts": [{"text": "…"}]}]}.'
        raise InvalidParameters(errors=[FieldError("users", "no_users", said)])
    life, view = newest
    status = Status(view["status"])
    if status is Status.COMPLETED:
        if not view["progress"]["failed"]:
            return life, NOTHING_LEFT
        wanted = request_for(parts.registry.get(KIND), _again(life), scope, from_query=False)
        return (await parts.manager.submit(wanted)).life, STARTED
    if not status.needs_restart:
        return life, RUNNING
    try:
        await (parts.steering.resume(life) if status is Status.PAUSED else parts.steering.retry(life))
    except (TaskEnded, TaskNotRetryable):  # another start came first
        return life, RUNNING
    return life, GOES_ON


def _again(life: Life) -> dict[str, Any]:
    """The same request for the users that have failed."""
    asked = {name: value for name, value in life.params.items() if name not in ("users", "upload", "retry_failed_of")}
    return {**asked, "retry_failed_of": life.task_id}


async def progress(request: Request) -> Response:
    """How far the newest batch has come: `{"code": 0, "data": {…}}`."""
    parts = services(request)
    newest = await newest_of_kind(parts.catalogue, parts.outlook, principal(request).scope, KIND)
    if newest is None:
        return json_response({"code": 0, "data": _figures({}, [], DEFAULT_BATCH, "idle")})
    life, view = newest
    size = life.params.get("batch_size", DEFAULT_BATCH)
    status = Status(view["status"])
    ids = await _ids_of_batch(request, life, view, size) if not status.terminal else []
    told = _figures(view, ids, size, STATUSES[status]) | {"task_id": life.task_id}
    if told["error_message"] is None:
        told["error_message"] = _NOT_RUNNING.get(status)
    return json_response({"code": 0, "data": told}, headers=task_headers(life))


def _figures(view: dict[str, Any], ids: list[str], size: int, status: str) -> dict[str, Any]:
    counts = view.get("progress") or dict.fromkeys(("completed", "failed", "skipped", "total"), 0)
    total = counts["total"]
    processed = counts["completed"] + counts["failed"] + counts["skipped"]
    eta = counts.get("eta_seconds")
    error = view.get("error")
    return {
        "status": status,
        "total_users": total,
        "processed_users": processed,
        "success_count": counts["completed"],
        "failed_count": counts["failed"],
        "current_batch": min(processed // size + 1, -(-total // size)),
        "total_batches": -(-total // size),
        "current_user_ids": ids,
        "start_time": view.get("started_at"),
        "end_time": view.get("finished_at"),
        "progress_percent": round(100 * processed / total, 1) if total else 0,
        "estimated_remaining_seconds": None if eta is None or status != "running" else round(eta),
        "error_message": None if error is None else error["message"],
    }


async def _ids_of_batch(request: Request, life: Life, view: dict[str, Any], size: int) -> list[str]:
    """The users of the batch that is being read."""
    found = _STEP_OF_USER.fullmatch(view["progress"]["current"] or "")
    if found is None:
        return []
    first = int(found[1]) // size * size
    if "users" in life.params:
        return [user["user_id"] for user in life.params["users"][first : first + size]]
    state = await services(request).outlook.state(life)
    told = state.artifacts.get(USERS)
    kept = None if told is None else await services(request).store.artifact(life, USERS, told["sha256"])
    return [] if kept is None else list(orjson.loads(kept)[first : first + size])
