"""Exa, with a key."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from server.sources.providers.base import Capability, Hit
from server.sources.providers.client import ProviderClient
from server.sources.providers.hits import hit, listed, usable

MOST_RESULTS = 25
MOST_QUERY_CHARS = 400


@dataclass(frozen=True)
class Exa:
    client: ProviderClient
    key: str = field(repr=False)
    site: str = "https://api.exa.ai"
    name: ClassVar[str] = "exa"
    capabilities: ClassVar[frozenset[Capability]] = frozenset({"web"})
    keyless: ClassVar[bool] = False

    async def search(self, query: str, *, language: str, limit: int) -> list[Hit]:
        said = await self.client.json(
            f"{self.site}/search",
            body={
                "query": query[:MOST_QUERY_CHARS],
                "numResults": min(limit, MOST_RESULTS),
                "type": "auto",
                "contents": {"highlights": True},
            },
            headers={"x-api-key": self.key},
        )
        return usable((_hit(one) for one in listed(said, "results")), limit)


def _hit(one: Mapping[str, Any]) -> Hit | None:
    highlights = one.get("highlights")
    told = [part for part in highlights if isinstance(part, str)] if isinstance(highlights, list) else []
    return hit(
        "exa",
        url=one.get("url"),
        title=one.get("title"),
        snippet=" … ".join(told) or one.get("text"),
        published=one.get("publishedDate"),
    )
