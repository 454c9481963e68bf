"""Text from outside → Markdown that shows exactly this text, changed only where it has to be."""

import re

from markdown_it import MarkdownIt
from markdown_it.token import Token

_parser = MarkdownIt("commonmark").enable("table")

_EVERYWHERE = re.compile(r"([\\`*_\[\]<>&~|!])")
_AT_START = re.compile(r"^([#+\-=:]|\d+(?=[.)]))")
_TAG_LIKE = re.compile(r"<(?=[A-Za-z/!?])|&(?=#?\w+;)|!(?=\[)|\[\d+\]")
"""Escaped even where this parser shows it as it is: others might not, and ``[7]`` reads as a citation of ours."""
_HARMLESS = frozenset({"text", "code_inline", "em_open", "em_close", "strong_open", "strong_close", "softbreak"})


def literal(text: str) -> str:
    """One line of Markdown that renders as ``text``, as it is where that needs no escapes."""
    if _TAG_LIKE.search(text) is None and _shown(text) == text:
        return text
    escaped = _EVERYWHERE.sub(r"\\\1", text)
    return _AT_START.sub(lambda found: _escape_start(found.group(1)), escaped)


def inline(text: str) -> str:
    """One line that is Markdown already: kept if it holds no more than emphasis and code, else shown literally."""
    tokens = _parser.parse(text)
    plain = len(tokens) == 3 and tokens[0].type == "paragraph_open"
    if plain and _TAG_LIKE.search(text) is None and all(token.type in _HARMLESS for token in tokens[1].children or ()):
        return text
    return literal(text)


def _escape_start(mark: str) -> str:
    # A number at the start would make a list: the escape goes between it and its dot.
    return f"\\{mark}" if not mark.isdigit() else f"{mark}\\"


def _shown(text: str) -> str | None:
    """What a reader would see of this Markdown; None if it is more than one plain paragraph."""
    tokens = _parser.parse(text)
    if len(tokens) != 3 or tokens[0].type != "paragraph_open":
        return None
    children: list[Token] = tokens[1].children or []
    if any(token.type not in ("text", "softbreak") for token in children):
        return None
    return "".join(token.content for token in children)
