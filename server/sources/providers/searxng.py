"""SearXNG, an instance of the operator's own, which has to have ``json`` among its ``search.formats``."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from server.sources.providers.base import Capability, Hit, ProviderFailed
from server.sources.providers.client import ProviderClient
from server.sources.providers.hits import hit, listed, usable

MOST_QUERY_CHARS = 400
_LOCALES = {"zh": "zh-CN", "en": "en"}


@dataclass(frozen=True)
class Searxng:
    """``client`` may reach the instance's place, private or not."""

    client: ProviderClient
    site: str
    name: ClassVar[str] = "searxng"
    capabilities: ClassVar[frozenset[Capability]] = frozenset({"web"})
    keyless: ClassVar[bool] = True

    async def search(self, query: str, *, language: str, limit: int) -> list[Hit]:
        params = {
            "q": query[:MOST_QUERY_CHARS],
            "format": "json",
            "language": _LOCALES.get(language, "all"),
            "safesearch": "1",
        }
        try:
            said = await self.client.json(f"{self.site.rstrip('/')}/search", params)
        except ProviderFailed as failure:
            if failure.code == "denied":
                told = "It does not answer in JSON; put `json` among the `search.formats` of its settings."
                raise ProviderFailed("denied", told) from None
            raise
        hits = usable((_hit(one) for one in listed(said, "results")), limit)
        if not hits and isinstance(said, Mapping) and said.get("unresponsive_engines"):
            raise ProviderFailed("bad_response", "None of the engines behind it answered.")
        return hits


def _hit(one: Mapping[str, Any]) -> Hit | None:
    return hit(
        "searxng",
        url=one.get("url"),
        title=one.get("title"),
        snippet=one.get("content"),
        published=one.get("publishedDate"),
    )
