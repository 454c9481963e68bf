"""A bible whose references are ids: people name a person in a plan or an event by id, and just as well by name."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from server.workflows.novel.bible import Bible
from server.workflows.novel.entities import ChapterPlan, Character, Entity, TimelineEvent, WorldEntry


def resolved(bible: Bible) -> Bible:
    """For whoever reads it; what was written stays as it is. What nothing, or several, go by is left as it stands."""
    people = _ids((one.id, (one.name, *one.aliases)) for one in bible.of(Character))
    places = _ids((one.id, (one.name, *one.aliases)) for one in bible.of(WorldEntry))
    events = _ids((one.id, (one.title,)) for one in bible.of(TimelineEvent))
    entities = {
        key: replace(kept, value=_with_ids(kept.value, people, places, events)) for key, kept in bible.entities.items()
    }
    return replace(bible, entities=entities)


def _ids(named: Iterable[tuple[str, tuple[str, ...]]]) -> dict[str, str]:
    """By what each goes by: ids come first, and a name that several have is nobody's."""
    entries = list(named)
    owners: dict[str, set[str]] = {}
    for own, names in entries:
        for name in names:
            owners.setdefault(name.casefold(), set()).add(own)
    found = {name: next(iter(ids)) for name, ids in owners.items() if len(ids) == 1}
    return found | {own.casefold(): own for own, _ in entries}


def _with_ids(
    entity: Entity, people: Mapping[str, str], places: Mapping[str, str], events: Mapping[str, str]
) -> Entity:
    def of(names: Iterable[str], ids: Mapping[str, str]) -> tuple[str, ...]:
        return tuple(ids.get(name.casefold(), name) for name in names)

    def one(name: str | None, ids: Mapping[str, str]) -> str | None:
        return None if name is None else ids.get(name.casefold(), name)

    if isinstance(entity, ChapterPlan):
        found = {"cast": of(entity.cast, people), "pov": one(entity.pov, people), "place": one(entity.place, places)}
    elif isinstance(entity, TimelineEvent):
        found = {
            "participants": of(entity.participants, people),
            "deaths": of(entity.deaths, people),
            "requires": of(entity.requires, events),
            "place": one(entity.place, places),
        }
    elif isinstance(entity, WorldEntry):
        found = {"inside": one(entity.inside, places)}
    else:
        return entity
    return entity.model_copy(update=found)
