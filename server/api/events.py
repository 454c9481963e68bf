"""Several tasks over one connection, and status changes of all one's tasks: browsers allow six per host."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import anyio
from anyio.streams.memory import MemoryObjectSendStream
from starlette.requests import Request
from starlette.responses import Response

from server.api.access import principal
from server.api.services import Services, services
from server.api.stream import last_event_id
from server.errors import FieldError, HoldfastError, InvalidParameters
from server.models import Json, Life
from server.streaming import sse
from server.streaming.feed import watch_tasks
from server.streaming.response import generated
from server.streaming.resume import ResumePoint, resume_point
from server.tasks.listing import Filters

LARGEST_GROUP = 50
BETWEEN_IDS = "~"


async def events(request: Request) -> Response:
    """``?task=a&task=b``: their events, each with its task's id; without ``task``: status changes of all tasks."""
    parts = services(request)
    wanted = list(dict.fromkeys(request.query_params.getlist("task")))
    if not wanted:
        content = _feed(parts, principal(request).scope)
    else:
        if len(wanted) > LARGEST_GROUP:
            raise InvalidParameters(
                errors=[FieldError("task", "too_many", f"At most {LARGEST_GROUP} tasks go over one connection.")]
            )
        seats = [await _seat(request, task_id) for task_id in wanted]
        if all(seat.seen_it_all for seat in seats):
            return Response(status_code=204)
        content = _several(parts, seats)
    return generated(content, parts.settings)


async def _feed(parts: Services, scope: str) -> AsyncIterator[bytes]:
    async def list_tasks(scope: str) -> list[dict[str, object]]:
        return await parts.manager.listing.all(scope, Filters())

    yield b"retry: %d\n" % sse.RETRY_MS
    async for view in watch_tasks(list_tasks, scope, lambda: parts.hub.closing):
        yield sse.unnumbered("task" if view else "ready", dict(view))


@dataclass(frozen=True, slots=True)
class _Seat:
    """One task of several: what opens it, and where the reader is in it."""

    life: Life
    opening: Json
    point: ResumePoint
    seen_it_all: bool


async def _seat(request: Request, task_id: str) -> _Seat:
    outlook = services(request).outlook
    life = await outlook.find(task_id, principal(request).scope)
    seen = (last_event_id(request) or "").split(BETWEEN_IDS)
    given = next((each for each in seen if each.startswith(f"{life.generation}-")), None)
    now = await outlook.outline(life)
    point = resume_point(given, life.generation, now.seq)
    over = point.reset is None and point.after > 0 and now.ended == point.after
    return _Seat(life, outlook.with_position(now.view), point, over)


async def _several(parts: Services, seats: list[_Seat]) -> AsyncIterator[bytes]:
    """The tasks' events as they come. Every id names where the reader is in each of the tasks."""
    cursors = {seat.life.task_id: sse.event_id(seat.life.generation, seat.point.after) for seat in seats}
    for seat in seats:
        yield sse.unnumbered("task", seat.opening, retry_ms=sse.RETRY_MS)
        if seat.point.reset is not None:
            yield sse.unnumbered("reset", {"task": seat.life.task_id, "reason": seat.point.reset})
    send, receive = anyio.create_memory_object_stream[tuple[Life, list[sse.Frame]]](0)
    async with anyio.create_task_group() as tg:
        async with send:
            for seat in seats:
                if not seat.seen_it_all:
                    tg.start_soon(_pump, parts, seat.life, seat.point.after, send.clone())
        async with receive:
            async for life, frames in receive:
                block = b""
                for frame in frames:
                    cursors[life.task_id] = sse.event_id(life.generation, frame.seq)
                    block += _frame_of_several(BETWEEN_IDS.join(cursors.values()), life, frame)
                yield block


def _frame_of_several(cursor: str, life: Life, frame: sse.Frame) -> bytes:
    data = b'{"task":"%b"%b%b' % (life.task_id.encode(), b"," if frame.data != b"{}" else b"", frame.data[1:])
    return b"id: %b\nevent: %b\ndata: %b\n\n" % (cursor.encode(), frame.type.encode(), data)


async def _pump(
    parts: Services, life: Life, after: int, send: MemoryObjectSendStream[tuple[Life, list[sse.Frame]]]
) -> None:
    async with send, parts.hub.subscribe(life, after) as subscription:
        try:
            while (frames := await subscription.next()) is not None:
                await send.send((life, frames))
        except HoldfastError:
            return  # the task's own stream tells what is wrong with it
