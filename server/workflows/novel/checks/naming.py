"""Names: what refers to nothing, who shares a name, who is mentioned where, and what looks like a name misspelt."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping

from server.workflows.novel.bible import Bible
from server.workflows.novel.entities import (
    ChapterPlan,
    ChapterSummary,
    ChapterText,
    Character,
    Foreshadowing,
    TimelineEvent,
    WorldEntry,
)
from server.workflows.novel.findings import Finding, contradiction, note, warning

LEAST_LATIN = 5
"""Shorter Latin names are too like ordinary words, …"""
LEAST_WIDE = 3
"""… and so are Chinese ones of two characters: any word that begins with the surname would do."""
MOST_VARIANTS = 200
_LATIN_WORD = re.compile(r"[A-Z][^\W\d_]+(?:['’][^\W\d_]+)?")
_WIDE = re.compile("[\u3400-\u9fff]")
_FUNCTION = frozenset(
    "的了是在有和与说道问答笑看走来去也都就还又不没会能要把被让给对从向往着过得地这那他她它我你们上下里外中前后"
)
"""Characters that follow a name cut short, and make no name of it."""

Matrix = dict[str, dict[int, int]]
"""How often a character, by id, is mentioned in each chapter."""


def event_name(event: TimelineEvent) -> str:
    return event.title or event.id


def check_references(bible: Bible) -> Iterator[Finding]:
    """Ids that name nothing, names that two entities share, chapters that there are not, places in one another."""
    people, places = {one.id for one in bible.of(Character)}, {one.id for one in bible.of(WorldEntry)}
    events = {one.id for one in bible.of(TimelineEvent)}
    for key, name, wanted, known in _references(bible, people, places, events):
        if wanted not in known:
            yield contradiction("unknown_reference", key, wanted, name=name, target=wanted)
    yield from _shared_names(bible)
    yield from _outside(bible)


def _references(
    bible: Bible, people: set[str], places: set[str], events: set[str]
) -> Iterator[tuple[str, str, str, set[str]]]:
    for event in bible.of(TimelineEvent):
        key, name = f"event:{event.id}", event_name(event)
        yield from ((key, name, one, people) for one in dict.fromkeys((*event.participants, *event.deaths)))
        yield from ((key, name, one, events) for one in event.requires)
        if event.place is not None:
            yield key, name, event.place, places
    for plan in bible.of(ChapterPlan):
        key, name = f"chapter:{plan.number}", f"#{plan.number}"
        cast = (*plan.cast, plan.pov) if plan.pov is not None else plan.cast
        yield from ((key, name, one, people) for one in dict.fromkeys(cast))
        if plan.place is not None:
            yield key, name, plan.place, places
    for place in bible.of(WorldEntry):
        if place.inside is not None:
            yield f"world:{place.id}", place.name, place.inside, places


def _shared_names(bible: Bible) -> Iterator[Finding]:
    owners: dict[str, list[Character]] = defaultdict(list)
    for person in bible.of(Character):
        for name in dict.fromkeys((person.name, *person.aliases)):
            owners[name.casefold()].append(person)
    for shared, people in owners.items():
        for other in people[1:]:
            about = f"character:{people[0].id}", f"character:{other.id}"
            yield contradiction("duplicate_name", *about, name=people[0].name, other=other.name, shared=shared)


def _outside(bible: Bible) -> Iterator[Finding]:
    if bible.book is None:
        return
    chapters = bible.book.chapters
    named: list[tuple[str, str, int]] = [
        (f"chapter:{one.number}", f"#{one.number}", one.number) for one in bible.of(ChapterPlan)
    ]
    named += [(f"event:{one.id}", event_name(one), one.chapter) for one in bible.of(TimelineEvent) if one.chapter]
    for hint in bible.of(Foreshadowing):
        own = (hint.planted, *hint.reinforced, hint.target_from, hint.target_to, hint.paid)
        named += [(f"foreshadowing:{hint.id}", hint.title or hint.id, one) for one in own if one is not None]
    named += [(f"text:{one.number}", f"#{one.number}", one.number) for one in bible.of(ChapterText)]
    for key, name, chapter in named:
        if chapter > chapters:
            yield contradiction("outside_chapters", key, name=name, chapter=chapter, chapters=chapters)


def mentions(people: Iterable[Character], texts: Mapping[int, str]) -> Matrix:
    """Who is named where, longest names first, so that an alias inside a longer name is not counted with it."""
    owner: dict[str, str] = {}
    for person in people:
        for name in (person.name, *person.aliases):
            owner.setdefault(name, person.id)
    if not owner:
        return {}
    pattern = re.compile("|".join(_bounded(name) for name in sorted(owner, key=len, reverse=True)))
    matrix: Matrix = {person: {} for person in owner.values()}
    for chapter, text in texts.items():
        for name, times in Counter(found[0] for found in pattern.finditer(text)).items():
            row = matrix[owner[name]]
            row[chapter] = row.get(chapter, 0) + times
    return matrix


def _bounded(name: str) -> str:
    """Latin names end at the ends of words; Chinese text has no such ends."""
    escaped = re.escape(name)
    before = r"(?<![A-Za-z])" if name[0].isascii() else ""
    return before + escaped + (r"(?![A-Za-z])" if name[-1].isascii() else "")


def check_mentions(bible: Bible, matrix: Matrix) -> Iterator[Finding]:
    """Plans against texts: who was to be there and is not named, who is named often and was not to be there."""
    names = {person.id: person.name for person in bible.of(Character)}
    written = bible.numbered(ChapterText)
    narrators = {plan.number: plan.pov for plan in bible.of(ChapterPlan)}
    for number, plan in bible.numbered(ChapterPlan).items():
        if number not in written or not plan.cast:
            continue
        for person in plan.cast:
            if person in names and number not in matrix.get(person, {}) and narrators[number] != person:
                about = f"text:{number}", f"character:{person}"
                yield note("never_mentioned", *about, name=names[person], chapter=number)
        for person, row in matrix.items():
            if row.get(number, 0) >= 3 and person not in plan.cast and plan.pov != person:
                about = f"text:{number}", f"character:{person}"
                yield note("unplanned_cast", *about, name=names[person], chapter=number)


def check_variants(bible: Bible) -> Iterator[Finding]:
    """Words of the texts that are nearly a name, and no name of anybody: told once for each chapter."""
    named = [(one.name, *one.aliases) for one in bible.of(Character)]
    known = {name for names in (*named, *((one.name, *one.aliases) for one in bible.of(WorldEntry))) for name in names}
    people = {name: person.id for person in bible.of(Character) for name in (person.name, *person.aliases)}
    latin = {word for name in known for word in _LATIN_WORD.findall(name)}
    told = 0
    for number, text in bible.numbered(ChapterText).items():
        found = {**_latin_variants(text.text, people, latin), **_wide_variants(text.text, people, known)}
        for variant, name in found.items():
            told += 1
            if told > MOST_VARIANTS:
                return
            about = f"text:{number}", f"character:{people[name]}"
            yield warning("name_variant", *about, variant=variant, name=name, chapter=number)


def _latin_variants(text: str, people: Mapping[str, str], known: set[str]) -> dict[str, str]:
    words = {(word, name) for name in people for word in _LATIN_WORD.findall(name) if len(word) >= LEAST_LATIN}
    lower = set(re.findall(r"\b[a-z]+\b", text))
    found: dict[str, str] = {}
    for written in dict.fromkeys(_LATIN_WORD.findall(text)):
        written = re.sub("['’]s$", "", written)
        if written in known or len(written) < LEAST_LATIN - 1 or written.lower() in lower:
            continue
        for word, name in words:
            if written[0] == word[0] and written not in (word + "s", word + "es") and _one_off(written, word):
                found[written] = name
    return found


def _wide_variants(text: str, people: Mapping[str, str], known: set[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name in people:
        if len(name) < LEAST_WIDE or not all(_WIDE.match(letter) for letter in name):
            continue
        for place in range(1, len(name)):
            pattern = f"{re.escape(name[:place])}([\u3400-\u9fff]){re.escape(name[place + 1 :])}"
            for match in re.finditer(pattern, text):
                variant, other = match[0], match[1]
                last = place == len(name) - 1
                partial = last and (other in _FUNCTION or name[:place] in known)
                if variant not in known and not partial and not _part_of_known(text, match.start(), known, name):
                    found[variant] = name
    return found


def _part_of_known(text: str, start: int, known: set[str], name: str) -> bool:
    """Whether another name stands there, which has this one's beginning."""
    return any(
        text.startswith(other, start) for other in known if other != name and other[0] == name[0] and len(other) > 1
    )


def _one_off(one: str, other: str) -> bool:
    """Whether one letter is other, missing, too many, or two neighbours are exchanged."""
    if one == other or abs(len(one) - len(other)) > 1:
        return False
    start = 0
    while start < min(len(one), len(other)) and one[start] == other[start]:
        start += 1
    a, b = one[start:], other[start:]
    return a[1:] == b[1:] or a[1:] == b or a == b[1:] or (a[:2] == b[1::-1] and len(b) > 1 and a[2:] == b[2:])


def states_of(summaries: Mapping[int, ChapterSummary]) -> dict[str, str]:
    """How everybody is, by the last summary that says so."""
    states: dict[str, str] = {}
    for number in sorted(summaries):
        states |= summaries[number].states
    return states
