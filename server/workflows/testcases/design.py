"""One module → its obligations and cases, by every technique that is wanted."""

from collections.abc import Collection
from typing import Any

from anyio import to_thread

from server.workflows.testcases.bench import Bench
from server.workflows.testcases.cases import Draft, Issue, Obligation, Technique
from server.workflows.testcases.coverage import meets
from server.workflows.testcases.covering import propose
from server.workflows.testcases.decisions import design_rules
from server.workflows.testcases.inputs import design_fields
from server.workflows.testcases.pairs import Combinations
from server.workflows.testcases.solver import Undecided
from server.workflows.testcases.spec import Module
from server.workflows.testcases.walks import design_states
from server.workflows.testcases.wording import Words


async def design(module: Module, techniques: Collection[Technique], strength: int, words: Words) -> dict[str, Any]:
    """
    :return: `{name, obligations, cases, issues, left_out}` as JSON. Each case's ``covers`` are places in the list of
        obligations, which have ``reason`` where no case can cover them.
    """
    bench = Bench(module, words)
    combined = await to_thread.run_sync(_singles, bench, techniques, strength)
    rows = await propose(combined.sizes, combined.strength, combined.forbidden()) if combined.levels else []

    def finish() -> dict[str, Any]:
        combined.design(rows)
        return _told(bench, combined.left_out)

    return await to_thread.run_sync(finish)


def _singles(bench: Bench, techniques: Collection[Technique], strength: int) -> Combinations:
    _impossible(bench)
    design_fields(bench, techniques)
    design_rules(bench, techniques)
    design_states(bench, techniques)
    return Combinations(bench, techniques, strength)


def _impossible(bench: Bench) -> None:
    """Name constraints that nothing fits, where each field by itself has valid values."""
    if all(domain.usual is not None for domain in bench.solver.domains.values()):
        try:
            fits = bench.complete({}) is not None
        except Undecided:
            return
        if not fits:
            laws = [f"constraint.{law.index}" for law in bench.solver.laws]
            bench.issues.append(Issue("contradiction", bench.words.say("i_constraints"), laws))


def _told(bench: Bench, left_out: int) -> dict[str, Any]:
    covers = _coverage(bench)
    return {
        "name": bench.module.name,
        "obligations": [
            {
                "technique": one.technique,
                "text": one.text,
                "type": one.polarity,
                "reason": one.reason,
                "needs": one.needs,
            }
            | {"form": one.form}
            for one in bench.obligations
        ],
        "cases": [_case(draft, own) for draft, own in zip(bench.drafts, covers, strict=True)],
        "issues": [{"kind": issue.kind, "text": issue.text, "sources": issue.sources} for issue in bench.issues],
        "left_out": left_out,
    }


def _coverage(bench: Bench) -> list[list[int]]:
    """Of each case, the obligations that it meets. Combinations are looked up, as there are thousands of them."""
    singles = [(index, one) for index, one in enumerate(bench.obligations) if one.form != "tuple"]
    tuples = {_key(one.needs["values"]): index for index, one in enumerate(bench.obligations) if one.form == "tuple"}
    shapes = {tuple(name for name, _ in key) for key in tuples}
    found = []
    for draft in bench.drafts:
        own = [index for index, one in singles if _can(one) and meets(bench.scene, one, draft)]
        if draft.polarity == "positive" and draft.inputs:
            for names in shapes:
                if all(name in draft.inputs for name in names):
                    index = tuples.get(_key({name: draft.inputs[name] for name in names}))
                    if index is not None and _can(bench.obligations[index]):
                        own.append(index)
        found.append(sorted(own))
    met = {index for own in found for index in own}
    for index, one in enumerate(bench.obligations):
        if index not in met and one.reason is None:
            one.reason = "undecided"
    return found


def _can(obligation: Obligation) -> bool:
    return obligation.reason is None


def _key(values: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    return tuple((name, repr(value)) for name, value in values.items())


def _case(draft: Draft, covers: list[int]) -> dict[str, Any]:
    return {
        "title": draft.title,
        "technique": draft.technique,
        "type": draft.polarity,
        "priority": draft.priority,
        "preconditions": draft.preconditions,
        "steps": [{"action": action, "data": data} for action, data in draft.steps],
        "expected": draft.expected,
        "covers": covers,
        "source": draft.source,
        "inputs": draft.inputs,
        "wrong": draft.wrong,
        "walk": [list(way) for way in draft.walk],
        "refused": list(draft.refused) if draft.refused is not None else None,
    }
