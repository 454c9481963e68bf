"""Paid calls as steps: killed anywhere and taken over, no finished call is made again, and all spending is counted."""

from contextlib import suppress
from typing import Any

import pytest
from anyio import fail_after
from pydantic import BaseModel

from server.errors import CrashLoop
from server.llm.base import Model, prompt
from server.llm.budget import Budget, Limits
from server.llm.failures import ContextTooLong, ModelUnavailable
from server.llm.scripted import Rule
from server.workflows.asking import MOST_BEGUN, ask_in_step, write_in_step
from server.workflows.base import Context
from server.workflows.rehearsal import Killed, RehearsalContext
from tests.llm.endpoint import serving_model


class Plan(BaseModel):
    parts: list[str]


PLAN = Rule(match="Plan", reply='{"parts": ["lime", "vinegar", "time"]}')
PARTS = [Rule(match=name, reply=f"All about {name}. ") for name in ("lime", "vinegar", "time")]


async def report(ctx: Context, model: Model, limits: Limits | None = None) -> dict[str, Any]:
    """A small workflow as any with a model: a plan, and then its parts."""
    budget = Budget(limits)
    plan = await ask_in_step(ctx, "plan", model, prompt("Plan a report."), Plan, budget)
    written = [
        await write_in_step(ctx, f"part:{name}", model, prompt(f"Write about {name}."), budget, part=name)
        for name in plan.parts
    ]
    return {"parts": [each.text for each in written], "spent": budget.spent.to_json()}


async def test_killed_after_any_step_no_finished_call_is_made_again() -> None:
    """And the report, and what it cost, are those of a run without a kill."""
    with serving_model(PLAN, *PARTS) as served, fail_after(60):
        whole = RehearsalContext()
        expected = await report(whole, served.client())
        for kill in range(len(whole.ran)):
            served.asked.clear()
            killed = RehearsalContext(steps_until_kill=kill)
            with pytest.raises(Killed):
                await report(killed, served.client())
            finished = [key for key in killed.ran if ":begun:" not in key]
            second = RehearsalContext(killed.journal)
            result = await report(second, served.client())
            assert result["parts"] == expected["parts"]
            assert second.report == whole.report
            again = served.calls.total() - 4
            assert again <= 1, "only the call that was under way"
            assert all(served.calls[f"{whole.task_id}:rehear:{key}"] == 1 for key in finished)
            assert result["spent"]["calls"] == 4 + len(killed.ran) % 2, "what was cut off is counted too"


async def test_a_task_goes_on_when_its_operator_changes_the_model() -> None:
    """What is finished stays as it is, and the rest is asked of the new one."""
    with serving_model(PLAN, *PARTS) as served, fail_after(20):
        killed = RehearsalContext(steps_until_kill=4)
        with pytest.raises(Killed):
            await report(killed, served.client())
        result = await report(RehearsalContext(killed.journal), served.client(model="another"))
    assert len(result["parts"]) == 3
    assert [asked.body["model"] for asked in served.asked] == ["scripted"] * 2 + ["another"] * 2


async def test_a_call_that_was_cut_off_counts_against_the_budget() -> None:
    """Three servers begin the plan and die; the fourth has one call less for each."""
    with serving_model(PLAN, *PARTS) as served, fail_after(20):
        journal: dict[str, Any] = {}
        for _ in range(3):
            context = RehearsalContext(journal, steps_until_kill=1 + bool(journal))
            with suppress(Killed):
                await report(context, served.client(), Limits(calls=7))
            assert "plan" not in journal
        assert (await report(RehearsalContext(journal), served.client(), Limits(calls=7)))["spent"]["calls"] == 7


async def test_a_call_that_brings_down_every_server_comes_to_an_end() -> None:
    """But `retry` lets it be tried again."""
    with serving_model(PLAN, *PARTS) as served, fail_after(60):
        journal: dict[str, Any] = {}
        for attempt in range(MOST_BEGUN):
            with pytest.raises(CrashLoop if attempt == MOST_BEGUN - 1 else Killed):
                await report(RehearsalContext(journal, steps_until_kill=1 + bool(journal)), served.client())
        assert (await report(RehearsalContext(journal), served.client()))["parts"]


async def test_a_failure_that_will_not_pass_is_recorded_and_raised_from_there() -> None:
    """It was paid for as well: the second run does not call."""
    with serving_model(Rule(status=400, error="maximum context length is 10")) as served, fail_after(20):
        context = RehearsalContext()
        with pytest.raises(ContextTooLong, match="maximum context length"):
            await report(context, served.client())
        with pytest.raises(ContextTooLong, match="maximum context length"):
            await report(RehearsalContext(context.journal), served.client())
    assert len(served.asked) == 1


async def test_a_failure_that_may_pass_is_tried_anew_and_its_calls_are_counted() -> None:
    with serving_model(Rule(status=503, times=2), PLAN, *PARTS) as served, fail_after(20):
        context = RehearsalContext()
        with pytest.raises(ModelUnavailable):
            await report(context, served.client(retries=1))
        result = await report(RehearsalContext(context.journal), served.client())
    assert result["spent"]["calls"] == 6
    assert len(served.asked) == 6
    assert len(set(served.calls)) == 4
