"""Research with the embedded engine: scope, ground, plan, search, learn, gaps, cite, write; each one a step."""

import hashlib
import math
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial
from typing import Any

import anyio
import anyio.to_thread
import orjson

from server.sources.fetch import Fetcher
from server.sources.library import Catalogue, Library
from server.sources.providers.roster import Providers
from server.sources.query import Query, language_asked
from server.sources.ranking import Index
from server.workflows.base import Context, Step
from server.workflows.parallel import gather
from server.workflows.research import citations, digest, evidence, outcome
from server.workflows.research.angles import ANGLES
from server.workflows.research.outcome import Findings
from server.workflows.research.params import ResearchParams
from server.workflows.research.phrases import say
from server.workflows.research.questions import plan, type_of
from server.workflows.research.reading import Get, read_page
from server.workflows.research.retrieval import library_facts, pages_index, search
from server.workflows.research.searching import Searching

FETCHES_AT_ONCE = 4
SEARCHES_AT_ONCE = 2
NAME_CHARS = 60

SUMMARY_QUOTES = {"brief": 2, "standard": 3, "long": 4}
SECTION_QUOTES = {"brief": 2, "standard": 4, "long": 8}

# Measured on a warm library of 700 documents, in hundredths of a second; a page is counted as it comes from afar.
FETCH_WEIGHT = 60.0
FIND_WEIGHT = 100.0
GROUND_WEIGHT = 20.0
SEARCH_WEIGHT = 5.0
LEARN_WEIGHT = 3.0
SMALL_WEIGHT = 1.0


class EmbeddedResearch:
    """One run of the workflow. What it knows comes from the steps' records, so that a second run takes the same way."""

    def __init__(
        self, ctx: Context, params: ResearchParams, library: Library, fetcher: Fetcher, providers: Providers
    ) -> None:
        self._ctx, self._params, self._library, self._fetcher = ctx, params, library, fetcher
        self._language = params.language if params.language != "auto" else language_asked(params.query)
        self._searching = Searching(providers, params.sources, self._language, params.max_sources)
        self._named: list[dict[str, Any]] = []
        self._pages: Index | None = None
        self._is_grounded = False
        self._findings = Findings()
        self._spent_weight = self._weight = 0.0
        self._items = 0

    def _say(self, phrase: str, **values: Any) -> str:
        return say(self._language, phrase, **values)

    async def run(self) -> dict[str, Any]:
        params = self._params
        self._expect(questions=params.breadth)
        scope = await self._step(
            "scope", self._scope, {"query": params.query, "language": self._language}, label=self._say("step_scope")
        )
        self._searching.names = scope.get("providers", {})
        await self._fetch_pages()
        await self._seek([("q1", params.query)], round=1)
        grounded = await self._ground()
        questions = await self._plan(grounded["hinted"])
        self._expect(questions=len(questions))
        await self._seek([(one["id"], one["search"]) for one in questions], round=1)
        await self._search_and_learn(questions, grounded, round=1)
        for round in range(2, params.depth + 1):
            if not await self._go_deeper(questions, grounded, round):
                break
        cited = await self._cite(questions)
        return await self._write(questions, grounded, cited)

    async def _step(
        self,
        key: str,
        run: Callable[[Step], Awaitable[Any]],
        inputs: Any = None,
        *,
        weight: float = SMALL_WEIGHT,
        label: str,
    ) -> Any:
        result = await self._ctx.step(key, run, inputs, weight=weight, label=label)
        self._spent_weight += weight
        return result

    def _expect(self, *, questions: int, writing: int | None = None) -> None:
        """What is behind, plus what is still ahead if nothing new turns up."""
        ahead = 0.0
        if not self._is_grounded:
            ahead += FETCH_WEIGHT * len(self._params.sources.urls) + GROUND_WEIGHT + 2 * SMALL_WEIGHT
        ahead += questions * (SEARCH_WEIGHT + LEARN_WEIGHT)
        ahead += SMALL_WEIGHT * (writing if writing is not None else questions + 7)
        self._items = max(self._items, len(self._params.sources.urls) + len(self._findings.sources))
        self._foresee(self._spent_weight + ahead)

    def _foresee(self, weight: float) -> None:
        self._weight = weight
        self._ctx.expect(weight, items=self._items)

    async def _scope(self, step: Step) -> dict[str, Any]:
        for piece in digest.about(self._params.query, self._language):
            await step.output("about", piece)
        found = self._searching.configured()
        scope = {"language": self._language, "type": type_of(self._params.query, self._language)}
        return {**scope, "providers": found} if found else scope

    async def _fetch_pages(self) -> None:
        for page in await self._fetch_all(self._params.sources.urls, self._fetcher.fetch):
            if page["code"] is None:
                self._named.append(page)
            else:
                self._findings.failed.append({"kind": "url", **{key: page[key] for key in ("url", "code", "message")}})

    async def _fetch_all(self, urls: Sequence[str], get: Get) -> list[dict[str, Any]]:
        left = self._seconds_left()
        until = math.inf if left is None else anyio.current_time() + left

        async def fetch(url: str) -> Any:
            key = f"fetch:{hashlib.sha256(url.encode()).hexdigest()[:12]}"
            label = self._say("step_fetch", name=url[:NAME_CHARS])
            body = partial(read_page, url, get, self._language, until)
            return await self._step(key, body, {"url": url}, weight=FETCH_WEIGHT, label=label)

        pages = await gather([partial(fetch, url) for url in urls], at_once=FETCHES_AT_ONCE)
        self._findings.seconds += sum(page["seconds"] for page in pages) / FETCHES_AT_ONCE
        return pages

    async def _seek(self, queries: Sequence[tuple[str, str]], *, round: int) -> None:
        """Ask the providers each query that was not asked yet, and read what they find. The keys are of questions."""
        searching = self._searching
        new = {query: name for name, query in reversed(queries) if query not in searching.asked}
        if not new or not searching.active or self._out_of_time():
            return

        async def find(name: str, query: str) -> Any:
            label = self._say("step_find", question=query[:NAME_CHARS])
            body = partial(searching.find, query, self._params.max_results, self._seconds_left())
            return await self._step(
                _key("find", {"id": name}, round), body, {"query": query}, weight=FIND_WEIGHT, label=label
            )

        self._foresee(self._weight + FIND_WEIGHT * len(new))
        asked = [partial(find, name, query) for query, name in reversed(new.items())]
        searching.asked.update(new)
        records = await gather(asked, at_once=SEARCHES_AT_ONCE)
        self._findings.seconds += sum(record["seconds"] for record in records) / SEARCHES_AT_ONCE
        named = {page["url"] for page in self._named}
        urls = [hit.url for record in records for hit in searching.take(record) if hit.url not in named]
        if urls and not self._out_of_time():
            self._items += len(urls)
            self._foresee(self._weight + FETCH_WEIGHT * len(urls))
            for page in await self._fetch_all(urls, searching.providers.pages.fetch):
                searching.keep(page)
        self._pages = None

    @property
    def _fetched(self) -> list[dict[str, Any]]:
        """All pages that were read: those that the request names, then those that were found."""
        return [*self._named, *self._searching.pages]

    async def _page_index(self) -> Index:
        if self._pages is None:
            self._pages = await anyio.to_thread.run_sync(pages_index, self._fetched)
        return self._pages

    async def _catalogue(self) -> Catalogue | None:
        return await self._library.current() if self._params.sources.library else None

    async def _ground(self) -> dict[str, Any]:
        """Read what is new in the library, and see on which angles the sources have anything at all."""
        inputs = {"query": self._params.query, "pages": [page["sha256"] for page in self._fetched]}
        grounded: dict[str, Any] = await self._step(
            "ground", self._look_around, inputs, weight=GROUND_WEIGHT, label=self._say("step_ground")
        )
        self._is_grounded = True
        self._findings.seconds += grounded["seconds"]
        self._findings.failed += grounded["failed"]
        return grounded

    async def _look_around(self, step: Step) -> dict[str, Any]:
        started = time.monotonic()

        async def report(done: int, total: int) -> None:
            await step.progress(self._say("reading_library", done=done, total=total), round(90.0 * done / total, 1))

        catalogue = await self._library.refresh(report) if self._params.sources.library else None
        pages = await self._page_index()
        if catalogue is not None:
            await step.progress(self._say("searching_library", count=len(catalogue.index.entries)), 95.0)
        return {
            "hinted": await anyio.to_thread.run_sync(self._hints, catalogue, pages),
            **library_facts(catalogue, self._language),
            "seconds": time.monotonic() - started,
        }

    def _hints(self, catalogue: Catalogue | None, pages: Index) -> list[str]:
        found = search(catalogue, pages, self._fetched, self._params.query, limit=self._params.max_results)
        cues = {name: angle.pattern() for name, angle in ANGLES.items()}
        return evidence.answered_angles(found["passages"], Query.from_json(found["query"]), found["language"], cues)

    async def _plan(self, hinted: list[str]) -> list[dict[str, Any]]:
        async def run(step: Step) -> list[dict[str, Any]]:
            found = plan(self._params.query, self._language, self._params.breadth, hinted)
            return [
                {"id": one.id, "text": one.text, "goal": one.goal, "search": one.search, "angle": one.angle}
                for one in found
            ]

        inputs = {"query": self._params.query, "breadth": self._params.breadth, "hinted": hinted}
        questions: list[dict[str, Any]] = await self._step("plan", run, inputs, label=self._say("step_plan"))
        return questions

    def _seconds_left(self) -> float | None:
        limit = self._params.budget.seconds
        return None if limit is None else max(0.0, limit - self._findings.seconds)

    def _out_of_time(self) -> bool:
        return self._seconds_left() == 0.0

    async def _search_and_learn(self, questions: list[dict[str, Any]], grounded: dict[str, Any], *, round: int) -> int:
        """One round: search for each question, then choose quotes. Returns how many new sources came up."""
        if self._out_of_time():
            self._findings.skipped.update(question["id"] for question in questions)
            return 0
        without = sorted(self._findings.sources) if round > 1 else []
        results = await gather(
            [partial(self._search, question, grounded, round, without) for question in questions],
            at_once=SEARCHES_AT_ONCE,
        )
        self._findings.searches += len(questions)
        new = 0
        for question, found in zip(questions, results, strict=True):
            self._findings.seconds += found["seconds"]
            new += await self._learn(question, found, round)
        return new

    async def _search(
        self, question: dict[str, Any], grounded: dict[str, Any], round: int, without: list[str]
    ) -> dict[str, Any]:
        async def run(step: Step) -> dict[str, Any]:
            started = time.monotonic()
            angle = ANGLES.get(question["angle"])
            cues = (*angle.words, *angle.characters) if angle else ()
            look = partial(
                search,
                await self._catalogue(),
                await self._page_index(),
                self._fetched,
                question["search"],
                cues=cues,
                limit=self._params.max_results,
                without=without,
            )
            found = await anyio.to_thread.run_sync(look)
            await step.progress(self._say("found", count=len(found["sources"])), 100.0)
            return {**found, "seconds": time.monotonic() - started}

        inputs = {
            "search": question["search"],
            "angle": question["angle"],
            "library": grounded["library"],
            "pages": [page["sha256"] for page in self._fetched],
            "without": without,
        }
        label = self._say("step_search", question=question["text"][:NAME_CHARS])
        result: dict[str, Any] = await self._step(
            _key("search", question, round), run, inputs, weight=SEARCH_WEIGHT, label=label
        )
        return result

    async def _learn(self, question: dict[str, Any], found: dict[str, Any], round: int) -> int:
        findings = self._findings
        new = [source for source in found["sources"] if source["id"] not in findings.sources]
        used = [(one["source"], one["start"], one["end"]) for quotes in findings.chosen.values() for one in quotes]
        style = self._params.report.style
        wanted = SECTION_QUOTES[style] + (SUMMARY_QUOTES[style] if question["id"] == "q1" else 0)

        async def run(step: Step) -> list[dict[str, Any]]:
            angle = ANGLES.get(question["angle"])
            choose = partial(
                evidence.choose,
                found["passages"],
                Query.from_json(found["query"]),
                language=found["language"],
                cue=angle.pattern() if angle else None,
                limit=wanted,
                used=used,
            )
            quotes = await anyio.to_thread.run_sync(choose)
            for source in new:
                await step.item(
                    {"key": source["id"], **{key: source[key] for key in source if key not in ("id", "markup")}}
                )
            await step.progress(self._say("chosen", count=len(quotes)), 100.0)
            return [{"question": question["id"], **quote} for quote in quotes]

        inputs = {
            "angle": question["angle"],
            "found": _sha256([found["passages"], found["query"]]),
            "used": _sha256(used),
        }
        label = self._say("step_learn", question=question["text"][:NAME_CHARS])
        quotes = await self._step(_key("learn", question, round), run, inputs, weight=LEARN_WEIGHT, label=label)
        findings.sources.update((source["id"], source) for source in new)
        findings.passages += found["passages"]
        findings.chosen.setdefault(question["id"], []).extend(quotes)
        return len(new)

    async def _go_deeper(self, questions: list[dict[str, Any]], grounded: dict[str, Any], round: int) -> bool:
        """Search again, past the sources already seen, for what is unanswered; half as many questions each round."""
        unanswered = [question for question in questions if not self._findings.chosen.get(question["id"])]
        main_found = bool(self._findings.chosen.get("q1"))

        async def run(step: Step) -> list[str]:
            # Where not even the question itself found anything, its angles won't either.
            return [question["id"] for question in unanswered] if main_found else []

        inputs = {"unanswered": [question["id"] for question in unanswered], "main_found": main_found}
        chosen = await self._step(f"gaps:{round}", run, inputs, label=self._say("step_gaps"))
        again = [question for question in questions if question["id"] in chosen]
        again = again[: max(1, self._params.breadth // 2 ** (round - 1))]
        if not again:
            return False
        self._expect(questions=len(again), writing=len(questions) + 7)
        await self._seek([(one["id"], f"{one['search']} {one['goal']}") for one in again if one["angle"]], round=round)
        return await self._search_and_learn(again, grounded, round=round) > 0

    async def _cite(self, questions: list[dict[str, Any]]) -> dict[str, Any]:
        findings = self._findings
        count = SUMMARY_QUOTES[self._params.report.style]
        main = findings.chosen.get("q1", [])
        parts = {"summary": main[:count], "q1": main[count:]}
        parts |= {question["id"]: findings.chosen.get(question["id"], []) for question in questions[1:]}
        sources = list(findings.sources.values())

        async def run(step: Step) -> dict[str, Any]:
            check = partial(citations.check, parts, findings.passages, sources, self._params.max_sources)
            return await anyio.to_thread.run_sync(check)

        inputs = {"parts": _sha256(parts), "passages": _sha256(findings.passages), "sources": _sha256(sources)}
        cited: dict[str, Any] = await self._step("cite", run, inputs, label=self._say("step_cite"))
        return cited

    async def _write(
        self, questions: list[dict[str, Any]], grounded: dict[str, Any], cited: dict[str, Any]
    ) -> dict[str, Any]:
        language, searched = self._language, self._searching.facts()
        self._findings.failed += self._searching.failed
        end = outcome.of(
            self._params, language, questions, self._findings, grounded["library"], cited, len(self._named), searched
        )
        answered = [one for one in end.questions if one["answered"]]
        pages_failed = [one for one in self._findings.failed if one["kind"] == "url"]
        parts = {"summary": list(digest.summary(cited, language))}
        above = [one for one in answered if digest.shown_above(one, cited)]
        parts |= {one["id"]: list(digest.section(one, cited, language)) for one in answered if one not in above}
        if above := [one for one in above if one["id"] != "q1"]:
            parts["above"] = list(digest.above(above, cited, language))
        parts["gaps"] = list(digest.gaps(end.unanswered, pages_failed, language))
        if self._params.references and cited["sources"]:
            parts["sources"] = list(digest.source_list(cited, language))
        parts["method"] = list(digest.method(end.facts, language))
        self._expect(questions=0, writing=len(parts) + 1)
        for part, pieces in parts.items():
            key = part if part == "sources" else f"write:{part}"
            label = self._say("step_write", name=pieces[0].strip("# \n")[:NAME_CHARS])
            await self._step(key, partial(_write, part, pieces), {"text": _sha256(pieces)}, label=label)

        async def finish(step: Step) -> dict[str, Any]:
            report = "".join(piece for pieces in parts.values() for piece in pieces)
            return citations.scores(report, cited)

        scores = await self._step("finish", finish, {"evidence": _sha256(cited)}, label=self._say("step_finish"))
        return end.result(self._params, language, self._findings, cited, scores)


async def _write(part: str, pieces: Iterable[str], step: Step) -> None:
    for piece in pieces:
        await step.output(part, piece)


def _key(verb: str, question: dict[str, Any], round: int) -> str:
    return f"{verb}:{question['id']}" if round == 1 else f"{verb}:{question['id']}.{round}"


def _sha256(value: Any) -> str:
    return hashlib.sha256(orjson.dumps(value, option=orjson.OPT_SORT_KEYS)).hexdigest()
