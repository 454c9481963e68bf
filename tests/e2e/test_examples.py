"""What a form offers to begin with."""

import httpx2
import pytest
from playwright.sync_api import Page, expect

from tests.e2e.browsing import Visiting
from tests.e2e.test_page import TASK_ADDRESS

pytestmark = pytest.mark.browser

BUSY_MS = 60_000
"""How long the work of an example may take where others are at work too."""

LEFT_RUNNING = "demo"
"""Its example takes a minute, to be watched."""


def choose(page: Page, kind: str) -> None:
    page.locator(f".kinds [value={kind}]").focus()
    page.keyboard.press("Space")


@pytest.mark.parametrize("locale", ["zh-CN", "en-US"])
def test_an_example_fills_the_form_and_can_be_asked_as_it_stands(visiting: Visiting, locale: str) -> None:
    """Each one of each kind but research, whose questions are asked at once; what comes of it has no failed item."""
    visit = visiting(locale=locale)
    page = visit.open()
    expect(page.locator(".abilities li").first).to_be_visible()
    expect(page.locator(".kinds input").nth(5)).to_be_attached()
    radios = page.locator(".kinds input").all()
    kinds = [str(radio.get_attribute("value")) for radio in radios]
    for kind in kinds[1:]:
        choose(page, kind)
        expect(page.locator(".examples button").first).to_be_visible()
        number = page.locator(".examples button").count()
        assert number >= (1 if kind == LEFT_RUNNING else 2), kind
        for index in range(number):
            choose(page, kind)
            page.locator(".examples button").nth(index).click()
            expect(page.locator(".ask-form [type=submit]")).to_be_focused()
            page.keyboard.press("Enter")
            page.wait_for_url(TASK_ADDRESS)
            then = "running" if kind == LEFT_RUNNING else "completed"
            expect(page.locator(".task-line .status")).to_have_attribute("data-status", then, timeout=BUSY_MS)
            told = httpx2.get(page.url.replace("/t/", "/api/tasks/")).json()
            assert told["kind"] == kind
            assert told["progress"]["failed"] == told["progress"]["skipped"] == 0, page.url
            page.goto(visit.origin)
            expect(page.locator(".examples button").first).to_be_visible()
    visit.close()
