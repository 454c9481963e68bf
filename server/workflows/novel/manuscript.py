"""A manuscript → its chapters, by the headings that stand in it."""

import re
from dataclasses import dataclass

from server.workflows.novel.checks.health import number_in
from server.workflows.novel.entities import MOST_CHAPTERS, ChapterText

# Possessive, so that a line of a million spaces is passed over once.
_HEADING = re.compile(
    r"^[ \t　]*+#{0,6}+[ \t　]*+"
    r"(?:第[ \t]*([0-9０-９〇零一二三四五六七八九十百千两]{1,9})[ \t]*[章回](?!节)|chapter[ \t]+(\d{1,4})\b)"
    r"[ \t　:：.、·—-]*+(.{0,100})$",
    re.IGNORECASE | re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class Manuscript:
    """``unplaced``: what stands before the first heading, or under a number that was there before."""

    texts: tuple[ChapterText, ...]
    unplaced: tuple[str, ...]


def split(manuscript: str) -> Manuscript:
    """Each heading begins a chapter of its number; a manuscript without any is chapter 1.

    A line is a heading if it begins with 第…章, 第…回 or *Chapter …* and is not longer than a title.
    """
    plain = manuscript.replace("\r\n", "\n").replace("\r", "\n")
    headings = list(_HEADING.finditer(plain))
    if not headings:
        text = plain.strip()
        return Manuscript((ChapterText(number=1, text=text),) if text else (), ())
    texts: dict[int, ChapterText] = {}
    unplaced = [plain[: headings[0].start()]]
    ends = [*(one.start() for one in headings[1:]), len(plain)]
    for found, end in zip(headings, ends, strict=True):
        number, body = number_in(found[1] or found[2]), plain[found.end() : end].strip()
        if not 1 <= number <= MOST_CHAPTERS or number in texts:
            unplaced.append(plain[found.start() : end])
        elif body:
            texts[number] = ChapterText(number=number, title=found[3].strip(), text=body)
    return Manuscript(tuple(texts.values()), tuple(one.strip() for one in unplaced if one.strip()))
