"""States that arrows lead through, alike in both languages: A→B→C, branches B→C/D, with a label before them."""

import re
from collections.abc import Iterator
from itertools import pairwise, product
from typing import Any

from server.workflows.testcases.reading.findings import Kind

ARROW = r"(?:→|->|=>|—>|－>|⇒|➔)"
_ARROW = re.compile(ARROW)
_EITHER = re.compile(r"\s*[/|]\s*|\s*或者?\s*|\s+or\s+|\s*、\s*", re.I)
LABEL_ZH = (
    r"(?:[^，,。；;：:→\s>]{0,12}(?:状态|流转|流程|变化|变更|生命周期)[^，,。；;：:→\s>]{0,6}"
    rf"(?:[：:]\s*|[为是]\s*(?=[^，,。；;：:]{{1,14}}{ARROW})))"
)
LABEL_EN = (
    r"(?:[\w' ]{0,30}\b(?:stat(?:us(?:es)?|es?)|flow|workflow|transitions?|life ?cycle)\b[\w' ]{0,14}"
    r"(?::|\b(?:is|are)\b)\s*)"
)


def chained(found: re.Match[str]) -> list[tuple[Kind, dict[str, Any]]] | None:
    """``chain``: the states with their arrows; ``event``, if any, is what leads along the only one."""
    chains = list(_chains(found["chain"]))
    event = (found["event"] or "").strip("（）() ")
    told: list[tuple[Kind, dict[str, Any]]] = []
    for chain in chains:
        groups = [[_bare(one) for one in _EITHER.split(group)] for group in _ARROW.split(chain)]
        if not all(all(group) for group in groups):
            return None
        alone = event if len(chains) == 1 and len(groups) == 2 else ""
        for sources, targets in pairwise(groups):
            told += [("transition", {"from": a, "event": alone, "to": b}) for a, b in product(sources, targets)]
    return told


def _chains(written: str) -> Iterator[str]:
    """A→B、B→C are two; what follows 、 without an arrow is another state that the same arrow leads to."""
    parts = written.split("、")
    if all(_ARROW.search(part) for part in parts):
        yield from parts
    else:
        yield written


def _bare(state: str) -> str:
    return state.strip(" 　“”\"'‘’「」[]【】")
