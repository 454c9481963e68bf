"""A run that is killed anywhere and started again makes the same report, byte for byte."""

import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from server.errors import JournalMismatch, WorkflowFailed
from server.sources.fetch import Fetcher
from server.sources.library import Library
from server.workflows.rehearsal import Killed, Recorded, RehearsalContext
from server.workflows.research.workflow import research_workflow
from tests.sources.pages import page, serve_pages

DATA = Path(__file__).parent.parent / "data/library"
QUERY = "How do I descale a kettle?"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(DATA, tmp_path / "library"))


async def run(folder: Path, journal: dict[str, Recorded], kill: int | None, url: str) -> tuple[RehearsalContext, Any]:
    workflow = research_workflow(Library(folder), Fetcher(("127.0.0.1",)))
    context = RehearsalContext(journal, steps_until_kill=kill)
    params = workflow.params.model_validate({"query": QUERY, "sources": {"urls": [url]}})
    with suppress(Killed):
        return context, await workflow.run(context, params)
    return context, None


async def test_killed_after_any_step_the_report_is_the_same(folder: Path) -> None:
    """No finished step runs twice, no page is fetched twice, and the report does not show that anything happened."""
    async with serve_pages({"/": page("<p>A kettle is descaled at our shop within ten minutes.</p>")}) as pages:
        url = pages.url("/")
        whole, result = await run(folder, {}, None, url)
        for kill in range(len(whole.ran)):
            journal: dict[str, Recorded] = {}
            first, nothing = await run(folder, journal, kill, url)
            second, resumed = await run(folder, journal, None, url)
            assert nothing is None
            assert len(first.ran) == kill
            assert set(first.ran).isdisjoint(second.ran)
            assert (second.report, resumed) == (whole.report, result)
        # Once for each run that had not recorded the fetch before it was killed.
        assert len(pages.asked) <= len(whole.ran) + 3


async def test_killed_after_every_step_the_report_is_the_same(folder: Path) -> None:
    """One step for each life, to the end."""
    async with serve_pages({"/": page("<p>A kettle is descaled at our shop within ten minutes.</p>")}) as pages:
        whole, result = await run(folder, {}, None, pages.url("/"))
        journal: dict[str, Recorded] = {}
        for _ in range(len(whole.ran)):
            await run(folder, journal, 1, pages.url("/"))
        last, resumed = await run(folder, journal, None, pages.url("/"))
        assert last.ran == []
        assert (last.report, resumed) == (whole.report, result)
        assert len(pages.asked) == 2


async def test_recorded_steps_hold_when_the_library_changes(folder: Path) -> None:
    """Quotes come from the recorded passages, even when their file is gone."""
    async with serve_pages({"/": page("<p>A kettle is descaled at our shop within ten minutes.</p>")}) as pages:
        whole, result = await run(folder, {}, None, pages.url("/"))
        journal: dict[str, Recorded] = {}
        searched = whole.ran.index("cite")
        await run(folder, journal, searched, pages.url("/"))
        shutil.rmtree(folder)
        last, resumed = await run(folder, journal, None, pages.url("/"))
    assert (last.report, resumed) == (whole.report, result)


async def test_the_rehearsal_keeps_the_contract() -> None:
    """Other inputs than those recorded, a key used twice, a part with two writers: refused as by the server."""

    async def work(step: Any) -> int:
        await step.output("part", "text")
        return 1

    first = RehearsalContext()
    assert await first.step("a", work, {"x": 1}) == 1
    with pytest.raises(WorkflowFailed):
        await first.step("a", work, {"x": 1})
    with pytest.raises(JournalMismatch):
        await RehearsalContext(first.journal).step("a", work, {"x": 2})

    async def outer(step: Any) -> None:
        await step.output("part", "more")
        await first.step("inner", work)

    with pytest.raises(WorkflowFailed):
        await first.step("outer", outer)
    assert first.report == "text"
