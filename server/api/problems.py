"""Errors as RFC 9457 problem documents."""

import http
import logging
from dataclasses import asdict
from typing import Any

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match, Route

from server.errors import HoldfastError, MethodNotAllowed, NotFound

MEDIA_TYPE = "application/problem+json"

logger = logging.getLogger(__name__)


def describe(error: HoldfastError) -> dict[str, Any]:
    """``{type, title, status, detail, code, errors: [{path, code, message}]}``."""
    return {
        "type": f"/docs/errors.md#{error.code}",
        "title": http.HTTPStatus(error.status).phrase,
        "status": error.status,
        "detail": error.detail,
        "code": error.code,
        "errors": [asdict(field) for field in error.errors],
    }


def problem(error: HoldfastError) -> Response:
    headers = {"Cache-Control": "no-store"}
    if error.retry_after is not None:
        headers["Retry-After"] = str(error.retry_after)
    return Response(orjson.dumps(describe(error)), error.status, headers, MEDIA_TYPE)


async def on_holdfast_error(request: Request, error: Exception) -> Response:
    if not isinstance(error, HoldfastError):
        return problem(HoldfastError())
    if error.status >= 500 and not error.retryable:
        logger.error("%s %s: %s", request.method, request.url.path, error.detail, exc_info=error)
    return problem(error)


async def on_http_exception(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        return problem(HoldfastError())
    if error.status_code == 405:
        allowed = ", ".join(sorted(_methods_here(request)))
        response = problem(MethodNotAllowed(f"{request.scope['path']} takes {allowed}." if allowed else None))
        response.headers["Allow"] = allowed
        return response
    return problem(NotFound())


def _methods_here(request: Request) -> set[str]:
    """What all routes of this address take together; the router names only the first one's."""
    routes = [route for route in request.app.routes if isinstance(route, Route)]
    matching = [route for route in routes if route.matches(request.scope)[0] is not Match.NONE]
    return {method for route in matching for method in route.methods or ()}


async def on_any_error(request: Request, error: Exception) -> Response:
    logger.error("%s %s failed", request.method, request.scope["path"], exc_info=error)
    return problem(HoldfastError())
