"""Notifications over HTTP: listed, read, told once."""

import json
import re
import shlex
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2
import pytest

from server.resources import docs_dir
from tests.serving import serving, settings, wait_until


@pytest.fixture
def client(tmp_path: Path) -> Iterator[httpx2.Client]:
    with (
        serving(settings(tmp_path, max_concurrent_tasks=20)) as running,
        httpx2.Client(base_url=running.url, timeout=30) as made,
    ):
        yield made


def run(client: httpx2.Client, seed: int, **params: Any) -> str:
    """A demo task that has ended."""
    body = {"kind": "demo", "params": {"events": 2, "seed": seed, **params}}
    task_id = str(client.post("/api/tasks", json=body).raise_for_status().json()["id"])
    wait_until(lambda: client.get(f"/api/tasks/{task_id}").json()["finished_at"] is not None)
    return task_id


def listed(client: httpx2.Client) -> Any:
    return client.get("/api/notifications").raise_for_status().json()


def test_ends_are_listed_told_once_and_read(client: httpx2.Client) -> None:
    """The last first, with what a page has to show of each."""
    assert listed(client) == {"unread": 0, "untold": 0, "active": 0, "notifications": [], "complete": True}
    good, bad = run(client, 1), run(client, 2, fail_at=1)
    wait_until(lambda: listed(client)["untold"] == 2)
    found = listed(client)
    assert (found["unread"], found["active"]) == (2, 0)
    assert [(each["task_id"], each["status"], each["read"]) for each in found["notifications"]] == [
        (bad, "failed", False),
        (good, "completed", False),
    ]
    assert found["notifications"][0].keys() >= {"id", "kind", "title", "project", "session", "finished_at"}

    told = client.post("/api/notifications/tell", json={}).json()
    assert [each["task_id"] for each in told["told"]] == [bad, good]
    assert (told["counts"], told["active"]) == ({"failed": 1, "completed": 1}, 0)
    again = client.post("/api/notifications/tell", json={}).json()
    assert (again["told"], again["counts"]) == ([], {})

    one = client.post("/api/notifications/read", json={"ids": [found["notifications"][1]["id"], "other"]}).json()
    assert (one["unread"], [each["read"] for each in one["notifications"]]) == (1, [False, True])
    assert client.post("/api/notifications/read").json()["unread"] == 0
    client.delete(f"/api/tasks/{good}").raise_for_status()
    wait_until(lambda: [each["task_id"] for each in listed(client)["notifications"]] == [bad])


def test_many_pages_that_ask_at_once_are_given_each_end_once(client: httpx2.Client) -> None:
    """Of twenty requests together."""
    ended = {run(client, seed) for seed in range(5)}
    wait_until(lambda: listed(client)["untold"] == 5)
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: client.post("/api/notifications/tell", json={}).json(), range(20)))
    told = [each["task_id"] for answer in answers for each in answer["told"]]
    assert sorted(told) == sorted(ended)


def test_what_was_read_and_told_outlasts_the_server(tmp_path: Path) -> None:
    """Another one on the same folder says the same."""
    with serving(settings(tmp_path)) as first, httpx2.Client(base_url=first.url, timeout=30) as client:
        run(client, 1)
        wait_until(lambda: listed(client)["untold"] == 1)
        assert len(client.post("/api/notifications/tell", json={}).json()["told"]) == 1
        client.post("/api/notifications/read", json={}).raise_for_status()
        run(client, 2)
        wait_until(lambda: listed(client)["untold"] == 1)
    with serving(settings(tmp_path)) as second, httpx2.Client(base_url=second.url, timeout=30) as client:
        found = listed(client)
        assert (found["unread"], found["untold"], len(found["notifications"])) == (1, 1, 2)
        assert [each["title"] for each in client.post("/api/notifications/tell", json={}).json()["told"]] == [
            found["notifications"][0]["title"]
        ]


@pytest.mark.parametrize(
    ("path", "body", "field", "code"),
    [
        ("read", {"ids": "all"}, "ids", "list_type"),
        ("read", {"ids": [7]}, "ids.0", "string_type"),
        ("read", {"ids": [""]}, "ids.0", "string_too_short"),
        ("read", {"ids": ["x" * 101]}, "ids.0", "string_too_long"),
        ("read", {"ids": ["x"] * 501}, "ids", "too_long"),
        ("read", {"id": ["x"]}, "id", "extra_forbidden"),
        ("tell", {"all": True}, "all", "extra_forbidden"),
    ],
)
def test_a_bad_field_is_refused(client: httpx2.Client, path: str, body: Any, field: str, code: str) -> None:
    """With what would be right; nothing is marked."""
    answer = client.post(f"/api/notifications/{path}", json=body)
    assert answer.status_code == 422
    [error] = answer.json()["errors"]
    assert (error["path"], error["code"]) == (field, code)
    assert error["message"]


@pytest.mark.parametrize("page", ["managing.md", "zh/managing.md"])
def test_the_examples_of_the_documentation_run(client: httpx2.Client, page: str) -> None:
    """Word for word, but for the port."""
    text = (docs_dir() / page).read_text(encoding="utf-8")
    commands = re.findall(r"```\n(curl .+?)\n```", text, re.DOTALL)
    assert len(commands) == 2
    for command in commands:
        words = shlex.split(command.replace("http://127.0.0.1:8000", str(client.base_url).rstrip("/")))
        told = subprocess.run([*words, "-sS", "--fail"], capture_output=True, text=True, timeout=30, check=True)
        assert json.loads(told.stdout).keys() >= {"tasks"} or json.loads(told.stdout).keys() >= {"told"}


def test_another_site_may_not_take_what_is_to_be_told(client: httpx2.Client) -> None:
    """Nor mark anything as read."""
    for path in ("read", "tell"):
        answer = client.post(f"/api/notifications/{path}", json={}, headers={"Origin": "https://evil.example"})
        assert answer.status_code == 403
