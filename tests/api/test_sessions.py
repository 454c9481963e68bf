"""Which session a request is for, and what is answered where there is nothing or something wrong."""

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.serving import serving, settings, wait_until

STATUS = "/api/background_task/status"


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx2.Client]:
    with (
        serving(settings(tmp_path_factory.mktemp("sessions"))) as running,
        httpx2.Client(base_url=running.url, timeout=30) as made,
    ):
        yield made


def session_of(answer: httpx2.Response) -> Any:
    assert answer.status_code == 200, answer.text
    return answer.json()["task_status"]["session"]


def test_a_session_that_has_nothing_says_so(client: httpx2.Client) -> None:
    """With the figures that there are."""
    session = str(uuid.uuid4())
    told = client.get(STATUS, params={"session": session}).json()
    assert told["success"] is True
    status = told["task_status"]
    assert (status["status"], status["total_tasks"], status["progress_percent"]) == ("idle", 0, 0)
    assert status["message"] == "当前会话没有后台任务。"
    shown = client.get(f"/api/sessions/{session}").json()
    assert (shown["status"], shown["pages"], shown["url"]) == ("idle", [], f"/s/{session}")
    assert client.post("/api/background_task/stop").json()["message"] == "没有正在执行的后台任务。"


def test_a_session_is_named_in_any_of_the_usual_ways(client: httpx2.Client) -> None:
    """What is said outright goes before where the request comes from, and capital letters make no other."""
    first, second = str(uuid.uuid4()), str(uuid.uuid4())
    page, cookie = {"Referer": f"http://127.0.0.1/s/{first}"}, {"Cookie": f"session_id={first}"}
    assert session_of(client.get(STATUS, params={"session": first.upper()})) == first
    assert session_of(client.get(STATUS, params={"session_id": first})) == first
    assert session_of(client.get(STATUS, headers={"X-Session-ID": first})) == first
    assert session_of(client.get(STATUS, headers=page)) == first
    assert session_of(client.get(STATUS, headers=cookie)) == first
    assert session_of(client.get(STATUS, params={"session": second}, headers={**page, **cookie})) == second
    stopped = client.post("/api/background_task/stop", json={"session_id": second})
    assert stopped.json()["session"] == second


def test_who_names_none_has_always_the_same(client: httpx2.Client) -> None:
    """And a cookie of another program, or another page of this one, names none."""
    default = session_of(client.get(STATUS))
    assert str(uuid.UUID(default)) == default
    elsewhere = {"Cookie": "session_id=abc", "Referer": "http://127.0.0.1/t/0123456789abcdef0123456789abcdef"}
    assert session_of(client.get(STATUS, headers=elsewhere)) == default


@pytest.mark.parametrize(
    "named", ["abc", "../../etc", "1" * 36, "{123e4567-e89b-42d3-a456-426614174000}", "½" * 8, "a" * 5000]
)
def test_what_is_no_uuid_is_refused_before_anything_is_looked_for(client: httpx2.Client, named: str) -> None:
    """In query, header, body and path."""
    answers = [
        client.get(STATUS, params={"session": named}),
        client.post("/api/background_task/start", json={"session": named}),
        client.get(STATUS, params={"session_id": f" {named}\n"}),
    ]
    if named.isascii():
        answers.append(client.get(STATUS, headers={"X-Session-ID": named}))
    if "/" not in named:
        answers.append(client.get(f"/api/sessions/{named}"))
    for answer in answers:
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_parameters")
        assert answer.json()["errors"][0]["code"] == "not_a_uuid"
    assert answers[0].json()["message"] == "会话编号必须是 UUID。"


@pytest.mark.parametrize("named", [7, True, ["a"], {"a": 1}])
def test_a_session_that_is_no_text_is_refused(client: httpx2.Client, named: Any) -> None:
    """As is a text that is no UUID."""
    answer = client.post("/api/background_task/stop", json={"session": named})
    assert (answer.status_code, answer.json()["success"]) == (422, False)


def test_a_start_without_pages_says_what_is_missing(client: httpx2.Client) -> None:
    """The seed's own request, in a session that has none yet; and nothing is begun."""
    answer = client.post("/api/background_task/start", json={"task_indices": [0, 1, 2], "auto_generate": True})
    told = answer.json()
    assert (answer.status_code, told["success"], told["errors"][0]["code"]) == (422, False, "no_pages")
    assert told["message"] == "当前会话还没有任务列表：第一次启动时请在 `tasks` 中给出。"
    assert client.get(STATUS).json()["task_status"]["status"] == "idle"


@pytest.mark.parametrize(
    "body",
    [
        {"tasks": []},
        {"tasks": [{"url": "http://127.0.0.1/"}], "task_indices": [1]},
        {"tasks": [{"url": "http://127.0.0.1/"}], "task_indices": "0"},
        {"tasks": [{"url": "file:///etc/passwd"}]},
        {"tasks": [{"url": "http://127.0.0.1/"}], "priorities": 1},
    ],
)
def test_a_start_that_can_not_be_carried_out_is_a_problem_with_success_false(
    client: httpx2.Client, body: dict[str, Any]
) -> None:
    """The fields are named."""
    answer = client.post("/api/background_task/start", json=body)
    assert (answer.status_code, answer.json()["success"]) == (422, False)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["errors"]
    assert answer.json()["message"]
    assert client.get(STATUS).json()["task_status"]["status"] == "idle"


@pytest.mark.parametrize(
    ("headers", "query", "message"),
    [
        ({}, "", "当前会话没有后台任务。"),
        ({"Accept-Language": "zh-CN,zh;q=0.9,en;q=0.8"}, "", "当前会话没有后台任务。"),
        ({"Accept-Language": "en-GB,en;q=0.9"}, "", "This session has no background task."),
        ({"Accept-Language": "en"}, "?lang=zh", "当前会话没有后台任务。"),
        ({}, "?lang=en", "This session has no background task."),
        ({"Accept-Language": "fr"}, "", "当前会话没有后台任务。"),
    ],
)
def test_it_speaks_chinese_unless_english_is_asked_for(
    client: httpx2.Client, headers: dict[str, str], query: str, message: str
) -> None:
    """By `lang`, or by what the browser prefers."""
    assert client.get(STATUS + query, headers=headers).json()["task_status"]["message"] == message


def test_another_site_starts_and_stops_nothing(client: httpx2.Client) -> None:
    """A session's id is no leave to do so."""
    for action in ("start", "stop"):
        answer = client.post(f"/api/background_task/{action}", json={}, headers={"Origin": "http://evil.example"})
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden_origin")


def test_the_page_of_a_session_is_the_web_page(client: httpx2.Client) -> None:
    """It finds its session in the address."""
    answer = client.get(f"/s/{uuid.uuid4()}")
    assert answer.headers["content-type"].startswith("text/html")
    assert answer.text == client.get("/").text


def test_a_batch_that_fails_says_why_and_is_gone_on_with(tmp_path: Path) -> None:
    """Here it is the server that lacks a browser; the figures are those of the pages that are done."""
    lacking = settings(tmp_path, browser_path=tmp_path / "none")
    with serving(lacking) as running, httpx2.Client(base_url=running.url, timeout=30) as client:
        body = {"tasks": [{"url": "http://127.0.0.1:9/"}], "task_indices": [0]}
        first = client.post("/api/background_task/start", json=body).json()

        def status() -> Any:
            return client.get(STATUS).json()["task_status"]

        wait_until(lambda: status()["status"] == "error")
        told = status()
        assert (told["total_tasks"], told["completed_tasks"], told["progress_percent"]) == (1, 0, 0)
        assert told["error"]["code"] == "browser_missing"
        assert told["message"].startswith("后台任务出错：")
        again = client.post("/api/background_task/start", json={"task_indices": [0]}).json()
        assert (again["task_id"], again["message"]) == (first["task_id"], "后台任务继续执行，已完成的任务不受影响。")
