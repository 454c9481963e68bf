"""The testcases workflow as the server offers it: every module is one recorded step, and its cases are another."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from anyio import to_thread

from server.errors import WorkflowFailed
from server.llm.base import Model
from server.sources.failures import Unreadable
from server.sources.sent import text_of
from server.sources.text import language_of
from server.workflows.base import Context, Step, Workflow
from server.workflows.engines import engine_for, needs_model
from server.workflows.testcases.design import design
from server.workflows.testcases.files.formats import FORMATS
from server.workflows.testcases.gathering import Gathered, gather
from server.workflows.testcases.model.reading import ModelReading, Told
from server.workflows.testcases.numbering import put_together
from server.workflows.testcases.params import LONGEST_TEXT, CasesParams, refuse
from server.workflows.testcases.report import Report
from server.workflows.testcases.spec import Module
from server.workflows.testcases.wording import Language, Words

VERSION = 3
TITLE_CHARS = 120
MODEL_WEIGHT, WRITE_WEIGHT = 5.0, 0.2


class Run:
    """One run of the workflow."""

    def __init__(self, ctx: Context, params: CasesParams, text: str | None, model: Model | None) -> None:
        self._ctx, self._params, self._text = ctx, params, text
        self._model = model if engine_for(params.engine, model) == "llm" and text is not None else None
        self._language = _language(params, text)
        self._words, self._report = Words(self._language), Report(self._language)
        self._budget = params.budget.opened(self._model)

    async def run(self) -> dict[str, Any]:
        self._ctx.expect(2)
        await self._ctx.step("start", self._begin, weight=0, label=self._report.say("step_read"))
        told = await self._asked()
        asked = (self._text, self._params.spec, self._params.title, self._words, told.findings, told.used)
        found = await to_thread.run_sync(gather, *asked)
        if not found.modules and not told.scenarios:
            raise WorkflowFailed(self._report.say("nothing"))
        self._ctx.expect(
            1 + MODEL_WEIGHT * told.calls + len(found.modules) * (1 + WRITE_WEIGHT), items=len(found.modules)
        )
        designed = [await self._design(number, module) for number, module in enumerate(found.modules)]
        designed += told.as_modules(found.modules, self._words)
        for one in designed:
            for case in one["cases"]:
                case["source"] = (
                    found.source(one["name"], case["source"]) if isinstance(case["source"], str) else case["source"]
                )
        whole = await to_thread.run_sync(put_together, designed, self._params.max_cases)
        issues = [
            *found.issues,
            *(self._placed(one["name"], each, found) for one in designed for each in one["issues"]),
        ]
        await self._write(whole, issues, found)
        return self._result(whole, issues, found, told)

    async def _begin(self, step: Step) -> None:
        model = self._model.name if self._model is not None else None
        await step.output("about", self._report.head(self._params.title, model))

    async def _asked(self) -> Told:
        """What the model reads out of the text; nothing without one."""
        if self._model is None or self._text is None:
            return Told()
        reading = ModelReading(self._ctx, self._model, self._budget, self._language)
        self._ctx.expect(1 + MODEL_WEIGHT * reading.parts(self._text) + 2)
        return await reading.read(self._text, self._report)

    async def _design(self, number: int, module: Module) -> dict[str, Any]:
        params = self._params

        async def work(step: Step) -> dict[str, Any]:
            made = await design(module, params.techniques, params.strength, self._words)
            counts = {
                "cases": len(made["cases"]),
                "obligations": len(made["obligations"]),
                "issues": len(made["issues"]),
            }
            await step.item({"key": f"module-{number}", "title": module.name, **counts})
            return made

        inputs = {
            "module": module.model_dump(mode="json", by_alias=True),
            "techniques": list(params.techniques),
            "strength": params.strength,
            "language": self._language,
        }
        label = self._report.say("step_design", module=module.name)
        made: dict[str, Any] = await self._ctx.step(f"design:{number}", work, inputs, label=label)
        return made

    @staticmethod
    def _placed(module: str, issue: dict[str, Any], found: Gathered) -> dict[str, Any]:
        sources = [found.source(module, name) for name in issue["sources"]]
        return {
            "module": module,
            "kind": issue["kind"],
            "text": issue["text"],
            "source": next(filter(None, sources), None),
        }

    async def _write(self, whole: dict[str, Any], issues: list[dict[str, Any]], found: Gathered) -> None:
        async def sum_up(step: Step) -> None:
            for part, text in (
                ("issues", self._report.issues(issues)),
                ("unparsed", self._report.reading(found.unparsed)),
                ("coverage", self._report.coverage(whole)),
            ):
                await step.output(part, text)

        async def cases(name: str, number: int, step: Step) -> None:
            for piece in self._report.module(name, [case for case in whole["cases"] if case["module"] == name]):
                await step.output(f"cases-{number}", piece)

        label = self._report.say("step_write")
        await self._ctx.step("sum", sum_up, label=label)
        names = list(dict.fromkeys(case["module"] for case in whole["cases"]))
        for number, name in enumerate(names):
            await self._ctx.step(
                f"write:{number}", partial(cases, name, number), name, weight=WRITE_WEIGHT, label=label
            )

    def _result(
        self, whole: dict[str, Any], issues: list[dict[str, Any]], found: Gathered, told: Told
    ) -> dict[str, Any]:
        engine = "llm" if self._model is not None else "embedded"
        partial_ = bool(told.failures) or whole["coverage"]["cut"] > 0
        return {
            "engine": engine,
            "model": self._model.name if self._model is not None else None,
            "spent": self._budget.spent.to_json() if self._model is not None else None,
            "needs_model": needs_model("embedded" if self._model is None else "llm", {"text": bool(found.unparsed)}),
            "status": "partial" if partial_ else "complete",
            "language": self._language,
            "title": self._params.title or (found.modules[0].name if found.modules else ""),
            "counts": {"cases": len(whole["cases"]), "read": found.read, "unparsed": len(found.unparsed)},
            "coverage": whole["coverage"],
            "techniques": whole["techniques"],
            "issues": issues,
            "unparsed": found.unparsed,
            "ungrounded": told.ungrounded,
            "failures": told.failures,
            "spec": {
                "modules": [one.model_dump(mode="json", by_alias=True, exclude_defaults=True) for one in found.modules]
            },
            "cases": whole["cases"],
            "obligations": whole["obligations"],
        }


async def _sent(ctx: Context, upload: str) -> str:
    """The text of a document that was sent, kept with the task: places in it are those of the result.

    :raises WorkflowFailed: it can't be read, or is too long.
    """

    async def work(step: Step) -> str:
        content = await ctx.upload(upload)
        try:
            text = await to_thread.run_sync(text_of, content)
        except Unreadable as error:
            raise WorkflowFailed(error.message) from None
        if len(text) > LONGEST_TEXT:
            raise WorkflowFailed(f"The document has {len(text)} characters of text, more than {LONGEST_TEXT}.")
        await step.artifact("requirements.txt", text.encode(), "text/plain; charset=utf-8")
        return text

    ctx.expect(2)
    text: str = await ctx.step("upload", work, upload, weight=0)
    return text


def _language(params: CasesParams, text: str | None) -> Language:
    if params.language != "auto":
        return params.language
    names = [params.title]
    if params.spec is not None:
        names += [
            name for module in params.spec.modules for name in (module.name, *(one.name for one in module.fields))
        ]
    return "zh" if language_of(text or " ".join(names)) == "zh" else "en"


def cases_workflow(model: Model | None = None) -> Workflow:
    """:param model: reads what the grammar can't; without one only what it can becomes cases."""

    async def run(ctx: Context, params: CasesParams) -> Any:
        refuse(params, model=model)
        text = params.text if params.upload is None else await _sent(ctx, params.upload)
        return await Run(ctx, params, text, model).run()

    def asks_model(params: Mapping[str, Any]) -> bool:
        prose = params.get("text") is not None or params.get("upload") is not None
        return params.get("engine") != "embedded" and prose

    return Workflow(
        kind="testcases",
        version=VERSION,
        params=CasesParams,
        run=run,
        title=_title,
        label={"en": "Test cases", "zh": "测试用例"},
        model=model.identity if model is not None else None,
        asks_model=asks_model,
        check=lambda params: refuse(params, model=model),
        formats=FORMATS,
        uploads=lambda params: [params["upload"]] if params.get("upload") else [],
    )


def _title(params: CasesParams) -> str:
    first = params.title or (params.spec.modules[0].name if params.spec is not None else params.text or "")
    return " ".join(first.split())[:TITLE_CHARS]
