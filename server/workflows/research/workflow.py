"""The research workflow as the server offers it."""

from collections.abc import Mapping
from typing import Any

from server.llm.base import Model
from server.sources.fetch import Fetcher
from server.sources.library import Library
from server.sources.providers.base import Capability
from server.sources.providers.roster import Providers
from server.workflows.base import Context, Workflow
from server.workflows.engines import engine_for
from server.workflows.research.embedded import EmbeddedResearch
from server.workflows.research.model.engine import ModelResearch
from server.workflows.research.params import ResearchParams, Sources, capabilities, refuse
from server.workflows.research.steering import ResearchSteering

VERSION = 4
TITLE_CHARS = 120


def research_workflow(
    library: Library, fetcher: Fetcher, providers: Providers | None = None, *, model: Model | None = None
) -> Workflow:
    """``fetcher`` reads the pages that requests name; those that a search found are read by the roster's own."""
    roster = providers or Providers()

    async def run(ctx: Context, params: ResearchParams) -> Any:
        check(params)
        if model is not None and engine_for(params.engine, model) == "llm":
            return await ModelResearch(ctx, params, model, library, fetcher, roster).run()
        return await EmbeddedResearch(ctx, params, library, fetcher, roster).run()

    def check(params: ResearchParams) -> None:
        refuse(params, roster.names(capabilities(params.sources)), model=model)

    def search(params: Mapping[str, Any] | None) -> dict[str, Any]:
        anything: set[Capability] = {"web", "academic"}
        wanted = anything if params is None else capabilities(Sources.model_validate(params.get("sources", {})))
        names = roster.names(wanted)
        return {"library": library.name, "urls": True} | ({"providers": list(names)} if names else {})

    def asks_model(params: Mapping[str, Any]) -> bool:
        return bool(params.get("engine") != "embedded")

    return Workflow(
        kind="research",
        version=VERSION,
        params=ResearchParams,
        run=run,
        title=lambda params: " ".join(params.query.split())[:TITLE_CHARS],
        label={"en": "Research", "zh": "研究"},
        model=None if model is None else model.identity,
        asks_model=asks_model,
        search=search,
        check=check,
        steering=ResearchSteering,
    )
