"""Plays the steps of a plan on a page. What it evaluates in pages are the constants below, and nothing of a request."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import anyio
from playwright.async_api import Frame, Locator, Page, Position, TimeoutError

from server.sources.chromium.failures import BrowserFailed
from server.sources.chromium.finding import Way, along, count, find, frame_of
from server.sources.chromium.visit import Visit
from server.workflows.browse import steps as verbs
from server.workflows.browse.captures import pdf, screenshot
from server.workflows.browse.labels import Found, fields_of, meant
from server.workflows.browse.steps import ACTING, Step, elsewhere

STEP_SECONDS = 5.0
SCROLL_SECONDS = 1.0
LOOK_SECONDS = 0.1
MOST_PRESS_MS = 5000
MOST_EXTRACTED = 500
MOST_EXTRACTED_CHARS = 20_000
_NAVIGATES = frozenset({"click", "doubleClick", "keyDown", "keyUp", "change", "select", "fill", "hover"})
_WHAT = "element => [element.tagName.toLowerCase(), (element.type || '').toLowerCase()]"
_HAS = """(element, [properties, attributes]) => {
    const same = (wanted, found) => wanted !== null && typeof wanted === 'object' && found
        ? Object.entries(wanted).every(([name, value]) => same(value, found[name])) : wanted === found
    return Object.entries(attributes).every(([name, value]) => element.getAttribute(name) === value)
        && same(properties, element)
}"""
_HEIGHT = "() => document.documentElement.scrollHeight"
_TO_END = "() => window.scrollTo(0, document.documentElement.scrollHeight)"
_TO = "([x, y]) => window.scrollTo(x, y)"

Keep = Callable[[str, str, bytes], Awaitable[None]]
"""Takes the kind of capture (``screenshot``, ``pdf``), its name and its content."""


@dataclass
class Player:
    """``acted``: whether a step has been tried that may have changed something at the site."""

    visit: Visit
    keep: Keep
    extracted: dict[str, Any] = field(default_factory=dict)
    acted: bool = False

    async def play(self, step: Step) -> None:
        """:raises BrowserFailed: with a code; :raises Error: of Playwright, for `Visit.within` to translate."""
        page, scope = await self._place(step)
        self.acted = self.acted or step.type in ACTING
        if step.type in _NAVIGATES and step.asserted_events:
            frames = (page.main_frame, frame_of(scope, step.frame))
            try:
                async with page.expect_event(
                    "framenavigated",
                    predicate=lambda frame: frame in frames,
                    timeout=1000 * max(STEP_SECONDS, _seconds(step)),
                ):
                    await self._do(step, page, scope)
            except TimeoutError:
                raise BrowserFailed("no_navigation", "The step was to lead to another page, and did not.") from None
        else:
            await self._do(step, page, scope)
        if step.type in _NAVIGATES:
            await self.visit.come_to_rest()
            if page is not self.visit.page and not page.is_closed():
                await self.visit.settle(page)

    async def _place(self, step: Step) -> tuple[Page, Frame]:
        """The page that a step is played in, and the frame that its own path of frames begins at."""
        page = self.visit.page
        if step.target is None or not elsewhere(step):
            return page, page.main_frame
        found = await self.visit.page_at(step.target, _seconds(step))
        return (page, found) if isinstance(found, Frame) else (found, found.main_frame)

    async def _do(self, step: Step, page: Page, scope: Frame) -> None:
        match step:
            case verbs.Navigate():
                await self.visit.goto(step.url, page)
            case verbs.KeyDown():
                await page.keyboard.down(step.key)
            case verbs.KeyUp():
                await page.keyboard.up(step.key)
            case verbs.SetViewport():
                await page.set_viewport_size({"width": step.width, "height": step.height})
            case verbs.EmulateNetworkConditions():
                await _slow_down(page, step)
            case verbs.Fill():
                await self._fill(page, step)
            case verbs.Close():
                if page is not self.visit.page:
                    await page.close()
            case verbs.Screenshot():
                await self.keep("screenshot", step.name, await screenshot(self.visit))
            case verbs.Pdf():
                await self.keep("pdf", step.name, await pdf(self.visit))
            case verbs.Click(button="back"):
                await page.go_back(wait_until="commit", timeout=1000 * _seconds(step))
            case verbs.Click(button="forward"):
                await page.go_forward(wait_until="commit", timeout=1000 * _seconds(step))
            case _:
                await self._do_in(frame_of(scope, step.frame), step)

    async def _do_in(self, frame: Frame, step: Step) -> None:
        match step:
            case verbs.Scroll():
                await self._scroll(frame, step)
            case verbs.WaitForText() | verbs.AssertText():
                await self._see(frame, step)
            case verbs.WaitForElement():
                await self._await_elements(frame, step)
            case verbs.Extract():
                await self.take(step.name, step.selectors, step.attr, all=step.all, frame=frame, seconds=_seconds(step))
            case verbs.Click() | verbs.DoubleClick() | verbs.Hover() | verbs.Change() | verbs.Select():
                await self._use(step, await find(frame, step.selectors, _seconds(step)))

    async def _use(self, step: Step, element: Locator) -> None:
        limit = _seconds(step) * 1000
        match step:
            case verbs.Click():
                button = {"auxiliary": "middle", "secondary": "right"}.get(step.button, "left")
                delay, at = min(step.duration or 0, MOST_PRESS_MS), await _point(element, step, limit)
                await element.click(timeout=limit, button=button, delay=delay, position=at)  # type: ignore[arg-type] # one of three
            case verbs.DoubleClick():
                await element.dblclick(timeout=limit, position=await _point(element, step, limit))
            case verbs.Hover():
                await element.hover(timeout=limit)
            case verbs.Change():
                await _change(element, step.value, limit)
            case verbs.Select():
                await element.select_option(list(step.values), timeout=limit)

    async def _fill(self, page: Page, step: verbs.Fill) -> None:
        """Waits for the field to come, as the page may still be drawing itself."""
        failure: BrowserFailed | None = None
        found: list[Found] = []
        with anyio.move_on_after(_seconds(step)):
            while not found:
                try:
                    found = meant(await fields_of(page), step.label, step.value)
                except BrowserFailed as error:
                    failure = error
                    await anyio.sleep(LOOK_SECONDS)
        if not found:
            raise failure or BrowserFailed("no_label", f"No field was there to be filled in for {step.label[:80]!r}.")
        for one in found:
            await _change(along(one.frame, one.way).first, one.value, _seconds(step) * 1000)

    async def _scroll(self, page: Frame, step: verbs.Scroll) -> None:
        if step.selectors:
            element = await find(page, step.selectors, _seconds(step))
            await element.scroll_into_view_if_needed(timeout=_seconds(step) * 1000)
        elif not step.to_end:
            await page.evaluate(_TO, [step.x, step.y])
        else:
            for _ in range(step.most):
                before = await page.evaluate(_HEIGHT)
                await page.evaluate(_TO_END)
                with anyio.move_on_after(SCROLL_SECONDS) as waiting:
                    while await page.evaluate(_HEIGHT) <= before:  # noqa: ASYNC110 - only the page knows its height
                        await anyio.sleep(LOOK_SECONDS)
                if waiting.cancelled_caught:
                    return
            self.visit.note("scroll_bounded", f"The page still grew after {step.most} times of scrolling to its end.")

    async def _see(self, frame: Frame, step: verbs.WaitForText | verbs.AssertText) -> None:
        """Wait for a text to be shown; an assertion looks at what its selectors find, and waits as well."""
        selectors = getattr(step, "selectors", ())
        seen = ""
        with anyio.move_on_after(_seconds(step)):
            while True:
                place = await find(frame, selectors, _seconds(step)) if selectors else frame.locator("css=body")
                seen = await place.inner_text()
                if step.text in seen:
                    return
                await anyio.sleep(LOOK_SECONDS)
        code = "assertion_failed" if isinstance(step, verbs.AssertText) else "not_found"
        raise BrowserFailed(code, f"The text {step.text[:100]!r} is not there.")

    async def _await_elements(self, frame: Frame, step: verbs.WaitForElement) -> None:
        found = 0
        with anyio.move_on_after(_seconds(step)):
            while True:
                found = await count(frame, step.selectors, visible=step.visible)
                many = {">=": found >= step.count, "==": found == step.count, "<=": found <= step.count}[step.operator]
                if many and (not (step.properties or step.attributes) or await _all_have(frame, step)):
                    return
                await anyio.sleep(LOOK_SECONDS)
        raise BrowserFailed("not_found", f"Wanted {step.operator} {step.count} elements; there were {found}.")

    async def take(
        self,
        name: str,
        ways: Sequence[Way],
        attr: str | None,
        *,
        all: bool,
        frame: Frame | None = None,
        seconds: float | None = None,
    ) -> None:
        """Take the text or an attribute of an element, or of all that match.

        What is not there is null, or no entry; with ``seconds`` it is waited for so long, and then a failure.
        """
        frame = frame or self.visit.page.main_frame
        try:
            element = await find(frame, ways, STEP_SECONDS / 5 if seconds is None else seconds)
        except BrowserFailed as failure:
            if failure.code != "not_found" or seconds is not None:
                raise
            self.extracted[name] = [] if all else None
            return
        if not all:
            self.extracted[name] = await _value(element, attr)
            return
        every = await _matching(frame, ways)
        self.extracted[name] = [await _value(one, attr) for one in every[:MOST_EXTRACTED]]


async def _matching(frame: Frame, ways: Sequence[Way]) -> list[Locator]:
    for way in ways:
        if found := await along(frame, way).all():
            return found
    return []


async def _value(element: Locator, attr: str | None) -> str | None:
    limit = STEP_SECONDS * 1000
    if attr is not None:
        found = await element.get_attribute(attr, timeout=limit)
        return found[:MOST_EXTRACTED_CHARS] if found is not None else None
    return (await element.inner_text(timeout=limit)).strip()[:MOST_EXTRACTED_CHARS]


async def _all_have(frame: Frame, step: verbs.WaitForElement) -> bool:
    found = await _matching(frame, step.selectors)
    return all([await one.evaluate(_HAS, [step.properties, step.attributes]) for one in found])


async def _point(element: Locator, step: verbs.Click | verbs.DoubleClick, limit: float) -> Position | None:
    """Where the recording says, if that lies on the element; its middle otherwise."""
    x, y = step.offset_x, step.offset_y
    if x is None or y is None:
        return None
    await element.scroll_into_view_if_needed(timeout=limit)
    box = await element.bounding_box(timeout=limit)
    on_it = box is not None and 0 < x < box["width"] and 0 < y < box["height"]
    return {"x": x, "y": y} if on_it else None


async def _slow_down(page: Page, step: verbs.EmulateNetworkConditions) -> None:
    session = await page.context.new_cdp_session(page)
    conditions = {
        "offline": not (step.download or step.upload),
        "downloadThroughput": step.download,
        "uploadThroughput": step.upload,
        "latency": step.latency,
    }
    await session.send("Network.enable")
    await session.send("Network.emulateNetworkConditions", conditions)


async def _change(element: Locator, value: str, limit: float) -> None:
    tag, kind = await element.evaluate(_WHAT, timeout=limit)
    if tag == "select":
        await element.select_option(value, timeout=limit)
    elif tag == "input" and kind in ("checkbox", "radio"):
        await element.set_checked(value.lower() not in ("false", "off", "0", ""), timeout=limit)
    elif tag == "input" and kind == "file":
        raise BrowserFailed("no_files", "Files are not uploaded from here.")
    else:
        await element.fill(value, timeout=limit)


def _seconds(step: Any) -> float:
    return STEP_SECONDS if step.timeout is None else step.timeout / 1000
