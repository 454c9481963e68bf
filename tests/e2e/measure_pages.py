"""What the pages of many tasks take in a real browser: `python -m tests.e2e.measure_pages`.

Ten thousand tasks in the memory of one server, on the machine as it is: how long until all are there, the longest tasks
while scrolling, the heap, and what each page loads.
"""

import sys
import tempfile
import threading
import time
from pathlib import Path
from statistics import quantiles

import anyio
from playwright.sync_api import Browser, CDPSession, Page, expect

from tests.e2e.browsing import Visit, browsing
from tests.e2e.test_manager import ATTEMPTS, MANY, SCROLLS, scrolled, stored
from tests.serving import Running, serving, settings

PAGES = ("/", "/tasks", "/ops", "/s/123e4567-e89b-42d3-a456-426614174000")


def main() -> None:
    made = []
    maker = threading.Thread(target=lambda: made.append(anyio.run(stored, MANY)))
    maker.start()
    maker.join()
    with (
        tempfile.TemporaryDirectory() as folder,
        browsing() as browser,
        serving(settings(Path(folder)), store=made[0]) as server,
    ):
        for path in PAGES:
            tell(f"{path}: scripts and styles", f"{weight(browser, server, path) / 1024:.0f} KiB")
        visit = Visit(browser, server.url)
        started = time.monotonic()
        page = visit.open("/tasks")
        expect(page.locator(".row").first).to_be_visible()
        tell("first rows seen", f"{time.monotonic() - started:.2f} s")
        expect(page.locator(".manager-count")).to_have_text("Tasks: 10,000.", timeout=60_000)
        tell("all rows there", f"{time.monotonic() - started:.2f} s")
        debugger = visit.context.new_cdp_session(page)
        debugger.send("Performance.enable", {"timeDomain": "threadTicks"})
        for _ in range(ATTEMPTS):
            before = busy(debugger)
            scrolled(page)
            tell("tasks over 50 ms while scrolling", long_tasks(page))
            tell("of the page's processor for each screen", f"{1000 * (busy(debugger) - before) / SCROLLS:.0f} ms")
        tell("JS heap", f"{page.evaluate('() => performance.memory.usedJSHeapSize') / 2**20:.0f} MiB")
        visit.close()


def busy(debugger: CDPSession) -> float:
    """Seconds for which the page's own thread has had a processor."""
    told = debugger.send("Performance.getMetrics")["metrics"]
    return next(float(each["value"]) for each in told if each["name"] == "TaskDuration")


def long_tasks(page: Page) -> str:
    found = sorted(page.evaluate("() => long.slice(1)"))
    if not found:
        return "none"
    middle = quantiles(found, n=2)[0] if len(found) > 1 else found[0]
    return f"{len(found)}, the middle one {middle:.0f} ms, the longest {found[-1]:.0f} ms"


def weight(browser: Browser, server: Running, path: str) -> int:
    """Bytes of the scripts and styles that an address loads, uncompressed."""
    visit = Visit(browser, server.url)
    sizes: list[int] = []
    visit.context.on(
        "response", lambda told: sizes.append(len(told.body())) if told.url.endswith((".js", ".css")) else None
    )
    page = visit.open(path)
    page.wait_for_load_state("networkidle")
    visit.close()
    return sum(sizes)


def tell(what: str, value: str) -> None:
    sys.stdout.write(f"{what}: {value}\n")


if __name__ == "__main__":
    main()
