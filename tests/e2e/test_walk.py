"""The whole way through the page, kind by kind, as somebody goes it: asked, left, found, shared, taken home."""

import csv
import io
import json
import re
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path
from shutil import copytree
from typing import Any

import docx
import httpx2
import openpyxl
import pypdf
import pytest
from lxml import etree
from playwright.sync_api import Route, expect

from server.llm.scripted import Rule
from tests.e2e.browsing import Visiting, quick_server
from tests.e2e.test_page import REFUSED, status, wait_for_writing
from tests.e2e.walking import DROP, LOCALES, Walker
from tests.reading import parse, report_of
from tests.serving import serving, wait_until
from tests.workflows.researcher import serving_researcher
from tests.workflows.test_research_model_served import DATA as LIBRARY
from tests.workflows.test_research_model_served import with_model

pytestmark = pytest.mark.browser

each_kind = pytest.mark.parametrize(
    ("kind", "language"),
    [("research", "zh"), ("browse", "en"), ("extract", "zh"), ("testcases", "en"), ("novel", "zh"), ("demo", "en")],
)
"""Each in one language, as what differs between them is words, and every form's words are read by other tests."""

QUESTIONS = {"en": "How is a stream resumed?", "zh": "任务怎样恢复？"}
TEXTS = {
    "en": "We met Dr Smith on 3 May 2024 and paid $1,200.",
    "zh": "2024年5月15日下午3点在人民医院复诊，挂号费50元。",
}
REQUIREMENTS = {
    "en": "# Registration\n\nThe age is between 18 and 65. The name has 2 to 20 characters.\n",
    "zh": "# 注册\n\n年龄必须在18到65之间。用户名长度为2到20个字符。\n",
}


def ask_research(walker: Walker) -> None:
    walker.box().fill(QUESTIONS[walker.language])
    walker.unfold()
    walker.field("research", "breadth").fill("2")
    walker.field("research", "depth").fill("1")


def ask_browse(walker: Walker) -> None:
    walker.field("browse", "tasks.0.title").fill(QUESTIONS[walker.language])
    walker.field("browse", "tasks.0.url").fill(f"{walker.visit.origin}/docs/index.md")
    walker.button("form.add").first.click()
    walker.page.keyboard.type("second")
    walker.field("browse", "tasks.1.url").fill(f"{walker.visit.origin}/docs/none.md")
    walker.unfold()
    walker.field("browse", "parallelism").fill("2")


def ask_extract(walker: Walker) -> None:
    users = [{"user_id": name, "texts": [{"text": TEXTS[walker.language]}]} for name in ("a", "b")]
    walker.drop(walker.page.locator("label.drop"), "users.jsonl", "", "\n".join(map(json.dumps, users)))
    walker.unfold()
    walker.field("extract", "min_confidence").fill("0.1")
    walker.field("extract", "lexicon").fill('{"visit": ["met", "复诊"]}')


def ask_testcases(walker: Walker) -> None:
    """Let go on the text, where most people let go."""
    walker.drop(walker.box(), "需求.md", "text/markdown", REQUIREMENTS[walker.language])
    walker.unfold()
    walker.field("testcases", "strength").select_option("3")
    walker.field("testcases", "max_cases").fill("60")


def ask_novel(walker: Walker) -> None:
    walker.field("novel", "novel.title").fill({"en": "The Long Night", "zh": "长夜"}[walker.language])
    walker.field("novel", "novel.synopsis").fill(
        {"en": "A keeper and a storm.", "zh": "守塔人与风暴。"}[walker.language]
    )
    walker.field("novel", "novel.chapters").fill("6")


def ask_demo(walker: Walker) -> None:
    walker.unfold()
    for name, value in {"events": "30", "items": "3", "seed": str(len(walker.language + walker.visit.origin))}.items():
        walker.field("demo", name).fill(value)


FORMS: dict[str, Callable[[Walker], None]] = {
    "research": ask_research,
    "browse": ask_browse,
    "extract": ask_extract,
    "testcases": ask_testcases,
    "novel": ask_novel,
    "demo": ask_demo,
}


def walking(visiting: Visiting, language: str, origin: str | None = None, path: str = "/", **options: Any) -> Walker:
    return Walker(visiting(origin, locale=LOCALES[language], **options), language, path)


@each_kind
def test_each_kind_is_asked_by_its_form_and_stays_as_it_is(visiting: Visiting, kind: str, language: str) -> None:
    """Watched to its end, left for the list, found there, loaded anew: the same, whole and once."""
    walker = walking(visiting, language)
    walker.choose(kind)
    FORMS[kind](walker)
    address = walker.ask()
    walker.expect_status("completed")
    shown = walker.expect_whole_report(address)
    assert shown["report"]
    assert shown["counts"]["items"] == {"browse": 2, "extract": 2, "demo": 3}.get(kind, shown["counts"]["items"])

    walker.page.get_by_role("link", name=walker.word("tasks.title"), exact=True).click()
    walker.page.locator(f".row a[href='{address}']").click()
    walker.expect_shown(shown)
    walker.page.reload()
    walker.expect_shown(shown)


def test_the_report_of_a_task_that_ends_before_it_is_followed_is_whole(visiting: Visiting) -> None:
    """What was asked for when the task had just begun is not what stays."""
    walker = walking(visiting, "en")
    held: list[Route] = []
    walker.page.route("**/api/tasks/*", lambda route: held.append(route))
    walker.page.route("**/api/events", lambda _: None)
    walker.page.goto(walker.visit.origin)
    walker.choose("demo")
    ask_demo(walker)
    walker.field("demo", "seed").fill("78")
    walker.page.route("**/output.html*", lambda route: route.fulfill(body=""), times=1)
    with walker.page.expect_response("**/output.html*"):
        address = walker.ask()
    wait_until(lambda: status(walker.visit, address) == "completed")
    held[0].continue_()
    walker.expect_status("completed")
    walker.expect_whole_report(address)


def begun(origin: str, kind: str) -> str:
    """A task of this kind that has completed; the address of its page."""
    upload = httpx2.post(f"{origin}/api/uploads?name=r.md", content=REQUIREMENTS["zh"].encode()).json()["id"]
    params: dict[str, Any] = {
        "research": {"query": 'Don\'t stop: how is a "stream" resumed in $HOME?', "depth": 1, "breadth": 2},
        "browse": {"tasks": [{"url": f"{origin}/docs/index.md"}]},
        "extract": {"users": [{"user_id": "阿飞", "texts": [{"text": text} for text in TEXTS.values()]}]},
        "testcases": {"upload": upload},
        "novel": {"novel": {"title": "The Keeper's Night", "chapters": 3}},
        "demo": {"events": 20, "items": 2, "size": 20, "seed": 77},
    }
    made = httpx2.post(f"{origin}/api/tasks", json={"kind": kind, "params": params[kind]}).raise_for_status().json()
    task = f"{origin}/api/tasks/{made['id']}"
    wait_until(lambda: httpx2.get(task).json()["status"] == "completed")
    return f"/t/{made['id']}"


@pytest.mark.parametrize("kind", FORMS)
def test_the_copied_command_and_the_copied_link_lead_to_the_same_task(visiting: Visiting, kind: str) -> None:
    """The one in a shell as it stands, the other in somebody else's browser."""
    walker = walking(visiting, "zh", permissions=["clipboard-read", "clipboard-write"])
    address = begun(walker.visit.origin, kind)
    walker.page.goto(walker.visit.origin + address)
    walker.expect_status("completed")
    shown = walker.expect_whole_report(address)

    command = walker.copied("share.curl")
    got = subprocess.run(["bash", "-c", command], capture_output=True, timeout=60, check=True)
    seen = parse(got.stdout)
    assert (seen[0].event, seen[0].data["id"], seen[0].data["reused"]) == ("task", address.removeprefix("/t/"), True)
    assert seen[-1].data == {"status": "completed"}
    output = httpx2.get(f"{walker.visit.origin}{address.replace('/t/', '/api/tasks/')}/output").text
    assert "".join(report_of(seen).values()) == output

    wait_until(lambda: walker.button("share.link").count() == 1)
    link = walker.copied("share.link")
    assert link == walker.visit.origin + address
    other = walking(visiting, "zh", path=address)
    other.expect_shown(shown)


def as_zip(content: bytes) -> list[str]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        return archive.namelist()


def as_rows(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))


OPENED: dict[str, Callable[[bytes], Any]] = {
    "md": lambda content: content.decode().strip(),
    "html": lambda content: etree.HTML(content).findtext(".//body//h1") or etree.HTML(content).findtext(".//title"),
    "pdf": lambda content: pypdf.PdfReader(io.BytesIO(content)).pages[0].extract_text().strip(),
    "docx": lambda content: docx.Document(io.BytesIO(content)).paragraphs,
    "json": json.loads,
    "zip": as_zip,
    "jsonl": lambda content: [json.loads(line) for line in content.splitlines()],
    "csv": as_rows,
    "xlsx": lambda content: openpyxl.load_workbook(io.BytesIO(content)).worksheets[0].max_row > 1,
    "ics": lambda content: re.fullmatch(r"BEGIN:VCALENDAR\r\n.*END:VCALENDAR\r\n", content.decode(), re.DOTALL),
    "txt": lambda content: content.decode() is not None,
    "mm": lambda content: etree.fromstring(content).tag == "map",
    "xmind": lambda content: "content.json" in as_zip(content),
    "feature": lambda content: re.search(r"^(Feature|功能)[:：]", content.decode(), re.MULTILINE),
}
"""By the last part of a file's name: what is found in it when it is opened, which is never nothing."""


@pytest.mark.parametrize("kind", FORMS)
def test_each_format_that_is_offered_is_downloaded_and_can_be_opened(visiting: Visiting, kind: str) -> None:
    """Under the task's name and its own ending."""
    walker = walking(visiting, "en")
    walker.page.goto(walker.visit.origin + begun(walker.visit.origin, kind))
    walker.expect_status("completed")
    endings = walker.kinds[kind]["formats"]
    if kind == "novel":  # an outline is no book
        endings = [ending for ending in endings if ending not in ("epub", "txt")]
    links = walker.page.locator(".task-links a")
    expect(links).to_have_count(len(endings))
    for link, ending in zip(links.all(), endings, strict=True):
        with walker.page.expect_download() as told:
            link.click()
        assert told.value.failure() is None
        assert told.value.suggested_filename.endswith(f".{ending}")
        assert OPENED[ending.rpartition(".")[2]](told.value.path().read_bytes()), ending


def test_a_task_without_a_result_offers_what_can_be_had_of_it(visiting: Visiting) -> None:
    """And no format that is made of a result."""
    walker = walking(visiting, "zh")
    unreadable = httpx2.post(f"{walker.visit.origin}/api/uploads?name=x.jsonl", content=b"{}\n").json()["id"]
    body = {"kind": "extract", "params": {"upload": unreadable}}
    task = httpx2.post(f"{walker.visit.origin}/api/tasks", json=body).raise_for_status().json()["id"]
    walker.page.goto(f"{walker.visit.origin}/t/{task}")
    walker.expect_status("failed")
    links = walker.page.locator(".task-links a")
    expect(links).to_have_count(6)
    for link in links.all():
        with walker.page.expect_download() as told:
            link.click()
        assert told.value.failure() is None


WRONG: dict[str, dict[str, str | None]] = {
    "research": {"query": None, "depth": "99", "sources.urls": "ftp://example.org/"},
    "browse": {"tasks.0.url": None, "parallelism": "9", "tasks.0.fill": "{"},
    "extract": {"min_confidence": "2", "lexicon": "{", "timezone": "Mars"},
    "testcases": {"text": None, "max_cases": "0"},
    "novel": {"novel.title": None, "context_tokens": "1", "range": "x"},
    "demo": {"events": "-1", "steps": "1.5"},
}
"""Fields of each kind with what is refused in them; None: left empty, which is what is wrong."""


@each_kind
def test_what_is_wrong_is_said_at_its_field_and_nothing_is_lost(visiting: Visiting, kind: str, language: str) -> None:
    """In the page's language, with the focus there; put right, it is asked for."""
    walker = walking(visiting, language, excused=REFUSED)
    walker.choose(kind)
    FORMS[kind](walker)
    if kind == "testcases":
        walker.button("upload.remove").click()
        walker.box().fill(REQUIREMENTS[language])
    walker.unfold()
    for path, wrong in WRONG[kind].items():
        field = walker.box() if path in ("query", "text") else walker.field(kind, path)
        before = field.input_value()
        field.fill(wrong or "")
        walker.button("ask.submit").click()
        walker.expect_refused(field, "query" if path == "text" else path)
        expect(field).to_have_value(wrong or "")
        field.fill(before)
        expect(walker.page.locator(".field-error:visible")).to_have_count(0)
    walker.ask()


def test_what_is_filled_in_stays_through_other_kinds_the_other_language_and_a_reload(visiting: Visiting) -> None:
    """Also what is no value yet, and a file; and a file that is not wanted any more can be taken away."""
    walker = walking(visiting, "zh")
    walker.choose("testcases")
    ask_testcases(walker)
    walker.field("testcases", "title").fill("T")
    walker.choose("extract")
    ask_extract(walker)
    walker.field("extract", "lexicon").fill('{"visit": ')
    walker.choose("testcases")
    expect(walker.field("testcases", "strength")).to_have_value("3")
    expect(walker.page.locator(".drop-state")).to_contain_text("需求.md")
    walker.choose("extract")
    walker.page.locator("#language").click()
    walker.language = "en"
    expect(walker.field("extract", "lexicon")).to_have_value('{"visit": ')
    expect(walker.page.locator(".drop-state")).to_contain_text("users.jsonl")
    walker.page.reload()
    expect(walker.field("extract", "lexicon")).to_have_value('{"visit": ')
    expect(walker.field("extract", "min_confidence")).to_have_value("0.1")
    expect(walker.page.locator(".drop-state")).to_contain_text("users.jsonl")
    walker.button("upload.remove").click()
    expect(walker.page.locator(".drop-state")).to_have_text("")


def test_a_file_that_is_not_taken_is_said_and_not_passed_over(visiting: Visiting) -> None:
    """What was chosen last counts; the task does not begin without it."""
    walker = walking(visiting, "zh", excused=REFUSED)
    walker.choose("testcases")
    walker.box().fill(REQUIREMENTS["zh"])
    walker.page.route("**/api/uploads*", lambda route: route.abort(), times=1)
    walker.page.locator("label.drop").evaluate(DROP, ["a.md", "text/markdown", "x"])
    expect(walker.page.locator(".drop-state")).to_contain_text("a.md 未能上传")
    walker.button("ask.submit").click()
    expect(walker.page.locator("[data-path=upload] .field-error")).to_contain_text("a.md 未能上传")
    expect(walker.box()).to_have_value(REQUIREMENTS["zh"])
    walker.button("upload.remove").click()
    walker.ask()


def test_json_mode_ends_with_its_kind(visiting: Visiting) -> None:
    """And a task that is asked again in another way shows the kind that it is of."""
    walker = walking(visiting, "zh")
    walker.page.get_by_text(walker.word("ask.options"), exact=True).click()
    walker.button("form.asJson").click()
    walker.choose("testcases")
    expect(walker.box()).to_be_visible()
    expect(walker.page.get_by_label(walker.word("form.json"))).to_have_count(0)
    walker.choose("research")
    expect(walker.page.get_by_label(walker.word("form.json"))).to_be_visible()
    walker.page.goto(walker.visit.origin + begun(walker.visit.origin, "demo"))
    walker.button("share.edit").click()
    expect(walker.page.get_by_role("radio", name="演示")).to_be_checked()
    expect(walker.field("demo", "seed")).to_have_value("77")


def test_a_running_task_is_told_something_in_chinese(visiting: Visiting, tmp_path: Path) -> None:
    """And says that it was heard; the report takes it up."""
    copytree(LIBRARY, tmp_path / "library")
    with serving_researcher() as served, serving(with_model(served, tmp_path)) as server:
        served.slow = {"learn": Rule(piece=8, pause=0.05, reasoning="Which of them says it best?")}
        walker = walking(visiting, "zh", server.url)
        walker.box().fill("How do I descale a kettle?")
        address = walker.ask()
        walker.page.get_by_label("问题：另外研究这个问题。").or_(
            walker.page.get_by_label(re.compile("^问题"))
        ).first.fill("醋有什么用？")
        walker.button("steer.send").click()
        expect(walker.page.get_by_text(walker.word("steer.heard"))).to_be_visible()
        walker.page.get_by_role("button", name="现在写").click()
        served.slow = {}
        walker.expect_status("completed")
        walker.expect_whole_report(address)
        walker.visit.close()


def test_a_task_is_paused_resumed_stopped_retried_run_again_and_deleted(visiting: Visiting) -> None:
    """By the words on its buttons; the list and the page of all tasks go along."""
    walker = walking(visiting, "zh")
    walker.choose("demo")
    walker.unfold()
    for name, value in {"events": "900", "rate": "60", "steps": "90", "size": "20", "seed": "5"}.items():
        walker.field("demo", name).fill(value)
    address = walker.ask()
    wait_for_writing(walker.page, 100)
    for action, then in (("pause", "paused"), ("resume", "running"), ("stop", "stopped"), ("retry", "running")):
        walker.do(action)
        walker.expect_status(then)
        item = walker.page.locator(f".task-item:has(a[href='{address}'])")
        expect(item.locator(".status-word")).to_have_text(walker.word(f"status.{then}"))
    walker.do("stop")
    walker.expect_status("stopped")
    walker.expect_whole_report(address)
    walker.do("rerun")
    walker.expect_status("running")
    walker.do("stop")
    walker.expect_status("stopped")
    walker.do("delete")
    dialog = walker.page.get_by_role("dialog", name=walker.word("delete.title"))
    dialog.get_by_role("button", name=walker.word("confirm.cancel")).click()
    walker.expect_status("stopped")
    walker.do("delete")
    dialog.get_by_role("button", name=walker.word("action.delete")).click()
    expect(walker.page.locator("#ask-title")).to_be_visible()
    assert httpx2.get(f"{walker.visit.origin}{address.replace('/t/', '/api/tasks/')}").status_code == 404


def test_a_task_is_asked_and_stopped_by_the_keyboard_alone(visiting: Visiting) -> None:
    """From the first press of Tab on a Chinese page."""
    walker = walking(visiting, "zh")
    page = walker.page
    expect(page.get_by_role("radio", name="演示")).to_be_visible()
    expect(walker.box()).to_be_focused()
    page.keyboard.press("Shift+Tab")
    expect(page.get_by_role("radio", name="研究")).to_be_focused()
    while not page.get_by_role("radio", name="演示").is_checked():
        page.keyboard.press("ArrowRight")
    walker.tab_to(page.locator(".options > summary"))
    page.keyboard.press("Enter")
    for name, value in {"events": "3000", "rate": "50", "seed": "6"}.items():
        walker.tab_to(walker.field("demo", name))
        page.keyboard.type(value)
    page.keyboard.press("Enter")
    walker.expect_status("running")
    walker.tab_to(page.get_by_role("button", name="停止", exact=True))
    page.keyboard.press("Enter")
    walker.expect_status("stopped")


def test_a_server_that_goes_away_is_told_of_and_that_it_is_back(visiting: Visiting, tmp_path: Path) -> None:
    """And then the line goes; what is asked meanwhile is refused in words, and not lost."""
    with quick_server(tmp_path) as first:
        walker = walking(visiting, "zh", first.url, excused="")
        walker.box().fill("任务怎样恢复？")
        expect(walker.button("ask.submit")).to_be_visible()
        expect(walker.page.locator(".abilities li").first).to_be_visible()
        first.kill()
        line = walker.page.locator(".connection")
        expect(line).to_have_text(walker.word("link.lost"))
        walker.button("ask.submit").click()
        expect(walker.page.locator(".form-error")).to_have_text(walker.word("problem.unreachable"))
        expect(walker.button("ask.submit")).to_be_focused()
        expect(walker.box()).to_have_value("任务怎样恢复？")
    with quick_server(tmp_path, first.port):
        expect(line).to_have_text(walker.word("link.found"))
        expect(line).to_be_hidden()
        walker.ask()
        walker.expect_status("completed")
        walker.visit.close()
