"""Killed, ended and started again: real processes, and what readers and the volume have afterwards."""

import re
import threading
import time
from contextlib import AbstractContextManager, suppress
from pathlib import Path

import httpx2
import orjson
import pytest

from tests.making import life_folder
from tests.reading import Seen, connection, numbered, parse, read_bytes, read_stream, report_of
from tests.serving import ServerProcess, server_process, wait_until

QUERY = "/api/stream?kind=demo&events=300&rate=150&steps=10&size=20"


def journal_keys(folder: Path) -> list[str]:
    """The steps recorded in all segments of all tasks, in order."""
    found = []
    for segment in sorted(folder.glob("tasks/*/0001-*/*.jsonl")):
        whole, _, _ = segment.read_bytes().rpartition(b"\n")  # a line that is being written is not there yet
        for line in whole.splitlines():
            record = orjson.loads(line)
            if record["type"] == "step":
                found.append(record["data"]["key"])
    return found


def read_some(url: str, size: int, last: str | None = None) -> list[Seen]:
    with connection(url, f"Last-Event-ID: {last}\r\n" if last else "") as raw:
        return numbered(parse(read_bytes(raw, size)))


def check_whole(seen: list[Seen], events: int) -> None:
    assert [each.seq for each in seen] == list(range(1, len(seen) + 1))
    assert seen[-1].event == "done"
    text = report_of(seen)["demo"]
    assert [int(text[at : at + 6]) for at in range(0, len(text), 20)] == list(range(events))


def test_a_killed_server_goes_on_from_the_journal_when_it_is_started_again(tmp_path: Path) -> None:
    """Nothing a reader saw is gone, no finished step runs twice, within a few seconds."""
    with server_process(tmp_path) as first:
        before = read_some(first.url + QUERY, 12_000)
        first.kill()
    finished = journal_keys(tmp_path)
    assert 0 < len(finished) < 10
    with server_process(tmp_path) as second:
        started = time.monotonic()
        after = numbered(read_stream(second.url + QUERY, before[-1].id))
        took_over = next(each for each in after if each.event == "status")
        assert took_over.data["reason"] == "continued"
        assert time.monotonic() - started < 20
        check_whole(before + after, 300)
        assert numbered(read_stream(second.url + QUERY)) == before + after
    keys = journal_keys(tmp_path)
    assert keys == [f"part:{index}" for index in range(10)]
    assert keys[: len(finished)] == finished


def test_a_task_survives_being_killed_again_and_again(tmp_path: Path) -> None:
    """One reader follows through all of it."""
    url_path = "/api/stream?kind=demo&events=200&rate=100&steps=20&size=20&seed=2"
    seen: list[Seen] = []
    port = 0
    for round_ in range(4):
        with server_process(tmp_path, port=port, HEARTBEAT_SECONDS="0.2", SCAN_SECONDS="0.1") as process:
            port = process.port
            last = seen[-1].id if seen else None
            if round_ < 3:
                seen += read_some(process.url + url_path, 6_000, last)
                process.kill()
            else:
                seen += numbered(read_stream(process.url + url_path, last))
    check_whole(seen, 200)
    assert journal_keys(tmp_path) == [f"part:{index}" for index in range(20)]


def test_an_ended_server_hands_its_tasks_over_and_tells_its_readers(tmp_path: Path) -> None:
    """SIGTERM: the stream ends cleanly without `done`, and the next server goes on at once."""
    with server_process(tmp_path) as first:
        content: list[bytes] = []

        def read() -> None:
            with connection(first.url + QUERY) as raw:
                content.append(read_bytes(raw))

        reader = threading.Thread(target=read)
        reader.start()
        wait_until(lambda: len(journal_keys(tmp_path)) >= 2)
        started = time.monotonic()
        assert first.terminate() == 0
        assert time.monotonic() - started < 10
        reader.join(10)
    before = numbered(parse(content[0]))
    assert content[0].endswith(b"retry: 2000\n")
    assert before[-1].event == "status"
    assert before[-1].data["reason"] == "handed_over"
    with server_process(tmp_path) as second:
        started = time.monotonic()
        after = read_stream(second.url + QUERY, before[-1].id)
        check_whole(before + numbered(after), 300)
        assert not [each for each in numbered(after) if each.event == "rollback"]
    assert journal_keys(tmp_path) == [f"part:{index}" for index in range(10)]


def test_a_server_with_many_readers_ends_in_time_and_tells_each_of_them(tmp_path: Path) -> None:
    """All inside 10 s, without a word of complaint."""
    with server_process(tmp_path) as process:
        told: list[bytes] = []

        def read(seed: int) -> None:
            with connection(f"{process.url}/api/stream?kind=demo&events=90000&rate=2000&steps=9&seed={seed}") as raw:
                told.append(read_bytes(raw))

        readers = [threading.Thread(target=read, args=(number % 5,)) for number in range(60)]
        for reader in readers:
            reader.start()
        wait_until(lambda: httpx2.get(f"{process.url}/api/stats").json()["node"]["readers"] == 60)
        wait_until(lambda: len(journal_keys(tmp_path)) >= 1)
        started = time.monotonic()
        assert process.terminate() == 0
        assert time.monotonic() - started < 10
        for reader in readers:
            reader.join(10)
    assert len(told) == 60
    assert all(each.endswith(b"retry: 2000\n") for each in told)
    assert not [line for line in process.told if "Traceback" in line]


def test_a_reader_at_another_server_on_the_same_folder_sees_the_same(tmp_path: Path) -> None:
    """And when the owner is killed, the other one goes on with the task while its readers stay connected."""
    with server_process(tmp_path) as owner, server_process(tmp_path) as other:
        task_id = httpx2.post(
            f"{owner.url}/api/tasks", json={"kind": "demo", "events": 300, "rate": 100, "steps": 10, "size": 20}
        ).json()["id"]
        wait_until(lambda: httpx2.get(f"{owner.url}/api/tasks/{task_id}").json()["progress"]["percentage"] >= 20)
        content: list[bytes] = []

        def read() -> None:
            with connection(f"{other.url}/api/tasks/{task_id}/events") as raw:
                content.append(read_bytes(raw))

        reader = threading.Thread(target=read)
        reader.start()
        wait_until(lambda: httpx2.get(f"{other.url}/api/stats").json()["node"]["readers"] == 1)
        owner.kill()
        reader.join(30)
        check_whole(numbered(parse(content[0])), 300)
    assert journal_keys(tmp_path) == [f"part:{index}" for index in range(10)]


@pytest.mark.parametrize("action", ["pause", "stop"])
def test_a_task_can_be_controlled_from_another_server(tmp_path: Path, action: str) -> None:
    """The request reaches its owner over the volume."""
    with server_process(tmp_path) as owner, server_process(tmp_path) as other:
        body = {"kind": "demo", "events": 1000, "rate": 50, "steps": 100}
        task_id = httpx2.post(f"{owner.url}/api/tasks", json=body).json()["id"]
        wait_until(lambda: httpx2.get(f"{owner.url}/api/tasks/{task_id}").json()["status"] == "running")
        answer = httpx2.post(f"{other.url}/api/tasks/{task_id}/{action}", timeout=30)
        expected = "paused" if action == "pause" else "stopped"
        assert answer.json()["status"] == expected
        assert httpx2.get(f"{owner.url}/api/tasks/{task_id}").json()["status"] == expected


def test_the_state_is_on_the_volume_for_people_to_read(tmp_path: Path) -> None:
    """The snapshot with its keys, the birth record, the claim and the log."""
    with server_process(tmp_path) as process:
        seen = read_stream(process.url + "/api/stream?kind=demo&events=3&steps=1&size=20")
        task_id, text = seen[0].data["id"], report_of(seen)["demo"]
        folder = tmp_path / "tasks"
        wait_until(lambda: orjson.loads((folder / f"{task_id}.json").read_bytes())["progress"]["status"] == "completed")
    snapshot = orjson.loads((folder / f"{task_id}.json").read_bytes())
    assert snapshot["taskId"] == task_id
    assert snapshot["outputs"] == [text]
    assert snapshot["progress"].keys() >= {"step", "percentage", "status", "messages", "result", "error", "timestamp"}
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", snapshot["lastSaved"])
    assert orjson.loads((folder / task_id / "0001.task").read_bytes())["params"]["events"] == 3
    assert orjson.loads((life_folder(folder, task_id) / "000001.claim").read_bytes())["epoch"] == 1
    records = [orjson.loads(line) for line in (life_folder(folder, task_id) / "000001.jsonl").read_bytes().splitlines()]
    assert [record["seq"] for record in records if "seq" in record] == list(range(1, len(seen)))
    assert all(record.keys() >= {"at", "type", "data", "crc"} for record in records)


def test_a_lost_snapshot_is_made_again_from_the_log(tmp_path: Path) -> None:
    """A bad one as well: nothing of the task is lost."""
    with server_process(tmp_path) as process:
        seen = read_stream(process.url + "/api/stream?kind=demo&events=3&size=20")
    snapshot = tmp_path / "tasks" / f"{seen[0].data['id']}.json"
    snapshot.write_bytes(b"{}")
    with server_process(tmp_path) as process:
        tasks = httpx2.get(f"{process.url}/api/tasks").json()["tasks"]
        assert [(task["id"], task["status"]) for task in tasks] == [(seen[0].data["id"], "completed")]
        assert numbered(read_stream(f"{process.url}/api/tasks/{tasks[0]['id']}/events")) == numbered(seen)
        assert orjson.loads(snapshot.read_bytes())["outputs"] == list(report_of(seen).values())


def test_a_task_whose_mark_is_lost_is_found_again(tmp_path: Path) -> None:
    """`open/` is derived: a node that starts puts back what is missing."""
    with server_process(tmp_path) as process:
        before = read_some(process.url + QUERY, 8_000)
        process.kill()
    for mark in (tmp_path / "tasks" / "open").iterdir():
        mark.unlink()
    with server_process(tmp_path) as process:
        after = numbered(read_stream(f"{process.url}/api/tasks/{journal_task(tmp_path)}/events", before[-1].id))
    check_whole(before + after, 300)


def journal_task(folder: Path) -> str:
    """The id of the one task there is."""
    (found,) = (path.name for path in (folder / "tasks").iterdir() if re.fullmatch("[0-9a-f]{32}", path.name))
    return found


def test_a_damaged_log_is_told_in_the_stream_and_harms_no_other_task(tmp_path: Path) -> None:
    """What is whole of it is served, then `failure` with the code `corrupt`."""
    with server_process(tmp_path) as process:
        seen = read_stream(process.url + "/api/stream?kind=demo&events=5&size=20&steps=1&seed=1")
        task_id = seen[0].data["id"]
    log = life_folder(tmp_path / "tasks", task_id) / "000001.jsonl"
    lines = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(b"".join([*lines[:4], b"x" + lines[4][1:], *lines[5:]]))
    with server_process(tmp_path) as process:
        again = read_stream(f"{process.url}/api/tasks/{task_id}/events")
        assert numbered(again) == numbered(seen)[:4]
        assert [each.event for each in again[-2:]] == ["failure", "done"]
        assert again[-2].data["code"] == "corrupt"
        assert httpx2.get(f"{process.url}/api/tasks/{task_id}").json()["error"]["code"] == "corrupt"
        (listed,) = httpx2.get(f"{process.url}/api/tasks?status=failed").json()["tasks"]
        assert (listed["id"], listed["error"]["code"]) == (task_id, "corrupt")
        assert httpx2.post(f"{process.url}/api/tasks/{task_id}/retry").json()["code"] == "corrupt"
        other = read_stream(process.url + "/api/stream?kind=demo&events=5&size=20&seed=2")
        assert other[-1].data == {"status": "completed"}
        anew = read_stream(process.url + "/api/stream?kind=demo&events=5&size=20&steps=1&seed=1&fresh=now")
        assert anew[-1].data == {"status": "completed"}


def test_two_servers_given_the_same_new_request_at_once_run_it_once(tmp_path: Path) -> None:
    """Creation is atomic in the store."""
    with server_process(tmp_path) as one, server_process(tmp_path) as two:
        for seed in range(5):
            answers: list[list[Seen]] = []

            def ask(process: ServerProcess, seed: int = seed, answers: list[list[Seen]] = answers) -> None:
                answers.append(read_stream(f"{process.url}/api/stream?kind=demo&events=20&size=20&seed={seed}"))

            threads = [threading.Thread(target=ask, args=(process,)) for process in (one, two) * 4]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(30)
            assert len(answers) == 8
            assert all(numbered(answer) == numbered(answers[0]) for answer in answers)
            check_whole(numbered(answers[0]), 20)
            assert sum(not answer[0].data["reused"] for answer in answers) == 1


def test_a_task_that_ends_three_servers_in_a_row_fails_and_harms_no_other(tmp_path: Path) -> None:
    """It is not taken up a fourth time; a retry gives it one more chance, and a task beside it is completed."""
    poison = {"kind": "demo", "events": 10, "steps": 5, "kill_at": 4}

    def server() -> AbstractContextManager[ServerProcess]:
        return server_process(tmp_path, HEARTBEAT_SECONDS="0.2", SCAN_SECONDS="0.1")

    with server() as process:
        task_id = httpx2.post(f"{process.url}/api/tasks", json=poison).json()["id"]
        process.wait()
    for _ in range(2):
        with server() as process:
            process.wait()
    with server() as process:
        url = f"{process.url}/api/tasks/{task_id}"
        wait_until(lambda: httpx2.get(url).json()["status"] == "failed")
        failed = httpx2.get(url).json()
        assert failed["error"]["code"] == "crash_loop"
        assert failed["error"]["retryable"]
        assert failed["attempt"] == 3
        events = numbered(read_stream(f"{url}/events"))
        assert [each.seq for each in events] == list(range(1, len(events) + 1))
        assert [each.event for each in events[-3:]] == ["failure", "status", "done"]
        other = read_stream(f"{process.url}/api/stream?kind=demo&events=5&size=20")
        assert other[-1].data == {"status": "completed"}
        with suppress(httpx2.RemoteProtocolError):  # it may end before it has answered
            httpx2.post(f"{url}/retry")
        process.wait()
    assert journal_keys(tmp_path).count("part:0") == 2  # once in each of the two tasks
