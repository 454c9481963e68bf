"""A real browser on this server's own pages, and what it complained of while it was there."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, expect, sync_playwright

from server.sources.browser import find_browser
from tests.serving import ServerProcess, server_process

SWITCHES = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
WAIT_MS = 15_000


@contextmanager
def browsing() -> Iterator[Browser]:
    """The machine's browser, headless. Skips the test where there is none."""
    found = find_browser()
    if found.browser is None:
        pytest.skip(f"no browser was found on this machine. {' '.join(found.problems)}")
    expect.set_options(timeout=WAIT_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found.browser.path, args=list(SWITCHES))
        try:
            yield browser
        finally:
            browser.close()


class Visit:
    """One person's browser: its pages share what is stored, and all that goes wrong on them is kept."""

    def __init__(self, browser: Browser, origin: str, **options: Any) -> None:
        self.origin = origin
        self.errors: list[str] = []
        self.foreign: list[str] = []
        self.context: BrowserContext = browser.new_context(**{"locale": "en-US", "color_scheme": "dark", **options})
        self.context.set_default_timeout(WAIT_MS)
        self.context.on("console", self._hear)
        self.context.on("weberror", lambda error: self.errors.append(str(error.error)))
        self.context.on("request", self._see)

    def open(self, path: str = "/") -> Page:
        page = self.context.new_page()
        page.goto(self.origin + path)
        return page

    def close(self) -> None:
        self.context.close()

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.errors.append(message.text)

    def _see(self, request: Request) -> None:
        if not request.url.startswith((f"{self.origin}/", "data:")):
            self.foreign.append(request.url)


Visiting = Callable[..., Visit]
"""Opens a browser of its own: see the fixture `visiting`."""


def quick_server(folder: Path, port: int = 0, **environment: str) -> AbstractContextManager[ServerProcess]:
    """A server that notices soon when it has to take a task over."""
    return server_process(folder, port=port, HEARTBEAT_SECONDS="0.2", SCAN_SECONDS="0.1", **environment)
