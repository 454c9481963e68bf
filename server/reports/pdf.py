"""A report as PDF: printed by a browser, its contents with page numbers, its text such that it can be searched."""

import logging
from collections.abc import Mapping
from functools import partial
from io import BytesIO
from typing import Protocol

import anyio
import anyio.to_thread
from pypdf import PdfReader, PdfWriter
from pypdf.errors import PyPdfError

from server.errors import ReportNotMade, ReportTooLong
from server.reports.glyphs import put_letters_right
from server.reports.paper import Paper
from server.reports.wording import HAN

MOST_CHARACTERS = 1_500_000
"""Of HTML; some 500 pages."""
MOST_BYTES = 100 * 1024 * 1024
SECONDS = 120.0

logger = logging.getLogger(__name__)


class Printer(Protocol):
    """What prints pages: a browser."""

    async def __call__(self, page: str, footer: str, letters: str) -> bytes:
        """
        :param page: a whole HTML page that names nothing else.
        :param footer: HTML for the foot of each sheet.
        :param letters: for each of these there must be a font.
        :return: the PDF, with an outline, and a named destination for each link within the page.
        :raises FontMissing: a letter could not be shown.
        :raises BrowserMissing: there is nothing to print with.
        :raises ReportNotMade: the browser ended over it.
        """


async def pdf(paper: Paper, printer: Printer) -> bytes:
    """Printed twice where it has contents: only a printed report tells on which sheet its headings are.

    :raises ReportTooLong: by its characters, or by the bytes of the PDF.
    :raises ReportNotMade: not done in time, or the browser ended over it.
    :raises FontMissing: it has Chinese text, and there is no font for that.
    :raises BrowserMissing: there is nothing to print with.
    """
    if len(paper.body) + len(paper.before) > MOST_CHARACTERS:
        raise ReportTooLong
    chinese = HAN.search(paper.title) or HAN.search(paper.before) or HAN.search(paper.body)
    letters = chinese[0] if chinese else ""
    try:
        with anyio.fail_after(SECONDS):
            printed = await printer(await _page(paper, {}), paper.footer, letters)
            if paper.contents:
                numbers = await anyio.to_thread.run_sync(sheets, printed)
                printed = await printer(await _page(paper, numbers), paper.footer, letters)
            if letters:
                printed = await anyio.to_thread.run_sync(searchable, printed)
    except TimeoutError:
        raise ReportNotMade from None
    if len(printed) > MOST_BYTES:
        raise ReportTooLong
    return printed


async def _page(paper: Paper, numbers: Mapping[str, int]) -> str:
    return await anyio.to_thread.run_sync(partial(paper.page, numbers))


def sheets(printed: bytes) -> dict[str, int]:
    """On which sheet, counted from 1, each named destination of a PDF is."""
    reader = PdfReader(BytesIO(printed))
    places = {page.indirect_reference.idnum: number for number, page in enumerate(reader.pages, 1)}  # type: ignore[union-attr] # pages of a file have one
    found = {}
    for name, destination in reader.named_destinations.items():
        sheet = places.get(getattr(destination.get("/Page"), "idnum", None))
        if sheet is not None:
            found[name.removeprefix("/")] = sheet
    return found


def searchable(printed: bytes) -> bytes:
    """The same PDF, whose Chinese letters are those that were written: see `put_letters_right`."""
    try:
        writer = PdfWriter(clone_from=BytesIO(printed))
        put_letters_right(writer)
        out = BytesIO()
        writer.write(out)
    except PyPdfError as error:
        logger.warning("the letters of a PDF stay as the browser named them: %s", error)
        return printed
    return out.getvalue()
