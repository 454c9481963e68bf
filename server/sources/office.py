"""PDF and DOCX → blocks."""

import re
import zipfile
import zlib
from collections.abc import Iterator
from io import BytesIO

import docx
import pypdf
from docx.opc.exceptions import OpcError
from docx.table import Table
from docx.text.paragraph import Paragraph
from pypdf.errors import PyPdfError

from server.sources.documents import Block, Document, Kind
from server.sources.failures import Unreadable
from server.sources.text import clean, collapse

# What a broken file provokes comes through pypdf as it is.
_BROKEN_PDF = (
    PyPdfError,
    ArithmeticError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
    OSError,
    zlib.error,
)
MOST_PAGES = 2000
MOST_UNPACKED_BYTES = 200 * 1024 * 1024
_PARAGRAPH_END = re.compile(r"(?<=[.!?。！？:：])[ \t]*\n|\n[ \t]*\n")
_HEADING_STYLE = re.compile(r"^(?:Heading|标题) ?(\d)$")


def read_pdf(data: bytes) -> Document:
    """:raises Unreadable: (``broken``, ``encrypted``, ``empty``)"""
    try:
        reader = pypdf.PdfReader(BytesIO(data))
        if reader.is_encrypted and not reader.decrypt(""):
            raise Unreadable("encrypted", "The PDF is protected by a password.")
        blocks = tuple(_pdf_blocks(reader))
        info = reader.metadata
        title = collapse(clean(str(info.title or ""))) if info else ""
        created = info.creation_date if info else None
    except Unreadable:
        raise
    except _BROKEN_PDF as error:
        raise Unreadable("broken", f"The PDF can't be read: {type(error).__name__}.") from None
    if not blocks:
        raise Unreadable("empty", "The PDF holds no text; it may be made of scanned images.")
    return Document(title, blocks, created.date().isoformat() if created else None)


def _pdf_blocks(reader: pypdf.PdfReader) -> Iterator[Block]:
    for number, page in enumerate(reader.pages, 1):
        if number > MOST_PAGES:
            return
        for part in _PARAGRAPH_END.split(clean(page.extract_text())):
            if text := collapse(part):
                yield Block(Kind.PROSE, text)


def read_docx(data: bytes) -> Document:
    """:raises Unreadable: (``broken``, ``too_large``, ``empty``)"""
    try:
        with zipfile.ZipFile(BytesIO(data)) as packed:
            if sum(member.file_size for member in packed.infolist()) > MOST_UNPACKED_BYTES:
                raise Unreadable("too_large", "The document is too large when unpacked.")
        opened = docx.Document(BytesIO(data))
        blocks = tuple(_docx_blocks(opened.iter_inner_content()))
        properties = opened.core_properties
        changed = properties.modified or properties.created
        title = collapse(clean(properties.title or ""))
    except (zipfile.BadZipFile, OpcError, KeyError, ValueError, SyntaxError, AttributeError) as error:
        raise Unreadable("broken", f"The document can't be read: {type(error).__name__}.") from None
    if not blocks:
        raise Unreadable("empty", "The document holds no text.")
    title = title or next((block.text for block in blocks if block.kind is Kind.HEADING), "")
    return Document(title, blocks, changed.date().isoformat() if changed else None)


def _docx_blocks(content: Iterator[Paragraph | Table]) -> Iterator[Block]:
    headings: list[tuple[int, str]] = []
    for part in content:
        if isinstance(part, Table):
            # A merged cell is given once for each place that it takes.
            texts = list({cell._tc: cell.text for row in part.rows for cell in row.cells}.values())
        else:
            texts = [part.text]
            style = _HEADING_STYLE.match(part.style.name or "") if part.style is not None else None
            text = collapse(clean(part.text))
            if style and text:
                level = int(style.group(1))
                while headings and headings[-1][0] >= level:
                    headings.pop()
                yield Block(Kind.HEADING, text, tuple(title for _, title in headings))
                headings.append((level, text))
                continue
        for raw in texts:
            if text := collapse(clean(raw)):
                yield Block(Kind.PROSE, text, tuple(title for _, title in headings))
