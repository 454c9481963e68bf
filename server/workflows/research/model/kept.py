"""Evidence of an earlier task, as sources of a new one."""

from typing import Any

from server.errors import WorkflowFailed
from server.workflows.base import Context, Step


async def evidence_of(ctx: Context, task_id: str, label: str) -> dict[str, Any]:
    """The quotes of a finished research task, as if they had been found in its sources now: `{sources, passages}`.

    :raises WorkflowFailed: there is no such result.
    """

    async def work(step: Step) -> Any:
        result = await ctx.result_of(task_id)
        if not isinstance(result, dict) or not isinstance(result.get("evidence"), list):
            return None
        sources = {source["n"]: source for source in result.get("sources", [])}
        passages = [
            {
                "source": sources[one["source"]]["id"],
                "headings": one.get("headings", []),
                "score": 0.0,
                "blocks": [[one["start"], one["quote"]]],
            }
            for one in result["evidence"]
            if one["source"] in sources
        ]
        kept = [{key: source[key] for key in source if key not in ("n", "cited")} for source in sources.values()]
        return {"sources": kept, "passages": passages}

    found = await ctx.step("kept", work, {"task": task_id}, label=label)
    if found is None:
        raise WorkflowFailed(f"Task {task_id}, which this one is to follow, has no evidence that could be used.")
    result: dict[str, Any] = found
    return result
