"""Markdown → HTML that is safe to show, whatever stood in the sources."""

import html
import itertools
import re
import unicodedata

import nh3
from markdown_it.rules_core import StateCore
from markdown_it.token import Token

from server.reports.parsing import ALIGNMENTS, ATTRIBUTION, BIDI_CONTROLS, parser, width_of

STYLESHEET = "/static/report.css"
ICON = "/static/icon.svg"
_OWN_ARTIFACTS = "/api/tasks/"
_TAGS = frozenset(
    "a blockquote br code div em h1 h2 h3 h4 h5 h6 hr img li ol p pre s strong table tbody td th thead tr ul".split()
)
_SCROLLED = {"aria-label", "role", "tabindex"}
_ATTRIBUTES = {
    "a": {"href", "title"},
    "div": _SCROLLED,
    **{f"h{level}": {"id"} for level in range(1, 7)},
    "img": {"src", "alt", "title"},
    "li": {"id", "tabindex"},
    "ol": {"start"},
    "pre": _SCROLLED,
}
_SCROLLS = "scrolls"
_CLASSES = {"div": {_SCROLLS}, "th": set(ALIGNMENTS.values()), "td": set(ALIGNMENTS.values()), "p": {ATTRIBUTION}}
_SHORT_LINE = 34
"""So many letters of code fit on a phone without scrolling sideways."""
_LONGEST_LABEL = 80
_OWN_ID = re.compile(r"(?:source|part)-\d+", re.ASCII)


def _let_wide_things_scroll(state: StateCore) -> None:
    """Tables, and code with long lines, can be scrolled sideways from the keyboard; their names tell them apart.

    They are groups, not regions: each region would be a landmark of the page.
    """
    tokens: list[Token] = []
    for index, token in enumerate(state.tokens):
        if token.type == "table_open":
            attrs = {"class": _SCROLLS, **_scrolled(_headings(state.tokens[index:]))}
            tokens += [Token("scrolls_open", "div", 1, attrs=attrs, block=True), token]
        elif token.type == "table_close":
            tokens += [token, Token("scrolls_close", "div", -1, block=True)]
        else:
            if token.type in ("fence", "code_block"):
                token.type = "code_block"  # both look alike, and this one keeps its attributes
                lines = token.content.splitlines()
                wide = any(width_of(line) > _SHORT_LINE for line in lines)
                token.attrs = dict(_scrolled(next(filter(str.strip, lines)))) if wide else {}
            tokens.append(token)
    state.tokens = tokens


def _scrolled(label: str) -> dict[str, str | int | float]:
    return {"tabindex": "0", "role": "group", "aria-label": label.strip()[:_LONGEST_LABEL]}


def _headings(table: list[Token]) -> str:
    cells = itertools.takewhile(lambda token: token.type != "thead_close", table)
    texts = ("".join(child.content for child in cell.children or ()) for cell in cells if cell.type == "inline")
    return ", ".join(text for text in texts if text)


_parser = parser()
_parser.core.ruler.push("let_wide_things_scroll", _let_wide_things_scroll)


def fragment(markdown: str) -> str:
    """The HTML of a piece of Markdown: no scripts, no styles, no images but the tasks' own artifacts."""
    return clean(_parser.render(markdown), url_schemes={"http", "https", "mailto"})


def clean(rendered: str, *, url_schemes: set[str]) -> str:
    """HTML without anything that could do more than show text. :param url_schemes: of addresses that links may have."""
    return nh3.clean(
        rendered,
        tags=set(_TAGS),
        attributes=_ATTRIBUTES,
        allowed_classes=_CLASSES,
        attribute_filter=_only_our_own,
        url_schemes=url_schemes,
        link_rel="noopener noreferrer nofollow",
    )


def render(markdown: str, title: str, language: str, *, stylesheet: str = STYLESHEET, style: str | None = None) -> str:
    """A whole page. It has no inline script or style, so that a strict content security policy can stand.

    :param style: the text of the style sheet, for a file that has to be complete by itself: it stands in the page
        then, which names nothing of this server any more. See `whole_stylesheet`.
    """
    return (
        "<!doctype html>\n"
        f'<html lang="{html.escape(language_tag(language))}">\n'
        "<head>\n"
        '<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{html.escape(readable(title) or 'Holdfast')}</title>\n"
        f"{_linked_style(stylesheet) if style is None else inline_style(style)}"
        "</head>\n"
        f'<body class="report">\n<main class="report-body prose">\n{fragment(markdown)}</main>\n</body>\n</html>\n'
    )


def language_tag(language: str) -> str:
    return "zh-CN" if language == "zh" else language


def _linked_style(address: str) -> str:
    return (
        f'<link rel="icon" href="{ICON}" type="image/svg+xml">\n<link rel="stylesheet" href="{html.escape(address)}">\n'
    )


def inline_style(style: str) -> str:
    # "<\/" is the same to CSS and does not end the element.
    return "<style>\n" + style.replace("</", "<\\/") + "</style>\n"


def readable(title: str) -> str:
    """Without characters that show nothing, or a box, and without those that turn others round."""
    title = BIDI_CONTROLS.sub("", title)
    return " ".join("".join(" " if unicodedata.category(one) in ("Cc", "Cn", "Co") else one for one in title).split())


def _only_our_own(tag: str, attribute: str, value: str) -> str | None:
    """Images of the tasks' artifacts, and the names of sources and headings."""
    if tag == "img" and attribute == "src" and not (value.startswith(_OWN_ARTIFACTS) and ".." not in value):
        return None
    if attribute == "id" and _OWN_ID.fullmatch(value) is None:
        return None
    return value
