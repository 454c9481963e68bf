"""The text within a paragraph: emphasis, code, links and citations."""

from collections.abc import Sequence

from markdown_it.token import Token

from server.reports.word.links import Links
from server.reports.word.styles import MONO
from server.reports.word.xml import Element, add, add_text, r
from server.reports.wording import HAN, OTHER_WIDE

_MARKS = {"strong": "b", "em": "i", "s": "strike"}
CODE = "CodeText"


class Runs:
    """Writes inline tokens into paragraphs.

    :param places: the names of this document's own places that links may lead to.
    """

    def __init__(self, links: Links, places: frozenset[str], chinese: bool) -> None:
        self._links, self._places, self._chinese = links, places, chinese

    def write(self, paragraph: Element, children: Sequence[Token], *, bold: bool = False) -> None:
        marks = ["b"] if bold else []
        parent, style = paragraph, ""
        for place, child in enumerate(children):
            verb, _, state = child.type.rpartition("_")
            if verb in _MARKS and state == "open":
                marks.append(_MARKS[verb])
            elif verb in _MARKS and state == "close":
                marks.remove(_MARKS[verb])
            elif child.type == "link_open":
                parent, style = self._link(paragraph, str(child.attrs.get("href", "")))
            elif child.type == "link_close":
                parent, style = paragraph, ""
            elif child.type == "text":
                self.run(parent, child.content, style, marks)
            elif child.type == "code_inline":
                self.run(parent, child.content, CODE, marks)
            elif child.type == "softbreak":
                self.run(parent, _joint(children, place), style, marks)
            elif child.type == "hardbreak":
                self.run(parent, "\n", style, marks)
            elif child.type == "image":
                self.run(parent, f"[{child.content}]", style, marks)

    def run(self, parent: Element, text: str, style: str = "", marks: Sequence[str] = ()) -> None:
        if not text:
            return
        made = add(parent, "r")
        # For quotation marks and dashes, which both scripts have, Word takes the Chinese font only where it is told to.
        wide = self._chinese and (HAN.search(text) or OTHER_WIDE.search(text)) is not None
        if style or marks or wide:
            properties = add(made, "rPr")
            if style:
                add(properties, "rStyle", val=style)
            if style == CODE:  # its style says so too, but LibreOffice does not heed that in tables
                add(properties, "rFonts", ascii=MONO, hAnsi=MONO)
            elif wide:
                add(properties, "rFonts", hint="eastAsia")
            for mark in ("b", "i", "strike"):  # the schema's order
                if mark in marks:
                    add(properties, mark)
        add_text(made, text)

    def _link(self, paragraph: Element, address: str) -> tuple[Element, str]:
        if address.startswith("#"):
            name = place_name(address[1:])
            return (
                (add(paragraph, "hyperlink", anchor=name, history=1), "Citation")
                if name in self._places
                else (paragraph, "")
            )
        relationship = self._links.relationship(address)
        if relationship is None:
            return paragraph, ""
        link = add(paragraph, "hyperlink", history=1)
        link.set(r("id"), relationship)
        return link, "Hyperlink"


def place_name(name: str) -> str:
    """As a bookmark, in whose name Word takes no hyphen."""
    return name.replace("-", "_")


def _joint(children: Sequence[Token], place: int) -> str:
    """What stands for a line's end: a space, but nothing between Chinese characters."""
    before = children[place - 1].content[-1:] if place else ""
    after = children[place + 1].content[:1] if place + 1 < len(children) else ""
    between_chinese = all(HAN.match(one) or OTHER_WIDE.match(one) for one in (before, after))
    return "" if before and after and between_chinese else " "
