"""Everything that was asked for as modules to be designed: what was read, and the specification beside it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from server.workflows.testcases.reading.assembling import assemble
from server.workflows.testcases.reading.findings import Finding, Unread
from server.workflows.testcases.reading.reader import read
from server.workflows.testcases.spec import Module, Spec
from server.workflows.testcases.wording import Words

SLACK_CHARS = 10
_INSIDE = re.compile(r"[。；;！？!?\n](?=.)|\.\s+(?=\S)", re.S)
"""The end of a sentence within a text."""


@dataclass(slots=True)
class Gathered:
    """``places``: by module and name, `{start, end, quote}` of what was read."""

    modules: list[Module] = field(default_factory=list)
    places: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    issues: list[dict[str, Any]] = field(default_factory=list)
    unparsed: list[dict[str, Any]] = field(default_factory=list)
    read: int = 0

    def source(self, module: str, name: str) -> dict[str, Any] | None:
        """The place of something; of the field's, rule's or state's first one where it has none of its own."""
        found = self.places.get((module, name))
        if found is None and "." in name:
            owner = name.rpartition(".")[0] + "."
            found = next(
                (place for (of, known), place in self.places.items() if of == module and known.startswith(owner)), None
            )
        return found


def gather(
    text: str | None,
    spec: Spec | None,
    title: str,
    words: Words,
    more: Sequence[Finding] = (),
    used: Sequence[Finding] = (),
) -> Gathered:
    """
    :param more: what a model has read out of the text beside the grammar.
    :param used: what it has made a case of by itself, as far as places are concerned.
    """
    told = Gathered()
    if text is not None:
        reading = read(text)
        findings = [*reading.findings, *more]
        assembled = assemble(text, findings, title or words.say("requirements"))
        told.modules += assembled.modules
        told.places = {key: place.to_json(text) for key, place in assembled.places.items()}
        told.issues += [_difference(one, words, told) for one in assembled.differences]
        left = {
            (one.start, one.end, one.text) for one in [*_left(reading.unread, [*more, *used], text), *assembled.unread]
        }
        told.unparsed = [{"start": start, "end": end, "quote": quote} for start, end, quote in sorted(left)]
        told.read = len(findings)
    known = {module.name for module in told.modules}
    for module in spec.modules if spec is not None else ():
        name = module.name
        while name in known:
            name += "′"
        known.add(name)
        told.modules.append(module.model_copy(update={"name": name}))
    return told


def _left(unread: Sequence[Unread], more: Sequence[Finding], text: str) -> list[Unread]:
    """What the grammar did not read, without what a model did: its quote is of one sentence, or of that alone."""
    return [
        one
        for one in unread
        if not any(
            each.start <= one.start
            and one.end <= each.end
            and (_is_one(text[each.start : each.end]) or each.end - each.start <= len(one.text) + SLACK_CHARS)
            for each in more
        )
    ]


def _is_one(quote: str) -> bool:
    return _INSIDE.search(quote) is None


def _difference(one: tuple[str, str, str, Any, Any], words: Words, told: Gathered) -> dict[str, Any]:
    module, name, key, first, second = one
    text = words.say("i_twice", field=name, name=key, first=first, second=second)
    return {"module": module, "kind": "difference", "text": text, "source": told.source(module, f"{name}.{key}")}
