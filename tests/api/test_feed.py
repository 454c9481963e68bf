"""`/api/events` without tasks: the state of all one's tasks, told whenever it changes."""

import socket
import time
from collections.abc import Callable
from pathlib import Path

import httpx2

from tests.reading import Seen, body_of, connection, parse
from tests.serving import serving, settings


class Feed:
    """A connection to the feed, read as far as a test needs."""

    def __init__(self, raw: socket.socket) -> None:
        self._raw, self._content = raw, b""

    def until(self, enough: Callable[[list[Seen]], bool]) -> list[Seen]:
        """All that has come, when there is enough of it."""
        limit = time.monotonic() + 20
        while not enough(parse(body_of(self._content))):
            assert time.monotonic() < limit, self._content
            self._content += self._raw.recv(65536)
        return parse(body_of(self._content))


def test_active_tasks_come_first_then_ready_then_every_change(tmp_path: Path) -> None:
    """A task that has ended before is not told; one that is removed is."""
    with serving(settings(tmp_path)) as server:

        def start(**params: object) -> str:
            task_id: str = httpx2.post(f"{server.url}/api/tasks", json={"kind": "demo", **params}).json()["id"]
            return task_id

        ended, running = start(events=1), start(events=1000, rate=20)
        httpx2.get(f"{server.url}/api/tasks/{ended}/events", timeout=20)
        with connection(f"{server.url}/api/events") as raw:
            feed = Feed(raw)
            seen = feed.until(lambda seen: any(each.event == "ready" for each in seen))
            assert [each.data.get("id") for each in seen] == [running, None]
            new = start(events=2)
            httpx2.get(f"{server.url}/api/tasks/{new}/events", timeout=20)
            httpx2.post(f"{server.url}/api/tasks/{running}/stop", timeout=20)
            httpx2.delete(f"{server.url}/api/tasks/{ended}")
            wanted = {f"{new} completed", f"{running} stopped", f"{ended} removed"}
            told = feed.until(lambda seen: wanted <= words(seen[2:]))
        assert {each.event for each in told[2:]} == {"task"}


def test_what_happens_at_another_server_is_told_as_well(tmp_path: Path) -> None:
    """A task that begins and ends there, and one that is removed there: from one folder, both know the same."""
    with serving(settings(tmp_path)) as near, serving(settings(tmp_path)) as far:
        ended = httpx2.post(f"{far.url}/api/tasks", json={"kind": "demo", "events": 1}).json()["id"]
        httpx2.get(f"{far.url}/api/tasks/{ended}/events", timeout=20)
        with connection(f"{near.url}/api/events") as raw:
            feed = Feed(raw)
            feed.until(lambda seen: any(each.event == "ready" for each in seen))
            new = httpx2.post(f"{far.url}/api/tasks", json={"kind": "demo", "events": 2}).json()["id"]
            httpx2.get(f"{far.url}/api/tasks/{new}/events", timeout=20)
            feed.until(lambda seen: f"{new} completed" in words(seen))
            assert httpx2.delete(f"{far.url}/api/tasks/{ended}").is_success
            feed.until(lambda seen: f"{ended} removed" in words(seen))
        listed = httpx2.get(f"{near.url}/api/tasks").json()
        assert [view["id"] for view in listed["tasks"]] == [new]
        assert listed["complete"] is True


def words(seen: list[Seen]) -> set[str]:
    views = [each.data for each in seen if each.event == "task"]
    return {f"{view['id']} {'removed' if view.get('removed') else view['status']}" for view in views}
