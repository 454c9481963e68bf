"""Brave Search, with a key. Its smallest plan takes one request a second."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from server.sources.providers.base import Capability, Hit
from server.sources.providers.client import ProviderClient
from server.sources.providers.hits import hit, listed, usable

MOST_RESULTS = 20
MOST_QUERY_CHARS = 400
MOST_QUERY_WORDS = 50
_LANGUAGES = {"zh": "zh-hans", "en": "en"}


@dataclass(frozen=True)
class Brave:
    client: ProviderClient
    key: str = field(repr=False)
    site: str = "https://api.search.brave.com"
    name: ClassVar[str] = "brave"
    capabilities: ClassVar[frozenset[Capability]] = frozenset({"web"})
    keyless: ClassVar[bool] = False

    async def search(self, query: str, *, language: str, limit: int) -> list[Hit]:
        said = await self.client.json(
            f"{self.site}/res/v1/web/search",
            {
                "q": " ".join(query[:MOST_QUERY_CHARS].split()[:MOST_QUERY_WORDS]),
                "count": min(limit, MOST_RESULTS),
                "search_lang": _LANGUAGES.get(language, "en"),
                "result_filter": "web",
                "text_decorations": "false",
            },
            headers={"X-Subscription-Token": self.key, "Accept": "application/json"},
        )
        return usable((_hit(one) for one in listed(said, "web", "results")), limit)


def _hit(one: Mapping[str, Any]) -> Hit | None:
    return hit(
        "brave",
        url=one.get("url"),
        title=one.get("title"),
        snippet=one.get("description"),
        published=one.get("page_age"),
    )
