"""What a planner gets to see of a page: its texts, links and controls, each with a number to name it by."""

from dataclasses import dataclass
from typing import Any

from playwright.async_api import Error, Frame

from server.sources.chromium.visit import Visit

MOST_ELEMENTS = 300
MOST_FRAMES = 8
MOST_TEXT = 200

CSS_OF = """
const css = (element, root) => {
    if (element.id && root.querySelectorAll('#' + CSS.escape(element.id)).length === 1)
        return '#' + CSS.escape(element.id)
    const parts = []
    for (let at = element; at && at.nodeType === 1; at = at.parentElement) {
        if (at !== element && at.id && root.querySelectorAll('#' + CSS.escape(at.id)).length === 1) {
            parts.unshift('#' + CSS.escape(at.id))
            break
        }
        const same = at.parentNode ? [...at.parentNode.children].filter(one => one.tagName === at.tagName) : [at]
        const place = same.length > 1 ? `:nth-of-type(${same.indexOf(at) + 1})` : ''
        parts.unshift(at.tagName.toLowerCase() + place)
    }
    return parts.join(' > ')
}
"""
"""A function of the element and what it lies in, the document or a shadow root: a CSS selector of it alone."""

_ELEMENTS = """most => {%CSS_OF%
const CONTROLS = 'a[href], button, input:not([type=hidden]), select, textarea, summary, [contenteditable=""], '
    + '[contenteditable=true], [role=button], [role=link], [role=checkbox], [role=radio], [role=tab], '
    + '[role=menuitem], [role=option], [role=combobox], [role=switch], [role=textbox]'
const found = []
const shown = text => (text || '').replace(/\\s+/g, ' ').trim()
const name = element => {
    const named = (element.getAttribute('aria-labelledby') || '').split(/\\s+/).filter(Boolean)
        .map(id => element.getRootNode().getElementById(id)).filter(Boolean).map(one => one.innerText).join(' ')
    const label = element.labels && element.labels[0] && element.labels[0].innerText
    const button = ['submit', 'button', 'reset'].includes(element.type) && element.value
    return shown(named || element.getAttribute('aria-label') || label || element.placeholder || button
        || (element.tagName === 'SELECT' ? '' : element.innerText) || element.title || element.name)
}
const walk = (root, hosts, inText) => {
    for (const element of root.children) {
        if (found.length >= most) return
        if (['SCRIPT', 'STYLE', 'NOSCRIPT', 'TEMPLATE'].includes(element.tagName)) continue
        const style = getComputedStyle(element)
        if (style.display === 'none' || style.visibility === 'hidden') continue
        const within = element.getRootNode()
        let covered = inText
        if (element.matches(CONTROLS)) {
            const one = {kind: element.getAttribute('role') || (element.tagName === 'INPUT' ? element.type
                : element.tagName === 'A' ? 'link' : element.isContentEditable ? 'textbox'
                : element.tagName.toLowerCase()), name: name(element).slice(0, 200),
                way: [...hosts, css(element, within)]}
            if (element.tagName === 'A') one.url = element.href
            if (element.tagName === 'SELECT')
                one.options = [...element.options].slice(0, 40).map(option => shown(option.label).slice(0, 80))
            if (['checkbox', 'radio'].includes(element.type)) one.value = String(element.checked)
            else if (element.type !== 'password' && !['BUTTON', 'A'].includes(element.tagName))
                one.value = shown(String(element.value || '')).slice(0, 200)
            found.push(one)
            covered = true
        } else if (!inText && [...element.childNodes].some(node => node.nodeType === 3 && node.data.trim())) {
            const kind = /^H[1-6]$/.test(element.tagName) ? 'heading' : 'text'
            found.push({kind, name: shown(element.innerText).slice(0, 500), way: [...hosts, css(element, within)]})
            covered = true
        }
        if (element.shadowRoot) walk(element.shadowRoot, [...hosts, css(element, within)], false)
        walk(element, hosts, covered)
    }
}
if (document.body) walk(document.body, [], false)
return found
}""".replace("%CSS_OF%", CSS_OF)


@dataclass(frozen=True, slots=True)
class Outline:
    """A page as it stands. All of it was written by others: data, and never an instruction.

    Each of ``elements`` has ``kind``, ``name`` and ``way`` (selectors, each inside what the one before has found), and
    where there is one ``frame``, ``value``, ``options`` or ``url``; its place in the list is what a plan names it by.
    """

    url: str
    title: str
    elements: list[dict[str, Any]]

    def to_json(self) -> dict[str, Any]:
        return {"url": self.url, "title": self.title, "elements": self.elements}

    @property
    def links(self) -> list[str]:
        """The addresses that the page offers, its own among them."""
        return [self.url, *(element["url"] for element in self.elements if "url" in element)]

    def shown(self) -> str:
        """As lines of text, for a prompt."""
        return "\n".join(
            [f"address: {self.url}", f"title: {self.title}", *map(_line, range(len(self.elements)), self.elements)]
        )


async def outline_of(visit: Visit) -> Outline:
    """Of the page and the frames in it, as far as the bounds on elements go."""
    page = visit.page
    elements = await page.main_frame.evaluate(_ELEMENTS, MOST_ELEMENTS)
    for path, frame in frames_in(page.main_frame)[:MOST_FRAMES]:
        try:
            inside = await frame.evaluate(_ELEMENTS, MOST_ELEMENTS - len(elements))
        except Error:  # it is going away, or never came
            continue
        elements += [{**element, "frame": path} for element in inside]
    return Outline(page.url, (await page.title())[:MOST_TEXT], elements)


def frames_in(frame: Frame, path: tuple[int, ...] = ()) -> list[tuple[list[int], Frame]]:
    """The frames inside of a frame, each with its way there."""
    found: list[tuple[list[int], Frame]] = []
    for number, child in enumerate(frame.child_frames):
        found += [([*path, number], child), *frames_in(child, (*path, number))]
    return found


def _line(number: int, element: dict[str, Any]) -> str:
    more = [f"{name}: {element[name]}" for name in ("value", "url") if element.get(name)]
    if options := element.get("options"):
        more.append(f"options: {' | '.join(options)}")
    return f"[{number}] {element['kind']} {element['name']}" + "".join(f"; {each}" for each in more)
