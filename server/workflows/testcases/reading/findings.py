"""What a sentence was found to say, and where it says so."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

Kind: TypeAlias = Literal["field", "rule", "transition", "initial", "constraint"]

CARRIED = "{subject}"
"""Stands in what a saying gives for the field that the text spoke of last."""


@dataclass(slots=True)
class Finding:
    """One thing that was read. ``start`` and ``end`` count code points of the whole text.

    ``data`` of a `field`: properties as in a specification; of ``charset`` and ``first`` its pattern is made.
    """

    kind: Kind
    start: int
    end: int
    data: dict[str, Any]
    module: str = ""
    subject: str = ""


@dataclass(frozen=True, slots=True)
class Unread:
    """A piece of a sentence that nothing was made of."""

    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Phrase:
    """A way of saying something of a field: ``props`` makes the properties of a match, or None where it was none."""

    pattern: re.Pattern[str]
    props: Callable[[re.Match[str]], dict[str, Any] | None]


@dataclass(frozen=True, slots=True)
class Saying:
    """A way in which a whole sentence says something: ``read`` makes findings' kinds and data, or None."""

    pattern: re.Pattern[str]
    read: Callable[[re.Match[str]], list[tuple[Kind, dict[str, Any]]] | None]


@dataclass(frozen=True, slots=True)
class Grammar:
    """How one language says what is required.

    ``empty``: whether a rest says nothing by itself. ``subject``: what a rest names, bared of everything else.
    """

    sayings: list[Saying]
    phrases: list[Phrase]
    empty: Callable[[str], bool]
    subject: Callable[[str], str]
    split: re.Pattern[str] = field(default_factory=lambda: re.compile(r"[，,；;]"))
