"""What is refused of a request by what the bible holds, before a task is made of it."""

from collections.abc import Callable, Iterable

from pydantic import ValidationError

from server.errors import FieldError, InvalidParameters, NovelNotFound, RevisionConflict
from server.sources.text import language_of
from server.workflows.base import Ledger
from server.workflows.novel.bible import Bible, changes_of
from server.workflows.novel.desk import conflict, refuse_conflicts
from server.workflows.novel.entities import Book
from server.workflows.novel.manuscript import split
from server.workflows.novel.params import BibleInput, NovelParams

CHAPTERS_PER_VOLUME = 50
NEEDS_BIBLE = ("review", "export")
WRITES = {
    "outline": ("chapter", "volume"),
    "volumes": ("volume",),
    "characters": ("character",),
    "world": ("world",),
    "timeline": ("event",),
    "foreshadowing": ("foreshadowing", "slot"),
    "chapter": ("text", "summary"),
}
"""The kinds of entities that a task of each type writes."""
BY_CHAPTER = ("chapter", "text", "summary")


async def admit(params: NovelParams, ledger: Callable[[str], Ledger]) -> None:
    """:raises HoldfastError: as `check_against` says."""
    check_against(params, Bible().after(await ledger(params.novel.name).entries()))


def check_against(params: NovelParams, bible: Bible) -> None:
    """
    :raises NovelNotFound: there is nothing to review or export.
    :raises InvalidParameters: a new novel has no title, or chapters are named that there are not.
    :raises RevisionConflict: it would write over what a person has changed since ``base_revision``, or over the book's
        frame without saying so.
    """
    if params.task_type in NEEDS_BIBLE and not bible.is_there:
        raise NovelNotFound
    if params.base_revision is not None and params.base_revision > bible.revision:
        told = f"The bible is at revision {bible.revision}."
        raise InvalidParameters(errors=[FieldError("base_revision", "not_yet", told)])
    book = book_of(params, bible)
    outside = [number for number in params.chapters or [] if number > book.chapters]
    if outside:
        told = f"The novel has {book.chapters} chapters; there is no chapter {outside[0]}."
        raise InvalidParameters(errors=[FieldError("range", "outside_chapters", told)])
    if params.task_type == "import":
        given = params.bible or BibleInput()
        texts = split(params.manuscript or "").texts
        refuse_conflicts(bible, changes_of([*given.entities, *texts]), given.drop, params.base_revision)
    elif bible.book is not None and book != bible.book and not params.overwrite:
        fields = [name for name in type(book).model_fields if getattr(book, name) != getattr(bible.book, name)]
        raise RevisionConflict(
            f"The bible has another {' and '.join(f'`{name}`' for name in fields)}: leave that out, or say `overwrite`."
        )
    if params.overwrite and params.base_revision is not None:
        edited = bible.edited_since(written_by(params, bible), params.base_revision)
        if edited:
            raise conflict(edited, bible.revision)


def written_by(params: NovelParams, bible: Bible) -> Iterable[str]:
    """The keys that are there and that a task of this type might write over."""
    wanted = params.chapters
    for key in bible.entities:
        kind, _, name = key.partition(":")
        outside = wanted is not None and kind in BY_CHAPTER and int(name) not in wanted
        if kind in WRITES.get(params.task_type, ()) and not outside:
            yield key


def book_of(params: NovelParams, bible: Bible) -> Book:
    """The frame as the bible has it, with what the request says; a new one by default where there is none.

    :raises InvalidParameters: a new novel has no title, or it does not fit together.
    """
    said = params.novel.given
    if params.bible is not None and params.bible.book is not None:
        return params.bible.book
    if bible.book is not None:
        said = {**bible.book.model_dump(), **said}
    elif "title" not in said:
        raise InvalidParameters(errors=[FieldError("novel.title", "missing", "A new novel needs a title.")])
    else:
        said.setdefault("language", language_of(f"{said['title']} {said.get('synopsis', '')}"))
        chapters = said.get("chapters", Book.model_fields["chapters"].default)
        said.setdefault("volumes", -(-chapters // CHAPTERS_PER_VOLUME))
    try:
        book = Book.model_validate(said)
    except ValidationError as error:
        raise InvalidParameters(str(error)) from None
    if book.volumes > book.chapters:
        told = f"There are {book.chapters} chapters; so many volumes can't be made of them."
        raise InvalidParameters(errors=[FieldError("novel.volumes", "too_many", told)])
    return book
