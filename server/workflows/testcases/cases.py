"""What a case is while it is being made, and what it has to cover."""

from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from server.workflows.testcases.solver import Inputs

Technique: TypeAlias = Literal["ep", "bva", "decision", "pairwise", "state"]
TECHNIQUES: tuple[Technique, ...] = ("ep", "bva", "decision", "pairwise", "state")
Polarity: TypeAlias = Literal["positive", "negative"]
Walk: TypeAlias = list[tuple[str, str, str]]
"""Transitions one after the other: from, event, to."""


@dataclass(slots=True)
class Obligation:
    """Something that has to be tested. ``needs`` says what exactly, by ``form``; see `coverage.meets`.

    ``reason``: why no case can do it (``contradiction``, ``no_value``, ``excluded``, ``undecided``,
    ``unreachable``), or ``cut``: there are too many of its sort.
    """

    technique: Technique
    form: str
    needs: dict[str, Any]
    text: str
    polarity: Polarity = "positive"
    source: str = ""
    reason: str | None = None


@dataclass(slots=True)
class Draft:
    """A case before it has its number. ``wrong``: the field or the constraint's number that is wrong in it.

    ``decides``: what is expected says what follows by the rules; other cases may fit a rule and do not look at it.

    ``source`` is the name under which the reading knows the place in the text, such as ``age.min``.
    """

    technique: Technique
    polarity: Polarity
    title: str
    expected: str
    priority: int
    inputs: Inputs = field(default_factory=dict)
    wrong: str | int | None = None
    walk: Walk = field(default_factory=list)
    refused: tuple[str, str] | None = None
    steps: list[tuple[str, str]] = field(default_factory=list)
    preconditions: list[str] = field(default_factory=list)
    source: str = ""
    decides: bool = False


@dataclass(slots=True)
class Issue:
    """Something that is wrong with a specification. ``sources`` as in `Draft`."""

    kind: str
    text: str
    sources: list[str] = field(default_factory=list)
