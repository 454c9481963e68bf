"""Bytes of a known type → document."""

from pathlib import PurePosixPath

from server.sources.documents import Document, Kind
from server.sources.encoding import decode
from server.sources.failures import Unreadable
from server.sources.html import read_html
from server.sources.office import read_docx, read_pdf
from server.sources.plain import read_markdown, read_text

TYPES_BY_SUFFIX = {
    ".md": "text/markdown",
    ".markdown": "text/markdown",
    ".txt": "text/plain",
    ".text": "text/plain",
    ".html": "text/html",
    ".htm": "text/html",
    ".xhtml": "application/xhtml+xml",
    ".pdf": "application/pdf",
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
}
HTML_TYPES = frozenset({"text/html", "application/xhtml+xml"})
READABLE_TYPES = frozenset(TYPES_BY_SUFFIX.values())


def media_type_of(name: str) -> str | None:
    return TYPES_BY_SUFFIX.get(PurePosixPath(name).suffix.lower())


def extract(data: bytes, media_type: str, charset: str | None = None) -> Document:
    """:raises Unreadable: if it is empty, broken, no text, or of a type that is not read here."""
    if not data.strip():
        raise Unreadable("empty", "There is nothing in it.")
    document = _read(data, media_type, charset)
    if not any(block.kind is Kind.PROSE for block in document.blocks):
        raise Unreadable("empty", "It holds no text that could be quoted.")
    return document


def _read(data: bytes, media_type: str, charset: str | None) -> Document:
    if media_type in HTML_TYPES:
        return read_html(data, charset)
    if media_type == "text/markdown":
        return read_markdown(decode(data, charset))
    if media_type == "text/plain":
        return read_text(decode(data, charset))
    if media_type == "application/pdf":
        return read_pdf(data)
    if media_type == TYPES_BY_SUFFIX[".docx"]:
        return read_docx(data)
    raise Unreadable(
        "unsupported_type", f"{media_type[:80]} is not a type that is read here: html, text, markdown, pdf, docx."
    )
