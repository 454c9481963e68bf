"""Tasks as resources: control, lives, lists and what they have made."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.reading import numbered, read_stream, report_of
from tests.serving import Running, serving, settings, wait_until


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with serving(settings(tmp_path_factory.mktemp("tasks"), max_concurrent_tasks=10)) as running:
        yield running


@pytest.fixture
def client(server: Running) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=server.url, timeout=30) as made:
        yield made


def start(client: httpx2.Client, **params: Any) -> str:
    answer = client.post("/api/tasks", json={"kind": "demo", **params})
    assert answer.status_code in (200, 201), answer.text
    task_id: str = answer.json()["id"]
    return task_id


def show(client: httpx2.Client, task_id: str) -> dict[str, Any]:
    view: dict[str, Any] = client.get(f"/api/tasks/{task_id}").json()
    return view


def until(client: httpx2.Client, task_id: str, status: str) -> dict[str, Any]:
    wait_until(lambda: show(client, task_id)["status"] == status)
    return show(client, task_id)


def control(client: httpx2.Client, task_id: str, action: str) -> httpx2.Response:
    return client.post(f"/api/tasks/{task_id}/{action}")


def address(client: httpx2.Client, path: str) -> str:
    return str(client.base_url).rstrip("/") + path


def events_url(client: httpx2.Client, task_id: str, generation: str | None = None) -> str:
    return address(client, f"/api/tasks/{task_id}/events") + (f"?generation={generation}" if generation else "")


def test_a_paused_task_stands_still_and_goes_on_where_it_was(client: httpx2.Client) -> None:
    """Pausing twice is pausing once; finished steps are not repeated."""
    task_id = start(client, events=200, rate=200, steps=10, size=20, seed=1)
    wait_until(lambda: show(client, task_id)["progress"]["percentage"] >= 20)
    for _ in range(2):
        assert control(client, task_id, "pause").json()["status"] == "paused"
    seq = show(client, task_id)["seq"]
    assert control(client, task_id, "pause").json()["seq"] == seq
    assert control(client, task_id, "resume").json()["status"] in ("pending", "running")
    until(client, task_id, "completed")
    seen = read_stream(events_url(client, task_id))
    text = report_of(seen)["demo"]
    assert [int(text[at : at + 6]) for at in range(0, len(text), 20)] == list(range(200))
    assert [each.seq for each in numbered(seen)] == list(range(1, len(seen)))
    statuses = [each.data["status"] for each in seen if each.event == "status"]
    assert statuses == ["running", "paused", "pending", "running", "completed"]


def test_asking_again_for_a_paused_task_resumes_it(client: httpx2.Client) -> None:
    """The same request is enough."""
    body = {"events": 100, "rate": 100, "steps": 10, "seed": 2}
    task_id = start(client, **body)
    until(client, task_id, "running")
    control(client, task_id, "pause")
    assert start(client, **body) == task_id
    assert until(client, task_id, "completed")["progress"]["percentage"] == 100


def test_a_stopped_task_ends_its_streams_and_a_retry_goes_on_from_its_journal(client: httpx2.Client) -> None:
    """The `done` of the first attempt goes over the wire as `status` from then on."""
    task_id = start(client, events=200, rate=200, steps=10, size=20, seed=3)
    wait_until(lambda: show(client, task_id)["progress"]["percentage"] >= 30)
    for _ in range(2):
        assert control(client, task_id, "stop").json()["status"] == "stopped"
    events = events_url(client, task_id)
    before = read_stream(events)
    assert before[-1].event == "done"
    assert before[-1].data == {"status": "stopped"}
    assert control(client, task_id, "retry").json()["status"] in ("pending", "running")
    until(client, task_id, "completed")
    after = read_stream(events)
    assert [each.event for each in after].count("done") == 1
    assert [each.id for each in after[1 : len(before)]] == [each.id for each in before[1:]]
    assert after[len(before) - 1].event == "status"
    text = report_of(after)["demo"]
    assert [int(text[at : at + 6]) for at in range(0, len(text), 20)] == list(range(200))


def test_a_failed_task_says_why_and_asking_again_retries_it(client: httpx2.Client) -> None:
    """From its journal: finished steps stay."""
    body = {"events": 10, "steps": 5, "fail_at": 6, "size": 20, "seed": 4}
    task_id = start(client, **body)
    view = until(client, task_id, "failed")
    assert view["error"]["code"] == "workflow_failed"
    assert view["error"]["step"] == "part:3"
    assert start(client, **body) == task_id
    wait_until(lambda: show(client, task_id)["attempt"] == 2 and show(client, task_id)["status"] == "failed")
    seen = read_stream(events_url(client, task_id))
    texts = [each.data["text"][:6] for each in seen if each.event == "output"]
    assert texts == ["000000", "000001", "000002", "000003", "000004", "000005"]


def test_a_reconnecting_reader_never_restarts_a_failed_task(client: httpx2.Client) -> None:
    """EventSource comes back by itself; only asking anew is asking."""
    url = address(client, "/api/stream?kind=demo&events=2&fail_at=1&seed=5")
    seen = read_stream(url)
    assert seen[-1].data == {"status": "failed"}
    again = read_stream(url, numbered(seen)[0].id)
    assert numbered(again) == numbered(seen)[1:]
    assert client.get(url, headers={"Last-Event-ID": seen[-1].id or ""}).status_code == 204
    assert show(client, seen[0].data["id"])["attempt"] == 1


def test_a_reconnecting_reader_never_starts_a_new_life(client: httpx2.Client) -> None:
    """Also where its address says how old a result may be."""
    url = address(client, "/api/stream?kind=demo&events=1&seed=20&max_age=0")
    seen = read_stream(url)
    for each in (seen[1], seen[-1]):
        assert client.get(url, headers={"Last-Event-ID": each.id or ""}).status_code in (200, 204)
    assert show(client, seen[0].data["id"])["life"] == 1


def test_an_older_life_can_be_read_but_not_changed(client: httpx2.Client) -> None:
    """It would be the current one that is deleted."""
    body = {"events": 1000, "rate": 20, "seed": 21}
    task_id = start(client, **body)
    old = control(client, task_id, "stop").json()["generation"]
    start(client, **body, fresh="again")
    for method, path in (("DELETE", ""), ("POST", "/stop"), ("POST", "/retry"), ("POST", "/rerun")):
        answer = client.request(method, f"/api/tasks/{task_id}{path}?generation={old}")
        assert answer.status_code == 409, (path, answer.text)
        assert answer.json()["code"] == "task_ended"
    assert client.get(f"/api/tasks/{task_id}/output?generation={old}").status_code == 200
    assert control(client, task_id, "stop").json()["life"] == 2


def test_a_place_in_the_queue_is_taken_before_the_task_is_made(tmp_path: Path) -> None:
    """Many at once don't get more places than there are."""
    with (
        serving(settings(tmp_path, max_concurrent_tasks=1, max_pending_tasks=5)) as small,
        httpx2.Client(base_url=small.url, timeout=30) as own,
    ):
        until(own, start(own, events=1000, rate=20, seed=0), "running")
        bodies = [{"kind": "demo", "events": 1, "seed": seed} for seed in range(1, 41)]
        with ThreadPoolExecutor(20) as pool:
            statuses = list(pool.map(lambda body: own.post("/api/tasks", json=body).status_code, bodies))
    assert statuses.count(201) == 5
    assert statuses.count(429) == 35


def test_fresh_starts_a_new_life_once_per_key(client: httpx2.Client) -> None:
    """A client that reconnects or tries again with its key does not start it again; old lives stay readable."""
    url = address(client, "/api/stream?kind=demo&events=3&seed=6")
    first = read_stream(url)
    second = read_stream(f"{url}&fresh=monday")
    third = read_stream(f"{url}&fresh=monday")
    generations = [seen[0].data["generation"] for seen in (first, second, third)]
    assert generations[0] != generations[1] == generations[2]
    assert (second[0].data["reused"], third[0].data["reused"]) == (False, True)
    assert read_stream(url)[0].data["generation"] == generations[1]
    task_id = first[0].data["id"]
    lives = client.get(f"/api/tasks/{task_id}/history").json()["lives"]
    assert [life["generation"] for life in lives] == generations[1::-1]
    old = read_stream(events_url(client, task_id, generations[0]))
    assert numbered(old) == numbered(first)


def test_a_new_life_ends_the_one_that_still_runs(client: httpx2.Client) -> None:
    """Its readers are told."""
    body = {"events": 1000, "rate": 50, "seed": 7}
    task_id = start(client, **body)
    view = until(client, task_id, "running")
    assert client.post("/api/tasks", json={"kind": "demo", **body, "fresh": "again"}).json()["reused"] is False
    old = f"/api/tasks/{task_id}?generation={view['generation']}"
    wait_until(lambda: client.get(old).json()["status"] == "stopped")
    assert client.get(old).json()["reason"] == "superseded"
    until(client, task_id, "running")
    assert control(client, task_id, "stop").json()["status"] == "stopped"


@pytest.mark.parametrize("action", ["pause", "nothing"])
def test_a_new_life_ends_the_one_that_waits_or_stands_still(tmp_path: Path, action: str) -> None:
    """So that no reader of it waits for ever."""
    with (
        serving(settings(tmp_path, max_concurrent_tasks=1)) as small,
        httpx2.Client(base_url=small.url, timeout=30) as own,
    ):
        blocker = start(own, events=1000, rate=50, seed=0)
        until(own, blocker, "running")
        view = own.post("/api/tasks", json={"kind": "demo", "events": 1, "seed": 1}).json()
        if action == "pause":
            assert control(own, view["id"], "pause").json()["status"] == "paused"
        start(own, events=1, seed=1, fresh="again")
        old = own.get(f"/api/tasks/{view['id']}?generation={view['generation']}").json()
        assert (old["status"], old["reason"]) == ("stopped", "superseded")
        assert read_stream(events_url(own, view["id"], view["generation"]))[-1].data == {"status": "stopped"}
        control(own, blocker, "stop")
        assert until(own, view["id"], "completed")["life"] == 2


def test_asking_for_a_task_that_fails_at_once_retries_it_once(client: httpx2.Client) -> None:
    """Not until it succeeds."""
    body = {"events": 1, "fail_at": 0, "seed": 18}
    for attempt in (1, 2, 3):
        task_id = start(client, **body)
        wait_until(lambda expected=attempt, task_id=task_id: show(client, task_id)["attempt"] == expected)
        assert until(client, task_id, "failed")["attempt"] == attempt


def test_requests_that_all_want_a_newer_result_start_one_life(client: httpx2.Client) -> None:
    """Or those with one key."""
    task_id = start(client, events=1, seed=19)
    until(client, task_id, "completed")
    for more in ({"max_age": 0}, {"fresh": "one key"}):
        before = show(client, task_id)["life"]
        body = {"kind": "demo", "events": 1, "seed": 19, **more}
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda body: client.post("/api/tasks", json=body).json(), [body] * 8))
        if "fresh" in more:
            assert {answer["life"] for answer in answers} == {before + 1}
            assert [answer["reused"] for answer in answers].count(False) == 1
        until(client, task_id, "completed")
        assert show(client, task_id)["life"] > before


def test_max_age_starts_anew_only_what_is_older(client: httpx2.Client) -> None:
    """In seconds since it was completed."""
    body = {"kind": "demo", "events": 1, "seed": 8}
    task_id = start(client, events=1, seed=8)
    life = until(client, task_id, "completed")["life"]
    assert client.post("/api/tasks", json={**body, "max_age": 3600}).json()["life"] == life
    assert client.post("/api/tasks", json={**body, "max_age": 0}).json()["life"] == life + 1


def test_rerun_is_a_new_life_and_is_idempotent_while_it_runs(client: httpx2.Client) -> None:
    """Of a completed task."""
    task_id = start(client, events=20, rate=20, steps=2, seed=9)
    until(client, task_id, "completed")
    lives = {control(client, task_id, "rerun").json()["life"] for _ in range(3)}
    assert lives == {2}
    assert control(client, task_id, "stop").json()["status"] == "stopped"


@pytest.mark.parametrize(
    ("action", "status", "code"),
    [
        ("pause", 409, "task_ended"),
        ("stop", 409, "task_ended"),
        ("resume", 409, "task_ended"),
        ("retry", 409, "task_not_retryable"),
    ],
)
def test_a_completed_task_can_not_be_changed(client: httpx2.Client, action: str, status: int, code: str) -> None:
    """The answer says what could be done."""
    task_id = start(client, events=1, seed=10)
    until(client, task_id, "completed")
    answer = control(client, task_id, action)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_only_an_ended_task_can_be_deleted_and_then_it_is_gone(client: httpx2.Client) -> None:
    """With all its files; the same request makes a new one."""
    body = {"events": 100, "rate": 20, "seed": 11}
    task_id = start(client, **body)
    assert client.delete(f"/api/tasks/{task_id}").json()["code"] == "task_active"
    control(client, task_id, "stop")
    assert client.delete(f"/api/tasks/{task_id}").status_code == 204
    assert client.delete(f"/api/tasks/{task_id}").status_code == 404
    assert client.get(f"/api/tasks/{task_id}/events").status_code == 404
    assert client.post("/api/tasks", json={"kind": "demo", **body}).status_code == 201
    control(client, task_id, "stop")


def test_a_waiting_task_shows_its_place_and_can_be_stopped_or_paused(tmp_path: Path) -> None:
    """By priority, then age."""
    with (
        serving(settings(tmp_path, max_concurrent_tasks=1)) as small,
        httpx2.Client(base_url=small.url, timeout=30) as own,
    ):
        running = start(own, events=1000, rate=50, seed=0)
        until(own, running, "running")
        waiting = [start(own, events=1, seed=seed, priority=priority) for seed, priority in ((1, 5), (2, 5), (3, 9))]
        places = [show(own, task_id)["queue_position"] for task_id in waiting]
        assert places == [2, 3, 1]
        assert control(own, waiting[1], "stop").json()["status"] == "stopped"
        assert control(own, waiting[0], "pause").json()["status"] == "paused"
        control(own, running, "stop")
        until(own, waiting[2], "completed")
        assert show(own, waiting[0])["status"] == "paused"
        assert control(own, waiting[0], "resume").status_code == 200
        until(own, waiting[0], "completed")


def test_a_full_queue_refuses_new_tasks_and_says_when_to_come_back(tmp_path: Path) -> None:
    """Attaching to what is there still works."""
    with (
        serving(settings(tmp_path, max_concurrent_tasks=1, max_pending_tasks=2)) as small,
        httpx2.Client(base_url=small.url, timeout=30) as own,
    ):
        until(own, start(own, events=1000, rate=50, seed=0), "running")
        for seed in (1, 2):
            start(own, events=1, seed=seed)
        answer = own.post("/api/tasks", json={"kind": "demo", "events": 1, "seed": 3})
        assert (answer.status_code, answer.json()["code"]) == (429, "queue_full")
        assert int(answer.headers["retry-after"]) > 0
        assert own.post("/api/tasks", json={"kind": "demo", "events": 1, "seed": 2}).status_code == 200


def test_lists_are_newest_first_filtered_and_paged(client: httpx2.Client) -> None:
    """Every task once, over all pages."""
    ids = [start(client, events=1, seed=seed, project="lists", session=f"s{seed % 2}") for seed in range(100, 107)]
    for task_id in ids:
        until(client, task_id, "completed")
    found: list[str] = []
    cursor = ""
    while True:
        page = client.get(f"/api/tasks?project=lists&limit=3&cursor={cursor}").json()
        found += [task["id"] for task in page["tasks"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert found == ids[::-1]
    some = client.get("/api/tasks?project=lists&session=s1&status=completed,failed&kind=demo&q=SEED").json()["tasks"]
    assert [task["id"] for task in some] == [ids[5], ids[3], ids[1]]
    assert client.get("/api/tasks?project=lists&status=running").json()["tasks"] == []
    assert client.get("/api/tasks?project=lists&q=nothing").json()["tasks"] == []


def test_a_brief_list_leaves_out_what_may_be_long(client: httpx2.Client) -> None:
    """All else is as in a list that is not brief."""
    until(client, start(client, seed=771, events=1), "completed")
    [whole] = client.get("/api/tasks?q=771").json()["tasks"]
    [brief] = client.get("/api/tasks?q=771&brief=1").json()["tasks"]
    assert brief.keys() == whole.keys() - {"params", "artifacts"}
    assert brief["id"] == whole["id"]
    refused = client.get("/api/tasks?brief=perhaps")
    assert (refused.status_code, refused.json()["errors"][0]["path"]) == (422, "brief")


def test_active_tasks_are_those_that_have_not_ended(client: httpx2.Client) -> None:
    """Pending, running and paused."""
    task_id = start(client, events=1000, rate=50, seed=12)
    until(client, task_id, "running")
    assert task_id in [task["id"] for task in client.get("/api/tasks/active").json()["tasks"]]
    control(client, task_id, "stop")
    assert task_id not in [task["id"] for task in client.get("/api/tasks/active").json()["tasks"]]


def test_a_task_has_an_etag_that_changes_with_it(client: httpx2.Client) -> None:
    """304 while nothing has happened."""
    task_id = start(client, events=1, seed=13)
    until(client, task_id, "completed")
    answer = client.get(f"/api/tasks/{task_id}")
    again = client.get(f"/api/tasks/{task_id}", headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_what_a_task_has_made_can_be_had(client: httpx2.Client) -> None:
    """Output, result and the report in each format that there is."""
    task_id = start(client, events=3, size=20, seed=14)
    until(client, task_id, "completed")
    text = client.get(f"/api/tasks/{task_id}/output").text
    assert len(text) == 60
    assert client.get(f"/api/tasks/{task_id}/result").json() == {"events": 3, "items": 0, "seed": 14}
    assert client.get(f"/api/tasks/{task_id}/report.md").text == text
    assert text[:20] in client.get(f"/api/tasks/{task_id}/report.html").text
    assert client.get(f"/api/tasks/{task_id}/report.json").json()["output"] == text
    assert client.get(f"/api/tasks/{task_id}/report.exe").json()["code"] == "report_format_unavailable"
    assert client.get(f"/api/tasks/{task_id}/artifacts/none.png").json()["code"] == "artifact_not_found"
    assert client.get(f"/api/tasks/{task_id}/artifacts/..%2f0001.task").status_code == 404


def test_a_task_without_a_result_says_so(client: httpx2.Client) -> None:
    """Its output so far is there."""
    task_id = start(client, events=1000, rate=50, seed=15)
    until(client, task_id, "running")
    assert client.get(f"/api/tasks/{task_id}/result").json()["code"] == "no_result_yet"
    assert client.get(f"/api/tasks/{task_id}/output").status_code == 200
    control(client, task_id, "stop")


def test_several_tasks_come_over_one_connection(client: httpx2.Client) -> None:
    """Each event names its task; one id resumes all of them."""
    ids = [start(client, events=5, size=20, seed=seed) for seed in (16, 17)]
    for task_id in ids:
        until(client, task_id, "completed")
    url = address(client, f"/api/events?task={ids[0]}&task={ids[1]}")
    seen = read_stream(url)
    for task_id in ids:
        own = numbered(read_stream(events_url(client, task_id)))
        mine = [each for each in seen if each.id is not None and each.data["task"] == task_id]
        assert [(each.event, each.data) for each in mine] == [
            (each.event, {"task": task_id, **each.data}) for each in own
        ]
    cut = [each for each in seen if each.id is not None]
    for place in (0, 7, len(cut) - 2):
        rest = [each for each in read_stream(url, cut[place].id) if each.id is not None]
        assert sorted(_key(each) for each in rest) == sorted(_key(each) for each in cut[place + 1 :])


def _key(each: Any) -> tuple[str, str, str]:
    return each.data["task"], each.event, str(each.data)
