"""Contradictions in a story's time: what needs what, who is where, and who is alive."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations, pairwise

from server.workflows.novel.bible import Bible
from server.workflows.novel.checks.naming import event_name
from server.workflows.novel.entities import ChapterPlan, Character, TimelineEvent, WorldEntry
from server.workflows.novel.findings import Finding, contradiction, warning


def check_timeline(bible: Bible) -> Iterator[Finding]:
    """All that can't be so, by the events, chapter plans and characters that there are."""
    events = {event.id: event for event in bible.of(TimelineEvent)}
    people = {person.id: person for person in bible.of(Character)}
    places = {place.id: place for place in bible.of(WorldEntry)}
    chapters = bible.numbered(ChapterPlan)
    yield from _spans(events)
    yield from _cycles(events)
    yield from _prerequisites(events)
    yield from _order(events)
    yield from _two_places(events, people, places)
    yield from _lives(events, people, chapters)
    yield from _chapters(events, chapters)


def _spans(events: Mapping[str, TimelineEvent]) -> Iterator[Finding]:
    for event in events.values():
        if event.day is not None and event.until is not None and event.until < event.day:
            key = f"event:{event.id}"
            yield contradiction("span_backwards", key, event=event_name(event), day=event.day, until=event.until)


def _cycles(events: Mapping[str, TimelineEvent]) -> Iterator[Finding]:
    for path in circles({name: event.requires for name, event in events.items()}):
        told = " → ".join(event_name(events[name]) for name in [*path, path[0]])
        yield contradiction("cycle", *(f"event:{name}" for name in path), path=told)


def circles(leads_to: Mapping[str, Sequence[str]]) -> list[list[str]]:
    """Each group that leads round to itself, as one way round; every name is in one of them at most."""
    found: list[list[str]] = []
    done: set[str] = set()
    for start in leads_to:
        path: list[str] = []
        on_path: dict[str, int] = {}
        waiting = [(start, iter(leads_to[start]))] if start not in done else []
        if waiting:
            path, on_path = [start], {start: 0}
        while waiting:
            name, following = waiting[-1]
            step = next((one for one in following if one in leads_to), None)
            if step is None:
                waiting.pop()
                done.add(name)
                on_path.pop(path.pop())
            elif step in on_path:
                circle = path[on_path[step] :]
                if not any(set(circle) & set(other) for other in found):
                    found.append(circle)
            elif step not in done:
                on_path[step] = len(path)
                path.append(step)
                waiting.append((step, iter(leads_to[step])))
    return found


def _prerequisites(events: Mapping[str, TimelineEvent]) -> Iterator[Finding]:
    for event in events.values():
        for needed in (events[name] for name in event.requires if name in events and name != event.id):
            when = _later(needed, event)
            if when is not None:
                about = f"event:{event.id}", f"event:{needed.id}"
                names = {"event": event_name(event), "needed": event_name(needed)}
                yield contradiction("prerequisite_later", *about, **names, when=when[0], then=when[1])


def _later(one: TimelineEvent, other: TimelineEvent) -> tuple[int, int] | None:
    """Day or order of both, where the first is later by it."""
    if one.day is not None and other.day is not None and one.day != other.day:
        return (one.day, other.day) if one.day > other.day else None
    if one.order is not None and other.order is not None and one.order > other.order:
        return one.order, other.order
    return None


def _order(events: Mapping[str, TimelineEvent]) -> Iterator[Finding]:
    """Of neighbours in the order, so that one event in the wrong place is told once and not with all after it."""
    placed = sorted((event for event in events.values() if event.order is not None), key=lambda one: one.order or 0)
    dated = [(event, event.order, event.day) for event in placed if event.order is not None and event.day is not None]
    for (event, order, day), (other, other_order, other_day) in pairwise(dated):
        if order < other_order and day > other_day:
            yield contradiction(
                "order_against_day",
                f"event:{event.id}",
                f"event:{other.id}",
                event=event_name(event),
                other=event_name(other),
                order=order,
                other_order=other_order,
                day=day,
                other_day=other_day,
            )


def _two_places(
    events: Mapping[str, TimelineEvent], people: Mapping[str, Character], places: Mapping[str, WorldEntry]
) -> Iterator[Finding]:
    """At the same part of a day it is a contradiction; where only the day is known, people may have travelled."""
    inside = {name: around(name, places) for name in places}
    by_person: dict[str, list[TimelineEvent]] = defaultdict(list)
    for event in events.values():
        if event.day is not None and event.place is not None:
            for person in dict.fromkeys(event.participants):
                by_person[person].append(event)
    for person, theirs in by_person.items():
        for one, other in combinations(sorted(theirs, key=lambda event: (event.day or 0, event.id)), 2):
            day = _common_day(one, other)
            if day is None or _together(one.place or "", other.place or "", inside) or one.part != other.part:
                continue
            tell = contradiction if one.part is not None else warning
            yield tell(
                "two_places",
                f"event:{one.id}",
                f"event:{other.id}",
                f"character:{person}",
                person=people[person].name if person in people else person,
                place=_place_name(one, places),
                other_place=_place_name(other, places),
                event=event_name(one),
                other=event_name(other),
                day=day,
            )


def around(name: str | None, places: Mapping[str, WorldEntry]) -> set[str]:
    """A place and all those that it lies in."""
    found: set[str] = set()
    at = name
    while at is not None and at not in found:
        found.add(at)
        at = places[at].inside if at in places else None
    return found


def _together(place: str, other: str, inside: Mapping[str, set[str]]) -> bool:
    return other in inside.get(place, {place}) or place in inside.get(other, {other})


def _place_name(event: TimelineEvent, places: Mapping[str, WorldEntry]) -> str:
    return places[event.place].name if event.place in places and event.place is not None else event.place or ""


def _common_day(one: TimelineEvent, other: TimelineEvent) -> int | None:
    """The first day on which both go on; an event that spans days is at its place on each of them."""
    if one.day is None or other.day is None:
        return None
    first = max(one.day, other.day)
    last = min(max(event.day or 0, event.day or 0 if event.until is None else event.until) for event in (one, other))
    return first if first <= last else None


def _lives(
    events: Mapping[str, TimelineEvent], people: Mapping[str, Character], chapters: Mapping[int, ChapterPlan]
) -> Iterator[Finding]:
    deaths: dict[str, list[TimelineEvent]] = defaultdict(list)
    for event in events.values():
        for name in dict.fromkeys(event.deaths):
            deaths[name].append(event)
    for name, fatal in deaths.items():
        for other in fatal[1:]:
            about = f"character:{name}", f"event:{fatal[0].id}", f"event:{other.id}"
            names = {"event": event_name(fatal[0]), "other": event_name(other)}
            yield contradiction("dies_twice", *about, person=_name(name, people), **names)
    for person in people.values():
        key = f"character:{person.id}"
        own = deaths.get(person.id, [])
        on_day = next((event.day for event in own if event.day is not None), None)
        if person.born is not None and person.died is not None and person.died < person.born:
            yield contradiction("died_before_birth", key, person=person.name, born=person.born, died=person.died)
        if person.died is not None and on_day is not None and person.died != on_day:
            values = {"event": event_name(own[0]), "day": on_day}
            yield contradiction(
                "death_days_differ", key, f"event:{own[0].id}", person=person.name, died=person.died, **values
            )
        died = person.died if person.died is not None else on_day
        yield from _days_of(person, died, events, chapters)
        yield from _after_death(person, own, events)


def _days_of(
    person: Character, died: int | None, events: Mapping[str, TimelineEvent], chapters: Mapping[int, ChapterPlan]
) -> Iterator[Finding]:
    acts = [
        (f"event:{event.id}", event_name(event), event.day, event.day if event.until is None else event.until)
        for event in events.values()
        if person.id in event.participants and event.day is not None and not event.flashback
    ]
    acts += [
        (f"chapter:{plan.number}", f"#{plan.number}", plan.day, plan.day)
        for plan in chapters.values()
        if person.id in plan.cast and plan.day is not None and not plan.flashback
    ]
    for key, where, first, last in acts:
        about = key, f"character:{person.id}"
        if died is not None and last > died:
            yield contradiction("dead_acting", *about, person=person.name, where=where, day=last, died=died)
        if person.born is not None and first < person.born:
            yield contradiction("before_birth", *about, person=person.name, where=where, day=first, born=person.born)


def _after_death(
    person: Character, fatal: Sequence[TimelineEvent], events: Mapping[str, TimelineEvent]
) -> Iterator[Finding]:
    """By order alone, where days don't say it."""
    death = next((event for event in fatal if event.order is not None), None)
    if death is None or death.order is None:
        return
    for event in events.values():
        by_day = event.day is not None and death.day is not None
        acts = person.id in event.participants and not event.flashback and event.id != death.id
        if acts and not by_day and event.order is not None and event.order > death.order:
            about = f"event:{event.id}", f"character:{person.id}", f"event:{death.id}"
            yield contradiction(
                "dead_in_order", *about, person=person.name, where=event_name(event), death=event_name(death)
            )


def _name(person: str, people: Mapping[str, Character]) -> str:
    return people[person].name if person in people else person


def _chapters(events: Mapping[str, TimelineEvent], chapters: Mapping[int, ChapterPlan]) -> Iterator[Finding]:
    for event in events.values():
        plan = chapters.get(event.chapter or 0)
        if plan is None or plan.day is None or event.day is None or event.flashback or plan.flashback:
            continue
        if not event.day <= plan.day <= (event.day if event.until is None else event.until):
            about = f"event:{event.id}", f"chapter:{plan.number}"
            values = {"event": event_name(event), "chapter": plan.number, "chapter_day": plan.day, "day": event.day}
            yield warning("chapter_day_differs", *about, **values)
    last: ChapterPlan | None = None
    for plan in sorted(chapters.values(), key=lambda one: one.number):
        if plan.day is None or plan.flashback:
            continue
        if last is not None and last.day is not None and plan.day < last.day:
            about = f"chapter:{plan.number}", f"chapter:{last.number}"
            values = {"chapter": plan.number, "day": plan.day, "before": last.number, "day_before": last.day}
            yield contradiction("chapters_go_back", *about, **values)
        last = plan
