"""Each provider reads its own documented answers, and has a reason for each other thing that may come instead."""

import gzip
import logging
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson
import pytest
from anyio import fail_after

from server.sources.providers.base import ProviderFailed
from server.sources.providers.client import ProviderClient
from server.sources.providers.clock import ManualClock
from server.sources.providers.hits import plain
from server.sources.providers.openalex import abstract_of
from server.sources.providers.wikipedia import Wikipedia
from tests.sources.pages import Serve, answer, drip, never, serve_pages
from tests.sources.providers import answers
from tests.sources.providers.asking import CASES, KEY, ask, client, said

JSON = {"Content_Type": "application/json"}
each_provider = pytest.mark.parametrize("name", CASES)


async def failure(name: str, served: bytes | Serve, clock: ManualClock | None = None, **limits: Any) -> ProviderFailed:
    async with serve_pages({}, served) as pages:
        provider = CASES[name].make(client(clock, **limits), pages.url(""))
        with fail_after(10), pytest.raises(ProviderFailed) as caught:
            await ask(provider)
    assert caught.value.message.endswith(".")
    assert KEY not in repr(caught.value) + str(caught.value) + caught.value.message
    return caught.value


@each_provider
async def test_the_documented_answer_is_read(name: str) -> None:
    """Addresses in their one spelling, titles without markup, in the provider's order, under its name."""
    case = CASES[name]
    async with serve_pages({}, said(case.said)) as pages:
        with fail_after(5):
            found = await ask(case.make(client(), pages.url("")))
        site = pages.url("")
    assert [(one.url, one.title) for one in found] == [(url.format(site=site), title) for url, title in case.found]
    assert {one.provider for one in found} == {name}
    assert urlsplit(pages.asked[0]).path == case.asks
    assert len(pages.asked) == 1


@each_provider
async def test_no_results_are_no_failure(name: str) -> None:
    """An empty list is an answer."""
    case = CASES[name]
    async with serve_pages({}, said(case.empty)) as pages:
        with fail_after(5):
            assert await ask(case.make(client(), pages.url(""))) == []


@each_provider
async def test_no_more_hits_come_than_were_asked_for(name: str) -> None:
    """Whatever the provider makes of the limit."""
    case = CASES[name]
    async with serve_pages({}, said(case.said)) as pages:
        with fail_after(5):
            assert len(await ask(case.make(client(), pages.url("")), limit=1)) == 1


@each_provider
@pytest.mark.parametrize("garbage", [b"{", b"\xff\xfe\x00", b"", b"<html><p>Rate exceeded.</p></html>", b"null}"])
async def test_garbage_is_a_bad_response(name: str, garbage: bytes) -> None:
    """It calls itself what was asked for, and is not."""
    media_type = "application/atom+xml" if name == "arxiv" else "application/json"
    assert (await failure(name, answer(garbage, Content_Type=media_type))).code == "bad_response"


@pytest.mark.parametrize("name", sorted(CASES.keys() - {"arxiv"}))
@pytest.mark.parametrize("shape", [None, [], 7, "text", {"results": 7}, {"query": []}, {"message": {"items": [1]}}])
async def test_json_of_another_shape_finds_nothing(name: str, shape: Any) -> None:
    """A list where an object should be, a number where a list should be: nothing breaks, nothing is made up."""
    async with serve_pages({}, answer(orjson.dumps(shape), **JSON)) as pages:
        with fail_after(5):
            assert await ask(CASES[name].make(client(), pages.url(""))) == []


@each_provider
async def test_another_type_than_was_asked_for_is_refused(name: str) -> None:
    """A page that says something in a friendly way is no answer."""
    page = answer(b"<html><p>Please log in to go on.</p></html>", Content_Type="text/html")
    assert (await failure(name, page)).code == "unsupported_type"


@each_provider
async def test_a_huge_answer_is_refused(name: str) -> None:
    """Whether it comes as it is or blown up from a small one."""
    types = {"Content_Type": "application/atom+xml" if name == "arxiv" else "application/json"}
    huge = b'"' + b"x" * 200_000 + b'"'
    assert (await failure(name, answer(huge, **types), most_bytes=100_000)).code == "too_large"
    packed = answer(gzip.compress(huge), Content_Encoding="gzip", **types)
    assert (await failure(name, packed, most_bytes=100_000)).code == "too_large"


@each_provider
async def test_a_provider_that_is_silent_or_drips_is_given_up(name: str) -> None:
    """The whole request has a time limit."""
    assert (await failure(name, never, total_seconds=0.2)).code == "timeout"
    assert (await failure(name, drip, total_seconds=0.2)).code in {"timeout", "unsupported_type"}


@each_provider
async def test_retry_after_is_read_in_seconds_and_as_a_date(name: str) -> None:
    """429 says how long it wants to be left in peace, or nothing of it."""
    clock = ManualClock(time=1_700_000_000.0)
    at = format_datetime(datetime.fromtimestamp(clock.time + 90, UTC), usegmt=True)
    for told, seconds in (("7", 7.0), (at, 90.0), ("soon", None), ("999999", 3600.0), ("-5", None)):
        caught = await failure(name, answer(b"{}", status="429 Too Many Requests", Retry_After=told), clock)
        assert (caught.code, caught.retry_after) == ("rate_limited", seconds), told
    assert (await failure(name, answer(b"{}", status="429 Too Many Requests"), clock)).retry_after is None


@each_provider
@pytest.mark.parametrize(
    ("status", "code"),
    [
        ("500 Internal Server Error", "http_500"),
        ("503 Service Unavailable", "http_503"),
        ("404 Not Found", "http_404"),
        ("401 Unauthorized", "denied"),
        ("403 Forbidden", "denied"),
        ("302 Found", "bad_response"),
    ],
)
async def test_each_status_but_200_has_its_reason(name: str, status: str, code: str) -> None:
    """Redirects are not followed: a key would go with them."""
    served = answer(b'{"error": "no"}', status=status, Location="http://127.0.0.1:1/", **JSON)
    assert (await failure(name, served)).code == code


@each_provider
async def test_nobody_there_is_told_as_such(name: str) -> None:
    """A port where nobody listens."""
    async with serve_pages({}) as pages:
        site = pages.url("")
    with fail_after(5), pytest.raises(ProviderFailed) as caught:
        await ask(CASES[name].make(client(), site))
    assert caught.value.code == "unreachable"


def test_markup_goes_and_signs_of_mathematics_stay() -> None:
    """An abstract may be quoted, so nothing of its text may go for looking like a tag."""
    assert plain('<jats:p>If <i>a</i> <b and c> d,</jats:p><br/>then <span class="x">x</span> <y.') == (
        "If a <b and c> d, then x <y."
    )
    assert plain("<" * 50_000) == "<" * 40_000
    assert plain('<b x="' * 8_000).startswith('<b x="')


async def test_a_question_of_any_length_can_be_asked() -> None:
    """A question may have 4000 characters, and a server's line for an address has not."""
    for name, case in CASES.items():
        for question in ("samovar " * 500, "水垢怎么去除" * 600):
            async with serve_pages({}, said(case.said)) as pages:
                with fail_after(5):
                    await case.make(client(), pages.url("")).search(question, language="zh", limit=3)
            assert all(len(path) < 6_000 for path in pages.asked), name


HOSTILE = [
    "javascript:alert(1)",
    "data:text/html,x",
    "http://user:secret@kettles.example/",
    "https://kettles.example/" + "x" * 2100,
    "file:///etc/passwd",
    "https://",
    "",
    None,
    7,
    ["https://kettles.example/"],
]


@pytest.mark.parametrize("url", HOSTILE, ids=lambda url: str(url)[:20])
async def test_hits_that_can_not_be_fetched_are_dropped(url: Any) -> None:
    """Scripts, credentials in the address, no address: what stands beside them is found as ever."""
    good = {"url": "https://kettles.example/good", "title": "Good", "content": "Good."}
    bad = {"url": url, "title": "Bad", "content": "Bad."}
    async with serve_pages({}, said({"results": [bad, good, bad, 7, None]})) as pages:
        with fail_after(5):
            found = await ask(CASES["tavily"].make(client(), pages.url("")))
    assert [one.url for one in found] == ["https://kettles.example/good"]


async def test_hostile_titles_become_one_line_of_text() -> None:
    """Tags go, controls are replaced, marks that turn the text's direction go, and there is an end to it."""
    title = "<b onclick=x>A</b>\u202etxet\u2066 \x00\x1b[31m &lt;script&gt;\n\tend " + "long " * 200
    async with serve_pages({}, said({"results": [{"url": "https://kettles.example/", "title": title}]})) as pages:
        with fail_after(5):
            (found,) = await ask(CASES["tavily"].make(client(), pages.url("")))
    assert found.title.startswith("Atxet \ufffd\ufffd[31m <script> end long")
    assert len(found.title) <= 300


@each_provider
async def test_a_key_goes_to_the_provider_and_nowhere_else(name: str, caplog: pytest.LogCaptureFixture) -> None:
    """It is in a header, not in an address or a body, nor in what the provider shows of itself or this program logs."""
    with caplog.at_level(logging.DEBUG, logger="server"):
        async with serve_pages({}, answer(b"{}", status="403 Forbidden", **JSON)) as pages:
            provider = CASES[name].make(client(), pages.url(""))
            with fail_after(5), pytest.raises(ProviderFailed):
                await ask(provider)
    assert (KEY in "".join(pages.heads)) == (name in {"openalex", "tavily", "brave", "exa"})
    assert KEY not in "".join(pages.asked) + b"".join(pages.bodies).decode()
    assert KEY not in repr(provider)
    ours = [record.getMessage() for record in caplog.records if record.name.startswith("server")]
    assert not [line for line in ours if KEY in line]


async def test_wikipedia_is_asked_in_the_askers_language() -> None:
    """``{language}`` in its address, and the words that the question is about, not those that only ask."""
    for language, asked, words in (
        ("en", "How does a kettle boil?", "kettle boil"),
        ("zh", "为什么水壶会生水垢？", "水壶"),
    ):
        async with serve_pages({}, said(answers.WIKIPEDIA)) as pages:
            provider = CASES["wikipedia"].make(client(), pages.url("/{language}"))
            with fail_after(5):
                found = await provider.search(asked, language=language, limit=3)
        assert found[0].url == pages.url(f"/{language}/wiki/Kettle_%26_pot")
        assert words in parse_qs(urlsplit(pages.asked[0]).query)["srsearch"][0]


async def test_wikipedia_tells_errors_with_status_200() -> None:
    """Such an answer is no empty list of results."""
    assert (await failure("wikipedia", said(answers.WIKIPEDIA_ERROR))).code == "rate_limited"
    other = {"error": {"code": "search-error", "info": "Broken."}}
    assert (await failure("wikipedia", said(other))).code == "bad_response"


async def test_arxiv_tells_errors_as_an_entry() -> None:
    """A feed whose only entry is called *Error* is no result; nor is a plain text that says the rate was exceeded."""
    assert (await failure("arxiv", said(answers.ARXIV_ERROR))).code == "bad_response"
    assert (await failure("arxiv", answer(b"Rate exceeded.", Content_Type="text/plain"))).code == "unsupported_type"


def feed_with(entities: str, used: str) -> bytes:
    feed = answers.ARXIV.partition("?>")[2].replace("On the boiling of", used)
    return said(f'<?xml version="1.0"?><!DOCTYPE feed [{entities}]>{feed}')


async def test_arxiv_reads_no_entities_from_elsewhere(tmp_path: Path) -> None:
    """Neither files nor addresses come into a title."""
    secret = tmp_path / "secret"
    secret.write_text("a secret of this machine")
    async with serve_pages({}, feed_with(f'<!ENTITY x SYSTEM "{secret.as_uri()}">', "&x;")) as pages:
        with fail_after(5):
            found = await ask(CASES["arxiv"].make(client(), pages.url("")))
    assert [one.title for one in found] == ["https://arxiv.org/abs/2401.00001v2", "Older kettles"]


async def test_arxiv_does_not_blow_entities_up() -> None:
    """The billion laughs are refused before there are many of them."""
    laughs = '<!ENTITY a "ha">' + "".join(
        f'<!ENTITY {this} "{f"&{before};" * 10}">' for before, this in zip("abcdefgh", "bcdefghi", strict=True)
    )
    assert (await failure("arxiv", feed_with(laughs, "&i;"))).code == "bad_response"


async def test_arxiv_is_not_asked_what_it_can_not_find() -> None:
    """A question without a word of an alphabet: its records are in English."""
    async with serve_pages({}, said(answers.ARXIV)) as pages:
        with fail_after(5):
            found = await CASES["arxiv"].make(client(), pages.url("")).search("水壶为什么响？", language="zh", limit=3)
    assert (found, pages.asked) == ([], [])


async def test_papers_carry_their_abstract_date_and_pdf() -> None:
    """The abstract is whole, so it may be quoted."""
    wanted = {
        "arxiv": (
            "We boil kettles with a < b & c. They whistle at 100 degrees.",
            "2024-01-02",
            "https://arxiv.org/pdf/2401.00001v2",
        ),
        "openalex": ("Scale forms where water forms slowly.", "2021-03-04", "https://journal.example/kettle.pdf"),
        "crossref": ("Kettles were & are boiled.", "2020-05", "https://journal.example/2.pdf"),
    }
    for name, (text, published, pdf) in wanted.items():
        async with serve_pages({}, said(CASES[name].said)) as pages:
            with fail_after(5):
                first = (await ask(CASES[name].make(client(), pages.url(""))))[0]
        assert (first.text, first.published, first.pdf, first.kind) == (text, published, pdf, "paper")


def test_an_abstract_out_of_all_proportion_is_not_built() -> None:
    """Places may be anything that JSON can hold."""
    assert abstract_of({"a": [10**12, -1, "x", None, 1.5], "b": [0]}) == "b"
    assert abstract_of({"a": list(range(10**5))}).count("a") <= 4000
    assert abstract_of({"a": 7}) == abstract_of([]) == abstract_of(None) == ""


async def test_searxng_says_when_none_of_its_engines_answered() -> None:
    """An empty list would look as if there was nothing to find; and 403 means that JSON is not switched on."""
    assert (await failure("searxng", said(answers.SEARXNG_UNRESPONSIVE))).code == "bad_response"
    refused = await failure("searxng", answer(b"no", status="403 Forbidden"))
    assert "search.formats" in refused.message


async def test_the_contact_is_told_to_those_that_ask_for_one() -> None:
    """In the User-Agent, as Wikimedia and Crossref have it."""
    async with serve_pages({}, said(answers.CROSSREF)) as pages:
        with fail_after(5):
            await ask(CASES["crossref"].make(client(contact="ops@kettles.example"), pages.url("")))
    assert "(mailto:ops@kettles.example)" in pages.heads[0]


async def test_nothing_private_is_reached_unless_the_operator_named_it() -> None:
    """A provider's name that leads to loopback is refused before anything is sent."""
    async with serve_pages({}, said(answers.WIKIPEDIA)) as pages:
        with fail_after(5), pytest.raises(ProviderFailed) as caught:
            await ask(Wikipedia(ProviderClient(), pages.url("")))
    assert caught.value.code == "forbidden_address"
    assert pages.asked == []
