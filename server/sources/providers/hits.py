"""What providers say → hits: hostile addresses dropped, markup taken off, one hit for each page."""

import html
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import islice, zip_longest
from typing import Any, Literal

from server.sources.failures import FetchFailed
from server.sources.providers.base import Hit
from server.sources.text import clean, collapse
from server.sources.urls import canonical

MOST_TITLE_CHARS = 300
MOST_SNIPPET_CHARS = 2_000
MOST_TEXT_CHARS = 20_000

_NAMES = (
    "a|abbr|b|bold|br|cite|code|div|em|h[1-6]|i|img|italic|li|list|list-item|mark|ol|p|q|s|sc|script|sec|small|span|"
    "strong|style|sub|sup|title|tt|u|ul"
)
_VALUE = r"""(?:"[^"<>]{0,300}"|'[^'<>]{0,300}'|[^\s"'<>]{1,300})"""
_TAG = re.compile(rf"</?(?:jats:)?(?:{_NAMES})(?:\s+[\w:-]{{1,60}}\s*=\s*{_VALUE}){{0,20}}\s*/?>", re.I)
"""Markup that providers put into titles and abstracts. An abstract may well say that *a <b and c> d*."""
_BLOCK_END = re.compile(r"</(?:\w+:)?(?:p|title|sec|li|div|h\d)>|<br\s*/?>", re.I)
_TURNING = re.compile("[\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069]")
"""Marks that turn the direction of text: with them a title can show itself as another one."""
_DATE = re.compile(r"(\d{4})(?:-(\d\d)(?:-(\d\d))?)?(?![\d-])")


def hit(
    provider: str,
    *,
    url: Any,
    title: Any,
    snippet: Any = "",
    published: Any = None,
    kind: Literal["page", "paper"] = "page",
    text: Any = "",
    pdf: Any = None,
) -> Hit | None:
    """A hit, if its address can be fetched; each value may be whatever JSON held there."""
    address = _address(url)
    if address is None:
        return None
    return Hit(
        url=address,
        title=plain(title)[:MOST_TITLE_CHARS].rstrip() or address,
        snippet=plain(snippet)[:MOST_SNIPPET_CHARS].rstrip(),
        provider=provider,
        published=date(published),
        kind=kind,
        text=plain(text)[:MOST_TEXT_CHARS].rstrip(),
        pdf=_address(pdf),
    )


def plain(value: Any) -> str:
    """One line without tags, entities and marks that turn text; empty for what is no text."""
    if not isinstance(value, str):
        return ""
    value = html.unescape(_TAG.sub("", _BLOCK_END.sub(" ", value[: 2 * MOST_TEXT_CHARS])))
    return clean(collapse(_TURNING.sub("", value)))


def date(value: Any) -> str | None:
    """The ISO date that a value begins with, as exact as it is: ``2023``, ``2023-01``, ``2023-01-31``."""
    found = _DATE.match(value) if isinstance(value, str) else None
    return "-".join(part for part in found.groups() if part) if found else None


def date_of_parts(value: Any) -> str | None:
    """``[[2023, 1, 31]]`` of Crossref, of which the later numbers may be missing."""
    match value:
        case [[int(year), *rest], *_] if 1000 <= year <= 9999:
            numbers = [part for part in rest[:2] if isinstance(part, int) and 1 <= part <= 31]
            return "-".join([str(year), *(f"{number:02}" for number in numbers)])
    return None


def within(value: Any, *path: str) -> Any:
    """What stands in nested objects under these names; None where something else stands in between."""
    for name in path:
        if not isinstance(value, Mapping):
            return None
        value = value.get(name)
    return value


def listed(value: Any, *path: str) -> list[Mapping[str, Any]]:
    """The objects of a list in nested objects; none where there is no list."""
    found = within(value, *path)
    return [one for one in found if isinstance(one, Mapping)] if isinstance(found, list) else []


def usable(found: Iterable[Hit | None], limit: int) -> list[Hit]:
    """The first ``limit`` of those of which a hit could be made."""
    return list(islice((one for one in found if one is not None), limit))


def merged(found: Iterable[Sequence[Hit]], without: Collection[str] = ()) -> list[Hit]:
    """The best of each, then the second of each, …; each page once, none whose address is in ``without``."""
    kept: dict[str, Hit] = {}
    for rank in zip_longest(*found):
        for one in rank:
            if one is not None and one.url not in without:
                kept.setdefault(one.url, one)
    return list(kept.values())


def _address(url: Any) -> str | None:
    if not isinstance(url, str):
        return None
    try:
        return canonical(url)
    except FetchFailed:
        return None
