"""Who asks, and what is theirs. Every route that names a task goes through `own_task` or its kin."""

from dataclasses import dataclass

from starlette.requests import Request
from structlog.contextvars import bind_contextvars

from server.api.services import services
from server.errors import TaskEnded
from server.models import Life
from server.tasks.state import Outline

LOCAL_SCOPE = "local"


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks. ``scope`` is what their tasks belong to, a part of every fingerprint."""

    scope: str


LOCAL_USER = Principal(LOCAL_SCOPE)
"""The one user while no users are configured."""


def principal(request: Request) -> Principal:
    """Resolved once per request, by the guard."""
    found: Principal = request.scope["state"]["principal"]
    return found


async def own_current_task(request: Request) -> Life:
    """As `own_task`, for what changes a task: an older life is history.

    :raises TaskEnded: the request names an older life.
    """
    life = await services(request).outlook.find(request.path_params["task_id"], principal(request).scope)
    bind_contextvars(task=life.task_id)
    if request.query_params.get("generation", life.generation) != life.generation:
        raise TaskEnded("An older life of a task can't be changed; leave `generation` out to mean the current one.")
    return life


async def own_task(request: Request) -> Life:
    """The task that the path names, in the generation that ``?generation=`` names or its current life.

    :raises TaskNotFound: there is none, or it belongs to somebody else.
    """
    life = await services(request).outlook.find(*_named(request))
    bind_contextvars(task=life.task_id)
    return life


async def own_task_now(request: Request) -> tuple[Life, Outline]:
    """As `own_task`, with what is known of it now."""
    life, now = await services(request).outlook.find_with_outline(*_named(request))
    bind_contextvars(task=life.task_id)
    return life, now


def _named(request: Request) -> tuple[str, str, str | None]:
    """Its id, whose it must be, and its generation where the request names one."""
    return request.path_params["task_id"], principal(request).scope, request.query_params.get("generation")
