"""Telling an operator's own address of something, signed as standard-webhooks has it, through the judge of all else.

At least once: the id stays the same through all attempts, also those of another node, so a receiver drops what it has.
"""

import base64
import hashlib
import hmac
import ssl
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import anyio
import httpcore2
import httpx2

from server.models import Undelivered
from server.sources.egress import GuardedBackend, Judge
from server.sources.failures import FetchFailed
from server.sources.fetch import USER_AGENT, GuardedTransport
from server.sources.urls import canonical

WAITS_SECONDS = (1.0, 5.0, 30.0, 120.0)
ATTEMPT_SECONDS = 15.0
MOST_BODY_BYTES = 16_384
NAME_DIGITS = 16
_PREFIX = "whsec_"
_GOOD = range(200, 300)
_FINAL = frozenset({"invalid_url", "forbidden_address", "http_410"})


def signature(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """``v1,`` and the signature. A secret that begins with ``whsec_`` is base64 after it; any other is its own bytes.

    :raises ValueError: (``binascii.Error``) what follows ``whsec_`` is not base64.
    """
    if secret.startswith(_PREFIX):
        key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    else:
        key = secret.encode()
    signed = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def receiver_name(url: str) -> str:
    """A name for an address that does not say it: addresses may hold secrets."""
    return hashlib.sha256(url.encode()).hexdigest()[:NAME_DIGITS]


class Webhooks:
    """The operator's addresses. See `server.tasks.messenger.Receivers`."""

    def __init__(self, urls: Sequence[str], judge: Judge, secret: str) -> None:
        self._urls = {receiver_name(url): url for url in urls}
        self._sender = WebhookSender(judge, secret, waits=())
        self.names = tuple(self._urls)

    async def tell(self, receiver: str, message_id: str, body: bytes) -> Undelivered | None:
        """One attempt to tell the address of this name."""
        try:
            await self._sender.send(self._urls[receiver], message_id, body)
        except FetchFailed as failure:
            return Undelivered(failure.message, final=failure.code in _FINAL)
        return None


@dataclass
class WebhookSender:
    """Sends to one address at a time. ``waits``: seconds before each further attempt; one more attempt than waits."""

    judge: Judge
    secret: str = field(repr=False)
    waits: Sequence[float] = WAITS_SECONDS
    attempt_seconds: float = ATTEMPT_SECONDS
    clock: Callable[[], float] = time.time

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        """Made for the first message: it takes its time, and many servers never send one."""
        return httpcore2.default_ssl_context()

    async def send(self, url: str, message_id: str, body: bytes) -> None:
        """Give this message to this address. What only seems not to have arrived is sent again under the same id.

        :param message_id: the same for the same message, whoever sends it and how often.
        :param body: JSON of at most 16 KiB.
        :raises FetchFailed: ``invalid_url`` and ``forbidden_address`` at once, and so ``http_410``, by which a
            receiver asks for no more; all else after the last attempt, as the last attempt had it.
        """
        if len(body) > MOST_BODY_BYTES:
            raise FetchFailed("too_large", f"A webhook may tell {MOST_BODY_BYTES // 1024} KiB at most.")
        target = canonical(url)
        for wait in (*self.waits, None):
            try:
                await self._attempt(target, message_id, body)
            except FetchFailed as failure:
                if wait is None or failure.code in _FINAL:
                    raise
                await anyio.sleep(wait)
            else:
                return

    async def _attempt(self, url: str, message_id: str, body: bytes) -> None:
        timestamp = int(self.clock())
        headers = {
            "User-Agent": USER_AGENT,
            "Content-Type": "application/json",
            "webhook-id": message_id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": signature(self.secret, message_id, timestamp, body),
        }
        pool = httpcore2.AsyncConnectionPool(
            ssl_context=self._tls, network_backend=GuardedBackend(self.judge.ruling(url))
        )
        try:
            with anyio.fail_after(self.attempt_seconds):
                async with (
                    httpx2.AsyncClient(transport=GuardedTransport(pool), timeout=None, trust_env=False) as client,
                    client.stream("POST", url, content=body, headers=headers, follow_redirects=False) as response,
                ):
                    status = response.status_code  # the body is nobody's business, so it is not read
        except httpx2.InvalidURL:
            raise FetchFailed("invalid_url", "The address can't be read.") from None
        except TimeoutError:
            raise FetchFailed("timeout", "The receiver did not answer in time.") from None
        except (httpcore2.ConnectError, httpcore2.ProtocolError, httpcore2.NetworkError, httpx2.HTTPError) as error:
            raise FetchFailed("unreachable", f"No answer from the receiver: {type(error).__name__}.") from None
        if status not in _GOOD:
            raise FetchFailed(f"http_{status}", f"The receiver answered {status}; a redirect is a failure too.")
