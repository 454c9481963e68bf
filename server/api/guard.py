"""What every request passes first: its size, its host, its origin, who sends it, and its request id."""

import ipaddress
import itertools
import re
import secrets
import time
from collections.abc import Callable, Iterable
from typing import overload
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import bind_contextvars, clear_contextvars

from server.api.access import LOCAL_USER
from server.api.problems import problem
from server.errors import BodyTooLarge, ForbiddenHost, ForbiddenOrigin, HeadersTooLarge, HoldfastError
from server.settings import Settings

DRAIN_BYTES = 64 * 1024 * 1024
UPLOADS = "/api/uploads"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
STARTS_WORK = frozenset({"/api/stream", "/api/sse"})
PROBES = frozenset({"/healthz", "/readyz", "/metrics"})
"""What a cluster, a load balancer or a monitor asks each server for, by its address."""

NO_ROUTE = "none"
"""What is counted as the route of a request that was refused, or that no route is for."""

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)


class _Headers:
    """A request's headers, found at once. Of several with one name, the first counts."""

    def __init__(self, raw: Iterable[tuple[bytes, bytes]]) -> None:
        self._values = dict(reversed(list(raw)))

    @overload
    def get(self, name: bytes) -> str | None: ...

    @overload
    def get(self, name: bytes, default: str) -> str: ...

    def get(self, name: bytes, default: str | None = None) -> str | None:
        """``name`` is in lower case."""
        value = self._values.get(name)
        return default if value is None else value.decode("latin-1")


class Guard:
    """Pure ASGI, so that streams pass through untouched.

    ``answered`` is told the method, the route's template and the status of each answer as it begins.
    """

    def __init__(self, app: ASGIApp, settings: Settings, answered: Callable[[str, str, int], None]) -> None:
        self._app, self._settings, self._answered = app, settings, answered
        self._host_names = settings.hosts_answered
        self._ids = itertools.count(secrets.randbits(32))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = _Headers(scope["headers"])
        given = headers.get(b"x-request-id")
        request_id = given if given and _REQUEST_ID.fullmatch(given) else self._new_request_id()

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._answered(scope["method"], _route(scope), message["status"])
                own = (b"x-request-id", request_id.encode()), (b"x-content-type-options", b"nosniff")
                message = {**message, "headers": [*message.get("headers", ()), *own]}
            await send(message)

        # Not undone at the end: what goes wrong is told further out, and each request has a context of its own.
        clear_contextvars()
        bind_contextvars(request=request_id)
        refusal = self._refusal(scope, headers)
        if refusal is not None:
            await problem(refusal)(scope, receive, send_with_id)
            return
        state = scope.setdefault("state", {})
        state["request_id"], state["principal"] = request_id, LOCAL_USER
        try:
            await self._app(scope, self._limited(scope["path"], receive, headers), send_with_id)
        except Exception:
            self._answered(scope["method"], _route(scope), 500)
            raise

    def _new_request_id(self) -> str:
        """Another for each request of this server, and most likely of all others; nothing secret."""
        return f"req-{int(time.time())}-{next(self._ids) & 0xFFFFFFFF:08x}"

    def _refusal(self, scope: Scope, headers: _Headers) -> HoldfastError | None:
        size = len(scope.get("raw_path") or b"") + len(scope["query_string"])
        for name, value in scope["headers"]:
            size += len(name) + len(value)
        if size > self._settings.max_header_bytes:
            limit = self._settings.max_header_bytes
            return HeadersTooLarge(f"The request line and headers are {size} bytes; at most {limit} are taken.")
        if not self._host_is_answered(scope["path"], headers.get(b"host", "")):
            return ForbiddenHost()
        if self._is_unsafe(scope) and not self._origin_may(headers):
            return ForbiddenOrigin()
        return None

    def _host_is_answered(self, path: str, host: str) -> bool:
        names = self._host_names
        if "*" in names or _host_name(host) in names:
            return True
        # A page makes names of its own lead here (DNS rebinding), never an address; and no browser leaves the host out.
        return path in PROBES and (not host or _is_address(_host_name(host)))

    def _is_unsafe(self, scope: Scope) -> bool:
        return scope["method"] not in SAFE_METHODS or scope["path"] in STARTS_WORK

    def _origin_may(self, headers: _Headers) -> bool:
        """Whether the page that sends this, if it is one, is of this server or of a site that may."""
        origin = headers.get(b"origin")
        if origin is not None and origin in self._settings.cors_origins:
            return True
        fetch_site = headers.get(b"sec-fetch-site")
        if fetch_site is not None:
            return fetch_site in ("same-origin", "none")
        return origin is None or urlsplit(origin).netloc == headers.get(b"host")

    def _limited(self, path: str, receive: Receive, headers: _Headers) -> Receive:
        is_upload = path == UPLOADS
        limit = self._settings.max_upload_bytes if is_upload else self._settings.max_body_bytes
        name = "MAX_UPLOAD_BYTES" if is_upload else "MAX_BODY_BYTES"
        declared = headers.get(b"content-length", "")
        taken = 0

        def too_large() -> BodyTooLarge:
            return BodyTooLarge(f"The body is larger than the {limit} bytes that this server takes ({name}).")

        async def limited() -> Message:
            nonlocal taken
            if declared.isdigit() and int(declared) > limit:
                waits_for_leave = headers.get(b"expect", "").lower() == "100-continue"
                if waits_for_leave or int(declared) - limit > DRAIN_BYTES:
                    raise too_large()
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > limit:
                # A client that is still sending reads no answer: the rest is taken and thrown away first.
                while message.get("more_body", False) and taken - limit <= DRAIN_BYTES:
                    message = await receive()
                    taken += len(message.get("body", b""))
                raise too_large()
            return message

        return limited


def _route(scope: Scope) -> str:
    return getattr(scope.get("route"), "path", NO_ROUTE)


def _host_name(host: str) -> str:
    """``Example.org:80`` → ``example.org``; ``[::1]:80`` → ``::1``."""
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0].lower()


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
