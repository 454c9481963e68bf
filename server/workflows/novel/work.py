"""One run of a task about a novel: reads its bible, plans or writes, keeps that, checks what stands there then."""

from collections.abc import Iterable
from functools import partial
from typing import Any

from anyio import to_thread

from server.errors import WorkflowFailed
from server.llm.base import Model
from server.llm.failures import BudgetSpent, ModelFailed
from server.reports.markdown import literal
from server.sources.failures import Unreadable
from server.sources.sent import text_of
from server.workflows.asking import ask_in_step
from server.workflows.base import Context, Step
from server.workflows.engines import engine_for, needs_model
from server.workflows.novel.admission import book_of, check_against
from server.workflows.novel.bible import EMBEDDED, MODEL, PERSON, Bible, changes_of, key_of
from server.workflows.novel.brief import brief_of
from server.workflows.novel.desk import Desk
from server.workflows.novel.entities import Book, ChapterPlan, ChapterText, Entity
from server.workflows.novel.findings import Finding, warning
from server.workflows.novel.manuscript import Manuscript, split
from server.workflows.novel.model import shapes
from server.workflows.novel.model.chapters import OF_ONE_CHAPTER, ModelChapters, Outcome
from server.workflows.novel.model.planning import ASK_WEIGHT, CHAPTERS_AT_ONCE, ModelPlanning
from server.workflows.novel.model.prompts import Prompts
from server.workflows.novel.params import LONGEST_MANUSCRIPT, BibleInput, NovelParams
from server.workflows.novel.planner import LEFT_TO_A_MODEL, draft, slots_of, surplus
from server.workflows.novel.resolving import resolved
from server.workflows.novel.review import as_markdown, check, matrix_of, review
from server.workflows.novel.sheets import book_json, chapter_markdown, prose, sheet
from server.workflows.novel.words import heading, listed, say

REVIEW_WEIGHT = 10.0
MODEL_TYPES = frozenset(LEFT_TO_A_MODEL)
"""The types of tasks in which a model has a part."""


class Novel:
    """All that it decides by comes from its parameters and from the steps' records."""

    def __init__(self, ctx: Context, params: NovelParams, model: Model | None) -> None:
        self._ctx, self._params = ctx, params
        engine = engine_for(params.engine, model)
        self._model = model if engine == "llm" and params.task_type in MODEL_TYPES else None
        self._by = MODEL if self._model is not None else EMBEDDED
        self._budget = params.budget.opened(model)
        self._desk = Desk(ctx, params)
        self._failures: list[dict[str, str]] = []

    async def run(self) -> dict[str, Any]:
        """:raises HoldfastError: as `check_against`, for what has come to be since the task was admitted."""
        bible = await self._desk.look("look")
        check_against(self._params, bible)
        self._base = bible.revision
        self._book = book_of(self._params, bible)
        self._language = self._book.language
        match self._params.task_type:
            case "import":
                manuscript = await to_thread.run_sync(split, await self._manuscript())
                return await self._import(self._params.bible or BibleInput(), manuscript)
            case "export":
                return await self._export()
            case "review":
                return await self._review()
            case "chapter":
                await self._frame()
                return await (self._brief() if self._model is None else self._write(self._model))
        await self._frame()
        return await self._plan()

    def _say(self, phrase: str, **values: Any) -> str:
        return say(self._language, phrase, **values)

    async def _frame(self) -> None:
        """The book itself, where the bible does not have it so; and what the report begins with."""
        if self._desk.bible.book != self._book:
            await self._desk.enter("frame", changes_of([self._book]), by=EMBEDDED, label=self._say("step_keep"))
            self._book = self._desk.bible.book or self._book
        await self._head()

    async def _head(self) -> None:
        async def work(step: Step) -> None:
            what = self._say(self._params.task_type)
            await step.output("head", f"# {literal(self._book.title)}\n\n")
            if self._model is not None:
                await step.output("head", self._say("by_model", model=literal(self._model.name)) + "\n\n")
            elif self._params.task_type not in ("import", "export"):
                await step.output("head", self._say("by_embedded") + "\n\n")
            if self._params.task_type in ("chapter", "review", "import"):
                await step.output("head", f"*{what}*\n\n")

        await self._ctx.step("head", work, weight=0.0)

    async def _plan(self) -> dict[str, Any]:
        params, book = self._params, self._book
        laid_out = draft(params, self._desk.bible, book, self._by)
        self._ctx.expect(ASK_WEIGHT * -(-max(1, len(laid_out)) // CHAPTERS_AT_ONCE))
        made: list[Entity] = []
        if self._model is not None:
            prompts = Prompts(params, book)
            planning = ModelPlanning(self._ctx, self._model, self._budget, prompts, book)
            filled = await planning.fill(params.task_type, laid_out, self._desk.bible)
            self._failures += planning.failures
            # What the model left as it was is still to be filled in, by whoever comes next.
            made = [one for one in filled if one not in laid_out]
            laid_out = [one for one in laid_out if key_of(one) not in map(key_of, made)]
        if params.task_type == "foreshadowing":
            laid_out = [*laid_out, *slots_of(params, self._desk.bible, book, made)]
        drop = surplus(params, self._desk.bible, book, [*made, *laid_out])
        label, kept = self._say("step_keep"), list[str]()
        for key, entities, dropped, by in (("enter", made, [], MODEL), ("lay-out", laid_out, drop, EMBEDDED)):
            if entities or dropped:
                kept += (await self._desk.enter(key, changes_of(entities), dropped, by=by, label=label))["kept"]
        bible = self._desk.bible
        readable = resolved(bible)
        matrix = matrix_of(bible) if params.task_type == "characters" else {}
        findings = [one.to_json(self._language) for one in check(params.task_type, bible)]
        text = sheet(params.task_type, readable, book, matrix) + as_markdown(findings, self._language)
        await self._tell("sheet", text, kept)
        more = {"mentions": {person: {str(n): t for n, t in row.items()} for person, row in matrix.items()}}
        return self._result(findings, kept, bible=bible.without_texts().to_json(), **more)

    async def _tell(self, part: str, text: str, kept: list[str]) -> None:
        """The report's end: what was made, what stayed, what a model would be needed for."""

        async def work(step: Step) -> None:
            await step.output(part, text)
            if kept:
                told = self._say("kept", keys=listed(self._language, [f"`{key}`" for key in kept]))
                await step.output(part, f"## {self._say('kept_part')}\n\n{told}\n\n")
            if needed := self._needed():
                await step.output(part, self._say("needs_model", names=listed(self._language, needed)) + "\n")

        await self._ctx.step(part, work, {"kept": kept}, label=self._say("step_check"))

    def _needed(self) -> list[str]:
        wanted = dict.fromkeys(LEFT_TO_A_MODEL.get(self._params.task_type, ()), True)
        return needs_model("llm" if self._model is not None else "embedded", wanted)

    def _result(self, findings: list[dict[str, Any]], kept: list[str], **more: Any) -> dict[str, Any]:
        counts = {
            name: sum(one["severity"] == name for one in findings) for name in ("contradiction", "warning", "note")
        }
        return {
            "engine": self._by,
            "model": self._model.name if self._model is not None else None,
            "needs_model": self._needed(),
            "status": "partial" if self._failures else "complete",
            "novel": self._params.novel.name,
            "task_type": self._params.task_type,
            "language": self._language,
            "base_revision": self._base,
            "revision": self._desk.bible.revision,
            "kept": kept,
            "findings": findings,
            "counts": counts,
            "failures": self._failures,
            "spent": self._budget.spent.to_json() if self._model is not None else None,
            **more,
        }

    async def _brief(self) -> dict[str, Any]:
        """A brief for each chapter that is to be written, and no text: that is a writer's."""
        bible, book = self._desk.bible, self._book
        wanted = self._params.chapters or list(range(1, book.chapters + 1))
        todo = set(wanted) if self._params.overwrite else set(bible.missing(wanted))
        self._ctx.expect(float(len(wanted)), items=len(wanted))
        briefs = []
        for number in wanted:
            brief = brief_of(bible, book, number, self._params.context_tokens) if number in todo else None
            text = brief.text(self._language, "### ") if brief is not None else self._say("there_already")
            left_out = list(brief.left_out) if brief is not None else []
            plan = bible.numbered(ChapterPlan).get(number)
            title = heading(self._language, number, plan.title if plan is not None else "")
            told = {"number": number, "status": "brief" if brief is not None else "kept", "left_out": left_out}
            await self._ctx.step(f"brief:{number}", partial(self._tell_brief, title, text, told), {"text": text})
            briefs.append({**told, "brief": text if brief is not None else None})
        await self._tell("end", "", [])
        return self._result([], [], chapters=briefs, missing=sorted(todo), book=book_json(bible, book, wanted))

    async def _tell_brief(self, title: str, text: str, told: dict[str, Any], step: Step) -> None:
        await step.item(
            {"key": f"chapter-{told['number']}", **told},
            outcome="completed" if told["status"] == "brief" else "skipped",
        )
        left_out = [self._say(f"brief_{name}") for name in told["left_out"]]
        note = f"*{self._say('left_out', names=listed(self._language, left_out))}*\n\n" if left_out else ""
        await step.output(f"chapter-{told['number']}", f"## {literal(title)}\n\n{markdown_of_brief(text)}\n\n{note}")

    async def _write(self, model: Model) -> dict[str, Any]:
        book = self._book
        wanted = self._params.chapters or list(range(1, book.chapters + 1))
        prompts = Prompts(self._params, book)
        chapters = ModelChapters(self._ctx, self._params, model, self._budget, self._desk, book, prompts)
        outcomes: list[Outcome] = await chapters.run(wanted)
        self._failures += [{"step": f"write:{one.number}", **one.error} for one in outcomes if one.error is not None]
        bible = self._desk.bible
        written = {one.number for one in outcomes if one.status == "written"}
        findings = [one.to_json(self._language) for one in await _reviewed(bible, written)]
        await self._tell("end", as_markdown(findings, self._language), [])
        missing = bible.missing(wanted)
        kept = [f"text:{one.number}" for one in outcomes if one.status == "kept"]
        result = self._result(
            findings,
            kept,
            chapters=[one.to_json() for one in outcomes],
            missing=missing,
            book=book_json(bible, book, wanted),
        )
        return {**result, "status": "partial" if missing or self._failures else "complete"}

    async def _review(self) -> dict[str, Any]:
        bible, book = self._desk.bible, self._book
        await self._head()
        wanted = self._params.chapters
        texts = [text for text in bible.of(ChapterText) if wanted is None or text.number in wanted]
        self._ctx.expect(1.0 + REVIEW_WEIGHT * (len(texts) if self._model is not None else 0), items=0)
        found = await _reviewed(bible, wanted)
        if self._model is not None:
            prompts = Prompts(self._params, book)
            for text in texts:
                found += await self._read(self._model, prompts, text)
        findings = [one.to_json(self._language) for one in found]
        await self._tell("findings", as_markdown(findings, self._language), [])
        matrix = {person: {str(n): t for n, t in row.items()} for person, row in matrix_of(bible).items()}
        return self._result(findings, [], mentions=matrix, bible=bible.without_texts().to_json())

    async def _read(self, model: Model, prompts: Prompts, text: ChapterText) -> list[Any]:
        """What a model says against a chapter, where it quotes what stands there."""
        key, number = f"read:{text.number}", text.number
        try:
            draft = await ask_in_step(
                self._ctx,
                key,
                model,
                prompts.review(self._desk.bible, number, text),
                shapes.ReviewDraft,
                self._budget,
                thoughts=f"thoughts-{key}",
                weight=REVIEW_WEIGHT,
                label=self._say("step_ask"),
            )
        except (BudgetSpent, *OF_ONE_CHAPTER) as failure:
            self._note(key, failure)
            return []
        quoted = [(one.quote.strip(), " ".join(one.problem.split())) for one in draft.problems]
        return [
            warning(
                "by_model", f"text:{number}", f"problem:{place}", chapter=number, problem=problem, quote=quote[:200]
            )
            for place, (quote, problem) in enumerate(quoted, 1)
            if quote and problem and quote in text.text
        ]

    def _note(self, step: str, failure: ModelFailed) -> None:
        self._failures.append({"step": step, "code": failure.code, "message": failure.detail})

    async def _manuscript(self) -> str:
        """The text that an import brings: as it stands in the request, or out of what was sent before.

        :raises WorkflowFailed: what was sent can't be read, or is too long.
        """
        upload = self._params.upload
        if upload is None:
            return self._params.manuscript or ""

        async def work(step: Step) -> str:
            content = await self._ctx.upload(upload)
            try:
                text = await to_thread.run_sync(text_of, content)
            except Unreadable as error:
                raise WorkflowFailed(error.message) from None
            if len(text) > LONGEST_MANUSCRIPT:
                raise WorkflowFailed(
                    f"The manuscript has {len(text)} characters, more than {LONGEST_MANUSCRIPT}; send it in parts."
                )
            return text

        text: str = await self._ctx.step("upload", work, upload, weight=0.0)
        return text

    async def _import(self, given: BibleInput, manuscript: Manuscript) -> dict[str, Any]:
        self._ctx.expect(1.0)
        entities = [*given.entities, *manuscript.texts]
        if self._desk.bible.book is None and given.book is None:
            entities = [self._book, *entities]
        entered = await self._desk.enter(
            "import", changes_of(entities), given.drop, by=PERSON, label=self._say("step_keep")
        )
        bible = self._desk.bible
        self._book = bible.book or self._book
        await self._head()
        findings = [one.to_json(self._language) for one in await _reviewed(bible)]
        lines = [self._say("imported", count=len(entered["set"]), revision=entered["revision"])]
        if entered["dropped"]:
            lines.append(self._say("dropped", count=len(entered["dropped"])))
        if not entered["set"] and not entered["dropped"]:
            lines = [self._say("unchanged")]
        if manuscript.unplaced:
            lines.append(self._say("unplaced", count=len(manuscript.unplaced)))
        await self._tell("imported", "\n".join(lines) + "\n\n" + as_markdown(findings, self._language), [])
        told = {"imported": entered["set"], "dropped": entered["dropped"], "unplaced": list(manuscript.unplaced)}
        return self._result(findings, [], bible=bible.without_texts().to_json(), **told)

    async def _export(self) -> dict[str, Any]:
        bible, book = self._desk.bible, self._book
        texts = [
            one for one in bible.of(ChapterText) if self._params.chapters is None or one.number in self._params.chapters
        ]
        self._ctx.expect(1.0 + len(texts))
        await self._head()
        plans = bible.numbered(ChapterPlan)
        await self._ctx.step("synopsis", partial(self._front, book, bool(texts)), weight=1.0)
        for text in texts:
            shown = chapter_markdown(book, text, plans.get(text.number))
            await self._ctx.step(f"chapter:{text.number}", partial(self._show, text.number, shown), {"text": shown})
        missing = bible.missing(self._params.chapters or range(1, book.chapters + 1))
        whole = book_json(bible, book, [one.number for one in texts])
        for chapter in whole["chapters"]:
            del chapter["text"]  # it stands in the bible
        return self._result([], [], missing=missing, bible=bible.to_json(), book=whole)

    async def _front(self, book: Book, written: bool, step: Step) -> None:
        if book.synopsis:
            await step.output(
                "front", f"*{prose(book.synopsis)}*\n\n" if "\n" not in book.synopsis else prose(book.synopsis) + "\n\n"
            )
        if not written:
            await step.output("front", self._say("no_text") + "\n\n")

    async def _show(self, number: int, text: str, step: Step) -> None:
        await step.output(f"chapter-{number}", text)


async def _reviewed(bible: Bible, only: Iterable[int] | None = None) -> list[Finding]:
    """In a thread: a long novel is a lot to look through, and others wait on this loop."""
    return await to_thread.run_sync(review, bible, only)


def markdown_of_brief(text: str) -> str:
    """A brief's lines as Markdown that shows just these: its headings and lists are kept."""
    lines = []
    for line in text.split("\n"):
        mark = next((mark for mark in ("### ", "- ") if line.startswith(mark)), "")
        lines.append(mark + literal(line[len(mark) :]) if line.strip() else "")
        if not mark and line.strip():
            lines.append("")
    return "\n".join(lines)
