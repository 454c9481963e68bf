"""Journeys that are faster than the world allows, where it says how many days there are between two places."""

import re
from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise

from server.sources.sentences import sentences
from server.workflows.novel.bible import Bible
from server.workflows.novel.checks.naming import event_name
from server.workflows.novel.checks.reading import EN_NUMBER, ZH_NUMBER, read_number
from server.workflows.novel.checks.timeline import around
from server.workflows.novel.entities import Character, TimelineEvent, WorldEntry
from server.workflows.novel.findings import Finding, warning

_DAYS = re.compile(
    rf"({ZH_NUMBER})[天日](?!前|后|之|以)[^。]{{0,2}}(?:路程|车程|行程|$|才|，|。|能到)|(?:要|需|走|坐|行|骑)[^。，]{{0,4}}?({ZH_NUMBER})[天日]"
    rf"|\b({EN_NUMBER}) days?(?:'|’)?\b",
    re.IGNORECASE,
)  # fmt: skip


def check_travel(bible: Bible) -> Iterator[Finding]:
    """A journey of two days that begins on day 3 ends on day 5."""
    places = {place.id: place for place in bible.of(WorldEntry)}
    far = _distances(places)
    if not far:
        return
    people = {person.id: person for person in bible.of(Character)}
    inside = {name: around(name, places) for name in places}
    ways: dict[str, list[TimelineEvent]] = defaultdict(list)
    for event in bible.of(TimelineEvent):
        if event.day is not None and event.place is not None and not event.flashback:
            for person in dict.fromkeys(event.participants):
                ways[person].append(event)
    for person, theirs in ways.items():
        # By order where one day has several: whoever stands there first is there first.
        for one, other in pairwise(sorted(theirs, key=lambda event: (event.day or 0, event.order or 0))):
            ends = max(one.day or 0, one.until if one.until is not None else one.day or 0)
            needed = max(
                (
                    days
                    for (a, b), days in far.items()
                    if (a in inside.get(one.place or "", ()) and b in inside.get(other.place or "", ()))
                    or (b in inside.get(one.place or "", ()) and a in inside.get(other.place or "", ()))
                ),
                default=0,
            )
            if (other.day or 0) - ends < needed:
                about = f"event:{other.id}", f"event:{one.id}", f"character:{person}"
                values = {"day": ends, "other_day": other.day, "days": needed}
                names = {"event": event_name(one), "other": event_name(other)}
                yield warning(
                    "too_fast", *about, person=people[person].name if person in people else person, **names, **values
                )


def _distances(places: dict[str, WorldEntry]) -> dict[tuple[str, str], int]:
    """Days between two places: a description that names one is of the way there, one that names two of that between."""
    found: dict[tuple[str, str], int] = {}
    for entry in places.values():
        for start, end in sentences(entry.description):
            sentence = entry.description[start:end]
            named = [other.id for other in places.values() if other.id != entry.id and other.name in sentence]
            days = _DAYS.search(sentence)
            if days is None or not named:
                continue
            between = (named[0], named[1]) if len(named) > 1 and entry.name not in sentence else (entry.id, named[0])
            found[between] = read_number(next(filter(None, days.groups())))
    return found
