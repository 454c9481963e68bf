"""A document that a user has sent → its text, with its headings as lines of their own."""

from server.sources.documents import Document, Kind
from server.sources.encoding import decode
from server.sources.failures import Unreadable
from server.sources.office import read_docx, read_pdf

PDF, ZIP = b"%PDF-", b"PK\x03\x04"


def text_of(content: bytes) -> str:
    """Of a PDF, a Word document, or a text of any usual encoding: told apart by their first bytes.

    :raises Unreadable: it is broken, empty, protected, or of another kind.
    """
    if content.startswith(PDF):
        return _lines(read_pdf(content))
    if content.startswith(ZIP):
        return _lines(read_docx(content))
    text = decode(content, None).strip()
    if not text or "\x00" in text:
        raise Unreadable("empty" if not text else "unsupported_type", "It is no PDF, Word document or text.")
    return text


def _lines(document: Document) -> str:
    return "\n".join(f"# {block.text}" if block.kind is Kind.HEADING else block.text for block in document.blocks)
