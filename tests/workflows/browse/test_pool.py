"""Browsers come and go behind the contexts, and pages that are open at once know nothing of one another."""

import os
import tempfile
from pathlib import Path
from typing import Any

import httpx2
import pytest
from anyio import to_thread

from server.sources.chromium.pool import Chromium
from server.workflows.browse.workflow import browse_workflow
from server.workflows.rehearsal import RehearsalContext
from tests.serving import serving, settings, wait_until
from tests.workflows.browse.conftest import chromium
from tests.workflows.browse.processes import Process, below, seconds_until_gone
from tests.workflows.browse.site import Site

CONTEXTS = 5
EACH = 2
GONE_SECONDS = 20.0


def browsers() -> set[Process]:
    return {one for one in below(os.getpid()) if one.is_browser}


@pytest.mark.browser
@pytest.mark.anyio
async def test_a_browser_is_renewed_after_so_many_contexts_and_the_old_one_ends() -> None:
    before = browsers()
    pool = chromium()
    pool.contexts_each = EACH
    seen: set[Process] = set()
    async with pool.running():
        for _ in range(CONTEXTS):
            async with pool.context("http://127.0.0.1/") as (context, _):
                await context.new_page()
                now = browsers() - before
                assert len(now) == 1
                seen |= now
            assert pool.in_use == 0
        assert pool.started == len(seen) == 3
    await to_thread.run_sync(seconds_until_gone, list(seen), GONE_SECONDS)


@pytest.mark.browser
@pytest.mark.anyio
async def test_pages_at_once_share_nothing_and_keep_their_order(pool: Chromium, odd_site: Site) -> None:
    names = ["Ann", "Bo", "Cy", "Di"]
    tasks = [{"url": odd_site.url + "/login", "fill": {"Name": name}, "submit": "Sign in"} for name in names]
    workflow = browse_workflow(pool)
    params = workflow.params.model_validate({"tasks": [*tasks, {"url": odd_site.url + "/inside"}], "parallelism": 4})
    result: Any = await workflow.run(RehearsalContext(), params)
    texts = [item["text"] for item in result["items"]]
    assert all(f"Hello {name}" in text for name, text in zip(names, texts[:-1], strict=True))
    assert "Nobody is signed in" in texts[-1]


@pytest.mark.browser
@pytest.mark.anyio
async def test_a_browser_starts_where_the_temporary_folder_has_too_long_a_name_for_its_socket(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = tmp_path / ("x" * 100)
    long.mkdir()
    monkeypatch.setenv("TMPDIR", str(long))
    monkeypatch.setattr(tempfile, "tempdir", str(long))
    pool = chromium()
    async with pool.running(), pool.context("http://127.0.0.1/") as (context, _):
        page = await context.new_page()
        assert await page.evaluate("1 + 1") == 2


def test_without_a_browser_a_batch_says_so_and_all_else_works(tmp_path: Path) -> None:
    """The program that the operator named is none."""
    nonsense = tmp_path / "no-browser"
    with serving(settings(tmp_path, browser_path=nonsense)) as server, httpx2.Client(base_url=server.url) as client:
        asked = {"kind": "browse", "params": {"tasks": [{"url": "http://127.0.0.1/"}]}}
        browse = "/api/tasks/" + client.post("/api/tasks", json=asked).json()["id"]
        other = "/api/tasks/" + client.post("/api/tasks", json={"kind": "demo", "params": {}}).json()["id"]
        wait_until(lambda: client.get(browse).json()["status"] == "failed")
        failure = client.get(browse).json()["error"]
        assert failure["code"] == "browser_missing"
        assert str(nonsense) in failure["message"]
        assert "BROWSER_PATH" in failure["message"]
        wait_until(lambda: client.get(other).json()["status"] == "completed")
        assert "browse" in [kind["kind"] for kind in client.get("/api/kinds").json()["kinds"]]
