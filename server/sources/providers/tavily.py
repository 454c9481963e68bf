"""Tavily, with a key."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from server.sources.providers.base import Capability, Hit
from server.sources.providers.client import ProviderClient
from server.sources.providers.hits import hit, listed, usable

MOST_RESULTS = 20
MOST_QUERY_CHARS = 400


@dataclass(frozen=True)
class Tavily:
    client: ProviderClient
    key: str = field(repr=False)
    site: str = "https://api.tavily.com"
    name: ClassVar[str] = "tavily"
    capabilities: ClassVar[frozenset[Capability]] = frozenset({"web"})
    keyless: ClassVar[bool] = False

    async def search(self, query: str, *, language: str, limit: int) -> list[Hit]:
        said = await self.client.json(
            f"{self.site}/search",
            body={
                "query": query[:MOST_QUERY_CHARS],
                "max_results": min(limit, MOST_RESULTS),
                "search_depth": "basic",
                "include_answer": False,
                "include_raw_content": False,
            },
            headers={"Authorization": f"Bearer {self.key}"},
        )
        return usable((_hit(one) for one in listed(said, "results")), limit)


def _hit(one: Mapping[str, Any]) -> Hit | None:
    return hit(
        "tavily",
        url=one.get("url"),
        title=one.get("title"),
        snippet=one.get("content"),
        published=one.get("published_date"),
    )
