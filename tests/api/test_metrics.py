"""`/metrics`: the figures move with what they are about, and say nothing that a client has written."""

import re
import threading
from pathlib import Path

import httpx2

from tests.making import life_folder
from tests.reading import connection, numbered, parse, read_bytes, read_stream
from tests.reading_metrics import figures_in, figures_of
from tests.serving import server_process, serving, settings, wait_until

SLOW = {"kind": "demo", "events": 300, "rate": 100, "steps": 10, "size": 20}


def test_the_figures_move_with_the_tasks(tmp_path: Path) -> None:
    """Claims, changes of status, events, and what it took to make them durable."""
    with serving(settings(tmp_path)) as server:
        before = figures_of(server.url)
        assert before["holdfast_claims_total"] == before["holdfast_status_changes_total{status=completed}"] == 0
        seen = read_stream(f"{server.url}/api/stream?kind=demo&events=50&steps=5")
        after = figures_of(server.url)
    assert after["holdfast_tasks_created_total{kind=demo}"] == 1
    assert after["holdfast_claims_total"] == 1
    assert after["holdfast_takeovers_total"] == 0
    assert after["holdfast_status_changes_total{status=running}"] == 1
    assert after["holdfast_status_changes_total{status=completed}"] == 1
    assert after["holdfast_events_published_total{by=owner}"] == len(numbered(seen))
    assert after["holdfast_append_seconds_count"] >= 1
    assert after["holdfast_append_seconds_sum"] > 0
    assert after["holdfast_fsync_seconds_count{call=fdatasync}"] >= after["holdfast_append_seconds_count"]
    assert after["holdfast_nodes_alive"] == 1
    assert after["process_cpu_seconds_total"] > 0


def test_what_runs_and_what_waits_is_shown_as_it_is_now(tmp_path: Path) -> None:
    """With the time that the oldest has waited, and the readers."""
    with serving(settings(tmp_path, max_concurrent_tasks=1)) as server:
        first, second = (
            httpx2.post(f"{server.url}/api/tasks", json={**SLOW, "events": 3000, "seed": seed}).json()["id"]
            for seed in (1, 2)
        )
        wait_until(lambda: figures_of(server.url)["holdfast_oldest_queued_task_seconds"] > 0.3)
        with connection(f"{server.url}/api/tasks/{first}/events") as raw:
            assert read_bytes(raw, 100)
            now = figures_of(server.url)
        assert now["holdfast_running_tasks"] == now["holdfast_running_tasks_limit"] == 1
        assert now["holdfast_queued_tasks"] == 1
        assert now["holdfast_subscribers"] == 1
        for task_id in (second, first):
            httpx2.post(f"{server.url}/api/tasks/{task_id}/stop").raise_for_status()
        now = figures_of(server.url)
        assert now["holdfast_queued_tasks"] == now["holdfast_oldest_queued_task_seconds"] == 0


def test_the_tasks_of_the_store_are_counted_by_status_with_those_that_others_ran(tmp_path: Path) -> None:
    with serving(settings(tmp_path)) as other:
        read_stream(f"{other.url}/api/stream?kind=demo&events=1")
        read_stream(f"{other.url}/api/stream?kind=demo&events=1&fail_at=0")
    with serving(settings(tmp_path)) as server:
        now = figures_of(server.url)
    assert {
        name: now[f"holdfast_tasks{{status={name}}}"] for name in ("pending", "running", "completed", "failed")
    } == {
        "pending": 0,
        "running": 0,
        "completed": 1,
        "failed": 1,
    }
    assert now["holdfast_tasks_counted_timestamp_seconds"] > 0


def test_requests_are_counted_by_the_templates_of_their_routes(tmp_path: Path) -> None:
    """Nothing that a client wrote is in it, so no client can make the figures grow."""
    with serving(settings(tmp_path)) as server:
        seen = read_stream(f"{server.url}/api/stream?kind=demo&events=1")
        task_id = seen[0].data["id"]
        for path in (f"/api/tasks/{task_id}", f"/api/tasks/{'0' * 32}", "/nowhere/secret", "/api/tasks/x%0Aevil"):
            httpx2.get(server.url + path)
        httpx2.request("PROPFIND", f"{server.url}/api/tasks")
        httpx2.get(f"{server.url}/api/stats", headers={"Host": "evil.example"})
        text = httpx2.get(f"{server.url}/metrics").text
    counted = {
        name: value for name, value in figures_in(text).items() if name.startswith("holdfast_http_requests_total")
    }
    assert counted == {
        "holdfast_http_requests_total{method=GET,route=/api/stream,status=200}": 1,
        "holdfast_http_requests_total{method=GET,route=/api/tasks/{task_id},status=200}": 1,
        "holdfast_http_requests_total{method=GET,route=/api/tasks/{task_id},status=404}": 2,
        "holdfast_http_requests_total{method=GET,route=none,status=404}": 1,
        "holdfast_http_requests_total{method=other,route=/api/tasks,status=405}": 1,
        "holdfast_http_requests_total{method=GET,route=none,status=421}": 1,
    }
    assert not re.search(r"[0-9a-f]{32}|secret|evil|PROPFIND", text)


def test_a_takeover_is_counted_by_who_takes_over_and_its_readers_lag_is_measured(tmp_path: Path) -> None:
    """As soon as the task goes on."""
    with server_process(tmp_path) as owner, server_process(tmp_path) as other:
        task_id = httpx2.post(f"{owner.url}/api/tasks", json={**SLOW, "events": 800}).json()["id"]
        content: list[bytes] = []

        def read() -> None:
            with connection(f"{other.url}/api/tasks/{task_id}/events") as raw:
                content.append(read_bytes(raw))

        reader = threading.Thread(target=read)
        reader.start()
        wait_until(lambda: figures_of(other.url)["holdfast_events_published_total{by=follower}"] >= 50)
        before = figures_of(other.url)
        assert figures_of(owner.url)["holdfast_nodes_alive"] == 2
        owner.kill()
        wait_until(lambda: figures_of(other.url)["holdfast_takeovers_total"] == 1)
        reader.join(30)
        after = figures_of(other.url)
    assert numbered(parse(content[0]))[-1].event == "done"
    assert before["holdfast_takeovers_total"] == before["holdfast_claims_total"] == 0
    assert before["holdfast_follower_lag_seconds_count"] >= 50
    assert 0 < before["holdfast_follower_lag_seconds_sum"] / before["holdfast_follower_lag_seconds_count"] < 5
    assert after["holdfast_claims_total"] == 1
    assert after["holdfast_nodes_alive"] == 1
    assert after["holdfast_events_published_total{by=owner}"] > 0


def test_a_task_that_is_let_go_is_counted_and_its_next_owner_takes_nothing_over(tmp_path: Path) -> None:
    """An owner that ends in good order has not died."""
    with serving(settings(tmp_path)) as server:
        task_id = httpx2.post(f"{server.url}/api/tasks", json=SLOW).json()["id"]
        wait_until(lambda: figures_of(server.url)["holdfast_running_tasks"] == 1)
    ended = figures_in(server.app.state.services.metrics.exposition().decode())
    assert ended["holdfast_handovers_total"] == 1
    assert ended["holdfast_running_tasks"] == 0
    with serving(settings(tmp_path)) as server:
        read_stream(f"{server.url}/api/tasks/{task_id}/events")
        after = figures_of(server.url)
    assert after["holdfast_claims_total"] == 1
    assert after["holdfast_takeovers_total"] == 0


def test_damage_that_somebody_meets_is_counted(tmp_path: Path) -> None:
    """It is what an operator has to hear of first."""
    with serving(settings(tmp_path)) as server:
        task_id = read_stream(f"{server.url}/api/stream?kind=demo&events=5&size=20&steps=1")[0].data["id"]
    log = life_folder(tmp_path / "tasks", task_id) / "000001.jsonl"
    lines = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(b"".join([*lines[:4], b"x" + lines[4][1:], *lines[5:]]))
    with serving(settings(tmp_path)) as server:
        assert figures_of(server.url)["holdfast_quarantines_total"] == 0
        assert read_stream(f"{server.url}/api/tasks/{task_id}/events")[-2].data["code"] == "corrupt"
        assert figures_of(server.url)["holdfast_quarantines_total"] >= 1
