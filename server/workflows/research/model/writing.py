"""The report's text: an outline, its sections side by side, and the short answer on top of them."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

from server.llm.base import Finish
from server.llm.failures import LASTING, ModelFailed
from server.reports.markdown import literal
from server.workflows.asking import write_in_step
from server.workflows.base import Step
from server.workflows.parallel import gather
from server.workflows.research.model import shapes
from server.workflows.research.model.knowledge import Evidence, Knowledge
from server.workflows.research.model.marks import Counts, Marker, without_marks
from server.workflows.research.model.prompts import SECTIONS, Prompts
from server.workflows.research.model.steps import KEPT_FOR_SUMMARY, Steps
from server.workflows.research.params import ResearchParams
from server.workflows.research.phrases import say

OUTLINE_WEIGHT, SECTION_WEIGHT, SUMMARY_WEIGHT = 8.0, 15.0, 8.0
SECTIONS_AT_ONCE = 4
KEPT_FOR_SECTIONS = 0.3
LONGEST_HEADING = 120
LEAST_CHARS = 40
_ENDS = '.!?。！？…"”’」』)]）】*_|`:：;；'


@dataclass(frozen=True, slots=True)
class Part:
    """A section that is to be written: ``key`` names its part of the report."""

    key: str
    heading: str
    goal: str
    evidence: tuple[Evidence, ...]

    @property
    def sources(self) -> list[str]:
        return list(dict.fromkeys(one.source for one in self.evidence))


class Writing:
    """``text``: the finished parts, as they are shown. ``numbers``: the report's number of each source."""

    def __init__(
        self, steps: Steps, prompts: Prompts, params: ResearchParams, language: str, knowledge: Knowledge
    ) -> None:
        self._steps, self._prompts, self._params, self._language = steps, prompts, params, language
        self._knowledge = knowledge
        self.parts: list[Part] = []
        self.numbers: dict[str, int] = {}
        self.text: dict[str, str] = {}
        self.counts = Counts()
        self.failures: list[dict[str, str]] = []

    def _say(self, phrase: str, **values: Any) -> str:
        return say(self._language, phrase, **values)

    async def run(self, brief: str, questions: list[dict[str, Any]]) -> None:
        """Write what there is evidence for; nothing where there is none.

        :raises ModelFailed: the model can't be had now; what is written stays for whoever goes on.
        """
        if self._knowledge.evidence:
            self.parts = await self._outline(brief, questions)
            for one in (one for part in self.parts for one in part.sources):
                self.numbers.setdefault(one, len(self.numbers) + 1)
        self._steps.ctx.expect(self._steps.behind + SECTION_WEIGHT * len(self.parts) + SUMMARY_WEIGHT + 5)
        await self._frame()
        written = await gather([partial(self._section, part) for part in self.parts], at_once=SECTIONS_AT_ONCE)
        later = [one for one in written if isinstance(one, ModelFailed)]
        if later:
            raise later[0]
        if self.parts:
            await self._summary([one for one in written if isinstance(one, str)])

    async def _outline(self, brief: str, questions: list[dict[str, Any]]) -> list[Part]:
        known = {one.id: one for one in self._knowledge.evidence}
        prompt = self._prompts.outline(brief, self._knowledge.told(known.values()))
        label = self._say("step_outline")
        try:
            found = await self._steps.ask(
                "outline", prompt, shapes.Outline, weight=OUTLINE_WEIGHT, label=label, keep=KEPT_FOR_SECTIONS
            )
        except LASTING as failure:
            self._note("outline", failure)
            return self._by_question(questions, known.values())
        parts: list[Part] = []
        left = dict(known)
        for one in found.sections[: SECTIONS[self._params.report.style]]:
            ids = dict.fromkeys(name.strip().strip("[]").upper() for name in one.evidence)
            own = tuple(left.pop(name) for name in ids if name in left)
            if own:
                heading = without_marks(one.heading.strip("# "), self._language)[:LONGEST_HEADING]
                parts.append(Part(f"sec{len(parts) + 1}", heading or questions[0]["text"], one.goal[:300], own))
        return parts or self._by_question(questions, known.values())

    def _by_question(self, questions: list[dict[str, Any]], evidence: Iterable[Evidence]) -> list[Part]:
        """Without an outline each question that was answered is a section."""
        of: dict[str, list[Evidence]] = {}
        for one in evidence:
            of.setdefault(one.question, []).append(one)
        answered = [question for question in questions if question["id"] in of]
        return [
            Part(f"sec{number}", question["text"], question["goal"], tuple(of[question["id"]]))
            for number, question in enumerate(answered, 1)
        ]

    async def _frame(self) -> None:
        """All headings at once: sections are written side by side, and stand in this order all the same."""

        async def work(step: Step) -> None:
            nothing = "" if self.parts else self._say("nothing") + "\n\n"
            await step.output("summary", f"## {self._say('short_answer')}\n\n{nothing}")
            for part in self.parts:
                await step.output(part.key, f"## {literal(part.heading)}\n\n")

        headings = [part.heading for part in self.parts]
        await self._steps.plain("frame", work, headings, label=self._say("step_outline"))

    async def _section(self, part: Part) -> str | ModelFailed:
        """The section's text as the model wrote it. A failure that ends the task is returned, and the others go on."""
        evidence = self._knowledge.told(part.evidence)
        prompt = self._prompts.section(part.heading, part.goal, [one.heading for one in self.parts], evidence)
        plain = "".join(f"- {one.statement} [{one.source}]\n" for one in part.evidence)
        marker = partial(self._marker, part.sources)
        return await self._written(part.key, prompt, marker, plain, KEPT_FOR_SUMMARY, SECTION_WEIGHT, part.heading)

    async def _summary(self, sections: list[str]) -> None:
        shown = "\n\n".join(f"{part.heading}\n{text}" for part, text in zip(self.parts, sections, strict=True))
        first = {one.question: one for one in reversed(self._knowledge.evidence)}
        plain = "".join(f"- {one.statement} [{one.source}]\n" for one in reversed(first.values()))
        marker = partial(self._marker, list(self.numbers))
        name = self._say("short_answer")
        done = await self._written("summary", self._prompts.summary(shown), marker, plain, 0.0, SUMMARY_WEIGHT, name)
        if isinstance(done, ModelFailed):
            raise done

    async def _written(
        self, part: str, prompt: Any, marker: Any, plain: str, keep: float, weight: float, name: str
    ) -> str | ModelFailed:
        label = self._say("step_write", name=name[:60])
        try:
            written = await write_in_step(
                self._steps.ctx,
                f"write:{part}",
                self._steps.model,
                prompt,
                self._steps.budget,
                part=part,
                thoughts=f"thoughts-{part}",
                passing=lambda: _AsPart(marker()),
                lacking=_lacking,
                keep=keep,
                weight=weight,
                label=label,
            )
        except ModelFailed as failure:
            if not isinstance(failure, LASTING):
                return failure
            self._note(f"write:{part}", failure)
            text = plain
            await self._plainly(part, marker, plain, label)
        else:
            text = written.text
            if written.partial:
                self.failures.append({"step": f"write:{part}", "code": f"text_{written.finish}", "message": ""})
                if written.finish is Finish.BUDGET and len(text) < LEAST_CHARS:
                    text = f"{text}\n\n{plain}"
                    await self._plainly(part, marker, plain, label)
        self._steps.behind += weight
        check = marker()
        self.text[part] = check.whole(text).strip()
        self.counts += check.counts
        return text

    async def _plainly(self, part: str, marker: Any, plain: str, label: str) -> None:
        """What the statements say, one after the other: the model could not, or may not, write it."""

        async def work(step: Step) -> None:
            await step.output(part, marker().whole(plain) + "\n")

        await self._steps.plain(f"list:{part}", work, {"text": plain}, label=label)

    def _marker(self, allowed: list[str]) -> Marker:
        numbers = {name: self.numbers[name] for name in allowed}
        return Marker(numbers, self._knowledge.addresses(), self._knowledge.stands, self._language)

    def _note(self, step: str, failure: ModelFailed) -> None:
        self.failures.append({"step": step, "code": failure.code, "message": failure.detail})


class _AsPart:
    """Parts follow each other: none begins with white space, and each ends with an empty line."""

    def __init__(self, marker: Marker) -> None:
        self._marker, self._begun = marker, False

    def feed(self, text: str) -> str:
        if not self._begun:
            text = text.lstrip()
            self._begun = bool(text)
        return self._marker.feed(text)

    def close(self) -> str:
        return self._marker.close() + "\n\n"


def _lacking(text: str) -> str | None:
    """A text that stops in mid-sentence is not finished, whatever the model says."""
    kept = text.rstrip()
    if kept and kept[-1] in _ENDS:
        return None
    return "Your text stops in the middle. Go on exactly after its last character, and finish it: repeat nothing."
