"""Fetching what a search found: few at once from one host, and nothing that is not on the public internet.

The operator's private hosts may be fetched when a request names them; a search result is no such request.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import anyio

from server.sources.fetch import Fetcher, Page

AT_ONCE_PER_HOST = 2


@dataclass
class HostLimits:
    """Lets so many at once through to one host. It remembers only hosts at which somebody is or waits."""

    at_once: int = AT_ONCE_PER_HOST
    _limits: dict[str, anyio.Semaphore] = field(default_factory=dict, init=False)
    _users: dict[str, int] = field(default_factory=dict, init=False)

    @asynccontextmanager
    async def at(self, url: str) -> AsyncIterator[None]:
        host = urlsplit(url).hostname or ""
        limit = self._limits.setdefault(host, anyio.Semaphore(self.at_once))
        self._users[host] = self._users.get(host, 0) + 1
        try:
            async with limit:
                yield
        finally:
            self._users[host] -= 1
            if not self._users[host]:
                del self._users[host], self._limits[host]


@dataclass
class FoundPages:
    """``fetcher`` must have no private hosts in a server; tests give it theirs."""

    fetcher: Fetcher = field(default_factory=Fetcher)
    hosts: HostLimits = field(default_factory=HostLimits)

    async def fetch(self, url: str) -> Page:
        """:raises SourceFailed: as `Fetcher.fetch` has it."""
        async with self.hosts.at(url):
            return await self.fetcher.fetch(url)
