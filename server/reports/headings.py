"""The headings of a report, and a name for each that links can lead to."""

from dataclasses import dataclass

from markdown_it.token import Token

LEAST_HEADINGS = 4
"""With fewer, a report has no contents."""
DEEPEST = 3
MOST_HEADINGS = 2000


@dataclass(frozen=True, slots=True)
class Heading:
    """``place``: where its token stands; ``level``: 1 to 6; ``name``: unique in the report; ``text``: without marks."""

    place: int
    level: int
    name: str
    text: str


def headings_of(tokens: list[Token]) -> list[Heading]:
    """All that stand for themselves, and not in a quote or a list."""
    found: list[Heading] = []
    for place, token in enumerate(tokens):
        if token.type == "heading_open" and token.level == 0:
            name = f"part-{len(found) + 1}"
            found.append(Heading(place, int(token.tag[1:]), name, plain_text(tokens[place + 1])))
    return found


def for_contents(headings: list[Heading]) -> list[Heading]:
    """Those that contents list: not the title, nothing too deep, and none at all where they are few."""
    listed = [one for one in headings[:MOST_HEADINGS] if one.level <= DEEPEST and one.text]
    if listed and listed[0].level == 1 and sum(one.level == 1 for one in listed) == 1:
        del listed[0]
    return listed if len(listed) >= LEAST_HEADINGS else []


def plain_text(inline: Token) -> str:
    pieces: list[str] = []
    for child in inline.children or ():
        if child.type in ("softbreak", "hardbreak"):
            pieces.append(" ")
        elif child.type in ("text", "code_inline", "image"):
            pieces.append(child.content)
    return " ".join("".join(pieces).split())
