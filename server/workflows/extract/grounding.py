"""What a model says of a text, held to the text: what does not stand there word for word is not counted."""

from datetime import date, datetime
from typing import Any

from server.workflows.extract.events import UNNAMED, Origin
from server.workflows.extract.facts import facts
from server.workflows.extract.moments import moments
from server.workflows.extract.shapes import Told
from server.workflows.quotes import Wording


class Grounding:
    """One text, in which quotes are looked for from left to right: a second one of the same words is a second place."""

    def __init__(self, origin: Origin) -> None:
        self._origin = origin
        self._wording = Wording([(0, origin.text)])
        self._taken: dict[tuple[str, str], int] = {}

    def place(self, told: Told, first: int, last: int) -> dict[str, Any] | None:
        """The event with the text's own words, as they stand between ``first`` and ``last``; None: they don't."""
        span = self._find(told, first, last)
        if span is None:
            return None
        start, end = span
        origin = self._origin
        quote = origin.text[start:end]
        return {
            "user_id": origin.user_id,
            "text_id": origin.text_id,
            "type": "_".join(told.type.split()).lower()[:60] or UNNAMED,
            "trigger": _standing(told.trigger, quote),
            "time": _time(origin, told, start, end),
            "participants": [one for one in dict.fromkeys(told.participants) if _standing(one, quote)][:50],
            "place": _standing(told.place, quote),
            "amount": _amount(told.amount, quote, start),
            "quote": quote,
            "start": start,
            "end": end,
            "confidence": round(told.confidence, 3),
            "method": "model",
        }

    def _find(self, told: Told, first: int, last: int) -> tuple[int, int] | None:
        text, quote = self._origin.text, told.quote.strip()
        if not quote:
            return None
        known = told.type, quote
        start = text.find(quote, self._taken.get(known, first), last)
        if start < 0:
            start = text.find(quote, first, last)
        if start >= 0:
            self._taken[known] = start + len(quote)
            return start, start + len(quote)
        # Models change white space, dashes and marks without meaning to; what counts is what the text has there.
        found = self._wording.find(quote, least=1)
        return None if found is None or not (first <= found.start and found.end <= last) else (found.start, found.end)


def _standing(said: str | None, quote: str) -> str | None:
    return said if said and said in quote else None


def _time(origin: Origin, told: Told, start: int, end: int) -> dict[str, Any] | None:
    """The time as code reads it; what code can't read is as the model has it, and says so."""
    if told.time is None:
        return None
    at = origin.text.find(told.time, start, end)
    if at < 0:
        return None
    span: dict[str, Any] = {"text": told.time, "start": at, "end": at + len(told.time)}
    for moment in moments(origin.text[start:end], origin.written_at, origin.zone):
        overlaps = moment.start + start < span["end"] and span["start"] < moment.end + start
        if overlaps and moment.first is not None and moment.last is not None:
            return span | {
                "from": moment.first.isoformat(),
                "to": moment.last.isoformat(),
                "resolved_by": moment.resolved_by,
            }
    first, last = _iso(told.from_), _iso(told.to)
    resolved_by = "model" if first or last else None
    return span | {"from": first or last, "to": last or first, "resolved_by": resolved_by}


def _iso(said: str | None) -> str | None:
    """A day or a moment, if it is one."""
    if not said:
        return None
    try:
        return date.fromisoformat(said).isoformat() if len(said) == 10 else datetime.fromisoformat(said).isoformat()
    except ValueError:
        return None


def _amount(said: str | None, quote: str, start: int) -> dict[str, Any] | None:
    at = -1 if not said else quote.find(said)
    if said is None or at < 0:
        return None
    value = next(
        (
            fact.value
            for fact in facts(quote)
            if fact.kind == "amount" and fact.start < at + len(said) and at < fact.end
        ),
        None,
    )
    return {"kind": "amount", "text": said, "start": start + at, "end": start + at + len(said), "value": value}
