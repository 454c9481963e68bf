"""Search of the web as research sees it; `server.sources.providers` fulfils this, and so does nobody at all."""

from collections.abc import Collection, Sequence
from typing import Any, Literal, Protocol, TypeAlias

from server.sources.fetch import Page

Capability: TypeAlias = Literal["web", "academic", "local"]


class Hit(Protocol):
    """One result of a search. ``text`` is a whole abstract, which may be quoted; ``snippet`` may not."""

    @property
    def url(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def snippet(self) -> str: ...
    @property
    def published(self) -> str | None: ...
    @property
    def text(self) -> str: ...


class Failure(Protocol):
    """A provider that could not be asked, and why."""

    def to_json(self) -> dict[str, Any]:
        """`{provider, code, message}`"""


class Found(Protocol):
    """What one search brought."""

    @property
    def hits(self) -> Sequence[Hit]: ...
    @property
    def failures(self) -> Sequence[Failure]: ...
    @property
    def asked(self) -> Sequence[str]: ...


class Pages(Protocol):
    """Fetches pages that a search found, which no request has named: from the public internet only."""

    async def fetch(self, url: str) -> Page:
        """:raises SourceFailed: as `server.sources.fetch.Fetcher`."""


class Web(Protocol):
    """All search providers of this server as one."""

    @property
    def pages(self) -> Pages: ...

    def names(self, wanted: Collection[Capability]) -> tuple[str, ...]:
        """Those that would be asked."""

    async def search(
        self,
        query: str,
        *,
        wanted: Collection[Capability],
        language: str,
        limit: int,
        without: Collection[str] = (),
        seconds: float = 20.0,
    ) -> Found:
        """Ask them; never raises for one of them, and ends within ``seconds``."""
