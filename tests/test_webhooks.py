"""Each end is told: through kills, restarts and takeovers, over real sockets and by real processes."""

import base64
import re
import threading
import time
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest
from pydantic import ValidationError

from server.settings import Settings
from server.sources.egress import Judge
from server.sources.failures import FetchFailed
from server.sources.webhooks import WebhookSender, signature
from tests.receiving import SECRET, Receiver, receiving
from tests.serving import ROOT, ServerProcess, server_process, serving, settings, wait_until

QUICK = {"HEARTBEAT_SECONDS": "0.2", "LEASE_SECONDS": "2", "SCAN_SECONDS": "0.1"}


def telling(receiver: Receiver) -> dict[str, Any]:
    return {**QUICK, "WEBHOOK_URLS": receiver.url, "WEBHOOK_SECRET": SECRET}


def start(url: str, number: int = 0, **more: Any) -> str:
    made = httpx2.post(f"{url}/api/tasks", json={"kind": "demo", "events": 2 + number, **more}, timeout=30)
    return str(made.json()["id"])


def task(url: str, task_id: str) -> dict[str, Any]:
    found: dict[str, Any] = httpx2.get(f"{url}/api/tasks/{task_id}", timeout=30).json()
    return found


def untold(folder: Path) -> list[Path]:
    return list((folder / "tasks" / "untold").glob("*.json"))


def test_each_end_is_told_once_with_what_the_task_says(tmp_path: Path) -> None:
    """Completed, failed and stopped ones; what was told is told no more after a restart."""
    with receiving() as receiver:
        with serving(settings(tmp_path, webhook_urls=(receiver.url,), webhook_secret=SECRET)) as server:
            completed = start(server.url)
            failed = start(server.url, fail_at=1)
            stopped = start(server.url, 50, rate=1)
            wait_until(lambda: task(server.url, stopped)["status"] == "running")
            httpx2.post(f"{server.url}/api/tasks/{stopped}/stop", timeout=30)
            wait_until(lambda: len(receiver.got) == 3 and not untold(tmp_path))
            told = {body["data"]["task_id"]: (message_id, body) for message_id, body in receiver.got}
            for task_id, status in ((completed, "completed"), (failed, "failed"), (stopped, "stopped")):
                now = task(server.url, task_id)
                message_id, body = told[task_id]
                assert message_id == f"{task_id}:{now['generation']}:{now['seq']}"
                assert body["type"] == f"task.{status}"
                assert body["data"]["finished_at"] == body["timestamp"] == now["finished_at"]
                assert body["data"]["url"] == f"/api/tasks/{task_id}"
            figures = httpx2.get(f"{server.url}/metrics", timeout=30).text
            assert 'holdfast_webhook_attempts_total{outcome="taken"} 3.0' in figures
            assert "holdfast_webhooks_waiting 0.0" in figures
        with serving(settings(tmp_path, webhook_urls=(receiver.url,), webhook_secret=SECRET)) as server:
            retried = httpx2.post(f"{server.url}/api/tasks/{failed}/retry", timeout=30)
            assert retried.status_code == 200
            wait_until(lambda: len(receiver.got) == 4 and not untold(tmp_path))
        assert max(receiver.counts.values()) == 1
        assert receiver.got[-1][1]["data"]["attempt"] == 2
        assert receiver.forged == 0


def test_what_ended_before_there_were_receivers_is_not_told(tmp_path: Path) -> None:
    with receiving() as receiver:
        with serving(settings(tmp_path)) as server:
            old = start(server.url)
            wait_until(lambda: task(server.url, old)["status"] == "completed")
        with serving(settings(tmp_path, webhook_urls=(receiver.url,), webhook_secret=SECRET)) as server:
            new = start(server.url, 1)
            wait_until(lambda: receiver.got and not untold(tmp_path))
        assert [body["data"]["task_id"] for _, body in receiver.got] == [new]


def test_a_server_killed_before_its_message_was_taken_leaves_it_to_the_next_one(tmp_path: Path) -> None:
    """Under the same id, and no more once it was taken."""
    with receiving() as receiver:
        receiver.status = 503
        with server_process(tmp_path, **telling(receiver)) as first:
            task_id = start(first.url)
            wait_until(lambda: receiver.tried)
            first.kill()
        receiver.status = 204
        with server_process(tmp_path, **telling(receiver)) as second:
            wait_until(lambda: receiver.got and not untold(tmp_path))
            assert task(second.url, task_id)["status"] == "completed"
        assert set(receiver.tried) == set(receiver.counts)
        assert list(receiver.counts.values()) == [1]


def test_a_server_killed_between_the_end_and_the_notice_loses_no_message(tmp_path: Path) -> None:
    """The volume has the end and refuses the notice, until the server is killed."""
    with receiving() as receiver:
        with server_process(tmp_path, **telling(receiver)) as first:
            (tmp_path / "tasks" / "untold").write_bytes(b"in the way")
            task_id = start(first.url)
            wait_until(lambda: task(first.url, task_id)["status"] == "completed")
            wait_until(lambda: any("keeping a notice" in line for line in first.told))
            first.kill()
        assert receiver.tried == []
        (tmp_path / "tasks" / "untold").unlink()
        with server_process(tmp_path, **telling(receiver)):
            wait_until(lambda: receiver.got and not untold(tmp_path))
        assert receiver.got[0][1]["data"]["task_id"] == task_id


def test_of_two_servers_each_end_is_told_once_and_a_killed_ones_ends_by_the_other(tmp_path: Path) -> None:
    """Twelve tasks through both, while the receiver refuses; one server is killed, and then it takes them."""
    with receiving() as receiver:
        receiver.status = 500
        with (
            server_process(tmp_path, **telling(receiver)) as first,
            server_process(tmp_path, **telling(receiver)) as second,
        ):
            servers: list[ServerProcess] = [first, second]
            ids = [start(servers[number % 2].url, number) for number in range(12)]
            wait_until(lambda: len(set(receiver.tried)) == len(ids))
            first.kill()
            receiver.status = 204
            wait_until(lambda: len(receiver.counts) == len(ids) and not untold(tmp_path))
        assert {body["data"]["task_id"] for _, body in receiver.got} == set(ids)
        assert max(receiver.counts.values()) == 1
        assert receiver.forged == 0


def test_a_receiver_that_takes_nothing_keeps_no_server_from_ending(tmp_path: Path) -> None:
    """SIGTERM while the message waits; neither what is kept nor the log has the address or the secret."""
    with receiving() as receiver:
        receiver.status = 503
        with server_process(tmp_path, **telling(receiver)) as server:
            start(server.url)
            wait_until(lambda: receiver.tried)
            assert server.terminate() == 0
        (kept,) = untold(tmp_path)
        written = kept.read_text() + "".join(server.told)
        assert "webhook" in written
        assert not [secret for secret in (receiver.url, SECRET, SECRET.removeprefix("whsec_")) if secret in written]


@pytest.mark.parametrize("page", ["docs/webhooks.md", "docs/zh/webhooks.md"])
def test_the_receiver_of_the_documentation_takes_what_is_signed_and_nothing_else(page: str) -> None:
    """Our own messages once each, none that somebody else has signed, changed or kept back."""
    text = (ROOT / page).read_text()
    (example,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    (headers, body) = re.findall(r"```\n(POST .*?)\n\n(.*?)\n```", text, re.DOTALL)[0]
    shown = dict(line.split(": ") for line in headers.splitlines()[1:])
    signed = signature(SECRET, shown["webhook-id"], int(shown["webhook-timestamp"]), body.encode())
    assert signed == shown["webhook-signature"]
    names: dict[str, Any] = {}
    exec(example, names)  # noqa: S102 - our own page
    printed: list[str] = []
    names["print"] = printed.append
    server = ThreadingHTTPServer(("127.0.0.1", 0), names["Receiver"])
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_address[1]}/hook"

    async def send(secret: str, body: bytes, age: float = 0) -> str | None:
        sender = WebhookSender(Judge(("127.0.0.1",)), secret, waits=(), clock=lambda: time.time() - age)
        try:
            await sender.send(url, f"{'a' * 32}:abc123:7", body)
        except FetchFailed as failure:
            return failure.code
        return None

    assert anyio.run(send, "whsec_" + base64.b64encode(b"k" * 24).decode(), b'{"a":1}') == "http_401"
    assert anyio.run(send, SECRET, b'{"a":1}', 600) == "http_401"
    for _ in range(2):
        assert anyio.run(send, SECRET, b'{"a":1}') is None
    assert printed == ['{"a":1}']
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("webhook_urls", "ftp://a.example/"),
        ("webhook_urls", "https://user:pass@a.example/"),
        ("webhook_urls", "https://a.example/hook"),
        ("webhook_secret_file", "nowhere"),
    ],
)
def test_receivers_that_cannot_be_told_are_refused_at_the_start(name: str, value: str) -> None:
    """The third one has no secret of sufficient length."""
    with pytest.raises(ValidationError) as refused:
        Settings.model_validate({"webhook_secret": "short", name: value})
    assert [problem["loc"] for problem in refused.value.errors()] == [(name,)]
