"""What code can plan by itself: chapters and volumes by the structure, and the schedule of foreshadowings."""

from collections.abc import Iterable, Sequence

from server.workflows.novel.bible import PERSON, Bible, key_of
from server.workflows.novel.entities import Book, ChapterPlan, Entity, Foreshadowing, Slot
from server.workflows.novel.params import NovelParams
from server.workflows.novel.planning import chapters_of, volumes_of
from server.workflows.novel.schedule import schedule

LEFT_TO_A_MODEL = {
    "outline": ("titles", "summaries"),
    "volumes": ("titles", "summaries"),
    "characters": ("characters",),
    "world": ("world",),
    "timeline": ("timeline",),
    "foreshadowing": ("foreshadowing",),
    "chapter": ("text",),
    "review": ("reading",),
}
"""What of a task of each type only a model could do."""


def draft(params: NovelParams, bible: Bible, book: Book, by: str) -> list[Entity]:
    """What code lays out for a task of this type; the words of a volume are those that its chapters will have.

    :param by: the engine that will write it, or what it makes of it, in the bible.
    """
    if params.task_type not in ("outline", "volumes"):
        return []
    wanted = set(params.chapters or range(1, book.chapters + 1))
    there = bible.numbered(ChapterPlan)
    planned = [one for one in chapters_of(book) if one.number in wanted] if params.task_type == "outline" else []
    new = {one.number: one for one in planned if _may_write(params, bible, one.number, by)}
    stands = {one.number: one for one in chapters_of(book)} | there | new
    volumes = volumes_of(book, [one for number, one in stands.items() if number <= book.chapters])
    return [*new.values(), *volumes]


def _may_write(params: NovelParams, bible: Bible, number: int, by: str) -> bool:
    key = f"chapter:{number}"
    return not bible.kept([key], by=by, overwrite=params.overwrite, base_revision=params.base_revision)


def surplus(params: NovelParams, bible: Bible, book: Book, wanted: Iterable[Entity]) -> list[str]:
    """The keys of what engines had planned and that has no place any more, where all is made anew."""
    if not params.overwrite:
        return []
    kinds = {"outline": ("chapter", "volume"), "volumes": ("volume",), "foreshadowing": ("slot",)}
    stays = {key_of(one) for one in wanted} | {f"chapter:{number}" for number in range(1, book.chapters + 1)}
    return [
        key
        for key, kept in bible.entities.items()
        if key.partition(":")[0] in kinds.get(params.task_type, ()) and key not in stays and kept.by != PERSON
    ]


def slots_of(params: NovelParams, bible: Bible, book: Book, new: Iterable[Entity]) -> Sequence[Slot]:
    """The schedule with what is new in it. What is scheduled already stays, unless all is to be made anew."""
    hints = {one.id: one for one in bible.of(Foreshadowing)}
    for one in new:
        if isinstance(one, Foreshadowing):
            hints.setdefault(one.id, one)
    fixed = [] if params.overwrite else [slot for slot in bible.of(Slot) if slot.id in hints]
    return schedule(list(hints.values()), book.chapters, fixed)
