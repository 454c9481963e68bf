"""The page in a real browser: ask, watch, leave, come back."""

import json
import re
from pathlib import Path
from typing import Any

import httpx2
import pytest
from playwright.sync_api import Locator, Page, Route, expect

from server.workflows.demo import text_of
from tests.e2e.browsing import Visit, Visiting, quick_server
from tests.serving import ServerProcess, wait_until

pytestmark = pytest.mark.browser

QUESTION = "How does Holdfast resume a stream"
REFUSED = "Failed to load resource"
TASK_ADDRESS = re.compile(r"/t/[0-9a-f]{32}$")
SIZE = 20
LONG: dict[str, Any] = {"events": 12_000, "rate": 60, "steps": 200}
"""It lasts minutes, however slow the machine is that looks at it: a test ends it."""
HOLD_THE_LIST = """
const ask = fetch
globalThis.fetch = async (path, options) => {
  const answer = await ask(path, options)
  if (path.startsWith("/api/tasks?") && !globalThis.release) await new Promise((go) => (globalThis.release = go))
  return answer
}
"""


def start_demo(origin: str, **params: Any) -> str:
    """Starts a demo task over the API, short if nothing else is said; the address of its page."""
    body = {"kind": "demo", "params": {"size": SIZE, **params}}
    answer = httpx2.post(f"{origin}/api/tasks", json=body).raise_for_status()
    return f"/t/{answer.json()['id']}"


def demo_text(events: int, seed: int) -> str:
    return "".join(text_of(index, SIZE, seed) for index in range(events))


def expect_status(page: Page, status: str) -> None:
    expect(page.locator(".task-line .status")).to_have_attribute("data-status", status)


def expect_report(page: Page, text: str) -> None:
    expect(page.locator(".report")).to_have_text(text)


def wait_for_writing(page: Page, letters: int) -> None:
    page.wait_for_function("n => document.querySelector('.report').textContent.length >= n", arg=letters)


def letters_on(page: Page) -> int:
    return len(page.locator(".report").text_content() or "")


def expect_whole(page: Page, seed: int) -> None:
    """What a stopped task of `LONG` had written stands on its page: all of it, and once."""
    expect_status(page, "stopped")
    written = httpx2.get(f"{page.url.replace('/t/', '/api/tasks/')}/output").text
    assert written
    assert demo_text(LONG["events"], seed).startswith(written)
    expect_report(page, written)


def stop_and_read(origin: str, address: str) -> str:
    """Stops a task at one of its servers; what it had written by then."""
    task = f"{origin}{address.replace('/t/', '/api/tasks/')}"
    httpx2.post(f"{task}/stop", json={}).raise_for_status()
    return httpx2.get(f"{task}/output").text


def tell(visit: Visit, address: str, command: str) -> None:
    """Does something with a task elsewhere than on its page."""
    httpx2.post(f"{visit.origin}{address.replace('/t/', '/api/tasks/')}/{command}", json={}).raise_for_status()


def status(visit: Visit, address: str) -> str:
    return str(httpx2.get(f"{visit.origin}{address.replace('/t/', '/api/tasks/')}").json()["status"])


def delete(visit: Visit, address: str) -> None:
    httpx2.delete(f"{visit.origin}{address.replace('/t/', '/api/tasks/')}").raise_for_status()


def remember(page: Page, selector: str) -> str:
    """Keep each text that an element has from now on, however short it is shown: an expression for the list of them."""
    kept = f"told[{json.dumps(selector)}]"
    page.evaluate(
        "selector => {"
        "  const element = document.querySelector(selector);"
        "  const told = (globalThis.told ??= {})[selector] = [];"
        "  new MutationObserver(() => told.push(element.textContent))"
        "    .observe(element, { childList: true, characterData: true, subtree: true });"
        "}",
        selector,
    )
    return kept


def test_a_question_is_asked_watched_left_and_found_again(visiting: Visiting) -> None:
    """The address of the task shows the same report in a new tab, and so does the list."""
    visit = visiting()
    page = visit.open()
    page.get_by_label("Your question").fill(QUESTION)
    page.keyboard.press("Enter")
    page.wait_for_url(TASK_ADDRESS)
    expect_status(page, "completed")
    expect(page.locator(".report h1")).to_have_text(QUESTION)
    expect(page.locator(".report h2").last).to_have_text("How this was made")
    report, address = page.locator(".report").inner_html(), page.url
    page.close()

    again = visit.open(address.removeprefix(visit.origin))
    expect(again.locator(".report h2").last).to_be_visible()
    assert again.locator(".report").inner_html() == report
    again.get_by_role("link", name="Holdfast: ask a question").click()
    expect(again.get_by_label("Your question")).to_have_value("")
    again.locator(".task-item", has_text=QUESTION).click()
    expect(again.locator(".report h2").last).to_be_visible()
    assert again.url == address
    assert again.locator(".report").inner_html() == report


def test_a_question_that_comes_before_its_view_is_asked_when_the_view_is_there(visiting: Visiting) -> None:
    """Nothing that was typed is lost, on however slow a line."""
    visit = visiting()
    page = visit.context.new_page()
    held: list[Route] = []
    page.route("**/ask-view.js", lambda route: held.append(route))
    page.goto(visit.origin)
    page.get_by_label("Your question").fill("What is a snapshot?")
    page.keyboard.press("Enter")
    held[0].continue_()
    page.wait_for_url(TASK_ADDRESS)
    expect_status(page, "completed")
    expect(page.locator(".report h1")).to_have_text("What is a snapshot?")


def test_a_reload_in_mid_task_goes_on_with_everything_once(visiting: Visiting) -> None:
    """And again after leaving for the list and coming back with the browser's own button."""
    visit = visiting()
    address = start_demo(visit.origin, **LONG, seed=1)
    page = visit.open(address)
    wait_for_writing(page, 10 * SIZE)
    expect_status(page, "running")
    page.reload()
    wait_for_writing(page, 20 * SIZE)
    page.get_by_role("link", name="Holdfast: ask a question").click()
    page.go_back()
    expect_status(page, "running")
    wait_for_writing(page, 40 * SIZE)
    tell(visit, address, "stop")
    expect_whole(page, 1)


def test_the_page_goes_on_by_itself_when_the_server_was_killed_and_started_again(
    visiting: Visiting, tmp_path: Path
) -> None:
    """It says that the connection was lost and found; the text is complete and not doubled."""
    with quick_server(tmp_path) as first:
        visit = visiting(first.url, excused=REFUSED)
        address = start_demo(first.url, **LONG, seed=2)
        page = visit.open(address)
        wait_for_writing(page, 20 * SIZE)
        told = remember(page, ".connection")
        first.kill()
        page.wait_for_function(f"() => {told}.some(text => text.startsWith('Connection lost'))")
        before = letters_on(page)
    with quick_server(tmp_path, first.port):
        page.wait_for_function(f"() => {told}.some(text => text.startsWith('Connected again'))")
        wait_for_writing(page, before + SIZE)
        expect_status(page, "running")
        tell(visit, address, "stop")
        expect_whole(page, 2)
        visit.close()


def test_the_list_shows_tasks_as_they_come_move_end_and_go(visiting: Visiting) -> None:
    """Nothing is done on the page: all of it happens elsewhere."""
    visit = visiting()
    page = visit.open()
    address = start_demo(visit.origin, **LONG, seed=3)
    item = page.locator(f".task-item:has(a[href='{address}'])")
    expect(item.locator(".status-word")).to_have_text("Running")
    expect(item.locator(".task-item-number")).to_have_text(re.compile(r"^[1-9]\d?%$"))
    tell(visit, address, "stop")
    expect(item.locator(".status-word")).to_have_text("Stopped")
    delete(visit, address)
    expect(item).to_have_count(0)


def test_a_list_that_comes_late_takes_nothing_back(visiting: Visiting) -> None:
    """Tasks that came, ended or went between the server's answer and its arrival are shown as they are by then."""
    visit = visiting()
    ended, going = (start_demo(visit.origin, events=1, seed=seed) for seed in (11, 12))
    wait_until(lambda: {status(visit, ended), status(visit, going)} == {"completed"})
    ending = start_demo(visit.origin, **LONG, seed=13)
    page = visit.context.new_page()
    page.add_init_script(HOLD_THE_LIST)
    page.goto(visit.origin)
    page.wait_for_function("() => globalThis.release")

    def word(address: str) -> Locator:
        return page.locator(f".task-item:has(a[href='{address}']) .status-word")

    delete(visit, going)
    tell(visit, ending, "stop")
    expect(word(ending)).to_have_text("Stopped")
    coming = start_demo(visit.origin, **LONG, seed=14)
    expect(word(coming)).to_have_text("Running")
    assert word(ended).count() == 0
    page.evaluate("() => release()")
    expect(word(ended)).to_have_text("Completed")
    expect(word(ending)).to_have_text("Stopped")
    expect(word(coming)).to_have_text("Running")
    expect(word(going)).to_have_count(0)


def test_a_task_is_paused_resumed_stopped_and_retried(visiting: Visiting) -> None:
    """The buttons are those that the status allows, and nothing is lost or doubled."""
    visit = visiting()
    page = visit.open(start_demo(visit.origin, **LONG, seed=4))
    actions = page.get_by_role("group", name="What can be done with this task")
    actions.get_by_role("button", name="Pause").click()
    expect_status(page, "paused")
    expect(actions.get_by_role("button")).to_have_text(["Resume", "Stop"])
    actions.get_by_role("button", name="Resume").click()
    expect_status(page, "running")
    wait_for_writing(page, 20 * SIZE)
    actions.get_by_role("button", name="Stop").click()
    expect_status(page, "stopped")
    expect(actions.get_by_role("button")).to_have_text(["Retry", "Run again", "Delete"])
    expect(page.locator(".task-notice")).to_contain_text("Stopped before its end")
    expect_whole(page, 4)
    before = letters_on(page)
    actions.get_by_role("button", name="Retry").click()
    expect_status(page, "running")
    wait_for_writing(page, before + SIZE)
    actions.get_by_role("button", name="Stop").click()
    expect_whole(page, 4)


def test_a_task_is_run_again_and_deleted(visiting: Visiting) -> None:
    """A new life starts with an empty report; deleting is asked about first."""
    visit = visiting()
    address = start_demo(visit.origin, events=60, seed=9)
    page = visit.open(address)
    expect_status(page, "completed")
    expect_report(page, demo_text(60, 9))
    shown = remember(page, ".report")
    actions = page.get_by_role("group", name="What can be done with this task")
    actions.get_by_role("button", name="Run again").click()
    page.wait_for_function(f"() => {shown}.includes('')")
    expect_status(page, "completed")
    expect_report(page, demo_text(60, 9))
    assert httpx2.get(f"{visit.origin}/api/tasks/{address.removeprefix('/t/')}").json()["life"] == 2

    actions.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    actions.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_label("Your question")).to_be_visible()
    expect(page.locator(".task-item", has_text="seed 9")).to_have_count(0)


def test_a_failed_task_says_why_and_keeps_what_it_wrote(visiting: Visiting) -> None:
    """An error is no report, and a report that is no whole one says so."""
    visit = visiting()
    page = visit.open(start_demo(visit.origin, events=20, fail_at=12, seed=5))
    expect_status(page, "failed")
    expect(page.locator(".task-notice")).to_contain_text("asked to fail at event 12")
    expect(page.locator(".report")).to_have_text(re.compile("^000000"))


def test_a_selection_survives_while_the_report_grows(visiting: Visiting) -> None:
    """Text that stands already is not written anew."""
    visit = visiting()
    page = visit.open(start_demo(visit.origin, **LONG, seed=6))
    wait_for_writing(page, 5 * SIZE)
    page.evaluate(
        "() => getSelection().setBaseAndExtent(document.querySelector('.report p').firstChild, 0,"
        " document.querySelector('.report p').firstChild, 26)"
    )
    selected = page.evaluate("() => String(getSelection())")
    wait_for_writing(page, 60 * SIZE)
    assert page.evaluate("() => String(getSelection())") == selected == demo_text(2, 6)[:26]


def test_errors_stand_at_their_fields(visiting: Visiting) -> None:
    """Folded options are opened for it; the question is kept."""
    page = visiting(excused=REFUSED).open()
    page.get_by_role("button", name="Ask", exact=True).click()
    expect(page.get_by_text("Write a question first.")).to_be_visible()
    page.get_by_label("Your question").fill("What is this?")
    expect(page.get_by_text("Write a question first.")).to_be_hidden()
    page.get_by_text("Options").click()
    page.locator(".group summary", has_text="Sources").click()
    page.get_by_label("Pages", exact=True).fill("ftp://example.org/")
    page.locator(".group summary", has_text="Sources").click()
    page.get_by_text("Options").click()
    page.get_by_role("button", name="Ask", exact=True).click()
    expect(page.get_by_text("Only addresses that begin with")).to_be_visible()
    expect(page.get_by_label("Pages", exact=True)).to_be_focused()
    assert page.get_by_label("Your question").input_value() == "What is this?"


def test_a_task_that_is_not_there_is_told_in_words(visiting: Visiting) -> None:
    """Whether it was deleted while it was open, or before."""
    visit = visiting(excused=REFUSED)
    page = visit.open("/t/" + "0" * 32)
    expect(page.get_by_role("heading", name="This task is gone")).to_be_visible()
    page.get_by_role("main").get_by_role("link", name="Ask a question").click()
    expect(page.get_by_label("Your question")).to_be_focused()

    address = start_demo(visit.origin, events=1, seed=7)
    page = visit.open(address)
    expect_status(page, "completed")
    delete(visit, address)
    expect(page.get_by_role("heading", name="This task is gone")).to_be_visible()


def test_a_chinese_browser_gets_a_chinese_page_and_may_choose(visiting: Visiting) -> None:
    """The choice of language and theme is kept."""
    visit = visiting(locale="zh-CN")
    page = visit.open()
    expect(page.get_by_role("heading", level=1)).to_have_text("想弄清楚什么？")
    page.get_by_role("button", name="Holdfast 如何恢复流？").click()
    expect(page.locator(".task-line .status")).to_have_text("已完成")
    expect(page.locator(".report")).to_have_attribute("lang", "zh-CN")
    expect(page.locator(".report h2").first).to_have_text("简要回答")

    page.get_by_role("button", name="English").click()
    page.get_by_role("button", name="Light theme").click()
    page.reload()
    expect(page.locator(".task-line .status")).to_have_text("Completed")
    assert page.evaluate("() => [document.documentElement.lang, document.documentElement.dataset.theme]") == [
        "en",
        "light",
    ]


def test_text_from_outside_is_text(visiting: Visiting) -> None:
    """A question that is markup is shown as it was asked, wherever it is shown."""
    hostile = "<img src=x onerror=alert(1)> & <b>bold</b>"
    page = visiting().open()
    page.get_by_label("Your question").fill(hostile)
    page.keyboard.press("Enter")
    expect_status(page, "completed")
    expect(page.locator(".task-item[class] a[aria-current] .task-item-title")).to_have_text(hostile)
    expect(page.locator("main img, aside img, main b")).to_have_count(0)


def test_a_title_shows_something(visiting: Visiting) -> None:
    """Characters that show nothing, or a box, are no title."""
    titles = ["\0\x01", "\u200b", "a\x07b", "x\u200dy", ""]
    shown = (
        visiting()
        .open()
        .evaluate(
            "async (titles) => {"
            "  const { titleOf } = await import('/static/js/i18n/words.js');"
            "  return titles.map(title => titleOf({ title, kind: 'demo' }));"
            "}",
            titles,
        )
    )
    assert shown == ["Untitled", "Untitled", "a b", "x\u200dy", "demo"]


def test_a_citation_leads_to_its_source(visiting: Visiting) -> None:
    """Within the page, where nothing is loaded anew, and on the report's own page; and back again."""
    visit = visiting()
    page = visit.open()
    page.get_by_label("Your question").fill(QUESTION)
    page.keyboard.press("Enter")
    expect_status(page, "completed")
    task = page.url
    for address in (task, f"{task.replace('/t/', '/api/tasks/')}/report.html"):
        page.goto(address)
        page.get_by_role("link", name="[1]", exact=True).first.click()
        source = page.get_by_role("listitem").filter(has_text=re.compile(r"^\[1\] ")).first
        expect(source).to_be_focused()
        expect(source).to_be_in_viewport(ratio=1)
        page.go_back()
        assert page.url == address
        expect(page.get_by_role("heading", level=1, name=QUESTION)).to_be_in_viewport()


def test_a_downloaded_report_needs_nothing_else(visiting: Visiting) -> None:
    """The link to it is on the task's page. It names no file of the server, and looks as it does there."""
    visit = visiting()
    page = visit.open(start_demo(visit.origin, events=3, seed=10))
    expect_status(page, "completed")
    with page.expect_download() as told:
        page.get_by_role("link", name="Web page").click()
    assert told.value.suggested_filename.endswith(".html")
    saved = told.value.path().read_text(encoding="utf-8")
    assert "/static/" not in saved
    alone = visit.context.new_page()
    alone.set_content(saved)
    expect(alone.get_by_role("main")).to_have_text(demo_text(3, 10))
    assert alone.evaluate("() => getComputedStyle(document.querySelector('main')).maxWidth") == "672px"


def test_the_report_and_the_documentation_are_pages_of_their_own(visiting: Visiting) -> None:
    """Under their own, stricter policies."""
    visit = visiting()
    address = start_demo(visit.origin, events=3, seed=15)
    expect_status(visit.open(address), "completed")
    page = visit.open(f"{address.replace('/t/', '/api/tasks/')}/report.html")
    expect(page.get_by_role("main")).to_have_text(demo_text(3, 15))
    page.goto(f"{visit.origin}/docs")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    assert page.evaluate("() => getComputedStyle(document.querySelector('main')).maxWidth") == "672px"


def test_examples_are_offered_only_where_they_can_be_answered(visiting: Visiting, tmp_path: Path) -> None:
    """They are about Holdfast, which somebody's own library says nothing of."""
    example = visiting().open().get_by_role("button", name="How does Holdfast resume a stream?")
    expect(example).to_be_visible()
    library = tmp_path / "library"
    library.mkdir()
    (library / "kelp.md").write_text("# Kelp\n\nA holdfast is how kelp holds on to rock.\n", encoding="utf-8")
    with quick_server(tmp_path) as own:
        visit = visiting(own.url)
        with visit.context.expect_event("response", lambda answer: answer.url.endswith("/api/kinds")):
            page = visit.open()
        expect(page.get_by_label("Your question")).to_be_focused()
        expect(page.locator(".examples")).to_be_hidden()
        visit.close()


def test_a_phone_sees_no_sideways_scrolling(visiting: Visiting, server: ServerProcess) -> None:
    """Neither while asking nor while reading, whatever stands in the report."""
    visit = visiting(viewport={"width": 360, "height": 740})
    for path in ("/", start_demo(server.url, events=30, seed=8)):
        page = visit.open(path)
        expect(page.get_by_role("main")).to_be_visible()
        if path != "/":
            expect_status(page, "completed")
            expect_report(page, demo_text(30, 8))
        assert page.evaluate("() => document.documentElement.scrollWidth") == 360
