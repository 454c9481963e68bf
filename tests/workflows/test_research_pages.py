"""Research over pages of every sort at once, on real sockets and with a real browser."""

import time
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from anyio import fail_after

from server.sources.browser import find_browser
from server.sources.chromium.pool import Chromium
from server.sources.chromium.rendering import ChromiumRenderer
from server.sources.egress import Judge
from server.sources.fetch import Fetcher
from server.sources.guard import EgressGuard
from server.sources.library import Library
from server.workflows.rehearsal import RehearsalContext
from server.workflows.research.workflow import research_workflow
from tests.sources.pages import Serve, answer, never, page, serve_pages
from tests.workflows.researcher import LOOPBACK, QUERY, serving_researcher

BUDGET_SECONDS = 60
GOOD = {f"/good{n}": page(f"<p>A kettle is descaled with acid number {n} within an hour.</p>") for n in range(10)}
HANGING: dict[str, Serve] = {f"/hang{n}": never for n in range(5)}
FAILING = {
    "/fail0": answer(b"oops", status="500 Internal Server Error"),
    "/fail1": answer(b"gone", status="410 Gone"),
    "/fail2": answer(b"<p>", Content_Type="text/html", Content_Encoding="gzip"),
}
DRAWN = {
    f"/drawn{n}": page(
        f"""<div id="root"></div><script>document.getElementById('root').innerHTML =
        '<p>' + 'A kettle can be descaled with vinegar of the sort number {n}. '.repeat(6) + '</p>';</script>"""
    )
    for n in range(2)
}
CODES = {"/fail0": "http_500", "/fail1": "http_410", "/fail2": "bad_response"} | dict.fromkeys(HANGING, "timeout")


@pytest.fixture(scope="module")
async def renderer() -> AsyncIterator[ChromiumRenderer]:
    found = find_browser()
    if found.browser is None:
        pytest.skip(f"no browser was found on this machine. {' '.join(found.problems)}")
    path = found.browser.path
    pool = Chromium(lambda: path, EgressGuard(Judge(LOOPBACK)))
    async with pool.running():
        yield ChromiumRenderer(pool, draw_seconds=2.0)


@pytest.mark.browser
@pytest.mark.parametrize("engine", ["embedded", "llm"])
async def test_20_pages_of_which_5_hang_3_fail_and_2_need_a_browser(
    tmp_path: Path, renderer: ChromiumRenderer, engine: str
) -> None:
    """The run ends within its budget; each page is read or named with its reason, in the report and in its items."""
    async with serve_pages({**GOOD, **HANGING, **FAILING, **DRAWN}) as pages:
        urls = [pages.url(path) for path in sorted(pages.routes)]
        with serving_researcher() as served:
            fetcher = Fetcher(LOOPBACK, total_seconds=2.0, renderer=renderer)
            workflow = research_workflow(Library(tmp_path), fetcher, model=served.client())
            asked = {"query": QUERY, "engine": engine, "sources": {"urls": urls}, "budget": {"seconds": BUDGET_SECONDS}}
            context, started = RehearsalContext(), time.monotonic()
            with fail_after(2 * BUDGET_SECONDS):
                result: Any = await workflow.run(context, workflow.params.model_validate(asked))
            seconds = time.monotonic() - started
    assert seconds < BUDGET_SECONDS
    assert (result["engine"], result["status"]) == (engine, "partial")
    assert result["counts"]["pages_read"] == 12
    assert {one["url"]: one["code"] for one in result["failed_sources"]} == {
        pages.url(path): code for path, code in CODES.items()
    }
    items = [event.data for event in context.events if event.type == "item" and event.data["kind"] == "url"]
    outcomes = {item["url"]: item["outcome"] for item in items}
    assert set(outcomes) == set(urls)
    assert Counter(outcomes.values()) == {"completed": 12, "failed": 8}
    assert {item["url"] for item in items if item.get("rendered")} == {pages.url(path) for path in DRAWN}
    assert all(pages.url(path) in context.parts["gaps"] for path in CODES)
    assert result["evidence"]
    assert result["scores"]["quote_match_rate"] == 1.0
