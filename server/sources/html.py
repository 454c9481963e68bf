"""HTML → blocks of the text that a reader sees, letter for letter.

Own walk of the tree instead of a ready-made extractor, because quotes must be found again in the page: text
inside a block is joined exactly as a browser joins it (``<code>`` glues, white space collapses), and wherever
something is left out a block ends, so that no block spans a gap.
"""

import re
from collections.abc import Iterator
from typing import Any

from lxml import etree
from lxml import html as lxml_html

from server.sources.documents import Block, Document, Kind
from server.sources.encoding import decode
from server.sources.failures import Unreadable
from server.sources.text import clean, collapse

_INVISIBLE = frozenset(
    "script style template noscript head svg math iframe object embed canvas audio video map select option datalist "
    "button input textarea img picture".split()
)
_CHROME = frozenset({"nav", "footer", "aside", "menu", "dialog"})
_CHROME_ROLES = frozenset(
    {"navigation", "banner", "contentinfo", "search", "complementary", "menu", "menubar", "dialog"}
)
_CHROME_CLASSES = frozenset(
    "nav navbar navigation nav-content mobile-nav main-nav site-nav subnav navheader navfooter docnav prev_next "
    "breadcrumb breadcrumbs pagination pager menubar this-page-menu skip-link skiplink skip-to-content "
    "sidebar sphinxsidebar sphinxsidebarwrapper toctree-wrapper table-of-contents list-of-figures list-of-tables "
    "list-of-examples list-of-equations indextable genindextable modindextable genindex-jumpbox modindex-jumpbox "
    "footer site-footer page-footer cookie-banner cookie-notice cookie-consent cookie-bar noprint share-buttons "
    "social-links advert advertisement ads language_switcher_placeholder version_switcher_placeholder".split()
)
"""Whole names of classes that only furniture has. Parts of names, and ids, are made of the page's own words."""
_DOUBTFUL_NAMES = frozenset("toc menu menu-wrapper related previous next share social banner cookies contents".split())
"""Classes and ids that a text may have as well: furniture only where most of what they hold is links."""
_PERMALINKS = frozenset({"headerlink", "permalink"})
_CONTENT = frozenset("section article main body dd dt figure td th tr tbody table pre p".split())
"""What holds a page's own text: its ids are anchors, named after headings."""
_HIDDEN_STYLE = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.I)
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_BLOCKS = frozenset(
    "address article blockquote body caption center dd details div dl dt fieldset figcaption figure footer form header "
    "hr html legend li "
    "main nav ol p pre section summary table tbody td tfoot th thead tr ul h1 h2 h3 h4 h5 h6 br".split()
)
_TERM_LEVEL = 7
"""A ``<dt>`` stands under every real heading; each ``<dl>`` inside another one level deeper."""
_MAIN = (
    "//main",
    "//*[@role='main']",
    "//article",
    "//div[@class='body']",
    "//div[@id='content']",
    "//div[@id='main']",
)
_MAIN_SHARE = 0.3
_CHROME_SHARE = 0.6
"""What holds more of the page than this is its text, whatever it is called."""
_CHROME_LINK_SHARE = 0.5
_LINK_SHARE = 0.75
_LINK_LIST_CHARS = 200
_DATE = re.compile(r"(?:19|20)\d\d-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])")
_DATE_NAMES = frozenset(
    "article:modified_time article:published_time og:updated_time date dc.date dcterms.date dcterms.modified "
    "dcterms.created last-modified datepublished datemodified citation_publication_date citation_date pubdate".split()
)


def read_html(data: bytes, hint: str | None = None) -> Document:
    """:raises Unreadable: (``binary``, ``empty``) if no text is to be had from it."""
    source = decode(data, hint)
    # lxml refuses text with an encoding declaration of its own, so it gets bytes.
    parser = lxml_html.HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True)
    try:
        root = lxml_html.document_fromstring(source.encode("utf-8"), parser=parser)
    except (etree.LxmlError, ValueError):
        raise Unreadable("empty", "The page has no content.") from None
    title = _title(root)
    blocks = tuple(_Walk(_main(root)).blocks())
    return Document(title or _first_heading(blocks), blocks, _date(root))


def _title(root: Any) -> str:
    for found in (root.xpath("string(//head/title)"), root.xpath("string(//meta[@property='og:title']/@content)")):
        if title := collapse(clean(str(found))):
            return title
    return ""


def _first_heading(blocks: tuple[Block, ...]) -> str:
    return next((block.text for block in blocks if block.kind is Kind.HEADING), "")


def _date(root: Any) -> str | None:
    for meta in root.iter("meta"):
        name = (meta.get("property") or meta.get("name") or meta.get("itemprop") or "").lower()
        found = _DATE.match(meta.get("content") or "") if name in _DATE_NAMES else None
        if found:
            return found.group()
    for time in root.iter("time"):
        if found := _DATE.match(time.get("datetime") or ""):
            return found.group()
    return None


def _length(element: Any) -> int:
    return len(str(element.xpath("normalize-space(.)")))


def _is_made_of_links(element: Any) -> bool:
    if element.tag == "a":
        return True
    return sum(_length(link) for link in element.iter("a")) >= _length(element) * _CHROME_LINK_SHARE


def _main(root: Any) -> Any:
    """The element that holds the page's own text: what it marks as such, if most of the text is in there."""
    body = root.find("body")
    body = root if body is None else body
    whole = _length(body)
    for path in _MAIN:
        found = root.xpath(path)
        if len(found) == 1 and _length(found[0]) >= whole * _MAIN_SHARE:
            return found[0]
    return body


class _Walk:
    """One pass over the tree. Text gathers until a block ends; iterative, so depth can't overflow the stack."""

    def __init__(self, root: Any) -> None:
        self._root = root
        self._length = _length(root)
        self._text: list[str] = []
        self._links = 0
        self._open_links = 0
        self._kind = [Kind.PROSE]
        self._headings: list[tuple[int, str]] = []
        self._terms = 0
        self._in_heading = 0

    def blocks(self) -> Iterator[Block]:
        walk = etree.iterwalk(self._root, events=("start", "end"))
        dropped: Any = None
        for event, element in walk:
            tag = element.tag if isinstance(element.tag, str) else ""
            if event == "start":
                if element is not self._root and self._is_dropped(element, tag):
                    if _length(element):
                        yield from self._flush(None)
                    walk.skip_subtree()
                    dropped = element
                    continue
                if tag in _BLOCKS:
                    yield from self._flush(None)
                self._enter(tag)
                self._add(element.text)
                continue
            if element is dropped:
                dropped = None
            else:
                self._leave(tag)
                if tag in _BLOCKS:
                    yield from self._flush(tag)
                self._close(tag)
            if element is not self._root:
                self._add(element.tail)
        yield from self._flush(None)

    def _is_dropped(self, element: Any, tag: str) -> bool:
        if not tag or tag in _INVISIBLE or tag in _CHROME or element.get("hidden") is not None:
            return True
        if element.get("aria-hidden") == "true":
            return True
        if (style := element.get("style")) and _HIDDEN_STYLE.search(style):
            return True
        classes = frozenset((element.get("class") or "").lower().split())
        if self._in_heading:
            return not classes.isdisjoint(_PERMALINKS)
        if tag == "header" and self._root.tag in ("body", "html"):
            return element.find(".//h1") is None
        return self._is_furniture(element, tag, classes) and _length(element) < self._length * _CHROME_SHARE

    def _is_furniture(self, element: Any, tag: str, classes: frozenset[str]) -> bool:
        if tag in _HEADINGS:
            return False
        if element.get("role") in _CHROME_ROLES:
            return True
        if not classes.isdisjoint(_CHROME_CLASSES | _PERMALINKS):
            return True
        names = classes if tag in _CONTENT or "section" in classes else classes | {(element.get("id") or "").lower()}
        return not names.isdisjoint(_DOUBTFUL_NAMES | _CHROME_CLASSES) and _is_made_of_links(element)

    def _enter(self, tag: str) -> None:
        if tag == "a":
            self._open_links += 1
        elif tag == "pre":
            self._kind.append(Kind.CODE)
        elif tag == "dl":
            self._terms += 1
        elif tag in _HEADINGS or tag == "dt":
            self._in_heading += 1

    def _leave(self, tag: str) -> None:
        if tag == "a":
            self._open_links = max(0, self._open_links - 1)
        elif tag in _HEADINGS or tag == "dt":
            self._in_heading = max(0, self._in_heading - 1)

    def _close(self, tag: str) -> None:
        if tag == "pre":
            self._kind.pop()
        elif tag == "dl":
            self._rise(_TERM_LEVEL + self._terms)
            self._terms -= 1

    def _add(self, text: str | None) -> None:
        if text:
            self._text.append(text)
            if self._open_links:
                self._links += len(text)

    def _rise(self, level: int) -> None:
        while self._headings and self._headings[-1][0] >= level:
            self._headings.pop()

    def _flush(self, closing: str | None) -> Iterator[Block]:
        if self._in_heading:
            self._text.append(" ")
            return
        text = collapse("".join(self._text))
        links, self._text, self._links = self._links, [], 0
        if not text:
            return
        level = _HEADINGS.get(closing or "")
        if closing == "dt":
            level = _TERM_LEVEL + self._terms
        if level is not None:
            text = text.rstrip("¶# ").rstrip()
            self._rise(level)
            yield Block(Kind.HEADING, text, self._path())
            self._headings.append((level, text))
        elif self._kind[-1] is Kind.CODE or links < len(text) * _LINK_SHARE or len(text) > _LINK_LIST_CHARS:
            yield Block(self._kind[-1], text, self._path())

    def _path(self) -> tuple[str, ...]:
        return tuple(text for _, text in self._headings)
