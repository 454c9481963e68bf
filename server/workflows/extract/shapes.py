"""What a model is asked for, and in what form it has to answer."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from server.llm.base import Prompt, prompt
from server.llm.fencing import GUARD, fence

MOST_EVENTS = 200
PIECE_CHARS = 6000
"""Of a text, what is shown to a model at a time."""

SYSTEM = f"""You list the events that a text tells of, and reply with JSON by the given schema.
An event is something that happened, happens or is to happen: a meeting, a payment, a journey, an illness, a release.
quote: the words that tell of it, copied from the text letter by letter, one sentence or part of one. Never correct, \
shorten or translate them; what is not in the text word for word is thrown away.
type: one short lowercase word{{types}}.
trigger, time, place, amount and participants: words copied from the quote, or null (participants: an empty list).
from, to: the time as ISO 8601 (2024-05-01 or 2024-05-01T15:00), by the day of writing; null if unknown.
confidence: 0 to 1. A text without events has an empty list.
{GUARD}"""


class Told(BaseModel):
    """One event as a model tells it."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    type: Annotated[str, Field(max_length=60)]
    quote: Annotated[str, Field(min_length=1, max_length=2000)]
    trigger: Annotated[str, Field(max_length=200)] | None = None
    time: Annotated[str, Field(max_length=200)] | None = None
    from_: Annotated[str, Field(max_length=40)] | None = Field(None, alias="from")
    to: Annotated[str, Field(max_length=40)] | None = None
    participants: tuple[Annotated[str, Field(max_length=200)], ...] = Field((), max_length=50)
    place: Annotated[str, Field(max_length=200)] | None = None
    amount: Annotated[str, Field(max_length=200)] | None = None
    confidence: float = Field(0.5, ge=0, le=1)


class Found(BaseModel):
    """All events of a piece of a text."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    events: tuple[Told, ...] = Field(max_length=MOST_EVENTS)


LOOK_AGAIN = (
    "Your list is empty, and the text names times beside words for events. Look once more; if there is really no event "
    "in it, reply with an empty list again."
)


def question(piece: str, written_at: str | None, types: tuple[str, ...]) -> Prompt:
    """``written_at``: as the user gave it, or None."""
    among = f", one of: {', '.join(types)}" if types else ""
    when = f"The text was written at {written_at}." if written_at else "It is not known when the text was written."
    return prompt(f"{when}\n{fence('text', piece, longest=PIECE_CHARS)}", system=SYSTEM.replace("{types}", among))
