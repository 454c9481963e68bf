"""A book as files: EPUB for readers, plain text for everything else."""

import hashlib
import uuid
from datetime import datetime
from typing import Any

from server.errors import ReportFormatUnavailable
from server.reports.epub import EpubChapter, epub

NO_BOOK = "Only a task that exports or writes chapters has a book: ask for it with `task_type: export`."


def epub_of(result: dict[str, Any]) -> bytes:
    """:raises ReportFormatUnavailable: this task has no book."""
    book = _book(result)
    name = hashlib.sha256(f"holdfast novel {result['novel']}".encode()).digest()[:16]
    chapters = [EpubChapter(one["title"], tuple(_paragraphs(one["text"])), one["volume"]) for one in book["chapters"]]
    return epub(
        title=book["title"],
        language=book["language"],
        identifier=uuid.UUID(bytes=name, version=5).urn,
        synopsis=tuple(_paragraphs(book["synopsis"])),
        subject=book["genre"],
        chapters=chapters,
        modified=datetime.fromisoformat(book["changed_at"]),
    )


def txt_of(result: dict[str, Any]) -> bytes:
    """UTF-8, an empty line between paragraphs. :raises ReportFormatUnavailable: this task has no book."""
    book = _book(result)
    parts, volume = [book["title"]], ""
    for one in book["chapters"]:
        if one["volume"] and one["volume"] != volume:
            volume = one["volume"]
            parts.append(f"\n{volume}")
        parts.append(f"\n{one['title']}\n")
        parts.append("\n\n".join(_paragraphs(one["text"])))
    return ("\n".join(parts) + "\n").encode()


def _book(result: dict[str, Any]) -> dict[str, Any]:
    """With the texts of its chapters, which an export has in its bible."""
    book: dict[str, Any] | None = result.get("book")
    if book is None:
        raise ReportFormatUnavailable(NO_BOOK)
    texts = {one["number"]: one["text"] for one in (result.get("bible") or {}).get("texts", ())}
    chapters = [one if "text" in one else {**one, "text": texts[one["number"]]} for one in book["chapters"]]
    return {**book, "chapters": chapters}


def _paragraphs(text: str) -> list[str]:
    return [line.strip() for line in text.split("\n") if line.strip()]
