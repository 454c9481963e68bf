"""Search providers in a running server: how they fare is told, and no key of theirs is written anywhere."""

import logging
from pathlib import Path

import httpx2
import pytest

from server.sources.fetch import Fetcher
from server.sources.library import Library
from server.sources.providers.pages import FoundPages
from server.sources.providers.post import Post
from server.sources.providers.roster import Providers
from server.sources.providers.tavily import Tavily
from server.workflows.research.workflow import research_workflow
from tests.serving import serving, settings
from tests.sources.pages import answer, page, serve_pages
from tests.sources.providers.asking import KEY, client, said

SENTENCE = "A samovar is descaled with citric acid, which is left in it for an hour."
ASKED = {"query": "How do I descale a samovar?", "sources": {"library": False}}


def test_a_server_tells_how_each_provider_fares(tmp_path: Path) -> None:
    """By state, and in words of both languages; what is not configured says what it needs."""
    with serving(
        settings(tmp_path, search_providers=("searxng", "tavily"), searxng_url="http://127.0.0.1:9")
    ) as server:
        told = httpx2.get(f"{server.url}/api/stats", timeout=30).json()["capabilities"]["search"]
    states = {one["name"]: one for one in told}
    assert {name: one["state"] for name, one in states.items() if one["state"] != "unconfigured"} == {
        "searxng": "ready",
        "library": "ready",
    }
    assert states["tavily"]["detail"]["en"] == "Not configured: TAVILY_API_KEY is not set."
    assert states["wikipedia"]["detail"]["zh"] == "未启用：SEARCH_PROVIDERS 中没有它。"
    assert states["searxng"]["for"] == ["web"]


@pytest.mark.parametrize("served", ["found", "refused"])
async def test_no_key_is_written_anywhere(tmp_path: Path, served: str, caplog: pytest.LogCaptureFixture) -> None:
    """Neither in the journal, the report, the state, the log, nor in what clients are told."""
    async with serve_pages({"/samovar": page(f"<p>{SENTENCE}</p>")}) as pages:
        found = {"results": [{"title": "Samovars", "url": pages.url("/samovar"), "content": "Short."}]}
        refused = answer(f'{{"error": "Wrong key {KEY}"}}'.encode(), status="401 Unauthorized")
        pages.routes["/search"] = said(found) if served == "found" else refused
        post = Post(Tavily(client(), KEY, pages.url("")))
        roster = Providers([post], FoundPages(Fetcher(("127.0.0.1",))))
        kinds = [research_workflow(Library(tmp_path / "library"), Fetcher(), roster)]
        wanted = settings(tmp_path, tavily_api_key=KEY)
        with caplog.at_level(logging.DEBUG), serving(wanted, workflows=kinds) as server:
            async with httpx2.AsyncClient(base_url=server.url, timeout=30) as http:
                stream = (await http.post("/api/stream", json=ASKED)).text
                (task,) = (await http.get("/api/tasks")).json()["tasks"]
                result = (await http.get(f"/api/tasks/{task['id']}/report.json")).text
                stats = (await http.get("/api/stats")).text
    sent = "".join(pages.heads)
    assert KEY in sent
    assert (SENTENCE in stream) == (served == "found")
    assert KEY not in stream + result + stats
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert files
    assert [path for path in files if KEY.encode() in path.read_bytes()] == []
    ours = [record.getMessage() for record in caplog.records if record.name.startswith("server")]
    assert [line for line in ours if KEY in line] == []
