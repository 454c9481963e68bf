"""Pages from the web that don't mark their own text: what a second reader, trafilatura, takes for boilerplate goes."""

import trafilatura

from server.sources.documents import Document
from server.sources.text import clean

LEAST_SHARE = 0.3
"""Where trafilatura finds less than this share of the text, it has missed the page's point and is not followed."""


def without_boilerplate(document: Document, data: bytes) -> Document:
    """Only blocks whose text trafilatura kept as well; their text is not touched."""
    extracted = trafilatura.extract(data, favor_recall=True, include_comments=False, include_tables=True)
    kept_text = _solid(clean(extracted or ""))
    kept = tuple(block for block in document.blocks if _solid(block.text) in kept_text)
    size = sum(len(block.text) for block in kept)
    whole = sum(len(block.text) for block in document.blocks)
    return document.with_blocks(kept) if size >= whole * LEAST_SHARE else document


def _solid(text: str) -> str:
    return "".join(text.split())
