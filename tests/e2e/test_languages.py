"""Chinese and English say the same: nobody meets the other language on a page, but in names and in what was written."""

import re
from collections.abc import Iterator
from typing import Any

import httpx2
import orjson
import pytest
from playwright.sync_api import Page, expect

from tests.e2e.browsing import Visiting, quick_server
from tests.serving import ServerProcess

pytestmark = pytest.mark.browser

NAMES = (
    "Holdfast English Chromium Chrome DevTools JSON API Markdown Word Excel CSV PDF DOCX HTML TXT ZIP HTTP UTC "
    "Enter Shift Tab FreeMind Gherkin Webhook curl Python"
).split()
"""What bears its name in every language."""
SAMPLES = "https? main true false cookie token Asia/Shanghai Chapter".split()
"""What is written so wherever it is entered."""
LATIN = re.compile(r"[A-Za-z][A-Za-z_-]+")
HAN = re.compile(r"[㐀-鿿]+")
KNOWN = re.compile(rf"(?<![A-Za-z])(?:{'|'.join([*NAMES, *SAMPLES])})(?![A-Za-z])")
UNFOLD = """() => {
    for (const fold of document.querySelectorAll('#ask details')) fold.open = true
    for (const list of document.querySelectorAll('#ask .list')) {
        if (!list.querySelector(':scope > .rows > li')) list.querySelector(':scope > .button').click()
    }
    return document.querySelectorAll('#ask details:not([open])').length
}"""
TOLD = """() => {
    const told = []
    for (const element of document.body.querySelectorAll('*')) {
        if (!element.checkVisibility() && element.localName !== 'option') continue
        if (element.closest('[lang]:not(html), code, noscript, .report, .toc, .sources')) continue
        const own = [...element.childNodes].filter(node => node.nodeType === 3).map(node => node.data)
        const shown = element.localName === 'textarea' ? [] : own
        for (const text of [...shown, element.placeholder, element.ariaLabel, element.title]) {
            if (text && text.trim()) told.push(text.trim())
        }
    }
    return told
}"""


@pytest.fixture(scope="module")
def server(browser: object, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with quick_server(tmp_path_factory.mktemp("languages")) as process:
        yield process


def foreign(page: Page, language: str) -> list[str]:
    """What stands on the page in the other language."""
    told = dict.fromkeys(str(text) for text in page.evaluate(TOLD))
    if language == "zh":
        return [text for text in told if LATIN.search(KNOWN.sub("", text))]
    return [text for text in told if HAN.search(text.replace("中文", "").replace("第三章", ""))]


@pytest.mark.parametrize(("language", "locale"), [("zh", "zh-CN"), ("en", "en-US")])
def test_every_form_is_in_the_language_of_the_page(visiting: Visiting, language: str, locale: str) -> None:
    """With all that is folded away, all that can be chosen, and the first element of each list."""
    page = visiting(locale=locale).open()
    expect(page.locator(".abilities li").first).to_be_visible()
    expect(page.locator(".kinds input").nth(5)).to_be_attached()
    kinds = [str(radio.get_attribute("value")) for radio in page.locator(".kinds input").all()]
    assert len(kinds) >= 6
    for kind in kinds:
        page.locator(f".kinds [value={kind}]").focus()
        page.keyboard.press("Space")
        while page.evaluate(UNFOLD):
            pass
        assert foreign(page, language) == [], kind


WORK: dict[str, dict[str, Any]] = {
    "research": {"query": "任务怎样保存？"},
    "browse": {
        "tasks": [
            {"title": "首页", "url": "ORIGIN/", "captures": ["text", "screenshot"]},
            {"title": "没有的页", "url": "ORIGIN/docs/nothing"},
            {"title": "不在公网的地址", "url": "http://10.0.0.1/"},
            {"title": "要有模型", "url": "ORIGIN/", "goal": "找到标题"},
        ],
        "parallelism": 2,
    },
    "extract": {"users": [{"user_id": "小林", "texts": [{"text": "3月5日下午3点在人民医院复诊，挂号费50元。"}]}]},
    "testcases": {"title": "注册", "text": "用户名必填，长度为6到20个字符。"},
    "novel": {"novel": {"title": "夜邮", "synopsis": "信来了。", "chapters": 3}, "task_type": "outline"},
    "demo": {"events": 20, "items": 4},
}
WRITTEN = re.compile(
    r"https?://\S+|127\.0\.0\.1:\S+|[\w./-]+\.(?:png|txt|json|csv|md)\b|\d kB|\d MB|XMind|EPUB"
    r"|^[a-z]+(?:-\d+)?：(?=[\d,]+ 个字符)"
)
"""Addresses, files and sizes, and in the log the parts of a report."""


def told_of(page: Page, node: str) -> list[str]:
    """What the page of a finished task says in another language than Chinese, its report and its log's names aside."""
    expect(page.locator(".task-line .status")).to_have_attribute("data-status", "completed")
    expect(page.locator("#part-events")).to_be_visible()
    page.evaluate("() => document.querySelectorAll('#task details:not([hidden])').forEach(fold => (fold.open = true))")
    expect(page.locator("#part-events")).to_contain_text("运行中 · 开始")
    return [
        text for text in foreign(page, "zh") if LATIN.search(KNOWN.sub("", WRITTEN.sub("", text.replace(node, ""))))
    ]


def test_the_pages_of_tasks_and_lists_are_in_chinese(visiting: Visiting, server: ServerProcess) -> None:
    """Titles, steps, outcomes, reasons and downloads of each kind, and of what has failed."""
    addresses = {}
    for kind, params in WORK.items():
        body = orjson.dumps({"kind": kind, "params": params}).replace(b"ORIGIN", server.url.encode())
        task = httpx2.post(f"{server.url}/api/tasks", content=body, headers={"Content-Type": "application/json"})
        addresses[kind] = f"/t/{task.raise_for_status().json()['id']}"
    node = str(httpx2.get(f"{server.url}/api/stats").json()["node"]["id"])
    visit, left = visiting(locale="zh-CN"), {}
    for kind, address in addresses.items():
        page = visit.open(address)
        left[kind] = told_of(page, node)
        page.close()
    assert {kind: told for kind, told in left.items() if told} == {}
    page = visit.open("/tasks")
    expect(page.locator(".task-rows li")).to_have_count(len(WORK))
    expect(page.locator("[name=kind] option[value=research]")).to_have_text("研究")
    assert [text for text in foreign(page, "zh") if not re.search(r"n-[0-9a-f]{16}", text)] == []
    page.goto(f"{visit.origin}/ops")
    expect(page.locator(".ops-body")).to_be_visible()
    units = [re.sub("[KMGT]iB", "", text.replace(node, "")) for text in foreign(page, "zh")]
    assert [text for text in units if LATIN.search(KNOWN.sub("", text))] == []
