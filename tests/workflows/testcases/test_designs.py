"""Cases cover all that can be covered, none of them is illegal, and what can't be covered is named with its reason."""

from typing import Any

import pytest
from anyio import fail_after
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from server.workflows.testcases import covering
from server.workflows.testcases.cases import TECHNIQUES
from server.workflows.testcases.design import design
from server.workflows.testcases.solver import Solver, Undecided
from server.workflows.testcases.spec import Module
from server.workflows.testcases.wording import Words
from tests.workflows.testcases.checker import Checker
from tests.workflows.testcases.measure import checked, hunted
from tests.workflows.testcases.specs import random_module
from tests.workflows.testcases.validators import REQUIREMENTS

pytestmark = pytest.mark.anyio


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 10**6))
async def test_by_brute_force_nothing_is_uncovered_and_no_case_is_illegal(seed: int) -> None:
    with fail_after(60):
        _, faults = await checked(seed)
    assert faults == []


async def test_three_fields_at_a_time_are_combined_when_that_is_asked_for() -> None:
    for seed in (10, 15, 25):
        with fail_after(60):
            designed, faults = await checked(seed, 3)
        assert faults == []
        assert designed["cases"]


async def test_a_checker_sees_what_is_taken_away_or_spoiled() -> None:
    """Negative control: without one case something is uncovered, and a wrong value makes a case illegal."""
    designed, faults = await checked(3)
    assert faults == []
    noticed = 0
    for index, case in enumerate(designed["cases"]):
        fewer = {**designed, "cases": [*designed["cases"][:index], *designed["cases"][index + 1 :]]}
        noticed += bool(Checker(random_module(3), fewer).faults())
        if case["type"] == "positive" and case["inputs"]:
            spoiled = {**case, "inputs": {**case["inputs"], next(iter(case["inputs"])): "no such value"}}
            cases = [spoiled if each is case else each for each in designed["cases"]]
            assert any("illegal" in fault for fault in Checker(random_module(3), {**designed, "cases": cases}).faults())
    assert noticed > len(designed["cases"]) / 2


@pytest.mark.parametrize("name", REQUIREMENTS)
async def test_cases_made_of_requirements_pass_a_right_validator_and_find_its_faults(name: str) -> None:
    found = await hunted(name)
    assert found["unparsed"] == found["wrong"] == []
    assert len(found["survivors"]) <= 0.1 * found["mutants"] or len(found["survivors"]) <= 1


async def _designed(**module: Any) -> dict[str, Any]:
    with fail_after(30):
        return await design(Module.model_validate({"name": "m", **module}), TECHNIQUES, 2, Words("en"))


async def test_contradictions_and_what_can_not_be_reached_are_named() -> None:
    fields = [
        {"name": "age", "type": "integer", "min": 60, "max": 18},
        {"name": "code", "min": 4, "max": 5, "pattern": "[0-9]{6}"},
        {"name": "pin", "min": 4, "max": 8, "pattern": "([0-9]{2})+"},
    ]
    rules = [
        {"when": {"role": "guest"}, "then": "can post"},
        {"when": {"role": "guest"}, "then": "cannot post"},
    ]
    ways = [("open", "close", "closed"), ("open", "close", "locked"), ("lost", "find", "open")]
    transitions = [{"from": a, "event": event, "to": b} for a, event, b in ways]
    told = await _designed(fields=fields, rules=[], states={"initial": "open", "transitions": transitions})
    texts = {issue["text"] for issue in told["issues"]}
    assert "age: the minimum 60 is above the maximum 18" in texts
    assert "code: no value fits all that is said of it" in texts
    assert any(text.startswith("pin: no value just above the minimum") for text in texts)
    assert "From open, close leads to more than one state: closed, locked" in texts
    assert {text for text in texts if "can't be reached" in text} == {
        f"The state {state} can't be reached from open" for state in ("closed", "locked", "lost")
    }
    ruled = await _designed(rules=rules)
    assert [issue["kind"] for issue in ruled["issues"]].count("contradiction") == 1
    assert all("post" not in case["expected"] or "none of this" in case["expected"] for case in ruled["cases"])
    assert {one["reason"] for one in ruled["obligations"]} == {None, "contradiction"}


async def test_constraints_that_nothing_fits_are_named() -> None:
    fields = [{"name": name, "type": "integer", "min": 0, "max": 3} for name in ("a", "b")]
    both = [{"left": "a", "op": "<", "right": "b"}, {"left": "b", "op": "<", "right": "a"}]
    told = await _designed(fields=fields, constraints=both)
    assert {issue["kind"] for issue in told["issues"]} == {"contradiction"}
    assert not [case for case in told["cases"] if case["type"] == "positive"]


async def test_a_proposal_that_takes_too_long_is_done_without() -> None:
    """The process is ended, and combinations are put together here."""
    with fail_after(20):
        assert await covering.propose([9] * 20, 3, [], seconds=0.2) == []
    assert await covering.propose([2, 2, 2], 2, [{0: 1, 1: 1}]) != []


async def test_large_modules_are_combined_within_bounds_and_what_is_left_out_is_counted() -> None:
    fields = [{"name": f"f{number}", "type": "enum", "values": list("abcdefgh")} for number in range(30)]
    module, wanted = Module.model_validate({"name": "m", "fields": fields}), ["pairwise"]
    with fail_after(60):
        told = await design(module, [name for name in TECHNIQUES if name in wanted], 2, Words("en"))
    combined = [one for one in told["obligations"] if one["form"] == "tuple"]
    assert told["left_out"] > 0
    assert len(combined) + told["left_out"] == 30 * 29 // 2 * 64
    assert all(one["reason"] is None for one in combined)


def test_a_search_that_would_take_for_ever_is_given_up_and_says_so() -> None:
    fields = [{"name": f"f{number}", "type": "integer", "min": 0, "max": 50} for number in range(12)]
    circle = [{"left": f"f{number}", "op": "<", "right": f"f{(number + 1) % 12}"} for number in range(12)]
    solver = Solver(Module.model_validate({"name": "m", "fields": fields, "constraints": circle}))
    with pytest.raises(Undecided):
        solver.complete({})
    assert solver.complete({"f0": 99}) is not None, "what is wrong anyhow is not compared"


async def test_a_maximum_between_two_steps_is_tested_at_the_last_step_and_the_next() -> None:
    """Each refused value has one fault: 10 and 14 would be off the steps of 4 as well."""
    made = await _designed(fields=[{"name": "n", "type": "integer", "min": 1, "max": 10, "step": 4}])
    values = {(case["inputs"]["n"], case["type"]) for case in made["cases"]}
    assert {(1, "positive"), (9, "positive"), (-3, "negative"), (13, "negative"), (6, "negative")} <= values
    assert not values & {(10, "negative"), (14, "negative"), (10, "positive")}
    assert [issue["text"] for issue in made["issues"]] == ["n: no value at the maximum fits its format"]


async def test_every_value_of_a_long_list_is_combined() -> None:
    names = [f"v{number}" for number in range(12)]
    fields = [{"name": name, "type": "enum", "values": names} for name in "ab"]
    made = await _designed(fields=fields)
    pairs = {(case["inputs"]["a"], case["inputs"]["b"]) for case in made["cases"] if case["type"] == "positive"}
    assert pairs == {(a, b) for a in names for b in names}
    assert made["left_out"] == 0
