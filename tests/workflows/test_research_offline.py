"""No key, no network: a real server whose search providers are all out of reach, each in its own way."""

import re
import shutil
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import anyio.to_thread
import httpx2

from server.sources.egress import Judge
from server.sources.fetch import Fetcher
from server.sources.providers.arxiv import Arxiv
from server.sources.providers.base import Provider
from server.sources.providers.brave import Brave
from server.sources.providers.client import ProviderClient
from server.sources.providers.crossref import Crossref
from server.sources.providers.openalex import OpenAlex
from server.sources.providers.pages import FoundPages
from server.sources.providers.post import Post
from server.sources.providers.roster import Providers
from server.sources.providers.searxng import Searxng
from server.sources.providers.tavily import Tavily
from server.sources.providers.wikipedia import Wikipedia
from tests.reading import parse
from tests.scripted import free_port
from tests.serving import Running, serving, settings
from tests.sources.pages import Serve, answer, never, page, serve_pages

DATA = Path(__file__).parent.parent / "data/library"
PROVIDER_SECONDS = 1.0
MOST_SECONDS = 30.0
"""Far above what it takes, which is told in docs/research.md, and far below what a hang would."""

OUT_OF_REACH = {
    "wikipedia": "unreachable",
    "openalex": "timeout",
    "arxiv": "unsupported_type",
    "crossref": "unknown_host",
    "searxng": "bad_response",
    "tavily": "denied",
    "brave": "http_503",
}


ANSWERS: dict[str, bytes | Serve] = {
    "openalex": never,
    "arxiv": page("<p>Welcome to our hotel. Accept the terms to go on.</p>"),
    "searxng": answer(status="302 Found", Location="http://portal.invalid/"),
    "tavily": answer(b"{}", status="401 Unauthorized", Content_Type="application/json"),
    "brave": answer(b"{}", status="503 Service Unavailable", Content_Type="application/json"),
}


@asynccontextmanager
async def out_of_reach() -> AsyncIterator[Providers]:
    """Nobody listens; silence; a portal's page or its redirect; no such name; a wrong key; a service that is down."""
    client = ProviderClient(Judge(("127.0.0.1",)), total_seconds=PROVIDER_SECONDS)
    async with AsyncExitStack() as stack:
        site = {
            name: (await stack.enter_async_context(serve_pages({}, otherwise=served))).url("")
            for name, served in ANSWERS.items()
        }
        providers: list[Provider] = [
            Wikipedia(client, f"http://127.0.0.1:{free_port()}"),
            OpenAlex(client, None, site["openalex"]),
            Arxiv(client, site["arxiv"]),
            Crossref(client, "http://nowhere.invalid"),
            Searxng(client, site["searxng"]),
            Tavily(client, "wrong", site["tavily"]),
            Brave(client, "wrong", site["brave"]),
        ]
        yield Providers([Post(each) for each in providers], FoundPages(Fetcher()))


def ask(server: Running, query: str, **sources: Any) -> tuple[dict[str, Any], str, float]:
    """Its result, its report and how many seconds it took, by the one request that starts it and follows it."""
    asked = {"query": query, "sources": {"academic": True, **sources}}
    started = time.monotonic()
    answered = httpx2.post(f"{server.url}/api/stream", json=asked, timeout=MOST_SECONDS)
    seconds = time.monotonic() - started
    assert parse(answered.content)[-1].event == "done"
    task = f"{server.url}/api/tasks/{answered.headers['x-task-id']}"
    assert all(httpx2.get(f"{task}/report.{name}").status_code == 200 for name in ("md", "html", "docx", "json"))
    return httpx2.get(f"{task}/result").json(), httpx2.get(f"{task}/output").text, seconds


async def test_without_key_or_network_the_library_answers_and_all_else_is_named(tmp_path: Path) -> None:
    """In both languages, with its downloads; where even the library has nothing it says so; nothing hangs."""
    shutil.copytree(DATA, tmp_path / "library")
    dead = f"http://127.0.0.1:{free_port()}/page"
    async with out_of_reach() as providers:
        with serving(settings(tmp_path), providers=providers) as server:
            asking = partial(anyio.to_thread.run_sync, abandon_on_cancel=True)
            english, report, first = await asking(partial(ask, server, "How do I descale a kettle?", urls=[dead]))
            chinese, 报告, second = await asking(partial(ask, server, "茶叶为什么要密封保存？"))
            nothing, empty, third = await asking(partial(ask, server, "Who won the chess championship of 1985?"))
            model = await asking(partial(httpx2.post, f"{server.url}/api/tasks", json={"query": "x", "engine": "llm"}))
            ready = await asking(partial(httpx2.get, f"{server.url}/readyz"))
    assert (english["status"], chinese["status"], nothing["status"]) == ("partial", "complete", "no_evidence")
    assert {one["url"]: one["code"] for one in english["failed_sources"]} == {**OUT_OF_REACH, dead: "unreachable"}
    assert all(name in report and name in 报告 and name in empty for name in OUT_OF_REACH)
    assert "citric acid" in report
    assert "密封" in 报告
    assert "No evidence was found" in empty
    assert (model.status_code, model.json()["code"]) == (409, "model_required")
    assert ready.status_code == 200
    assert max(first, second, third) < MOST_SECONDS
    assert not re.search(r"[A-Za-z]{3,}(?: [a-z]{2,}){2}", 报告.partition("未能取得结果")[2]), "reasons in Chinese"
