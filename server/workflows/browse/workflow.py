"""The browse workflow as the server offers it: every page is one recorded step, so what is done is never done again."""

from functools import partial
from typing import Any

from server.errors import WorkflowFailed
from server.reports.markdown import literal
from server.sources.chromium.pool import Chromium
from server.sources.chromium.visit import visiting
from server.sources.failures import SourceFailed
from server.sources.text import language_of
from server.workflows.base import Context, Step, Workflow
from server.workflows.browse import captures
from server.workflows.browse.downloads import csv_of
from server.workflows.browse.items import PageRun, Streak
from server.workflows.browse.params import BrowseParams, refuse
from server.workflows.browse.plans import Outline, Planner, checked, from_json, steps_of, to_json
from server.workflows.research.parallel import gather

VERSION = 1
PLAN_SECONDS = 60.0
TEXT_BUDGET = 400_000
LEAST_TEXT, MOST_TEXT = 500, 20_000
EXCERPT_CHARS = 600
TITLE_CHARS = 120
_WORDS = {
    "en": {"heading": "Pages", "completed": "done", "failed": "failed", "skipped": "skipped"},
    "zh": {"heading": "网页", "completed": "完成", "failed": "失败", "skipped": "跳过"},
}
_WORDS["en"]["needs_confirmation"] = "waits for you to look at it"
_WORDS["zh"]["needs_confirmation"] = "等待您确认"


class Batch:
    """One run of the workflow."""

    def __init__(self, ctx: Context, params: BrowseParams, pool: Chromium, planner: Planner | None) -> None:
        self._ctx, self._params, self._pool, self._planner = ctx, params, pool, planner
        self._words = _WORDS[language_of(" ".join(task.title for task in params.tasks) or "a")]
        self._text_chars = max(LEAST_TEXT, min(MOST_TEXT, TEXT_BUDGET // len(params.chosen)))
        self._streak = Streak()
        self._failed = False
        self._session: dict[str, Any] | None = {} if params.share_session else None

    async def run(self) -> dict[str, Any]:
        chosen = self._params.chosen
        self._ctx.expect(len(chosen), items=len(chosen))
        await self._ctx.step("start", self._head, weight=0)
        found = await gather([partial(self._page, index) for index in chosen], at_once=self._params.parallelism)
        items = sorted(found, key=lambda item: int(item["index"]))
        counts = {
            status: sum(item["status"] == status for item in items) for status in _WORDS["en"] if status != "heading"
        }
        needs = ["goal"] if any(item["error"] and item["error"]["code"] == "model_required" for item in items) else []
        whole = all(item["status"] == "completed" for item in items)
        return {
            "engine": "embedded",
            "needs_model": needs,
            "status": "complete" if whole else "partial",
            "counts": {**counts, "total": len(items)},
            "items": items,
        }

    async def _head(self, step: Step) -> None:
        await step.output("head", f"# {self._words['heading']}\n")

    async def _page(self, index: int) -> dict[str, Any]:
        task, key = self._params.tasks[index], self._params.key_of(index)
        page = PageRun(self._pool, index, key, task, [], self._text_chars)
        skip = self._skip(index)
        if skip is None and task.goal is not None:
            plan = await self._ctx.step(f"plan:{index}", partial(self._plan, page), {"goal": task.goal}, weight=0)
            page.steps = from_json(plan["steps"])
            if plan["error"] is not None:
                skip = ("failed", plan["error"]["code"], plan["error"]["message"])
        else:
            page.steps = steps_of(task)
        interrupted = False
        if skip is None and task.may_change_things:
            began_now = False

            async def begin(step: Step) -> None:
                nonlocal began_now
                began_now = True

            await self._ctx.step(f"begin:{index}", begin, weight=0)
            interrupted = not began_now

        async def work(step: Step) -> dict[str, Any]:
            result = await self._do(page, step, skip, interrupted=interrupted)
            self._streak.add(result)
            await self._tell(page, step, result)
            return result

        inputs = {"task": task.model_dump(mode="json", by_alias=True), "steps": to_json(page.steps)}
        result: dict[str, Any] = await self._ctx.step(f"item:{index}", work, inputs, label=page.name[:TITLE_CHARS])
        self._failed = self._failed or result["status"] == "failed"
        return result

    def _skip(self, index: int) -> tuple[str, str, str] | None:
        """Status, code and sentence, where what was asked says already that it is not done."""
        task, params = self._params.tasks[index], self._params
        if params.key_of(index) in params.completed and not params.ignore_completed:
            return "skipped", "already_completed", "It is done already."
        if task.goal is not None and self._planner is None:
            return "skipped", "model_required", "A plan for a goal is made by a model, and this server has none."
        if not params.auto_generate and task.recorded is None:
            return "skipped", "no_plan", "It has no steps, and `auto_generate` is off."
        return None

    async def _do(
        self, page: PageRun, step: Step, skip: tuple[str, str, str] | None, *, interrupted: bool
    ) -> dict[str, Any]:
        if skip is not None:
            status, code, message = skip
            return page.skipped(code, message, status)
        if interrupted:
            reason = "It had begun when it was interrupted, and what was sent by then is not known; look at the site."
            return page.skipped("interrupted", reason, "needs_confirmation")
        if self._failed and self._params.on_failure == "stop":
            return page.skipped("stopped_after_failure", "A page before it failed.")
        if (result := page.not_now()) is not None:
            return result
        page.session = self._session
        result = await page.run(step)
        self._session = page.session
        return result

    async def _plan(self, page: PageRun, step: Step) -> dict[str, Any]:
        """Open the page, show the planner what is on it, and hold its plan to the schema."""
        opening = steps_of(page.task.model_copy(update={"goal": None}))
        planner, goal = self._planner, page.task.goal
        if planner is None or goal is None:
            raise WorkflowFailed("A plan was asked for without a planner.")
        try:
            async with (
                self._pool.context(page.url) as (context, admitted),
                visiting(context, admitted) as visit,
            ):
                async with visit.within(PLAN_SECONDS):
                    await visit.goto(page.task.url or "")
                    outline = Outline(
                        visit.page.url,
                        await visit.page.title(),
                        await captures.controls(visit),
                        await captures.links(visit),
                    )
                steps = [*opening, *checked(await planner.plan(goal, outline), outline)]
        except SourceFailed as failure:
            return {"steps": to_json(opening), "error": {"code": failure.code, "message": failure.message}}
        return {"steps": to_json(steps), "error": None}

    async def _tell(self, page: PageRun, step: Step, result: dict[str, Any]) -> None:
        told = {name: result[name] for name in result if name not in ("text", "extracted", "notes", "seconds")}
        status = result["status"]
        outcome = "skipped" if status == "needs_confirmation" else status
        await step.item(told, outcome=outcome)
        part = f"item-{page.index}"
        lines = [f"\n## {page.index + 1}. {literal(page.name)}\n", f"\n{literal(result['final_url'] or page.url)}\n"]
        state = self._words[status]
        if result["error"] is not None:
            state += f" (`{result['error']['code']}`): {literal(result['error']['message'])}"
        lines.append(f"\n{state}\n")
        if result["text"]:
            excerpt = literal(" ".join(result["text"][:EXCERPT_CHARS].split()))
            lines.append(f"\n> {excerpt}\n")
        lines += [f"\n*{literal(note['message'])}*\n" for note in result["notes"]]
        for line in lines:
            await step.output(part, line)


def browse_workflow(pool: Chromium, planner: Planner | None = None) -> Workflow:
    """
    :param pool: where pages are opened; it lives as long as the server.
    :param planner: makes steps of goals; without one, pages with a goal are skipped as ``model_required``.
    """

    async def run(ctx: Context, params: BrowseParams) -> Any:
        return await Batch(ctx, params, pool, planner).run()

    return Workflow(
        kind="browse",
        version=VERSION,
        params=BrowseParams,
        run=run,
        title=_title,
        label={"en": "Browse", "zh": "网页批处理"},
        check=refuse,
        formats={"csv": ("text/csv; charset=utf-8", csv_of)},
        running=pool.running,
    )


def _title(params: BrowseParams) -> str:
    first = params.tasks[next(iter(params.chosen), 0)]
    name = first.title or first.url or "…"
    more = len(params.chosen) - 1
    return f"{name[:TITLE_CHARS]} +{more}" if more else name[:TITLE_CHARS]
