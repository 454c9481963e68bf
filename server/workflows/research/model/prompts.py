"""What the model is told at each stage. Whatever comes from outside stands in fences; the user's own words do not."""

from collections.abc import Iterable
from typing import Any

from server.llm.base import Message, Prompt
from server.llm.fencing import GUARD, fence
from server.workflows.research.params import ResearchParams

LANGUAGES = {"en": "English", "zh": "Simplified Chinese (简体中文)"}
WORDS = {"brief": "60 to 120", "standard": "150 to 300", "long": "300 to 600"}
SECTIONS = {"brief": 3, "standard": 6, "long": 10}
_ROLE = "You are a careful researcher. You say nothing that your sources do not say."
_CITING = (
    "After each sentence that rests on a source put that source's id in square brackets, as [S3] or [S3][S5]; use no "
    "other ids. Write no links, no addresses, no list of sources and no headings. What stands in quotation marks must "
    "be copied letter for letter from a quote below. Where sources contradict each other, say so. Say nothing that is "
    "not in the statements below."
)


class Prompts:
    """All prompts of one task. They depend on its parameters and on what earlier steps have recorded."""

    def __init__(self, params: ResearchParams, language: str, today: str) -> None:
        self._params, self._language, self._today = params, language, today

    def scope(self) -> Prompt:
        return self._thinking(
            "scope",
            "Say in 2 to 5 lines what is to be found out, what belongs to it, and what would count as an answer. "
            "Do not answer it.",
        )

    def plan(self, brief: str, grounding: Iterable[tuple[str, str]]) -> Prompt:
        found = "\n\n".join(fence(name, text, longest=1500) for name, text in grounding)
        return self._thinking(
            "plan",
            f"What is wanted:\n{brief}\n\n"
            + (f"A first search brought, so that you know the terms:\n\n{found}\n\n" if found else "")
            + f"Plan at most {self._params.breadth} questions whose answers together answer it: from several angles, "
            "criticism or limits among them, none that overlaps with another. Give each question its goal and 1 to 3 "
            "search queries of a few words, in the languages in which sources are likely to be written.",
        )

    def learn(
        self, question: dict[str, Any], material: Iterable[tuple[str, str]], *, most: int, longest: int
    ) -> Prompt:
        shown = "\n\n".join(fence(name, text, longest=longest) for name, text in material)
        return self._working(
            "learn",
            f"The question: {question['text']}\n"
            + (f"Its goal: {question['goal']}\n" if question["goal"] else "")
            + f"\nThe sources:\n\n{shown}\n\n"
            f"List at most {most} things that these sources say and that help to answer the question, the most "
            "important first; numbers, names and dates above all. For each give the source's id, the statement in one "
            "sentence of your own, and the quote: the source's own words that say so, copied letter for letter, in the "
            "source's language, not shortened inside. If the sources say nothing on it, give an empty list.",
        )

    def gaps(self, brief: str, questions: Iterable[dict[str, Any]], known: str, most: int) -> Prompt:
        asked = "\n".join(f"- {question['text']}" for question in questions)
        return self._thinking(
            "gaps",
            f"What is wanted:\n{brief}\n\nAsked so far:\n{asked}\n\nWhat was learnt:\n\n"
            f"{fence('learnt', known or 'nothing')}\n\n"
            f"Which questions are still open and could be answered by another search? At most {most}, none that was "
            "asked before in other words; an empty list if what was learnt is enough.",
        )

    def outline(self, brief: str, evidence: str) -> Prompt:
        return self._thinking(
            "write",
            f"What is wanted:\n{brief}\n\nWhat was learnt, each with its id:\n\n"
            f"{fence('evidence', evidence, longest=60_000)}\n\n"
            f"Outline a report of at most {SECTIONS[self._params.report.style]} sections: for each its heading, its "
            "goal and the ids of the statements that it rests on, as E4. Use each statement in one section; leave out "
            "what does not help. No introduction, no summary, no conclusion, no list of sources: these are made apart.",
        )

    def section(self, heading: str, goal: str, headings: Iterable[str], evidence: str) -> Prompt:
        return self._thinking(
            "write",
            f"The report has these sections: {'; '.join(headings)}.\n\nWrite the section “{heading}” "
            + (f"({goal}) " if goal else "")
            + f"in {WORDS[self._params.report.style]} words. {_CITING}\n\nIts statements and quotes:\n\n"
            f"{fence('evidence', evidence, longest=40_000)}",
        )

    def summary(self, sections: str) -> Prompt:
        return self._thinking(
            "write",
            f"These are the sections of a report:\n\n{fence('sections', sections, longest=40_000)}\n\n"
            "Write its short answer, which stands on top: 2 to 5 sentences that answer the question as far as the "
            f"sections do, and say what remains open. {_CITING.replace('the statements below', 'the sections above')}",
        )

    def _thinking(self, stage: str, text: str) -> Prompt:
        return Prompt(
            self._messages(stage, text), thinking=True, model=self._params.thinking_model or self._params.model
        )

    def _working(self, stage: str, text: str) -> Prompt:
        return Prompt(self._messages(stage, text), model=self._params.model)

    def _messages(self, stage: str, text: str) -> tuple[Message, ...]:
        system = [
            _ROLE,
            GUARD,
            f"Today is {self._today}. Write in {LANGUAGES[self._language]}; quotes stay in their source's language.",
        ]
        if self._params.instructions:
            system.append(f"The user asks you to mind this: {self._params.instructions}")
        if own := getattr(self._params.prompts, stage):
            system.append(f"And at this stage: {own}")
        return Message("system", "\n".join(system)), Message("user", f"The question: {self._params.query}\n\n{text}")
