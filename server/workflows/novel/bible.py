"""A novel's bible: what its ledger's entries add up to, who wrote each entity, and who may write over it.

An entry holds what it sets and drops, by key. Its number is the revision of the bible that it makes. Nobody writes over
what a person wrote without having seen it: `Bible.kept` says what must stay. An entry may say that the novel is
removed: what follows is another one, whose revisions count on.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from server.models import Json
from server.workflows.novel.entities import (
    Book,
    ChapterPlan,
    ChapterSummary,
    ChapterText,
    Character,
    Entity,
    Foreshadowing,
    Slot,
    TimelineEvent,
    Volume,
    WorldEntry,
)

PERSON, EMBEDDED, MODEL = "person", "embedded", "llm"
"""Who writes entries."""
KINDS: dict[str, type[Entity]] = {
    "book": Book,
    "volume": Volume,
    "chapter": ChapterPlan,
    "character": Character,
    "world": WorldEntry,
    "event": TimelineEvent,
    "foreshadowing": Foreshadowing,
    "slot": Slot,
    "text": ChapterText,
    "summary": ChapterSummary,
}
LISTS = {
    "volumes": "volume",
    "chapters": "chapter",
    "characters": "character",
    "world": "world",
    "timeline": "event",
    "foreshadowing": "foreshadowing",
    "schedule": "slot",
    "texts": "text",
    "summaries": "summary",
}
"""The bible's lists as they are shown, and the kind of entity that each holds."""

E = TypeVar("E", bound=Entity)


def key_of(entity: Entity) -> str:
    """``book``, ``chapter:12``, ``character:lin``."""
    kind = next(kind for kind, type_ in KINDS.items() if type_ is type(entity))
    if kind == "book":
        return kind
    return f"{kind}:{entity.id if hasattr(entity, 'id') else getattr(entity, 'number', '')}"


def changes_of(entities: Iterable[Entity]) -> dict[str, Json]:
    """What an entry sets: entities as JSON, by key."""
    return {key_of(entity): entity.model_dump(mode="json") for entity in entities}


@dataclass(frozen=True, slots=True)
class Kept:
    """An entity as it stands: since which revision, and by whom, ``person`` or an engine's name."""

    value: Entity
    revision: int
    by: str


@dataclass(frozen=True, slots=True)
class Bible:
    """A bible as of one revision, which was made at ``changed_at`` (UTC); 0 is an empty one.

    ``removed_at`` is the revision by which the novel was removed that was there before; 0: none was.
    """

    revision: int = 0
    entities: Mapping[str, Kept] = field(default_factory=dict)
    changed_at: str = "2000-01-01T00:00:00+00:00"
    removed_at: int = 0

    def after(self, entries: Iterable[Json]) -> "Bible":
        """With further entries, in order."""
        entities, revision, changed_at = dict(self.entities), self.revision, self.changed_at
        removed_at = self.removed_at
        for entry in entries:
            revision += 1
            if not isinstance(entry, dict):
                continue  # of a novel that was removed
            changed_at = entry.get("at", changed_at)
            if entry.get("removed"):
                entities, removed_at = {}, revision
            for key, value in entry["set"].items():
                type_ = KINDS.get(key.partition(":")[0])
                if type_ is not None:  # a newer version may know others
                    entities[key] = Kept(type_.model_validate(value), revision, entry["by"])
            for key in entry["drop"]:
                entities.pop(key, None)
        return Bible(revision, entities, changed_at, removed_at)

    @property
    def is_there(self) -> bool:
        """Whether anybody has written in it since it was made, or removed."""
        return self.revision > self.removed_at

    def without_texts(self) -> "Bible":
        return replace(self, entities={key: kept for key, kept in self.entities.items() if key[:5] != "text:"})

    @property
    def book(self) -> Book | None:
        kept = self.entities.get("book")
        return kept.value if kept is not None and isinstance(kept.value, Book) else None

    def of(self, type_: type[E]) -> list[E]:
        """All entities of a type: numbered ones by number, others as they came."""
        found = [kept.value for kept in self.entities.values() if isinstance(kept.value, type_)]
        return sorted(found, key=lambda entity: getattr(entity, "number", 0))

    def numbered(self, type_: type[E]) -> dict[int, E]:
        """By their numbers."""
        return {getattr(entity, "number", 0): entity for entity in self.of(type_)}

    def missing(self, wanted: Iterable[int]) -> list[int]:
        """Which of these chapters have no text: the set difference, whatever the highest number is."""
        written = self.numbered(ChapterText).keys()
        return [number for number in wanted if number not in written]

    def kept(self, keys: Iterable[str], *, by: str, overwrite: bool, base_revision: int | None) -> list[str]:
        """Of what an engine would write, the keys that it must leave as they are.

        What is there stays unless it may overwrite, and what a person wrote unless whoever allowed that had seen it. A
        model fills in what code has laid out.
        """
        return [key for key in keys if not self._may_write(key, by, overwrite, base_revision)]

    def _may_write(self, key: str, by: str, overwrite: bool, base_revision: int | None) -> bool:
        found = self.entities.get(key)
        if found is None or (found.by, by) == (EMBEDDED, MODEL):
            return True
        return overwrite and (found.by != PERSON or not self._unseen(found, base_revision))

    def conflicts(self, changes: Mapping[str, Json], drop: Iterable[str], base_revision: int | None) -> list[str]:
        """Of what a person would write, the keys that have changed since that person looked.

        What is there already as it is wanted is no conflict.
        """
        found = [key for key in changes if self._differs(key, changes[key]) and self._is_unseen(key, base_revision)]
        return found + [key for key in drop if self._is_unseen(key, base_revision)]

    def edited_since(self, keys: Iterable[str], base_revision: int) -> list[str]:
        """Which of these a person has changed since this revision."""
        entities = ((key, self.entities.get(key)) for key in keys)
        return [key for key, kept in entities if kept and kept.by == PERSON and kept.revision > base_revision]

    def _differs(self, key: str, value: Json) -> bool:
        kept = self.entities.get(key)
        return kept is not None and kept.value.model_dump(mode="json") != value

    def _is_unseen(self, key: str, base_revision: int | None) -> bool:
        kept = self.entities.get(key)
        return kept is not None and self._unseen(kept, base_revision)

    def _unseen(self, kept: Kept, base_revision: int | None) -> bool:
        return base_revision is None or kept.revision > base_revision

    def to_json(self) -> dict[str, Any]:
        """As it is shown: lists by kind, and of each entity its revision and who wrote it."""
        shown: dict[str, Any] = {"revision": self.revision, "book": self.book.model_dump() if self.book else None}
        for name, kind in LISTS.items():
            shown[name] = [entity.model_dump(mode="json") for entity in self.of(KINDS[kind])]
        shown["written"] = {key: {"revision": one.revision, "by": one.by} for key, one in self.entities.items()}
        return shown


def chapters_in(text: str) -> Iterator[int]:
    """``1-3,7`` → 1, 2, 3, 7; each once, in order. The text is of that form."""
    numbers: set[int] = set()
    for part in text.replace("，", ",").split(","):
        first, _, last = part.partition("-")
        numbers.update(range(int(first), int(last or first) + 1))
    yield from sorted(numbers)
