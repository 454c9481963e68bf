"""Finding the field that a person means by a label: as it is written beside, in or over the field."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from playwright.async_api import Error, Frame, Page

from server.sources.chromium.failures import BrowserFailed
from server.workflows.browse.outline import CSS_OF, MOST_FRAMES, frames_in

MOST_FIELDS = 500
MOST_NAMED = 20
CHOSEN = ("radio", "checkbox")
_REQUIRED = r"[（(【\[]\s*(?:必填|必选|选填|可选|required|optional)\s*[)）\]】]"
_MARKS = re.compile(rf"[*＊:：]+|{_REQUIRED}|(?<=\s)(?:required|optional)$", re.IGNORECASE)
_SEPARATORS = re.compile(r"[,，、;；]")

_FIELDS = (
    """most => {"""
    + CSS_OF
    + """
const found = [], FIELD = 'input, select, textarea'
const text = node => ((node && (node.innerText || node.textContent)) || '').trim().slice(0, 300)
const before = element => {
    const cell = element.closest('td, dd')
    if (cell && cell.previousElementSibling) return text(cell.previousElementSibling)
    for (let at = element.previousSibling; at; at = at.previousSibling) {
        if (at.nodeType === 1 && (at.matches(FIELD) || at.querySelector(FIELD))) return ''
        if (text(at)) return text(at)
    }
    return ''
}
const own = label => {
    const copy = label.cloneNode(true)
    for (const field of copy.querySelectorAll('select, textarea')) field.remove()
    return text(copy)
}
const walk = (root, hosts) => {
    for (const element of root.querySelectorAll('*')) {
        if (found.length >= most) return
        if (element.shadowRoot) walk(element.shadowRoot, [...hosts, css(element, root)])
        const rich = element.isContentEditable && !(element.parentElement && element.parentElement.isContentEditable)
        if (!rich && !element.matches('input, select, textarea, [role=textbox], [role=combobox]')) continue
        const kind = rich ? 'textbox' : (element.type || element.tagName).toLowerCase()
        if (['hidden', 'submit', 'button', 'reset', 'image'].includes(kind)) continue
        if (!element.getClientRects().length && !['radio', 'checkbox'].includes(kind)) continue
        const by = (element.getAttribute('aria-labelledby') || '').split(/\\s+/).filter(Boolean)
            .map(id => text(element.getRootNode().getElementById(id))).join(' ')
        const set = element.closest('fieldset'), group = element.closest('[role=group], [role=radiogroup]')
        found.push({
            kind, way: [...hosts, css(element, root)],
            labels: [...[...(element.labels || [])].map(own), by, element.getAttribute('aria-label') || ''],
            hints: [element.placeholder || element.getAttribute('aria-placeholder') || '', element.title || ''],
            before: ['radio', 'checkbox'].includes(kind) ? [] : [before(element)],
            names: [element.getAttribute('name') || '', element.id],
            groups: [set && set.querySelector('legend') ? text(set.querySelector('legend')) : '',
                group ? group.getAttribute('aria-label') || '' : '',
                group ? text(group.getRootNode().getElementById(group.getAttribute('aria-labelledby') || '')) : ''],
            value: element.value && ['radio', 'checkbox'].includes(kind) ? element.value : '',
            options: kind.startsWith('select') ? [...element.options].slice(0, 500)
                .map(option => [option.value, text(option) || option.label]) : []})
    }
}
walk(document, [])
return found
}"""
)


@dataclass(frozen=True, slots=True)
class Found:
    """A field, and what is to be done with it: ``value`` is put into it, chosen by its own value, or ``true``."""

    frame: Frame
    way: list[str]
    kind: str
    value: str


def plain(label: str) -> str:
    """A label as it is compared: one width of letters, no marks of required fields, no colon, no case."""
    folded = unicodedata.normalize("NFKC", _MARKS.sub(" ", label))
    return " ".join(_MARKS.sub(" ", folded).split()).casefold()


async def fields_of(page: Page) -> list[tuple[Frame, dict[str, Any]]]:
    """All fields that can be filled in, of the page and of the frames in it."""
    found: list[tuple[Frame, dict[str, Any]]] = []
    for frame in [page.main_frame, *(frame for _, frame in frames_in(page.main_frame)[:MOST_FRAMES])]:
        try:
            found += [(frame, field) for field in await frame.evaluate(_FIELDS, MOST_FIELDS)]
        except Error:  # a frame that is going away
            if frame is page.main_frame:
                raise
    return found


def meant(fields: Sequence[tuple[Frame, dict[str, Any]]], label: str, value: str) -> list[Found]:
    """What a label and a value mean here: one field, or several boxes of a group.

    :raises BrowserFailed: (``no_label``, ``ambiguous_label``, ``no_option``) with what there is instead.
    """
    wanted = plain(label)
    for kind in ("labels", "groups", "hints", "before", "names"):
        matching = [one for one in fields if wanted in map(plain, filter(None, one[1][kind]))]
        if kind == "groups":
            matching = [one for one in matching if one[1]["kind"] in CHOSEN]
            if matching:
                return list(_chosen(matching, label, value))
        elif matching:
            return [_filled(_only(matching, label), label, value)]
    near = [one for one in fields if any(wanted in plain(name) for name in (*one[1]["labels"], *one[1]["hints"]))]
    if wanted and len(near) == 1:
        return [_filled(near[0], label, value)]
    if wanted and near:
        raise _ambiguous(near, label)
    there = "; ".join(dict.fromkeys(name for one in fields if (name := shown(one[1])))) or "none"
    raise BrowserFailed("no_label", f"No field is labelled {label[:80]!r}. There are: {there[:600]}.")


def shown(field: dict[str, Any]) -> str:
    """A field as people would name it."""
    group = next((name for name in field["groups"] if name), "") if field["kind"] in CHOSEN else ""
    names = (*field["labels"], *field["hints"], *field["before"], *field["names"])
    own = next((" ".join(name.split()) for name in names if name.strip()), "")
    return f"{' '.join(group.split())} › {own}"[:80] if group else own[:80]


def _only(matching: list[tuple[Frame, dict[str, Any]]], label: str) -> tuple[Frame, dict[str, Any]]:
    if len(matching) > 1:
        raise _ambiguous(matching, label)
    return matching[0]


def _ambiguous(matching: list[tuple[Frame, dict[str, Any]]], label: str) -> BrowserFailed:
    named = "; ".join(
        f"{shown(field)} ({field['kind']}{', name ' + field['names'][0] if field['names'][0] else ''})"
        for _, field in matching[:MOST_NAMED]
    )
    return BrowserFailed("ambiguous_label", f"{len(matching)} fields are labelled {label[:80]!r}: {named[:600]}.")


def _filled(one: tuple[Frame, dict[str, Any]], label: str, value: str) -> Found:
    frame, field = one
    if field["options"]:
        by_value = [option for option, _ in field["options"] if option == value]
        by_text = [option for option, text in field["options"] if plain(text) == plain(value)]
        if not (chosen := by_text or by_value):
            there = "; ".join(text for _, text in field["options"][:MOST_NAMED] if text)
            raise BrowserFailed("no_option", f"{label[:80]!r} has no option {value[:80]!r}. There are: {there[:600]}.")
        value = chosen[0]
    return Found(frame, field["way"], field["kind"], value)


def _chosen(group: list[tuple[Frame, dict[str, Any]]], label: str, value: str) -> Iterator[Found]:
    """The boxes of a group that the value names, each by its own label."""
    whole = [value] if group[0][1]["kind"] == "radio" else [part for part in _SEPARATORS.split(value) if part.strip()]
    for part in whole:
        named = [one for one in group if plain(part) in map(plain, filter(None, (*one[1]["labels"], one[1]["value"])))]
        if not named:
            there = "; ".join(next((name for name in field["labels"] if name), field["value"]) for _, field in group)
            raise BrowserFailed("no_option", f"{label[:80]!r} has no choice {part[:80]!r}. There are: {there[:600]}.")
        frame, field = _only(named, f"{label}: {part}")
        yield Found(frame, field["way"], field["kind"], "true")
