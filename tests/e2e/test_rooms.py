"""A session's page, the server's page and notifications, in a real browser."""

import re
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from playwright.sync_api import Page, Route, expect

from tests.api.held_site import HeldSite, held_site
from tests.e2e.axe import axe_source, violations
from tests.e2e.browsing import Visit, Visiting, quick_server
from tests.serving import wait_until

pytestmark = pytest.mark.browser

ALL_DONE = "All background tasks are done!"
KEEP_TOLD = """
globalThis.told = []
addEventListener("DOMContentLoaded", () => {
  const keep = (changes) => changes.forEach(({ addedNodes }) =>
    addedNodes.forEach((toast) => told.push(toast.querySelector("strong").textContent)))
  const toasts = document.querySelector("#toasts")
  if (toasts) new MutationObserver(keep).observe(toasts, { childList: true })
})
"""


@pytest.fixture
def site() -> Iterator[HeldSite]:
    with held_site() as found:
        yield found


def run(origin: str, seed: int, **params: Any) -> str:
    """A demo task that has ended."""
    body = {"kind": "demo", "params": {"events": 2, "seed": seed, **params}}
    task_id = str(httpx2.post(f"{origin}/api/tasks", json=body).raise_for_status().json()["id"])
    wait_until(lambda: httpx2.get(f"{origin}/api/tasks/{task_id}").json()["finished_at"] is not None)
    return task_id


def nobody_is_untold(origin: str) -> None:
    """What other tests have ended is told, and read."""
    for path in ("tell", "read"):
        httpx2.post(f"{origin}/api/notifications/{path}", json={}).raise_for_status()


def untold(origin: str) -> int:
    return int(httpx2.get(f"{origin}/api/notifications").json()["untold"])


def told_on(page: Page) -> list[str]:
    found: list[str] = page.evaluate("() => told")
    return found


def node_of(origin: str) -> Any:
    return httpx2.get(f"{origin}/api/stats").json()["node"]


def tabs(visit: Visit, *paths: str) -> list[Page]:
    visit.context.add_init_script(KEEP_TOLD)
    return [visit.open(path) for path in paths]


def test_the_page_of_a_session_follows_its_batch_stops_it_and_goes_on(visiting: Visiting, site: HeldSite) -> None:
    """Figures, pictures and files as they come; closed and opened again it is the same."""
    visit = visiting(locale="zh-CN")
    nobody_is_untold(visit.origin)
    session = str(uuid.uuid4())
    page = visit.open(f"/s/{session}")
    expect(page.get_by_text("这个会话还没有启动过任务。")).to_be_visible()
    batch = [
        {"title": f"第{n}页", "url": f"{site.url}{path}", "captures": ["text", "screenshot"]}
        for n, path in enumerate(("/page/a", "/held/b", "/page/c"))
    ]
    started = httpx2.post(
        f"{visit.origin}/api/background_task/start",
        json={"session": session, "tasks": batch, "parallelism": 1},
    )
    assert started.json()["success"] is True, started.text
    expect(page.locator(".session-done")).to_contain_text("已完成: 1 / 3")
    expect(page.locator("[data-bar=overall] output")).to_have_text("33%")
    states = page.locator(".batch-page")
    expect(states.nth(0)).to_have_attribute("data-state", "completed")
    expect(states.nth(1)).to_have_attribute("data-state", "running")
    expect(states.nth(2)).to_have_attribute("data-state", "waiting")
    picture = states.nth(0).get_by_role("img", name=re.compile("^第0页"))
    expect(picture).to_be_visible()
    page.wait_for_function("() => document.querySelector('.batch-files img').naturalWidth > 0")

    page.get_by_role("button", name="停止后台任务").click()
    expect(page.locator(".session-line .status")).to_have_text("已停止")
    page.close()
    page = visit.open(f"/s/{session}")
    expect(page.locator(".session-done")).to_contain_text("已完成: 1 / 3")
    site.let("/held/b")
    page.get_by_role("button", name="继续执行").click()
    expect(page.locator(".session-sentence")).to_have_text("后台任务全部完成！")
    expect(page.locator(".toast strong")).to_have_text("后台任务全部完成！")
    expect(page.locator("[data-bar=overall] output")).to_have_text("100%")
    expect(page.locator(".batch-page[data-state=completed]")).to_have_count(3)
    assert site.asked["/page/a"] == 1
    page.get_by_role("link", name="报告与文件").click()
    expect(page.locator(".task-line .status")).to_have_attribute("data-status", "completed")


def test_a_session_that_is_no_session_says_so(visiting: Visiting) -> None:
    """In the server's words."""
    page = visiting(excused="Failed to load resource").open("/s/nonsense")
    expect(page.locator(".session-said")).to_be_visible()
    expect(page.locator(".session-said")).to_have_class(re.compile("bad"))


def test_the_end_of_all_tasks_is_told_once_over_two_tabs_and_a_reload(visiting: Visiting) -> None:
    """And once more for the next one; what ended while nobody was there is told to who comes first."""
    visit = visiting()
    nobody_is_untold(visit.origin)
    first, second = tabs(visit, "/", "/tasks")
    run(visit.origin, 1)
    wait_until(lambda: told_on(first) + told_on(second) == [ALL_DONE])
    for page in (first, second):
        expect(page.locator(".badge")).to_have_text("1")
        expect(page).to_have_title(re.compile(r"^\(1\) "))
        page.reload()
    for page in (first, second):
        expect(page.locator(".badge")).to_have_text("1")
        with page.expect_response("**/api/notifications"):
            page.evaluate("() => document.dispatchEvent(new Event('visibilitychange'))")
        assert told_on(page) == []

    second.close()
    first.goto("about:blank")
    run(visit.origin, 2)
    first.goto(visit.origin)
    wait_until(lambda: told_on(first) == [ALL_DONE])
    again = visiting()
    [elsewhere] = tabs(again, "/")
    expect(elsewhere.locator(".badge")).to_have_text("2")
    assert told_on(elsewhere) == []


def test_of_two_browsers_that_look_at_once_one_tells_and_both_show_it(visiting: Visiting) -> None:
    """As of two tabs; whichever it is, the other one shows it as unread."""
    visits = [visiting(), visiting(locale="zh-CN")]
    nobody_is_untold(visits[0].origin)
    pages = [page for visit in visits for page in tabs(visit, "/tasks", "/ops")]
    for page in pages:
        expect(page.locator(".bell")).to_be_visible()

    def everywhere() -> list[str]:
        return [words for page in pages for words in told_on(page)]

    for seed in (70, 71):
        run(visits[0].origin, seed)
        for page in pages:
            expect(page.locator(".badge")).to_have_text(str(seed - 69))
        wait_until(lambda asked=seed - 69: len(everywhere()) == asked)
        for page in pages:
            with page.expect_response("**/api/notifications"):
                page.evaluate("() => document.dispatchEvent(new Event('visibilitychange'))")
        assert len(everywhere()) == seed - 69
    assert set(everywhere()) <= {ALL_DONE, "后台任务全部完成！"}


def test_a_failure_is_not_told_as_done_and_a_stop_is_not_told(visiting: Visiting) -> None:
    """All have ended, one of them without success; who has stopped a task knows it."""
    visit = visiting()
    nobody_is_untold(visit.origin)
    run(visit.origin, 3)
    run(visit.origin, 4, fail_at=1)
    wait_until(lambda: untold(visit.origin) == 2)
    [page] = tabs(visit, "/ops")
    wait_until(lambda: told_on(page) == ["All background tasks have ended: 1 completed, 1 failed."])
    body = {"kind": "demo", "params": {"events": 50_000, "rate": 50, "seed": 5}}
    task_id = httpx2.post(f"{visit.origin}/api/tasks", json=body).json()["id"]
    httpx2.post(f"{visit.origin}/api/tasks/{task_id}/stop", json={}).raise_for_status()
    expect(page.locator(".badge")).to_have_text("3")
    wait_until(lambda: untold(visit.origin) == 0)
    assert len(told_on(page)) == 1


def test_what_was_read_is_read_in_every_tab_and_browser(visiting: Visiting) -> None:
    """By a click on it, by opening its task, and all at once."""
    visit = visiting()
    nobody_is_untold(visit.origin)
    ended = [run(visit.origin, 10 + index) for index in range(3)]
    first, second = tabs(visit, "/", "/tasks")
    expect(first.locator(".badge")).to_have_text("3")
    first.get_by_role("button", name="Notifications, unread: 3").click()
    first.locator(f"#notices a[href='/t/{ended[0]}']").click()
    expect(first.locator(".task-line .status")).to_have_attribute("data-status", "completed")
    expect(first.locator("#notices")).to_be_hidden()
    expect(second.locator(".badge")).to_have_text("2")
    second.goto(f"{visit.origin}/t/{ended[1]}")
    expect(first.locator(".badge")).to_have_text("1")
    second.get_by_role("button", name="Notifications, unread: 1").click()
    second.get_by_role("button", name="Mark all as read").click()
    expect(second.locator(".badge")).to_be_hidden()
    expect(first.locator(".badge")).to_be_hidden()
    expect(first).to_have_title(re.compile(r"^[^(]"))


def test_the_browser_is_asked_for_leave_at_a_click_only(visiting: Visiting) -> None:
    """Never as the page is loaded."""
    visit = visiting()
    visit.context.add_init_script(
        "globalThis.asked = 0; Notification.requestPermission = async () => { asked++; return 'denied' };"
        "Object.defineProperty(Notification, 'permission', { get: () => (asked ? 'denied' : 'default') })"
    )
    page = visit.open("/tasks")
    expect(page.locator(".bell")).to_be_visible()
    expect(page.locator(".manager-count")).to_be_visible()
    assert page.evaluate("() => asked") == 0
    page.locator("#bell").click()
    page.get_by_role("button", name="Tell me by the browser, too").click()
    expect(page.locator(".notices-denied")).to_be_visible()
    assert page.evaluate("() => asked") == 1


def test_the_browser_tells_once_where_nobody_looks_at_the_page(visiting: Visiting) -> None:
    """Over two tabs, with leave; what it would show is kept instead, as a headless browser shows nothing."""
    visit = visiting()
    nobody_is_untold(visit.origin)
    visit.context.add_init_script(
        "globalThis.shown = []; document.hasFocus = () => false;"
        "globalThis.Notification = class { static permission = 'granted';"
        " constructor(title, { body }) { shown.push(`${title} ${body}`) } }"
    )
    pages = tabs(visit, "/", "/tasks")
    run(visit.origin, 20)

    def shown() -> list[str]:
        return [each for page in pages for each in page.evaluate("() => shown")]

    wait_until(lambda: shown() != [])
    assert shown() == [f"{ALL_DONE} Demo: 2 events (seed 20)"]
    for page in pages:
        page.reload()
        expect(page.locator(".badge")).to_have_text("1")
    wait_until(lambda: untold(visit.origin) == 0)
    assert shown() == []


def test_the_page_of_the_server_moves_by_itself(visiting: Visiting) -> None:
    """Nodes, what runs, what ended, and room on the volume."""
    visit = visiting()
    page = visit.open("/ops")
    node = httpx2.get(f"{visit.origin}/api/stats").json()["node"]["id"]
    expect(page.get_by_role("row", name=re.compile(node))).to_contain_text("alive, answers you")
    running = page.locator("[data-figure=running] strong")
    ended = int((page.locator("[data-figure=ended] strong").text_content() or "").replace(",", ""))
    body = {"kind": "demo", "params": {"events": 50_000, "rate": 50, "seed": 30}}
    task_id = httpx2.post(f"{visit.origin}/api/tasks", json=body).json()["id"]
    expect(running).to_have_text("1")
    expect(page.locator("[data-figure=running] polyline")).to_have_attribute("points", re.compile(r"\d"))
    httpx2.post(f"{visit.origin}/api/tasks/{task_id}/stop", json={}).raise_for_status()
    expect(running).to_have_text("0")
    expect(page.locator("[data-figure=ended] strong")).to_have_text(str(ended + 1))
    expect(page.locator("[data-figure=storage] strong")).to_have_text(re.compile(r"[GTM]iB$"))


def test_behind_a_proxy_the_page_of_the_server_keeps_to_the_figures_of_one(visiting: Visiting, tmp_path: Path) -> None:
    """Two servers that answer in turn: what all of them run is added up, and what is one's own does not jump."""
    with (
        quick_server(tmp_path, MAX_CONCURRENT_TASKS="1") as first,
        quick_server(tmp_path, MAX_CONCURRENT_TASKS="1") as second,
    ):
        for seed in (80, 81):
            body = {"kind": "demo", "params": {"events": 50_000, "rate": 50, "seed": seed}}
            httpx2.post(f"{first.url}/api/tasks", json=body).raise_for_status()
        ids = [node_of(each.url)["id"] for each in (first, second)]
        wait_until(lambda: all(node_of(each.url)["running"] == 1 for each in (first, second)))
        visit = visiting(first.url)
        page = visit.open()
        answered: list[str] = []

        def in_turn(route: Route) -> None:
            answered.append(ids[len(answered) % 2])
            route.continue_(url=f"{(first, second)[ids.index(answered[-1])].url}/api/stats")

        page.route("**/api/stats", in_turn)
        page.get_by_role("link", name="Server", exact=True).click()
        shown = page.locator(".ops-node")
        expect(shown).to_contain_text(re.compile("|".join(ids)))
        shown_id = (shown.text_content() or "").split()[0]
        for _ in range(3):
            with page.expect_response("**/api/stats"):
                pass
            expect(page.locator("[data-figure=running] strong")).to_have_text("2")
            expect(page.locator("[data-figure=running] p")).to_contain_text("Room for 2 at once")
            expect(shown).to_contain_text(shown_id)
        expect(page.locator("[data-figure=events] strong")).to_have_text(re.compile(r"[1-9]"))
        assert set(answered) == set(ids)
        visit.close()


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_nothing_in_these_rooms_is_hard_to_reach(visiting: Visiting, pytestconfig: pytest.Config, theme: str) -> None:
    """axe-core finds nothing: a session without and with pages, the server, the open notifications, a toast."""
    visit = visiting(color_scheme=theme, reduced_motion="reduce")
    axe = axe_source(pytestconfig.cache.mkdir("axe-core"))
    nobody_is_untold(visit.origin)
    page = visit.open("/ops")
    expect(page.locator("[data-figure=running] strong")).to_have_text(re.compile(r"\d"))
    run(visit.origin, 40 if theme == "dark" else 41)
    expect(page.locator(".toast")).to_be_visible()
    assert violations(page, axe) == []
    page.locator("#bell").click()
    expect(page.locator("#notices li").first).to_be_visible()
    assert violations(page, axe) == []
    page.goto(f"{visit.origin}/s/{uuid.uuid4()}")
    expect(page.get_by_text("Nothing was started in this session yet.")).to_be_visible()
    assert violations(page, axe) == []
