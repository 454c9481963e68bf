"""Chinese and English say the same: nobody meets the other language on a page, but in names and in what was written."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.browsing import Visiting, quick_server
from tests.serving import ServerProcess

pytestmark = pytest.mark.browser

NAMES = (
    "Holdfast English Chromium Chrome DevTools JSON Markdown Word Excel CSV PDF DOCX HTML TXT ZIP HTTP UTC Enter Shift "
    "Tab FreeMind Gherkin curl Python"
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
        if (element.closest('[lang]:not(html), code, noscript')) continue
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
    kinds = [str(radio.get_attribute("value")) for radio in page.locator(".kinds input").all()]
    assert len(kinds) >= 6
    for kind in kinds:
        page.locator(f".kinds [value={kind}]").focus()
        page.keyboard.press("Space")
        while page.evaluate(UNFOLD):
            pass
        assert foreign(page, language) == [], kind
