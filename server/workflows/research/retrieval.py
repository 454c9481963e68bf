"""Searching the library and the fetched pages for one question, as JSON that the journal can keep."""

import hashlib
from collections.abc import Collection
from typing import Any

from server.sources.documents import Document
from server.sources.library import Catalogue
from server.sources.query import language_asked
from server.sources.ranking import Entry, Hit, Index
from server.sources.reasons import reason

NAMED_PAGE_BONUS = 0.15
"""A page that the request itself names goes before a library document that fits as well."""


def source_id(kind: str, name: str) -> str:
    return "s" + hashlib.sha256(f"{kind}:{name}".encode()).hexdigest()[:12]


def pages_index(fetched: list[dict[str, Any]]) -> Index:
    """An index over the pages that were read, from their journal records."""
    return Index([Entry.of(page["url"], Document.from_json(page["document"])) for page in fetched])


def library_facts(catalogue: Catalogue | None, language: str) -> dict[str, Any]:
    """What a task records of the library: `{library, failed}`; it was not asked to read these files, so no items."""
    if catalogue is None:
        return {"library": None, "failed": []}
    library = {
        "name": catalogue.name,
        "documents": len(catalogue.index.entries),
        "duplicates": catalogue.duplicates,
        "unreadable": len(catalogue.failures),
        "digest": catalogue.digest,
    }
    failed = [
        {
            "kind": "library",
            "url": failure.name,
            "code": failure.code,
            "message": reason(language, failure.code, failure.message),
        }
        for failure in catalogue.failures
    ]
    return {"library": library, "failed": failed}


def search(
    catalogue: Catalogue | None,
    pages: Index,
    fetched: list[dict[str, Any]],
    question: str,
    *,
    cues: tuple[str, ...] = (),
    limit: int,
    without: Collection[str] = (),
) -> dict[str, Any]:
    """The best ``limit`` sources that are not in ``without``: `{sources, passages, query, language}`.

    :param fetched: records of pages; one that a search found has a true ``found``.
    """
    by_url = {page["url"]: page for page in fetched}
    found: list[tuple[float, dict[str, Any], Hit]] = []
    for hit in pages.search(question, cues=cues, limit=limit + len(without)):
        page = by_url[hit.entry.id]
        about = {"kind": "url", "url": page["url"], "sha256": page["sha256"]}
        bonus = 0.0 if page.get("found") else NAMED_PAGE_BONUS
        found.append((hit.score + bonus, _source(hit, about), hit))
    if catalogue is not None:
        for hit in catalogue.search(question, cues=cues, limit=limit + len(without)):
            about = {"kind": "library", "path": hit.entry.id, "sha256": catalogue.sha256[hit.entry.id]}
            found.append((hit.score, _source(hit, about), hit))
    found.sort(key=lambda one: (-one[0], one[1]["id"]))
    kept = [one for one in found if one[1]["id"] not in without][:limit]
    index = catalogue.index if catalogue is not None and catalogue.index.entries else pages
    return {
        "sources": [source for _, source, _ in kept],
        "passages": [
            passage for score, source, hit in kept for passage in _passages(score - hit.score, source["id"], hit)
        ],
        "query": index.understand(question).to_json(),
        "language": language_asked(question),
    }


def _source(hit: Hit, about: dict[str, Any]) -> dict[str, Any]:
    name = about.get("url") or about["path"]
    return {
        "id": source_id(about["kind"], name),
        "title": hit.entry.title or name,
        "date": hit.entry.date,
        "language": hit.entry.language,
        "markup": hit.entry.markup,
        **about,
    }


def _passages(bonus: float, source: str, hit: Hit) -> list[dict[str, Any]]:
    return [
        {
            "source": source,
            "title": hit.entry.title,
            "headings": list(found.passage.headings),
            "coverage": round(found.coverage, 6),
            "foreign": hit.foreign,
            "score": round(found.score + bonus, 6),
            "blocks": [list(block) for block in found.passage.quotable],
        }
        for found in hit.passages
    ]
