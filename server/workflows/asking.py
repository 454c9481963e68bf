"""A paid call as a step: never made again once it has finished, and what it cost is never forgotten.

A call that a crash cuts off is made again by the next owner, with the same idempotency key. That it had been begun is
in the journal too (``…:begun:N``), and so is what is known of how that ended (``…:ended:N``): it counts against the
budget, and a call that brings down every server that makes it comes to an end.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from itertools import count
from typing import Any, Protocol, TypeVar

from pydantic import TypeAdapter

from server.errors import CrashLoop
from server.llm.base import Call, Finish, Listener, Model, Piece, Prompt, unheard
from server.llm.budget import Account, Budget, Spent
from server.llm.failures import LASTING, ModelFailed, Rebuild
from server.llm.structured import ask_for
from server.llm.usage import TOKENS_PER_MESSAGE, Usage, estimate_tokens
from server.llm.writing import MOST_CONTINUATIONS, Lacking, write
from server.models import Json
from server.workflows.base import Context, Step

MOST_BEGUN = 10

T = TypeVar("T")
Paid = Callable[[Step, Call], Awaitable[Json]]


class Passing(Protocol):
    """What a text goes through on its way from the model to its readers, in pieces."""

    def feed(self, text: str) -> str:
        """What can be shown by now."""

    def close(self) -> str:
        """The rest."""


@dataclass(frozen=True, slots=True)
class Written:
    """A text from a model, and why it ended."""

    text: str
    finish: Finish
    model: str

    @property
    def partial(self) -> bool:
        return self.finish is not Finish.STOP


async def write_in_step(
    ctx: Context,
    key: str,
    model: Model,
    prompt: Prompt,
    budget: Budget,
    *,
    part: str | None = None,
    thoughts: str | None = None,
    passing: Callable[[], Passing] | None = None,
    lacking: Lacking = lambda text: None,
    most_continuations: int = MOST_CONTINUATIONS,
    keep: float = 0.0,
    weight: float = 1.0,
    label: str = "",
) -> Written:
    """Have a model write, into the report's ``part`` as it comes; what it thinks goes into ``thoughts``.

    :param passing: makes what the text goes through before it is shown; what is recorded and returned is as the model
        wrote it.
    :param lacking: tells what a text that claims to be finished still lacks.
    :param keep: the share of the budget that is left for later steps.
    :raises ModelFailed: no text came. One of `LASTING` is recorded, and raised again from there.
    """

    async def run(step: Step, call: Call) -> Json:
        passed = passing() if passing is not None else None
        listen = _into(step, part, thoughts, passed)
        reply = await write(model, prompt, call, listen, lacking=lacking, most_continuations=most_continuations)
        if passed is not None and part is not None:
            await step.output(part, passed.close())
        return {"text": reply.text, "finish": reply.finish, "model": reply.model}

    found = await paid_step(ctx, key, prompt, budget, run, keep=keep, weight=weight, label=label)
    return Written(found["text"], Finish(found["finish"]), found["model"])


async def ask_in_step(
    ctx: Context,
    key: str,
    model: Model,
    prompt: Prompt,
    type_: type[T],
    budget: Budget,
    *,
    thoughts: str | None = None,
    keep: float = 0.0,
    weight: float = 1.0,
    label: str = "",
) -> T:
    """Have a model give a value of a type that pydantic knows.

    :raises ModelFailed: no such value came. One of `LASTING` is recorded, and raised again from there.
    """
    adapter = TypeAdapter(type_)

    async def run(step: Step, call: Call) -> Json:
        answer = await ask_for(model, prompt, type_, call, _into(step, None, thoughts))
        return {"value": adapter.dump_python(answer.value, mode="json"), "repairs": answer.repairs}

    found = await paid_step(ctx, key, prompt, budget, run, keep=keep, weight=weight, label=label)
    return adapter.validate_python(found["value"])


async def paid_step(
    ctx: Context,
    key: str,
    prompt: Prompt,
    budget: Budget,
    run: Paid,
    *,
    keep: float,
    weight: float,
    label: str,
) -> Any:
    """A step whose result bears what it cost, which is folded into the budget whenever the step is passed."""
    inputs = prompt.to_json()  # not the endpoint: a task goes on when its operator moves or changes the model
    input_tokens = sum(TOKENS_PER_MESSAGE + estimate_tokens(each.content) for each in prompt.messages)
    ran_here = False

    async def work(step: Step) -> Json:
        nonlocal ran_here
        ran_here = True
        account = budget.account(key, keep=keep)
        price = budget.price(prompt.model, thinking=prompt.thinking)
        lost = Spent.on_call(Usage(input_tokens, 0, estimated=True), price)
        number = await _begin(ctx, key, lost, account, label)
        try:
            result = await run(step, Call(step.idempotency_key, account))
        except ModelFailed as failure:
            if not isinstance(failure, LASTING):
                await _note(ctx, f"{key}:ended:{number}", account.spent_here.to_json(), label)
                raise
            return {"failed": {"code": failure.code, "detail": failure.detail}, "spent": account.to_json()}
        return {"result": result, "spent": account.to_json()}

    recorded = await ctx.step(key, work, inputs, weight=weight, label=label)
    budget.fold(key, recorded["spent"], replayed=not ran_here)
    if failed := recorded.get("failed"):
        raise Rebuild.failure(failed["code"], failed["detail"])
    return recorded["result"]


async def _begin(ctx: Context, key: str, lost: Spent, account: Account, label: str) -> int:
    """Record that the call begins now, as the how many-th attempt, and charge what earlier ones had spent.

    :raises CrashLoop: it was begun again and again. The next attempt is let through, so that `retry` is of use.
    """
    for number in count(1):
        if await _note(ctx, f"{key}:begun:{number}", None, label):
            if number % MOST_BEGUN == 0:
                raise CrashLoop(f"This call to the model was begun {number} times and never finished.")
            return number
        ended = await ctx.step(f"{key}:ended:{number}", _giving(lost.to_json()), weight=0.0, label=label)
        account.carry(Spent.from_json(ended))
    raise CrashLoop  # not reached


async def _note(ctx: Context, key: str, what: Json, label: str) -> bool:
    """Write something into the journal. Returns False where it stood there already."""
    written = False

    async def write_down(step: Step) -> Json:
        nonlocal written
        written = True
        return what

    await ctx.step(key, write_down, weight=0.0, label=label)
    return written


def _giving(what: Json) -> Callable[[Step], Awaitable[Json]]:
    async def give(step: Step) -> Json:
        return what

    return give


def _into(step: Step, part: str | None, thoughts: str | None, passed: Passing | None = None) -> Listener:
    if part is None and thoughts is None:
        return unheard

    async def listen(piece: Piece) -> None:
        if piece.kind == "content" and part is not None:
            await step.output(part, piece.text if passed is None else passed.feed(piece.text))
        elif piece.kind == "reasoning" and thoughts is not None:
            await step.reasoning(thoughts, piece.text)

    return listen
