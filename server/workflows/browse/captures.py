"""What is kept of a page: its text, a picture, a print, its HTML, links and tables. Each is bounded in size."""

from typing import Any

import anyio
import anyio.to_thread
import orjson
from playwright.async_api import Error, TimeoutError

from server.sources.chromium.failures import BrowserFailed, failure_of
from server.sources.chromium.visit import Visit
from server.sources.extract import extract
from server.sources.failures import Unreadable

MOST_HTML_CHARS = 8 * 1024 * 1024
MOST_PIXELS_HIGH = 10_000
MOST_PIXELS_WIDE = 4000
MOST_LEAVINGS = 3
MOST_LINKS = 2000
CAPTURE_MS = 30_000
IDLE_MS = 3000
MEDIA = {
    "text": ("txt", "text/plain; charset=utf-8"),
    "screenshot": ("png", "image/png"),
    "pdf": ("pdf", "application/pdf"),
    "html": ("html", "text/html; charset=utf-8"),
    "links": ("links.json", "application/json"),
    "tables": ("tables.json", "application/json"),
    "trace": ("trace.zip", "application/zip"),
}
"""Of each capture: how its file's name ends, and its media type."""

_SIZE = "() => [document.documentElement.scrollWidth, document.documentElement.scrollHeight]"
_SEEN = "() => (document.body ? document.body.innerText : document.documentElement.textContent) || ''"
_LINKS = """most => [...document.querySelectorAll('a[href]')].slice(0, most)
    .map(a => ({text: (a.innerText || '').trim().slice(0, 300), url: a.href.slice(0, 2048)}))"""
_TABLES = """() => [...document.querySelectorAll('table')].slice(0, 100).map(table => ({
    caption: table.caption ? table.caption.innerText.trim().slice(0, 300) : null,
    rows: [...table.rows].slice(0, 1000).map(
        row => [...row.cells].slice(0, 100).map(cell => cell.innerText.trim().slice(0, 1000)))}))"""


async def text(visit: Visit) -> str:
    """The page's own text, block by block, without its furniture; of a page that has none, all that is shown."""
    found = await _text(visit)
    if not found:
        try:  # it may still be drawing itself
            await visit.page.wait_for_load_state("networkidle", timeout=IDLE_MS)
        except TimeoutError:
            visit.note("still_loading", "The page was still loading something; it was taken as it stood.")
        found = await _text(visit)
    if not found:
        visit.note("empty", "There is no text on the page.")
    return found


async def _text(visit: Visit) -> str:
    content = (await html(visit))[:MOST_HTML_CHARS]
    try:
        document = await anyio.to_thread.run_sync(extract, content.encode(errors="replace"), "text/html", "utf-8")
    except Unreadable:
        return str(await visit.page.evaluate(_SEEN)).strip()
    return document.text


async def html(visit: Visit) -> str:
    """The page as it stands, waiting a few times where it is just being left for another one.

    :raises BrowserFailed: (``page_left``) it is left again and again.
    """
    for _ in range(MOST_LEAVINGS):
        try:
            return await visit.page.content()
        except Error as error:
            failure = failure_of(error)
            if failure.code != "page_left":
                raise
        await visit.settle()
    raise failure


async def screenshot(visit: Visit) -> bytes:
    """The whole page as PNG, down to 10,000 pixels and 4,000 wide."""
    width, height = await visit.page.evaluate(_SIZE)
    if height <= MOST_PIXELS_HIGH and width <= MOST_PIXELS_WIDE:
        return await visit.page.screenshot(full_page=True, timeout=CAPTURE_MS, animations="disabled")
    wide, high = min(width, MOST_PIXELS_WIDE), min(height, MOST_PIXELS_HIGH)
    visit.note("screenshot_cut", f"The page has {width} by {height} pixels; its picture ends after {wide} by {high}.")
    clip: Any = {"x": 0, "y": 0, "width": wide, "height": high}
    return await visit.page.screenshot(full_page=True, clip=clip, timeout=CAPTURE_MS, animations="disabled")


async def pdf(visit: Visit) -> bytes:
    return await visit.page.pdf(print_background=True, format="A4")


async def content(visit: Visit, capture: str) -> bytes:
    """One capture as the content of a file. Text and traces are made elsewhere."""
    match capture:
        case "screenshot":
            return await screenshot(visit)
        case "pdf":
            return await pdf(visit)
        case "html":
            whole = await html(visit)
            if len(whole) > MOST_HTML_CHARS:
                visit.note("html_cut", f"The page's HTML was cut after {MOST_HTML_CHARS} characters.")
            return whole[:MOST_HTML_CHARS].encode(errors="replace")
        case "links":
            return orjson.dumps(await links(visit), option=orjson.OPT_INDENT_2)
        case "tables":
            return orjson.dumps(await visit.page.evaluate(_TABLES), option=orjson.OPT_INDENT_2)
    raise BrowserFailed("unknown_capture", f"There is no capture {capture[:40]!r}.")


async def links(visit: Visit) -> list[dict[str, str]]:
    found: list[dict[str, str]] = await visit.page.evaluate(_LINKS, MOST_LINKS)
    return found
