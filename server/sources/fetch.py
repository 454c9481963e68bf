"""One page over HTTP: bounded in time, size and redirects; what goes wrong has a code and a sentence."""

import hashlib
import ssl
import zlib
from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass, field
from email.message import Message
from http import HTTPStatus
from typing import Protocol

import anyio
import anyio.to_thread
import httpcore2
import httpx2

from server import __version__
from server.sources.boilerplate import without_boilerplate
from server.sources.certificates import Certificates
from server.sources.documents import Document
from server.sources.egress import PUBLIC_PORTS, GuardedBackend, Judge, Resolve, resolve
from server.sources.extract import HTML_TYPES, READABLE_TYPES, extract, media_type_of
from server.sources.failures import FetchFailed, Unreadable
from server.sources.urls import canonical

USER_AGENT = f"Holdfast/{__version__}"
CONNECT_SECONDS = 10.0
TOTAL_SECONDS = 30.0
MOST_BYTES = 10 * 1024 * 1024
MOST_REDIRECTS = 5
CHUNK_BYTES = 65_536
READERS = 2
LITTLE_TEXT_CHARS = 200
"""A page with less text and with scripts is one that they are still to write."""

_ACCEPT = "text/html, application/xhtml+xml, text/markdown, text/plain;q=0.9, application/pdf;q=0.8, */*;q=0.1"
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_GZIP_OR_ZLIB = 47
_NO_NAME = "application/octet-stream"
_UNNAMED = frozenset({"", _NO_NAME, "binary/octet-stream"})
_PDF_MARK = b"%PDF-"


@dataclass(frozen=True, slots=True)
class Page:
    """What a URL gave. ``url`` is where the redirects ended; ``sha256`` is of the body after decoding.

    ``rendered``: its text is what scripts have made of it in a browser, and so is the body.
    """

    url: str
    media_type: str
    sha256: str
    size: int
    document: Document
    rendered: bool = False


@dataclass(frozen=True, slots=True)
class Rendered:
    """A page as its scripts have left it."""

    url: str
    html: str


class Renderer(Protocol):
    """Opens pages in a browser."""

    async def render(self, url: str) -> Rendered:
        """:raises FetchFailed: (``needs_browser``)"""


@dataclass(frozen=True, slots=True)
class _Answer:
    url: httpx2.URL
    media_type: str
    charset: str | None
    body: bytes


@dataclass
class Fetcher:
    """Fetches pages for workflows. Nothing is shared between two fetches: no cookies, no connections."""

    allowed_private_hosts: Collection[str] = ()
    connect_seconds: float = CONNECT_SECONDS
    total_seconds: float = TOTAL_SECONDS
    most_bytes: int = MOST_BYTES
    ports: frozenset[int] = PUBLIC_PORTS
    resolve: Resolve = resolve
    renderer: Renderer | None = None
    """Where given, a page that has scripts and next to no text is opened in a browser."""
    _certificates: Certificates = field(default_factory=Certificates, init=False)
    _readers: anyio.CapacityLimiter = field(default_factory=lambda: anyio.CapacityLimiter(READERS), init=False)

    def judge(self) -> Judge:
        """The rules that each fetch goes by."""
        return Judge(self.allowed_private_hosts, self.ports, self.resolve)

    async def fetch(self, url: str) -> Page:
        """Fetch and read one page.

        :raises SourceFailed: ``invalid_url``, ``forbidden_address``, ``unknown_host``, ``unreachable``, ``timeout``,
            ``http_404`` and the like, ``too_many_redirects``, ``too_large``, ``unsupported_type``, ``bad_response``,
            ``empty``, ``binary``, ``broken``, ``needs_browser``.
        """
        tls = await self._certificates.context()
        try:
            with anyio.fail_after(self.total_seconds):
                answer = await self._get(canonical(url), tls)
        except TimeoutError:
            raise FetchFailed("timeout", f"The page was not there after {self.total_seconds:g} seconds.") from None
        try:
            page = await self._page(answer)
        except Unreadable as unreadable:
            if unreadable.code != "empty" or self.renderer is None or not _has_scripts(answer):
                raise
            return await self._rendered(self.renderer, answer)
        if self.renderer is None or not _has_scripts(answer) or _chars(page) >= LITTLE_TEXT_CHARS:
            return page
        try:
            rendered = await self._rendered(self.renderer, answer)
        except (FetchFailed, Unreadable):
            return page
        return max(page, rendered, key=_chars)

    async def _page(self, answer: _Answer, *, rendered: bool = False) -> Page:
        document = await anyio.to_thread.run_sync(_read, answer, limiter=self._readers)
        sha256 = hashlib.sha256(answer.body).hexdigest()
        return Page(str(answer.url), answer.media_type, sha256, len(answer.body), document, rendered)

    async def _rendered(self, renderer: Renderer, answer: _Answer) -> Page:
        found = await renderer.render(str(answer.url))
        body = found.html.encode(errors="replace")
        if len(body) > self.most_bytes:
            raise self._too_large()
        made = _Answer(httpx2.URL(found.url), "text/html", "utf-8", body)
        return await self._page(made, rendered=True)

    async def _get(self, url: str, tls: ssl.SSLContext) -> _Answer:
        backend = GuardedBackend(self.judge().ruling(url))
        pool = httpcore2.AsyncConnectionPool(ssl_context=tls, network_backend=backend)
        timeout = httpx2.Timeout(self.total_seconds, connect=self.connect_seconds)
        headers = {"User-Agent": USER_AGENT, "Accept": _ACCEPT, "Accept-Encoding": "gzip, deflate"}
        async with httpx2.AsyncClient(
            transport=GuardedTransport(pool), timeout=timeout, headers=headers, trust_env=False
        ) as client:
            try:
                for _ in range(MOST_REDIRECTS + 1):
                    async with client.stream("GET", url, follow_redirects=False) as response:
                        client.cookies.clear()
                        if response.status_code not in _REDIRECTS or "location" not in response.headers:
                            return await self._answer(response)
                        url = canonical(str(response.url.join(response.headers["location"])))
            except (httpcore2.TimeoutException, httpx2.TimeoutException):
                raise FetchFailed("timeout", "The server did not answer in time.") from None
            except (httpcore2.ConnectError, httpx2.ConnectError) as error:
                raise FetchFailed("unreachable", f"No connection to the server: {_reason(error)}.") from None
            except (httpcore2.ProtocolError, httpcore2.NetworkError, httpx2.HTTPError, httpx2.InvalidURL) as error:
                raise FetchFailed("bad_response", f"The server's answer can't be read: {_reason(error)}.") from None
        raise FetchFailed("too_many_redirects", f"The server redirected more than {MOST_REDIRECTS} times.")

    async def _answer(self, response: httpx2.Response) -> _Answer:
        if response.status_code != HTTPStatus.OK:
            raise FetchFailed(f"http_{response.status_code}", f"The server answered {_status(response.status_code)}.")
        header = Message()
        header["content-type"] = response.headers.get("content-type", "")
        media_type = header.get_content_type() if header["content-type"] else ""
        if media_type in _UNNAMED:
            media_type = media_type_of(response.url.path) or _NO_NAME
        if media_type == "text/x-markdown" or (
            media_type == "text/plain" and media_type_of(response.url.path) == "text/markdown"
        ):
            media_type = "text/markdown"
        body = bytearray()
        async for chunk in decoded(response, self.most_bytes):
            if chunk and media_type not in READABLE_TYPES:
                if media_type != _NO_NAME or not chunk.startswith(_PDF_MARK):
                    told = f"The page is {media_type[:80]}, which is not a type that is read here."
                    raise FetchFailed("unsupported_type", told)
                media_type = "application/pdf"
            body += chunk
            if len(body) > self.most_bytes:
                raise self._too_large()
        if media_type not in READABLE_TYPES:  # one without a body has no type that could be wrong
            raise FetchFailed("empty", "There is nothing in it.")
        return _Answer(response.url, media_type, header.get_content_charset(), bytes(body))

    def _too_large(self) -> FetchFailed:
        return FetchFailed("too_large", f"The page is larger than {self.most_bytes // 1024 // 1024} MB.")


def _chars(page: Page) -> int:
    return len(page.document.text)


def _has_scripts(answer: _Answer) -> bool:
    return answer.media_type in HTML_TYPES and b"<script" in answer.body.lower()


def _read(answer: _Answer) -> Document:
    document = extract(answer.body, answer.media_type, answer.charset)
    return without_boilerplate(document, answer.body) if answer.media_type in HTML_TYPES else document


async def decoded(response: httpx2.Response, most: int) -> AsyncIterator[bytes]:
    """The body without its content coding, in pieces that a small compressed bomb can't blow up."""
    coding = response.headers.get("content-encoding", "identity").strip().lower()
    if coding in ("", "identity"):
        async for chunk in response.aiter_raw(CHUNK_BYTES):
            yield chunk
        return
    if coding not in ("gzip", "x-gzip", "deflate"):
        raise FetchFailed("bad_response", f"The page is coded as {coding[:40]!r}, which was not asked for.")
    unpacker = zlib.decompressobj(_GZIP_OR_ZLIB)
    try:
        async for chunk in response.aiter_raw(CHUNK_BYTES):
            piece = unpacker.decompress(chunk, most + 1)
            yield piece
            if unpacker.unconsumed_tail:
                raise FetchFailed("too_large", f"The page is larger than {most // 1024 // 1024} MB when unpacked.")
        yield unpacker.flush()
    except zlib.error:
        raise FetchFailed("bad_response", "The page's compression is broken.") from None


class GuardedTransport(httpx2.AsyncBaseTransport):
    """httpx2's own transport takes no network backend, so this one hands requests to a pool that has ours."""

    def __init__(self, pool: httpcore2.AsyncConnectionPool) -> None:
        self._pool = pool

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        answer = await self._pool.handle_async_request(
            httpcore2.Request(
                method=request.method,
                url=httpcore2.URL(
                    scheme=request.url.raw_scheme,
                    host=request.url.raw_host,
                    port=request.url.port,
                    target=request.url.raw_path,
                ),
                headers=request.headers.raw,
                content=request.stream,
                extensions=request.extensions,
            )
        )
        return httpx2.Response(
            answer.status, headers=answer.headers, stream=_Stream(answer), extensions=answer.extensions
        )

    async def aclose(self) -> None:
        await self._pool.aclose()


class _Stream(httpx2.AsyncByteStream):
    def __init__(self, answer: httpcore2.Response) -> None:
        self._answer = answer

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._answer.aiter_stream():
            yield chunk

    async def aclose(self) -> None:
        await self._answer.aclose()


def _status(code: int) -> str:
    try:
        return f"{code} {HTTPStatus(code).phrase}"
    except ValueError:
        return str(code)


def _reason(error: Exception) -> str:
    return (str(error) or type(error).__name__).rstrip(".")[:200]
