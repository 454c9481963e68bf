"""One request is one task, and its stream can be left and found again: over real sockets."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2
import orjson
import pytest

from tests.making import life_folder
from tests.reading import connection, numbered, parse, read_bytes, read_stream, report_of
from tests.serving import Running, serving, settings, wait_until


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with serving(settings(tmp_path_factory.mktemp("stream"), max_concurrent_tasks=20)) as running:
        yield running


def demo(server: Running, path: str = "/api/stream", **params: object) -> str:
    query = "&".join(f"{name}={value}" for name, value in params.items())
    return f"{server.url}{path}?kind=demo&{query}"


def indices(text: str, size: int = 100) -> list[int]:
    """The demo's indices, by which a gap or a double shows."""
    return [int(text[start : start + 6]) for start in range(0, len(text), size)]


def test_a_stream_begins_with_the_task_and_ends_with_done(server: Running) -> None:
    """In between, each event has the next seq."""
    seen = read_stream(demo(server, events=20, seed=1))
    assert seen[0].event == "task"
    assert seen[0].id is None
    assert seen[0].data["reused"] is False
    assert [each.seq for each in numbered(seen)] == list(range(1, len(seen)))
    assert seen[-1].event == "done"
    assert seen[-1].data == {"status": "completed"}
    assert indices(report_of(seen)["demo"]) == list(range(20))


def test_an_ended_task_is_sent_the_same_each_time(server: Running) -> None:
    """Whether its events are read from the log or were kept."""
    url = demo(server, events=20, seed=31)
    first = numbered(read_stream(url))
    again, kept = (read_stream(url) for _ in range(2))
    assert [each.data["reused"] for each in (again[0], kept[0])] == [True, True]
    assert numbered(again) == numbered(kept) == first


def test_a_retry_of_an_ended_task_is_not_hidden_by_what_was_kept(server: Running) -> None:
    """Its stream goes on behind the first `done`, which is no end any more."""
    url = demo(server, events=4, seed=32, fail_at=2)
    task_id = read_stream(url)[0].data["id"]
    events = f"{server.url}/api/tasks/{task_id}/events"
    before = [numbered(read_stream(events)) for _ in range(2)][-1]
    httpx2.post(f"{server.url}/api/tasks/{task_id}/retry").raise_for_status()
    wait_until(lambda: httpx2.get(f"{server.url}/api/tasks/{task_id}").json()["attempt"] == 2)
    after = numbered(read_stream(events))
    assert len(after) > len(before)
    assert [each.event for each in after].count("done") == 1
    assert [each.seq for each in after] == list(range(1, len(after) + 1))


def test_a_removed_task_is_gone_although_its_stream_was_kept(server: Running) -> None:
    """The same request is a new task then."""
    url = demo(server, events=3, seed=33)
    task = [read_stream(url)[0].data for _ in range(3)][-1]
    httpx2.delete(f"{server.url}/api/tasks/{task['id']}").raise_for_status()
    assert httpx2.get(f"{server.url}/api/tasks/{task['id']}/events").status_code == 404
    anew = read_stream(url)[0].data
    assert (anew["reused"], anew["generation"] == task["generation"]) == (False, False)


def test_the_same_request_is_one_task_however_it_is_sent(server: Running) -> None:
    """Key order, number spelling, query or body, flat or nested, GET or POST."""
    params = {"events": 3, "size": 20, "seed": 2}
    bodies = [
        {"kind": "demo", **params},
        {**params, "kind": "demo", "priority": 9, "session": "s"},
        {"params": {"seed": 2.0, "size": 20, "events": 3}, "kind": "demo"},
        {"kind": "demo", "params": {**params, "steps": 10, "items": 0, "rate": 0.0}},
    ]
    ids = {httpx2.post(f"{server.url}/api/tasks", json=body).headers["x-task-id"] for body in bodies}
    ids |= {httpx2.post(f"{server.url}/api/stream", json=body).headers["x-task-id"] for body in bodies}
    ids |= {httpx2.get(demo(server, seed="2", size="20", events="3.0")).headers["x-task-id"]}
    ids |= {httpx2.post(demo(server, events=3, size=20, seed=2)).headers["x-task-id"]}
    assert len(ids) == 1
    assert httpx2.get(demo(server, events=4, size=20, seed=2)).headers["x-task-id"] not in ids


def test_creating_answers_201_for_a_new_task_and_200_for_one_that_is_there(server: Running) -> None:
    """With its address."""
    body = {"kind": "demo", "events": 1, "seed": 3}
    first, second = (httpx2.post(f"{server.url}/api/tasks", json=body) for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 200)
    assert (first.json()["reused"], second.json()["reused"]) == (False, True)
    assert first.headers["location"] == f"/api/tasks/{first.json()['id']}"
    assert httpx2.get(server.url + first.headers["location"]).json()["id"] == second.json()["id"]


def test_the_stream_can_be_cut_at_every_byte(server: Running) -> None:
    """What was whole before the cut and what comes after it is the stream: no gap, no double."""
    url = demo(server, events=12, size=20, steps=3, seed=4)
    read_stream(url)
    with connection(url) as raw:
        whole = read_bytes(raw)
    reference = parse(whole)

    def cut(place: int) -> None:
        before = parse(whole[:place])
        last = next((each.id for each in reversed(before) if each.id is not None), None)
        header = f"Last-Event-ID: {last}\r\n" if last else ""
        with connection(url, header) as raw:
            after = parse(read_bytes(raw))
        assert numbered(before) + numbered(after) == numbered(reference), place

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(cut, range(len(whole))))


def test_a_running_stream_can_be_cut_again_and_again(server: Running) -> None:
    """Each connection gets what is after the last id it names, and then what is new."""
    url = demo(server, events=300, size=20, rate=150, steps=6, seed=5)
    seen = []
    last: str | None = None
    for _ in range(200):
        with connection(url, f"Last-Event-ID: {last}\r\n" if last else "") as raw:
            part = numbered(parse(read_bytes(raw, 2500)))
        seen += part
        last = part[-1].id if part else last
        if seen and seen[-1].event == "done":
            break
    assert [each.seq for each in seen] == list(range(1, len(seen) + 1))
    assert indices(report_of(seen)["demo"], 20) == list(range(300))
    assert seen == numbered(read_stream(url))


def test_a_reader_that_has_seen_it_all_is_told_204(server: Running) -> None:
    """Which ends EventSource's retries."""
    url = demo(server, events=1, seed=6)
    last = read_stream(url)[-1].id
    assert last is not None
    assert httpx2.get(url, headers={"Last-Event-ID": last}).status_code == 204
    assert httpx2.get(f"{url}&after={last}").status_code == 204


@pytest.mark.parametrize("given", ["rubbish", "zzzzzz-000000000003", "FUTURE"])
def test_a_strange_id_gets_a_reset_and_then_everything(server: Running, given: str) -> None:
    """Never an error: that would end a browser's retries for good."""
    url = demo(server, events=2, seed=7)
    reference = read_stream(url)
    if given == "FUTURE":
        given = f"{reference[0].data['generation']}-999999999999"
    seen = read_stream(url, given)
    assert [each.event for each in seen[:2]] == ["task", "reset"]
    assert seen[1].data["reason"] in {"unknown_id", "other_generation", "id_from_the_future"}
    assert numbered(seen) == numbered(reference)


def test_the_header_wins_over_the_parameter(server: Running) -> None:
    """Where both are given."""
    url = demo(server, events=2, seed=8)
    ids = [each.id for each in numbered(read_stream(url))]
    assert numbered(read_stream(f"{url}&after={ids[1]}", ids[3]))[0].id == ids[4]


def test_ndjson_is_the_same_events(server: Running) -> None:
    """One line each."""
    url = demo(server, events=5, seed=9)
    reference = numbered(read_stream(url))
    answer = httpx2.get(url, headers={"Accept": "application/x-ndjson"})
    lines = [httpx2.Response(200, content=line).json() for line in answer.content.splitlines()]
    assert answer.headers["content-type"] == "application/x-ndjson"
    assert lines[0]["event"] == "task"
    assert [(each["id"], each["event"], each["data"]) for each in lines[1:]] == [
        (each.id, each.event, each.data) for each in reference
    ]


def test_a_thousand_identical_requests_at_once_are_one_run(server: Running) -> None:
    """Each gets the whole stream."""
    url = demo(server, events=50, size=20, seed=10)

    def read(_: int) -> bytes:
        with connection(url) as raw:
            return read_bytes(raw)

    with ThreadPoolExecutor(100) as pool:
        answers = [parse(content) for content in pool.map(read, range(1000))]
    first = numbered(answers[0])
    assert all(numbered(answer) == first for answer in answers)
    assert sum(not answer[0].data["reused"] for answer in answers) == 1
    assert [each.data["status"] for each in first if each.event == "status"] == ["running", "completed"]


def test_a_slow_reader_and_a_fast_one_get_the_same(server: Running) -> None:
    """The slow one falls behind what is kept in memory and reads on from the log."""
    url = demo(server, events=6000, size=1000, steps=3, seed=11)
    with connection(url) as slow:
        fast = read_stream(url)
        content = read_bytes(slow)
    assert numbered(parse(content)) == numbered(fast)
    assert indices(report_of(fast)["demo"], 1000) == list(range(6000))


def test_the_task_goes_on_when_its_reader_has_left(server: Running) -> None:
    """And is there, complete, when somebody asks again."""
    url = demo(server, events=60, size=20, rate=100, seed=12)
    with connection(url) as raw:
        seen = parse(read_bytes(raw, 3000))
    task = f"{server.url}/api/tasks/{seen[0].data['id']}"
    wait_until(lambda: httpx2.get(task).json()["status"] == "completed")
    again = read_stream(url)
    assert again[0].data["reused"] is True
    assert indices(report_of(again)["demo"], 20) == list(range(60))


def test_readers_of_a_running_task_share_what_is_written(server: Running) -> None:
    """Whoever comes late gets everything so far and then the rest."""
    url = demo(server, events=100, size=20, rate=200, seed=13)
    answers: list[bytes] = []

    def read() -> None:
        with connection(url) as raw:
            answers.append(read_bytes(raw))

    body = {"kind": "demo", "events": 100, "size": 20, "rate": 200, "seed": 13}
    task = f"{server.url}/api/tasks/{httpx2.post(f'{server.url}/api/tasks', json=body).json()['id']}"
    threads = [threading.Thread(target=read) for _ in range(10)]
    for number, thread in enumerate(threads):
        wait_until(lambda written=5 * number: httpx2.get(task).json()["seq"] >= written)
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(answers) == 10
    assert len({answer[answer.index(b"id: ") :] for answer in answers}) == 1


def test_a_silent_stream_is_kept_alive_by_comments(tmp_path: Path) -> None:
    """Without a blank line after them."""
    with (
        serving(settings(tmp_path, stream_ping_seconds=0.1)) as server,
        connection(demo(server, events=2, rate=1, steps=1)) as raw,
    ):
        content = read_bytes(raw)
    assert content.count(b": ping\n") >= 3
    assert b": ping\n\n" not in content
    assert len(numbered(parse(content))) > 4


def test_a_reader_that_takes_nothing_is_closed_and_resumes_where_it_was(tmp_path: Path) -> None:
    """Nobody else waits for it."""
    with serving(settings(tmp_path, stream_send_timeout_seconds=0.3)) as server:
        url = demo(server, events=20_000, size=1000, steps=2)
        with connection(url) as stuck:
            reference = read_stream(url)
            wait_until(lambda: server.app.state.services.hub.readers == 0)
            content = read_bytes(stuck)
        seen = numbered(parse(content))
        assert 0 < len(seen) < len(numbered(reference))
        assert seen + numbered(read_stream(url, seen[-1].id)) == numbered(reference)


def test_a_finished_task_reads_the_same_when_it_is_kept_as_it_goes_over_the_wire(tmp_path: Path) -> None:
    """From its start and from any place, in either format; after a retry it is another log."""
    wanted = settings(tmp_path)
    with serving(wanted) as server:
        url = demo(server, events=3000, size=20, fail_at=2900)
        with connection(url) as raw:
            followed = read_bytes(raw)
        task_id = parse(followed)[0].data["id"]
        events = f"{server.url}/api/tasks/{task_id}/events"
        with connection(events) as raw:
            first = read_bytes(raw)
        rendition = life_folder(wanted.task_storage_dir, task_id) / "rendition"
        wait_until(rendition.exists)
        with connection(events) as raw:
            again = read_bytes(raw)
        assert again[again.index(b"id: ") :] == first[first.index(b"id: ") :]
        seen = numbered(parse(again))
        assert seen == numbered(parse(followed))
        for after in (0, 1, 1500, len(seen) - 2):
            assert numbered(read_stream(events, seen[after].id)) == seen[after + 1 :]
        lines = httpx2.get(events, headers={"Accept": "application/x-ndjson"}).content.splitlines()[1:]
        assert [orjson.loads(line)["id"] for line in lines] == [each.id for each in seen]
        assert httpx2.get(events, headers={"Last-Event-ID": str(seen[-1].id)}).status_code == 204
        httpx2.post(f"{server.url}/api/tasks/{task_id}/retry")
        retried = numbered(read_stream(events))
        assert [each.id for each in retried[: len(seen)]] == [each.id for each in seen]
        assert [each.event for each in retried].count("done") == 1
        assert retried[-1].event == "done"
