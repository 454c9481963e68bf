"""One page being used: what it may do is bounded, and what it tried besides is noted."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import anyio
from playwright.async_api import BrowserContext, Dialog, Download, Error, Frame, Page, Request, Response, TimeoutError

from server.sources.chromium.failures import BrowserFailed, PageCrashed, answered, failure_of
from server.sources.guard import REASON_HEADER, Pass
from server.sources.launching import may_go_to

MOST_BYTES = 32 * 1024 * 1024
MOST_NOTES = 20
MOST_POPUPS = 5
DOM_MS = 15_000
LOAD_MS = 5_000
REACTION_SECONDS = 0.15
LOOK_SECONDS = 0.02
NO_PAGE = frozenset({204, 205})
LOWEST_ERROR = 400


@dataclass
class Visit:
    """A page, what has come of it so far, and what it did that nobody asked it for (``notes``).

    ``admitted``: what it goes out by, which knows what was refused, and why.
    """

    page: Page
    admitted: Pass
    most_bytes: int = MOST_BYTES
    status: int | None = None
    let_in: int = 0
    """Bytes that the guard has let in."""
    received: dict[str, list[int]] = field(default_factory=dict)
    """Bytes of each request: after decompression, and on the wire. What a page takes as a blob shows in one alone."""
    notes: list[dict[str, str]] = field(default_factory=list)
    leaving: bool = False
    """Whether the page has asked for another one in its place, which is not there yet."""
    keeps_popups: bool = False
    """Whether pages that this one opens stay, the first five of them, for steps that are played there."""
    popups: list[Page] = field(default_factory=list)
    broken: BrowserFailed | None = None
    """Why the visit can't go on, where that came from the page and not from a step."""
    _scope: anyio.CancelScope | None = None

    def note(self, code: str, message: str) -> None:
        if len(self.notes) < MOST_NOTES:
            self.notes.append({"code": code, "message": message[:300]})

    def breaks(self, failure: BrowserFailed) -> None:
        """End what is being done on the page."""
        self.broken = self.broken or failure
        if self._scope is not None:
            self._scope.cancel()

    def weigh(self, count: int) -> None:
        """So many bytes more came through the guard; end the visit when its page has grown too large."""
        self.let_in += count
        if max(self.let_in, sum(map(max, self.received.values()))) > self.most_bytes:
            most = self.most_bytes // (1024 * 1024)
            self.breaks(BrowserFailed("too_large", f"The page loaded more than {most} MB, after decompression."))

    @contextlib.asynccontextmanager
    async def within(self, seconds: float) -> AsyncIterator[None]:
        """Do something on the page, bounded in time; what goes wrong in it is a `BrowserFailed`.

        :raises BrowserFailed: ``timeout``, ``too_large``, and whatever a step meets.
        """
        try:
            with anyio.move_on_after(seconds) as scope:
                self._scope = scope
                if self.broken is None:
                    yield
        except Error as error:
            raise self.broken or failure_of(error) from None
        finally:
            self._scope = None
        if self.broken is not None:
            raise self.broken
        if scope.cancelled_caught:
            raise BrowserFailed("timeout", f"It was not done within {seconds:g} seconds.")

    async def goto(self, url: str, popup: Page | None = None) -> None:
        """Open an address, and wait for the page as long as a page deserves; what is still loading then is noted."""
        page = popup or self.page
        if not may_go_to(url):
            raise BrowserFailed("invalid_url", "Only http and https addresses are opened.")
        try:
            await page.goto(url, wait_until="commit", timeout=0)
        except Error as error:
            # Of a tunnel that was refused the browser knows no more than that.
            if refusal := self.admitted.refusal_of(url):
                raise BrowserFailed(refusal.code, refusal.message) from None
            if self.status is not None and (self.status in NO_PAGE or self.status >= LOWEST_ERROR):
                raise answered(self.status) from None
            raise failure_of(error) from None
        await self.settle(page)

    async def page_at(self, target: str, seconds: float) -> Page | Frame:
        """The pop-up that a recording names by its address, or the frame; where there is one pop-up only, that one.

        :raises BrowserFailed: (``no_target``) neither came in time.
        """
        with anyio.move_on_after(seconds):
            while True:
                places: list[Page | Frame] = [*self.popups, *self.page.frames[1:]]
                found = next((place for place in places if place.url == target), None)
                if found is not None:
                    return found
                await anyio.sleep(LOOK_SECONDS)
        if len(self.popups) == 1:
            self.note("target_moved", f"The page of {target} has another address now: {self.popups[0].url}")
            return self.popups[0]
        raise BrowserFailed("no_target", f"No pop-up and no frame has the address {target[:200]}.")

    async def come_to_rest(self) -> None:
        """After a step that may lead elsewhere: give the page the time to begin with it, then wait for what comes."""
        with anyio.move_on_after(REACTION_SECONDS):
            while not self.leaving:  # noqa: ASYNC110 - looked at for a moment only
                await anyio.sleep(LOOK_SECONDS)
        with anyio.move_on_after(DOM_MS / 1000):
            while self.leaving:  # noqa: ASYNC110 - as above
                await anyio.sleep(LOOK_SECONDS)
        await self.settle()

    async def settle(self, popup: Page | None = None) -> None:
        """Wait until the document is there, and a little for what it loads."""
        page = popup or self.page
        try:
            await page.wait_for_load_state("domcontentloaded", timeout=DOM_MS)
            await page.wait_for_load_state("load", timeout=LOAD_MS)
        except TimeoutError:
            self.note("still_loading", "The page was still loading something; it was taken as it stood.")


@contextlib.asynccontextmanager
async def visiting(context: BrowserContext, admitted: Pass, most_bytes: int = MOST_BYTES) -> AsyncIterator[Visit]:
    """A new page in the context. The context's end closes it. :raises BrowserFailed:"""
    try:
        page = await context.new_page()
        visit = Visit(page, admitted, most_bytes)
        _watch(visit)
        admitted.inward.tell = visit.weigh
        await _counted(visit, page)
    except Error as error:
        raise failure_of(error) from None
    yield visit


async def _counted(visit: Visit, page: Page) -> None:
    session = await page.context.new_cdp_session(page)
    session.on("Network.dataReceived", lambda data: _count(visit, data))
    await session.send("Network.enable")


def _count(visit: Visit, data: dict[str, Any]) -> None:
    one = visit.received.setdefault(data["requestId"], [0, 0])
    one[0] += int(data["dataLength"])
    one[1] += int(data["encodedDataLength"])
    visit.weigh(0)


def _watch(visit: Visit) -> None:
    async def on_dialog(dialog: Dialog) -> None:
        leaving = dialog.type == "beforeunload"
        what = "A page that asked to be stayed on was left." if leaving else f"A dialog ({dialog.type}) was dismissed:"
        visit.note("dialog", f"{what} {dialog.message}".strip())
        with contextlib.suppress(Error):
            await (dialog.accept() if leaving else dialog.dismiss())

    async def on_popup(popup: Page) -> None:
        if visit.keeps_popups and len(visit.popups) < MOST_POPUPS:
            visit.popups.append(popup)
            popup.on("dialog", on_dialog)
            popup.on("close", lambda closed: visit.popups.remove(closed))
            with contextlib.suppress(Error):
                await _counted(visit, popup)
            return
        visit.note("popup", f"A pop-up was closed: {popup.url}")
        with contextlib.suppress(Error):
            await popup.close()

    def on_download(download: Download) -> None:
        visit.note("download", f"A download was refused: {download.suggested_filename}")

    def on_response(response: Response) -> None:
        if response.request.is_navigation_request() and response.frame == visit.page.main_frame:
            visit.status = response.status
            if REASON_HEADER.lower() in response.headers and (refusal := visit.admitted.refusal_of(response.url)):
                visit.status = None
                visit.breaks(BrowserFailed(refusal.code, refusal.message))

    def is_main(request: Request) -> bool:
        return request.is_navigation_request() and request.frame == visit.page.main_frame

    def on_request(request: Request) -> None:
        if is_main(request):
            visit.leaving = True

    def on_failed(request: Request) -> None:
        if is_main(request):
            visit.leaving = False

    def on_navigated(frame: Frame) -> None:
        if frame == visit.page.main_frame:
            visit.leaving = False

    visit.page.on("request", on_request)
    visit.page.on("requestfailed", on_failed)
    visit.page.on("framenavigated", on_navigated)
    visit.page.on("dialog", on_dialog)
    visit.page.context.on("page", on_popup)
    visit.page.on("download", on_download)
    visit.page.on("response", on_response)
    visit.page.on("crash", lambda _page: visit.breaks(PageCrashed()))
