"""Crossref, where publishers register what their DOIs stand for."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from server.sources.providers.base import Capability, Hit
from server.sources.providers.client import ProviderClient
from server.sources.providers.hits import date_of_parts, hit, listed, usable, within
from server.sources.providers.keywords import keywords

MOST_RESULTS = 50
MOST_ABSTRACT_CHARS = 40_000
FIELDS = "DOI,URL,title,abstract,issued,link"

_HEADING = re.compile(r"<jats:title>[^<>]{0,200}</jats:title>")
"""Mostly the word *Abstract*, which is no part of it."""


@dataclass(frozen=True)
class Crossref:
    client: ProviderClient
    site: str = "https://api.crossref.org"
    name: ClassVar[str] = "crossref"
    capabilities: ClassVar[frozenset[Capability]] = frozenset({"academic"})
    keyless: ClassVar[bool] = True

    async def search(self, query: str, *, language: str, limit: int) -> list[Hit]:
        params: dict[str, str | int] = {
            "query.bibliographic": keywords(query),
            "rows": min(limit, MOST_RESULTS),
            "select": FIELDS,
        }
        said = await self.client.json(f"{self.site}/works", params)
        return usable((_hit(one) for one in listed(said, "message", "items")), limit)


def _hit(one: Mapping[str, Any]) -> Hit | None:
    raw = one.get("abstract")
    abstract = _HEADING.sub(" ", raw[:MOST_ABSTRACT_CHARS]) if isinstance(raw, str) else ""
    titles = one.get("title")
    doi = one.get("DOI")
    pdf = next((link.get("URL") for link in listed(one, "link") if link.get("content-type") == "application/pdf"), None)
    return hit(
        "crossref",
        url=f"https://doi.org/{doi}" if isinstance(doi, str) and doi else one.get("URL"),
        title=titles[0] if isinstance(titles, list) and titles else None,
        snippet=abstract,
        published=date_of_parts(within(one, "issued", "date-parts")),
        kind="paper",
        text=abstract,
        pdf=pdf,
    )
