"""All modules' cases together: which are kept, their ids, and what is covered by them."""

from collections.abc import Sequence
from typing import Any

from server.workflows.testcases.cases import TECHNIQUES

COUNTED = ("obligations", "covered", "infeasible", "cut")


def put_together(designed: Sequence[dict[str, Any]], most: int) -> dict[str, Any]:
    """
    :param designed: what `design.design` gives, in order; each case's ``source`` is a place in the text already.
    :param most: so many cases are kept: in each turn the one that covers most of what is not covered yet.
    :return: `{cases, obligations, coverage, techniques}`. Of obligations, `infeasible` are those that no case can
        cover, `cut` those that only cases cover which were not kept, or that were too many to begin with.
    """
    kept = _kept(designed, most)
    cases: list[dict[str, Any]] = []
    obligations: list[dict[str, Any]] = []
    techniques = {name: dict.fromkeys(COUNTED, 0) for name in (*TECHNIQUES, "model")}
    for number, module in enumerate(designed, 1):
        names = [f"O{number}.{index + 1}" for index in range(len(module["obligations"]))]
        covering: list[list[str]] = [[] for _ in names]
        own = 0
        for place, case in enumerate(module["cases"]):
            if (number, place) not in kept:
                continue
            own += 1
            told = {key: case[key] for key in case if key not in ("wrong", "walk", "refused", "inputs", "covers")}
            ident = f"TC{number}-{own:03d}"
            covers = [names[index] for index in case["covers"]]
            more = {key: case[key] for key in ("inputs", "wrong", "walk", "refused")}
            cases.append({"id": ident, "module": module["name"], **told, "covers": covers, **more})
            for index in case["covers"]:
                covering[index].append(ident)
        for name, one, ids in zip(names, module["obligations"], covering, strict=True):
            status = _status(one["reason"], ids)
            obligations.append({"id": name, "module": module["name"], **one, "status": status, "cases": ids})
            techniques[one["technique"]]["obligations"] += 1
            techniques[one["technique"]][status] += 1
        techniques["pairwise"]["obligations"] += module["left_out"]
        techniques["pairwise"]["cut"] += module["left_out"]
    coverage = {name: sum(counts[name] for counts in techniques.values()) for name in COUNTED}
    used = {name: counts for name, counts in techniques.items() if counts["obligations"]}
    return {"cases": cases, "obligations": obligations, "coverage": coverage, "techniques": used}


def _status(reason: str | None, cases: Sequence[str]) -> str:
    if cases:
        return "covered"
    return "cut" if reason in (None, "cut") else "infeasible"


def _kept(designed: Sequence[dict[str, Any]], most: int) -> set[tuple[int, int]]:
    every = {(number, place): case for number, one in enumerate(designed, 1) for place, case in enumerate(one["cases"])}
    if len(every) <= most:
        return set(every)
    left = {key: {(key[0], index) for index in case["covers"]} for key, case in every.items()}
    kept: set[tuple[int, int]] = set()
    while len(kept) < most:
        best = max(left, key=lambda key: (len(left[key]), -every[key]["priority"], -key[0], -key[1]))
        kept.add(best)
        gained = left.pop(best)
        for covers in left.values():
            covers -= gained
    return kept
