"""A list of which each element is one of several, as the steps of a page are."""

import httpx2
import pytest
from playwright.sync_api import Page, expect

from tests.e2e.browsing import Visiting
from tests.e2e.test_page import TASK_ADDRESS

pytestmark = pytest.mark.browser


def opened(page: Page, path: str) -> None:
    """With all that is folded away inside the page's first element."""
    page.locator(f".kinds [value={path}]").focus()
    page.keyboard.press("Space")
    page.locator("[data-path='tasks'] .group > summary").first.click()


def test_steps_are_put_together_from_words_and_asked_for_as_they_are_named(visiting: Visiting) -> None:
    """Another action has other fields; what stands in the other steps stays, also when the form is filled in anew."""
    visit = visiting(locale="zh-CN")
    page = visit.open()
    expect(page.locator(".abilities li").first).to_be_visible()
    expect(page.locator(".kinds input").nth(5)).to_be_attached()
    opened(page, "browse")
    page.locator("[data-path='tasks.0.url'] input").fill(f"{visit.origin}/")
    steps = page.locator("[data-path='tasks.0.steps']")
    add = steps.locator(":scope > .button")
    add.click()
    steps.get_by_label("动作").first.select_option("按标签填写")
    expect(steps.get_by_label("动作").first).to_be_focused()
    steps.get_by_label("标签").fill("Your question")
    steps.get_by_label("值", exact=True).fill("鲸鱼")
    add.click()
    steps.get_by_label("动作").nth(1).select_option("等待元素")
    steps.get_by_label("选择器").fill('[name="q"]\n["main", "#query"]')
    expect(steps.get_by_label("标签")).to_have_value("Your question")
    page.get_by_role("button", name="提问", exact=True).click()
    page.wait_for_url(TASK_ADDRESS)
    told = httpx2.get(page.url.replace("/t/", "/api/tasks/")).json()["params"]["tasks"][0]
    assert [(step["type"], step.get("selectors"), step.get("label")) for step in told["steps"]] == [
        ("fill", None, "Your question"),
        ("waitForElement", ['[name="q"]', ["main", "#query"]], None),
    ]

    page.get_by_role("button", name="换个方式再问").click()
    again = page.locator("[data-path='tasks.0.steps']")
    expect(again.get_by_label("动作").first).to_have_value("fill")
    expect(again.get_by_label("选择器")).to_have_value('[name="q"]\n["main","#query"]')


def test_yes_and_no_can_be_told_from_nothing_said(visiting: Visiting) -> None:
    """A yes or no that may be left out is chosen out of three."""
    visit = visiting()
    page = visit.open()
    expect(page.locator(".abilities li").first).to_be_visible()
    expect(page.locator(".kinds input").nth(5)).to_be_attached()
    opened(page, "browse")
    page.locator("[data-path='tasks.0.url'] input").fill(f"{visit.origin}/docs/web.md")
    field = page.get_by_label("Has side effects")
    expect(field.locator("option:checked")).to_have_text("As the server sees fit")
    for choice, sent in (("No", False), ("Yes", True)):
        field.select_option(choice)
        page.get_by_role("button", name="Ask", exact=True).click()
        page.wait_for_url(TASK_ADDRESS)
        told = httpx2.get(page.url.replace("/t/", "/api/tasks/")).json()["params"]["tasks"][0]
        assert told["side_effects"] is sent
        page.get_by_role("button", name="Ask in another way").click()
        expect(field).to_be_visible()
        expect(field).to_have_value(str(sent).lower())
