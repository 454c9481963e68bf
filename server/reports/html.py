"""Markdown → HTML that is safe to show, whatever stood in the sources."""

import html
import itertools
import re
import unicodedata
from collections.abc import Iterator

import nh3
from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.token import Token

STYLESHEET = "/static/report.css"
ICON = "/static/icon.svg"
_OWN_ARTIFACTS = "/api/tasks/"
_TAGS = frozenset(
    "a blockquote br code del div em h1 h2 h3 h4 h5 h6 hr img li ol p pre strong table tbody td th thead tr ul".split()
)
_SCROLLED = {"aria-label", "role", "tabindex"}
_ATTRIBUTES = {
    "a": {"href", "title"},
    "div": _SCROLLED,
    "img": {"src", "alt", "title"},
    "li": {"id", "tabindex"},
    "ol": {"start"},
    "pre": _SCROLLED,
}
_ALIGNMENTS = {"text-align:center": "align-center", "text-align:right": "align-right"}
_ATTRIBUTION = "attribution"
_SCROLLS = "scrolls"
_CLASSES = {"div": {_SCROLLS}, "th": set(_ALIGNMENTS.values()), "td": set(_ALIGNMENTS.values()), "p": {_ATTRIBUTION}}
_SHORT_LINE = 34
"""So many letters of code fit on a phone without scrolling sideways."""
_LONGEST_LABEL = 80
_MARK = re.compile(r"\[([1-9]\d{0,3})\]", re.ASCII)
_SOURCE_ID = re.compile(r"source-\d+", re.ASCII)


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


def _link_citations(state: StateCore) -> None:
    """Make ``[7]`` a link to the list item that begins with ``[7]``, the source of that number.

    The text stays as it is. A mark without such an item, in code, in a link or escaped (``\\[7\\]``: what a source
    wrote itself) is none of ours; escapes can still be told from text here, before the rule ``text_join``.
    """
    sources: dict[str, int] = {}
    for index, (item, _, text) in enumerate(zip(state.tokens, state.tokens[1:], state.tokens[2:], strict=False)):
        first = text.children[0] if text.children else None
        if item.type == "list_item_open" and first is not None and first.type == "text":
            mark = _MARK.match(first.content)
            sources |= {mark[1]: index} if mark else {}
    if not sources:
        return
    for number, index in sources.items():
        state.tokens[index].attrs |= {"id": f"source-{number}", "tabindex": "-1"}
    own_marks = {index + 2 for index in sources.values()}
    for index, token in enumerate(state.tokens):
        if token.type == "inline":
            token.children = list(_linked(token.children or [], sources, skip_first=index in own_marks))


def _linked(children: list[Token], sources: dict[str, int], *, skip_first: bool) -> Iterator[Token]:
    depth = 0
    for place, child in enumerate(children):
        depth += child.nesting if child.type in ("link_open", "link_close") else 0
        if child.type != "text" or depth:
            yield child
            continue
        done = 0
        for mark in _MARK.finditer(child.content):
            if mark[1] not in sources or (skip_first and place == 0 and mark.start() == 0):
                continue
            yield _text(child.content[done : mark.start()], child.level)
            yield Token("link_open", "a", 1, attrs={"href": f"#source-{mark[1]}"}, level=child.level)
            yield _text(mark[0], child.level + 1)
            yield Token("link_close", "a", -1, level=child.level)
            done = mark.end()
        yield _text(child.content[done:], child.level)


def _text(content: str, level: int) -> Token:
    return Token("text", "", 0, content=content, level=level)


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
                wide = any(_width(line) > _SHORT_LINE for line in lines)
                token.attrs = dict(_scrolled(next(filter(str.strip, lines)))) if wide else {}
            tokens.append(token)
    state.tokens = tokens


def _scrolled(label: str) -> dict[str, str | int | float]:
    return {"tabindex": "0", "role": "group", "aria-label": label.strip()[:_LONGEST_LABEL]}


def _headings(table: list[Token]) -> str:
    cells = itertools.takewhile(lambda token: token.type != "thead_close", table)
    texts = ("".join(child.content for child in cell.children or ()) for cell in cells if cell.type == "inline")
    return ", ".join(text for text in texts if text)


def _width(line: str) -> int:
    """In columns: Chinese characters take two."""
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in line)


_parser = MarkdownIt("commonmark", {"html": False}).enable("table").enable("strikethrough")
_parser.core.ruler.before("text_join", "link_citations", _link_citations)
_parser.core.ruler.push("name_what_is_styled", _name_what_is_styled)
_parser.core.ruler.push("let_wide_things_scroll", _let_wide_things_scroll)


def fragment(markdown: str) -> str:
    """The HTML of a piece of Markdown: no scripts, no styles, no images but the tasks' own artifacts."""
    return nh3.clean(
        _parser.render(markdown),
        tags=set(_TAGS),
        attributes=_ATTRIBUTES,
        allowed_classes=_CLASSES,
        attribute_filter=_only_our_own,
        url_schemes={"http", "https", "mailto"},
        link_rel="noopener noreferrer nofollow",
    )


def render(markdown: str, title: str, language: str, *, stylesheet: str = STYLESHEET, style: str | None = None) -> str:
    """A whole page. It has no inline script or style, so that a strict content security policy can stand.

    :param style: the text of the style sheet, for a file that has to be complete by itself: it stands in the page
        then, which names nothing of this server any more. See `whole_stylesheet`.
    """
    return (
        "<!doctype html>\n"
        f'<html lang="{html.escape("zh-CN" if language == "zh" else language)}">\n'
        "<head>\n"
        '<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{html.escape(_readable(title) or 'Holdfast')}</title>\n"
        f"{_linked_style(stylesheet) if style is None else _inline_style(style)}"
        "</head>\n"
        f'<body class="report">\n<main class="report-body prose">\n{fragment(markdown)}</main>\n</body>\n</html>\n'
    )


def _linked_style(address: str) -> str:
    return (
        f'<link rel="icon" href="{ICON}" type="image/svg+xml">\n<link rel="stylesheet" href="{html.escape(address)}">\n'
    )


def _inline_style(style: str) -> str:
    # "<\/" is the same to CSS and does not end the element.
    return "<style>\n" + style.replace("</", "<\\/") + "</style>\n"


def _readable(title: str) -> str:
    """Without characters that show nothing, or a box."""
    return " ".join("".join(" " if unicodedata.category(one) in ("Cc", "Cn", "Co") else one for one in title).split())


def _only_our_own(tag: str, attribute: str, value: str) -> str | None:
    """Images of the tasks' artifacts, and the marks of sources."""
    if tag == "img" and attribute == "src" and not (value.startswith(_OWN_ARTIFACTS) and ".." not in value):
        return None
    if attribute == "id" and _SOURCE_ID.fullmatch(value) is None:
        return None
    return value
