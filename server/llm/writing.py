"""A long text out of a model, whole: what was cut off is gone on with from where it stopped."""

import logging
from collections.abc import Callable
from dataclasses import replace

from server.llm.base import Call, Finish, Listener, Model, Piece, Prompt, Reply, unheard
from server.llm.failures import BudgetSpent, ModelFailed

MOST_CONTINUATIONS = 3
SEAM_CHARACTERS = 400
LEAST_OVERLAP = 12
LEAST_CHARACTERS = 5
_GO_ON = "Your text breaks off there. Go on exactly after its last character: repeat nothing, say nothing about this."

logger = logging.getLogger(__name__)

Lacking = Callable[[str], str | None]
"""What a text that claims to be finished still lacks, as an instruction to the model; None: nothing."""


async def write(
    model: Model,
    prompt: Prompt,
    call: Call,
    listen: Listener = unheard,
    *,
    lacking: Lacking = lambda text: None,
    most_continuations: int = MOST_CONTINUATIONS,
) -> Reply:
    """Ask for a text and pass it on as it comes. Where it breaks off or stops too early, the model goes on with it.

    Nothing that was passed on is taken back, so a text that could not be finished is returned as it is, with the
    reason in ``finish``: ``length``, ``cut``, ``short``, ``budget`` or ``filtered``.

    :raises ModelFailed: not even a beginning came.
    """
    whole = await model.ask(prompt, call, listen)
    for number in range(1, most_continuations + 1):
        wanted = _still_wanted(whole, lacking)
        if wanted is None:
            break
        seam = _Seam(whole.text, listen)
        try:
            more = await model.ask(prompt.then(whole.text, wanted), call.part(f"more{number}"), seam.hear)
        except BudgetSpent:
            whole = replace(whole, finish=Finish.BUDGET)
            break
        except ModelFailed as failure:
            logger.warning("a text could not be gone on with (%s); what there is of it is kept", failure.code)
            break
        finally:
            await seam.close()
        whole = replace(
            more,
            text=whole.text + seam.text,
            reasoning=whole.reasoning + more.reasoning,
            usage=whole.usage + more.usage,
            attempts=whole.attempts + more.attempts,
        )
    if whole.finish is Finish.STOP and lacking(whole.text) is not None:
        return replace(whole, finish=Finish.SHORT)
    return whole


def _still_wanted(reply: Reply, lacking: Lacking) -> str | None:
    if reply.finish in (Finish.LENGTH, Finish.CUT):
        return _GO_ON
    return lacking(reply.text) if reply.finish is Finish.STOP else None


class _Seam:
    """Joins a continuation to what stands there: models like to begin with the last words again."""

    def __init__(self, before: str, listen: Listener) -> None:
        self._before, self._listen = before[-SEAM_CHARACTERS:], listen
        self._held: str | None = ""
        self.text = ""

    async def hear(self, piece: Piece) -> None:
        if piece.kind == "reasoning":
            await self._listen(piece)
        elif self._held is None:
            await self._pass_on(piece.text)
        else:
            self._held += piece.text
            if len(self._held) >= SEAM_CHARACTERS:
                await self.close()

    async def close(self) -> None:
        """Pass on what was held back; a continuation may be shorter than the seam."""
        held, self._held = self._held, None
        if held:
            await self._pass_on(held[_repeated(self._before, held) :])

    async def _pass_on(self, text: str) -> None:
        if text:
            self.text += text
            await self._listen(Piece("content", text))


def _repeated(before: str, after: str) -> int:
    """How many characters ``after`` begins with that ``before`` ends with; a few may be chance and don't count."""
    for size in range(min(len(before), len(after)), LEAST_OVERLAP - 1, -1):
        if before.endswith(after[:size]):
            return size if len(set(after[:size])) >= LEAST_CHARACTERS else 0  # a rule or a table's dashes go on alike
    return 0
