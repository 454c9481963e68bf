"""Which obligations a case meets: found out from what is in the case, whoever made it and whatever for."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from server.workflows.testcases.cases import Draft, Obligation
from server.workflows.testcases.domains import EMPTY, Domain
from server.workflows.testcases.solver import Solver
from server.workflows.testcases.spec import Rule, conditions_of

_BREAKS = {"below": "min", "above": "max", "pattern": "pattern", "unlisted": "values", "finer": "step"}


@dataclass(frozen=True)
class Scene:
    """What the module says, as far as coverage depends on it."""

    solver: Solver
    rules: Sequence[Rule]


def same(left: Any, right: Any) -> bool:
    """`1` and `true` differ, `1` and `1.0` don't."""
    return isinstance(left, bool) is isinstance(right, bool) and bool(left == right)


def meets(scene: Scene, obligation: Obligation, draft: Draft) -> bool:
    if obligation.polarity != draft.polarity:
        return False
    needs, inputs = obligation.needs, draft.inputs
    if obligation.form in ("rule", "column", "threshold") and not draft.decides:
        return False
    match obligation.form:
        case "class":
            name = needs["field"]
            if name not in inputs or (draft.polarity == "negative" and draft.wrong != name):
                return False
            return in_class(scene.solver.domains[name], needs["key"], inputs[name], needs["value"])
        case "value":
            name = needs["field"]
            right_one = draft.polarity == "positive" or draft.wrong == name
            return right_one and name in inputs and same(inputs[name], needs["value"])
        case "mark":
            return bool(draft.wrong == needs["mark"])
        case "broken":
            return bool(draft.wrong == needs["law"])
        case "relation":
            return _related(scene, draft, **needs)
        case "rule":
            return _holds(scene.rules[needs["rule"]], draft)
        case "column":
            names = {each.name for rule in scene.rules for each in rule.conditions}
            return names <= inputs.keys() and vectors(scene.rules, draft) == needs["vectors"]
        case "threshold":
            if needs["name"] not in inputs or not same(inputs[needs["name"]], needs["value"]):
                return False
            others = [one for one in scene.rules[needs["rule"]].conditions if one.name != needs["name"]]
            return all(one.name in inputs and one.holds(inputs[one.name]) for one in others)
        case "tuple":
            return all(name in inputs and same(inputs[name], value) for name, value in needs["values"].items())
        case "state":
            return any(needs["state"] in (one[0], one[2]) for one in draft.walk)
        case "transition":
            return tuple(needs["walk"]) in draft.walk
        case "refused":
            return draft.refused == (needs["state"], needs["event"])
    return False


def vectors(rules: Sequence[Rule], draft: Draft) -> list[list[bool]]:
    """Of each rule, which of its conditions hold; of what the case does not tell, none does."""
    return [
        [one.name in draft.inputs and one.holds(draft.inputs[one.name]) for one in conditions_of(rule.when)]
        for rule in rules
    ]


def _holds(rule: Rule, draft: Draft) -> bool:
    return all(one.name in draft.inputs and one.holds(draft.inputs[one.name]) for one in rule.conditions)


def _related(scene: Scene, draft: Draft, law: int, way: int) -> bool:
    told = scene.solver.laws[law].constraint
    left, right = told.left or "", told.right or ""
    if draft.polarity == "negative" and draft.wrong != law:
        return False
    if left not in draft.inputs or right not in draft.inputs:
        return False
    domain = scene.solver.domains[left]
    first, second = (domain.place(draft.inputs[name]) for name in (left, right))
    return first is not None and second is not None and first == second + way * domain.step


def in_class(domain: Domain, key: str, value: Any, example: Any) -> bool:
    """Whether a value belongs to an equivalence class, of which another is the example."""
    faults = domain.faults(value)
    if key == "typical":
        return not faults and value != EMPTY
    if key == "empty":
        return bool(value == EMPTY)
    if key.startswith("value:"):
        alike = str(value.get("file")).endswith("." + key[6:]) if isinstance(value, dict) else same(value, example)
        return not faults and alike
    if key.startswith("without_"):
        return "contains:" + key.removeprefix("without_") in faults
    if key in _BREAKS:
        return _BREAKS[key] in faults
    return "type" in faults and type(value) is type(example)
