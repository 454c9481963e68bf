"""What of the sources is shown to the model for one question, as JSON that the journal can keep."""

from collections.abc import Sequence
from typing import Any

from server.llm.usage import estimate_tokens
from server.sources.documents import Document, passages
from server.sources.library import Catalogue
from server.workflows.research.retrieval import pages_index, search, source_id

MOST_TOKENS = 6000
MOST_TOKENS_OF_SOURCE = 1800
LEADING_PASSAGES = 4


def gather(
    catalogue: Catalogue | None, pages: Sequence[dict[str, Any]], queries: Sequence[str], *, limit: int, leading: bool
) -> dict[str, Any]:
    """The passages that fit the queries best, of the library and of these pages: `{sources, passages}`.

    :param limit: of documents for each query.
    :param leading: of a page in which no passage fits, its beginning is taken: it may be in another language.
    """
    index = pages_index(list(pages))
    sources: dict[str, dict[str, Any]] = {}
    found: dict[tuple[str, int], dict[str, Any]] = {}
    for query in queries:
        one = search(catalogue, index, list(pages), query, limit=limit)
        sources |= {source["id"]: source for source in one["sources"] if source["id"] not in sources}
        for passage in one["passages"]:
            if passage["blocks"]:
                place = passage["source"], passage["blocks"][0][0]
                if place not in found or found[place]["score"] < passage["score"]:
                    found[place] = _kept(passage)
    if leading:
        for page in pages:
            if source_id("url", page["url"]) not in sources:
                source, beginning = _beginning(page)
                if beginning:
                    sources[source["id"]] = source
                    found |= {(one["source"], one["blocks"][0][0]): one for one in beginning}
    return _within(sources, sorted(found.values(), key=lambda one: (-one["score"], one["source"], one["blocks"][0][0])))


def _kept(passage: dict[str, Any]) -> dict[str, Any]:
    return {key: passage[key] for key in ("source", "headings", "score", "blocks")}


def _beginning(page: dict[str, Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    document = Document.from_json(page["document"])
    key = source_id("url", page["url"])
    source = {
        "id": key,
        "title": document.title or page["url"],
        "date": document.date,
        "language": document.language,
        "markup": document.markup,
        "kind": "url",
        "url": page["url"],
        "sha256": page["sha256"],
    }
    first = [one for one in passages(document) if one.quotable][:LEADING_PASSAGES]
    return source, [
        {"source": key, "headings": list(one.headings), "score": 0.0, "blocks": [list(block) for block in one.quotable]}
        for one in first
    ]


def _within(sources: dict[str, dict[str, Any]], ranked: list[dict[str, Any]]) -> dict[str, Any]:
    """As many passages, best first, as a prompt holds, and not all of them from one source."""
    total = 0
    of_source: dict[str, int] = {}
    kept = []
    for one in ranked:
        size = sum(estimate_tokens(text) for _, text in one["blocks"])
        if total + size > MOST_TOKENS or of_source.get(one["source"], 0) + size > MOST_TOKENS_OF_SOURCE:
            continue
        total += size
        of_source[one["source"]] = of_source.get(one["source"], 0) + size
        kept.append(one)
    return {"sources": [source for key, source in sources.items() if key in of_source], "passages": kept}
