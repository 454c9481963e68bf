"""OpenAlex, an index of papers. It takes few requests a day without a key, which costs nothing."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from server.sources.providers.base import Capability, Hit
from server.sources.providers.client import ProviderClient
from server.sources.providers.hits import MOST_TEXT_CHARS, hit, listed, usable, within
from server.sources.providers.keywords import keywords

MOST_RESULTS = 50
MOST_WORDS = 4_000
FIELDS = "id,doi,title,publication_date,primary_location,best_oa_location,abstract_inverted_index"


@dataclass(frozen=True)
class OpenAlex:
    client: ProviderClient
    key: str | None = field(default=None, repr=False)
    site: str = "https://api.openalex.org"
    name: ClassVar[str] = "openalex"
    capabilities: ClassVar[frozenset[Capability]] = frozenset({"academic"})
    keyless: ClassVar[bool] = True

    async def search(self, query: str, *, language: str, limit: int) -> list[Hit]:
        params: dict[str, str | int] = {
            "search": keywords(query),
            "per-page": min(limit, MOST_RESULTS),
            "select": FIELDS,
        }
        headers = {"Authorization": f"Bearer {self.key}"} if self.key else None  # not in the address, which some log
        said = await self.client.json(f"{self.site}/works", params, headers=headers)
        return usable((_hit(one) for one in listed(said, "results")), limit)


def _hit(one: Mapping[str, Any]) -> Hit | None:
    abstract = abstract_of(one.get("abstract_inverted_index"))
    return hit(
        "openalex",
        url=one.get("doi") or within(one, "primary_location", "landing_page_url") or one.get("id"),
        title=one.get("title"),
        snippet=abstract,
        published=one.get("publication_date"),
        kind="paper",
        text=abstract,
        pdf=within(one, "best_oa_location", "pdf_url") or within(one, "primary_location", "pdf_url"),
    )


def abstract_of(inverted: Any) -> str:
    """`{"word": [places]}` → the words at their places; nothing of what has another form or is out of proportion."""
    if not isinstance(inverted, Mapping):
        return ""
    placed = {
        place: word
        for word, places in inverted.items()
        if isinstance(places, list)
        for place in places[:MOST_WORDS]
        if isinstance(place, int) and 0 <= place < MOST_WORDS
    }
    return " ".join(placed[place] for place in sorted(placed))[:MOST_TEXT_CHARS]
