"""All providers together: one search asks those that serve what is wanted, and nothing that fails holds it up."""

import importlib.util
from pathlib import Path
from typing import Any

import anyio
import pytest
from anyio import fail_after
from pydantic import ValidationError

from server.settings import Settings
from server.sources.failures import SourceFailed
from server.sources.fetch import Fetcher
from server.sources.library import Library
from server.sources.providers.base import NAMES, Hit, ProviderFailed
from server.sources.providers.configured import configured_providers
from server.sources.providers.ddgs import Ddgs
from server.sources.providers.pages import FoundPages, HostLimits
from server.sources.providers.post import Post
from server.sources.providers.roster import Found, Providers
from server.sources.providers.scripted import ScriptedProvider
from server.sources.providers.words import described
from tests.sources.pages import page, serve_pages
from tests.sources.providers import answers
from tests.sources.providers.asking import KEY, said

LIBRARY = Path(__file__).parent.parent.parent / "data/library"


def hits(*paths: str, provider: str = "scripted") -> list[Hit]:
    return [Hit(f"https://kettles.example/{path}", path, "", provider) for path in paths]


async def search(providers: Providers, *, limit: int = 10, **more: Any) -> Found:
    with fail_after(5):
        return await providers.search("kettle", wanted={"web"}, language="en", limit=limit, **more)


def paths(found: Found) -> list[str]:
    return [one.title for one in found.hits]


async def test_hits_are_told_in_turns_and_each_page_once() -> None:
    """The best of each provider first, in the order of the roster; a page that two found is the first one's."""
    first = ScriptedProvider("tavily", otherwise=hits("a", "b", "c", provider="tavily"))
    second = ScriptedProvider("wikipedia", otherwise=hits("b", "d", "a", "e", provider="wikipedia"))
    found = await search(Providers([Post(second), Post(first)]))
    assert paths(found) == ["a", "b", "d", "c", "e"]
    assert [one.provider for one in found.hits] == ["tavily", "wikipedia", "wikipedia", "tavily", "wikipedia"]
    assert found.asked == ("tavily", "wikipedia")


async def test_what_is_known_already_does_not_come_again_and_pushes_nothing_out() -> None:
    """``without`` holds over all branches of a task."""
    providers = Providers([Post(ScriptedProvider(otherwise=hits("a", "b", "c", "d")))])
    known = {one.url for one in hits("a", "b")}
    assert paths(await search(providers, limit=2, without=known)) == ["c", "d"]


async def test_only_those_are_asked_that_serve_what_is_wanted() -> None:
    """By capability."""
    web, papers = ScriptedProvider("w"), ScriptedProvider("p", capabilities=frozenset({"academic"}))
    providers = Providers([Post(web), Post(papers)])
    assert providers.names({"web"}) == ("w",)
    assert providers.names({"web", "academic"}) == ("w", "p")
    assert providers.names(()) == ()
    await search(providers)
    assert (web.asked, papers.asked) == (["kettle"], [])


async def test_one_that_fails_or_hangs_holds_up_none_of_the_others() -> None:
    """Each failure is named with its reason; nothing is raised."""
    good = ScriptedProvider("good", otherwise=hits("a"))
    bad = ScriptedProvider("bad", failures=[ProviderFailed("denied", "It answered 403.")])
    slow = ScriptedProvider("slow", hangs=True)
    found = await search(Providers([Post(slow), Post(bad), Post(good)]), seconds=0.1)
    assert paths(found) == ["a"]
    assert [(one.provider, one.code) for one in found.failures] == [("slow", "timeout"), ("bad", "denied")]


async def test_nobody_to_ask_is_told_as_a_failure_too() -> None:
    """So a report can say why nothing was searched."""
    (failure,) = (await search(Providers())).failures
    assert (failure.provider, failure.code) == ("", "no_provider")


async def test_what_was_found_is_kept_as_json() -> None:
    """A journal gives back what it was given."""
    bad = ScriptedProvider("bad", failures=[ProviderFailed("denied", "It answered 403.")])
    one = Hit("https://a.example/", "A", "s", "good", "2023-01", "paper", "text", "https://a.example/a.pdf")
    found = await search(Providers([Post(ScriptedProvider("good", otherwise=[one])), Post(bad)]))
    assert Found.from_json(found.to_json()) == found


async def test_few_pages_of_one_host_are_fetched_at_once() -> None:
    """Others don't wait for them, and what is left of a host afterwards is nothing."""
    limits = HostLimits(2)
    at = {"a.example": 0, "b.example": 0}
    most = dict(at)

    async def fetch(host: str) -> None:
        async with limits.at(f"https://{host}/x"):
            at[host] += 1
            most[host] = max(most[host], at[host])
            await anyio.lowlevel.checkpoint()
            at[host] -= 1

    with fail_after(5):
        async with anyio.create_task_group() as group:
            for _ in range(5):
                group.start_soon(fetch, "a.example")
            group.start_soon(fetch, "b.example")
    assert most == {"a.example": 2, "b.example": 1}
    assert limits == HostLimits(2)


async def test_a_search_result_can_not_send_the_server_into_its_own_network() -> None:
    """Private hosts may be fetched when a request names them; a hit is no request."""
    settings = Settings(allowed_private_hosts=("127.0.0.1",), search_providers=())
    async with serve_pages({"/": page("<p>Private matters.</p>")}) as pages:
        with fail_after(5), pytest.raises(SourceFailed) as caught:
            await configured_providers(settings).pages.fetch(pages.url("/"))
        assert pages.asked == []
        found = await FoundPages(Fetcher(("127.0.0.1",))).fetch(pages.url("/"))
    assert caught.value.code == "forbidden_address"
    assert found.document.text == "Private matters."


def configured(**given: Any) -> Providers:
    return configured_providers(Settings(**given))


def names(**given: Any) -> tuple[str, ...]:
    return configured(**given).names({"web", "academic"})


def test_without_settings_those_are_asked_that_need_none() -> None:
    """And what the others need is told."""
    assert names() == ("wikipedia", "openalex", "arxiv", "crossref")
    missing = {state.name: described(state) for state in configured_providers(Settings()).unconfigured}
    assert missing["tavily"]["en"] == "Not configured: TAVILY_API_KEY is not set."
    assert missing["searxng"]["zh"] == "未配置：没有设置 SEARXNG_URL。"
    assert missing["ddgs"]["en"] == "Not in use: SEARCH_PROVIDERS does not name it."
    assert missing.keys() == {"tavily", "brave", "exa", "searxng", "ddgs"}


def test_keys_and_addresses_bring_their_providers_in(tmp_path: Path) -> None:
    """From the environment or from files, and in the order of the roster."""
    file = tmp_path / "key"
    file.write_text(f"{KEY}\n")
    given: dict[str, Any] = {
        "tavily_api_key": KEY,
        "brave_api_key_file": file,
        "exa_api_key": KEY,
        "searxng_url": "http://127.0.0.1:8",
    }
    found = configured_providers(Settings(**given))
    assert found.names({"web"}) == ("tavily", "brave", "exa", "searxng", "wikipedia")
    assert KEY not in repr(found)
    assert KEY not in repr(Settings(**given))


def test_the_operator_says_who_is_asked() -> None:
    """By name; a lone comma is nobody."""
    assert names(search_providers=("arxiv",)) == ("arxiv",)
    assert names(search_providers=",") == ()
    missing = {state.name: state.needs for state in configured(search_providers=",").unconfigured}
    assert set(missing.values()) == {"SEARCH_PROVIDERS"}
    missing = {one.name: one.needs for one in configured(search_providers="exa").unconfigured}
    assert missing["exa"] == "EXA_API_KEY"
    with pytest.raises(ValidationError, match="search_providers"):
        Settings.model_validate({"search_providers": ("gogle",)})


def test_the_settings_take_the_name_of_every_provider() -> None:
    """The library is always there, so no setting names it."""
    named = [name for name in NAMES if name != "library"]
    assert Settings.model_validate({"search_providers": named}).search_providers == tuple(named)
    with pytest.raises(ValidationError):
        Settings.model_validate({"search_providers": ("library",)})


async def test_the_operators_searxng_may_be_private() -> None:
    """It is named by the operator, so loopback is meant; others still may not go there."""
    async with serve_pages({}, said(answers.SEARXNG)) as pages:
        found = await search(configured_providers(Settings(searxng_url=pages.url(""), search_providers=("searxng",))))
    assert paths(found) == ["How kettles work", "Why kettles work"]


async def test_the_library_can_be_asked_like_any_other() -> None:
    """Its hits are paths."""
    providers = configured_providers(Settings(search_providers=()), Library(LIBRARY))
    with fail_after(20):
        found = await providers.search("How do I descale a kettle?", wanted={"local"}, language="en", limit=2)
    assert (found.hits[0].url, found.hits[0].kind) == ("kettles.md", "local")
    assert found.failures == ()


class RatelimitError(Exception): ...


class GivenUpError(Exception): ...


class OtherError(Exception): ...


class PretendDdgs:
    """Has the form of the package ddgs, as far as it is used: says what it is told to say, or raises it."""

    class exceptions:
        RatelimitException = RatelimitError
        TimeoutException = GivenUpError
        DDGSException = OtherError

    def __init__(self, outcome: Any) -> None:
        self.outcome = outcome

    def DDGS(self, timeout: int) -> "PretendDdgs":
        return self

    def text(self, query: str, region: str, max_results: int) -> Any:
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome


@pytest.mark.parametrize(
    ("outcome", "code"),
    [
        (RatelimitError("202"), "rate_limited"),
        (GivenUpError("slow"), "timeout"),
        (OtherError("broken"), "bad_response"),
    ],
)
async def test_ddgs_has_reasons_like_the_others(outcome: Exception, code: str) -> None:
    """What the package raises, as it documents it."""
    with fail_after(5), pytest.raises(ProviderFailed) as caught:
        await Ddgs(lambda: PretendDdgs(outcome)).search("kettle", language="zh", limit=5)
    assert caught.value.code == code


async def test_ddgs_finds_what_its_package_finds() -> None:
    """Hostile addresses dropped as with all others; "no results" is an error to it and none to us."""
    said = [{"href": "javascript:x", "title": "Bad"}, 7, {"href": "https://a.example/", "title": "A", "body": "b"}]
    with fail_after(5):
        found = await Ddgs(lambda: PretendDdgs(said)).search("kettle", language="en", limit=5)
        none = await Ddgs(lambda: PretendDdgs(OtherError("No results found."))).search("x", language="en", limit=5)
    assert [(one.url, one.snippet) for one in found] == [("https://a.example/", "b")]
    assert none == []


@pytest.mark.skipif(importlib.util.find_spec("ddgs") is not None, reason="the package is installed here")
async def test_ddgs_without_its_package_says_what_to_install() -> None:
    """In the states of the roster, and to whoever asks it all the same."""
    with fail_after(5), pytest.raises(ProviderFailed) as caught:
        await Ddgs().search("kettle", language="en", limit=5)
    assert (caught.value.code, "pip install" in caught.value.message) == ("missing_package", True)
    (state,) = (one for one in configured(search_providers="ddgs").states() if one.name == "ddgs")
    assert described(state)["en"] == "Not installed: pip install 'holdfast[ddgs]'"
