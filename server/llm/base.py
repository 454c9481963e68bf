"""What a language model is to a workflow: a prompt goes in, pieces of text come out, and what it cost is counted.

Nothing here knows an endpoint. `server.llm.client` is the one that talks to one; a workflow is handed a `Model`.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Literal, Protocol, TypeAlias

from server.llm.budget import Account
from server.llm.usage import Prices, Usage
from server.models import Json

Role: TypeAlias = Literal["system", "user", "assistant"]


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation."""

    role: Role
    content: str


@dataclass(frozen=True, slots=True)
class Prompt:
    """What a model is asked.

    ``schema`` is the JSON Schema that the reply has to fit. An endpoint that can't hold a model to it is told it in
    words, and one that can may still get it wrong: whoever needs a value asks through `server.llm.structured`.
    ``thinking``: it is a question for the thinking model, where there is one. ``model`` names another one for this.
    """

    messages: tuple[Message, ...]
    schema: Mapping[str, Any] | None = None
    max_tokens: int | None = None
    temperature: float | None = None
    thinking: bool = False
    model: str | None = None

    def then(self, reply: str, request: str) -> "Prompt":
        """The conversation gone on with: what the model said, and what is asked of it next."""
        return replace(self, messages=(*self.messages, Message("assistant", reply), Message("user", request)))

    def to_json(self) -> Json:
        """All that the reply depends on: a step's ``inputs``."""
        return {
            "messages": [[message.role, message.content] for message in self.messages],
            "schema": dict(self.schema) if self.schema is not None else None,
            "max_tokens": self.max_tokens,
            "temperature": self.temperature,
            "thinking": self.thinking,
            "model": self.model,
        }


def prompt(text: str, *, system: str = "", **more: Any) -> Prompt:
    """The plain case: one question, with or without a word on how to answer."""
    before = (Message("system", system),) if system else ()
    return Prompt((*before, Message("user", text)), **more)


class Finish(StrEnum):
    """Why a reply ended. Whatever is not ``stop`` left a reply that is partial, and not failed."""

    STOP = "stop"
    LENGTH = "length"
    """The model ran into a limit on its output."""
    FILTERED = "filtered"
    """The endpoint withheld the rest."""
    CUT = "cut"
    """The connection or the endpoint broke off, and the text so far had been passed on already."""
    BUDGET = "budget"
    """The task's budget was used up in mid-reply."""
    SHORT = "short"
    """It said that it had finished, but what was wanted is not all there."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A bit of a reply as it comes: ``content`` is the reply, ``reasoning`` what the model thinks aloud."""

    kind: Literal["content", "reasoning"]
    text: str


Listener: TypeAlias = Callable[[Piece], Awaitable[None]]
"""Gets each piece once, in order; the model waits while it does its work. A piece is never taken back."""


async def unheard(piece: Piece) -> None:
    """For those who want the whole only."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole reply. ``attempts``: how often the endpoint was called for it."""

    text: str
    finish: Finish
    usage: Usage
    model: str
    reasoning: str = ""
    attempts: int = 1

    @property
    def partial(self) -> bool:
        return self.finish is not Finish.STOP


@dataclass(frozen=True, slots=True)
class Call:
    """Who pays for a call, and its idempotency key: the same key is the same call, made again."""

    key: str
    account: Account

    def part(self, name: str) -> "Call":
        """Another call of the same step, which must not be taken for the first."""
        return replace(self, key=f"{self.key}#{name}")


class Model(Protocol):
    """An endpoint with a model behind it."""

    name: str
    identity: dict[str, str]
    """``{name, thinking, base_url}``, without credentials: part of the fingerprint of what is made with it."""

    def price(self, named: str | None = None, *, thinking: bool = False) -> Prices | None:
        """What a model of this endpoint costs, by a prompt's ``model`` and ``thinking``; None: nobody has said."""

    async def check(self) -> Reply:
        """A question as short as can be, once, whatever the breaker says: does the endpoint answer?

        :raises ModelFailed: it does not, with the reason.
        """

    async def ask(self, prompt: Prompt, call: Call, listen: Listener = unheard) -> Reply:
        """One reply, tried again by what the failure was as long as no piece of its content was passed on.

        A reply with a schema passes on no content before it is whole. Being cancelled closes the connection at once,
        in mid-stream as well.

        :raises ModelFailed: with a code that says which way, and whether trying later makes sense.
        :raises BudgetSpent: the account has nothing left for this call.
        """
