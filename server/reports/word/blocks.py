"""The paragraphs, lists and tables of a report, token by token."""

from dataclasses import dataclass, replace

from markdown_it.token import Token

from server.reports.parsing import ATTRIBUTION
from server.reports.word.runs import Runs, place_name
from server.reports.word.styles import BULLETS, INDENT, LEVELS, number_from
from server.reports.word.tables import write_table
from server.reports.word.xml import Element, add, add_text


@dataclass(frozen=True, slots=True)
class Place:
    """Where a paragraph stands: how deep in lists and quotes; ``item``: the list item's number, until it is written."""

    lists: int = 0
    quotes: int = 0
    number: int = 0
    item: bool = False
    tight: bool = False
    bookmark: str = ""


class Blocks:
    """Writes the tokens of a report at the end of a document's body.

    :param names: the bookmarks that headings get, by the place of their token.
    """

    def __init__(self, body: Element, numbering: Element, runs: Runs, names: dict[int, str]) -> None:
        self._body, self._numbering, self._runs, self._names = body, numbering, runs, names
        self._bookmarks = 0

    def write(self, tokens: list[Token], start: int, end: int) -> None:
        """:param start: the first token's place, which is not within a block; ``end``: of the first one after."""
        outside: list[Place] = []
        place = Place()
        at = start
        while at < end:
            token = tokens[at]
            if token.type == "blockquote_open":
                outside.append(place)
                place = replace(place, quotes=place.quotes + 1)
            elif token.type in ("bullet_list_open", "ordered_list_open"):
                outside.append(place)
                place = replace(place, lists=place.lists + 1, number=self._number(token, place.lists), item=False)
            elif token.type == "list_item_open":
                outside.append(place)
                place = replace(place, item=True, bookmark=place_name(str(token.attrs.get("id", ""))))
            elif token.type in ("blockquote_close", "bullet_list_close", "ordered_list_close", "list_item_close"):
                if token.type == "list_item_close" and place.item:
                    self._paragraph(place)  # an item without any text
                place = outside.pop()
            elif token.type == "table_open":
                close = next(n for n in range(at, len(tokens)) if tokens[n].type == "table_close")
                write_table(self._body, tokens[at:close], self._runs)
                at = close
            elif token.type == "inline":
                opening = tokens[at - 1]
                place = self._text(opening, token, place, self._names.get(at - 1, ""))
            elif token.type in ("fence", "code_block"):
                made, place = self._paragraph(replace(place, quotes=0), "Code"), replace(place, item=False)
                add_text(add(made, "r"), token.content.rstrip("\n"))
            elif token.type == "hr":
                made, place = self._paragraph(place, "Rule"), replace(place, item=False)
            at += 1

    def _number(self, token: Token, depth: int) -> int:
        if token.type == "bullet_list_open":
            return BULLETS
        start = int(token.attrs.get("start", 1))
        return number_from(self._numbering, min(start, 32_767), min(depth, LEVELS - 1))

    def _text(self, opening: Token, token: Token, place: Place, name: str) -> Place:
        style = ""
        if opening.type == "heading_open":
            style = f"Heading{opening.tag[1:]}"
        elif place.quotes:
            style = "Quote"
        elif opening.attrs.get("class") == ATTRIBUTION:
            style = "Source"
        made = self._paragraph(replace(place, tight=opening.hidden), style)
        self._bookmark(made, name or place.bookmark if place.item or name else "")
        self._runs.write(made, token.children or ())
        return replace(place, item=False, bookmark="")

    def _paragraph(self, place: Place, style: str = "") -> Element:
        made = add(self._body, "p")
        indent = INDENT * (place.lists + max(0, place.quotes - 1))
        if not (style or place.lists or indent):
            return made
        properties = add(made, "pPr")
        if style:
            add(properties, "pStyle", val=style)
        if place.lists and place.item:
            numbered = add(properties, "numPr")
            add(numbered, "ilvl", val=min(place.lists, LEVELS) - 1)
            add(numbered, "numId", val=place.number)
        if place.tight:
            add(properties, "spacing", after=40)
        if indent and not place.item:
            add(properties, "ind", left=indent)
        return made

    def _bookmark(self, paragraph: Element, name: str) -> None:
        if name:
            self._bookmarks += 1
            add(paragraph, "bookmarkStart", id=self._bookmarks, name=name)
            add(paragraph, "bookmarkEnd", id=self._bookmarks)
