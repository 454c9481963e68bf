"""The research workflow as the server offers it."""

from typing import Any

from server.sources.fetch import Fetcher
from server.sources.library import Library
from server.workflows.base import Context, Workflow
from server.workflows.research.embedded import EmbeddedResearch
from server.workflows.research.params import ResearchParams, refuse

VERSION = 2
TITLE_CHARS = 120


def research_workflow(library: Library, fetcher: Fetcher) -> Workflow:
    async def run(ctx: Context, params: ResearchParams) -> Any:
        refuse(params)
        return await EmbeddedResearch(ctx, params, library, fetcher).run()

    return Workflow(
        kind="research",
        version=VERSION,
        params=ResearchParams,
        run=run,
        title=lambda params: " ".join(params.query.split())[:TITLE_CHARS],
        label={"en": "Research", "zh": "研究"},
        model=None,
        search=lambda: {"library": library.name, "urls": True},
        check=refuse,
    )
