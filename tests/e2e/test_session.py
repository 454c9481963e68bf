"""The page of a session while its batch runs, in a real browser: what its stream tells is all that it needs."""

import re
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
from tests.e2e.test_rooms import KEEP_TOLD, nobody_is_untold
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


def test_a_session_begins_with_addresses_and_goes_on_with_the_pages_that_are_chosen(
    visiting: Visiting, site: HeldSite
) -> None:
    """From the list of all tasks; a wrong address is said at its field, and nothing that was typed is lost."""
    visit = visiting(locale="zh-CN", excused=REFUSED)
    nobody_is_untold(visit.origin)
    visit.context.add_init_script(KEEP_TOLD)
    page = visit.open("/tasks")
    page.get_by_role("link", name="新建网页批次").click()
    expect(page.get_by_text("这个会话还没有启动过任务。")).to_be_visible()
    assert re.fullmatch(rf"{visit.origin}/s/[0-9a-f]{{8}}(-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}}", page.url)
    field, run = page.get_by_label("网页地址，每行一个"), page.get_by_role("button", name="后台执行所有")
    run.click()
    expect(page.get_by_text("请至少写一个网址。")).to_be_visible()
    expect(field).to_be_focused()
    good, bad = f"{site.url}/page/a", f"{site.url}/page/broken"
    field.fill(f"{good}\n\nfile:///etc/hosts")
    run.click()
    expect(page.get_by_text("这不是可以打开的网址：file:///etc/hosts")).to_be_visible()
    expect(field).to_have_value(f"{good}\n\nfile:///etc/hosts")
    expect(field).to_have_attribute("aria-invalid", "true")
    field.fill(f"{good}\n{bad}\n{site.url}/held/c")
    run.click()
    expect(page.get_by_role("button", name="停止后台任务")).to_be_focused()
    site.let("/held/c")
    expect_states(page, "completed", "failed", "completed")
    expect(page.locator(".session-sentence")).to_have_text("已结束：完成 2，失败 1，跳过 0，待确认 0。")
    expect(page.locator(".toast strong")).to_have_text("后台任务已全部结束，其中 1 个有部分失败。")
    wait_until(lambda: httpx2.get(f"{visit.origin}/api/notifications").json()["unread"] == 0)

    for address in (good, f"{site.url}/held/c"):
        page.get_by_label(f"选中：{address}").uncheck()
    site.mended.set()
    page.get_by_role("button", name="后台执行选中的 1 个").click()
    expect_states(page, "not_chosen", "completed", "not_chosen")
    expect(page.locator(".session-sentence")).to_have_text("后台任务全部完成！")
    page.get_by_label(f"选中：{good}").check()
    page.get_by_role("button", name="后台执行选中的 2 个").click()
    expect(page.locator(".session-said")).to_contain_text("勾选“忽略已完成状态”")
    assert site.asked["/page/a"] == 1
    page.get_by_label("忽略已完成状态").check()
    page.get_by_role("button", name="后台执行选中的 2 个").click()
    wait_until(lambda: site.asked["/page/a"] == 2)
    expect(page.locator(".session-sentence")).to_have_text("后台任务全部完成！")
    expect_states(page, "completed", "completed", "not_chosen")
    page.get_by_role("link", name="以前的批次").click()
    expect(page.locator(".row")).to_have_count(3)


def test_a_batch_of_some_of_the_pages_goes_on_as_it_was_asked_for(visiting: Visiting, site: HeldSite) -> None:
    """Stopped and gone on with, it is the same task, and does none of the others; the focus is never lost."""
    visit = visiting()
    session = begin(visit.origin, site, "/held/a", "/page/b", "/held/c", task_indices=[2, 0], auto_generate=True)
    page = visit.open(f"/s/{session}")
    expect_states(page, "waiting", "not_chosen", "running")
    task = page.get_by_role("link", name="Report and files").get_attribute("href")
    page.get_by_role("button", name="Stop the background tasks").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Go on")).to_be_focused()
    expect(page.get_by_role("button", name="Go on")).to_have_attribute("aria-disabled", "false")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Stop the background tasks")).to_be_focused()
    site.let("/held/c")
    site.let("/held/a")
    expect(page.locator(".session-sentence")).to_have_text("All background tasks are done!")
    expect_states(page, "completed", "not_chosen", "completed")
    assert page.get_by_role("link", name="Report and files").get_attribute("href") == task
    assert site.asked["/page/b"] == 0
