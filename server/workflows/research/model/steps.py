"""Recorded steps under the task's budget, and how much of the work is behind."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import anyio

from server.llm.base import Model, Prompt
from server.llm.budget import Budget
from server.workflows.asking import ask_in_step
from server.workflows.base import Context, Step

KEPT_FOR_WRITING = 0.4
"""This share of the budget is not spent on finding out; …"""
KEPT_FOR_SUMMARY = 0.08
"""… and this much of it not on sections."""

T = TypeVar("T")
Work = Callable[[Step], Awaitable[dict[str, Any]]]


class Steps:
    """The steps of one run, whose weights are added up as they pass."""

    def __init__(self, ctx: Context, model: Model, budget: Budget) -> None:
        self.ctx, self.model, self.budget = ctx, model, budget
        self.behind = 0.0

    async def plain(self, key: str, work: Callable[[Step], Awaitable[Any]], inputs: Any, *, label: str) -> Any:
        """A step that costs nothing worth counting."""
        result = await self.ctx.step(key, work, inputs, weight=1.0, label=label)
        self.behind += 1.0
        return result

    async def timed(self, key: str, work: Work, inputs: Any, *, weight: float, label: str) -> dict[str, Any]:
        """A step that may take as long as the budget's seconds allow.

        :return: what ``work`` returned, or `{"skipped": true}` where there was not time enough for it.
        """
        ran_here = False

        async def run(step: Step) -> dict[str, Any]:
            nonlocal ran_here
            ran_here = True
            account = self.budget.account(key, keep=KEPT_FOR_WRITING)
            result: dict[str, Any] = {"skipped": True}
            left = account.seconds_left
            if left is None or left > 0:
                with anyio.move_on_after(left):
                    result = await work(step)
            return {**result, "spent": account.to_json()}

        result: dict[str, Any] = await self.ctx.step(key, run, inputs, weight=weight, label=label)
        self.budget.fold(key, result["spent"], replayed=not ran_here)
        self.behind += weight
        return result

    async def ask(
        self, key: str, prompt: Prompt, type_: type[T], *, weight: float, label: str, keep: float = KEPT_FOR_WRITING
    ) -> T:
        """A value from the model, by its type.

        :raises ModelFailed: none came; `BudgetSpent` where it may not cost any more.
        """
        try:
            return await ask_in_step(
                self.ctx,
                key,
                self.model,
                prompt,
                type_,
                self.budget,
                thoughts=f"thoughts-{key}",
                keep=keep,
                weight=weight,
                label=label,
            )
        finally:
            self.behind += weight
