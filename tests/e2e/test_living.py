"""What the task page shows of a task at work, wherever it runs, and what many tabs cost."""

import re
from math import inf
from pathlib import Path
from shutil import copytree
from typing import Any

import httpx2
import pytest
from playwright.sync_api import Browser, Page, expect

from server.llm.scripted import Rule
from tests.e2e.browsing import Visit, Visiting, quick_server
from tests.e2e.long_report import long_workflow, measure
from tests.e2e.relay import relay
from tests.e2e.test_page import (
    LONG,
    REFUSED,
    SIZE,
    demo_text,
    expect_report,
    expect_status,
    letters_on,
    start_demo,
    stop_and_read,
    tell,
    wait_for_writing,
)
from tests.serving import serving, settings, wait_until
from tests.workflows.researcher import serving_researcher
from tests.workflows.test_research_model_served import DATA as LIBRARY
from tests.workflows.test_research_model_served import with_model

pytestmark = pytest.mark.browser

AROUND = (".topbar", ".tasks", ".rail", ".fold", ".task-tools", ".task-links", ".follow", ".steer")
LONGEST_TASK_MS = 200
FIRST_CONTENT_MS = 500
MOST_OPENINGS = 12
HEAP_GROWTH_MB = 4.0


def part(page: Page, name: str) -> Any:
    """A part of the task's page, unfolded."""
    fold = page.locator(f"#part-{name}")
    expect(fold).to_be_visible()
    page.evaluate("fold => (fold.open = true)", fold.element_handle())
    return fold


def test_a_page_goes_on_at_another_server_when_its_own_is_killed(visiting: Visiting, tmp_path: Path) -> None:
    """Two servers on one folder behind one address; the text is complete and not doubled."""
    with quick_server(tmp_path) as first, quick_server(tmp_path) as second, relay((first.port, second.port)) as address:
        visit = visiting(address, excused=REFUSED)
        task = start_demo(first.url, **LONG, seed=21)
        page = visit.open(task)
        wait_for_writing(page, 20 * SIZE)
        expect_status(page, "running")
        first.kill()
        before = letters_on(page)
        wait_for_writing(page, before + 20 * SIZE)
        expect_status(page, "running")
        written = stop_and_read(second.url, task)
        assert demo_text(LONG["events"], 21).startswith(written)
        expect_status(page, "stopped")
        expect_report(page, written)
        expect(part(page, "events").locator("li", has_text="running").first).to_be_visible()
        visit.close()


def test_the_parts_of_a_task_are_the_same_after_a_reload_and_in_another_tab(visiting: Visiting) -> None:
    """Steps with their times, sources with their quotes, the log."""
    visit = visiting()
    page = visit.open()
    page.get_by_label("Your question").fill("How does Holdfast resume a stream")
    page.keyboard.press("Enter")
    expect_status(page, "completed")
    shown = []
    for each in (page, visit.open(page.url.removeprefix(visit.origin))):
        fold = part(each, "steps")
        fold.get_by_role("button", name="earlier steps").click()
        steps = fold.locator("li")
        expect(steps.first).to_contain_text("Understanding the question")
        quote = part(each, "sources").locator("blockquote").first
        expect(quote).to_have_text(re.compile("resumes a stream from the id of the last event"))
        contents = part(each, "contents").get_by_role("link")
        expect(contents.first).to_have_text("Short answer")
        log = part(each, "events").locator("li")
        expect(log.first).to_contain_text("done")
        shown.append([steps.all_inner_texts(), contents.all_inner_texts(), log.all_inner_texts()])
    assert shown[0] == shown[1]
    page.locator(".toc").get_by_role("link", name="Gaps").click()
    expect(page.get_by_role("heading", name="Gaps")).to_be_in_viewport()


def test_a_printed_report_is_the_report_alone(visiting: Visiting) -> None:
    """Over the whole width, whatever stands around it on the screen."""
    visit = visiting(viewport={"width": 1280, "height": 900})
    page = visit.open(start_demo(visit.origin, events=20, items=3, seed=51))
    expect_status(page, "completed")
    expect(page.locator("#part-items")).to_be_visible()
    page.emulate_media(media="print")
    shown = [name for name in AROUND if page.locator(f"{name}:visible").count()]
    assert shown == []
    box = page.locator(".report").bounding_box()
    assert box is not None
    assert box["x"] < SIZE
    assert box["width"] > 1200


def test_items_of_a_batch_are_shown_with_their_pictures_and_what_is_wrong_with_them(visiting: Visiting) -> None:
    """As the server's own browser took them."""
    visit = visiting()
    body = {
        "kind": "browse",
        "params": {
            "tasks": [
                {"title": "Front page", "url": f"{visit.origin}/docs/index.md", "captures": ["screenshot"]},
                {"title": "No page", "url": f"{visit.origin}/docs/none.md", "captures": ["text"]},
            ]
        },
    }
    task = httpx2.post(f"{visit.origin}/api/tasks", json=body).raise_for_status().json()["id"]
    page = visit.open(f"/t/{task}")
    expect_status(page, "completed")
    good, bad = (page.locator(".item", has_text=name) for name in ("Front page", "No page"))
    picture = good.get_by_role("img", name="Picture of Front page")
    expect(picture).to_be_visible()
    page.wait_for_function("image => image.complete && image.naturalWidth > 0", arg=picture.element_handle())
    expect(bad.locator(".item-error")).to_have_text("The server answered 404.")
    expect(part(page, "files").get_by_role("link").first).to_have_attribute("download", re.compile("png$"))


def test_a_running_task_is_told_a_question_and_to_write(visiting: Visiting, tmp_path: Path) -> None:
    """Where it has a model to heed it; what the model thinks aloud is there to be unfolded."""
    copytree(LIBRARY, tmp_path / "library")
    with serving_researcher() as served, serving(with_model(served, tmp_path)) as server:
        served.slow = {"learn": Rule(piece=2, pause=0.05, reasoning="Which of them says it best?")}
        visit = visiting(server.url)
        page = visit.open()
        expect(page.locator(".abilities")).to_contain_text("Writes and plans with the model scripted")
        page.get_by_label("Your question").fill("How do I descale a kettle?")
        page.keyboard.press("Enter")
        expect(page.locator(".steer")).to_be_visible()
        page.get_by_label("Question: Look into this as well.").fill("What does vinegar do?")
        page.get_by_role("button", name="Send").click()
        expect(page.get_by_text("It is heeded from the next step on.")).to_be_visible()
        served.slow = {}
        expect_status(page, "completed")
        expect(page.locator(".steer")).to_be_hidden()
        task = page.url.replace("/t/", "/api/tasks/")
        planned = [question["text"] for question in httpx2.get(f"{task}/result").json()["questions"]]
        assert "What does vinegar do?" in planned
        expect(part(page, "sources").locator("blockquote").first).to_be_visible()
        visit.close()


def test_a_reader_at_the_end_is_taken_along_and_one_who_scrolls_up_is_let_be(visiting: Visiting) -> None:
    """Until they ask to follow again."""
    visit = visiting(viewport={"width": 800, "height": 600})
    address = start_demo(visit.origin, events=30_000, rate=300, steps=200, size=100, seed=31)
    page = visit.open(address)
    wait_for_writing(page, 20_000)
    follow = page.get_by_role("button", name="Follow the writing")
    expect(follow).to_be_visible()
    place = page.evaluate("() => scrollY")
    wait_for_writing(page, letters_on(page) + 20_000)
    assert page.evaluate("() => scrollY") == place
    follow.click()
    expect(follow).to_be_hidden()
    before = page.evaluate("() => scrollY")
    wait_for_writing(page, letters_on(page) + 40_000)
    assert page.evaluate("() => scrollY") > before
    page.mouse.move(400, 300)
    page.mouse.wheel(0, -800)
    expect(follow).to_be_visible()
    settled = page.evaluate("() => new Promise(go => setTimeout(() => go(scrollY), 300))")
    wait_for_writing(page, letters_on(page) + 20_000)
    assert page.evaluate("() => scrollY") == settled
    tell(visit, address, "stop")


def test_all_tabs_share_one_connection_for_their_lists(visiting: Visiting) -> None:
    """More tabs than a browser gives connections to one host; when the one that leads is closed, another one does."""
    visit = visiting()
    pages = [visit.open() for _ in range(8)]
    for page in pages:
        expect(page.get_by_label("Your question")).to_be_visible()
        expect(page.locator(".kinds input").first).to_be_attached()
    readers = [
        page.evaluate(
            "() => performance.getEntriesByType('resource').filter(({ name }) => name.endsWith('/api/events')).length"
        )
        for page in pages
    ]
    locks = pages[1].evaluate(
        "() => navigator.locks.query().then(({ held, pending }) => [held.length, pending.length])"
    )
    assert locks == [1, 7]
    assert sum(readers) <= 1  # one that is open is not yet among the entries of its page
    for leader in pages[:2]:
        leader.close()
        address = start_demo(visit.origin, **LONG, seed=40 + pages.index(leader))
        for page in pages[2:]:
            item = page.locator(f".task-item:has(a[href='{address}']) .status-word")
            expect(item).to_have_text("Running")


def test_a_tab_that_nobody_looks_at_holds_no_stream_of_its_task(visiting: Visiting) -> None:
    """Looked at again, it goes on with everything once."""
    visit = visiting()
    address = start_demo(visit.origin, **LONG, seed=61)
    page = visit.open(address)
    wait_for_writing(page, 10 * SIZE)
    look_at(page, hidden=True)
    wait_until(lambda: readers(visit) == 0)
    before = letters_on(page)
    look_at(page, hidden=False)
    wait_until(lambda: readers(visit) == 1)
    wait_for_writing(page, before + 10 * SIZE)
    written = stop_and_read(visit.origin, address)
    expect_status(page, "stopped")
    expect_report(page, written)


def look_at(page: Page, *, hidden: bool) -> None:
    """As the browser tells a page: headless, it never does by itself."""
    page.evaluate(
        "hidden => {"
        "  Object.defineProperty(document, 'hidden', { value: hidden, configurable: true });"
        "  document.dispatchEvent(new Event('visibilitychange'));"
        "}",
        hidden,
    )


def readers(visit: Visit) -> int:
    """How many read tasks at the server."""
    return int(httpx2.get(f"{visit.origin}/api/stats").json()["node"]["readers"])


def test_a_long_report_costs_no_long_task(browser: Browser, tmp_path: Path) -> None:
    """Nor memory that grows with its events. The best of three: what else the machine does is not the page's.

    `python -m tests.e2e.long_report` measures 20,000 of them.
    """
    with serving(settings(tmp_path), workflows=[long_workflow()]) as server:
        for more in range(3):
            visit = Visit(browser, server.url)
            figures = measure(visit, 2000 + more)
            visit.close()
            assert (figures.missing, figures.doubled) == (0, 0)
            assert figures.heap_last - figures.heap_first <= HEAP_GROWTH_MB
            if max(figures.longest_watching, figures.longest_opening) <= LONGEST_TASK_MS:
                break
    assert figures.longest_watching <= LONGEST_TASK_MS
    assert figures.longest_opening <= LONGEST_TASK_MS


def test_the_first_content_is_there_at_once(visiting: Visiting) -> None:
    """The best of some: what else the machine does is not the page's."""
    visit = visiting()
    times: list[float] = []
    while len(times) < MOST_OPENINGS and min(times, default=inf) > FIRST_CONTENT_MS:
        page = visit.open()
        expect(page.get_by_label("Your question")).to_be_visible()
        times.append(page.evaluate("() => performance.getEntriesByName('first-contentful-paint')[0].startTime"))
        page.close()
    assert min(times) <= FIRST_CONTENT_MS
