"""A model reads one user's texts, piece by piece; each piece is a paid step, so that none is paid for twice."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from server.llm.base import Call, Model, Prompt
from server.llm.budget import Budget
from server.llm.failures import OF_SETTINGS, BudgetSpent, ModelFailed
from server.llm.structured import ask_for
from server.workflows.asking import paid_step
from server.workflows.base import Context, Step
from server.workflows.extract.events import Origin, read
from server.workflows.extract.grounding import Grounding
from server.workflows.extract.lexicon import Lexicon
from server.workflows.extract.shapes import LOOK_AGAIN, PIECE_CHARS, Found, question
from server.workflows.extract.statements import statements

LEAST_HALVED = 800
"""A piece shorter than this is not cut in two when a reply to it was too long."""
TOO_MUCH = frozenset({"model_reply_invalid", "model_context_too_long"})
_EXACTLY = 0.9


@dataclass
class Read:
    """What came of a user's texts. ``ungrounded``: events whose quote stands nowhere. ``steps``: the paid ones."""

    events: list[dict[str, Any]] = field(default_factory=list)
    ungrounded: int = 0
    error: dict[str, str] | None = None
    steps: list[str] = field(default_factory=list)


@dataclass
class Asking:
    """The model with all that its questions depend on."""

    ctx: Context
    model: Model
    budget: Budget
    types: tuple[str, ...]
    lexicon: Lexicon

    async def read(self, index: int, origins: list[Origin], written: list[str | None], label: str) -> Read:
        """Ask for the events of each text. What fails is told in ``error``, and what other pieces gave is kept.

        :param index: the user's position, which is in the steps' keys.
        :param written: when each text was written, as the user gave it.
        """
        found = Read()
        for number, (origin, when) in enumerate(zip(origins, written, strict=True)):
            grounding = Grounding(origin)
            for start, end in pieces(origin.text, PIECE_CHARS):
                await self._piece(f"ask:{index}:{number}:{start}", origin, when, (start, end), grounding, found, label)
        return found

    async def _piece(
        self,
        key: str,
        origin: Origin,
        when: str | None,
        span: tuple[int, int],
        grounding: Grounding,
        found: Read,
        label: str,
    ) -> None:
        start, end = span
        asked = question(origin.text[start:end], when, self.types)
        told = await self._ask(key, asked, self._tells(origin, span), label)
        found.steps.append(key)
        failed = told["failed"]
        if failed is not None and failed["code"] in TOO_MUCH and end - start > LEAST_HALVED:
            for number, (begin, stop) in enumerate(pieces(origin.text[start:end], (end - start) // 2 + 1)):
                half = start + begin, start + stop
                await self._piece(f"{key}/{number}", origin, when, half, grounding, found, label)
            return
        if failed is not None:
            found.error = found.error or failed
            return
        for event in Found.model_validate(told["found"]).events:
            placed = grounding.place(event, start, end)
            if placed is None:
                found.ungrounded += 1
            elif not self.types or placed["type"] in self.types:
                found.events.append(placed)

    async def _ask(self, key: str, asked: Prompt, expects: bool, label: str) -> dict[str, Any]:
        """What the model found, or why there is nothing: recorded either way, so that nobody is asked about again.

        :raises ModelFailed: one of `OF_SETTINGS`, which is no user's failure and recorded nowhere.
        """

        async def ask(step: Step, call: Call) -> dict[str, Any]:
            try:
                answer = await ask_for(self.model, asked, Found, call)
                if expects and not answer.value.events:
                    again = asked.then('{"events": []}', LOOK_AGAIN)
                    answer = await ask_for(self.model, again, Found, call.part("again"))
            except OF_SETTINGS:
                raise
            except ModelFailed as failure:
                return {"failed": {"code": failure.code, "message": failure.detail}, "found": None}
            return {"failed": None, "found": answer.value.model_dump(mode="json", by_alias=True)}

        try:
            told: dict[str, Any] = await paid_step(
                self.ctx, key, asked, self.budget, ask, keep=0.0, weight=0.0, label=label
            )
        except BudgetSpent as spent:
            return {"failed": {"code": spent.code, "message": spent.detail}, "found": None}
        return told

    def _tells(self, origin: Origin, span: tuple[int, int]) -> bool:
        """Whether code sees something there that a model can hardly overlook."""
        piece = Origin(origin.user_id, origin.text_id, origin.text[slice(*span)], origin.written_at, origin.zone)
        events = read(piece, self.lexicon, self.types).events
        return any(event["confidence"] >= _EXACTLY for event in events)


def pieces(text: str, most: int) -> Iterator[tuple[int, int]]:
    """Start and end of parts that are at most so long, each of whole statements as far as these allow it."""
    start = end = 0
    for begin, stop in statements(text):
        if end > start and stop - start > most:
            yield start, end
            start = begin
        end = stop
        while end - start > most:
            yield start, start + most
            start += most
    if end > start:
        yield start, end
