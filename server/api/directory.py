"""Addresses in which nothing varies, each found with one look instead of by trying route after route."""

from collections.abc import Awaitable, Callable, Sequence

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Match, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from server.api.problems import on_holdfast_error, on_http_exception
from server.errors import HoldfastError

Endpoint = Callable[[Request], Awaitable[Response]]


class Directory:
    """Pure ASGI, in front of the router: gives a request to the endpoint that the router would find, or to the router.

    The endpoints of ``routes`` are coroutine functions, as all are that `server.api.routes` names.
    """

    def __init__(self, app: ASGIApp, routes: Sequence[BaseRoute]) -> None:
        self._app = app
        self._known = {
            (method, route.path): route
            for route in routes
            if isinstance(route, Route) and not route.param_convertors
            for method in route.methods or ()
            if _first(routes, method, route.path) is route
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        route = self._known.get((scope.get("method", ""), scope.get("path", "")))
        if route is None or scope.get("root_path"):
            await self._app(scope, receive, send)
            return
        scope["route"], scope["endpoint"], scope["path_params"] = route, route.endpoint, {}
        request = Request(scope, receive, send)
        try:
            response = await route.endpoint(request)
        except HoldfastError as error:
            response = await on_holdfast_error(request, error)
        except HTTPException as error:
            response = await on_http_exception(request, error)
        await response(scope, receive, send)


def _first(routes: Sequence[BaseRoute], method: str, path: str) -> BaseRoute | None:
    """The route that the router would take."""
    scope = {"type": "http", "method": method, "path": path}
    return next((route for route in routes if route.matches(scope)[0] is Match.FULL), None)
