"""What every source becomes: a document made of blocks of visible text, and the passages that are searched."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from server.sources.text import has_cjk, language_of

LATIN_PASSAGE_CHARS = 900
CJK_PASSAGE_CHARS = 400
_LANGUAGE_SAMPLE = 20_000


class Kind(StrEnum):
    """``prose`` may be quoted; ``code`` and ``heading`` only help to find it."""

    PROSE = "prose"
    CODE = "code"
    HEADING = "heading"


@dataclass(frozen=True, slots=True)
class Block:
    """One run of text that a reader sees as one piece, with the headings above it, outermost first."""

    kind: Kind
    text: str
    headings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Document:
    """The text of one source. ``date`` is ISO (``2023-01-31``), only where the source itself tells it.

    ``markup``: the text keeps its inline Markdown, as it stands in the file.
    """

    title: str
    blocks: tuple[Block, ...]
    date: str | None = None
    markup: bool = False

    @property
    def text(self) -> str:
        """What offsets count in: the blocks, one per line."""
        return "\n".join(block.text for block in self.blocks)

    @property
    def language(self) -> str:
        return language_of(self.text[:_LANGUAGE_SAMPLE])

    def with_blocks(self, blocks: tuple[Block, ...]) -> "Document":
        return replace(self, blocks=blocks)

    def clipped(self, most_chars: int) -> "Document":
        """The leading blocks, as many as fit."""
        size = 0
        for number, block in enumerate(self.blocks):
            size += len(block.text)
            if size > most_chars:
                return self.with_blocks(self.blocks[: max(1, number)])
        return self

    def to_json(self) -> dict[str, Any]:
        return {
            "title": self.title,
            "date": self.date,
            "markup": self.markup,
            "blocks": [[block.kind.value, block.text, list(block.headings)] for block in self.blocks],
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "Document":
        blocks = tuple(Block(Kind(kind), text, tuple(headings)) for kind, text, headings in data["blocks"])
        return cls(data["title"], blocks, data["date"], data["markup"])


@dataclass(frozen=True, slots=True)
class Passage:
    """A few neighbouring blocks under the same headings.

    It holds strings and numbers only, no blocks: a library has tens of thousands of passages, and objects that the
    garbage collector has to walk through would stop the event loop each time it does.

    ``starts``: each block's offset in the document's text. ``prose``: whether it may be quoted.
    """

    headings: tuple[str, ...]
    starts: tuple[int, ...]
    texts: tuple[str, ...]
    prose: tuple[bool, ...]

    @property
    def text(self) -> str:
        return "\n".join(self.texts)

    @property
    def quotable(self) -> list[tuple[int, str]]:
        """Offset and text of what may be quoted."""
        return [(start, text) for start, text, prose in zip(self.starts, self.texts, self.prose, strict=True) if prose]


def passages(document: Document) -> Iterator[Passage]:
    gathered: list[tuple[int, Block]] = []
    size = 0
    offset = 0
    for block in document.blocks:
        start, offset = offset, offset + len(block.text) + 1
        limit = CJK_PASSAGE_CHARS if has_cjk(block.text) else LATIN_PASSAGE_CHARS
        full = size + len(block.text) > limit
        if gathered and (block.kind is Kind.HEADING or full or gathered[0][1].headings != block.headings):
            yield _passage(gathered)
            gathered, size = [], 0
        if block.kind is not Kind.HEADING:
            gathered.append((start, block))
            size += len(block.text)
    if gathered:
        yield _passage(gathered)


def _passage(gathered: list[tuple[int, Block]]) -> Passage:
    return Passage(
        headings=gathered[0][1].headings,
        starts=tuple(start for start, _ in gathered),
        texts=tuple(block.text for _, block in gathered),
        prose=tuple(block.kind is Kind.PROSE for _, block in gathered),
    )
