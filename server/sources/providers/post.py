"""What stands before each provider: its pace, its rests, and how it fared the last time. All tasks share it."""

import logging
import math
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import anyio

from server.llm.breaker import Breaker
from server.sources.providers.base import Hit, Provider, ProviderFailed
from server.sources.providers.clock import Clock, SystemClock

FAILURES_TO_REST = 3
REST_SECONDS = 60.0
"""After "asked too often" without a word on how long."""

LONGEST_WAIT_SHARE = 0.5
"""Of the time for a search, so much may go by in waiting for a place; the rest is the provider's."""

logger = logging.getLogger(__name__)

State: TypeAlias = Literal["ready", "cooling", "unreachable", "unconfigured"]


class Pace:
    """Places in time, so many seconds apart. Taking one is a plain call; waiting for it is the caller's."""

    def __init__(self, seconds_apart: float) -> None:
        self._apart = seconds_apart
        self._next = -math.inf

    def take(self, now: float, most: float) -> float | None:
        """Seconds until the next place, which is then taken; None, and nothing is taken, if it is further than that."""
        wait = max(0.0, self._next - now)
        if wait > most:
            return None
        self._next = now + wait + self._apart
        return wait


@dataclass(frozen=True, slots=True)
class ProviderState:
    """``seconds``: how long it still rests. ``failure``: code and sentence of the last answer, if that was none."""

    name: str
    capabilities: tuple[str, ...]
    keyless: bool
    state: State
    seconds: float = 0.0
    failure: tuple[str, str] | None = None
    needs: str = ""
    """The setting that is missing, of one that is not configured."""


@dataclass
class Post:
    """``seconds_apart``: between the beginnings of two requests to it."""

    provider: Provider
    seconds_apart: float = 0.0
    clock: Clock = field(default_factory=SystemClock)
    _breaker: Breaker = field(default_factory=lambda: Breaker(FAILURES_TO_REST), init=False)
    _pace: Pace = field(init=False)
    _rests_until: float = field(default=-math.inf, init=False)
    _failure: tuple[str, str] | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self._pace = Pace(self.seconds_apart)

    @property
    def state(self) -> ProviderState:
        provider = self.provider
        seconds = self._rest(self.clock.now())
        state: State = "cooling" if seconds else "ready" if self._failure is None else "unreachable"
        return ProviderState(
            provider.name, tuple(sorted(provider.capabilities)), provider.keyless, state, seconds, self._failure
        )

    async def ask(self, query: str, *, language: str, limit: int, seconds: float) -> list[Hit]:
        """Search, when it is this request's turn.

        :param seconds: for all of it, waiting included.
        :raises ProviderFailed: as `Provider.search` has it, and ``cooling_down``, ``busy``: it was not asked at all.
        """
        started = self.clock.now()
        self._refuse_while_resting()
        wait = self._pace.take(started, seconds * LONGEST_WAIT_SHARE)
        if wait is None:
            raise ProviderFailed("busy", "So many searches wait for it already that this one's time would be over.")
        if wait:
            await self.clock.sleep(wait)
            self._refuse_while_resting()  # those before may have learned that it wants to rest
        if (rest := self._breaker.wait(self.clock.now())) > 0:
            raise self._resting(rest)
        try:
            with anyio.fail_after(max(0.0, seconds - (self.clock.now() - started))):
                hits = await self.provider.search(query, language=language, limit=limit)
        except TimeoutError:
            failure = ProviderFailed("timeout", f"It did not answer within {seconds:g} seconds.")
            self._failed(failure)
            raise failure from None
        except ProviderFailed as failure:
            self._failed(failure)
            raise
        self._breaker.succeeded()
        self._failure = None
        return hits

    def _rest(self, now: float) -> float:
        return max(0.0, self._rests_until - now, self._breaker.remaining(now))

    def _refuse_while_resting(self) -> None:
        if (rest := self._rest(self.clock.now())) > 0:
            raise self._resting(rest)

    def _resting(self, seconds: float) -> ProviderFailed:
        why = f" after: {self._failure[1]}" if self._failure else "."
        return ProviderFailed("cooling_down", f"It is left in peace for another {math.ceil(seconds)} s{why}", seconds)

    def _failed(self, failure: ProviderFailed) -> None:
        now = self.clock.now()
        self._failure = (failure.code, failure.message)
        if failure.code == "rate_limited":
            self._rests_until = now + (REST_SECONDS if failure.retry_after is None else failure.retry_after)
        elif failure.code.startswith("http_4"):
            self._breaker.succeeded()  # it answered: what was wrong is this request
        else:
            if failure.retry_after:
                self._rests_until = now + failure.retry_after
            self._breaker.failed(now)
        logger.info("the search provider %s failed (%s)", self.provider.name, failure.code)
