"""The client of an OpenAI-compatible endpoint: one call is one or several attempts, and one reply."""

import logging
import random
from collections.abc import Callable
from dataclasses import replace

import anyio

from server.llm.abilities import Abilities
from server.llm.attempt import Attempt, Connector
from server.llm.base import Call, Finish, Listener, Prompt, Reply, prompt, unheard
from server.llm.breaker import Breaker
from server.llm.budget import Budget
from server.llm.endpoint import Endpoint
from server.llm.failures import (
    ContentFiltered,
    ModelEmpty,
    ModelFailed,
    ModelGarbled,
    ModelRejected,
    ModelReplyInvalid,
    ModelTimeout,
    ModelUnavailable,
)
from server.llm.faults import Refused
from server.llm.usage import Prices

MOST_REFUSALS = 8
CHECK_TOKENS = 256

logger = logging.getLogger(__name__)


class OpenAIModel:
    """`server.llm.base.Model`, over the wire.

    What the endpoint can't do is remembered for as long as this object lives. ``chance`` gives a number from 0 to 1.
    """

    def __init__(self, endpoint: Endpoint, chance: Callable[[], float] = random.random) -> None:
        self.endpoint, self.name, self.identity = endpoint, endpoint.model, endpoint.identity
        self.breaker = Breaker()
        self._connector = Connector(endpoint)
        self._abilities: dict[str, Abilities] = {}
        self._chance = chance
        self._room: anyio.CapacityLimiter | None = None

    def price(self, named: str | None = None, *, thinking: bool = False) -> Prices | None:
        return self.endpoint.price(named, thinking=thinking)

    async def ask(self, prompt: Prompt, call: Call, listen: Listener = unheard) -> Reply:
        if self._room is None:
            self._room = anyio.CapacityLimiter(self.endpoint.at_once)
        for attempt in range(self.endpoint.retries + 1):
            try:
                await self._admission(call)
                async with self._room:
                    reply = await self._attempt(prompt, call, listen)
            except ModelFailed as failure:
                if not failure.retryable or attempt == self.endpoint.retries:
                    raise
                await self._back_off(failure, attempt, call)
            else:
                return replace(reply, attempts=attempt + 1)
        raise ModelUnavailable  # not reached: the last attempt returns or raises

    async def check(self) -> Reply:
        asked = prompt("Reply with the word OK.", max_tokens=CHECK_TOKENS)
        return await self._attempt(asked, Call("check", Budget().account("check")), unheard)

    async def _attempt(self, prompt: Prompt, call: Call, listen: Listener) -> Reply:
        """One attempt, in the best form that the endpoint takes."""
        model = self.endpoint.model_for(prompt.model, thinking=prompt.thinking)
        abilities = self._abilities.get(model, Abilities())
        for _ in range(MOST_REFUSALS):
            attempt = Attempt(self._connector, prompt, model, call, abilities)
            try:
                reply = await attempt.run(listen)
            except Refused as refusal:
                poorer = abilities.without(refusal.reason, attempt.request)
                if poorer is None:
                    raise ModelRejected(refusal.reason) from None
                logger.info("the model's endpoint refuses a form of request, trying %s", poorer)
                abilities = poorer
            except ModelFailed as failure:
                if isinstance(failure, ModelUnavailable | ModelTimeout | ModelGarbled):
                    self.breaker.failed(anyio.current_time())
                raise
            else:
                self.breaker.succeeded()
                self._abilities[model] = abilities
                return _with_something_in_it(reply)
        raise ModelRejected("The model's endpoint refuses every form of the request.")

    async def _admission(self, call: Call) -> None:
        """Wait while the breaker is open.

        :raises ModelUnavailable: that would take too long.
        """
        while wait := self.breaker.wait(anyio.current_time()):
            if wait > self._patience(call):
                told = "The model's endpoint failed again and again; it is left in peace for a while."
                raise ModelUnavailable(told, retry_after=round(wait) + 1)
            await anyio.sleep(wait)

    async def _back_off(self, failure: ModelFailed, attempt: int, call: Call) -> None:
        """Wait before the next attempt: as long as the endpoint asks, else longer each time, never in step with others.

        :raises ModelFailed: the failure itself, where that wait would be too long.
        """
        wait = self.endpoint.back_off_seconds * 2**attempt * (0.5 + self._chance() / 2)
        if failure.retry_after is not None:
            wait = failure.retry_after + wait * self._chance()
            if failure.retry_after > self._patience(call):
                raise failure
        wait = min(wait, self._patience(call))
        logger.info("the model failed (%s), attempt %d follows in %.1f s", failure.code, attempt + 2, wait)
        await anyio.sleep(wait)

    def _patience(self, call: Call) -> float:
        left = call.account.seconds_left
        longest = self.endpoint.longest_wait_seconds
        return longest if left is None else min(longest, left)


def _with_something_in_it(reply: Reply) -> Reply:
    """:raises ModelEmpty, ContentFiltered: the reply has no text."""
    if reply.text.strip():
        return reply
    if reply.finish is Finish.FILTERED:
        raise ContentFiltered
    if reply.finish is Finish.LENGTH:
        raise ModelReplyInvalid("The model used all the tokens it may for thinking, and came to no reply.")
    raise ModelEmpty
