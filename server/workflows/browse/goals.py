"""Reaching a goal on a page: look, have a model plan, play, look again. Each look and each plan is a recorded step.

The page stays open between the steps. After a restart what was planned is taken from the journal, and paid for once;
as long as nothing has been done that may have changed the site, it is played again and gone on from there.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from playwright.async_api import Error

from server.llm.base import Call, Model
from server.llm.budget import Budget
from server.llm.failures import OF_SETTINGS, ModelFailed
from server.llm.structured import ask_for
from server.sources.chromium.failures import BrowserDied, BrowserFailed, failure_of
from server.sources.failures import SourceFailed
from server.workflows.asking import paid_step
from server.workflows.base import Context
from server.workflows.base import Step as JournalStep
from server.workflows.browse.items import Attempt, PageRun
from server.workflows.browse.outline import Outline, outline_of
from server.workflows.browse.planning import MOST_ROUNDS, Plan, addresses_in, plan_for, question, steps_for
from server.workflows.browse.plans import steps_of
from server.workflows.browse.steps import ACTING, Step

Begin = Callable[[], Awaitable[bool]]


@dataclass
class Failed:
    """Why a goal is not reached; it is the page's failure."""

    code: str
    message: str


@dataclass
class Goal:
    """One page's way to its goal.

    ``begin`` records that something is about to be done that may change the site; False: an earlier run did so, and
    nobody knows how far it came.
    ``again``: the steps that are done again when the page is tried again later.
    """

    ctx: Context
    page: PageRun
    model: Model
    budget: Budget
    begin: Begin
    again: list[str] = field(default_factory=list)
    interrupted: bool = False
    attempt: Attempt | None = None
    """Set as long as the page is open."""
    _begun: bool = False
    _offered: list[str] = field(default_factory=list)

    async def plan(self) -> Failed | None:
        """Look and plan until the rest of the steps can be played to the end: they stand in the page then.

        :raises ModelFailed: one of `OF_SETTINGS`.
        """
        page, goal = self.page, self.page.task.goal or ""
        page.steps = steps_of(page.task.model_copy(update={"goal": None}))
        self._offered = [page.task.url or "", *addresses_in(goal)]
        for number in range(MOST_ROUNDS):
            if self.interrupted:
                return None
            look = f"look:{page.index}:{number}"
            seen = await self.ctx.step(look, self._look, weight=0, label=page.name[:120])
            if seen["failed"] is not None:
                self.again.append(look)
                return Failed(**seen["failed"])
            del page.steps[seen["played"] :]
            outline = Outline(**seen["page"])
            self._offered += outline.links
            told = await self._ask(number, goal, outline, seen["trouble"])
            if told["failed"] is not None:
                self.again.append(f"plan:{page.index}:{number}")
                return Failed(**told["failed"])
            plan = Plan.model_validate(told["plan"])
            if plan.outcome == "impossible":
                return Failed("goal_impossible", f"The model says that the goal can't be reached here: {plan.reason}")
            planned = steps_for(plan, outline)
            await self._before(planned)
            page.steps += planned
            if plan.outcome == "done":
                return None
        return Failed("goal_not_reached", f"The goal was not reached within {MOST_ROUNDS} plans.")

    async def _ask(self, number: int, goal: str, outline: Outline, trouble: str | None) -> dict[str, Any]:
        """A plan, or why there is none: recorded either way, as a page that has failed is not planned for again.

        :raises ModelFailed: one of `OF_SETTINGS`, which is no page's failure and recorded nowhere.
        """
        asked = question(goal, outline, self.page.steps, trouble, MOST_ROUNDS - number - 1)
        wanted = plan_for(outline, self._offered)

        async def ask(step: JournalStep, call: Call) -> dict[str, Any]:
            try:
                answer = await ask_for(self.model, asked, wanted, call)
            except OF_SETTINGS:
                raise
            except ModelFailed as failure:
                return {"failed": {"code": failure.code, "message": failure.detail}, "plan": None}
            return {"failed": None, "plan": answer.value.model_dump(mode="json")}

        key, label = f"plan:{self.page.index}:{number}", self.page.name[:120]
        told: dict[str, Any] = await paid_step(
            self.ctx, key, asked, self.budget, ask, keep=0.0, weight=0.0, label=label
        )
        return told

    async def _before(self, planned: list[Step]) -> None:
        acts = any(step.type in ACTING for step in planned)
        if acts and self.page.task.may_change_things and not self._begun:
            self._begun = True
            self.interrupted = not await self.begin()

    async def _look(self, journal: JournalStep) -> dict[str, Any]:
        """Play what has not been played yet, and look at the page. What goes wrong on it is for the model to see."""
        page = self.page
        for tries in count(1):
            trouble = None
            try:
                attempt = self.attempt = await self._entered(journal)
                async with attempt.visit.within(page.task.timeout_s):
                    try:
                        await attempt.play()
                    except (BrowserFailed, Error) as error:
                        failure = error if isinstance(error, BrowserFailed) else failure_of(error)
                        if attempt.played == 0 or isinstance(failure, BrowserDied):
                            raise
                        trouble = failure.message
                    outline = await outline_of(attempt.visit)
            except SourceFailed as failure:
                await self.close()
                may_repeat = not (page.acted and page.task.may_change_things)
                if may_repeat and page.has_another_try(failure, tries, tries * isinstance(failure, BrowserDied)):
                    continue
                return {"failed": {"code": failure.code, "message": failure.message}}
            found = {"played": attempt.played, "trouble": trouble, "page": outline.to_json()}
            return {"failed": None, **found}
        raise BrowserFailed("timeout", "It was not done in time.")  # not reached

    async def _entered(self, journal: JournalStep) -> Attempt:
        attempt = self.attempt or Attempt(self.page)
        attempt.journal = journal
        return await attempt.__aenter__()

    async def close(self, *error: Any) -> None:
        """Close the page, if it is still open."""
        attempt, self.attempt = self.attempt, None
        if attempt is not None:
            await attempt.__aexit__(*(error or (None, None, None)))
