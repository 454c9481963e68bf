"""A request goes to the same endpoint by the directory as by the router, and its errors become the same answers."""

import pytest
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from server.api.directory import Directory
from server.api.problems import on_holdfast_error, on_http_exception
from server.errors import HoldfastError, TaskNotFound


async def who(request: Request) -> Response:
    return PlainTextResponse(f"{request.scope['route'].path} {request.path_params} {request.method}")


async def missing(request: Request) -> Response:
    raise TaskNotFound


async def gone(request: Request) -> Response:
    raise HTTPException(404)


ROUTES = [
    Route("/things/{name}", who, methods=["GET"]),
    Route("/things/all", missing, methods=["GET", "POST"]),
    Route("/things", who, methods=["GET"]),
    Route("/things", missing, methods=["POST"]),
    Route("/gone", gone),
]


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT"])
@pytest.mark.parametrize("path", ["/things", "/things/", "/things/all", "/things/one", "/gone", "/nowhere"])
def test_the_directory_answers_as_the_router_does(method: str, path: str) -> None:
    """Also for an address that an earlier route with a parameter takes, and for what nobody takes."""
    app = Starlette(
        routes=ROUTES, exception_handlers={HoldfastError: on_holdfast_error, HTTPException: on_http_exception}
    )
    plain, direct = TestClient(app), TestClient(Directory(app, ROUTES))
    found = [client.request(method, path, follow_redirects=False) for client in (plain, direct)]
    assert found[0].status_code == found[1].status_code
    assert found[0].content == found[1].content
    assert found[0].headers == found[1].headers
