"""Research with search providers: what they find is read and quoted, who fails is named, nothing is paid twice."""

import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any

import anyio
import pytest
from anyio import fail_after

from server.errors import InvalidParameters
from server.sources.fetch import Fetcher
from server.sources.library import Library
from server.sources.providers.base import Capability, Hit, ProviderFailed
from server.sources.providers.pages import FoundPages
from server.sources.providers.post import Post
from server.sources.providers.roster import Providers
from server.sources.providers.scripted import ScriptedProvider
from server.sources.reasons import PROVIDER_CODES
from server.workflows.base import Workflow
from server.workflows.rehearsal import Killed, Recorded, RehearsalContext
from server.workflows.research.workflow import research_workflow
from tests.sources.pages import Pages, Serve, never, page, serve_pages

DATA = Path(__file__).parent.parent / "data/library"
LOOPBACK = ("127.0.0.1",)
QUERY = "How do I descale a samovar?"
SENTENCE = "A samovar is descaled with citric acid, which is left in it for an hour."
ABSTRACT = "We show that samovar descale rates depend on the acid that is used. Citric acid is the slowest."


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(DATA, tmp_path / "library"))


def found_at(pages: Pages, *paths: str) -> list[Hit]:
    return [Hit(pages.url(path), f"Page {path}", "", "scripted") for path in paths]


def roster(*providers: ScriptedProvider, fetcher: Fetcher | None = None) -> Providers:
    return Providers([Post(provider) for provider in providers], FoundPages(fetcher or Fetcher(LOOPBACK)))


def workflow(folder: Path, *providers: ScriptedProvider, fetcher: Fetcher | None = None) -> Workflow:
    return research_workflow(Library(folder), Fetcher(LOOPBACK), roster(*providers, fetcher=fetcher))


async def run(
    kind: Workflow,
    journal: dict[str, Recorded] | None = None,
    *,
    kill: int | None = None,
    query: str = QUERY,
    **params: Any,
) -> tuple[Any, RehearsalContext]:
    context = RehearsalContext({} if journal is None else journal, steps_until_kill=kill)
    with suppress(Killed), fail_after(30):
        return await kind.run(context, kind.params.model_validate({"query": query, **params})), context
    return None, context


async def test_what_a_search_finds_is_read_and_quoted(folder: Path) -> None:
    """The sentence stands in the page that was found; the report names the provider, and the result counts."""
    async with serve_pages({"/samovar": page(f"<p>{SENTENCE}</p>", title="Samovars")}) as pages:
        provider = ScriptedProvider("tester", otherwise=found_at(pages, "/samovar"))
        result, context = await run(workflow(folder, provider))
    assert SENTENCE in [one["quote"] for one in result["evidence"]]
    assert result["sources"][0]["url"] == pages.url("/samovar")
    assert "Web search: tester." in context.report
    assert result["counts"]["found_read"] == 1
    assert result["counts"]["searched"] == len(provider.asked)
    assert pages.asked == ["/samovar"]


async def test_an_abstract_is_read_without_fetching_anything(folder: Path) -> None:
    """Academic search brings it whole, so it is quoted as what it is."""
    hit = Hit("https://papers.example/1", "On samovars", ABSTRACT, "papers", "2023-04", "paper", ABSTRACT)
    provider = ScriptedProvider("papers", otherwise=[hit], capabilities=frozenset({"academic"}))
    kind = workflow(folder, provider)
    result, context = await run(kind, sources={"web": False, "academic": True, "library": False})
    assert [source["url"] for source in result["sources"]] == ["https://papers.example/1"]
    assert result["sources"][0]["date"] == "2023-04"
    assert all(one["quote"] in ABSTRACT for one in result["evidence"])
    assert "Academic search: papers." in context.report
    assert "fetch" not in " ".join(context.ran)


@pytest.mark.parametrize("language", ["en", "zh"])
async def test_providers_that_fail_are_named_with_their_reason(folder: Path, language: str) -> None:
    """The library still answers, so the report is as complete as it would be without them."""
    bad = ScriptedProvider("bad", failures=[ProviderFailed("denied", "It answered 403.")] * 9)
    gone = ScriptedProvider("gone", failures=[ProviderFailed("unknown_host", "The host can't be found.")] * 9)
    result, context = await run(workflow(folder, bad, gone), query="How do I descale a kettle?", language=language)
    alone, _ = await run(workflow(folder), query="How do I descale a kettle?", language=language)
    assert (result["status"], result["evidence"]) == (alone["status"], alone["evidence"])
    failed = [one for one in result["failed_sources"] if one["kind"] == "provider"]
    assert {(one["url"], one["code"]) for one in failed} == {("bad", "denied"), ("gone", "unknown_host")}
    assert (
        "bad (It answered 403)" if language == "en" else "bad（拒绝了请求：需要密钥，或密钥不对）"
    ) in context.report


async def test_found_pages_that_can_not_be_read_are_named(folder: Path) -> None:
    """A hanging one costs its time limit, a missing one nothing; what can be read is."""
    routes: dict[str, bytes | Serve] = {"/samovar": page(f"<p>{SENTENCE}</p>"), "/hangs": never}
    async with serve_pages(routes) as pages:
        provider = ScriptedProvider(otherwise=found_at(pages, "/hangs", "/missing", "/samovar"))
        kind = workflow(folder, provider, fetcher=Fetcher(LOOPBACK, total_seconds=0.3))
        result, _ = await run(kind)
    failed = {one["url"]: one["code"] for one in result["failed_sources"] if one["kind"] == "found"}
    assert failed == {pages.url("/hangs"): "timeout", pages.url("/missing"): "http_404"}
    assert SENTENCE in [one["quote"] for one in result["evidence"]]
    assert result["counts"]["found_failed"] == 2


async def test_a_found_address_can_not_reach_the_servers_own_network(folder: Path) -> None:
    """A request may name a private host that the operator allows; a search result may not."""
    async with serve_pages({"/samovar": page(f"<p>{SENTENCE}</p>")}) as pages:
        provider = ScriptedProvider(otherwise=found_at(pages, "/samovar"))
        result, _ = await run(workflow(folder, provider, fetcher=Fetcher()))
        assert pages.asked == []
        assert [one["code"] for one in result["failed_sources"]] == ["forbidden_address"]
        named, _ = await run(workflow(folder, provider, fetcher=Fetcher()), sources={"urls": [pages.url("/samovar")]})
    assert SENTENCE in [one["quote"] for one in named["evidence"]]


async def test_the_same_content_twice_is_one_source(folder: Path) -> None:
    """Under another address, and when the request itself names it."""
    body = page(f"<p>{SENTENCE}</p>")
    async with serve_pages({"/a": body, "/b": body}) as pages:
        provider = ScriptedProvider(otherwise=found_at(pages, "/a", "/b"))
        result, _ = await run(workflow(folder, provider), sources={"library": False})
        named, _ = await run(workflow(folder, provider), sources={"library": False, "urls": [pages.url("/a")]})
    assert len(result["sources"]) == 1
    assert [source["url"] for source in named["sources"]] == [pages.url("/a")]
    assert pages.asked.count("/a") == 2


async def test_killed_after_any_step_no_search_is_paid_twice(folder: Path) -> None:
    """A finished search and a finished page are in the journal; the report is the same."""
    async with serve_pages({"/samovar": page(f"<p>{SENTENCE}</p>")}) as pages:
        provider = ScriptedProvider(otherwise=found_at(pages, "/samovar"))
        kind = workflow(folder, provider)
        result, whole = await run(kind)
        searches = [key for key in whole.ran if key.startswith("find:")]
        assert len(provider.asked) == len(searches) >= 1
        for kill in range(len(whole.ran)):
            provider.asked.clear()
            pages.asked.clear()
            journal: dict[str, Recorded] = {}
            _, first = await run(kind, journal, kill=kill)
            resumed, second = await run(kind, journal)
            assert (resumed, second.report) == (result, whole.report)
            unfinished = kill == whole.ran.index(searches[0])
            assert len(provider.asked) - len(searches) <= 1 + unfinished
            assert sorted(key for key in first.ran + second.ran if key in searches) == sorted(searches)
            assert len(pages.asked) <= 2


async def test_who_is_asked_stays_as_it_was_when_the_task_began(folder: Path) -> None:
    """A provider that is added or taken away while a task is stopped changes nothing of its way through the steps."""
    async with serve_pages({"/samovar": page(f"<p>{SENTENCE}</p>")}) as pages:
        provider = ScriptedProvider("tester", otherwise=found_at(pages, "/samovar"))
        with_one, without = workflow(folder, provider), workflow(folder)
        for before, after in ((without, with_one), (with_one, without)):
            result, _ = await run(before)
            journal: dict[str, Recorded] = {}
            await run(before, journal, kill=4)
            resumed, _ = await run(after, journal)
            assert resumed["sources"] == result["sources"]


async def test_without_web_and_academic_search_nothing_is_asked_and_nothing_is_different(folder: Path) -> None:
    """Result, report and steps are those of a server without any provider."""
    provider = ScriptedProvider(otherwise=[Hit("https://a.example/", "A", "", "scripted")])
    sources = {"web": False}
    result, context = await run(workflow(folder, provider), query="How do I descale a kettle?", sources=sources)
    alone, bare = await run(workflow(folder), query="How do I descale a kettle?", sources=sources)
    assert (result, context.report) == (alone, bare.report)
    assert sorted(context.ran) == sorted(bare.ran)
    assert provider.asked == []


async def test_the_budget_of_time_holds_for_searches(folder: Path) -> None:
    """A provider that hangs gets no more than what is left of it, and a report is still written."""
    result, context = await run(workflow(folder, ScriptedProvider(hangs=True)), budget={"seconds": 0.2})
    assert [one["code"] for one in result["failed_sources"]] == ["timeout"]
    assert context.report


async def test_twenty_pages_some_of_which_hang_end_within_the_budget(folder: Path) -> None:
    """Five hang and three fail: each is named, the others are read, and what hangs costs no more than is left."""
    good = [f"/good{number}" for number in range(12)]
    routes: dict[str, bytes | Serve] = {
        path: page(f"<p>{SENTENCE}</p><p>Page {path} has a text of its own.</p>") for path in good
    }
    bad = [f"/hangs{number}" for number in range(5)]
    routes |= dict.fromkeys(bad, never)
    gone = [f"/gone{number}" for number in range(3)]
    async with serve_pages(routes) as pages:
        provider = ScriptedProvider(otherwise=found_at(pages, *good, *gone, *bad))
        kind = workflow(folder, provider)
        started = anyio.current_time()
        result, context = await run(kind, max_results=20, budget={"seconds": 4.0})
        took = anyio.current_time() - started
    failed = {one["url"]: one["code"] for one in result["failed_sources"] if one["kind"] == "found"}
    assert {pages.url(path) for path in bad + gone} <= failed.keys()
    assert {failed[pages.url(path)] for path in bad} == {"budget"}
    assert result["counts"]["found_read"] + result["counts"]["found_failed"] == 20
    assert took < 30.0  # left to themselves, those that hang would take longer than a minute
    assert context.report


def identity(kind: Workflow, **sources: Any) -> Any:
    params = kind.params.model_validate({"query": QUERY, "sources": sources})
    return kind.search(params.model_dump(mode="json"))


def test_the_identity_of_a_task_names_the_providers_it_may_ask(folder: Path) -> None:
    """Those alone: a task that searches no web stays the same when a provider of it is added."""
    papers: frozenset[Capability] = frozenset({"academic"})
    kind = workflow(folder, ScriptedProvider("w"), ScriptedProvider("p", capabilities=papers))
    bare = {"library": str(folder), "urls": True}
    assert identity(kind) == {**bare, "providers": ["w"]}
    assert identity(kind, academic=True) == {**bare, "providers": ["w", "p"]}
    assert identity(kind, web=False) == identity(workflow(folder)) == bare
    assert kind.search(None) == {**bare, "providers": ["w", "p"]}


def test_the_web_alone_may_be_searched_where_there_is_a_provider(folder: Path) -> None:
    """Without one there is nothing to look in."""
    nowhere = {"query": QUERY, "sources": {"library": False}}
    with_one, without = workflow(folder, ScriptedProvider()), workflow(folder)
    assert with_one.check is not None
    assert without.check is not None
    with_one.check(with_one.params.model_validate(nowhere))
    with pytest.raises(InvalidParameters):
        without.check(without.params.model_validate(nowhere))


@pytest.mark.parametrize("name", ["docs/providers.md", "docs/zh/providers.md"])
def test_each_reason_of_a_provider_is_documented(name: str) -> None:
    """Beside those that pages have, too."""
    text = (Path(__file__).parents[2] / name).read_text("utf-8")
    assert [code for code in sorted(PROVIDER_CODES) if f"| `{code}` |" not in text] == []
