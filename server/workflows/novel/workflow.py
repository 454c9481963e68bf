"""The kind `novel` as the server offers it."""

from collections.abc import Mapping
from typing import Any

from anyio import to_thread

from server.llm.base import Model
from server.models import Json
from server.workflows.base import Context, Ledger, Workflow
from server.workflows.engines import engine_for
from server.workflows.novel.admission import admit
from server.workflows.novel.bible import Bible
from server.workflows.novel.checks.health import count_words
from server.workflows.novel.downloads import epub_of, txt_of
from server.workflows.novel.entities import ChapterText
from server.workflows.novel.params import NovelParams, refuse
from server.workflows.novel.removal import remove
from server.workflows.novel.work import MODEL_TYPES, Novel
from server.workflows.spending import refuse_unpriced

VERSION = 2
TITLE_CHARS = 100


def novel_workflow(model: Model | None = None) -> Workflow:
    """:param model: writes; without one, the kind plans and checks."""

    async def run(ctx: Context, params: NovelParams) -> Any:
        check(params)
        return await Novel(ctx, params, model).run()

    def check(params: NovelParams) -> None:
        refuse(params)
        engine = engine_for(params.engine, model)
        if model is not None and engine == "llm" and params.task_type in MODEL_TYPES:
            refuse_unpriced(params.budget, model, [(params.model, False)])

    return Workflow(
        kind="novel",
        version=VERSION,
        params=NovelParams,
        run=run,
        title=_title,
        label={"en": "Novel", "zh": "小说"},
        model=None if model is None else model.identity,
        asks_model=_asks_model,
        check=check,
        admit=admit,
        project=lambda params: params.novel.name,
        shown=_shown,
        removed=remove,
        uploads=lambda params: [params["upload"]] if params.get("upload") else [],
        formats={"epub": ("application/epub+zip", epub_of), "txt": ("text/plain; charset=utf-8", txt_of)},
        formats_when={name: {"task_type": ("chapter", "export")} for name in ("epub", "txt")},
    )


def _title(params: NovelParams) -> str:
    name = (params.novel.title or params.novel.name)[:TITLE_CHARS]
    return f"{name} · {params.task_type}" + (f" {params.range[:20]}" if params.range is not None else "")


async def _shown(ledger: Ledger) -> Json:
    """The bible as it is now, with how many words each chapter's text has."""
    return await to_thread.run_sync(_added_up, await ledger.entries())


def _added_up(entries: list[Json]) -> Json:
    bible = Bible().after(entries)
    if not bible.is_there:
        return None
    words = {str(number): count_words(text.text) for number, text in bible.numbered(ChapterText).items()}
    return {**bible.to_json(), "words": words}


def _asks_model(params: Mapping[str, Any]) -> bool:
    return params.get("engine") != "embedded" and params.get("task_type", "outline") in MODEL_TYPES
