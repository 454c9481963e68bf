"""Tasks about a novel, one after the other over one bible, without a server."""

from typing import Any

from server.errors import HoldfastError
from server.llm.base import Model
from server.workflows.novel.workflow import novel_workflow
from server.workflows.rehearsal import RehearsalContext


class Shelf:
    """A user's novels. ``ledgers`` is what their tasks share."""

    def __init__(self, model: Model | None = None) -> None:
        self.workflow = novel_workflow(model)
        self.ledgers: dict[str, list[bytes]] = {}
        self._tasks = 0

    def context(self, **more: Any) -> RehearsalContext:
        """A new task's."""
        self._tasks += 1
        return RehearsalContext(ledgers=self.ledgers, task_id=f"{self._tasks:032x}", **more)

    async def run(self, ctx: RehearsalContext | None = None, novel: str = "night", **params: Any) -> dict[str, Any]:
        """A task's result, admitted as the server would. :raises HoldfastError: it is refused, or fails."""
        ctx = ctx or self.context()
        novel_spec = {"id": novel, **params.pop("frame", {})}
        read = self.workflow.params.model_validate({"novel": novel_spec, **params})
        for ask in (self.workflow.check, self.workflow.admit):
            assert ask is not None
        self.workflow.check(read)  # type: ignore[misc] # just looked at
        await self.workflow.admit(read, ctx.ledger)  # type: ignore[misc] # just looked at
        found: Any = await self.workflow.run(ctx, read)
        return dict(found)

    async def refused(self, **params: Any) -> HoldfastError:
        """The error with which a task is refused or fails."""
        try:
            await self.run(**params)
        except HoldfastError as error:
            return error
        raise AssertionError("it was not refused")

    async def bible(self, novel: str = "night") -> dict[str, Any]:
        assert self.workflow.shown is not None
        shown: Any = await self.workflow.shown(self.context().ledger(novel))
        return dict(shown)
