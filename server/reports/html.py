"""Markdown → HTML that is safe to show, whatever stood in the sources."""

import html
import itertools

import nh3
from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore

STYLESHEET = "/static/report.css"
ICON = "/static/icon.svg"
_OWN_ARTIFACTS = "/api/tasks/"
_TAGS = frozenset(
    "a blockquote br code del em h1 h2 h3 h4 h5 h6 hr img li ol p pre strong table tbody td th thead tr ul".split()
)
_ATTRIBUTES = {"a": {"href", "title"}, "img": {"src", "alt", "title"}, "ol": {"start"}}
_ALIGNMENTS = {"text-align:center": "align-center", "text-align:right": "align-right"}
_ATTRIBUTION = "attribution"
_CLASSES = {"th": set(_ALIGNMENTS.values()), "td": set(_ALIGNMENTS.values()), "p": {_ATTRIBUTION}}


def _name_what_is_styled(state: StateCore) -> None:
    """Classes for what the style sheet shows in its own way: a strict content security policy allows no inline style.

    They are for the alignment of a table's cells, and for the line after a quote that begins with a dash: its source.
    """
    before = ""
    for token, following in itertools.pairwise(state.tokens):
        if token.type in ("th_open", "td_open"):
            named = _ALIGNMENTS.get(str(token.attrs.pop("style", "")))
            token.attrs |= {"class": named} if named else {}
        elif token.type == "paragraph_open" and before == "blockquote_close":
            token.attrs |= {"class": _ATTRIBUTION} if following.content.startswith("— ") else {}
        before = token.type


_parser = MarkdownIt("commonmark", {"html": False}).enable("table").enable("strikethrough")
_parser.core.ruler.push("name_what_is_styled", _name_what_is_styled)


def fragment(markdown: str) -> str:
    """The HTML of a piece of Markdown: no scripts, no styles, no images but the tasks' own artifacts."""
    return nh3.clean(
        _parser.render(markdown),
        tags=set(_TAGS),
        attributes=_ATTRIBUTES,
        allowed_classes=_CLASSES,
        attribute_filter=_only_own_images,
        url_schemes={"http", "https", "mailto"},
        link_rel="noopener noreferrer nofollow",
    )


def render(markdown: str, title: str, language: str, *, stylesheet: str = STYLESHEET) -> str:
    """A whole page. It has no inline script or style, so that a strict content security policy can stand."""
    escaped = html.escape(title)
    return (
        "<!doctype html>\n"
        f'<html lang="{html.escape("zh-CN" if language == "zh" else language)}">\n'
        "<head>\n"
        '<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escaped}</title>\n"
        f'<link rel="icon" href="{ICON}" type="image/svg+xml">\n'
        f'<link rel="stylesheet" href="{html.escape(stylesheet)}">\n'
        "</head>\n"
        f'<body class="report">\n<main class="report-body prose">\n{fragment(markdown)}</main>\n</body>\n</html>\n'
    )


def _only_own_images(tag: str, attribute: str, value: str) -> str | None:
    if tag == "img" and attribute == "src" and not (value.startswith(_OWN_ARTIFACTS) and ".." not in value):
        return None
    return value
