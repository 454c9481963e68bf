"""About the server itself: health, statistics, its own description."""

import time
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import Response

from server import __version__
from server.api.access import principal
from server.api.openapi import describe
from server.api.services import services
from server.api.tasks import json_response

METRICS_SECONDS = 1.0
METRICS = "text/plain; version=0.0.4; charset=utf-8"


async def healthz(request: Request) -> Response:
    """This process answers."""
    return json_response({"status": "ok", "node": services(request).node, "version": __version__})


async def readyz(request: Request) -> Response:
    """Whether this node can take work now: 200, or 503 with what is wrong."""
    parts = services(request)
    checks = await parts.readiness.checks()
    ready = all(check.ok for check in checks)
    told = {
        check.name: {"status": "ok"} if check.ok else {"status": "failed", "detail": check.detail} for check in checks
    }
    body = {"status": "ready" if ready else "unready", "node": parts.node, "checks": told}
    return json_response(body, 200 if ready else 503)


async def metrics(request: Request) -> Response:
    """This node's figures, for Prometheus."""
    parts = services(request)
    await parts.catalogue.refresh_within(METRICS_SECONDS)  # on a volume that hangs, the last count is told
    return Response(parts.metrics.exposition(), 200, {"Cache-Control": "no-store", "Content-Type": METRICS})


async def stats(request: Request) -> Response:
    """The caller's tasks by status, and what this node does now."""
    parts = services(request)
    await parts.catalogue.refresh()
    counts = parts.catalogue.counts(principal(request).scope)
    return json_response(
        {
            "tasks": {"total": sum(counts.values()), **{status.value: count for status, count in counts.items()}},
            "node": {
                "id": parts.node,
                "version": __version__,
                "running": len(parts.scheduler.runs),
                "capacity": parts.settings.max_concurrent_tasks,
                "queued": len(parts.scheduler.queue),
                "readers": parts.hub.readers,
                "seconds": round(time.monotonic() - request.app.state.started, 1),
            },
            "nodes": [
                {"id": node.id, "running": node.running, "version": node.version} for node in parts.liveness.nodes
            ],
            "capabilities": await _capabilities(request),
        }
    )


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


async def openapi(request: Request) -> Response:
    """The OpenAPI 3.1 description of this server."""
    return json_response(describe(request.app.routes, services(request).registry))
