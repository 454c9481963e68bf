"""A model reads what the grammar could not: what it says becomes findings and scenarios, if the text bears it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from anyio import to_thread

from server.llm.base import Message, Model, Prompt
from server.llm.budget import Budget
from server.llm.failures import BudgetSpent, ContentFiltered, ContextTooLong, ModelFailed, ModelReplyInvalid
from server.llm.fencing import GUARD, fence
from server.workflows.asking import ask_in_step
from server.workflows.base import Context
from server.workflows.testcases.model.grounding import invented_figure, invented_message, place_of
from server.workflows.testcases.model.shapes import Reading, Said, SaidScenario
from server.workflows.testcases.reading.findings import Finding, Unread
from server.workflows.testcases.reading.reader import read
from server.workflows.testcases.report import Report
from server.workflows.testcases.spec import Module
from server.workflows.testcases.wording import Language, Words

PART_CHARS = 6000
"""The model is shown about so much at once."""
MODEL_WEIGHT = 5.0
DISPENSABLE = (ModelReplyInvalid, BudgetSpent, ContextTooLong, ContentFiltered)
"""Failures of one call without which the task goes on; it is `partial` then."""
_SYSTEM = (
    "You are a software tester who reads requirements. You say only what the text says: no limit, message, state or "
    f"rule that is not in it. {GUARD}"
)
_ASK = """Below is a part of a requirements document, and a list of passages of it that a parser did not understand.
For each passage that can be tested, say what it demands, as one of
- field: what holds of one input (its type, bounds, whether it is required or unique, its allowed values),
- rule: conditions and what follows,
- transition: from one state to another by an event,
- scenario: a test case of its own, for what is none of the others.
Add scenarios for what a tester would miss otherwise, of the whole part. In `quote` give the words of the document that
say it, exactly as they stand there. In `module` give the heading that it stands under, or nothing. Leave out what can't
be tested. Never write a message between quotation marks that the document does not have. Write in {language}.

{document}

Passages that were not understood:
{passages}"""


@dataclass(slots=True)
class Told:
    """What came of the model's reading. ``ungrounded``: what it said without the text saying it, and why."""

    findings: list[Finding] = field(default_factory=list)
    scenarios: list[tuple[str, SaidScenario, dict[str, Any]]] = field(default_factory=list)
    ungrounded: list[dict[str, Any]] = field(default_factory=list)
    failures: list[dict[str, str]] = field(default_factory=list)
    calls: int = 0

    @property
    def used(self) -> list[Finding]:
        """The places that scenarios are about."""
        return [Finding("rule", source["start"], source["end"], {}) for _, _, source in self.scenarios]

    def as_modules(self, modules: Sequence[Module], words: Words) -> list[dict[str, Any]]:
        """The scenarios in the form of designed modules; each is one obligation and its case."""
        names = [module.name for module in modules]
        made: dict[str, dict[str, Any]] = {}
        for module, scenario, source in self.scenarios:
            name = module or (names[0] if names else words.say("requirements"))
            one = made.setdefault(name, {"name": name, "obligations": [], "cases": [], "issues": [], "left_out": 0})
            index = len(one["obligations"])
            kind = "negative" if scenario.negative else "positive"
            obligation = {"technique": "model", "text": scenario.title, "type": kind, "reason": None}
            one["obligations"].append({**obligation, "form": "scenario", "needs": {"quote": source["quote"]}})
            case = {"title": scenario.title, "technique": "model", "type": kind, "priority": 2}
            case |= {"preconditions": scenario.preconditions, "expected": scenario.expected, "covers": [index]}
            steps = [{"action": step, "data": ""} for step in scenario.steps]
            one["cases"].append(
                {**case, "steps": steps, "source": source, "inputs": {}, "wrong": None, "walk": [], "refused": None}
            )
        return list(made.values())


class ModelReading:
    """One task's reading with a model, a recorded step for each part of the text."""

    def __init__(self, ctx: Context, model: Model, budget: Budget, language: Language) -> None:
        self._ctx, self._model, self._budget, self._language = ctx, model, budget, language

    def parts(self, text: str) -> int:
        return len(list(parts_of(text)))

    async def read(self, text: str, report: Report) -> Told:
        """:raises ModelFailed: the model can't be had now, or not at all."""
        told = Told()
        unread = (await to_thread.run_sync(read, text)).unread
        for number, (start, end) in enumerate(parts_of(text), 1):
            own = [one for one in unread if start <= one.start < end]
            label = report.say("step_ask", number=number)
            told.calls += 1
            try:
                found = await ask_in_step(
                    self._ctx,
                    f"ask:{number}",
                    self._model,
                    self._prompt(text[start:end], own),
                    Reading,
                    self._budget,
                    thoughts=f"thoughts-{number}",
                    weight=MODEL_WEIGHT,
                    label=label,
                )
            except DISPENSABLE as failure:
                told.failures.append(_failed(number, failure))
                continue
            for said in found.said:
                _take(said, text, start, end, told)
        return told

    def _prompt(self, part: str, unread: Sequence[Unread]) -> Prompt:
        language = "Simplified Chinese" if self._language == "zh" else "English"
        listed = "\n".join(f"{number}. {one.text}" for number, one in enumerate(unread, 1)) or "(none)"
        asked = _ASK.format(
            language=language,
            document=fence("requirements", part, longest=2 * PART_CHARS),
            passages=fence("passages", listed, longest=2 * PART_CHARS),
        )
        return Prompt((Message("system", _SYSTEM), Message("user", asked)), temperature=0)


def parts_of(text: str) -> Iterator[tuple[int, int]]:
    """Parts of a text that end with a line, as far as lines are short enough."""
    start = 0
    while start < len(text):
        end = min(len(text), start + PART_CHARS)
        if end < len(text):
            line = text.rfind("\n", start + 1, end)
            end = line + 1 if line > start else end
        yield start, end
        start = end


def _failed(number: int, failure: ModelFailed) -> dict[str, str]:
    return {"step": f"ask:{number}", "code": failure.code, "message": failure.detail}


def _take(said: Said, text: str, start: int, end: int, told: Told) -> None:
    place = place_of(said.quote, text, start, end)
    given = [one for one in (said.field, said.rule, said.transition, said.scenario) if one is not None]
    if place is None or len(given) != 1:
        told.ungrounded.append(_ungrounded(said, "quote" if place is None else "form"))
        return
    quote = text[place[0] : place[1]]
    module = said.module if said.module and said.module in text else ""
    if said.scenario is not None:
        scenario = said.scenario
        if invented_message(scenario.expected, text):
            told.ungrounded.append(_ungrounded(said, "message"))
            scenario = scenario.model_copy(update={"expected": quote})
        told.scenarios.append((module, scenario, {"start": place[0], "end": place[1], "quote": quote}))
        return
    finding = _finding(said, place, module)
    if invented_figure(_figures(said), quote) is not None:
        told.ungrounded.append(_ungrounded(said, "figure"))
        return
    told.findings.append(finding)


def _figures(said: Said) -> list[Any]:
    if said.field is not None:
        return [said.field.min, said.field.max, *said.field.values]
    if said.rule is not None:
        return [one.value for one in said.rule.when if not isinstance(one.value, (bool, str))]
    return []


def _finding(said: Said, place: tuple[int, int], module: str) -> Finding:
    if said.field is not None:
        props = said.field.model_dump(exclude={"name"})
        data = {key: value for key, value in props.items() if value not in (None, [])}
        return Finding("field", *place, data, module, said.field.name)
    if said.rule is not None:
        when: dict[str, Any] = {}
        for one in said.rule.when:
            written = one.value if one.operator == "=" else f"{one.operator}{one.value}"
            when[one.name] = (*when[one.name], written) if one.name in when else (written,)
        flat = {name: values[0] if len(values) == 1 else values for name, values in when.items()}
        return Finding("rule", *place, {"when": flat, "then": said.rule.then}, module)
    assert said.transition is not None  # noqa: S101 - one of them is given, by the caller
    way = said.transition
    return Finding("transition", *place, {"from": way.from_state, "event": way.event, "to": way.to_state}, module)


def _ungrounded(said: Said, reason: str) -> dict[str, Any]:
    return {"quote": said.quote, "reason": reason, "said": said.model_dump(mode="json", exclude_none=True)}
