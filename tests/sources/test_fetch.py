"""Fetching over real sockets: every way in which a server can be bad has its code, and none of them hangs."""

import gzip

import pytest
from anyio import fail_after

from server.sources.failures import SourceFailed
from server.sources.fetch import Fetcher
from tests.making import pdf
from tests.sources.pages import Serve, answer, drip, never, page, serve_pages

LOOPBACK = ("127.0.0.1", "localhost")
HTML = {"Content_Type": "text/html"}


async def failure(routes: dict[str, bytes | Serve], path: str = "/", **limits: float) -> SourceFailed:
    async with serve_pages(routes) as pages:
        fetcher = Fetcher(LOOPBACK, **limits)  # type: ignore[arg-type]
        with fail_after(10), pytest.raises(SourceFailed) as caught:
            await fetcher.fetch(pages.url(path))
    assert caught.value.message.endswith(".")
    return caught.value


async def test_a_page_is_fetched_and_read() -> None:
    """Title, text and hash come out, and the request names its sender."""
    async with serve_pages({"/a": page("<p>One sentence stands here.</p>", title="Here")}) as pages:
        found = await Fetcher(LOOPBACK).fetch(pages.url("/a"))
    assert found.document.title == "Here"
    assert [block.text for block in found.document.blocks] == ["One sentence stands here."]
    assert len(found.sha256) == 64
    assert "User-Agent: Holdfast/" in pages.heads[0]


@pytest.mark.parametrize("status", ["500 Internal Server Error", "404 Not Found", "403 Forbidden", "204 No Content"])
async def test_any_status_but_200_is_a_failure_with_its_number(status: str) -> None:
    """What a server says instead of a page is never taken for one."""
    caught = await failure({"/": answer(b"<p>Something went wrong here.</p>", status=status, **HTML)})
    assert caught.code == f"http_{status[:3]}"


async def test_a_server_that_never_answers_is_given_up() -> None:
    """The whole fetch has a time limit, whatever the server does."""
    assert (await failure({"/": never}, total_seconds=0.3)).code == "timeout"


async def test_a_server_that_drips_for_ever_is_given_up() -> None:
    """Bytes that keep coming don't put the limit off."""
    assert (await failure({"/": drip}, total_seconds=0.3)).code == "timeout"


async def test_a_refused_connection_says_so() -> None:
    """A port where nobody listens."""
    async with serve_pages({}) as pages:
        port = pages.port
    with fail_after(5), pytest.raises(SourceFailed) as caught:
        await Fetcher(LOOPBACK).fetch(f"http://127.0.0.1:{port}/")
    assert caught.value.code == "unreachable"


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x00\xff\xfe garbage\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nshort",
        b"",
        b"HTTP/9.9 abc\r\n\r\n",
    ],
)
async def test_an_answer_that_is_no_http_is_a_bad_response(garbage: bytes) -> None:
    """Garbage, a body cut short, nothing at all."""
    assert (await failure({"/": garbage})).code in {"bad_response", "unsupported_type"}


async def test_redirects_are_followed_to_their_end() -> None:
    """A relative Location works; the final address is told."""
    routes: dict[str, bytes | Serve] = {
        "/a": answer(status="302 Found", Location="/b"),
        "/b": page("<p>Arrived at the second page.</p>"),
    }
    async with serve_pages(routes) as pages:
        found = await Fetcher(LOOPBACK).fetch(pages.url("/a"))
        assert found.url == pages.url("/b")


async def test_a_redirect_loop_ends() -> None:
    """Five redirects are followed, no more."""
    assert (await failure({"/": answer(status="301 Moved", Location="/")})).code == "too_many_redirects"


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://example.org/", "http://user:secret@127.0.0.1/"])
async def test_a_redirect_to_what_is_no_page_is_refused(target: str) -> None:
    """Only http and https, and no credentials, on every hop."""
    assert (await failure({"/": answer(status="302 Found", Location=target)})).code == "invalid_url"


async def test_a_redirect_to_another_private_host_is_refused() -> None:
    """The request named 127.0.0.1; that allows no step from there to another private name, though both are allowed."""
    async with serve_pages({"/b": page("<p>Not to be read by this way.</p>")}) as pages:
        pages.routes["/a"] = answer(status="302 Found", Location=pages.url("/b", host="localhost"))
        with pytest.raises(SourceFailed) as caught:
            await Fetcher(LOOPBACK).fetch(pages.url("/a"))
    assert caught.value.code == "forbidden_address"
    assert pages.asked == ["/a"]


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:{port}/", "http://127.1:{port}/", "http://2130706433:{port}/", "http://[::1]:{port}/"]
)
async def test_private_hosts_are_refused_unless_allowed(url: str) -> None:
    """However the address is spelled, nothing is sent."""
    async with serve_pages({"/": page("<p>Private matters.</p>")}) as pages:
        with pytest.raises(SourceFailed) as caught:
            await Fetcher().fetch(url.format(port=pages.port))
    assert caught.value.code in {"forbidden_address", "unknown_host"}
    assert pages.asked == []


async def test_a_page_that_is_too_large_is_refused() -> None:
    """The limit is on what was sent and decoded."""
    body = b"<p>" + b"word " * 10_000
    assert (await failure({"/": answer(body, **HTML)}, most_bytes=10_000)).code == "too_large"


async def test_a_compressed_bomb_is_refused() -> None:
    """A few kilobytes that unpack to many are stopped while they unpack."""
    bomb = gzip.compress(b"<p>" + b"0" * 5_000_000)
    sent = answer(bomb, Content_Encoding="gzip", **HTML)
    assert (await failure({"/": sent}, most_bytes=100_000)).code == "too_large"


async def test_gzip_is_understood() -> None:
    """As most servers send their pages."""
    body = gzip.compress(b"<main><p>Packed, but all there.</p></main>")
    async with serve_pages({"/": answer(body, Content_Encoding="gzip", **HTML)}) as pages:
        found = await Fetcher(LOOPBACK).fetch(pages.url("/"))
    assert found.document.text == "Packed, but all there."


async def test_broken_compression_is_a_bad_response() -> None:
    """Bytes that only claim to be gzip."""
    assert (await failure({"/": answer(b"not gzip", Content_Encoding="gzip", **HTML)})).code == "bad_response"


async def test_an_answer_without_a_body_is_empty_whatever_its_type() -> None:
    """Also where it names no type."""
    assert (await failure({"/": answer(b"")})).code == "empty"
    assert (await failure({"/": answer(b"", Content_Type="application/octet-stream")})).code == "empty"
    assert (await failure({"/": answer(b"x")})).code == "unsupported_type"


@pytest.mark.parametrize("media_type", ["application/json", "image/png", "video/mp4"])
async def test_other_types_are_refused_by_name(media_type: str) -> None:
    """JSON and pictures are no text to quote from."""
    caught = await failure({"/": answer(b"{}", Content_Type=media_type)})
    assert (caught.code, media_type in caught.message) == ("unsupported_type", True)


async def test_an_empty_page_is_an_error_of_that_source() -> None:
    """A page without text is no result."""
    assert (await failure({"/": page("<nav><a href=/>Home</a></nav>")})).code == "empty"
    assert (await failure({"/": answer(b"", **HTML)})).code == "empty"


async def test_the_declared_charset_is_used() -> None:
    """A page in GB2312, declared in the header as the standard calls it."""
    body = "<main><p>这个网页用国标编码。</p></main>".encode("gb2312")
    async with serve_pages({"/": answer(body, Content_Type="text/html; charset=gb2312")}) as pages:
        found = await Fetcher(LOOPBACK).fetch(pages.url("/"))
    assert found.document.text == "这个网页用国标编码。"


async def test_an_unknown_host_says_so() -> None:
    """`.invalid` never resolves (RFC 6761)."""
    with fail_after(20), pytest.raises(SourceFailed) as caught:
        await Fetcher().fetch("http://no-such-host.invalid/")
    assert caught.value.code == "unknown_host"


async def test_navigation_of_an_unmarked_page_gives_no_text() -> None:
    """A page without a main element: what reads as boilerplate is left out, the article stays as it is."""
    article = " ".join(f"Sentence number {n} tells a little more about the tides of the sea." for n in range(12))
    links = "".join(f"<div class=x><a href=/{n}>Link number {n}</a></div>" for n in range(20))
    body = (
        f"<html><body><div>{links}</div><div><h1>Tides</h1><p>{article}</p></div><div>Copyright 2020 by us</div></body>"
    )
    async with serve_pages({"/": answer(body.encode(), **HTML)}) as pages:
        found = await Fetcher(LOOPBACK).fetch(pages.url("/"))
    assert article in found.document.text
    assert "Link number" not in found.document.text


async def test_an_address_that_looks_like_a_number_and_is_none_has_its_code() -> None:
    """The client reads such a host in its own way and refuses it; that must not end the task."""
    with pytest.raises(SourceFailed) as failed:
        await Fetcher(LOOPBACK).fetch("http://0177.0.0.1/")
    assert failed.value.code == "bad_response"


@pytest.mark.parametrize("media_type", ["application/pdf", "application/octet-stream", "binary/octet-stream", ""])
async def test_a_paper_is_read_whatever_its_address_looks_like(media_type: str) -> None:
    """As arXiv has them: no file name in the address; some servers don't say what it is, but the file does."""
    types = {"Content_Type": media_type} if media_type else {}
    async with serve_pages({"/pdf/2401.00001v2": answer(pdf("A sentence in a paper."), **types)}) as pages:
        found = await Fetcher(LOOPBACK).fetch(pages.url("/pdf/2401.00001v2"))
    assert (found.media_type, found.document.text) == ("application/pdf", "A sentence in a paper.")


async def test_a_paper_that_an_older_address_redirects_to_is_read() -> None:
    """``/pdf/….pdf`` leads to the address without the ending."""
    routes: dict[str, bytes | Serve] = {
        "/pdf/2401.00001.pdf": answer(status="301 Moved Permanently", Location="/pdf/2401.00001"),
        "/pdf/2401.00001": answer(pdf("A sentence in a paper."), Content_Type="application/pdf"),
    }
    async with serve_pages(routes) as pages:
        found = await Fetcher(LOOPBACK).fetch(pages.url("/pdf/2401.00001.pdf"))
    assert found.url == pages.url("/pdf/2401.00001")


async def test_a_paper_that_is_called_something_else_is_not_guessed_at() -> None:
    """A type that is said counts: what calls itself a picture is no paper, whatever it begins with."""
    assert (await failure({"/": answer(pdf("x"), Content_Type="image/png")})).code == "unsupported_type"
    assert (await failure({"/": answer(b"%PDF-1.4 and nothing else")})).code == "broken"
