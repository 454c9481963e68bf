"""Finding an element by the selectors of a recording: CSS, ``aria/``, ``text/``, ``xpath/``, ``pierce/``."""

import re
from collections.abc import Sequence

import anyio
from playwright.async_api import Error, Frame, Locator

from server.sources.chromium.failures import BrowserDied, BrowserFailed, failure_of

LOOK_SECONDS = 0.1
_ROLE = re.compile(r"""\[\s*role\s*=\s*["']?([a-z]+)["']?\s*\]""")
_NAME_ROLES = (
    "button link textbox checkbox radio combobox heading tab menuitem option searchbox switch listbox "
    "slider spinbutton img cell gridcell treeitem menuitemcheckbox menuitemradio".split()
)

Way = str | Sequence[str]


def frame_of(frame: Frame, path: Sequence[int]) -> Frame:
    """The frame that a recording's ``frame`` leads to from here. :raises BrowserFailed: (``no_frame``)"""
    for index in path:
        children = frame.child_frames
        if index >= len(children):
            raise BrowserFailed("no_frame", f"The page has no frame {'.'.join(map(str, path))}.")
        frame = children[index]
    return frame


def locate(scope: Frame | Locator, selector: str) -> Locator:
    """One selector as a locator; nothing in it is run."""
    if selector.startswith("aria/"):
        return _by_aria(scope, selector.removeprefix("aria/"))
    if selector.startswith("text/"):
        return scope.get_by_text(selector.removeprefix("text/"))
    if selector.startswith("xpath/"):
        return scope.locator("xpath=" + selector.removeprefix("xpath/"))
    # CSS goes through open shadow roots, which is what `pierce/` asks for.
    return scope.locator("css=" + selector.removeprefix("pierce/"))


def _by_aria(scope: Frame | Locator, text: str) -> Locator:
    role = _ROLE.search(text)
    name = _ROLE.sub("", text).strip()
    if role is not None:
        return scope.get_by_role(role[1], name=name, exact=True) if name else scope.get_by_role(role[1])  # type: ignore[arg-type] # any role that a page may have
    found = scope.get_by_label(name, exact=True).or_(scope.get_by_placeholder(name, exact=True))
    for each in _NAME_ROLES:
        found = found.or_(scope.get_by_role(each, name=name, exact=True))  # type: ignore[arg-type] # from the list above
    return found


def along(scope: Frame | Locator, way: Way) -> Locator:
    """One way: each selector inside what the one before has found."""
    chain = [way] if isinstance(way, str) else list(way)
    found: Frame | Locator = scope
    for selector in chain:
        found = locate(found, selector)
    assert isinstance(found, Locator)  # noqa: S101 - a way has at least one selector, says its schema
    return found


async def find(scope: Frame, ways: Sequence[Way], seconds: float) -> Locator:
    """The first element that any of the ways leads to, the earlier ways first; waits for one to come.

    :raises BrowserFailed: (``not_found``) none came in time; (``bad_selector``) none of the ways can be read.
    """
    unreadable = 0
    with anyio.move_on_after(seconds):
        while True:
            unreadable = 0
            for way in ways:
                found = along(scope, way)
                try:
                    count = await found.count()
                except Error as error:
                    failure = failure_of(error)
                    if isinstance(failure, BrowserDied):
                        raise failure from None
                    # A page that is just being left has no elements; a selector that can't be read never has.
                    unreadable += "context was destroyed" not in error.message
                    continue
                if count:
                    return found.first
            if unreadable == len(ways):
                break
            await anyio.sleep(LOOK_SECONDS)
    shown = "; ".join(way if isinstance(way, str) else " ".join(way) for way in ways)[:300]
    if unreadable == len(ways):
        raise BrowserFailed("bad_selector", f"None of these selectors can be read: {shown}")
    raise BrowserFailed("not_found", f"Nothing on the page matches {shown}")


async def count(scope: Frame, ways: Sequence[Way], *, visible: bool | None = None) -> int:
    """How many elements the first way that matches anything leads to."""
    for way in ways:
        found = along(scope, way)
        if visible is not None:
            found = found.filter(visible=visible)
        if number := await found.count():
            return number
    return 0
