"""Each provider against a server on loopback that answers in its form, or in none."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson

from server.sources.egress import Judge
from server.sources.providers.arxiv import Arxiv
from server.sources.providers.base import Hit, Provider
from server.sources.providers.brave import Brave
from server.sources.providers.client import ProviderClient
from server.sources.providers.clock import Clock, SystemClock
from server.sources.providers.crossref import Crossref
from server.sources.providers.exa import Exa
from server.sources.providers.openalex import OpenAlex
from server.sources.providers.searxng import Searxng
from server.sources.providers.tavily import Tavily
from server.sources.providers.wikipedia import Wikipedia
from tests.sources.pages import answer
from tests.sources.providers import answers

KEY = "key-canary-4711"


@dataclass(frozen=True)
class Case:
    """``make``: the provider over a client, at a site. ``found``: what it makes of ``said``."""

    make: Callable[[ProviderClient, str], Provider]
    said: Any
    found: list[tuple[str, str]]
    empty: Any
    asks: str
    """What the request is for."""


CASES = {
    "wikipedia": Case(
        Wikipedia,
        answers.WIKIPEDIA,
        [("{site}/wiki/Kettle_%26_pot", "Kettle & pot"), ("{site}/wiki/C%2B%2B%2FBoiling%3F", "C++/Boiling?")],
        {"batchcomplete": True, "query": {"searchinfo": {"totalhits": 0}, "search": []}},
        "/w/api.php",
    ),
    "arxiv": Case(
        Arxiv,
        answers.ARXIV,
        [
            ("https://arxiv.org/abs/2401.00001v2", "On the boiling of kettles"),
            ("https://arxiv.org/abs/hep-th/9901001v1", "Older kettles"),
        ],
        answers.ARXIV_EMPTY,
        "/api/query",
    ),
    "openalex": Case(
        lambda client, site: OpenAlex(client, KEY, site),
        answers.OPENALEX,
        [("https://doi.org/10.1000/kettle.1", "Scale in kettles"), ("https://openalex.org/W2", "Without a DOI")],
        {"meta": {"count": 0}, "results": []},
        "/works",
    ),
    "crossref": Case(
        Crossref,
        answers.CROSSREF,
        [
            ("https://doi.org/10.1000/Kettle.2", "Kettles 2"),
            ("https://doi.org/10.1000/bare", "https://doi.org/10.1000/bare"),
        ],
        {"status": "ok", "message": {"total-results": 0, "items": []}},
        "/works",
    ),
    "searxng": Case(
        Searxng,
        answers.SEARXNG,
        [("https://kettles.example/how", "How kettles work"), ("https://kettles.example/why", "Why kettles work")],
        {"query": "kettle", "results": [], "unresponsive_engines": []},
        "/search",
    ),
    "tavily": Case(
        lambda client, site: Tavily(client, KEY, site),
        answers.TAVILY,
        [("https://kettles.example/t", "Kettles"), ("https://kettles.example/n", "News")],
        {"query": "kettle", "results": []},
        "/search",
    ),
    "brave": Case(
        lambda client, site: Brave(client, KEY, site),
        answers.BRAVE,
        [("https://kettles.example/b", "Kettles, boiled"), ("https://kettles.example/p", "Pots")],
        {"type": "search", "query": {"original": "kettle"}},
        "/res/v1/web/search",
    ),
    "exa": Case(
        lambda client, site: Exa(client, KEY, site),
        answers.EXA,
        [("https://kettles.example/e", "Kettles"), ("https://kettles.example/f", "https://kettles.example/f")],
        {"requestId": "r2", "results": []},
        "/search",
    ),
}


def client(clock: Clock | None = None, **limits: Any) -> ProviderClient:
    """One that may reach loopback, where the tests' providers are."""
    return ProviderClient(Judge({"127.0.0.1"}), clock=clock or SystemClock(), **limits)


def said(what: Any) -> bytes:
    """A whole answer: JSON, or XML for what is text."""
    if isinstance(what, str):
        return answer(what.encode(), Content_Type="application/atom+xml; charset=utf-8")
    return answer(orjson.dumps(what), Content_Type="application/json; charset=utf-8")


async def ask(provider: Provider, *, language: str = "en", limit: int = 5) -> list[Hit]:
    return await provider.search("How does a kettle boil?", language=language, limit=limit)
