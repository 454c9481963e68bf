"""What people meet who can't see, can't point, or need other colours: measured with axe-core in both themes."""

import uuid

import httpx2
import pytest
from playwright.sync_api import Page, expect

from tests.e2e.axe import axe_source, violations
from tests.e2e.browsing import Visiting
from tests.e2e.test_page import QUESTION, expect_status, start_demo

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def axe(pytestconfig: pytest.Config) -> str:
    return axe_source(pytestconfig.cache.mkdir("axe-core"))


def open_all(page: Page) -> None:
    page.evaluate("() => document.querySelectorAll('details:not([hidden])').forEach(fold => (fold.open = true))")


def test_the_forms_have_no_violations(visiting: Visiting, axe: str) -> None:
    """Of every kind, with all that is folded away opened."""
    page = visiting(reduced_motion="reduce").open()
    expect(page.locator(".abilities li").first).to_be_visible()
    expect(page.locator(".kinds input").nth(5)).to_be_attached()
    kinds = page.locator(".kinds input").all()
    assert len(kinds) >= 3
    for kind in kinds:
        kind.focus()
        page.keyboard.press("Space")
        open_all(page)
        assert violations(page, axe) == []


@pytest.mark.parametrize("width", [360, 1280])
def test_a_finished_task_has_no_violations(visiting: Visiting, axe: str, width: int) -> None:
    """Report, contents, steps, sources, log."""
    visit = visiting(reduced_motion="reduce", viewport={"width": width, "height": 900})
    page = visit.open()
    page.get_by_label("Your question").fill(QUESTION)
    page.keyboard.press("Enter")
    expect_status(page, "completed")
    expect(page.locator("#part-sources")).to_be_visible()
    expect(page.locator("#part-events")).to_be_visible()
    open_all(page)
    expect(page.locator(".sources blockquote").first).to_be_visible()
    assert violations(page, axe) == []


def test_tasks_under_way_held_and_failed_have_no_violations(visiting: Visiting, axe: str) -> None:
    """And one that is not there."""
    visit = visiting(reduced_motion="reduce", excused="Failed to load resource")
    running = visit.open(start_demo(visit.origin, events=12_000, rate=60, steps=200, items=400, seed=81))
    expect(running.locator("#part-items")).to_be_visible()
    open_all(running)
    assert violations(running, axe) == []
    for seed, (verb, status) in enumerate((("pause", "paused"), ("stop", "stopped")), start=83):
        path = start_demo(visit.origin, events=12_000, rate=60, seed=seed)
        httpx2.post(f"{visit.origin}/api/tasks/{path.removeprefix('/t/')}/{verb}", json={}).raise_for_status()
        held = visit.open(path)
        expect_status(held, status)
        assert violations(held, axe) == []
    failed = visit.open(start_demo(visit.origin, events=20, fail_at=12, seed=82))
    expect_status(failed, "failed")
    assert violations(failed, axe) == []
    gone = visit.open("/t/" + "0" * 32)
    expect(gone.get_by_role("heading", name="This task is gone")).to_be_visible()
    assert violations(gone, axe) == []


def test_nothing_scrolls_sideways_in_a_window_of_320_pixels(visiting: Visiting) -> None:
    """1280 pixels at 400 % (WCAG 2.2, 1.4.10); a table of many columns scrolls inside itself."""
    visit = visiting(viewport={"width": 320, "height": 640})
    asked = {"kind": "testcases", "params": {"text": "Age must be between 18 and 60."}}
    task_id = httpx2.post(f"{visit.origin}/api/tasks", json=asked).raise_for_status().json()["id"]
    task = visit.open(f"/t/{task_id}")
    expect_status(task, "completed")
    table = task.locator(".report .scrolls:has(th:nth-child(6))").first
    expect(table).to_be_visible()
    assert table.evaluate("box => box.scrollWidth > box.clientWidth")
    pages = [task, *(visit.open(path) for path in ("/", "/tasks", "/ops", f"/s/{uuid.uuid4()}"))]
    for page in pages:
        expect(page.locator("main").get_by_role("heading").first).to_be_visible()
        assert page.evaluate("() => document.documentElement.scrollWidth - innerWidth") <= 0, page.url


def test_a_question_is_asked_and_a_task_controlled_from_the_keyboard(visiting: Visiting) -> None:
    """Kinds by arrow keys, a form by Tab, buttons by Enter; the focus is never lost."""
    page = visiting().open()
    expect(page.locator(".kinds input").first).to_be_attached()
    page.locator(".kinds [value=research]").focus()
    for _ in page.locator(".kinds input").all()[1:]:
        page.keyboard.press("ArrowRight")
    expect(page.locator(".kinds [value=demo]")).to_be_checked()
    page.locator(".options > summary").focus()
    page.keyboard.press("Enter")
    page.get_by_label("Events", exact=True).focus()
    page.keyboard.type("12000")
    page.get_by_label("Rate", exact=True).focus()
    page.keyboard.type("50")
    page.keyboard.press("Enter")
    expect_status(page, "running")
    page.get_by_role("button", name="Pause").focus()
    page.keyboard.press("Enter")
    expect_status(page, "paused")
    expect(page.get_by_role("button", name="Resume")).to_be_focused()
    expect(page.get_by_role("button", name="Stop")).to_have_attribute("aria-disabled", "false")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect_status(page, "stopped")
