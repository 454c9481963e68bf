"""What strangers send to the addresses of novels and notifications: ids that are none, bodies of every wrong shape."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.serving import Running, serving, settings

TAKING = ["/api/notifications/read", "/api/notifications/tell", "/api/ai/generate-outline"]
NO_NAMES = [
    "%2e%2e",
    "..%2F..%2Ftasks",
    "a%2Fb",
    "a%5Cb",
    "a%00",
    "a%0A",
    "%0Aa",
    ".hidden",
    "-x",
    "ａ",
    "x" * 65,
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with serving(settings(tmp_path_factory.mktemp("hostile"))) as running:
        yield running


def files(server: Running) -> set[Path]:
    """All that is kept but for what the server writes by itself."""
    folder: Path = server.app.state.services.settings.task_storage_dir
    return {path for path in folder.rglob("*") if path.relative_to(folder).parts[0] not in ("nodes", "index")}


def refused(answer: httpx2.Response, *statuses: int) -> dict[str, Any]:
    """The problem document."""
    assert answer.status_code in statuses, answer.text[:500]
    told: dict[str, Any] = answer.json()
    assert told["code"]
    assert told["detail"]
    return told


@pytest.mark.parametrize("path", TAKING)
@pytest.mark.parametrize(
    "content",
    [
        b'{"ids": ["\xff"]}',
        b'{"ids": ["\\ud800"]}',
        b'{"ids": NaN}',
        b'{"title": -Infinity}',
        b"[" * 100_000,
        b'{"ids":' * 5_000 + b"1" + b"}" * 5_000,
        b"\x00",
        b"{",
    ],
    ids=["utf-8", "surrogate", "nan", "infinity", "lists", "objects", "nul", "half"],
)
def test_a_body_that_is_no_json_is_refused_and_changes_nothing(server: Running, path: str, content: bytes) -> None:
    before = files(server)
    answer = httpx2.post(server.url + path, content=content, headers={"Content-Type": "application/json"}, timeout=30)
    refused(answer, 400)
    assert files(server) == before


@pytest.mark.parametrize("path", TAKING)
@pytest.mark.parametrize(
    "content",
    [
        b"[]",
        b"null",
        b"7",
        b'"text"',
        b'{"ids": {"0": "x"}, "title": {}}',
        b'{"ids": ' + b"[" * 200 + b"]" * 200 + b', "title": ""}',
        b'{"chapters": 1e400, "title": "x", "ids": [1e400]}',
        b'{"chapters": ' + b"9" * 5_000 + b', "title": "x"}',
        b'{"title": "x", "\\u0000": 1}',
    ],
    ids=["list", "null", "number", "text", "objects", "deep", "infinite", "digits", "nul"],
)
def test_json_of_another_shape_is_refused_and_changes_nothing(server: Running, path: str, content: bytes) -> None:
    before = files(server)
    answer = httpx2.post(server.url + path, content=content, headers={"Content-Type": "application/json"}, timeout=30)
    refused(answer, 400, 422)
    assert files(server) == before


@pytest.mark.parametrize("name", NO_NAMES)
@pytest.mark.parametrize("tail", ["", "/tasks"])
def test_what_can_be_no_novels_id_is_not_found(server: Running, name: str, tail: str) -> None:
    """Nor does a request for it leave anything behind."""
    before = files(server)
    refused(httpx2.get(f"{server.url}/api/novels/{name}{tail}", timeout=30), 404)
    assert files(server) == before


@pytest.mark.parametrize(
    "name", ["..", "a/b", "a\\b", "a\x00", "a\nb", ".hidden", "-x", "ａ", "x" * 65, "", 7, ["a"], {}]
)
def test_a_novel_of_such_an_id_is_not_made(server: Running, name: Any) -> None:
    before = files(server)
    body = {"kind": "novel", "params": {"novel": {"id": name, "title": "x"}}}
    told = refused(httpx2.post(f"{server.url}/api/tasks", json=body, timeout=30), 422)
    assert [each["path"] for each in told["errors"]] == ["novel.id"]
    assert files(server) == before


@pytest.mark.parametrize("one", ["../../nodes", "x:0:0", "0" * 32 + ":0:0", "a\x00b", "\u202e", "💥" * 100])
def test_an_end_that_is_nobodys_is_passed_over(server: Running, one: str) -> None:
    before = files(server)
    answer = httpx2.post(f"{server.url}/api/notifications/read", json={"ids": [one]}, timeout=30)
    assert (answer.status_code, answer.json()["unread"]) == (200, 0)
    assert files(server) == before


def test_what_is_accepted_leaves_files(tmp_path: Path) -> None:
    """So that the others of these tests would see some."""
    with serving(settings(tmp_path)) as own:
        before = files(own)
        body = {"novel": {"id": "night", "title": "x", "chapters": 1}}
        made = httpx2.post(f"{own.url}/api/tasks", json={"kind": "novel", "params": body}, timeout=30)
        assert made.status_code == 201
        assert files(own) - before
