"""One who walks through the page: finds things by the words that stand there, in the page's language."""

import re
from typing import Any

import httpx2
from playwright.sync_api import Locator, Page, expect

from tests.e2e.browsing import Visit
from tests.reading import read_stream
from tests.serving import wait_until

LOCALES = {"en": "en-US", "zh": "zh-CN"}
HAN = re.compile("[\u4e00-\u9fff]")
TASK_ADDRESS = re.compile(r"/t/[0-9a-f]{32}$")
SHOWN = """
() => ({
  title: document.querySelector(".task-title").textContent,
  report: document.querySelector(".report").innerHTML,
  counts: Object.fromEntries(["items", "files"].map((part) =>
    [part, Number(document.querySelector(`#part-${part} .count`).textContent)])),
})
"""
DROP = """
(element, [name, type, text]) => {
  const dataTransfer = new DataTransfer()
  dataTransfer.items.add(new File([text], name, { type }))
  for (const each of ["dragover", "drop"]) {
    element.dispatchEvent(new DragEvent(each, { bubbles: true, cancelable: true, dataTransfer }))
  }
}
"""


class Walker:
    """Somebody on the page of one server; what its kinds and fields are called is read from the server."""

    def __init__(self, visit: Visit, language: str, path: str = "/") -> None:
        self.visit, self.language = visit, language
        told = httpx2.get(f"{visit.origin}/api/kinds").raise_for_status().json()["kinds"]
        self.kinds: dict[str, Any] = {kind["kind"]: kind for kind in told}
        self.page: Page = visit.open(path)
        expect(self.page.locator("html")).to_have_attribute("lang", re.compile(f"^{language}"))

    def word(self, key: str, **values: Any) -> str:
        """What the page says there, in its language, as soon as it has these words."""
        wait_until(lambda: self._said(key, values) != key)
        return self._said(key, values)

    def _said(self, key: str, values: dict[str, Any]) -> str:
        told: str = self.page.evaluate(
            "async ([key, values]) => (await import('/static/js/i18n/i18n.js')).t(key, values)", [key, values]
        )
        return told

    def button(self, key: str) -> Locator:
        return self.page.get_by_role("button", name=self.word(key), exact=True)

    def choose(self, kind: str) -> None:
        label = self.kinds[kind]["label"][self.language]
        self.page.locator(".kinds").get_by_text(label, exact=True).click()
        expect(self.page.get_by_role("radio", name=label, exact=True)).to_be_checked()

    def unfold(self) -> None:
        """The options, and all that is folded within the form."""
        if not self.page.locator(".options[open]").count():
            self.page.get_by_text(self.word("ask.options"), exact=True).click()
        folds = self.page.locator(".ask-form .group:not([open]) > summary:visible")
        while folds.count():
            folds.first.click()

    def title(self, kind: str, path: str) -> str:
        """What a field is called; rows of a list are left out of its path."""
        root = schema = self.kinds[kind]["schema"]
        for name in path.split("."):
            schema = _plain(schema["properties"][name], root)
            found = {**schema, **(schema.get("zh", {}) if self.language == "zh" else {})}.get("title", name)
            schema = _plain(schema["items"], root) if "items" in schema else schema
        return str(found)

    def field(self, kind: str, path: str) -> Locator:
        """The control of a field that can be seen, by its label."""
        title = self.title(kind, re.sub(r"\.\d+(?=\.|$)", "", path))
        return self.page.locator(f"[data-path='{path}']").get_by_label(title, exact=True)

    def box(self) -> Locator:
        """The big one."""
        return self.page.locator("#query")

    def drop(self, onto: Locator, name: str, media_type: str, text: str) -> None:
        """A file that is let go there, as the browser tells of it."""
        onto.evaluate(DROP, [name, media_type, text])
        expect(self.page.locator(".drop-state")).to_contain_text(re.compile(rf"{re.escape(name)}[,，] ?\d"))

    def ask(self) -> str:
        """The address of the task that comes of it."""
        self.button("ask.submit").click()
        self.page.wait_for_url(TASK_ADDRESS)
        return self.page.url.removeprefix(self.visit.origin)

    def expect_status(self, status: str) -> None:
        badge = self.page.locator(".task-line .status")
        expect(badge).to_have_attribute("data-status", status)
        expect(badge).to_have_text(self.word(f"status.{status}"))

    def do(self, action: str) -> None:
        """Press the button of an action of the task that is shown."""
        actions = self.page.get_by_role("group", name=self.word("actions.label"))
        actions.get_by_role("button", name=self.word(f"action.{action}"), exact=True).click()

    def shown(self) -> dict[str, Any]:
        """All that stands on a task's page, except how long ago it was."""
        found: dict[str, Any] = self.page.evaluate(SHOWN)
        return found

    def expect_shown(self, before: dict[str, Any]) -> None:
        wait_until(lambda: self.shown() == before)

    def expect_whole_report(self, address: str) -> dict[str, Any]:
        """The report, and how many items and files there are, is what the server has, once. What is shown then."""
        task = f"{self.visit.origin}{address.replace('/t/', '/api/tasks/')}"
        told = [(each.event, each.data) for each in read_stream(f"{task}/events")]
        items = {data["key"] for event, data in told if event == "item"}
        files = {data["name"] for event, data in told if event == "artifact"}
        wait_until(lambda: self.shown()["counts"] == {"items": len(items), "files": len(files)})
        written = httpx2.get(f"{task}/output.html").text
        self.page.wait_for_function(
            "html => document.querySelector('.report').textContent"
            " === new DOMParser().parseFromString(html, 'text/html').body.textContent",
            arg=written,
        )
        return self.shown()

    def copied(self, key: str) -> str:
        """What a button copies."""
        self.button(key).click()
        expect(self.button("share.copied").first).to_be_visible()
        text: str = self.page.evaluate("() => navigator.clipboard.readText()")
        return text

    def expect_refused(self, field: Locator, path: str) -> None:
        """It is said at the field what is wrong, in the page's language, and the field has the focus."""
        line = self.page.locator(f"[data-path='{path}']").locator(".field-error:visible").last
        expect(line).to_have_text(HAN if self.language == "zh" else re.compile(r"^[^\u4e00-\u9fff]+$"))
        expect(field).to_be_focused()
        expect(field).to_have_attribute("aria-invalid", "true")
        assert "`" not in (line.text_content() or "")

    def tab_to(self, wanted: Locator, most: int = 80) -> None:
        """By the Tab key alone."""
        for _ in range(most):
            if wanted.evaluate("element => element === document.activeElement"):
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"{wanted} is not reached by {most} presses of Tab")


def _plain(schema: dict[str, Any], root: dict[str, Any]) -> dict[str, Any]:
    """Without references, and without the null that stands for "left out"."""
    if "$ref" in schema:
        own = {name: value for name, value in schema.items() if name != "$ref"}
        return _plain({**root["$defs"][schema["$ref"].rpartition("/")[2]], **own}, root)
    ways = [way for way in schema.get("anyOf", ()) if way.get("type") != "null"]
    if len(ways) == 1:
        return _plain({**ways[0], **{name: value for name, value in schema.items() if name != "anyOf"}}, root)
    return schema
