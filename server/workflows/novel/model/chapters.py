"""A model writes chapters one after the other, each as recorded steps: its text, its summary, its keeping."""

import re
from dataclasses import dataclass
from functools import partial
from typing import Any

from server.errors import BatchBlocked
from server.llm.base import Model
from server.llm.budget import Budget
from server.llm.failures import BudgetSpent, ContentFiltered, ContextTooLong, ModelReplyInvalid
from server.reports.markdown import literal
from server.sources.sentences import sentences
from server.workflows.asking import Written, ask_in_step, write_in_step
from server.workflows.base import Context, Step
from server.workflows.novel.bible import MODEL, Bible, changes_of
from server.workflows.novel.brief import Brief
from server.workflows.novel.checks.health import count_words
from server.workflows.novel.desk import Desk
from server.workflows.novel.entities import Book, ChapterPlan, ChapterSummary, ChapterText, Character, Touched
from server.workflows.novel.model import shapes
from server.workflows.novel.model.prompts import Prompts
from server.workflows.novel.params import NovelParams
from server.workflows.novel.words import clip, heading, say

WRITE_WEIGHT, SUMMARY_WEIGHT = 20.0, 4.0
CONTEXT_SHARES = (1.0, 0.5, 0.25)
"""How much of the context is used, where the model can't take it in whole."""
ENOUGH = 0.6
"""A text that is shorter than this share of its budget is to be gone on with."""
SAME_FAILURES = 3
EXTRACT_SENTENCES = 2
OF_ONE_CHAPTER = (ModelReplyInvalid, ContextTooLong, ContentFiltered)
"""Failures that concern one chapter, and not the model."""
_ENDS = '.!?。！？…"”’」』)）*—~～'
_HEADING = re.compile(
    r"^\s*(?:#+\s.*|\**第\s*[0-9〇零一二三四五六七八九十百千两]{1,9}\s*[章回].{0,60}|\**chapter\s+\d{1,4}\b.{0,60})$",
    re.I,
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a chapter: ``written``, ``kept`` as it was, ``failed`` or ``skipped``."""

    number: int
    status: str
    words: int = 0
    finish: str | None = None
    revision: int | None = None
    error: dict[str, str] | None = None

    def to_json(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}


class ModelChapters:
    """One run. All that it decides by comes from the steps' records."""

    def __init__(
        self, ctx: Context, params: NovelParams, model: Model, budget: Budget, desk: Desk, book: Book, prompts: Prompts
    ) -> None:
        self._ctx, self._params, self._model, self._budget = ctx, params, model, budget
        self._desk, self._book, self._prompts = desk, book, prompts
        self._outcomes: list[Outcome] = []
        self._same: list[tuple[str, str, int]] = []
        self._spent = False

    async def run(self, wanted: list[int]) -> list[Outcome]:
        """:raises BatchBlocked: one chapter after the other failed for the same reason.
        :raises ModelFailed: the model can't be had now; what is written stays written.
        """
        todo = set(wanted) if self._params.overwrite else set(self._desk.bible.missing(wanted))
        self._ctx.expect(len(todo) * (WRITE_WEIGHT + SUMMARY_WEIGHT), items=len(wanted))
        for number in wanted:
            outcome = await self._chapter(number) if number in todo else Outcome(number, "kept")
            self._outcomes.append(outcome)
            await self._ctx.step(
                f"item:{number}", partial(self._tell, outcome), outcome.to_json(), weight=0.0, label=self._label(number)
            )
            self._watch(outcome)
        return self._outcomes

    def _label(self, number: int, what: str = "write") -> str:
        return say(self._book.language, f"step_{what}", number=number)

    async def _tell(self, outcome: Outcome, step: Step) -> None:
        counted = {"written": "completed", "failed": "failed"}.get(outcome.status, "skipped")
        await step.item({"key": f"chapter-{outcome.number}", **outcome.to_json()}, outcome=counted)
        note = ""
        if outcome.status == "kept":
            note = say(self._book.language, "there_already")
        elif outcome.error is not None:
            values = {"code": outcome.error["code"], "message": literal(outcome.error["message"])}
            note = say(self._book.language, "failed", **values)
        elif outcome.status == "skipped":
            note = say(self._book.language, "skipped_budget")
        if note:
            title = heading(self._book.language, outcome.number, "")
            await step.output(f"note-{outcome.number}", f"## {title}\n\n*{note}*\n\n")

    async def _chapter(self, number: int) -> Outcome:
        bible = await self._desk.look(f"look:{number}", say(self._book.language, "step_look"))
        key = f"text:{number}"
        seen = self._params.base_revision
        if bible.kept([key], by=MODEL, overwrite=self._params.overwrite, base_revision=seen):
            return Outcome(number, "kept")  # somebody has written it since this task began
        if self._spent:
            return Outcome(number, "skipped")
        try:
            written, brief = await self._write(bible, number)
        except BudgetSpent:
            self._spent = True
            return Outcome(number, "skipped")
        except OF_ONE_CHAPTER as failure:
            return Outcome(number, "failed", error={"code": failure.code, "message": failure.detail})
        text = tidy(written.text)
        if not text:
            return Outcome(number, "failed", error={"code": "text_empty", "message": "The model wrote no text."})
        summary = await self._sum_up(bible, number, text, brief)
        plan = bible.numbered(ChapterPlan).get(number)
        kept = ChapterText(number=number, title=plan.title if plan is not None else "", text=text)
        told = await self._desk.enter(
            f"keep:{number}", changes_of([kept, summary]), by=MODEL, label=say(self._book.language, "step_keep")
        )
        status = "kept" if key in told["kept"] else "written"
        return Outcome(number, status, count_words(text), str(written.finish), told["revision"])

    async def _write(self, bible: Bible, number: int) -> tuple[Written, Brief]:
        plan = bible.numbered(ChapterPlan).get(number)
        title = heading(self._book.language, number, plan.title if plan is not None else "")
        words = (plan.words if plan is not None else 0) or self._book.words_per_chapter
        failure: ContextTooLong | None = None
        for attempt, share in enumerate(CONTEXT_SHARES, 1):
            prompt, brief = self._prompts.chapter(bible, number, int(self._params.context_tokens * share))
            try:
                written = await write_in_step(
                    self._ctx,
                    f"write:{number}" + (f".{attempt}" if attempt > 1 else ""),
                    self._model,
                    prompt,
                    self._budget,
                    part=f"chapter-{number}",
                    thoughts=f"thoughts-{number}",
                    passing=lambda: AsChapter(title),
                    lacking=partial(lacking, words),
                    weight=WRITE_WEIGHT,
                    label=self._label(number),
                )
            except ContextTooLong as too_long:
                failure = too_long
            else:
                return written, brief
        raise failure or ContextTooLong

    async def _sum_up(self, bible: Bible, number: int, text: str, brief: Brief) -> ChapterSummary:
        """By the model, checked; where it can't be had, the first and the last sentences."""
        hints = [one for one, _ in brief.due]
        try:
            draft = await ask_in_step(
                self._ctx,
                f"summary:{number}",
                self._model,
                self._prompts.summary(bible, number, text, hints),
                shapes.SummaryDraft,
                self._budget,
                thoughts=f"thoughts-summary-{number}",
                weight=SUMMARY_WEIGHT,
                label=self._label(number, "summary"),
            )
        except (BudgetSpent, *OF_ONE_CHAPTER):
            return ChapterSummary(number=number, summary=extract(text))
        people = {name: one.id for one in bible.of(Character) for name in (*one.aliases, one.id, one.name)}
        states = {people[one.name]: clip(one.state.strip(), 300) for one in draft.states if one.name in people}
        found = [
            Touched(id=one.id, action=one.action, quote=one.quote.strip()[:500])
            for one in draft.foreshadowing
            if one.id in hints and one.quote.strip() and one.quote.strip()[:500] in text
        ]
        said = draft.summary.strip() or extract(text)
        return ChapterSummary(
            number=number, summary=said, states=states, touched=tuple({one.id: one for one in found}.values())
        )

    def _watch(self, outcome: Outcome) -> None:
        """:raises BatchBlocked: it has failed like this too often in a row."""
        error = outcome.error
        if error is None:
            if outcome.status == "written":
                self._same = []
            return
        if self._same and self._same[-1][0] != error["code"]:
            self._same = []
        self._same.append((error["code"], error["message"], outcome.number))
        if len(self._same) >= SAME_FAILURES:
            numbers = [number for _, _, number in self._same]
            parts = ("write:{}", "write:{}.2", "write:{}.3", "item:{}")
            raise BatchBlocked(
                f"{len(numbers)} chapters in a row failed with `{error['code']}`: {error['message']} "
                "Put that right, then `resume`: these chapters are tried again, and what is written stays.",
                again=[part.format(number) for number in numbers for part in parts],
            )


class AsChapter:
    """Puts the heading before a text, and shows each line of it as a paragraph that says just that."""

    def __init__(self, title: str) -> None:
        self._title, self._line, self._begun = title, "", False

    def feed(self, text: str) -> str:
        *lines, self._line = (self._line + text).split("\n")
        return "".join(map(self._shown, lines))

    def close(self) -> str:
        shown = self._shown(self._line)
        self._line = ""
        return shown

    def _shown(self, line: str) -> str:
        line = line.strip()
        if not line:
            return ""
        if self._begun:
            return f"{literal(line)}\n\n"
        self._begun = True
        head = f"## {literal(self._title)}\n\n"
        return head if _HEADING.match(line) else f"{head}{literal(line)}\n\n"


def tidy(text: str) -> str:
    """Without the heading that models like to put there, and with one empty line between paragraphs."""
    lines = [line.strip() for line in text.split("\n") if line.strip()]
    if lines and _HEADING.match(lines[0]):
        lines = lines[1:]
    return "\n\n".join(lines)


def lacking(words: int, text: str) -> str | None:
    """What a chapter that claims to be finished still lacks."""
    there = count_words(text)
    if there < words * ENOUGH:
        return (
            f"The chapter has about {there} of {words} words. Go on exactly after its last character, with what the "
            "brief still holds: repeat nothing, say nothing about this."
        )
    if text.rstrip()[-1:] not in _ENDS:
        return "Your text stops in the middle. Go on exactly after its last character, and finish it: repeat nothing."
    return None


def extract(text: str) -> str:
    """The first and the last sentences, word for word: what code can say of a chapter."""
    flat = " ".join(text.split())
    found = [flat[start:end] for start, end in sentences(flat)]
    chosen = (
        found if len(found) <= 2 * EXTRACT_SENTENCES else [*found[:EXTRACT_SENTENCES], "…", *found[-EXTRACT_SENTENCES:]]
    )
    return clip(" ".join(chosen), 1200)
