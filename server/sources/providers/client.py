"""One request to a provider, over connections that have been judged: bounded in time and size, no redirects.

A redirect is a failure, since a key would go along with it to wherever it leads.
"""

import math
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any, NoReturn

import anyio
import httpcore2
import httpx2
import orjson

from server.sources.certificates import Certificates
from server.sources.egress import GuardedBackend, Judge
from server.sources.failures import FetchFailed
from server.sources.fetch import USER_AGENT, GuardedTransport, decoded
from server.sources.providers.base import ProviderFailed
from server.sources.providers.clock import Clock, SystemClock
from server.sources.urls import canonical

CONNECT_SECONDS = 5.0
TOTAL_SECONDS = 15.0
MOST_BYTES = 4 * 1024 * 1024
LONGEST_REST_SECONDS = 3600.0
"""A provider that asks to be left in peace for longer is asked again after so long."""

JSON_TYPES = re.compile(r"application/(?:[\w.+-]+\+)?json|text/json|application/vnd\.crossref-api-message\+json")
XML_TYPES = re.compile(r"application/(?:[\w.+-]+\+)?xml|text/xml")
_SECONDS = re.compile(r"\d{1,9}(?:\.\d+)?")


@dataclass
class ProviderClient:
    """Asks providers. Nothing is shared between two requests: no cookies, no connections.

    ``contact``: a mail address that goes into the User-Agent, as Wikipedia, Crossref and others ask for.
    """

    judge: Judge = field(default_factory=Judge)
    contact: str = ""
    connect_seconds: float = CONNECT_SECONDS
    total_seconds: float = TOTAL_SECONDS
    most_bytes: int = MOST_BYTES
    clock: Clock = field(default_factory=SystemClock)
    _certificates: Certificates = field(default_factory=Certificates, init=False, repr=False)

    async def json(
        self,
        url: str,
        params: Mapping[str, str | int] | None = None,
        *,
        body: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """What a provider answers, read as JSON. With a ``body`` it is a POST.

        :raises ProviderFailed: as `Provider.search` has it.
        """
        answer = await self._ask(url, params, body, headers, JSON_TYPES)
        try:
            return orjson.loads(answer)
        except orjson.JSONDecodeError:
            raise ProviderFailed("bad_response", "Its answer is no JSON.") from None

    async def xml(self, url: str, params: Mapping[str, str | int]) -> bytes:
        """What a provider answers, if it calls that XML.

        :raises ProviderFailed: as `Provider.search` has it.
        """
        return await self._ask(url, params, None, None, XML_TYPES)

    async def _ask(
        self,
        url: str,
        params: Mapping[str, str | int] | None,
        body: Mapping[str, Any] | None,
        headers: Mapping[str, str] | None,
        types: re.Pattern[str],
    ) -> bytes:
        tls = await self._certificates.context()
        try:
            with anyio.fail_after(self.total_seconds):
                return await self._exchange(canonical(url), tls, params, body, headers or {}, types)
        except TimeoutError:
            _fail("timeout", f"It did not answer within {self.total_seconds:g} seconds.")
        except (httpcore2.TimeoutException, httpx2.TimeoutException):
            _fail("timeout", "It did not answer in time.")
        except FetchFailed as failure:
            _fail(failure.code, failure.message)
        except (httpcore2.ConnectError, httpx2.ConnectError):
            _fail("unreachable", "No connection to it could be made.")
        except (httpcore2.ProtocolError, httpcore2.NetworkError, httpx2.HTTPError, httpx2.InvalidURL):
            _fail("bad_response", "Its answer breaks the protocol.")

    async def _exchange(
        self,
        url: str,
        tls: ssl.SSLContext,
        params: Mapping[str, str | int] | None,
        body: Mapping[str, Any] | None,
        headers: Mapping[str, str],
        types: re.Pattern[str],
    ) -> bytes:
        pool = httpcore2.AsyncConnectionPool(ssl_context=tls, network_backend=GuardedBackend(self.judge.ruling(url)))
        agent = f"{USER_AGENT} (mailto:{self.contact})" if self.contact else USER_AGENT
        timeout = httpx2.Timeout(self.total_seconds, connect=self.connect_seconds)
        async with httpx2.AsyncClient(
            transport=GuardedTransport(pool),
            timeout=timeout,
            headers={"User-Agent": agent, "Accept-Encoding": "gzip, deflate", **headers},
            trust_env=False,
        ) as client:
            method = "GET" if body is None else "POST"
            async with client.stream(
                method,
                url,
                params=dict(params) if params else None,
                json=dict(body) if body is not None else None,
                follow_redirects=False,
            ) as response:
                self._judge_status(response)
                return await self._read(response, types)

    def _judge_status(self, response: httpx2.Response) -> None:
        status = response.status_code
        if status == 200:
            return
        wait = self._retry_after(response.headers.get("retry-after"))
        if status == 429:
            raise ProviderFailed("rate_limited", "It was asked too often and wants to be left in peace.", wait)
        if status in (401, 402, 403):
            raise ProviderFailed("denied", f"It answered {status}: it takes no request without a key, or not this key.")
        if 300 <= status < 400:
            raise ProviderFailed("bad_response", f"It answered {status}; redirects are not followed.")
        raise ProviderFailed(f"http_{status}", f"It answered {status}.", wait)

    async def _read(self, response: httpx2.Response, types: re.Pattern[str]) -> bytes:
        media_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        if not types.fullmatch(media_type):
            told = f"Its answer is of the type {media_type[:80]!r}, which was not asked for."
            raise ProviderFailed("unsupported_type", told)
        body = bytearray()
        async for chunk in decoded(response, self.most_bytes):
            body += chunk
            if len(body) > self.most_bytes:
                raise ProviderFailed("too_large", f"Its answer is larger than {self.most_bytes // 1024} KiB.")
        return bytes(body)

    def _retry_after(self, value: str | None) -> float | None:
        """Seconds from ``Retry-After`` (RFC 9110, 10.2.3) in either of its forms."""
        if not value:
            return None
        if _SECONDS.fullmatch(value.strip()):
            wait = float(value)
        else:
            try:
                wait = parsedate_to_datetime(value).timestamp() - self.clock.since_1970()
            except (ValueError, OverflowError):
                return None
        return min(LONGEST_REST_SECONDS, max(0.0, float(math.ceil(wait))))


def _fail(code: str, message: str) -> NoReturn:
    """Without a cause: that of a request holds its address, and with it perhaps a key."""
    raise ProviderFailed(code, message) from None
