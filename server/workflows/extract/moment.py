"""A time that a text names, and which of several readings of the same words counts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from server.workflows.extract.spans import Spans


@dataclass(frozen=True, slots=True)
class Moment:
    """A time in a text. ``first`` and ``last`` are both included; None where it can't be known which is meant.

    ``resolved_by``: ``text`` where the text says all itself, ``written_at`` where it rests on when it was written.
    """

    start: int
    end: int
    first: date | datetime | None
    last: date | datetime | None
    resolved_by: str | None

    def to_json(self, text: str) -> dict[str, Any]:
        return {
            "text": text[self.start : self.end],
            "start": self.start,
            "end": self.end,
            "from": None if self.first is None else self.first.isoformat(),
            "to": None if self.last is None else self.last.isoformat(),
            "resolved_by": self.resolved_by,
        }


def longest(found: Sequence[Any]) -> list[Any]:
    """Without those that overlap a longer one, or one that begins earlier and is as long."""
    taken = Spans()
    ordered = sorted(found, key=lambda each: (each.start - each.end, each.start, -_worth(each)))
    return sorted((one for one in ordered if taken.take(one)), key=lambda each: int(each.start))


def _worth(found: Any) -> int:
    """Of two readings of the same words the one that knows more."""
    return int(getattr(found, "days", True) is not None)
