"""Validators with one fault each, off by one, and whether cases tell them from the right one."""

import ast
import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from tests.workflows.testcases import validators

Validator = Callable[[dict[str, Any]], str]
TURNED: dict[type[ast.cmpop], ast.cmpop] = {ast.Lt: ast.LtE(), ast.LtE: ast.Lt(), ast.Gt: ast.GtE(), ast.GtE: ast.Gt()}


@dataclass(frozen=True, slots=True)
class Mutant:
    """``fault`` says where it differs."""

    fault: str
    run: Validator


def mutants_of(name: str) -> Iterator[Mutant]:
    """Each comparison with its bound moved in or out, and each number in one, one up and one down."""
    source = inspect.getsource(getattr(validators, name))
    spots = [
        (number, change)
        for number, node in enumerate(ast.walk(ast.parse(source)))
        if isinstance(node, ast.Compare)
        for change in ("sign", 1, -1)
    ]
    for number, change in spots:
        tree = ast.parse(source)
        node = list(ast.walk(tree))[number]
        assert isinstance(node, ast.Compare)
        before = ast.unparse(node)
        if not _changed(node, change):
            continue
        made: dict[str, Any] = {**vars(validators)}
        exec(compile(ast.fix_missing_locations(tree), name, "exec"), made)  # noqa: S102 - our own validators
        yield Mutant(f"{name}: {before} → {ast.unparse(node)}", made[name])


def _changed(node: ast.Compare, change: str | int) -> bool:
    if isinstance(change, str):
        turned = TURNED.get(type(node.ops[0]))
        if turned is not None:
            node.ops[0] = turned
        return turned is not None
    for inner in ast.walk(node.comparators[0]):
        if isinstance(inner, ast.Constant) and type(inner.value) is int:
            inner.value += change
            return True
    return False


def verdict(run: Validator, case: dict[str, Any], outcomes: list[str]) -> bool:
    """Whether what a validator does is what a case expects."""
    try:
        got = run(case["inputs"])
    except (TypeError, KeyError, AttributeError):
        got = "refused"
    if case["type"] == "negative":
        return got == "refused"
    named = [outcome for outcome in outcomes if outcome in case["expected"]]
    if outcomes and set(named) == set(outcomes) and ("没有规则" in case["expected"] or "No rule" in case["expected"]):
        return got == "none"
    return got in named if named else got not in ("refused",)
