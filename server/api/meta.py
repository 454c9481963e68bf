"""About the server itself: health, figures for machines, its own description."""

from starlette.requests import Request
from starlette.responses import Response

from server import __version__
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


async def openapi(request: Request) -> Response:
    """The OpenAPI 3.1 description of this server."""
    return json_response(describe(request.app.routes, services(request).registry))
