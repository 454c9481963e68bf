"""Markdown as the tokens that every format of a report is made of."""

import itertools
import re
import unicodedata
from collections.abc import Iterator

from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.token import Token

ALIGNMENTS = {"text-align:center": "align-center", "text-align:right": "align-right"}
ATTRIBUTION = "attribution"
BIDI_CONTROLS = re.compile("[\u202a-\u202e\u2066-\u2069]")
"""What turns the text after it round, across the end of a quote or a title too; Arabic and Hebrew do without."""
DEEPEST = 100
"""What is nested deeper is left out; the parser's own limit, 20, is met by ten lists in one another."""
_MARK = re.compile(r"\[([1-9]\d{0,3})\]", re.ASCII)


def parser() -> MarkdownIt:
    """CommonMark with tables and strikethrough, without HTML: citations are links, and what is styled has a class."""
    made = MarkdownIt("commonmark", {"html": False, "maxNesting": DEEPEST}).enable("table").enable("strikethrough")
    made.core.ruler.before("text_join", "leave_bidi_controls_out", _leave_bidi_controls_out)
    made.core.ruler.before("text_join", "link_citations", _link_citations)
    made.core.ruler.push("name_what_is_styled", _name_what_is_styled)
    return made


def _leave_bidi_controls_out(state: StateCore) -> None:
    waiting = list(state.tokens)
    while waiting:
        token = waiting.pop()
        token.content = BIDI_CONTROLS.sub("", token.content)
        if "title" in token.attrs:
            token.attrs["title"] = BIDI_CONTROLS.sub("", str(token.attrs["title"]))
        waiting += token.children or ()


def _name_what_is_styled(state: StateCore) -> None:
    """Classes for what the style sheet shows in its own way: a strict content security policy allows no inline style.

    They are for the alignment of a table's cells, and for the line after a quote that begins with a dash: its source.
    """
    before = ""
    for token, following in itertools.pairwise(state.tokens):
        if token.type in ("th_open", "td_open"):
            named = ALIGNMENTS.get(str(token.attrs.pop("style", "")))
            token.attrs |= {"class": named} if named else {}
        elif token.type == "paragraph_open" and before == "blockquote_close":
            token.attrs |= {"class": ATTRIBUTION} if following.content.startswith("— ") else {}
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


def width_of(line: str) -> int:
    """In columns: Chinese characters take two."""
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in line)
