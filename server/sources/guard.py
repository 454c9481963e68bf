"""The guard that a browser goes out through: a forward proxy on loopback that lets nothing pass unjudged.

Plain HTTP comes as requests in absolute form, everything else (TLS, WebSockets) as tunnels. Each hop of a redirect is
a new request to it and judged anew. Who has no pass gets nothing, so that neither other programs of this machine nor
the browser's own background requests go out.
"""

import base64
import contextlib
import secrets
import zlib
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass, field
from typing import TypeAlias, TypedDict
from urllib.parse import urlsplit

import anyio
import h11
from anyio.abc import ByteStream, SocketAttribute, SocketStream, TaskStatus

from server.sources.egress import Address, Judge, Ruling
from server.sources.failures import FetchFailed
from server.sources.urls import canonical

Headers: TypeAlias = Iterable[tuple[bytes, bytes]]

REASON_HEADER = "X-Holdfast-Refused"
HEADER_SECONDS = 10.0
CONNECT_SECONDS = 10.0
TOTAL_SECONDS = 120.0
MOST_HEADER_BYTES = 65_536
MOST_BYTES = 50 * 1024 * 1024
MOST_BYTES_OUT = 10 * 1024 * 1024
MOST_BYTES_OF_A_PASS = 4 * MOST_BYTES
MOST_BYTES_OUT_OF_A_PASS = 4 * MOST_BYTES_OUT
MOST_CONNECTIONS = 256
MOST_REFUSALS_KEPT = 100
CHUNK_BYTES = 65_536

_GZIP_OR_ZLIB = 47
_HIGHEST_PORT = 65_535
_HOP_BY_HOP = frozenset(
    b"connection keep-alive proxy-authenticate proxy-authorization proxy-connection te trailer upgrade".split()
)
_STATUSES = {
    "forbidden_address": 403,
    "unknown_host": 502,
    "unreachable": 502,
    "bad_response": 502,
    "too_large": 502,
    "timeout": 504,
}


class Proxy(TypedDict, total=False):
    """What Playwright takes as ``proxy=``."""

    server: str
    username: str
    password: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """What was asked for and not given: ``host:port``, the code, and a sentence."""

    place: str
    code: str
    message: str


@dataclass
class Allowance:
    """Bytes that may still go one way.

    ``tell`` hears of all that do, of plain HTTP after decoding. The browser tells of them too, but not as long as its
    page is busy with those that have come.
    """

    left: int
    tell: Callable[[int], None] = lambda count: None

    def take(self, size: int) -> bool:
        """Whether so many may go, too. Once there are not enough, nothing more may."""
        self.tell(size)
        self.left = max(self.left - size, -1)
        return self.left >= 0


@dataclass
class Pass:
    """What lets one batch item's context out. ``refusals`` are the first hundred, in order; ``refused`` counts all.

    ``inward`` and ``outward`` are for all of its connections together.
    """

    proxy: Proxy
    ruling: Ruling
    inward: Allowance
    outward: Allowance
    refusals: list[Refusal] = field(default_factory=list)
    refused: int = 0
    scopes: set[anyio.CancelScope] = field(default_factory=set)

    def refusal_of(self, url: str) -> Refusal | None:
        """Why this URL's host and port was refused, if it was: the browser itself only says that a tunnel failed."""
        parts = urlsplit(url)
        place = _place((parts.hostname or "").lower(), parts.port or (443 if parts.scheme == "https" else 80))
        return next((refusal for refusal in reversed(self.refusals) if refusal.place == place), None)

    def note(self, place: str, failure: FetchFailed) -> None:
        self.refused += 1
        if len(self.refusals) < MOST_REFUSALS_KEPT:
            self.refusals.append(Refusal(place, failure.code, failure.message))


@dataclass
class EgressGuard:
    """The proxy. Run it with ``async with``: ``proxy`` is for ``launch``, ``admit(url)`` for each new context.

    Limits are per connection, in bytes and seconds, and in bytes per pass; bytes of plain HTTP are counted after
    decoding. ``strangers`` counts the requests that bore no pass, the browser's own among them.
    """

    judge: Judge = field(default_factory=Judge)
    most_bytes: int = MOST_BYTES
    most_bytes_out: int = MOST_BYTES_OUT
    most_bytes_of_a_pass: int = MOST_BYTES_OF_A_PASS
    most_bytes_out_of_a_pass: int = MOST_BYTES_OUT_OF_A_PASS
    total_seconds: float = TOTAL_SECONDS
    most_connections: int = MOST_CONNECTIONS
    port: int = field(default=0, init=False)
    strangers: int = field(default=0, init=False)
    _passes: dict[bytes, Pass] = field(default_factory=dict, init=False)
    _connections: int = field(default=0, init=False)
    _stack: contextlib.AsyncExitStack = field(default_factory=contextlib.AsyncExitStack, init=False)

    async def __aenter__(self) -> "EgressGuard":
        tg = await self._stack.enter_async_context(anyio.create_task_group())
        self._stack.callback(tg.cancel_scope.cancel)
        await tg.start(self._serve)
        return self

    async def __aexit__(self, *failure: object) -> None:
        await self._stack.aclose()

    @property
    def proxy(self) -> Proxy:
        """For the launch of a browser: without a pass, so what the browser asks for of its own accord is refused."""
        return {"server": f"http://127.0.0.1:{self.port}"}

    @contextlib.asynccontextmanager
    async def admit(self, url: str) -> AsyncIterator[Pass]:
        """A pass for one context that will open this URL. At its end all of its connections are cut.

        :raises FetchFailed: (``invalid_url``) it is not http or https, or can't be read.
        """
        username, password = "holdfast", secrets.token_urlsafe(24)
        key = base64.b64encode(f"{username}:{password}".encode())
        made = Pass(
            {**self.proxy, "username": username, "password": password},
            self.judge.ruling(canonical(url)),
            Allowance(self.most_bytes_of_a_pass),
            Allowance(self.most_bytes_out_of_a_pass),
        )
        self._passes[key] = made
        try:
            yield made
        finally:
            del self._passes[key]
            for scope in made.scopes:
                scope.cancel()

    async def _serve(self, *, task_status: TaskStatus[None]) -> None:
        async with await anyio.create_tcp_listener(local_host="127.0.0.1", local_port=0) as listener:
            self.port = listener.extra(SocketAttribute.local_port)  # noqa: S610 - a listener, not a query
            task_status.started()
            await listener.serve(self._accept)

    async def _accept(self, client: SocketStream) -> None:
        async with client:
            if self._connections >= self.most_connections:
                return
            self._connections += 1
            try:
                with anyio.move_on_after(self.total_seconds) as scope:
                    await _Exchange(self, client, scope).run()
            except (anyio.BrokenResourceError, anyio.ClosedResourceError, anyio.EndOfStream, OSError):
                pass  # either side may go at any time; nothing is owed to it then
            finally:
                self._connections -= 1

    def find(self, headers: Headers) -> Pass | None:
        """The pass that a request bears, if it is one that holds now."""
        given = [value for name, value in headers if name == b"proxy-authorization"]
        scheme, _, key = given[0].partition(b" ") if len(given) == 1 else (b"", b"", b"")
        return self._passes.get(key.strip()) if scheme.lower() == b"basic" else None


class _Exchange:
    """One connection of the browser: one request, or one tunnel."""

    def __init__(self, guard: EgressGuard, client: SocketStream, scope: anyio.CancelScope) -> None:
        self._guard, self._client, self._scope = guard, client, scope
        self._inner = h11.Connection(h11.SERVER, max_incomplete_event_size=MOST_HEADER_BYTES)

    async def run(self) -> None:
        try:
            with anyio.fail_after(HEADER_SECONDS):
                request = await _event(self._inner, self._client)
        except (TimeoutError, h11.RemoteProtocolError):
            return
        if not isinstance(request, h11.Request):
            return
        held = self._guard.find(request.headers)
        if held is None:
            self._guard.strangers += 1
            await self._answer(407, "no_pass", [("Proxy-Authenticate", 'Basic realm="holdfast"')])
            return
        held.scopes.add(self._scope)
        try:
            await self._pass_on(request, held)
        except h11.ProtocolError:
            return
        finally:
            held.scopes.discard(self._scope)

    async def _pass_on(self, request: h11.Request, held: Pass) -> None:
        try:
            host, port, path = _target(request)
        except ValueError:
            await self._answer(400, "invalid_url")
            return
        try:
            if held.inward.left < 0 or held.outward.left < 0:
                raise FetchFailed("too_large", "The page has had all the bytes that one may have.")
            upstream = await _connect(held.ruling, host, port)
        except FetchFailed as failure:
            held.note(_place(host, port), failure)
            await self._answer(_STATUSES[failure.code], failure.code)
            return
        async with upstream:
            if request.method == b"CONNECT":
                await self._tunnel(upstream, held)
                return
            try:
                await self._forward(request, held, _place(host, port), path, upstream)
            except FetchFailed as failure:
                held.note(_place(host, port), failure)
                if self._inner.our_state is h11.SEND_RESPONSE:
                    await self._answer(_STATUSES[failure.code], failure.code)

    async def _answer(self, status: int, reason: str, more: list[tuple[str, str]] | None = None) -> None:
        headers = [(REASON_HEADER, reason), ("Content-Length", "0"), ("Connection", "close"), *(more or [])]
        sent = self._inner.send(h11.Response(status_code=status, headers=headers, reason=b"Holdfast"))
        await self._client.send(sent or b"")

    async def _tunnel(self, upstream: SocketStream, held: Pass) -> None:
        early, _ = self._inner.trailing_data
        await self._client.send(b"HTTP/1.1 200 Connected\r\n\r\n")
        if early:
            await upstream.send(early)
        async with anyio.create_task_group() as tg:

            async def copy(source: SocketStream, target: SocketStream, own: Allowance, of_pass: Allowance) -> None:
                with contextlib.suppress(anyio.EndOfStream, anyio.BrokenResourceError, anyio.ClosedResourceError):
                    piece = await source.receive(CHUNK_BYTES)
                    while of_pass.take(len(piece)) and own.take(len(piece)):
                        await target.send(piece)
                        piece = await source.receive(CHUNK_BYTES)
                tg.cancel_scope.cancel()

            tg.start_soon(copy, self._client, upstream, Allowance(self._guard.most_bytes_out), held.outward)
            tg.start_soon(copy, upstream, self._client, Allowance(self._guard.most_bytes), held.inward)

    async def _forward(self, request: h11.Request, held: Pass, place: str, path: bytes, upstream: SocketStream) -> None:
        outer = h11.Connection(h11.CLIENT, max_incomplete_event_size=MOST_HEADER_BYTES)
        shown = place.removesuffix(":80")
        headers = _kept(request.headers, b"host", b"accept-encoding")
        headers += [(b"host", shown.encode()), (b"accept-encoding", b"gzip, deflate"), (b"connection", b"close")]
        await upstream.send(outer.send(h11.Request(method=request.method, target=path, headers=headers)) or b"")
        own = Allowance(self._guard.most_bytes_out)
        while not isinstance(event := await _event(self._inner, self._client), h11.EndOfMessage):
            if not isinstance(event, h11.Data):
                return
            if not own.take(len(event.data)) or not held.outward.take(len(event.data)):
                raise FetchFailed("too_large", "The request is too large to be sent on.")
            await upstream.send(outer.send(event) or b"")
        await upstream.send(outer.send(h11.EndOfMessage()) or b"")
        try:
            await self._give_back(outer, upstream, held)
        except h11.RemoteProtocolError:
            raise FetchFailed("bad_response", "The server's answer can't be read.") from None

    async def _give_back(self, outer: h11.Connection, upstream: SocketStream, held: Pass) -> None:
        counter: _Counter | None = None
        while True:
            event = await _event(outer, upstream)
            if isinstance(event, h11.InformationalResponse):
                continue  # early hints lead elsewhere, and nobody waits for `100 Continue` of a body sent already
            if isinstance(event, h11.Response):
                counter = _Counter(event.headers, Allowance(self._guard.most_bytes), held.inward)
                headers = [*_kept(event.headers, REASON_HEADER.lower().encode()), (b"connection", b"close")]
                event = h11.Response(status_code=event.status_code, headers=headers, reason=event.reason)
            elif isinstance(event, h11.Data) and counter is not None:
                counter.count(bytes(event.data))
            elif not isinstance(event, h11.EndOfMessage):
                raise FetchFailed("bad_response", "The server's answer breaks off.")
            await self._client.send(self._inner.send(event) or b"")
            if isinstance(event, h11.EndOfMessage):
                return


class _Counter:
    """Counts a body as it will be when it is unpacked, without keeping it, and tells of each piece's length."""

    def __init__(self, headers: Headers, own: Allowance, of_pass: Allowance) -> None:
        codings = b",".join(value for name, value in headers if name == b"content-encoding").strip().lower()
        if codings not in (b"", b"identity", b"gzip", b"x-gzip", b"deflate"):
            raise FetchFailed("bad_response", "The answer is coded in a way that was not asked for.")
        self._unpacker = zlib.decompressobj(_GZIP_OR_ZLIB) if codings not in (b"", b"identity") else None
        self._own, self._of_pass = own, of_pass

    def count(self, piece: bytes) -> None:
        """:raises FetchFailed: (``too_large``, ``bad_response``)"""
        size = len(piece) if self._unpacker is None else self._unpacked(self._unpacker, piece)
        if not self._of_pass.take(size) or not self._own.take(size):  # the pass is to hear of it in any case
            raise FetchFailed("too_large", "The answer is too large.")

    def _unpacked(self, unpacker: "zlib._Decompress", piece: bytes) -> int:
        """The size, or one that is too large."""
        most = min(self._own.left, self._of_pass.left)
        try:
            size = len(unpacker.decompress(piece, max(1, most + 1)))
        except zlib.error:
            raise FetchFailed("bad_response", "The answer's compression is broken.") from None
        return most + 1 if unpacker.unconsumed_tail else size


async def _event(connection: h11.Connection, stream: ByteStream) -> object:
    while (event := connection.next_event()) is h11.NEED_DATA:
        try:
            connection.receive_data(await stream.receive(CHUNK_BYTES))
        except anyio.EndOfStream:
            connection.receive_data(b"")
    return event


async def _connect(ruling: Ruling, host: str, port: int) -> SocketStream:
    try:
        with anyio.fail_after(CONNECT_SECONDS):
            return await _first(await ruling.addresses(host, port), port)
    except TimeoutError:
        raise FetchFailed("timeout", "The server did not answer in time.") from None


async def _first(addresses: list[Address], port: int) -> SocketStream:
    for address in addresses:
        with contextlib.suppress(OSError):
            return await anyio.connect_tcp(str(address), port)
    raise FetchFailed("unreachable", "No connection to the server.")


def _target(request: h11.Request) -> tuple[str, int, bytes]:
    """Host, port and path that are asked for; what the Host header says counts for nothing.

    :raises ValueError: it is not a target that a browser sends to a proxy.
    """
    given = request.target.decode("ascii")
    is_tunnel = request.method == b"CONNECT"
    parts = urlsplit(f"//{given}" if is_tunnel else given)
    if "@" in parts.netloc or "%" in parts.netloc or "\\" in given or not parts.hostname:
        raise ValueError
    if is_tunnel:
        if parts.port is None or parts.path or parts.query or parts.fragment or not given[-1].isdigit():
            raise ValueError
    elif parts.scheme != "http" or parts.fragment:
        raise ValueError
    port = 80 if parts.port is None else parts.port
    if not 0 < port <= _HIGHEST_PORT:
        raise ValueError
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return parts.hostname, port, path.encode()


def _kept(headers: Headers, *dropped: bytes) -> list[tuple[bytes, bytes]]:
    """The headers that are meant for the other end, those that `Connection` names left out as well."""
    named = {part.strip().lower() for name, value in headers if name == b"connection" for part in value.split(b",")}
    out = (_HOP_BY_HOP | named | set(dropped)) - {b"transfer-encoding", b"content-length"}
    return [(name, value) for name, value in headers if name not in out]


def _place(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
