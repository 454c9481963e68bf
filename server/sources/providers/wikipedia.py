"""Wikipedia in the asker's language, by the search of the MediaWiki Action API."""

from dataclasses import dataclass
from typing import Any, ClassVar
from urllib.parse import quote

from server.sources.providers.base import Capability, Hit, ProviderFailed
from server.sources.providers.client import ProviderClient
from server.sources.providers.hits import hit, listed, usable, within
from server.sources.providers.keywords import keywords

LANGUAGES = ("en", "zh")
MOST_RESULTS = 50


@dataclass(frozen=True)
class Wikipedia:
    """``site``: the address of a wiki, with ``{language}`` where its language goes."""

    client: ProviderClient
    site: str = "https://{language}.wikipedia.org"
    name: ClassVar[str] = "wikipedia"
    capabilities: ClassVar[frozenset[Capability]] = frozenset({"web"})
    keyless: ClassVar[bool] = True

    async def search(self, query: str, *, language: str, limit: int) -> list[Hit]:
        site = self.site.format(language=language if language in LANGUAGES else LANGUAGES[0])
        said = await self.client.json(
            f"{site}/w/api.php",
            {
                "action": "query",
                "list": "search",
                "format": "json",
                "formatversion": 2,
                "srsearch": keywords(query),
                "srlimit": min(limit, MOST_RESULTS),
                "srnamespace": 0,
                "srprop": "snippet|timestamp",
            },
        )
        if (code := within(said, "error", "code")) is not None:
            raise _failure(str(code))
        return usable((_hit(site, one) for one in listed(said, "query", "search")), limit)


def _hit(site: str, one: Any) -> Hit | None:
    title = one.get("title")
    if not isinstance(title, str) or not title.strip():
        return None
    # The timestamp is of the last edit: it says nothing on when something was published.
    url = f"{site}/wiki/{quote(title.replace(' ', '_'), safe='')}"
    return hit("wikipedia", url=url, title=title, snippet=one.get("snippet"))


def _failure(code: str) -> ProviderFailed:
    """The API tells its errors with status 200."""
    if code in ("ratelimited", "maxlag", "readonly"):
        return ProviderFailed("rate_limited", "It is busy and wants to be left in peace.")
    return ProviderFailed("bad_response", f"It could not search: {code[:60]!r}.")
