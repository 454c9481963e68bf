"""A text's events without a model: statements, the facts and times in them, and the words that say what happened."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any

from server.workflows.extract.facts import Fact, facts
from server.workflows.extract.lexicon import Lexicon, Trigger
from server.workflows.extract.moment import Moment
from server.workflows.extract.moments import moments
from server.workflows.extract.people import MOST, participants
from server.workflows.extract.places import place
from server.workflows.extract.spans import inside, without
from server.workflows.extract.statements import statements

UNNAMED = "other"
"""The type of a statement that tells when, and in no word of the lexicon what."""
_TOLD, _TOLD_WHEN, _TOLD_WHEN_EXACTLY, _WHEN_ALONE = 0.5, 0.7, 0.9, 0.4


@dataclass(frozen=True, slots=True)
class Origin:
    """Whose text it is that events are looked for in, and when it was written."""

    user_id: str
    text_id: str
    text: str
    written_at: datetime | None
    zone: tzinfo


@dataclass(frozen=True, slots=True)
class Reading:
    """What one text holds, as JSON. For each of both kinds ``text[start:end]`` is what is quoted."""

    events: list[dict[str, Any]]
    facts: list[dict[str, Any]]


def read(origin: Origin, lexicon: Lexicon, types: Collection[str]) -> Reading:
    """
    :param types: of the events that are wanted; all if empty.
    """
    text = origin.text
    known = facts(text)
    times = without(moments(text, origin.written_at, origin.zone), known)
    triggers = lexicon.triggers(text)
    events = []
    for start, end in statements(text):
        when, told = inside(times, start, end), inside(known, start, end)
        for trigger in _first_of_each(inside(triggers, start, end)) or ([None] if when else []):
            event = _event(origin, (start, end), trigger, when, told)
            if not types or event["type"] in types:
                events.append(event)
    return Reading(events, facts_of(text, known, times))


def facts_of(text: str, known: Iterable[Fact], times: Iterable[Moment]) -> list[dict[str, Any]]:
    """Facts and times in one list, in the order of the text."""
    told = [fact.to_json(text) for fact in known]
    for moment in times:
        shown = moment.to_json(text)
        value = {name: shown.pop(name) for name in ("from", "to", "resolved_by")}
        told.append({"kind": "time", **shown, "value": value})
    return sorted(told, key=lambda one: int(one["start"]))


def _first_of_each(triggers: list[Trigger]) -> list[Trigger | None]:
    """Of each type the first; a statement tells of one event of a type."""
    found: dict[str, Trigger] = {}
    for trigger in triggers:
        found.setdefault(trigger.type, trigger)
    return list(found.values())


def _event(
    origin: Origin, span: tuple[int, int], trigger: Trigger | None, when: list[Moment], known: list[Fact]
) -> dict[str, Any]:
    text, (start, end) = origin.text, span
    place_at = trigger.start if trigger is not None else start
    moment = min(when, key=lambda one: max(one.start - place_at, place_at - one.end), default=None)
    amounts = [fact for fact in known if fact.kind == "amount"]
    amount = min(amounts, key=lambda one: abs(one.start - place_at), default=None)
    quote = text[start:end]
    where = place(quote)
    mails = [text[fact.start : fact.end] for fact in known if fact.kind == "mail"]
    people = [quote[begin:stop] for begin, stop in participants(quote)]
    return {
        "user_id": origin.user_id,
        "text_id": origin.text_id,
        "type": trigger.type if trigger is not None else UNNAMED,
        "trigger": None if trigger is None else text[trigger.start : trigger.end],
        "time": None if moment is None else moment.to_json(text),
        "participants": list(dict.fromkeys([*people, *mails]))[:MOST],
        "place": None if where is None else quote[where[0] : where[1]],
        "amount": None if amount is None else amount.to_json(text) | {"kind": "amount"},
        "quote": quote,
        "start": start,
        "end": end,
        "confidence": _confidence(trigger, moment),
        "method": "lexicon" if trigger is not None else "time",
    }


def _confidence(trigger: Trigger | None, moment: Moment | None) -> float:
    if trigger is None:
        return _WHEN_ALONE
    if moment is None:
        return _TOLD
    return _TOLD_WHEN_EXACTLY if moment.first is not None else _TOLD_WHEN
