"""`/healthz` and `/readyz`: whether the process answers, and whether it can take work."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2

from server.stores.disk import Disk
from server.stores.files import FileStore
from tests.serving import Running, server_process, serving, settings, wait_until


def ready(server: Running) -> tuple[int, dict[str, Any]]:
    answer = httpx2.get(f"{server.url}/readyz", timeout=10)
    return answer.status_code, answer.json()


def test_a_node_that_has_started_is_ready(tmp_path: Path) -> None:
    """Each check is named."""
    with serving(settings(tmp_path)) as server:
        status, told = ready(server)
        assert status == 200
        assert told["status"] == "ready"
        assert told["checks"] == {name: {"status": "ok"} for name in ("accepting", "heartbeat", "store")}


def test_a_node_whose_folder_is_gone_is_unready_and_ready_again_when_it_is_back(tmp_path: Path) -> None:
    """It says why; that the process answers is another matter."""
    with serving(settings(tmp_path)) as server:
        (tmp_path / "tasks").rename(tmp_path / "aside")
        status, told = ready(server)
        assert (status, told["status"]) == (503, "unready")
        assert told["checks"]["store"]["status"] == "failed"
        assert "Mount it again" in told["checks"]["store"]["detail"]
        assert httpx2.get(f"{server.url}/healthz").json()["status"] == "ok"
        (tmp_path / "aside").rename(tmp_path / "tasks")
        assert ready(server)[0] == 200


def test_a_node_that_can_not_write_its_heartbeat_is_unready(tmp_path: Path) -> None:
    """Reading goes on, but others may take its tasks."""
    with serving(settings(tmp_path, heartbeat_seconds=0.1, lease_seconds=0.6)) as server:
        (tmp_path / "tasks" / "nodes").rename(tmp_path / "nodes")
        wait_until(lambda: ready(server)[0] == 503, 5)
        checks = ready(server)[1]["checks"]
        assert "s ago" in checks["heartbeat"]["detail"]
        assert checks["store"] == {"status": "ok"}


class StuckDisk(Disk):
    """Answers nobody who asks for names until it is let go, as a volume whose server has vanished."""

    def __init__(self) -> None:
        self.works = threading.Event()
        self.works.set()

    def names(self, folder: Path) -> list[str]:
        self.works.wait()
        return super().names(folder)


def test_a_volume_that_does_not_answer_makes_a_node_unready_within_a_second(tmp_path: Path) -> None:
    """Whoever asks gets an answer, however many ask, and the figures too; when the volume is back, so is the node."""
    disk = StuckDisk()
    with serving(settings(tmp_path), store=FileStore(tmp_path / "tasks", disk)) as server:
        assert ready(server)[0] == 200
        disk.works.clear()
        try:
            for _ in range(3):
                started = time.monotonic()
                with ThreadPoolExecutor(40) as askers:
                    answers = list(askers.map(lambda _: ready(server)[0], range(40)))
                assert answers == [503] * 40
                assert time.monotonic() - started < 10  # one after the other, they would take three times as long
            assert "has not answered" in ready(server)[1]["checks"]["store"]["detail"]
            assert httpx2.get(f"{server.url}/healthz").status_code == 200
            assert "holdfast_heartbeat_age_seconds" in httpx2.get(f"{server.url}/metrics").text
        finally:
            disk.works.set()
        wait_until(lambda: ready(server)[0] == 200)


def test_a_node_that_is_ending_is_unready_at_once(tmp_path: Path) -> None:
    """A connection that is open still gets an answer, while the running steps have their time to finish."""
    with server_process(tmp_path) as process, httpx2.Client(base_url=process.url, timeout=10) as client:
        client.post("/api/tasks", json={"kind": "demo", "events": 100, "rate": 1, "steps": 1})
        wait_until(lambda: client.get("/api/stats").json()["node"]["running"] == 1)
        assert client.get("/readyz").status_code == 200
        ending = threading.Thread(target=process.terminate)
        ending.start()
        wait_until(lambda: client.get("/readyz").status_code == 503, 3)
        told = client.get("/readyz").json()
        ending.join(15)
    assert told["status"] == "unready"
    assert told["checks"]["accepting"] == {"status": "failed", "detail": "This server is being shut down."}
    assert "store" not in told["checks"]
