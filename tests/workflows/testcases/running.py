"""The workflow without a server."""

from typing import Any

import orjson
from anyio import fail_after

from server.llm.base import Model
from server.workflows.rehearsal import RehearsalContext
from server.workflows.testcases.workflow import cases_workflow


async def made_of(
    text: str | None = None, *, context: RehearsalContext | None = None, model: Model | None = None, **params: Any
) -> tuple[dict[str, Any], RehearsalContext]:
    """The result as JSON gives it back, and the context that it was made in."""
    workflow, context = cases_workflow(model), context or RehearsalContext()
    asked = {**params, **({"text": text} if text is not None else {})}
    with fail_after(60):
        result = await workflow.run(context, workflow.params.model_validate(asked))
    told: dict[str, Any] = orjson.loads(orjson.dumps(result))
    return told, context
