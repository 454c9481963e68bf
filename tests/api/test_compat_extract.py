"""`/api/v1/events/extract/…` does what the event extraction promises: its curl word for word, its figures, going on."""

import re
import shlex
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.llm.endpoint import KEY
from tests.serving import ROOT, ServerProcess, server_process, serving, settings, wait_until
from tests.workflows.extract.asking import Reader, honest, serving_reader, users

SEED = "curl http://localhost:8000/api/v1/events/extract/progress"
FIELDS = {
    "status",
    "total_users",
    "processed_users",
    "success_count",
    "failed_count",
    "current_batch",
    "total_batches",
    "current_user_ids",
    "start_time",
    "end_time",
    "progress_percent",
    "estimated_remaining_seconds",
    "error_message",
}
SECONDS = 60.0


class Client:
    """A client of that API."""

    def __init__(self, url: str) -> None:
        self.url = url + "/api/v1/events/extract"

    def start(self, **body: Any) -> dict[str, Any]:
        answer = httpx2.post(self.url + "/start", json=body or None, timeout=30)
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        assert told["code"] == 0
        return told

    def progress(self) -> dict[str, Any]:
        told = httpx2.get(self.url + "/progress", timeout=30).json()
        assert told["code"] == 0
        found: dict[str, Any] = told["data"]
        return found

    def until(self, **wanted: Any) -> dict[str, Any]:
        wait_until(lambda: wanted.items() <= self.progress().items(), SECONDS)
        return self.progress()


@contextmanager
def with_model(folder: Path, served: Reader) -> Iterator[ServerProcess]:
    quick: dict[str, Any] = {"HEARTBEAT_SECONDS": "0.2", "SCAN_SECONDS": "0.1", "LEASE_SECONDS": "2"}
    model: dict[str, Any] = {"OPENAI_BASE_URL": served.url, "OPENAI_MODEL": "scripted", "OPENAI_API_KEY": KEY}
    with server_process(folder, **quick, **model) as process:
        yield process


def run(command: str, url: str) -> Any:
    """A command of the documentation, at another port."""
    words = [word.replace("http://localhost:8000", url) for word in shlex.split(command.replace("\\\n", " "))]
    ran = subprocess.run([*words[:1], "--silent", *words[1:]], capture_output=True, check=True, timeout=SECONDS)
    return httpx2.Response(200, content=ran.stdout).json()


@pytest.mark.parametrize("page", ["docs/extract.md", "docs/zh/extract.md"])
def test_the_commands_are_run_as_they_are_written(tmp_path: Path, page: str) -> None:
    """The seed's own curl stands there word for word, and answers with its fields at any time."""
    text = (ROOT / page).read_text(encoding="utf-8")
    start, progress = re.findall(r"```(?:bash)?\n(curl [^`]*/api/v1/events/extract/[^`]*?)\n```", text)
    assert progress == SEED
    with serving(settings(tmp_path)) as server:
        idle = run(progress, server.url)
        assert idle["code"] == 0
        assert (idle["data"]["status"], idle["data"]["total_users"]) == ("idle", 0)
        assert run(start, server.url)["code"] == 0
        ended = Client(server.url).until(status="completed")
        assert ended.keys() - {"task_id"} == idle["data"].keys() == FIELDS
        assert (ended["total_users"], ended["success_count"], ended["progress_percent"]) == (1, 1, 100)
        assert (ended["estimated_remaining_seconds"], ended["error_message"]) == (None, None)
        assert ended["end_time"] >= ended["start_time"]


def test_figures_while_it_runs_and_after_a_kill(tmp_path: Path) -> None:
    """Nine users in batches of three, the model holding the fifth: killed there, it goes on there."""
    with serving_reader() as served:
        served.held = "Report 4."
        with with_model(tmp_path, served) as process:
            client = Client(process.url)
            assert client.progress()["status"] == "idle"
            client.start(users=users(9), batch_size=3)
            told = client.until(processed_users=5)
            assert (told["status"], told["current_batch"], told["total_batches"]) == ("running", 2, 3)
            assert told["current_user_ids"] == ["u3", "u4", "u5"]
            assert (told["total_users"], told["success_count"], told["failed_count"]) == (9, 5, 0)
            assert told["progress_percent"] == 55.6
            assert client.start(users=users(9), batch_size=3)["message"] == "批量抽象任务正在执行中"
            asked = dict(served.calls)
        with with_model(tmp_path, served) as process:
            client = Client(process.url)
            assert client.progress()["processed_users"] >= 5
            served.held = None
            ended = client.until(status="completed")
    assert (ended["success_count"], ended["progress_percent"], ended["current_user_ids"]) == (9, 100, [])
    again = [key for key, times in served.calls.items() if times > asked.get(key, 0) and key in asked]
    assert all(":ask:4:" in str(key) for key in again), "only the one that was held is asked about again"


def test_a_start_without_a_body_goes_on_with_what_is_left(tmp_path: Path) -> None:
    """Stopped, it goes on; completed, the failed users are read again; with nothing left, it says so."""
    with serving_reader(lambda text: "no JSON" if "Report 1." in text else honest(text)) as served:
        model = {"openai_base_url": served.url, "openai_model": "scripted", "openai_api_key": KEY}
        with serving(settings(tmp_path, **model)) as server:
            client = Client(server.url)
            answer = httpx2.post(client.url + "/start", json={}, timeout=30)
            assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "no_users")
            served.held = "Report 2."
            first = client.start(users=users(4), batch_size=2)["data"]["task_id"]
            client.until(processed_users=3)
            httpx2.post(f"{server.url}/api/tasks/{first}/stop", json={}, timeout=30)
            told = client.until(status="failed")
            assert "停止" in told["error_message"]
            served.held = None
            assert client.start()["message"] == "批量抽象任务继续执行"
            ended = client.until(status="completed")
            assert (ended["task_id"], ended["success_count"], ended["failed_count"]) == (first, 3, 1)
            served.reply = honest
            retried = client.start()["data"]["task_id"]
            assert retried != first
            ended = client.until(status="completed", task_id=retried)
            assert (ended["total_users"], ended["success_count"]) == (1, 1)
            assert "没有失败" in client.start()["message"]


def test_what_is_wrong_is_told_as_everywhere(tmp_path: Path) -> None:
    with serving(settings(tmp_path)) as server:
        answer = httpx2.post(f"{server.url}/api/v1/events/extract/start", json={"users": []}, timeout=30)
        assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
        assert answer.json()["errors"][0]["path"] == "users"
