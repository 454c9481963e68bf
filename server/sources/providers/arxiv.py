"""arXiv, by its API, which answers in Atom. It asks for one request in three seconds at most."""

from dataclasses import dataclass
from typing import ClassVar

from lxml import etree

from server.sources.providers.base import Capability, Hit, ProviderFailed
from server.sources.providers.client import ProviderClient
from server.sources.providers.hits import hit
from server.sources.providers.keywords import words_of

MOST_RESULTS = 50
_ATOM = "{http://www.w3.org/2005/Atom}"


@dataclass(frozen=True)
class Arxiv:
    client: ProviderClient
    site: str = "https://export.arxiv.org"
    name: ClassVar[str] = "arxiv"
    capabilities: ClassVar[frozenset[Capability]] = frozenset({"academic"})
    keyless: ClassVar[bool] = True

    async def search(self, query: str, *, language: str, limit: int) -> list[Hit]:
        """Nothing is asked where the question has no word of an alphabet: all of its records are in English."""
        words = words_of(query)
        if not words:
            return []
        said = await self.client.xml(
            f"{self.site}/api/query",
            {
                "search_query": " AND ".join(f'all:"{word}"' for word in words),
                "start": 0,
                "max_results": min(limit, MOST_RESULTS),
                "sortBy": "relevance",
            },
        )
        return read_feed(said)[:limit]


def read_feed(data: bytes) -> list[Hit]:
    """:raises ProviderFailed: (``bad_response``) it is no feed, or one whose only entry is called *Error*."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError:
        raise ProviderFailed("bad_response", "Its answer is no XML.") from None
    if root.tag != f"{_ATOM}feed":
        raise ProviderFailed("bad_response", "Its answer is no Atom feed.")
    entries = root.findall(f"{_ATOM}entry")
    if len(entries) == 1 and "/abs/" not in _text(entries[0], "id") and _text(entries[0], "title") == "Error":
        raise ProviderFailed("bad_response", "It did not understand the request.")
    found = [_hit(entry) for entry in entries]
    return [one for one in found if one is not None]


def _hit(entry: etree._Element) -> Hit | None:
    pdf = next((link.get("href") for link in entry.findall(f"{_ATOM}link") if link.get("title") == "pdf"), None)
    summary = _text(entry, "summary")
    return hit(
        "arxiv",
        url=_secure(_text(entry, "id")),
        title=_text(entry, "title"),
        snippet=summary,
        published=_text(entry, "published"),
        kind="paper",
        text=summary,
        pdf=_secure(pdf),
    )


def _text(entry: etree._Element, name: str) -> str:
    return (entry.findtext(f"{_ATOM}{name}") or "").strip()


def _secure(url: str | None) -> str | None:
    """Its older records have ``http:``, which it redirects."""
    return url.replace("http://arxiv.org/", "https://arxiv.org/", 1) if url else None
