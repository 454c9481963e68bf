"""What axe-core finds where there is much to see: a batch at work, fifty tasks, a novel, what each kind made."""

import re
import uuid
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from playwright.sync_api import Page, expect

from tests.api.held_site import HeldSite, held_site
from tests.e2e.axe import axe_source, violations
from tests.e2e.browsing import Visit, Visiting
from tests.e2e.test_accessibility import open_all
from tests.e2e.test_page import REFUSED, expect_status
from tests.serving import wait_until

pytestmark = pytest.mark.browser

ROWS = 50
STILL: dict[str, Any] = {"reduced_motion": "reduce", "viewport": {"width": 1280, "height": 900}}
BIBLE = {
    "characters": [{"id": "lin", "name": "林晚", "role": "领航员", "died": 5}],
    "timeline": [{"id": "talk", "title": "会谈", "day": 9, "participants": ["lin"]}],
    "foreshadowing": [{"id": "key", "title": "铜钥匙", "planted": 1, "status": "planted"}],
    "chapters": [{"number": 1, "title": "雾"}, {"number": 2, "title": "港", "words": 900}],
    "texts": [{"number": 1, "title": "雾", "text": "林晚走进雾里。"}],
}
NOVEL = {"id": "harbour", "title": "雾港", "chapters": 2}
TEXTS = [{"text": "下周三下午3点在人民医院复诊，挂号费50元。", "written_at": "2024-05-15"}]
EACH_KIND: dict[str, dict[str, Any]] = {
    "research": {"query": "Which ports of Holdfast are reached from other machines?"},
    "extract": {"users": [{"user_id": "u1", "texts": TEXTS}]},
    "testcases": {"text": "Age must be between 18 and 60.\nThe page should look friendly."},
    "novel": {"novel": NOVEL, "task_type": "review"},
}


@pytest.fixture(scope="module")
def axe(pytestconfig: pytest.Config) -> str:
    return axe_source(pytestconfig.cache.mkdir("axe-core"))


@pytest.fixture
def site() -> Iterator[HeldSite]:
    with held_site() as found:
        yield found


def start(origin: str, kind: str, params: dict[str, Any], **more: Any) -> str:
    body = {"kind": kind, "params": params, **more}
    return str(httpx2.post(f"{origin}/api/tasks", json=body).raise_for_status().json()["id"])


def run(origin: str, kind: str, params: dict[str, Any], **more: Any) -> str:
    """A task that has ended."""
    task_id = start(origin, kind, params, **more)
    wait_until(lambda: httpx2.get(f"{origin}/api/tasks/{task_id}").json()["finished_at"] is not None)
    return task_id


def write_novel(origin: str) -> None:
    run(origin, "novel", {"novel": NOVEL, "task_type": "import", "bible": BIBLE})
    run(origin, "novel", EACH_KIND["novel"])


def pages_of(site: HeldSite) -> list[dict[str, Any]]:
    """One that comes, one that is no page, one that lets itself be waited for, and one after it."""
    paths = ("/page/a", "/page/broken", "/held/b", "/page/c")
    return [{"title": path, "url": f"{site.url}{path}", "captures": ["text", "screenshot"]} for path in paths]


def test_a_session_has_no_violations_from_its_first_address_to_its_end(
    visiting: Visiting, axe: str, site: HeldSite
) -> None:
    """Its form, a batch with pages in every state and their pictures, and what is chosen for the next start."""
    visit = visiting(locale="zh-CN", **STILL)
    session = uuid.uuid4()
    page = visit.open(f"/s/{session}")
    page.locator(".session-form button").click()
    expect(page.locator(".session-form .field-error")).to_be_visible()
    assert violations(page, axe) == []
    body = {"session": str(session), "tasks": pages_of(site), "parallelism": 1}
    assert httpx2.post(f"{visit.origin}/api/background_task/start", json=body).json()["success"] is True
    states = page.locator(".batch-page")
    for index, state in enumerate(("completed", "failed", "running", "waiting")):
        expect(states.nth(index)).to_have_attribute("data-state", state)
    expect(states.nth(0).get_by_role("img")).to_be_visible()
    assert violations(page, axe) == []
    page.locator("[data-command=stop]").click()
    expect(page.locator(".batch-choice:visible")).to_have_count(4)
    states.nth(3).get_by_role("checkbox").uncheck()
    assert violations(page, axe) == []


def test_fifty_tasks_some_of_them_selected_and_their_notifications_have_no_violations(
    visiting: Visiting, axe: str
) -> None:
    """With one that failed, the list narrowed, and the bell open."""
    visit = visiting(locale="en-US", **STILL)
    for seed in range(ROWS - 1):
        start(visit.origin, "demo", {"events": 2, "seed": seed}, project="many")
    run(visit.origin, "demo", {"events": 2, "fail_at": 1}, project="many")
    page = visit.open("/p/many")
    expect(page.locator(".tally[data-status=completed] strong")).to_have_text(str(ROWS - 1))
    for box in page.locator(".row input").all()[:3]:
        box.check()
    expect(page.locator(".row-error")).to_be_visible()
    page.get_by_role("searchbox").fill("seed 4")
    expect(page.locator(".bulk-count")).to_contain_text("3")
    assert violations(page, axe) == []
    page.locator("#bell").click()
    expect(page.locator("#notices li").first).to_be_visible()
    assert violations(page, axe) == []


def test_a_novel_s_project_and_the_server_s_page_have_no_violations(visiting: Visiting, axe: str) -> None:
    """The bible unfolded; the figures of a server that has done something."""
    visit = visiting(locale="zh-CN", **STILL)
    write_novel(visit.origin)
    page = visit.open("/p/harbour")
    expect(page.locator(".bible [data-part=findings] .count")).to_have_text(re.compile(r"[1-9]"))
    open_all(page)
    expect(page.locator(".bible [data-part=findings] li").first).to_be_visible()
    assert violations(page, axe) == []
    page.goto(f"{visit.origin}/ops")
    expect(page.locator("[data-figure=ended] rect").first).to_be_attached()
    expect(page.locator("tbody tr")).to_have_count(1)
    assert violations(page, axe) == []


def look_at(visit: Visit, task_id: str, status: str) -> Page:
    """The page of a task, with all that is folded away open."""
    page = visit.open(f"/t/{task_id}")
    expect_status(page, status)
    open_all(page)
    return page


@pytest.mark.parametrize("kind", EACH_KIND)
def test_what_each_kind_has_made_has_no_violations(visiting: Visiting, axe: str, kind: str) -> None:
    """A finished task, in the language of its content."""
    visit = visiting(locale="zh-CN" if kind in ("extract", "novel") else "en-US", **STILL)
    if kind == "novel":
        write_novel(visit.origin)
    page = look_at(visit, run(visit.origin, kind, EACH_KIND[kind]), "completed")
    expect(page.locator(".report :is(h1, h2)").first).to_be_visible()
    assert violations(page, axe) == []


def test_work_under_way_stopped_and_partly_failed_has_no_violations(
    visiting: Visiting, axe: str, site: HeldSite
) -> None:
    """Research that can be told something, and a batch whose pages stand as they do when it is stopped."""
    visit = visiting(locale="zh-CN", excused=REFUSED, **STILL)
    query = {"query": "那里有什么？", "sources": {"urls": [f"{site.url}/held/source"]}}
    research = look_at(visit, start(visit.origin, "research", query), "running")
    assert violations(research, axe) == []
    batch = look_at(visit, start(visit.origin, "browse", {"tasks": pages_of(site), "batch": "held"}), "running")
    expect(batch.locator(".item")).to_have_count(2)
    open_all(batch)
    assert violations(batch, axe) == []
    for page in (research, batch):
        page.locator(".task-actions [data-action=stop]").click()
        expect_status(page, "stopped")
        assert violations(page, axe) == []
