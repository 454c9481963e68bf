"""What one writes first: a queue for each reader and a dict for each event, by sse-starlette; and a hello route."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from sse_starlette.sse import EventSourceResponse
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from server.workflows.demo import text_of

queues: set["asyncio.Queue[dict[str, Any] | None]"] = set()


async def subscribe(request: Request) -> Response:
    """Every event from now on."""
    queue: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue()
    queues.add(queue)

    async def events() -> AsyncIterator[dict[str, Any]]:
        try:
            while (event := await queue.get()) is not None:
                yield event
        finally:
            queues.discard(queue)

    return EventSourceResponse(events())


async def publish(request: Request) -> Response:
    """``?events=&size=&rate=``: so many events, at once or at a rate, to whoever has subscribed. Answers at once."""
    events, size = int(request.query_params["events"]), int(request.query_params["size"])
    rate = float(request.query_params["rate"])
    return PlainTextResponse("publishing", background=BackgroundTask(publish_all, events, size, rate))


async def publish_all(events: int, size: int, rate: float) -> None:
    began = time.monotonic()
    for index in range(events):
        await asyncio.sleep(max(0.0, began + index / rate - time.monotonic()) if rate else 0)
        data = {"part": "demo", "text": text_of(index, size, 0), "t": time.monotonic_ns()}
        for queue in queues:
            queue.put_nowait({"id": str(index + 1), "event": "output", "data": json.dumps(data)})
    for queue in queues:
        queue.put_nowait(None)


async def replay(request: Request) -> Response:
    """``?file=``: a stored log, one JSON record a line, as events."""
    file = Path(request.query_params["file"])

    async def events() -> AsyncIterator[dict[str, Any]]:
        with file.open(encoding="utf-8") as lines:  # noqa: ASYNC230 - as one writes first
            for line in lines:
                record = json.loads(line)
                if "seq" in record:
                    yield {"id": str(record["seq"]), "event": record["type"], "data": json.dumps(record["data"])}

    return EventSourceResponse(events())


async def hello(request: Request) -> Response:
    return PlainTextResponse("Hello, world!")


app = Starlette(
    routes=[
        Route("/subscribe", subscribe),
        Route("/publish", publish, methods=["POST"]),
        Route("/replay", replay),
        Route("/hello", hello),
    ]
)
