"""A task whose program has changed: left to who has its version, started over in the open when nobody has."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import anyio

from server.app import Holdfast
from server.models import Json, Life, Status
from server.stores.base import Store
from server.stores.files import FileStore
from server.tasks.manager import TaskRequest
from server.tasks.state import TaskState
from server.workflows.base import Context, Params, Step, Workflow
from tests.serving import settings

Run = Callable[[Context, Any], Awaitable[Json]]


class NoParams(Params):
    """None."""


class StrictParams(Params):
    """What the older requests do not have."""

    depth: int


def workflow(version: int, run: Run, params: type[Params] = NoParams, kind: str = "essay") -> Workflow:
    return Workflow(kind=kind, version=version, params=params, run=run, title=lambda params: "An essay")


def writer(version: int, *, ends: bool = True) -> Run:
    """Writes two steps' texts, and then ends or waits for ever."""

    async def run(context: Context, params: Any) -> Json:
        for key in ("one", "two"):

            async def work(step: Step, key: str = key) -> str:
                await step.output("essay", f"{key} of version {version}. ")
                await step.artifact(f"{key}-{version}.txt", b"x", "text/plain")
                return key

            await context.step(key, work, {"key": key, "version": version})

        async def wait(step: Step) -> None:
            await step.output("essay", "Unfinished. ")
            await anyio.sleep_forever()

        if not ends:
            await context.step("wait", wait)
        return {"version": version}

    return run


def node(folder: Path, *workflows: Workflow, **more: Any) -> Holdfast:
    wanted = settings(folder, shutdown_grace_seconds=0, **more)
    return Holdfast(wanted, FileStore(wanted.task_storage_dir), list(workflows))


async def submit(on: Holdfast, kind: str = "essay") -> Life:
    return (await on.services.manager.submit(TaskRequest(kind, {}, "An essay", "local"))).life


async def state_when(on: Holdfast, life: Life, reached: Callable[[TaskState], bool]) -> TaskState:
    with anyio.fail_after(20):
        while not reached(state := await on.services.outlook.state(life)):  # noqa: ASYNC110 - nothing tells it
            await anyio.sleep(0.01)
    return state


async def reasons(store: Store, life: Life) -> list[str]:
    """The reasons of all changes of status."""
    reader = store.reader(life)
    found = TaskState(life)
    told = []
    while batch := await reader.read():
        for record in batch:
            found.apply(record)
            if record.type == "status":
                told.append(found.reason)
    await reader.close()
    return told


async def begun_by_version_1(folder: Path) -> Life:
    """A task that a node of version 1 has left in the middle."""
    first = node(folder, workflow(1, writer(1, ends=False)))
    async with first.running():
        life = await submit(first)
        await state_when(first, life, lambda state: "Unfinished" in state.output)
    return life


async def test_a_task_is_started_over_in_the_open_when_nobody_has_its_version(tmp_path: Path) -> None:
    """What the older program wrote is taken back, artifacts included, and the reason told."""
    life = await begun_by_version_1(tmp_path)
    second = node(tmp_path, workflow(2, writer(2)))
    async with second.running():
        state = await state_when(second, life, lambda state: state.status is Status.COMPLETED)
        assert state.output == "one of version 2. two of version 2. "
        assert state.result == {"version": 2}
        assert state.workflow_version == 2
        assert sorted(state.artifacts) == ["one-2.txt", "two-2.txt"]
        assert await reasons(second.services.store, life) == ["started", "handed_over", "upgraded", "completed"]


async def test_a_started_over_task_goes_on_from_its_new_journal(tmp_path: Path) -> None:
    """It is started over once, not at each takeover."""
    life = await begun_by_version_1(tmp_path)
    second = node(tmp_path, workflow(2, writer(2, ends=False)))
    async with second.running():
        await state_when(second, life, lambda state: "two of version 2. Unfinished" in state.output)
    third = node(tmp_path, workflow(2, writer(2)))
    async with third.running():
        state = await state_when(third, life, lambda state: state.status is Status.COMPLETED)
        assert state.output == "one of version 2. two of version 2. "
        told = await reasons(third.services.store, life)
        assert told == ["started", "handed_over", "upgraded", "handed_over", "continued", "completed"]


async def test_a_task_is_left_to_the_node_that_has_its_version(tmp_path: Path) -> None:
    """However much room the others have."""
    life = await begun_by_version_1(tmp_path)
    newer = node(tmp_path, workflow(2, writer(2)), scan_seconds=0.05)
    older = node(tmp_path, workflow(1, writer(1)), scan_seconds=2)
    async with older.running(), newer.running():
        state = await state_when(older, life, lambda state: state.status is Status.COMPLETED)
        assert state.output == "one of version 1. two of version 1. "
        assert "upgraded" not in await reasons(older.services.store, life)


async def test_parameters_that_the_newer_program_does_not_take_fail_the_task(tmp_path: Path) -> None:
    """In words, and only this task."""
    life = await begun_by_version_1(tmp_path)
    second = node(tmp_path, workflow(2, writer(2), StrictParams))
    async with second.running():
        state = await state_when(second, life, lambda state: state.status is Status.FAILED)
        assert state.failure is not None
        assert state.failure["code"] == "workflow_failed"
        assert "do not fit version 2" in state.failure["message"]


async def test_a_task_whose_kind_nobody_offers_says_what_it_waits_for(tmp_path: Path) -> None:
    """And goes on when a server that offers it comes."""
    life = await begun_by_version_1(tmp_path)
    other = node(tmp_path, workflow(1, writer(1), kind="poem"))
    async with other.running():
        view = await other.services.outlook.view(life)
        assert view["status"] == Status.PENDING
        assert view["stalled"]["code"] == "unknown_kind"
        own = node(tmp_path, workflow(1, writer(1)))
        async with own.running():
            await state_when(other, life, lambda state: state.status is Status.COMPLETED)
        assert (await other.services.outlook.view(life))["stalled"] is None
