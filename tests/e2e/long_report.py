"""A report of many events, watched in a real browser: what the page costs while it is written, and when it is opened.

    python -m tests.e2e.long_report [EVENTS]

Figures: the longest task of the page's main thread (ms), the JavaScript heap at the start and at the end (MB, after a
collection), how long a reload takes to show everything (ms), and whether each event's text is there once.
"""

import re
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import httpx2
from playwright.sync_api import CDPSession, Page
from pydantic import Field

from server.workflows.base import Context, Params, Step, Workflow
from tests.e2e.browsing import Visit, browsing
from tests.serving import serving, settings

WORDS = "the log of a task is its truth and whoever reads it sees the same words in the same order".split()
EACH_PARAGRAPH, EACH_SECTION = 8, 200
STEPS = 40
PER_SECOND = 700
ALL_SHOWN_MS = 180_000
OBSERVE = """
globalThis.longest = 0
new PerformanceObserver((list) => {
  for (const { duration } of list.getEntries()) globalThis.longest = Math.max(globalThis.longest, duration)
}).observe({ type: "longtask", buffered: true })
"""


class LongParams(Params):
    """Parameters of `long`."""

    events: int = Field(1000, ge=1, le=100_000)


def text_of(index: int) -> str:
    """One event's text: a sentence with its number; every so often it begins a paragraph, or a section."""
    words = " ".join(WORDS[(index + k) % len(WORDS)] for k in range(12))
    head = "\n\n" if index % EACH_PARAGRAPH == 0 else ""
    if index % EACH_SECTION == 0:
        head = f"\n\n## Section {index // EACH_SECTION}\n\n"
    return f"{head}N{index:06d} {words}. "


async def run(context: Context, params: LongParams) -> Any:
    context.expect(params.events)
    began = anyio.current_time()
    for part in range(STEPS):
        events = range(params.events * part // STEPS, params.events * (part + 1) // STEPS)

        async def write(step: Step, events: range = events) -> int:
            for index in events:
                await anyio.sleep_until(began + index / PER_SECOND)
                await step.output("text", text_of(index))
            return len(events)

        await context.step(f"part:{part}", write, weight=len(events), label=f"Part {part + 1}")
    return {"events": params.events}


def long_workflow() -> Workflow:
    return Workflow(
        kind="long", version=1, params=LongParams, run=run, title=lambda _: "A long report", label={"en": "Long"}
    )


@dataclass(frozen=True)
class Figures:
    """Milliseconds and megabytes; ``missing`` and ``doubled`` count events."""

    longest_watching: float
    longest_opening: float
    opened_within: float
    heap_first: float
    heap_last: float
    missing: int
    doubled: int


def measure(visit: Visit, events: int) -> Figures:
    """Watches one report from its first word to its last, then opens it anew."""
    visit.context.add_init_script(OBSERVE)
    answer = httpx2.post(f"{visit.origin}/api/tasks", json={"kind": "long", "params": {"events": events}})
    page = visit.open(f"/t/{answer.raise_for_status().json()['id']}")
    page.set_default_timeout(ALL_SHOWN_MS)
    cdp = visit.context.new_cdp_session(page)
    page.locator(".report h2").first.wait_for()
    first = heap(cdp)
    wait_for_all(page, events)
    longest, last = longest_task(page), heap(cdp)
    numbers = [int(found) for found in re.findall(r"N(\d{6})", page.locator(".report").text_content() or "")]
    page.reload()
    wait_for_all(page, events)
    shown = float(page.evaluate("() => performance.now()"))
    unique = set(numbers)
    return Figures(longest, longest_task(page), shown, first, last, events - len(unique), len(numbers) - len(unique))


def wait_for_all(page: Page, events: int) -> None:
    page.wait_for_function(
        "last => document.querySelector('.report').lastElementChild?.textContent.includes(last)",
        arg=f"N{events - 1:06d}",
        timeout=ALL_SHOWN_MS,
        polling=250,
    )


def longest_task(page: Page) -> float:
    return float(page.evaluate("() => globalThis.longest"))


def heap(cdp: CDPSession) -> float:
    cdp.send("HeapProfiler.collectGarbage")
    cdp.send("Performance.enable")
    metrics = cdp.send("Performance.getMetrics")["metrics"]
    return round(float(next(each["value"] for each in metrics if each["name"] == "JSHeapUsedSize")) / 1e6, 2)


def main(arguments: list[str]) -> None:
    events = int(arguments[0]) if arguments else 20_000
    with (
        tempfile.TemporaryDirectory() as folder,
        browsing() as browser,
        serving(settings(Path(folder)), workflows=[long_workflow()]) as server,
    ):
        visit = Visit(browser, server.url)
        sys.stdout.write(f"{measure(visit, events)}\n")
        visit.close()


if __name__ == "__main__":
    main(sys.argv[1:])
