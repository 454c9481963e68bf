"""One browser and one server for all tests of a module; each test visits as somebody new."""

from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from playwright.sync_api import Browser

from tests.e2e.browsing import Visit, Visiting, browsing, quick_server
from tests.serving import ServerProcess


# By module, not by session: while Playwright's loop runs, this thread can run no other.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with browsing() as found:
        yield found


@pytest.fixture(scope="module")
def server(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with quick_server(tmp_path_factory.mktemp("server")) as process:
        yield process


def stop_all(origin: str) -> None:
    """No test finds tasks of another one at work."""
    active = httpx2.get(f"{origin}/api/tasks", params={"status": "pending,running,paused"}).json()["tasks"]
    for task in active:
        httpx2.post(f"{origin}/api/tasks/{task['id']}/stop", json={})


@pytest.fixture
def visiting(browser: Browser, server: ServerProcess) -> Iterator[Visiting]:
    """Opens a browser of its own on the server, or on another one; in the end nobody may have complained."""
    visits: list[tuple[Visit, str | None]] = []

    def visit(origin: str | None = None, *, excused: str | None = None, **options: Any) -> Visit:
        """
        :param excused: what the browser itself may complain of, as it does of every refused request.
        """
        visits.append((Visit(browser, origin or server.url, **options), excused))
        return visits[-1][0]

    yield visit
    stop_all(server.url)
    for each, excused in visits:
        each.close()
        assert each.foreign == []
        assert [error for error in each.errors if excused is None or excused not in error] == []
