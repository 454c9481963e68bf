"""Markdown and plain text → blocks. Inline Markdown stays as it stands in the file, so that a quote is found there."""

import re
from collections.abc import Iterator

from server.sources.documents import Block, Document, Kind
from server.sources.text import collapse

_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})")
_ATX = re.compile(r"^ {0,3}(#{1,6})\s+(.*?)\s*#*\s*$")
_SETEXT = re.compile(r"^ {0,3}(=+|-+)\s*$")
_RULE = re.compile(r"^ {0,3}([-*_])(?:\s*\1){2,}\s*$")
_ITEM = re.compile(r"^\s*(?:[-*+]|\d{1,4}[.)])\s+(.*)$")
_QUOTE = re.compile(r"^\s{0,3}>\s?")
_TABLE_ROW = re.compile(r"^\s*\|.*\|\s*$")
_TABLE_RULE = re.compile(r"^[\s|:-]+$")
_FRONT_MATTER = re.compile(r"\A---\s*\n(.*?)\n---\s*\n", re.S)
_FIELD = re.compile(r"^(title|date)\s*:\s*[\"']?(.*?)[\"']?\s*$", re.M)
_ISO_DATE = re.compile(r"^\d{4}-\d\d-\d\d")
_SENTENCE_END = re.compile(r"[.!?。！？][\"'”’)）」』`*_]*$")
_COMMENT = re.compile(r"<!--.*?-->", re.S)


def read_markdown(text: str) -> Document:
    front = _FRONT_MATTER.match(text)
    fields = dict(_FIELD.findall(front.group(1))) if front else {}
    body = text[front.end() :] if front else text
    blocks = tuple(_markdown_blocks(_COMMENT.sub("\n\n", body).splitlines()))
    title = fields.get("title") or next((block.text for block in blocks if block.kind is Kind.HEADING), "")
    date = _ISO_DATE.match(fields.get("date", ""))
    return Document(title, blocks, date.group() if date else None, markup=True)


def read_text(text: str) -> Document:
    """Paragraphs are what empty lines divide. The first line is the title, if it is short and stands alone."""
    paragraphs = [collapse(part) for part in re.split(r"\n\s*\n", text)]
    blocks = tuple(Block(Kind.PROSE, part) for part in paragraphs if part)
    first = blocks[0].text if blocks else ""
    return Document(first if len(first) <= 100 else "", blocks)


def _markdown_blocks(lines: list[str]) -> Iterator[Block]:
    headings: list[tuple[int, str]] = []
    gathered: list[str] = []
    fence = ""
    code: list[str] = []

    def path() -> tuple[str, ...]:
        return tuple(text for _, text in headings)

    def paragraph() -> Iterator[Block]:
        text = collapse(" ".join(gathered))
        gathered.clear()
        if text:
            yield Block(Kind.PROSE, text, path())

    def heading(level: int, text: str) -> Iterator[Block]:
        while headings and headings[-1][0] >= level:
            headings.pop()
        if text:
            yield Block(Kind.HEADING, text, path())
            headings.append((level, text))

    for raw in lines:
        if fence:
            if raw.strip().startswith(fence) and not raw.strip().strip(fence[0]):
                if text := collapse("\n".join(code)):
                    yield Block(Kind.CODE, text, path())
                fence, code = "", []
            else:
                code.append(raw)
            continue
        line = _QUOTE.sub("", raw)
        if opened := _FENCE.match(line):
            yield from paragraph()
            fence = opened.group(1)
        elif found := _ATX.match(line):
            yield from paragraph()
            yield from heading(len(found.group(1)), collapse(found.group(2)))
        elif gathered and len(gathered) == 1 and (found := _SETEXT.match(line)):
            text = collapse(gathered.pop())
            yield from heading(1 if found.group(1)[0] == "=" else 2, text)
        elif not line.strip() or _RULE.match(line):
            yield from paragraph()
        elif _TABLE_ROW.match(line):
            yield from paragraph()
            if not _TABLE_RULE.match(line):
                for cell in re.split(r"(?<!\\)\|", line.strip().strip("|")):
                    if text := collapse(cell):
                        # Without the row's other cells a fragment says nothing; a sentence does.
                        yield Block(Kind.PROSE if _SENTENCE_END.search(text) else Kind.CODE, text, path())
        elif found := _ITEM.match(line):
            yield from paragraph()
            gathered.append(found.group(1))
        else:
            gathered.append(line)
    if code and (text := collapse("\n".join(code))):
        yield Block(Kind.CODE, text, path())
    yield from paragraph()
