"""What can be asked for: what is wrong in any field is refused, and the answer says what would be right."""

from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from server.api.requests import request_for
from server.workflows.testcases.workflow import cases_workflow
from tests.serving import Running, serving, settings


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with serving(settings(tmp_path_factory.mktemp("testcases"))) as running:
        yield running


def field(**more: Any) -> dict[str, Any]:
    return {"spec": {"modules": [{"name": "m", "fields": [{"name": "f", **more}]}]}}


def module(**more: Any) -> dict[str, Any]:
    return {"spec": {"modules": [{"name": "m", "fields": [{"name": "f"}, {"name": "g"}], **more}]}}


WRONG: dict[str, tuple[dict[str, Any], str, str]] = {
    "nothing to read": ({}, "text", "Give requirements in `text` or as"),
    "upload": ({"upload": "x"}, "upload", "64 hex digits"),
    "upload and text": ({"upload": "0" * 64, "text": "x"}, "upload", "not both"),
    "empty text": ({"text": "  "}, "text", "at least 1 character"),
    "long text": ({"text": "x" * 200_001}, "text", "at most 200000"),
    "title": ({"text": "x", "title": "x" * 201}, "title", "at most 200"),
    "technique": (
        {"text": "x", "techniques": ["guess"]},
        "techniques.0",
        "'ep', 'bva', 'decision', 'pairwise' or 'state'",
    ),
    "no technique": ({"text": "x", "techniques": []}, "techniques", "at least 1"),
    "strength": ({"text": "x", "strength": 4}, "strength", "2 or 3"),
    "max_cases": ({"text": "x", "max_cases": 0}, "max_cases", "greater than or equal to 1"),
    "language": ({"text": "x", "language": "de"}, "language", "'auto', 'en' or 'zh'"),
    "engine": ({"text": "x", "engine": "magic"}, "engine", "'auto', 'embedded' or 'llm'"),
    "budget": ({"text": "x", "budget": {"calls": 0}}, "budget.calls", "greater than 0"),
    "unknown": ({"text": "x", "colour": 1}, "colour", "Extra inputs"),
    "no module": ({"spec": {"modules": []}}, "spec.modules", "at least 1"),
    "empty module": ({"spec": {"modules": [{"name": "m"}]}}, "spec.modules.0", "give it fields, rules or states"),
    "module twice": ({"spec": {"modules": [module()["spec"]["modules"][0]] * 2}}, "spec", "given twice"),
    "type": (field(type="colour"), "spec.modules.0.fields.0.type", "'string'"),
    "bound": (field(type="integer", min="x"), "spec.modules.0.fields.0", "is a number"),
    "fraction": (field(type="integer", min=1.5), "spec.modules.0.fields.0", "whole number"),
    "length": (field(max=10_001), "spec.modules.0.fields.0", "10000 at most"),
    "negative": (field(min=-1), "spec.modules.0.fields.0", "not below 0"),
    "day": (field(type="date", min="2026-02-30"), "spec.modules.0.fields.0", "2026-01-31"),
    "two calendars": (field(type="date", min="today", max="2026-01-01"), "spec.modules.0.fields.0", "both"),
    "pattern": (field(pattern="(?=a)"), "spec.modules.0.fields.0", "can't be used"),
    "pattern of a number": (field(type="integer", pattern="1"), "spec.modules.0.fields.0", "goes with `type` string"),
    "contains": (field(contains=["vowel"]), "spec.modules.0.fields.0.contains.0", "'upper'"),
    "values": (field(values=["a"]), "spec.modules.0.fields.0", "goes with `type` enum"),
    "no values": (field(type="enum"), "spec.modules.0.fields.0", "needs `values`"),
    "value twice": (field(type="enum", values=["a", "a"]), "spec.modules.0.fields.0", "given twice"),
    "step": (field(type="integer", step=0), "spec.modules.0.fields.0", "above 0"),
    "required": (field(required="maybe"), "spec.modules.0.fields.0.required", "boolean"),
    "bounds of a list": (field(type="enum", values=["a"], min=1), "spec.modules.0.fields.0", "does not go with"),
    "field twice": (module(fields=[{"name": "f"}, {"name": "f"}]), "spec.modules.0", "given twice"),
    "empty rule": (module(rules=[{"when": {}, "then": "x"}]), "spec.modules.0.rules.0.when", "at least 1"),
    "rule without end": (module(rules=[{"when": {"f": "x"}}]), "spec.modules.0.rules.0.then", "required"),
    "constraint": (module(constraints=[{"if": {"f": "x"}}]), "spec.modules.0.constraints.0", "Give `if` with `then`"),
    "constraint on nothing": (module(constraints=[{"never": {"h": "x"}}]), "spec.modules.0", "no field of the module"),
    "one field compared": (
        module(constraints=[{"left": "f", "op": "<", "right": "f"}]),
        "spec.modules.0.constraints.0",
        "two fields",
    ),
    "operator": (
        module(constraints=[{"left": "f", "op": "~", "right": "g"}]),
        "spec.modules.0.constraints.0.op",
        "'='",
    ),
    "states": (module(states={"initial": "a", "transitions": []}), "spec.modules.0.states.transitions", "at least 1"),
    "transition": (
        module(states={"initial": "a", "transitions": [{"from": "a"}]}),
        "spec.modules.0.states.transitions.0.to",
        "required",
    ),
}


@pytest.mark.parametrize(("params", "path", "message"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_refused_and_said(server: Running, params: dict[str, Any], path: str, message: str) -> None:
    answer = httpx2.post(f"{server.url}/api/tasks", json={"kind": "testcases", "params": params}, timeout=30)
    assert answer.status_code == 422
    told = [(one["path"], one["message"]) for one in answer.json()["errors"]]
    assert any(where == path and message in what for where, what in told), told


def test_a_model_that_is_not_there_is_asked_for_in_vain(server: Running) -> None:
    asked = {"kind": "testcases", "params": {"text": "x", "engine": "llm"}}
    answer = httpx2.post(f"{server.url}/api/tasks", json=asked, timeout=30)
    assert (answer.status_code, answer.json()["code"]) == (409, "model_required")


def test_what_is_kept_of_a_request_is_what_the_task_is_run_with() -> None:
    """A task is taken up from its birth record alone, in which the names stand as they were given."""
    workflow = cases_workflow()
    constraints = [{"if": {"f": "x"}, "then": {"g": ["!=x", "!=y"]}}, {"left": "f", "op": "!=", "right": "g"}]
    states = {"initial": "a", "transitions": [{"from": "a", "event": "e", "to": "b"}]}
    params = module(
        constraints=constraints, states=states, rules=[{"when": {"f": "x", "n": [">1", "<3"]}, "then": "t"}]
    )
    wanted = request_for(workflow, params, "local", from_query=False)
    assert workflow.params.model_validate(wanted.params) == workflow.params.model_validate(params)
