"""The bible as Markdown, sheet by sheet: what a task's report shows of it."""

from typing import Any

from server.reports.markdown import literal
from server.workflows.novel.bible import Bible
from server.workflows.novel.checks.hints import touched
from server.workflows.novel.checks.naming import Matrix
from server.workflows.novel.entities import (
    Book,
    ChapterPlan,
    ChapterSummary,
    ChapterText,
    Character,
    Foreshadowing,
    Slot,
    TimelineEvent,
    Volume,
    WorldEntry,
)
from server.workflows.novel.schedule import standing
from server.workflows.novel.words import cell, heading, say, spans, table


def sheet(task_type: str, bible: Bible, book: Book, matrix: Matrix) -> str:
    """The sheet that a task of this type is about; an empty text where there is none."""
    match task_type:
        case "outline":
            return _volumes(bible, book) + _chapters(bible, book)
        case "volumes":
            return _volumes(bible, book)
        case "characters":
            return _characters(bible, book, matrix)
        case "world":
            return _world(bible, book)
        case "timeline":
            return _timeline(bible, book)
        case "foreshadowing":
            return _foreshadowing(bible, book)
    return ""


def _titled(book: Book, task_type: str, rows: str) -> str:
    return f"## {say(book.language, task_type)}\n\n{rows or say(book.language, 'nothing_yet')}\n\n"


def _headings(book: Book, *names: str) -> list[str]:
    return [say(book.language, f"col_{name}") for name in names]


def _volumes(bible: Bible, book: Book) -> str:
    rows = [
        [
            cell(heading(book.language, one.number, one.title, "volume")),
            f"{one.first}-{one.last}",
            str(one.words),
            cell(one.summary),
        ]
        for one in bible.of(Volume)
    ]
    names = _headings(book, "volume", "chapter", "words", "summary")
    return _titled(book, "volumes", table(names, rows) if rows else "")


def _chapters(bible: Bible, book: Book) -> str:
    rows = [
        [str(one.number), cell(one.title), cell("; ".join(one.beats)), str(one.words), cell(one.summary)]
        for one in bible.of(ChapterPlan)
    ]
    names = _headings(book, "chapter", "title", "beats", "words", "summary")
    return _titled(book, "outline", table(names, rows) if rows else "")


def _characters(bible: Bible, book: Book, matrix: Matrix) -> str:
    planned: dict[str, list[int]] = {}
    for plan in bible.of(ChapterPlan):
        for person in plan.cast:
            planned.setdefault(person, []).append(plan.number)
    rows = [
        [cell(one.name), cell(one.role), spans(planned.get(one.id, [])), _times(matrix.get(one.id, {}))]
        for one in bible.of(Character)
    ]
    names = _headings(book, "name", "role", "planned", "mentioned")
    return _titled(book, "characters", table(names, rows) if rows else "")


def _times(row: dict[int, int]) -> str:
    return ", ".join(f"{number} ({times})" for number, times in sorted(row.items())[:40])


def _world(bible: Bible, book: Book) -> str:
    texts = bible.of(ChapterText)
    rows = [
        [
            cell(one.name),
            cell(one.kind),
            spans([text.number for text in texts if any(name in text.text for name in (one.name, *one.aliases))]),
            cell(one.description),
        ]
        for one in bible.of(WorldEntry)
    ]
    names = _headings(book, "name", "role", "mentioned", "summary")
    return _titled(book, "world", table(names, rows) if rows else "")


def _timeline(bible: Bible, book: Book) -> str:
    people = {one.id: one.name for one in bible.of(Character)}
    places = {one.id: one.name for one in bible.of(WorldEntry)}
    events = sorted(bible.of(TimelineEvent), key=lambda one: (one.day is None, one.day or 0, one.order or 0))
    rows = [
        [
            "" if one.day is None else str(one.day),
            cell(one.title or one.id),
            cell(places.get(one.place or "", one.place or "")),
            cell(", ".join(people.get(person, person) for person in one.participants)),
            str(one.chapter or ""),
        ]
        for one in events
    ]
    names = _headings(book, "day", "title", "place", "who", "chapter")
    return _titled(book, "timeline", table(names, rows) if rows else "")


def _foreshadowing(bible: Bible, book: Book) -> str:
    slots = {slot.id: slot for slot in bible.of(Slot)}
    written = max(bible.numbered(ChapterText), default=0)
    done = touched(bible.numbered(ChapterSummary))
    rows = []
    for one in bible.of(Foreshadowing):
        slot = slots.get(one.id)
        state = standing(one, slot, written, paid="paid" in done.get(one.id, {}))
        chapters = ["", "", ""]
        if slot is not None:
            chapters = [str(slot.plant), spans(list(slot.reinforce)), str(slot.pay_off)]
        rows.append([cell(one.title or one.id), *chapters, say(book.language, f"state_{state}")])
    names = _headings(book, "title", "plant", "reinforce", "pay", "state")
    return _titled(book, "foreshadowing", table(names, rows) if rows else "")


def chapter_markdown(book: Book, text: ChapterText, plan: ChapterPlan | None) -> str:
    """A chapter's text under its heading, as Markdown that shows the text and nothing else."""
    title = text.title or (plan.title if plan is not None else "")
    return f"## {literal(heading(book.language, text.number, title))}\n\n{prose(text.text)}\n\n"


def prose(text: str) -> str:
    """Paragraphs: each line of the text is one."""
    return "\n\n".join(literal(line.strip()) for line in text.split("\n") if line.strip())


def book_json(bible: Bible, book: Book, numbers: list[int] | None = None) -> dict[str, Any]:
    """What downloads are made of: the book, and its chapters that are written, under their volumes."""
    plans = bible.numbered(ChapterPlan)
    volumes = bible.of(Volume)
    chapters = []
    for text in bible.of(ChapterText):
        if numbers is not None and text.number not in numbers:
            continue
        plan = plans.get(text.number)
        title = text.title or (plan.title if plan is not None else "")
        volume = next((one for one in volumes if one.first <= text.number <= one.last), None)
        told = heading(book.language, volume.number, volume.title, "volume") if volume and len(volumes) > 1 else ""
        chapters.append(
            {
                "number": text.number,
                "title": heading(book.language, text.number, title),
                "text": text.text,
                "volume": told,
            }
        )
    return {
        "title": book.title,
        "genre": book.genre,
        "synopsis": book.synopsis,
        "language": book.language,
        "changed_at": bible.changed_at,
        "chapters": chapters,
    }
