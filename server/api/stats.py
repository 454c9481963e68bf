"""What the server does, for people: the caller's tasks, this node, all nodes, and what works here."""

import time
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import Response

from server import __version__
from server.api.access import principal
from server.api.services import Services, services
from server.api.tasks import json_response
from server.models import Status, now_ms

LAST_MINUTES = 60
MINUTE_MS = 60_000


async def stats(request: Request) -> Response:
    """The caller's tasks by status and how many ended lately, what this node does, and all nodes."""
    parts, scope = services(request), principal(request).scope
    await parts.catalogue.refresh()
    counts = parts.catalogue.counts(scope)
    room = await parts.store.room()
    return json_response(
        {
            "tasks": {"total": sum(counts.values()), **{status.value: count for status, count in counts.items()}},
            "ended_per_minute": _ended_per_minute(parts, scope),
            "node": {
                "id": parts.node,
                "version": __version__,
                "running": len(parts.scheduler.runs),
                "capacity": parts.settings.max_concurrent_tasks,
                "queued": len(parts.scheduler.queue),
                "oldest_wait_seconds": round(parts.scheduler.oldest_wait_seconds, 1),
                "readers": parts.hub.readers,
                "seconds": round(time.monotonic() - request.app.state.started, 1),
                "counted": parts.metrics.counted(),
            },
            "nodes": [
                {
                    "id": node.id,
                    "running": node.running,
                    "capacity": node.capacity,
                    "version": node.version,
                    "alive": not parts.liveness.is_dead(node.id),
                }
                for node in parts.liveness.nodes
            ],
            "storage": None if room is None else {"total_bytes": room.total_bytes, "free_bytes": room.free_bytes},
            "capabilities": await _capabilities(request),
        }
    )


def _ended_per_minute(parts: Services, scope: str) -> dict[str, list[int]]:
    """By how they ended, for each of the last minutes, the present one last."""
    minute = now_ms() // MINUTE_MS
    found = {status.value: [0] * LAST_MINUTES for status in Status if status.terminal}
    for headline in parts.catalogue.last_ended_first(scope, (minute - LAST_MINUTES + 1) * MINUTE_MS - 1):
        ago = minute - (headline.finished_at or 0) // MINUTE_MS
        found[headline.status][LAST_MINUTES - 1 - max(0, ago)] += 1  # another node's clock may be ahead
    return found


async def _capabilities(request: Request) -> dict[str, Any]:
    """What works here as it is: engines, search providers, and the packages that optional parts need."""
    parts = services(request)
    return {
        "model": None if parts.model is None else parts.model.name,
        "kinds": [workflow.kind for workflow in parts.registry],
        "playwright": _installed("playwright"),
        "browser": await to_thread.run_sync(parts.browser),
        "search": parts.providers(),
    }


def _installed(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
