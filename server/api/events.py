"""Several tasks over one connection, and status changes of all one's tasks: browsers allow six per host."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

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
from server.streaming.resume import resume_point
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
        lives = [await parts.manager.find(task_id, principal(request).scope) for task_id in wanted]
        content = _several(parts, lives, last_event_id(request))
    return generated(content, parts.settings)


async def _feed(parts: Services, scope: str) -> AsyncIterator[bytes]:
    async def list_tasks(scope: str) -> list[dict[str, object]]:
        return await parts.manager.listing.all(scope, Filters())

    yield b"retry: %d\n" % sse.RETRY_MS
    async for view in watch_tasks(list_tasks, scope, lambda: parts.hub.closing):
        yield sse.unnumbered("task", dict(view))


async def _several(parts: Services, lives: list[Life], given: str | None) -> AsyncIterator[bytes]:
    """The tasks' events as they come. Every id names where the reader is in each of the tasks."""
    seen = given.split(BETWEEN_IDS) if given else []
    cursors: dict[str, str] = {}
    send, receive = anyio.create_memory_object_stream[tuple[Life, list[sse.Frame]]](0)
    async with AsyncExitStack() as stack:
        tg = await stack.enter_async_context(anyio.create_task_group())
        async with send:
            for life in lives:
                state = await parts.manager.state(life)
                point = resume_point(_id_of(life, seen), life.generation, state.seq)
                cursors[life.task_id] = sse.event_id(life.generation, point.after)
                opening: Json = parts.manager.with_position(state.view())
                yield sse.unnumbered("task", opening, retry_ms=sse.RETRY_MS)
                if point.reset is not None:
                    yield sse.unnumbered("reset", {"task": life.task_id, "reason": point.reset})
                tg.start_soon(_pump, parts, life, point.after, send.clone())
        async for life, frames in receive:
            block = b""
            for frame in frames:
                cursors[life.task_id] = sse.event_id(life.generation, frame.seq)
                block += _frame_of_several(BETWEEN_IDS.join(cursors.values()), life, frame)
            yield block
        tg.cancel_scope.cancel()


def _id_of(life: Life, seen: list[str]) -> str | None:
    return next((each for each in seen if each.startswith(f"{life.generation}-")), None)


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
