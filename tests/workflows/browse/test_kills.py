"""What a kill costs: of the server, of the browser, and of a page in the middle."""

import csv
import io
import os
import signal
import time
import zipfile
from functools import partial
from pathlib import Path
from typing import Any

import httpx2
import pytest
from anyio import create_task_group, fail_after, sleep, to_thread

from server.sources.chromium.pool import Chromium
from server.workflows.browse.workflow import browse_workflow
from server.workflows.rehearsal import RehearsalContext
from tests.serving import ServerProcess
from tests.workflows.browse.processes import below, seconds_until_gone
from tests.workflows.browse.site import Site

pytestmark = [pytest.mark.browser, pytest.mark.anyio]
PAGES = 4
GONE_SECONDS = 20.0


def _server(folder: Path) -> ServerProcess:
    return ServerProcess(folder, HEARTBEAT_SECONDS="0.2", SCAN_SECONDS="0.1", LEASE_SECONDS="10")


async def call(method: str, url: str, **more: Any) -> Any:
    answer = await to_thread.run_sync(partial(httpx2.request, method, url, timeout=30, **more))
    return answer.json()


async def _until(wanted: Any) -> None:
    with fail_after(60):
        while not await wanted():  # noqa: ASYNC110 - another process has no event here
            await sleep(0.05)


async def test_a_killed_server_does_no_finished_page_again_and_leaves_no_process(
    odd_site: Site, tmp_path: Path, pool: Chromium
) -> None:
    tasks = [{"url": f"{odd_site.url}/page/{number}", "captures": ["text", "screenshot"]} for number in range(PAGES)]
    server = await to_thread.run_sync(_server, tmp_path)
    try:
        made = await call("POST", server.url + "/api/tasks", json={"kind": "browse", "params": {"tasks": tasks}})
        kills = 0
        while True:
            at = f"{server.url}/api/tasks/{made['id']}"

            async def moved(at: str = at, kills: int = kills) -> bool:
                task = await call("GET", at)
                return bool(task["status"] == "completed" or task["progress"]["completed"] > kills)

            await _until(moved)
            if (await call("GET", at))["status"] == "completed":
                break
            processes = below(server.pid)
            assert any(one.is_browser for one in processes)
            await to_thread.run_sync(server.kill)
            kills += 1
            await to_thread.run_sync(seconds_until_gone, processes, GONE_SECONDS)
            server = await to_thread.run_sync(_server, tmp_path)
        result = await call("GET", at + "/result")
        assert kills >= 2
        assert [item["status"] for item in result["items"]] == ["completed"] * PAGES
        asked = [odd_site.asked[f"/page/{number}"] for number in range(PAGES)]
        # A page that was under way at a kill is opened once more; none that was done is.
        assert sum(asked) <= PAGES + kills
        assert max(asked) <= 2
        archive = await to_thread.run_sync(partial(httpx2.get, at + "/report.zip"))
        with zipfile.ZipFile(io.BytesIO(archive.content)) as files:
            assert files.testzip() is None
            assert sum(each.filename.endswith(".png") and each.file_size > 0 for each in files.infolist()) == PAGES
        table = await to_thread.run_sync(partial(httpx2.get, at + "/report.csv"))
        rows = list(csv.DictReader(io.StringIO(table.content.decode("utf-8-sig"))))
        assert [row["url"] for row in rows] == [task["url"] for task in tasks]
    finally:
        await to_thread.run_sync(server.kill)


async def test_a_page_is_stopped_in_the_middle_within_a_second(odd_site: Site, tmp_path: Path, pool: Chromium) -> None:
    server = await to_thread.run_sync(_server, tmp_path)
    try:
        tasks = [{"url": odd_site.url + "/never"}]
        made = await call("POST", server.url + "/api/tasks", json={"kind": "browse", "params": {"tasks": tasks}})
        with fail_after(30):
            await odd_site.wanted.wait()
        began = time.monotonic()
        at = f"{server.url}/api/tasks/{made['id']}"
        await call("POST", at + "/stop", json={})

        async def stopped() -> bool:
            return bool((await call("GET", at))["status"] == "stopped")

        await _until(stopped)
        assert time.monotonic() - began < 1.0
    finally:
        await to_thread.run_sync(server.kill)


async def test_a_killed_browser_costs_one_try_more(pool: Chromium, odd_site: Site) -> None:
    workflow = browse_workflow(pool)

    async def kill() -> None:
        await odd_site.wanted.wait()
        assert pool.pid is not None
        os.kill(pool.pid, signal.SIGKILL)

    params = workflow.params.model_validate(
        {"tasks": [{"url": odd_site.url + "/never", "timeout_s": 4, "retries": 0}, {"url": odd_site.url + "/"}]}
    )
    result: Any = None
    async with create_task_group() as tg:
        tg.start_soon(kill)
        with fail_after(60):
            result = await workflow.run(RehearsalContext(), params)
    first, second = result["items"]
    assert (first["attempts"], first["error"]["code"], second["status"]) == (2, "timeout", "completed")
    assert odd_site.asked["/never"] == 2
    assert pool.in_use == 0


async def test_a_form_that_a_crash_interrupted_waits_for_its_user(pool: Chromium, odd_site: Site) -> None:
    workflow = browse_workflow(pool)
    task = {"url": odd_site.url + "/login", "fill": {"Name": "Ann"}, "submit": "Sign in"}
    params = workflow.params.model_validate({"tasks": [task]})
    first = RehearsalContext()
    await workflow.run(first, params)
    del first.journal["item:0"]  # the crash came after the form was sent and before that was recorded
    result: Any = await workflow.run(RehearsalContext(first.journal), params)
    assert result["items"][0]["status"] == "needs_confirmation"
    assert len(odd_site.posted) == 1
