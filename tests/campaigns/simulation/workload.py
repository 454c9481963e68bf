"""The workflow that simulated machines run: steps one after another and side by side, some of which fail."""

from random import Random
from typing import Any

import anyio
from pydantic import Field

from server.errors import WorkflowFailed
from server.models import Json
from server.workflows.base import Context, Params, Step, Workflow
from tests.campaigns.chance import dice
from tests.campaigns.simulation.witness import Witness

KIND = "simulated"
LARGE_RESULT = "x" * (128 * 1024)


class WorkParams(Params):
    """``plan``: what steps there are, is made of this."""

    plan: int = Field(0, description="Another number is another plan, and another task.")


class Workload:
    """Its workflow's steps write, wait, and fail sometimes, until there is to be ``calm``."""

    def __init__(self, witness: Witness, rng: Random, *, failing_share: float) -> None:
        self._witness, self._rng, self._failing_share = witness, rng, failing_share
        self.calm = False

    def workflow(self, version: int) -> Workflow:
        return Workflow(kind=KIND, version=version, params=WorkParams, run=self._run, title=lambda params: "simulated")

    async def _run(self, ctx: Context, params: WorkParams) -> Json:
        plan = dice(params.plan, "plan")
        executions: dict[str, int] = {}
        stages = plan.randint(1, 4)
        ctx.expect(weight=stages)
        for stage in range(stages):
            keys = [f"{stage}.{beside}" for beside in range(plan.choice((1, 1, 2)))]
            pieces, is_large = plan.randint(0, 5), plan.random() < 0.03
            async with anyio.create_task_group() as tg:
                for key in keys:
                    tg.start_soon(self._step, ctx, key, pieces, is_large, executions)
        return dict(sorted(executions.items()))

    async def _step(self, ctx: Context, key: str, pieces: int, is_large: bool, executions: dict[str, int]) -> None:
        async def work(step: Step) -> Json:
            execution = self._witness.begins(ctx.generation, key)
            for piece in range(pieces):
                await self._wait()
                await step.output(f"part {key}", f"<{key} {execution} {piece}>")
                if self._rng.random() < 0.2:
                    await step.item({"key": f"{key} {piece}"})
                if not self.calm and self._rng.random() < self._failing_share:
                    raise WorkflowFailed("The dice said so.")
            if self._rng.random() < 0.2:
                await step.artifact(f"made-{key}", f"{execution}".encode(), "text/plain")
            return {"execution": execution, "pieces": pieces, "filling": LARGE_RESULT if is_large else ""}

        result: Any = await ctx.step(key, work, {"pieces": pieces})
        executions[key] = result["execution"]
        self._witness.finished(ctx.generation, key, result["execution"])

    async def _wait(self) -> None:
        seconds = self._rng.choice((0.0, 0.01, 0.1, 0.5))
        if seconds:
            await anyio.sleep(seconds * self._rng.random())
