"""What a task may spend on a model, and what it has spent, over all servers that had it.

The journal is where spending is remembered: a paid step's result holds what it cost (`Account.to_json`), and each time
the workflow runs from the top it folds these results in again, by the step's key, so nothing counts twice and nothing
is forgotten. `server.workflows.asking` does that.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from server.llm.failures import BudgetSpent
from server.llm.usage import Prices, Usage


@dataclass(frozen=True, slots=True)
class Limits:
    """What may be spent; None: as much as it takes. ``money`` is in the currency of the prices."""

    seconds: float | None = None
    tokens: int | None = None
    calls: int | None = None
    money: float | None = None

    def less(self, share: float) -> "Limits":
        """Without the ``share`` (0 to 1) that is kept for later."""
        left = 1 - share
        return Limits(
            None if self.seconds is None else self.seconds * left,
            None if self.tokens is None else int(self.tokens * left),
            None if self.calls is None else int(self.calls * left),
            None if self.money is None else self.money * left,
        )


@dataclass(frozen=True, slots=True)
class Spent:
    """Calls that were made, those that failed and those that a crash cut off included, and what they used.

    ``money`` is by the prices at that time; None: some of it was spent on a model without a price.
    """

    calls: int = 0
    usage: Usage = field(default_factory=Usage)
    money: float | None = 0.0

    @classmethod
    def on_call(cls, usage: Usage, prices: Prices | None) -> "Spent":
        return cls(1, usage, None if prices is None else prices.of(usage))

    def __add__(self, other: "Spent") -> "Spent":
        money = None if self.money is None or other.money is None else self.money + other.money
        return Spent(self.calls + other.calls, self.usage + other.usage, money)

    def to_json(self) -> dict[str, Any]:
        return {"calls": self.calls, **self.usage.to_json(), "money": self.money and round(self.money, 9)}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "Spent":
        usage = Usage(data["input_tokens"], data["output_tokens"], data["estimated"])
        return cls(data["calls"], usage, data.get("money"))


class Pricing(Protocol):
    """`server.llm.base.Model.price`."""

    def __call__(self, named: str | None = None, *, thinking: bool = False) -> Prices | None: ...


def unpriced(named: str | None = None, *, thinking: bool = False) -> None:
    """Of a model without prices."""


class Budget:
    """One task's budget. ``price``: what models cost. ``clock`` gives seconds, for tests."""

    def __init__(
        self, limits: Limits | None = None, price: Pricing = unpriced, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.limits, self.price = limits or Limits(), price
        self._clock, self._began = clock, clock()
        self._earlier_seconds = 0.0
        self._accounts: dict[str, Account] = {}
        self._folded: set[str] = set()
        self._spent = Spent()

    @property
    def spent(self) -> Spent:
        return sum((account.spent for account in self._accounts.values()), self._spent)

    @property
    def seconds(self) -> float:
        """Working time: what earlier servers had worked by their last paid step, and this one's since it began."""
        return self._earlier_seconds + self._clock() - self._began

    def account(self, key: str, *, keep: float = 0.0) -> "Account":
        """The account of one paid step. ``keep``: the share of the budget that it must leave for later steps."""
        account = self._accounts[key] = Account(self, self.limits.less(keep))
        return account

    def fold(self, key: str, recorded: dict[str, Any], *, replayed: bool) -> None:
        """Take a finished step's ``Account.to_json`` in, in the place of what was counted while it ran."""
        self._accounts.pop(key, None)
        if key not in self._folded:
            self._folded.add(key)
            self._spent += Spent.from_json(recorded)
        if replayed:
            self._earlier_seconds = max(self._earlier_seconds, recorded["seconds"])

    def to_json(self) -> dict[str, Any]:
        """For results and reports."""
        return {**self.spent.to_json(), "seconds": round(self.seconds, 3)}


class Account:
    """What one step spends, counted while it does so: steps that run at once see each other's spending."""

    def __init__(self, budget: Budget, limits: Limits) -> None:
        self._budget, self.limits = budget, limits
        self._earlier, self._settled = Spent(), Spent()
        self._running: list[MeteredCall] = []

    @property
    def spent(self) -> Spent:
        return self._earlier + self.spent_here

    @property
    def spent_here(self) -> Spent:
        """Without what earlier attempts at the step had spent."""
        return sum((Spent.on_call(call.usage, call.prices) for call in self._running), self._settled)

    def begin(self, input_tokens: int, prices: Prices | None = None) -> "MeteredCall":
        """Count a call that is about to be made, of a model with these prices.

        :raises BudgetSpent: it must not be made; nothing was counted.
        """
        if reason := self.used_up(Spent.on_call(Usage(input_tokens), prices)):
            raise BudgetSpent(f"The task's budget is spent: {reason}.")
        call = MeteredCall(self, Usage(input_tokens, 0, estimated=True), prices)
        self._running.append(call)
        return call

    def carry(self, earlier: Spent) -> None:
        """Count what an earlier attempt at the step had spent."""
        self._earlier += earlier

    def settle(self, call: "MeteredCall", usage: Usage) -> None:
        self._running.remove(call)
        self._settled += Spent.on_call(usage, call.prices)

    @property
    def seconds_left(self) -> float | None:
        limit = self.limits.seconds
        return None if limit is None else max(0.0, limit - self._budget.seconds)

    @property
    def tokens_left(self) -> int | None:
        limit = self.limits.tokens
        return None if limit is None else max(0, limit - self._budget.spent.usage.tokens)

    def to_json(self) -> dict[str, Any]:
        """What a paid step records."""
        return {**self.spent.to_json(), "seconds": round(self._budget.seconds, 3)}

    def used_up(self, more: Spent | None = None) -> str | None:
        """What of the budget does not allow ``more``; without it, what has been used up."""
        limits, budget = self.limits, self._budget
        if limits == Limits():
            return None
        before = budget.spent
        after = before + (more or Spent())
        if limits.calls is not None and after.calls > limits.calls:
            return f"{before.calls} of {limits.calls} calls"
        if limits.tokens is not None and after.usage.tokens >= limits.tokens:
            return f"{before.usage.tokens} of {limits.tokens} tokens"
        if limits.seconds is not None and budget.seconds >= limits.seconds:
            return f"{limits.seconds:g} seconds"
        if limits.money is not None and (after.money is None or after.money >= limits.money):
            if after.money is None or before.money is None:
                return f"{limits.money:g} in money, and nobody has said what the model costs"
            return f"{before.money:.4f} of {limits.money:g} in money"
        return None


@dataclass(eq=False, slots=True)
class MeteredCall:
    """One call while it runs, with what it has used by estimate."""

    _account: Account
    usage: Usage
    prices: Prices | None = None

    def output(self, tokens: int) -> str | None:
        """Count what has just come. Returns what of the budget is used up now, if anything."""
        self.usage += Usage(0, tokens, estimated=True)
        return self._account.used_up()

    def settle(self, usage: Usage) -> None:
        """It has ended, and this is what it used."""
        self._account.settle(self, usage)
