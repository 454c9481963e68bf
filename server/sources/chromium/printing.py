"""Printing pages that this server has made: in a context that reaches nothing and runs nothing."""

import contextlib
from contextlib import AbstractAsyncContextManager

from playwright.async_api import Error, Page, Route

from server.errors import FontMissing, ReportNotMade
from server.sources.chromium.failures import BrowserFailed, failure_of
from server.sources.chromium.pool import Chromium

ATTEMPTS = 2
_SHOWS = """letter => {
  const drawn = text => {
    const canvas = document.createElement("canvas")
    canvas.width = canvas.height = 48
    const pen = canvas.getContext("2d")
    pen.font = "32px sans-serif"
    pen.fillText(text, 4, 36)
    return pen.getImageData(0, 0, 48, 48).data.join()
  }
  return drawn(letter) !== drawn("\\u{10fffd}")
}"""
"""Whether a letter looks other than one for which there surely is no font: the box for what is missing."""


class PagePrinter:
    """Prints on A4. One page at a time; who asks while another is printed waits."""

    def __init__(self, pool: Chromium) -> None:
        self._pool = pool

    def running(self) -> AbstractAsyncContextManager[None]:
        """It prints as long as this lasts."""
        return self._pool.running()

    async def __call__(self, page: str, footer: str, letters: str) -> bytes:
        """See `server.reports.pdf.Printer`. A browser that ends over it is given a second chance."""
        for _ in range(ATTEMPTS):
            with contextlib.suppress(BrowserFailed):
                async with self._pool.sealed() as context:
                    try:
                        return await _print(await context.new_page(), page, footer, letters)
                    except Error as error:
                        raise failure_of(error) from None
        raise ReportNotMade


async def _print(sheet: Page, page: str, footer: str, letters: str) -> bytes:
    await sheet.route("**/*", _refuse)
    for letter in letters:
        if not await sheet.evaluate(_SHOWS, letter):
            raise FontMissing
    await sheet.set_content(page, wait_until="load", timeout=0)
    return await sheet.pdf(
        prefer_css_page_size=True,
        print_background=True,
        display_header_footer=True,
        header_template="<span></span>",
        footer_template=footer,
        outline=True,
        tagged=True,
    )


async def _refuse(route: Route) -> None:
    """A refused way to another page would put a page of the browser's own in this one's place, even in mid-print;
    "no content" leaves it as it is."""
    if route.request.is_navigation_request():
        await route.fulfill(status=204)
    else:
        await route.abort()
