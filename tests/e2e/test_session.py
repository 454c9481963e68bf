"""The page of a session while its batch runs, in a real browser: what its stream tells is all that it needs."""

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from playwright.sync_api import Page, expect

from tests.api.held_site import HeldSite, held_site
from tests.e2e.browsing import Visit, Visiting, quick_server
from tests.e2e.relay import relay
from tests.e2e.test_page import REFUSED
from tests.serving import wait_until

pytestmark = pytest.mark.browser


@pytest.fixture
def site() -> Iterator[HeldSite]:
    with held_site() as found:
        yield found


def begin(origin: str, site: HeldSite, *paths: str, **more: Any) -> str:
    """A session whose batch is of these pages, one after the other."""
    session = str(uuid.uuid4())
    tasks = [{"title": path, "url": f"{site.url}{path}", "captures": ["text"]} for path in paths]
    body = {"session": session, "tasks": tasks, "parallelism": 1, **more}
    assert httpx2.post(f"{origin}/api/background_task/start", json=body).json()["success"] is True
    return session


def expect_states(page: Page, *states: str) -> None:
    for index, state in enumerate(states):
        expect(page.locator(".batch-page").nth(index)).to_have_attribute("data-state", state)


class Asked:
    """What a visit asks its server for while it looks at a session."""

    def __init__(self, visit: Visit) -> None:
        self.sessions = 0
        self.streams: list[str] = []
        visit.context.on("request", lambda told: self._see(told.url.removeprefix(visit.origin)))

    def _see(self, path: str) -> None:
        self.sessions += path.startswith("/api/sessions/")
        if path.startswith("/api/tasks/") and "/events" in path:
            self.streams.append(path)


def test_pages_change_by_the_stream_alone_also_after_the_server_was_killed(
    visiting: Visiting, site: HeldSite, tmp_path: Path
) -> None:
    """The batch is asked for when it begins a run, and not for each page."""
    with quick_server(tmp_path) as first, relay(ports := [first.port]) as address:
        session = begin(first.url, site, "/held/a", "/held/b", "/held/c", "/held/d")
        visit = visiting(address, excused=REFUSED)
        asked = Asked(visit)
        page = visit.open(f"/s/{session}")
        expect_states(page, "running", "waiting", "waiting", "waiting")
        before = asked.sessions
        site.let("/held/a")
        expect_states(page, "completed", "running", "waiting", "waiting")
        expect(page.locator("[data-bar=overall] output")).to_have_text("25%")
        expect(page.locator(".session-done")).to_contain_text("Completed: 1 / 4")
        site.let("/held/b")
        expect_states(page, "completed", "completed", "running", "waiting")
        expect(page.locator(".batch-page").nth(1).get_by_role("link", name="001.txt")).to_be_visible()
        assert asked.sessions == before
        assert len(asked.streams) == 1

        with quick_server(tmp_path) as second:
            ports.append(second.port)
            with page.expect_response(lambda answer: "/api/sessions/" in answer.url and answer.ok):
                first.kill()
            wait_until(lambda: site.asked["/held/c"] == 2)
            before = asked.sessions
            site.let("/held/c")
            expect_states(page, "completed", "completed", "completed", "running")
            assert asked.sessions == before
            assert len(asked.streams) > 1
            site.let("/held/d")
            expect(page.locator(".session-sentence")).to_have_text("All background tasks are done!")
            expect_states(page, "completed", "completed", "completed", "completed")
            assert [site.asked[f"/held/{name}"] for name in "abcd"] == [1, 1, 2, 1]
            visit.close()
