"""Pages whose text only scripts write, fetched with a real browser and without one."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from anyio import fail_after
from anyio.abc import SocketStream

from server.errors import BrowserMissing
from server.settings import Settings
from server.sources.browser import find_browser
from server.sources.chromium.pool import Chromium
from server.sources.chromium.rendering import ChromiumRenderer
from server.sources.egress import Judge
from server.sources.failures import SourceFailed
from server.sources.fetch import Fetcher
from server.sources.guard import EgressGuard
from server.sources.providers.configured import configured_providers
from server.sources.providers.pages import FoundPages
from tests.sources.pages import Pages, Serve, answer, never, page, serve_pages

LOOPBACK = ("127.0.0.1",)
SECRET = "The code of the safe is 4711, and the key lies under the mat. " * 5
WAYS_IN = {
    "beside": """fetch(there).then(r => r.text()).then(show, e => show('refused ' + e));
document.body.append(Object.assign(document.createElement('iframe'), {src: there}));
document.body.append(Object.assign(document.createElement('img'), {src: there}));
new WebSocket(there.replace('http', 'ws')); navigator.sendBeacon(there, 'x')""",
    "instead": "setTimeout(() => { location = there }, 50)",
}
"""By what is loaded beside the page, and by what is moved on to."""

LONG = " ".join(f"Sentence number {number} was there from the beginning." for number in range(10))
DRAWN = """<div id="root"></div><script>setTimeout(() => {
document.getElementById('root').innerHTML = '<p>' + 'The kettle was descaled with vinegar. '.repeat(8) + '</p>';
}, 300)</script>"""
FETCHED = """<div id="root">…</div><script>fetch('/data').then(r => r.text()).then(text => {
document.getElementById('root').innerHTML = '<p>' + text + '</p>'; })</script>"""
ROUTES: dict[str, bytes | Serve] = {
    "/drawn": page(DRAWN),
    "/fetched": page(FETCHED),
    "/data": answer(("茶叶要密封保存，放在阴凉干燥的地方。" * 20).encode(), Content_Type="text/plain; charset=utf-8"),
    "/long": page(f"<p>{LONG}</p><script>document.title = 'changed'</script>"),
    "/short": page("<p>All of it.</p><script>document.title = 'changed'</script>"),
    "/bare": page("<div></div>"),
    "/blank": page("<div></div><script>1</script>"),
    "/gone": page("<div></div><script>location = '/never'</script>"),
    "/never": never,
}


def missing() -> Path:
    raise BrowserMissing("There is none in this test.")


@pytest.fixture
async def pages() -> AsyncIterator[Pages]:
    async with serve_pages(ROUTES) as served:
        yield served


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
async def test_text_that_scripts_write_is_read(pages: Pages, renderer: ChromiumRenderer) -> None:
    """At once or a little later, out of the page or out of what it fetches."""
    fetcher = Fetcher(LOOPBACK, renderer=renderer)
    with fail_after(60):
        drawn = await fetcher.fetch(pages.url("/drawn"))
        fetched = await fetcher.fetch(pages.url("/fetched"))
    assert drawn.rendered
    assert drawn.document.text.count("descaled with vinegar") == 8
    assert fetched.document.text.count("密封保存") == 20
    assert (drawn.media_type, len(drawn.sha256)) == ("text/html", 64)
    assert renderer.pool.in_use == 0


@pytest.mark.browser
async def test_a_page_with_text_of_its_own_is_not_opened_in_the_browser(
    pages: Pages, renderer: ChromiumRenderer
) -> None:
    """A short one with scripts is, and stays as it was if that brings nothing more."""
    fetcher = Fetcher(LOOPBACK, renderer=renderer)
    with fail_after(60):
        long = await fetcher.fetch(pages.url("/long"))
        assert pages.asked == ["/long"]
        short = await fetcher.fetch(pages.url("/short"))
    assert not long.rendered
    assert not short.rendered
    assert short.document.text == "All of it."
    assert pages.asked.count("/short") == 2


@pytest.mark.browser
async def test_a_page_without_any_text_is_empty_in_the_browser_too(pages: Pages, renderer: ChromiumRenderer) -> None:
    """And without scripts nobody looks twice."""
    fetcher = Fetcher(LOOPBACK, renderer=renderer)
    with fail_after(60):
        for path, times in (("/bare", 1), ("/blank", 2)):
            with pytest.raises(SourceFailed) as caught:
                await fetcher.fetch(pages.url(path))
            assert caught.value.code == "empty"
            assert pages.asked.count(path) == times


@pytest.mark.browser
async def test_a_page_that_does_not_come_in_the_browser_says_so(pages: Pages, renderer: ChromiumRenderer) -> None:
    """Within its time."""
    hasty = ChromiumRenderer(renderer.pool, render_seconds=1.0)
    with fail_after(60), pytest.raises(SourceFailed) as caught:
        await Fetcher(LOOPBACK, renderer=hasty).fetch(pages.url("/gone"))
    assert caught.value.code == "needs_browser"
    assert "1 seconds" in caught.value.message


async def test_without_a_browser_such_a_page_is_named_and_others_are_read(pages: Pages) -> None:
    """What little text there is, is taken."""
    pool = Chromium(missing, EgressGuard(Judge(LOOPBACK)))
    async with pool.running():
        fetcher = Fetcher(LOOPBACK, renderer=ChromiumRenderer(pool))
        with fail_after(30), pytest.raises(SourceFailed) as caught:
            await fetcher.fetch(pages.url("/drawn"))
        assert caught.value.code == "needs_browser"
        assert "has no browser" in caught.value.message
        assert (await fetcher.fetch(pages.url("/short"))).document.text == "All of it."


@pytest.mark.browser
@pytest.mark.parametrize("way", WAYS_IN)
async def test_a_found_page_reaches_nothing_private_from_the_browser(renderer: ChromiumRenderer, way: str) -> None:
    """Although the operator's own requests may name the place: what a search has found is no such request."""
    async with serve_pages({}, otherwise=page(f"<p>{SECRET}</p>")) as canary:
        script = (
            "const show = text => { document.getElementById('root').textContent = text };"
            f"const there = '{canary.url('/safe')}'; {WAYS_IN[way]}"
        )
        found = page(f"<div id=root>A page that a search has found.</div><script>{script}</script>")
        async with serve_pages({"/found": found}) as pages:
            place = (f"127.0.0.1:{pages.port}",)
            fetched = FoundPages(Fetcher(place, renderer=renderer))
            with fail_after(60):
                read = await fetched.fetch(pages.url("/found"))
            assert pages.asked.count("/found") == 2, "it was opened in the browser too"
        assert canary.asked == []
    assert "4711" not in read.document.text


@pytest.mark.browser
async def test_a_found_page_that_leads_the_browser_to_a_private_place_is_not_followed(
    renderer: ChromiumRenderer,
) -> None:
    """Neither from the page that was fetched, nor from what it answers the browser the second time."""
    async with serve_pages({}, otherwise=page(f"<p>{SECRET}</p>")) as canary:
        moved = answer(b"", status="302 Found", Location=canary.url("/safe"))

        answers = iter([page("<div></div><script>1</script>"), moved])

        async def first_a_page(stream: SocketStream) -> None:
            await stream.send(next(answers))

        async with serve_pages({"/found": first_a_page, "/moved": moved}) as pages:
            found = FoundPages(Fetcher((f"127.0.0.1:{pages.port}",), renderer=renderer))
            with fail_after(60), pytest.raises(SourceFailed) as caught:
                await found.fetch(pages.url("/found"))
            assert pages.asked.count("/found") == 2, "it was opened in the browser too"
            with fail_after(60), pytest.raises(SourceFailed, match=r"Port \d+ may not"):
                await found.fetch(pages.url("/moved"))
        assert canary.asked == []
    assert caught.value.code == "needs_browser"


async def test_a_server_on_loopback_fetches_no_found_page_from_there(pages: Pages) -> None:
    """By HTTP or in the browser: the roster's own fetcher knows no private places, whatever requests may name."""
    chromium = ChromiumRenderer(Chromium(missing, EgressGuard(Judge(LOOPBACK))))
    providers = configured_providers(Settings(extra_ports=(pages.port,)), renderer=chromium)
    with fail_after(30), pytest.raises(SourceFailed) as caught:
        await providers.pages.fetch(pages.url("/drawn"))
    assert caught.value.code == "forbidden_address"
    assert pages.asked == []
