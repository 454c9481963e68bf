"""`/api/background_task/…` does what the browser batch promises: figures, stop, going on, after a crash as well."""

import re
import shlex
import subprocess
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import orjson
import pytest

from server.sources.browser import find_browser
from tests.api.held_site import HeldSite, held_site
from tests.serving import ROOT, ServerProcess, server_process, wait_until

pytestmark = pytest.mark.browser

SECONDS = 60.0
ALL_DONE = "后台任务全部完成！"


def quick_process(folder: Path) -> AbstractContextManager[ServerProcess]:
    """A server that is quick to notice things."""
    return server_process(folder, HEARTBEAT_SECONDS="0.2", SCAN_SECONDS="0.1", LEASE_SECONDS="2")


@pytest.fixture(scope="module", autouse=True)
def browser() -> None:
    """Skips the module where there is none."""
    found = find_browser()
    if found.browser is None:
        pytest.skip(f"no browser was found on this machine. {' '.join(found.problems)}")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with quick_process(tmp_path_factory.mktemp("background")) as process:
        yield process


@pytest.fixture(scope="module")
def client() -> Iterator[httpx2.Client]:
    with httpx2.Client(timeout=30) as made:
        yield made


@pytest.fixture
def site() -> Iterator[HeldSite]:
    with held_site() as found:
        yield found


class Session:
    """A client of that API, in a session of its own."""

    def __init__(self, client: httpx2.Client, url: str, session: str | None = None) -> None:
        self.id = session or str(uuid.uuid4())
        self.url = url
        self._client = client

    def post(self, action: str, **body: Any) -> httpx2.Response:
        headers = {"X-Session-ID": self.id}
        return self._client.post(f"{self.url}/api/background_task/{action}", json=body, headers=headers)

    def start(self, **body: Any) -> dict[str, Any]:
        answer = self.post("start", **body)
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        assert told["success"] is True
        return told

    def stop(self) -> str:
        answer = self.post("stop")
        assert (answer.status_code, answer.json()["success"]) == (200, True)
        message: str = answer.json()["message"]
        return message

    def status(self) -> dict[str, Any]:
        answer = self._client.get(f"{self.url}/api/background_task/status?session={self.id}").json()
        assert answer["success"] is True
        told: dict[str, Any] = answer["task_status"]
        return told

    def until(self, **wanted: Any) -> dict[str, Any]:
        wait_until(lambda: wanted.items() <= self.status().items(), SECONDS)
        return self.status()

    def figures(self) -> tuple[Any, ...]:
        """As the seed's tables have them."""
        return figures(self.status())

    def page(self) -> dict[str, Any]:
        shown: dict[str, Any] = self._client.get(f"{self.url}/api/sessions/{self.id}").json()
        return shown


def figures(told: dict[str, Any]) -> tuple[Any, ...]:
    names = ("total_tasks", "completed_tasks", "progress_percent", "current_task_progress", "status")
    return tuple(told[name] for name in names)


def pages(site: HeldSite, *paths: str) -> list[dict[str, Any]]:
    return [{"url": site.url + path, "title": path} for path in paths]


def journey(site: HeldSite, *paths: str) -> dict[str, Any]:
    """A page of as many steps as there are paths, and one more for its text."""
    return {"title": paths[0], "steps": [{"type": "navigate", "url": site.url + path} for path in paths]}


def test_the_example_of_four_tasks_has_the_figures_that_its_description_has(
    client: httpx2.Client, server: ServerProcess, site: HeldSite
) -> None:
    """T0, T1, T2 and T3, with nobody looking in between."""
    first = journey(site, "/page/1", "/held/1", *(f"/page/1-{number}" for number in range(7)))
    third = journey(site, "/page/3", "/held/3", "/page/3-1", "/page/3-2")
    session = Session(client, server.url)
    told = session.start(tasks=[first, *pages(site, "/page/2"), third, *pages(site, "/page/4")], auto_generate=True)
    assert told["message"] == "后台任务已启动，共 4 个任务。"
    session.until(current_task_progress=10)
    assert session.figures() == (4, 0, 0, 10, "running")
    site.let("/held/1")
    session.until(completed_tasks=2, current_task_progress=20)
    assert session.figures() == (4, 2, 50, 20, "running")
    assert session.status()["current_task"] == "/page/3"
    assert [page["state"] for page in session.page()["pages"]] == ["completed", "completed", "running", "waiting"]
    site.let("/held/3")
    ended = session.until(status="completed")
    assert figures(ended) == (4, 4, 100, 100, "completed")
    assert ended["message"] == ALL_DONE
    assert (ended["failed_tasks"], ended["skipped_tasks"], ended["current_task"]) == (0, 0, None)


def test_after_a_kill_the_figures_are_the_same_and_it_goes_on(
    client: httpx2.Client, tmp_path: Path, site: HeldSite
) -> None:
    """By the very address that was left, and no finished page is opened again."""
    batch = [*pages(site, "/page/1", "/page/2"), journey(site, "/page/3", "/held/3", "/page/3-1", "/page/3-2")]
    session = Session(client, "")
    with quick_process(tmp_path) as process:
        session.url = process.url
        task_id = session.start(tasks=[*batch, *pages(site, "/page/4")])["task_id"]
        session.until(completed_tasks=2, current_task_progress=20)
        process.kill()
    with quick_process(tmp_path) as process:
        session.url = process.url
        assert session.figures()[:3] == (4, 2, 50)
        session.until(completed_tasks=2, current_task_progress=20, status="running")
        site.let("/held/3")
        assert figures(session.until(status="completed")) == (4, 4, 100, 100, "completed")
        assert session.status()["task_id"] == task_id
    assert [site.asked[f"/page/{number}"] for number in (1, 2, 4)] == [1, 1, 1]
    assert site.asked["/page/3"] == 2


def test_a_stopped_batch_keeps_what_is_done_and_a_start_goes_on(
    client: httpx2.Client, server: ServerProcess, site: HeldSite
) -> None:
    """The page in the middle is opened once more, those before it are not; stopping twice is stopping once."""
    session = Session(client, server.url)
    session.start(tasks=pages(site, "/page/1", "/held/2", "/page/3"), task_indices=[0, 1, 2])
    session.until(completed_tasks=1)
    wait_until(lambda: site.asked["/held/2"] == 1, SECONDS)
    assert session.stop() == "后台任务已停止，已完成的任务不受影响。"
    assert session.figures()[:3] == (3, 1, 33)
    assert session.status()["status"] == "stopped"
    assert session.stop() == "没有正在执行的后台任务。"
    site.let("/held/2")
    told = session.start(task_indices=[0, 1, 2])
    assert told["message"] == "后台任务继续执行，已完成的任务不受影响。"
    assert session.until(status="completed")["message"] == ALL_DONE
    assert (site.asked["/page/1"], site.asked["/held/2"], site.asked["/page/3"]) == (1, 2, 1)


def test_a_start_while_one_runs_attaches_and_another_is_refused_in_words(
    client: httpx2.Client, server: ServerProcess, site: HeldSite
) -> None:
    """Nothing is begun by either."""
    session = Session(client, server.url)
    batch = pages(site, "/held/1", "/page/2")
    first = session.start(tasks=batch)
    for body in ({"tasks": batch}, {}, {"task_indices": [0, 1]}):
        again = session.start(**body)
        assert (again["task_id"], again["message"]) == (first["task_id"], "后台任务已在执行中，继续显示其进度。")
    refused = session.post("start", task_indices=[1])
    assert (refused.status_code, refused.json()["code"], refused.json()["success"]) == (409, "session_busy", False)
    assert "先停止" in refused.json()["message"]
    assert session.status()["task_id"] == first["task_id"]
    session.stop()
    assert session.start(task_indices=[1])["message"] == "后台任务已启动，共 1 个任务。"
    assert figures(session.until(status="completed")) == (1, 1, 100, 100, "completed")
    assert site.asked["/page/2"] == 1


def test_a_page_that_failed_is_counted_apart_and_done_by_the_next_start(
    client: httpx2.Client, server: ServerProcess, site: HeldSite
) -> None:
    """It takes no other with it, all is not said to be completed, and what is done is passed over and still counted."""
    session = Session(client, server.url)
    batch = [{**page, "retries": 0} for page in pages(site, "/page/1", "/broken/2", "/page/3")]
    session.start(tasks=batch)
    ended = session.until(status="completed")
    assert figures(ended)[:3] == (3, 2, 100)
    assert ended["failed_tasks"] == 1
    assert ended["message"] == "后台任务已结束：共 3 个，完成 2，失败 1，跳过 0，待确认 0。"
    shown = session.page()["pages"]
    assert [page["state"] for page in shown] == ["completed", "failed", "completed"]
    assert (shown[1]["error"]["code"], shown[1]["http_status"]) == ("http_500", 500)
    for _ in range(2):  # it fails again, and is tried again all the same
        before = site.asked["/broken/2"]
        session.start()
        assert figures(session.until(status="completed"))[:3] == (3, 2, 100)
        assert site.asked["/broken/2"] == before + 1
    site.mended.set()
    session.start()
    assert session.until(status="completed", failed_tasks=0)["message"] == ALL_DONE
    assert (site.asked["/page/1"], site.asked["/page/3"]) == (1, 1)


def test_what_is_completed_runs_again_only_by_ignore_completed(
    client: httpx2.Client, server: ServerProcess, site: HeldSite
) -> None:
    """Each time that it is asked for."""
    session = Session(client, server.url)
    session.start(tasks=pages(site, "/page/1", "/page/2"))
    task_id = session.until(status="completed")["task_id"]
    told = session.start()
    assert told["message"].startswith("这些任务都已完成")
    assert (told["task_id"], site.asked["/page/1"]) == (task_id, 1)
    for times in (2, 3):
        session.start(ignore_completed=True)
        assert session.until(status="completed")["message"] == ALL_DONE
        assert (site.asked["/page/1"], site.asked["/page/2"]) == (times, times)
    # Those that this leaves out are done all the same.
    session.start(ignore_completed=True, task_indices=[1])
    assert figures(session.until(status="completed", total_tasks=1))[:3] == (1, 1, 100)
    assert session.start()["message"].startswith("这些任务都已完成")
    assert (site.asked["/page/1"], site.asked["/page/2"]) == (3, 4)


def test_pages_that_are_expired_or_not_yet_due_are_skipped_and_named(
    client: httpx2.Client, server: ServerProcess, site: HeldSite
) -> None:
    """As are those without a plan where none may be made."""
    now = datetime.now(UTC)
    batch = pages(site, "/page/1", "/page/2", "/page/3")
    batch[0] |= {"title": "旧通知", "expires_at": (now - timedelta(hours=1)).isoformat()}
    batch[1] |= {"title": "明日签到", "not_before": (now + timedelta(hours=1)).isoformat()}
    session = Session(client, server.url)
    told = session.start(tasks=batch)
    assert told["message"] == "后台任务已启动，共 3 个任务。未到开始时间：明日签到。已过期：旧通知。"
    assert [(page["index"], page["code"]) for page in told["skipped"]] == [(0, "expired"), (1, "not_due")]
    ended = session.until(status="completed")
    assert (ended["completed_tasks"], ended["skipped_tasks"], ended["progress_percent"]) == (1, 2, 100)
    session.start(auto_generate=False, ignore_completed=True, task_indices=[2])
    assert session.until(status="completed", total_tasks=1)["skipped_tasks"] == 1
    assert session.page()["pages"][2]["error"]["code"] == "no_plan"
    assert site.asked["/page/2"] == 0


def test_a_paused_batch_counts_as_stopped_until_it_is_started_again(
    client: httpx2.Client, server: ServerProcess, site: HeldSite
) -> None:
    """Whoever paused it did so by the task's own routes."""
    session = Session(client, server.url)
    task_id = session.start(tasks=pages(site, "/page/1", "/held/2"))["task_id"]
    session.until(completed_tasks=1)
    client.post(f"{server.url}/api/tasks/{task_id}/pause")
    assert session.figures()[1:] == (1, 50, 0, "stopped")
    assert session.post("start", task_indices=[1]).json()["code"] == "session_busy"
    site.let("/held/2")
    assert session.start()["task_id"] == task_id
    assert session.until(status="completed")["message"] == ALL_DONE
    assert site.asked["/page/1"] == 1


def test_a_page_that_may_have_done_something_waits_for_a_start_that_says_so(
    client: httpx2.Client, server: ServerProcess, site: HeldSite
) -> None:
    """A start that goes on does not do it a second time; the next one is its user's word."""
    session = Session(client, server.url)
    session.start(tasks=[{**pages(site, "/held/1")[0], "side_effects": True}, *pages(site, "/page/2")])
    wait_until(lambda: site.asked["/held/1"] == 1, SECONDS)
    session.stop()
    site.let("/held/1")
    session.start()
    ended = session.until(status="completed")
    assert (ended["completed_tasks"], ended["needs_confirmation_tasks"], ended["progress_percent"]) == (1, 1, 100)
    assert ended["message"] == "后台任务已结束：共 2 个，完成 1，失败 0，跳过 0，待确认 1。"
    assert site.asked["/held/1"] == 1
    session.start()
    assert session.until(status="completed", needs_confirmation_tasks=0)["message"] == ALL_DONE
    assert (site.asked["/held/1"], site.asked["/page/2"]) == (2, 1)


def test_however_many_start_it_at_once_it_is_one_batch(
    client: httpx2.Client, server: ServerProcess, site: HeldSite
) -> None:
    """The first time, and again for a page that has failed."""
    session = Session(client, server.url)
    batch = [{**page, "retries": 0} for page in pages(site, "/page/1", "/held/broken")]
    for times in (1, 2, 3):
        site.hold("/held/broken")
        with ThreadPoolExecutor(16) as pool:
            ids = {told["task_id"] for told in pool.map(lambda _: session.start(tasks=batch), range(16))}
        assert len(ids) == 1
        site.let("/held/broken")
        session.until(status="completed", task_id=ids.pop())
        assert (site.asked["/page/1"], site.asked["/held/broken"]) == (1, times)


def test_the_same_pages_in_two_sessions_are_two_batches(
    client: httpx2.Client, server: ServerProcess, site: HeldSite
) -> None:
    """Neither knows of the other."""
    sessions = [Session(client, server.url) for _ in range(2)]
    ids = {session.start(tasks=pages(site, "/page/1"))["task_id"] for session in sessions}
    assert len(ids) == 2
    for session in sessions:
        assert session.until(status="completed")["completed_tasks"] == 1
    assert site.asked["/page/1"] == 2


def test_another_node_shows_the_same_and_stops_it(client: httpx2.Client, tmp_path: Path, site: HeldSite) -> None:
    """The node that is asked need not be the one that opens the pages."""
    with quick_process(tmp_path) as one, quick_process(tmp_path) as other:
        here = Session(client, one.url)
        there = Session(client, other.url, here.id)
        here.start(tasks=pages(site, "/page/1", "/held/2"))
        wait_until(lambda: there.figures()[:3] == (2, 1, 50), SECONDS)
        assert there.page()["pages"][0]["final_url"] == f"{site.url}/page/1"
        assert there.stop() == "后台任务已停止，已完成的任务不受影响。"
        assert here.until(status="stopped")["completed_tasks"] == 1


def test_a_damaged_or_deleted_batch_hides_no_other(
    client: httpx2.Client, server: ServerProcess, site: HeldSite
) -> None:
    """The newest that is there counts."""
    session = Session(client, server.url)
    batch = pages(site, "/page/1", "/page/2")
    first = session.start(tasks=batch, task_indices=[0])["task_id"]
    session.until(status="completed")
    second = session.start(task_indices=[1])["task_id"]
    session.until(status="completed", task_id=second)
    assert session.page()["earlier"] == [first]
    assert httpx2.delete(f"{server.url}/api/tasks/{second}").status_code == 204
    assert session.until(task_id=first)["completed_tasks"] == 1


@pytest.mark.parametrize("page", ["docs/browser.md", "docs/zh/browser.md"])
def test_the_examples_of_the_documentation_run_as_they_stand(server: ServerProcess, page: str) -> None:
    """In their order, but for the port."""
    fences = re.findall(r"^```\n(.*?)^```$", (ROOT / page).read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    commands = [each for each in fences if "/api/background_task/" in each or "/api/sessions/" in each]
    assert len(commands) >= 4
    for command in commands:
        written = command.replace("\\\n", " ").replace("http://127.0.0.1:8000", server.url)
        run = subprocess.run(shlex.split(written), capture_output=True, timeout=30, check=True)
        told = orjson.loads(run.stdout)
        assert told.get("success", True) is True, told
    status = f"{server.url}/api/background_task/status"
    wait_until(lambda: httpx2.get(status).json()["task_status"]["status"] == "completed", SECONDS)
