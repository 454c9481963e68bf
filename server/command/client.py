"""Holdfast from outside: ask, follow, and come back to the very event at which a connection broke.

    async for event in ask("http://127.0.0.1:8000", {"kind": "research", "params": {"query": "…"}}):
        print(event.type, event.json())

``ask`` and ``follow`` are one gapless sequence of events however many connections it takes. Their notices say
what happens to the connection meanwhile.
"""

import ipaddress
import random
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, TypeAlias

import anyio
import httpx2
import orjson

from server import __version__
from server.command.sse_parser import RETRY_DIGITS, Event, SseParser
from server.errors import FieldError

CONNECT_SECONDS = 5.0
SILENCE_SECONDS = 60.0  # four of the server's heartbeats
PATIENCE_SECONDS = 600.0
FIRST_CONTACT_SECONDS = 5.0
FIRST_DELAY_SECONDS = 0.5
LONGEST_DELAY_SECONDS = 8.0
PROBLEM_BYTES = 65_536
PASSING_STATUSES = frozenset({429, 502, 503, 504})


class ClientError(Exception):
    """What kept the client from its answer, in a sentence without its full stop; ``chinese`` is the same in Chinese."""

    def __init__(self, english: str, chinese: str) -> None:
        super().__init__(english)
        self.chinese = chinese


class BadAddress(ClientError):
    """This can't be the address of a server."""


class Unreachable(ClientError):
    """The server can't be reached, or its connection broke."""


class Refused(ClientError):
    """The server answered with a problem document (RFC 9457), or as Holdfast never does; ``code`` is empty then."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        errors: tuple[FieldError, ...] = (),
        after: float = 0,
        chinese: str | None = None,
    ) -> None:
        super().__init__(detail, chinese or detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.errors = errors
        self.retry_after = after

    @classmethod
    async def read(cls, response: httpx2.Response) -> "Refused":
        body = b""
        async for chunk in response.aiter_bytes():
            body += chunk
            if len(body) > PROBLEM_BYTES:
                break
        after = response.headers.get("Retry-After", "")
        seconds = float(after) if after.isascii() and after.isdigit() and len(after) <= RETRY_DIGITS else 0.0
        bare = f"HTTP {response.status_code} {response.reason_phrase}".strip()
        try:
            problem = orjson.loads(body)
            code = str(problem["code"])
            detail = str(problem.get("detail") or problem.get("title") or bare)
            errors = tuple(
                FieldError(str(e.get("path", "")), str(e.get("code", "")), str(e.get("message", "")))
                for e in problem.get("errors", ())
            )
        except (ValueError, KeyError, TypeError, AttributeError):
            return cls(
                response.status_code,
                "",
                f"The server answered {bare}, which is not how Holdfast speaks; is it another server?",
                after=seconds,
                chinese=f"服务器的响应是 {bare}，Holdfast 不会这样响应；这是不是另一个服务器？",
            )
        return cls(response.status_code, code, detail, errors, seconds)


@dataclass(frozen=True, slots=True)
class Lost:
    """The connection is gone, or was not to be had; another try follows after ``retry_in`` seconds."""

    why: ClientError
    retry_in: float


@dataclass(frozen=True, slots=True)
class Found:
    """The connection stands again, ``after`` so many seconds; nothing is missing."""

    after: float


Notice: TypeAlias = Lost | Found


def _no_notice(_: Notice) -> None:
    """For those who only want the events."""


def check_server(server: str) -> str:
    """The address as it is used. :raises BadAddress: it can't be that of a server."""
    try:
        url = httpx2.URL(server)
    except httpx2.InvalidURL as error:
        raise BadAddress(f"{server!r} is no address: {error}", f"{server!r} 不是地址：{error}") from None
    if url.scheme not in ("http", "https") or not url.host or any(map(str.isspace, server)):
        raise BadAddress(
            f"{server!r} is no address of a server; one looks like http://127.0.0.1:8000",
            f"{server!r} 不是服务器的地址，地址形如 http://127.0.0.1:8000",
        )
    return server.rstrip("/")


def open_http(server: str) -> httpx2.AsyncClient:
    """A client for this server. Proxies from the environment are for other hosts, not for this machine."""
    server = check_server(server)
    host = httpx2.URL(server).host
    try:
        local = ipaddress.ip_address(host).is_loopback
    except ValueError:
        local = host == "localhost"
    return httpx2.AsyncClient(
        base_url=server,
        headers={"User-Agent": f"holdfast/{__version__}", "Accept-Encoding": "identity"},
        timeout=httpx2.Timeout(SILENCE_SECONDS, connect=CONNECT_SECONDS),
        trust_env=not local,
    )


@dataclass
class _Following:
    """One task's events, through as many connections as it takes."""

    http: httpx2.AsyncClient
    request: Mapping[str, Any] | None
    task_id: str
    last_event_id: str
    patience: float
    notify: Callable[[Notice], None]
    retry_ms: int | None = None
    attempt: int = 0
    met: bool = False
    finished: bool = False
    lost_at: float | None = None

    async def events(self) -> AsyncGenerator[Event, None]:
        why: ClientError
        while True:
            try:
                async with aclosing(self._one_connection()) as events:
                    async for event in events:
                        self.finished = event.type == "done"
                        yield event
                        if self.finished:
                            return
                if self.finished:
                    return
                why = Unreachable("the server closed the connection", "服务器关闭了连接")
            except httpx2.TransportError as error:
                why = _unreachable(error, self.http.base_url)
            except Refused as refusal:
                if refusal.status not in PASSING_STATUSES:
                    raise
                why = refusal
            await self._pause(why)

    async def _one_connection(self) -> AsyncGenerator[Event, None]:
        async with self._open() as response:
            self.met = True
            if response.status_code == httpx2.codes.NO_CONTENT:
                self.finished = True
                return
            if response.status_code != httpx2.codes.OK:
                raise await Refused.read(response)
            if not response.headers.get("Content-Type", "").startswith("text/event-stream"):
                raise Refused(
                    200,
                    "",
                    "This server answers with something else than a stream; is it Holdfast?",
                    chinese="这个服务器的响应不是流；它是 Holdfast 吗？",
                )
            self.task_id = response.headers.get("X-Task-ID", self.task_id)
            self._found()
            parser = SseParser(self.last_event_id)
            async for chunk in response.aiter_bytes():
                for event in parser.feed(chunk):
                    self.attempt = 0
                    self.retry_ms = parser.retry_ms if parser.retry_ms is not None else self.retry_ms
                    if event.id is not None:
                        self.last_event_id = event.id
                    yield event

    def _open(self) -> Any:
        headers = {"Accept": "text/event-stream"}
        if self.last_event_id:
            headers["Last-Event-ID"] = self.last_event_id
        if self.task_id:
            return self.http.stream("GET", f"/api/tasks/{self.task_id}/events", headers=headers)
        return self.http.stream("POST", "/api/stream", json=self.request, headers=headers)

    def _found(self) -> None:
        if self.lost_at is not None:
            self.notify(Found(time.monotonic() - self.lost_at))
            self.lost_at = None

    async def _pause(self, why: ClientError) -> None:
        now = time.monotonic()
        if self.lost_at is None:
            self.lost_at = now
        patience = self.patience if self.met else min(self.patience, FIRST_CONTACT_SECONDS)
        left = self.lost_at + patience - now
        if left <= 0:
            raise why
        at_least = why.retry_after if isinstance(why, Refused) else 0
        delay = min(max(self._delay(), at_least), left)
        self.notify(Lost(why, delay))
        await anyio.sleep(delay)
        self.attempt += 1

    def _delay(self) -> float:
        first = FIRST_DELAY_SECONDS if self.retry_ms is None else self.retry_ms / 1000
        longest = max(LONGEST_DELAY_SECONDS, first)
        delay = min(first * 2.0 ** min(self.attempt, 16), longest)
        return delay * random.uniform(1.0, 1.25)  # noqa: S311 - spreads clients out, keeps no secret


def _unreachable(error: httpx2.TransportError, url: httpx2.URL) -> Unreachable:
    match error:
        case httpx2.ConnectError() | httpx2.ConnectTimeout():
            address = f"{url.scheme}://{url.netloc.decode()}"
            return Unreachable(f"nothing answers at {address}", f"{address} 没有响应")
        case httpx2.TimeoutException():
            seconds = f"{SILENCE_SECONDS:.0f}"
            return Unreachable(f"the server has said nothing for {seconds} s", f"服务器 {seconds} 秒没有动静")
        case _:
            return Unreachable("the connection was cut", "连接中断")


async def ask(
    server: str,
    request: Mapping[str, Any],
    *,
    patience: float = PATIENCE_SECONDS,
    notify: Callable[[Notice], None] = _no_notice,
) -> AsyncGenerator[Event, None]:
    """Start this request's task, or join it, and give its events to the last.

    :param request: ``{"kind": …, "params": {…}}``, and ``fresh`` for a new life of the task.
    :param patience: how many seconds to go on trying once the connection is lost. A server that was never reached
        is given a few seconds only.
    :raises Refused: the server will not do it, or had no room for as long as the client was patient.
    :raises Unreachable: it could not be reached for so long.
    """
    async with open_http(server) as http:
        following = _Following(http, request, "", "", patience, notify)
        async with aclosing(following.events()) as events:
            async for event in events:
                yield event


async def follow(
    server: str,
    task_id: str,
    *,
    after: str = "",
    patience: float = PATIENCE_SECONDS,
    notify: Callable[[Notice], None] = _no_notice,
) -> AsyncGenerator[Event, None]:
    """A task's events, from the first or from the one after the id ``after``, to the last.

    :raises Refused: as for a task that does not exist. :raises Unreachable: patience ran out.
    """
    async with open_http(server) as http:
        following = _Following(http, None, task_id, after, patience, notify)
        async with aclosing(following.events()) as events:
            async for event in events:
                yield event


async def list_tasks(server: str, **filters: str) -> AsyncGenerator[dict[str, Any], None]:
    """Every task that the filters of ``GET /api/tasks`` leave, newest first, page by page.

    :raises Refused: the server will not say. :raises Unreachable: nothing answers.
    """
    async with open_http(server) as http:
        cursor: str | None = None
        while True:
            page = {**filters, "cursor": cursor} if cursor else filters
            try:
                async with http.stream("GET", "/api/tasks", params=page) as response:
                    if response.status_code != httpx2.codes.OK:
                        raise await Refused.read(response)
                    found = orjson.loads(await response.aread())
            except httpx2.TransportError as error:
                raise _unreachable(error, http.base_url) from error
            for task in found["tasks"]:
                yield task
            cursor = found.get("next_cursor")
            if not cursor:
                return
