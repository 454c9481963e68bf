"""From questions to passages: searches, pages and the library, each as recorded steps."""

import hashlib
import math
from collections.abc import Sequence
from functools import partial
from typing import Any

import anyio.to_thread

from server.sources.fetch import Fetcher
from server.sources.library import Catalogue, Library
from server.sources.providers.base import Hit
from server.sources.providers.roster import Providers
from server.sources.reasons import reason
from server.workflows.base import Step
from server.workflows.parallel import gather
from server.workflows.research.model import material
from server.workflows.research.model.steps import Steps
from server.workflows.research.params import ResearchParams, capabilities
from server.workflows.research.phrases import say
from server.workflows.research.reading import read_page
from server.workflows.research.retrieval import library_facts
from server.workflows.research.searching import abstract

AT_ONCE = 4
LABEL_CHARS = 60
MOST_NAMED_SHOWN = 5
"""Of up to so many pages that the request names, the beginning is shown where no passage fits."""
FIND_WEIGHT, FETCH_WEIGHT, READ_WEIGHT, GROUND_WEIGHT = 4.0, 3.0, 1.0, 3.0


class Gathering:
    """What was looked for and read. ``failed`` has every source that could not be used, with its reason."""

    def __init__(
        self,
        steps: Steps,
        params: ResearchParams,
        language: str,
        library: Library,
        fetcher: Fetcher,
        providers: Providers,
    ) -> None:
        self._steps, self._params, self._language = steps, params, language
        self._library, self._fetcher, self._providers = library, fetcher, providers
        self._pages: dict[str, dict[str, Any]] = {}
        self._seen: set[str] = set(params.sources.urls)
        self.failed: list[dict[str, Any]] = []
        self.searches = 0
        self.skipped = False
        self.asked: set[str] = set()
        self.library: dict[str, Any] | None = None
        self._asks = False

    @property
    def pages_read(self) -> int:
        return len(self._pages)

    def _say(self, phrase: str, **values: Any) -> str:
        return say(self._language, phrase, **values)

    async def ground(self) -> list[tuple[str, str]]:
        """Read what the request names, and see what a first search brings: names and texts, to plan with.

        Whether there are search providers is recorded here, and so stays as it was when the task began.
        """
        urls = self._params.sources.urls
        await self._fetch(urls, named=True)
        grounded = await self._steps.timed(
            "ground", self._look_around, {}, weight=GROUND_WEIGHT, label=self._say("step_ground")
        )
        self.library = grounded.get("library")
        self._asks = bool(grounded.get("providers"))
        self.failed += grounded.get("failed", [])
        [[hits]] = await self._find([{"id": "ground", "queries": [self._params.query]}])
        told = [(f"hit{number}", f"{hit['title']}\n{hit['snippet']}") for number, hit in enumerate(hits, 1)]
        return told + [(f"doc{number}", text) for number, text in enumerate(grounded.get("told", []), 1)]

    async def _look_around(self, step: Step) -> dict[str, Any]:
        async def report(done: int, total: int) -> None:
            await step.progress(self._say("reading_library", done=done, total=total), round(90.0 * done / total, 1))

        catalogue = await self._library.refresh(report) if self._params.sources.library else None
        pages = [self._pages[url] for url in self._params.sources.urls if url in self._pages]
        found = await anyio.to_thread.run_sync(
            partial(self._gather, catalogue, pages, [self._params.query], leading=True)
        )
        titles = {source["id"]: source["title"] for source in found["sources"]}
        told = [
            f"{titles[one['source']]}\n{' '.join(text for _, text in one['blocks'])}" for one in found["passages"][:5]
        ]
        providers = list(self._providers.names(capabilities(self._params.sources)))
        return {"told": told, "providers": providers, **library_facts(catalogue, self._language)}

    def _gather(
        self, catalogue: Catalogue | None, pages: Sequence[dict[str, Any]], queries: Sequence[str], *, leading: bool
    ) -> dict[str, Any]:
        return material.gather(catalogue, pages, queries, limit=self._params.max_results, leading=leading)

    async def read(self, questions: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """Search for all of these questions at once; for each what was found on it, as `material.gather` gives it."""
        found = await self._find(questions)
        urls: dict[str, dict[str, Any]] = {}
        for hits in found:
            for hit in (one for of_query in hits for one in of_query):
                urls.setdefault(hit["url"], hit)
        for url, hit in urls.items():
            if hit["text"] and url not in self._pages:
                self._pages[url] = abstract(Hit.from_json(hit))
        room = max(0, self._params.max_sources - len(self._pages))
        await self._fetch([url for url in urls if url not in self._pages][:room], named=False)
        self._seen.update(urls)
        calls = [partial(self._read, question, hits) for question, hits in zip(questions, found, strict=True)]
        return await gather(calls, at_once=AT_ONCE)

    async def _find(self, questions: Sequence[dict[str, Any]]) -> list[list[list[dict[str, Any]]]]:
        """For each question, for each of its queries, the hits."""
        if not self._asks:
            return [[[] for _ in question["queries"]] for question in questions]
        without = sorted(self._seen)
        calls = [
            partial(self._find_one, f"find:{question['id']}.{number}", query, without)
            for question in questions
            for number, query in enumerate(question["queries"], 1)
        ]
        results = iter(await gather(calls, at_once=AT_ONCE))
        return [[self._noted(next(results)) for _ in question["queries"]] for question in questions]

    async def _find_one(self, key: str, query: str, without: list[str]) -> dict[str, Any]:
        wanted = capabilities(self._params.sources)

        async def work(step: Step) -> dict[str, Any]:
            limit = self._params.max_results
            found = await self._providers.search(
                query, wanted=wanted, language=self._language, limit=limit, without=without
            )
            return found.to_json()

        inputs = {"query": query, "wanted": sorted(wanted), "without": without}
        label = self._say("step_search", question=query[:LABEL_CHARS])
        return await self._steps.timed(key, work, inputs, weight=FIND_WEIGHT, label=label)

    def _noted(self, found: dict[str, Any]) -> list[dict[str, Any]]:
        if found.get("skipped"):
            self.skipped = True
            return []
        self.searches += 1
        self.asked.update(found["asked"])
        for failure in found["failures"]:
            told = {"kind": "provider", "url": failure["provider"], "code": failure["code"]}
            if not any(told.items() <= one.items() for one in self.failed):
                message = reason(self._language, failure["code"], failure["message"])
                self.failed.append({**told, "message": message})
        hits: list[dict[str, Any]] = found["hits"]
        return hits

    async def _fetch(self, urls: Sequence[str], *, named: bool) -> None:
        fetcher = self._fetcher if named else self._providers.pages

        async def fetch(url: str) -> dict[str, Any]:
            key = f"fetch:{hashlib.sha256(url.encode()).hexdigest()[:12]}"
            label = self._say("step_fetch", name=url[:LABEL_CHARS])
            work = partial(read_page, url, fetcher.fetch, self._language, math.inf)
            return await self._steps.timed(key, work, {"url": url}, weight=FETCH_WEIGHT, label=label)

        for url, page in zip(urls, await gather([partial(fetch, url) for url in urls], at_once=AT_ONCE), strict=True):
            if page.get("skipped"):
                self.skipped = True
                page = {"code": "budget", "message": reason(self._language, "budget", "The task's time is used up.")}
            if page["code"] is None:
                self._pages[url] = {**page, "found": not named}
            else:
                self.failed.append({"kind": "url" if named else "found", "url": url, **_why(page)})

    async def _read(self, question: dict[str, Any], hits: list[list[dict[str, Any]]]) -> dict[str, Any]:
        urls = dict.fromkeys(hit["url"] for of_query in hits for hit in of_query)
        found = [self._pages[url] for url in urls if url in self._pages]
        named = [self._pages[url] for url in self._params.sources.urls if url in self._pages and url not in urls]
        queries = list(dict.fromkeys([question["text"], *question["queries"]]))

        async def work(step: Step) -> dict[str, Any]:
            catalogue = await self._library.current() if self._params.sources.library else None
            leading = len(named) <= MOST_NAMED_SHOWN
            read = partial(self._gather, catalogue, [*named, *found], queries, leading=leading)
            return await anyio.to_thread.run_sync(read)

        inputs = {"queries": queries, "pages": [page["sha256"] for page in [*named, *found]], "library": self.library}
        label = self._say("step_read", question=question["text"][:LABEL_CHARS])
        result = await self._steps.timed(f"read:{question['id']}", work, inputs, weight=READ_WEIGHT, label=label)
        if result.get("skipped"):
            self.skipped = True
        return {"sources": result.get("sources", []), "passages": result.get("passages", [])}


def _why(page: dict[str, Any]) -> dict[str, Any]:
    return {key: page[key] for key in ("code", "message")}
