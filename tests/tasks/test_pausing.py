"""A workflow that pauses its own task: why is told, nothing that is done is lost, and who resumes it has it go on."""

from functools import partial
from pathlib import Path
from typing import Any

from server.errors import BatchBlocked
from server.models import Status
from server.tasks.state import TaskState
from server.workflows.base import Context, Params, Step, Workflow
from tests.tasks.test_versions import node, reasons, state_when, submit


def batch(outcomes: dict[str, list[str]], ran: list[str]) -> Workflow:
    """Does ``one`` and ``two``, each time with the next of its outcomes; pauses when ``two`` has failed."""

    async def run(context: Context, params: Any) -> Any:
        results = {}
        for key in outcomes:

            async def work(step: Step, key: str = key) -> str:
                ran.append(key)
                outcome = outcomes[key].pop(0)
                await step.output(key, f"{key} {outcome}. ")
                await step.item({"key": key}, outcome=outcome)
                return outcome

            results[key] = await context.step(key, work)
        if results["two"] == "failed":
            raise BatchBlocked("Nobody answers.", again=["two"])
        return results

    return Workflow(kind="essay", version=1, params=Params, run=run, title=lambda params: "A batch")


def stands(attempt: int, status: Status, state: TaskState) -> bool:
    return (state.attempt, state.status) == (attempt, status)


async def test_a_task_that_pauses_itself_says_why_and_does_again_what_it_named(tmp_path: Path) -> None:
    ran: list[str] = []
    on = node(tmp_path, batch({"one": ["completed"], "two": ["failed", "completed"]}, ran))
    async with on.running():
        life = await submit(on)
        paused = await state_when(on, life, lambda state: state.status is Status.PAUSED)
        assert (paused.reason, paused.failure and paused.failure["message"]) == ("batch_blocked", "Nobody answers.")
        assert paused.ended is None
        assert (paused.progress.completed, paused.progress.failed) == (1, 1)
        await on.services.steering.resume(life)
        done = await state_when(on, life, lambda state: state.status is Status.COMPLETED)
        told = await reasons(on.services.store, life)
    assert ran == ["one", "two", "two"]
    assert done.result == {"one": "completed", "two": "completed"}
    assert done.output == "one completed. two completed. "
    assert (done.failure, done.progress.completed, done.progress.failed) == (None, 2, 0)
    assert [reason for reason in told if reason != "started"] == ["batch_blocked", "resumed", "continued", "completed"]


async def test_a_task_that_paused_itself_waits_through_a_restart_and_the_same_request_resumes_it(
    tmp_path: Path,
) -> None:
    ran: list[str] = []
    workflow = batch({"one": ["completed"], "two": ["failed", "failed", "completed"]}, ran)
    first = node(tmp_path, workflow)
    async with first.running():
        life = await submit(first)
        await state_when(first, life, lambda state: state.status is Status.PAUSED)
    second = node(tmp_path, workflow)
    async with second.running():
        state = await second.services.outlook.state(life)
        assert (state.status, state.reason) == (Status.PAUSED, "batch_blocked")
        for attempt, wanted in ((2, Status.PAUSED), (3, Status.COMPLETED)):
            await submit(second)
            moved = partial(stands, attempt, wanted)
            await state_when(second, life, moved)
    assert ran == ["one", "two", "two", "two"]


async def test_a_task_that_paused_itself_can_be_stopped(tmp_path: Path) -> None:
    on = node(tmp_path, batch({"one": ["completed"], "two": ["failed"]}, []))
    async with on.running():
        life = await submit(on)
        await state_when(on, life, lambda state: state.status is Status.PAUSED)
        await on.services.steering.stop(life)
        state = await on.services.outlook.state(life)
    assert (state.status, state.ended) == (Status.STOPPED, state.seq)
