"""The browse workflow as the server offers it: every page is one recorded step, so what is done is never done again."""

from collections.abc import Mapping
from contextlib import AsyncExitStack
from functools import partial
from typing import Any

from server.errors import HoldfastError
from server.llm.base import Model
from server.llm.failures import OF_SETTINGS
from server.reports.markdown import literal
from server.sources.chromium.pool import Chromium
from server.sources.text import language_of
from server.workflows.base import Context, Step, Workflow
from server.workflows.browse.downloads import csv_of
from server.workflows.browse.goals import Failed, Goal
from server.workflows.browse.items import PageRun
from server.workflows.browse.params import BrowseParams, refuse
from server.workflows.browse.plans import steps_of
from server.workflows.browse.steps import to_json
from server.workflows.parallel import gather
from server.workflows.spending import refuse_unpriced
from server.workflows.streak import Streak

VERSION = 1
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

    def __init__(self, ctx: Context, params: BrowseParams, pool: Chromium, model: Model | None) -> None:
        self._ctx, self._params, self._pool, self._model = ctx, params, pool, model
        self._words = _WORDS[language_of(" ".join(task.title for task in params.tasks) or "a")]
        self._text_chars = max(LEAST_TEXT, min(MOST_TEXT, TEXT_BUDGET // len(params.chosen)))
        self._streak = Streak()
        self._blocked: HoldfastError | None = None
        self._budget = params.budget.opened(model)
        self._failed = False
        self._session: dict[str, Any] | None = {} if params.share_session else None

    async def run(self) -> dict[str, Any]:
        chosen = self._params.chosen
        self._ctx.expect(len(chosen), items=len(chosen))
        await self._ctx.step("start", self._head, weight=0)
        found = await gather([partial(self._page, index) for index in chosen], at_once=self._params.parallelism)
        items = sorted((item for item in found if item is not None), key=lambda item: int(item["index"]))
        self._blocked = self._blocked or self._streak.end(sum(item["status"] != "skipped" for item in items))
        if self._blocked is not None:
            raise self._blocked
        counts = {
            status: sum(item["status"] == status for item in items) for status in _WORDS["en"] if status != "heading"
        }
        needs = ["goal"] if any(item["error"] and item["error"]["code"] == "model_required" for item in items) else []
        whole = all(item["status"] == "completed" for item in items)
        planned = any(item["plan"] is not None for item in items)
        return {
            "engine": "llm" if planned else "embedded",
            "model": self._model.name if planned and self._model is not None else None,
            "spent": self._budget.spent.to_json() if planned else None,
            "needs_model": needs,
            "status": "complete" if whole else "partial",
            "counts": {**counts, "total": len(items)},
            "items": items,
        }

    async def _head(self, step: Step) -> None:
        await step.output("head", f"# {self._words['heading']}\n")

    async def _page(self, index: int) -> dict[str, Any] | None:
        """Do one page; None where the batch is about to pause or fail, which begins no further ones."""
        if self._blocked is not None:
            return None
        task, key = self._params.tasks[index], self._params.key_of(index)
        page = PageRun(self._pool, index, key, task, [], self._text_chars)
        skip = self._skip(index)
        if task.goal is None or self._model is None or skip is not None:
            page.steps = steps_of(task)
            begun = skip is not None or not task.may_change_things or await self._begins(index)
            return await self._item(page, skip, interrupted=not begun)
        async with AsyncExitStack() as stack:
            goal = Goal(self._ctx, page, self._model, self._budget, partial(self._begins, index))
            stack.push_async_exit(goal.close)
            page.session = self._session
            # A step, as a later run would find another time of day.
            if await self._ctx.step(f"due:{index}", partial(self._due, page), weight=0):
                try:
                    failed = await goal.plan()
                except OF_SETTINGS as failure:
                    self._blocked = self._blocked or failure
                    return None
                return await self._item(page, skip, goal=goal, failed=failed, interrupted=goal.interrupted)
            return await self._item(page, skip)

    async def _due(self, page: PageRun, step: Step) -> bool:
        return not self._stops() and page.not_now() is None

    async def _begins(self, index: int) -> bool:
        """Record that a page begins which may change something. False: an earlier run recorded that, and no end."""
        began_now = False

        async def begin(step: Step) -> None:
            nonlocal began_now
            began_now = True

        await self._ctx.step(f"begin:{index}", begin, weight=0)
        return began_now

    async def _item(
        self,
        page: PageRun,
        skip: tuple[str, str, str] | None,
        *,
        goal: Goal | None = None,
        failed: Failed | None = None,
        interrupted: bool = False,
    ) -> dict[str, Any]:
        async def work(step: Step) -> dict[str, Any]:
            result = await self._do(page, step, skip, goal, failed, interrupted=interrupted)
            again = [f"item:{page.index}", f"begin:{page.index}", *(goal.again if goal is not None else ())]
            unsafe = page.acted and page.task.may_change_things
            self._blocked = self._blocked or self._streak.add(result, [] if unsafe else again)
            await self._tell(page, step, result)
            return result

        steps = to_json(page.steps) if page.task.goal is None else None
        inputs = {"task": page.task.model_dump(mode="json", by_alias=True), "steps": steps}
        label = page.name[:TITLE_CHARS]
        result: dict[str, Any] = await self._ctx.step(f"item:{page.index}", work, inputs, label=label)
        self._failed = self._failed or result["status"] == "failed"
        return result

    def _stops(self) -> bool:
        return self._failed and self._params.on_failure == "stop"

    def _skip(self, index: int) -> tuple[str, str, str] | None:
        """Status, code and sentence, where what was asked says already that it is not done."""
        task, params = self._params.tasks[index], self._params
        if params.key_of(index) in params.completed and not params.ignore_completed:
            return "skipped", "already_completed", "It is done already."
        if task.goal is not None and self._model is None:
            return "skipped", "model_required", "A plan for a goal is made by a model, and this server has none."
        if not params.auto_generate and task.recorded is None:
            return "skipped", "no_plan", "It has no steps, and `auto_generate` is off."
        return None

    async def _do(
        self,
        page: PageRun,
        step: Step,
        skip: tuple[str, str, str] | None,
        goal: Goal | None,
        failed: Failed | None,
        *,
        interrupted: bool,
    ) -> dict[str, Any]:
        if skip is not None:
            status, code, message = skip
            return page.skipped(code, message, status)
        if interrupted:
            reason = "It had begun when it was interrupted, and what was sent by then is not known; look at the site."
            return page.skipped("interrupted", reason, "needs_confirmation")
        if self._stops():
            return page.skipped("stopped_after_failure", "A page before it failed.")
        if failed is None and (result := page.not_now()) is not None:
            return result
        page.session = self._session
        if failed is not None:
            result = page.skipped(failed.code, failed.message, "failed")
        else:
            result = await page.run(step, goal.attempt if goal is not None else None)
        if goal is not None:
            result["plan"] = to_json(page.steps)
        self._session = page.session
        return result

    async def _tell(self, page: PageRun, step: Step, result: dict[str, Any]) -> None:
        told = {name: result[name] for name in result if name not in ("text", "extracted", "notes", "plan", "seconds")}
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


def browse_workflow(pool: Chromium, model: Model | None = None) -> Workflow:
    """
    :param pool: where pages are opened; it lives as long as the server.
    :param model: makes plans for goals; without one, pages with a goal are skipped as ``model_required``.
    """

    async def run(ctx: Context, params: BrowseParams) -> Any:
        return await Batch(ctx, params, pool, model).run()

    def check(params: BrowseParams) -> None:
        refuse(params)
        if model is not None and _has_goals(params.model_dump()):
            refuse_unpriced(params.budget, model, [(None, True)])

    return Workflow(
        kind="browse",
        version=VERSION,
        params=BrowseParams,
        run=run,
        title=_title,
        label={"en": "Browse", "zh": "网页批处理"},
        model=model.identity if model is not None else None,
        asks_model=_has_goals,
        check=check,
        formats={"csv": ("text/csv; charset=utf-8", csv_of)},
        running=pool.running,
    )


def _title(params: BrowseParams) -> str:
    first = params.tasks[next(iter(params.chosen), 0)]
    name = first.title or first.url or "…"
    more = len(params.chosen) - 1
    return f"{name[:TITLE_CHARS]} +{more}" if more else name[:TITLE_CHARS]


def _has_goals(params: Mapping[str, Any]) -> bool:
    tasks = params["tasks"]
    return any(tasks[index].get("goal") for index in params.get("task_indices") or range(len(tasks)))
