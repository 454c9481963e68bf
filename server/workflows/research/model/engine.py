"""Research with a model: scope, ground, plan, search, learn, look for gaps, write; each a recorded step."""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any, TypeAlias

from server.llm.base import Model
from server.llm.failures import LASTING, ContextTooLong, ModelFailed
from server.reports.markdown import literal
from server.sources.fetch import Fetcher
from server.sources.library import Library
from server.sources.providers.roster import Providers
from server.sources.query import language_asked
from server.workflows.base import Context, Step
from server.workflows.parallel import gather
from server.workflows.research import questions as templates
from server.workflows.research.model import shapes
from server.workflows.research.model.ending import Ending, plan_only
from server.workflows.research.model.gathering import FETCH_WEIGHT, FIND_WEIGHT, GROUND_WEIGHT, READ_WEIGHT, Gathering
from server.workflows.research.model.kept import evidence_of
from server.workflows.research.model.knowledge import Knowledge
from server.workflows.research.model.prompts import Prompts
from server.workflows.research.model.steps import Steps
from server.workflows.research.model.writing import OUTLINE_WEIGHT, SECTION_WEIGHT, SUMMARY_WEIGHT, Writing
from server.workflows.research.params import ResearchParams
from server.workflows.research.phrases import say

LEARN_AT_ONCE = 4
SCOPE_WEIGHT, PLAN_WEIGHT, LEARN_WEIGHT, GAPS_WEIGHT = 4.0, 8.0, 10.0, 5.0
STATEMENTS = {"brief": 6, "standard": 10, "long": 16}
MOST_QUERIES = 3
MOST_ADDED_ROUNDS = 20
"""A user may add questions for so many rounds beyond ``depth``."""
LONGEST_TEXT = 300
SHOWN_CHARS = (20_000, 6_000, 2_000)
"""Of each source so much is shown, and less where the model can't take that in."""


Shown: TypeAlias = list[tuple[str, list[dict[str, Any]]]]
"""Ids of sources, each with the passages of it that the model is shown."""
Asked: TypeAlias = tuple[dict[str, Any], Shown]


class ModelResearch:
    """One run of the workflow. All that it decides by comes from the steps' records."""

    def __init__(
        self,
        ctx: Context,
        params: ResearchParams,
        model: Model,
        library: Library,
        fetcher: Fetcher,
        providers: Providers,
    ) -> None:
        self._ctx, self._params, self._model = ctx, params, model
        self._language = params.language if params.language != "auto" else language_asked(params.query)
        self._budget = params.budget.opened(model)
        self._steps = Steps(ctx, model, self._budget)
        self._gathering = Gathering(self._steps, params, self._language, library, fetcher, providers)
        self._knowledge = Knowledge(params.max_sources)
        self._questions: list[dict[str, Any]] = []
        self._failures: list[dict[str, str]] = []
        self._brief = params.query
        self._kept: dict[str, Any] | None = None
        self._enough = False
        self._added: list[dict[str, Any]] = []

    def _say(self, phrase: str, **values: Any) -> str:
        return say(self._language, phrase, **values)

    async def run(self) -> dict[str, Any]:
        self._expect(self._params.breadth)
        today = await self._steps.plain(
            "begin", self._begin, {"query": self._params.query}, label=self._say("step_scope")
        )
        self._prompts = Prompts(self._params, self._language, today)
        await self._scope()
        grounding = await self._gathering.ground()
        self._questions = await self._plan(grounding)
        if self._params.plan_only:
            return await plan_only(self._steps, self._params, self._language, self._brief, self._questions, self._model)
        if self._params.follows:
            self._kept = await evidence_of(self._ctx, self._params.follows, self._say("step_ground"))
        await self._hear("heard:0")
        new, self._added = list(self._questions), []
        for round in range(1, self._params.depth + MOST_ADDED_ROUNDS):
            brought = await self._find_out(new, round)
            await self._hear(f"heard:{round}")
            if self._enough:
                break
            new, self._added = self._added, []
            if brought and round < self._params.depth:
                new += await self._gaps(round + 1)
            if not new:
                break
        return await self._write()

    async def _hear(self, key: str) -> None:
        """What the user has said meanwhile: that it is enough, or more questions."""
        for told in await self._ctx.heard(key):
            self._enough = self._enough or bool(told.get("write_now"))
            if question := told.get("question"):
                new = self._numbered([{"question": question, "goal": "", "queries": []}])
                self._questions += new
                self._added += new

    def _expect(self, ahead: int) -> None:
        """What is behind and, for so many questions that are still to be looked into, what is ahead."""
        pages = min(self._params.max_sources, ahead * self._params.max_results) if self._params.sources.web else 0
        weight = ahead * (FIND_WEIGHT * 2 + READ_WEIGHT + LEARN_WEIGHT) + pages * FETCH_WEIGHT
        if not self._questions:
            weight += SCOPE_WEIGHT + GROUND_WEIGHT + FIND_WEIGHT + PLAN_WEIGHT
            weight += FETCH_WEIGHT * len(self._params.sources.urls)
        weight += OUTLINE_WEIGHT + SECTION_WEIGHT * max(ahead, len(self._questions)) + SUMMARY_WEIGHT + GAPS_WEIGHT
        self._ctx.expect(self._steps.behind + weight, items=self._gathering.pages_read)

    async def _begin(self, step: Step) -> str:
        await step.output("about", f"# {literal(' '.join(self._params.query.split()))}\n\n")
        await step.output("about", self._say("model_about", model=self._model.name))
        return datetime.now(UTC).date().isoformat()

    async def _scope(self) -> None:
        label = self._say("step_scope")
        try:
            found = await self._steps.ask(
                "scope", self._prompts.scope(), shapes.Brief, weight=SCOPE_WEIGHT, label=label
            )
            self._brief = found.brief.strip()[:2000] or self._brief
        except LASTING as failure:
            self._note("scope", failure)

    async def _plan(self, grounding: list[tuple[str, str]]) -> list[dict[str, Any]]:
        """The user's own plan, the model's, or where that is of no use one by templates."""
        if self._params.plan:
            return self._numbered([one.model_dump() for one in self._params.plan])
        prompt = self._prompts.plan(self._brief, grounding)
        try:
            found = await self._steps.ask("plan", prompt, shapes.Plan, weight=PLAN_WEIGHT, label=self._say("step_plan"))
        except LASTING as failure:
            self._note("plan", failure)
            planned = []
        else:
            planned = self._numbered([one.model_dump() for one in found.questions])[: self._params.breadth]
        if planned:
            return planned
        by_template = templates.plan(self._params.query, self._language, self._params.breadth, ())
        return self._numbered(
            [{"question": one.text, "goal": one.goal, "queries": [one.search]} for one in by_template]
        )

    def _numbered(self, planned: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """With ids that follow those of the questions there are; what is asked already is left out."""
        asked = {question["text"] for question in self._questions}
        kept: list[dict[str, Any]] = []
        for one in planned:
            text = " ".join(one["question"].split())[:LONGEST_TEXT]
            if not text or text in asked:
                continue
            asked.add(text)
            queries = [" ".join(query.split())[:LONGEST_TEXT] for query in one["queries"] if query.strip()]
            kept.append(
                {
                    "id": f"q{len(self._questions) + len(kept) + 1}",
                    "text": text,
                    "goal": " ".join(one["goal"].split())[:LONGEST_TEXT],
                    "queries": queries[:MOST_QUERIES] or [text],
                }
            )
        return kept

    async def _find_out(self, questions: list[dict[str, Any]], round: int) -> int:
        """One round over these questions. Returns how many statements it brought."""
        self._expect(len(questions))
        known = set(self._knowledge.sources)
        read = await self._gathering.read(questions)
        shown = [self._knowledge.add(_with(found, self._kept if round == 1 else None)) for found in read]
        await self._tell_sources([name for name in self._knowledge.sources if name not in known], round)
        brought = 0
        asked = [pair for pair in zip(questions, shown, strict=True) if pair[1]]
        for start in range(0, len(asked), LEARN_AT_ONCE):
            if start:
                await self._hear(f"heard:{round}.{start}")
                if self._enough:
                    break
            brought += await self._learn_all(asked[start : start + LEARN_AT_ONCE])
        return brought

    async def _learn_all(self, asked: Sequence[Asked]) -> int:
        """Several questions at once. One that fails for now leaves the others to finish before the task does.

        :raises ModelFailed: the model can't be had now.
        """
        calls = [partial(self._learn, question, material) for question, material in asked]
        brought = 0
        failure: ModelFailed | None = None
        for (question, _), learned in zip(asked, await gather(calls, at_once=LEARN_AT_ONCE), strict=True):
            if isinstance(learned, ModelFailed):
                failure = failure or learned
            else:
                brought += self._knowledge.learn(question["id"], learned)
        if failure is not None:
            raise failure
        return brought

    async def _tell_sources(self, names: list[str], round: int) -> None:
        async def work(step: Step) -> None:
            for name in names:
                source = self._knowledge.sources[name]
                if source["kind"] == "library":
                    told = {key: source[key] for key in ("kind", "path", "title", "date", "language", "sha256")}
                    await step.item({"key": source["id"], **told})

        await self._steps.plain(f"sources:{round}", work, names, label=self._say("step_ground"))

    async def _learn(self, question: dict[str, Any], shown: Shown) -> list[dict[str, Any]] | ModelFailed:
        """What the model reads out of the sources. A failure that ends the task is returned, and the others go on."""
        label = self._say("step_learn", question=question["text"][:60])
        sources = self._knowledge.sources
        texts = [(name, _as_text(sources[name], passages)) for name, passages in shown]
        most = STATEMENTS[self._params.report.style]
        failure: ModelFailed | None = None
        for attempt, longest in enumerate(SHOWN_CHARS, 1):
            key = f"learn:{question['id']}" + (f".{attempt}" if attempt > 1 else "")
            prompt = self._prompts.learn(question, texts, most=most, longest=longest)
            try:
                found = await self._steps.ask(key, prompt, shapes.Learned, weight=LEARN_WEIGHT, label=label)
            except ContextTooLong as too_long:
                failure = too_long
            except ModelFailed as other:
                if not isinstance(other, LASTING):
                    return other
                failure = other
                break
            else:
                return [one.model_dump() for one in found.statements[: 2 * most]]
        if failure is not None:
            self._note(f"learn:{question['id']}", failure)
        return []

    async def _gaps(self, round: int) -> list[dict[str, Any]]:
        """Questions for another round, half as many, where something is open."""
        most = max(1, self._params.breadth // 2 ** (round - 1))
        known = self._knowledge.told(self._knowledge.evidence)
        prompt = self._prompts.gaps(self._brief, self._questions, known, most)
        label = self._say("step_gaps")
        try:
            found = await self._steps.ask(f"gaps:{round}", prompt, shapes.Gaps, weight=GAPS_WEIGHT, label=label)
        except LASTING as failure:
            self._note(f"gaps:{round}", failure)
            return []
        new = self._numbered([one.model_dump() for one in found.questions])[:most]
        self._questions += new
        return new

    async def _write(self) -> dict[str, Any]:
        writing = Writing(self._steps, self._prompts, self._params, self._language, self._knowledge)
        await writing.run(self._brief, self._questions)
        ending = Ending(self._steps, self._params, self._language, self._knowledge, self._gathering, writing)
        # Steps that run side by side fail in any order, and the report has to be the same each time.
        failures = sorted([*self._failures, *writing.failures], key=lambda one: (one["step"], one["code"]))
        return await ending.run(self._brief, self._questions, failures)

    def _note(self, step: str, failure: ModelFailed) -> None:
        self._failures.append({"step": step, "code": failure.code, "message": failure.detail})


def _as_text(source: dict[str, Any], passages: list[dict[str, Any]]) -> str:
    """A source as the model is shown it: what it is, and its passages in the order of the source."""
    head = f"{source['title']}" + (f" ({source['date']})" if source["date"] else "")
    inside = sorted(passages, key=lambda passage: passage["blocks"][0][0])
    return "\n\n".join([head, *("\n".join(text for _, text in passage["blocks"]) for passage in inside)])


def _with(found: dict[str, Any], kept: dict[str, Any] | None) -> dict[str, Any]:
    """What was found for a question, and the evidence of an earlier task before it."""
    if kept is None:
        return found
    own = {source["id"] for source in kept["sources"]}
    sources = [*kept["sources"], *(source for source in found["sources"] if source["id"] not in own)]
    return {"sources": sources, "passages": [*kept["passages"], *found["passages"]]}
