"""Several tasks over one connection, and the states of all one's tasks: browsers allow six connections per host."""

import logging
from collections.abc import AsyncIterator

from starlette.requests import Request
from starlette.responses import Response

from server.api.access import principal
from server.api.services import Services, services
from server.api.stream import last_event_id
from server.errors import FieldError, HoldfastError, InvalidParameters
from server.streaming import sse
from server.streaming.feed import watch_tasks
from server.streaming.response import EventStream, GeneratedStream
from server.streaming.resume import reads_on, resume_point
from server.streaming.source import BETWEEN_IDS, GroupSource, Seat
from server.streaming.wire import SseWire

LARGEST_GROUP = 50

logger = logging.getLogger(__name__)


async def events(request: Request) -> Response:
    """``?task=a&task=b``: their events, each with its task's id; without ``task``: status changes of all tasks."""
    parts = services(request)
    wanted = list(dict.fromkeys(request.query_params.getlist("task")))
    if not wanted:
        return GeneratedStream(_feed(parts, principal(request).scope), parts.settings)
    if len(wanted) > LARGEST_GROUP:
        raise InvalidParameters(
            errors=[FieldError("task", "too_many", f"At most {LARGEST_GROUP} tasks go over one connection.")]
        )
    seats = [await _seat(request, task_id) for task_id in wanted]
    if all(seat.point.over for seat in seats):
        return Response(status_code=204)
    return EventStream(GroupSource(parts.hub, seats, SseWire()), parts.settings, {})


async def _seat(request: Request, task_id: str) -> Seat:
    outlook = services(request).outlook
    life = await outlook.find(task_id, principal(request).scope)
    seen = (last_event_id(request) or "").split(BETWEEN_IDS)
    own = next((each for each in seen if reads_on(each, life.generation)), None)
    # An id that names no place in this task, as of an older life or of another set of tasks, is a foreign one.
    given = own or (seen[0] if len(seen) == 1 else None)
    now = await outlook.outline(life)
    point = resume_point(given, life.generation, now.seq, now.ended)
    return Seat(life, outlook.with_position(now.view), point)


async def _feed(parts: Services, scope: str) -> AsyncIterator[bytes]:
    yield b"retry: %d\n" % sse.RETRY_MS
    try:
        async for view in watch_tasks(parts.listing.watched(scope), lambda: parts.hub.closing):
            yield sse.unnumbered("task" if view else "ready", dict(view))
    except HoldfastError as error:
        logger.warning("a feed ended: %s", error.detail)  # its reader comes again
