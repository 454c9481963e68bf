"""The guard that a browser goes out through, spoken to as a browser does and as an attacker would."""

import base64
import gzip
import ipaddress
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import anyio
import pytest
from anyio.abc import SocketAttribute, SocketStream

from server.sources.egress import Address, Judge
from server.sources.guard import EgressGuard, Pass

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"


class Site:
    """Answers each connection with the same bytes, and keeps what it was sent."""

    def __init__(self, answer: bytes) -> None:
        self.answer, self.got, self.port = answer, bytearray(), 0

    async def serve(self, client: SocketStream) -> None:
        async with client:
            self.got += await client.receive()
            await client.send(self.answer)


@asynccontextmanager
async def site(answer: bytes = OK) -> AsyncIterator[Site]:
    made = Site(answer)
    async with await anyio.create_tcp_listener(local_host="127.0.0.1") as listener, anyio.create_task_group() as tg:
        made.port = listener.extra(SocketAttribute.local_port)  # noqa: S610 - a listener, not a query
        tg.start_soon(listener.serve, made.serve)
        yield made
        tg.cancel_scope.cancel()


def bearing(held: Pass) -> bytes:
    key = base64.b64encode(f"{held.proxy['username']}:{held.proxy['password']}".encode())
    return b"Proxy-Authorization: Basic " + key + b"\r\n"


async def say(guard: EgressGuard, sent: bytes) -> bytes:
    """The whole answer to these bytes."""
    answer = b""
    with anyio.fail_after(10):
        async with await anyio.connect_tcp("127.0.0.1", guard.port) as stream:
            await stream.send(sent)
            try:
                while True:
                    answer += await stream.receive()
            except (anyio.EndOfStream, anyio.BrokenResourceError):
                return answer


def answering(*answers: str) -> Callable[[str, int], Awaitable[list[Address]]]:
    """A name server that gives each of these in turn, and the last for ever; several addresses stand with commas."""
    left = list(answers)

    async def resolve(host: str, port: int) -> list[Address]:
        now = left.pop(0) if len(left) > 1 else left[0]
        return [ipaddress.ip_address(each) for each in now.split(",")]

    return resolve


async def test_the_named_private_place_is_reached_and_its_neighbour_is_not() -> None:
    """What the operator allows is what the request named, host and port."""
    async with site() as wanted, site() as canary, EgressGuard(Judge(("127.0.0.1",))) as guard:
        url = f"http://127.0.0.1:{wanted.port}/"
        async with guard.admit(url) as held:
            answer = await say(guard, f"GET {url} HTTP/1.1\r\nHost: x\r\n".encode() + bearing(held) + b"\r\n")
            assert answer.startswith(b"HTTP/1.1 200")
            assert answer.endswith(b"hi")
            for spelled in ("127.0.0.1", "127.1", "0x7f.1", "2130706433", "localhost", "[::1]", "[::ffff:127.0.0.1]"):
                other = f"http://{spelled}:{canary.port}/"
                answer = await say(guard, f"GET {other} HTTP/1.1\r\nHost: x\r\n".encode() + bearing(held) + b"\r\n")
                assert answer.startswith(b"HTTP/1.1 403")
                assert b"X-Holdfast-Refused: forbidden_address" in answer
            assert held.refused == 7
            refusal = held.refusal_of(f"http://127.0.0.1:{canary.port}/x")
            assert refusal is not None
            assert refusal.code == "forbidden_address"
        assert not canary.got
        assert b"authorization" not in wanted.got.lower()
        assert f"host: 127.0.0.1:{wanted.port}\r\n".encode() in wanted.got.lower()


async def test_without_a_pass_nothing_goes_out_and_a_pass_ends_with_its_item() -> None:
    """Other programs of this machine can't use the guard, nor can the browser of its own accord."""
    async with site() as wanted, EgressGuard(Judge(("127.0.0.1",))) as guard:
        url = f"http://127.0.0.1:{wanted.port}/"
        request = f"GET {url} HTTP/1.1\r\nHost: x\r\n".encode()
        async with guard.admit(url) as held:
            pass_line = bearing(held)
        for line in (b"", pass_line, b"Proxy-Authorization: Basic !\r\n"):
            assert (await say(guard, request + line + b"\r\n")).startswith(b"HTTP/1.1 407")
        assert not wanted.got


async def test_a_name_with_one_bad_address_is_refused_and_a_second_answer_changes_nothing() -> None:
    """The name is resolved once per connection, and what was judged is what is connected to."""
    async with site() as canary:
        judge = Judge(ports=frozenset({canary.port}), resolve=answering("203.0.114.1,127.0.0.1"))
        async with EgressGuard(judge) as guard, guard.admit("http://a.example/") as held:
            start = f"CONNECT a.example:{canary.port} HTTP/1.1\r\nHost: a\r\n".encode()
            assert (await say(guard, start + bearing(held) + b"\r\n")).startswith(b"HTTP/1.1 403")
        asked: list[str] = []
        rebinding = answering("192.88.98.1", "127.0.0.1")

        async def counted(host: str, port: int) -> list[Address]:
            asked.append(host)
            return await rebinding(host, port)

        ruling = Judge(ports=frozenset({canary.port}), resolve=counted).ruling("http://a.example/")
        assert [str(each) for each in await ruling.addresses("a.example", canary.port)] == ["192.88.98.1"]
        assert asked == ["a.example"]
        assert not canary.got


@pytest.mark.parametrize(
    "line",
    [
        "GET / HTTP/1.1",
        "GET https://a.example/ HTTP/1.1",
        "GET ftp://a.example/ HTTP/1.1",
        "GET http://u:p@a.example/ HTTP/1.1",
        "GET http://%31%32%37.0.0.1/ HTTP/1.1",
        "GET http://a.example:99999/ HTTP/1.1",
        "GET http://a.example:0/ HTTP/1.1",
        "GET http:///x HTTP/1.1",
        "GET http://a.example\\@127.0.0.1/ HTTP/1.1",
        "CONNECT a.example HTTP/1.1",
        "CONNECT a.example:443/x HTTP/1.1",
        "CONNECT u@a.example:443 HTTP/1.1",
        "CONNECT a.example:70000 HTTP/1.1",
    ],
)
async def test_a_target_that_no_browser_sends_is_no_target(line: str) -> None:
    """It is refused before any name is looked up."""
    async with EgressGuard(Judge(resolve=answering("127.0.0.1"))) as guard, guard.admit("http://a.example/") as held:
        answer = await say(guard, f"{line}\r\nHost: a.example\r\n".encode() + bearing(held) + b"\r\n")
        assert answer.startswith(b"HTTP/1.1 400"), answer


async def test_a_request_framed_in_two_ways_does_not_reach_the_site() -> None:
    """Nothing can be smuggled behind it, and what comes after one request on a connection is not passed on."""
    async with site() as wanted, EgressGuard(Judge(("127.0.0.1",))) as guard:
        url = f"http://127.0.0.1:{wanted.port}/"
        async with guard.admit(url) as held:
            start = f"POST {url} HTTP/1.1\r\nHost: x\r\n".encode() + bearing(held)
            for framing in (
                b"Content-Length: 5\r\nContent-Length: 6\r\n",
                b"Transfer-Encoding: gzip, chunked\r\n",
                b"Content-Length : 5\r\n",
            ):
                await say(guard, start + framing + b"\r\nhello")
            assert not wanted.got
            await say(guard, start + b"Content-Length: 2\r\n\r\nhiGET /smuggled HTTP/1.1\r\n\r\n")
            assert b"smuggled" not in wanted.got


async def test_a_small_bomb_is_stopped_by_what_it_unpacks_to() -> None:
    """10 MB of zeros in 10 KB."""
    packed = gzip.compress(bytes(10_000_000))
    bomb = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed) + packed
    async with site(bomb) as wanted, EgressGuard(Judge(("127.0.0.1",)), most_bytes=1_000_000) as guard:
        url = f"http://127.0.0.1:{wanted.port}/"
        async with guard.admit(url) as held:
            await say(guard, f"GET {url} HTTP/1.1\r\nHost: x\r\n".encode() + bearing(held) + b"\r\n")
            assert [refusal.code for refusal in held.refusals] == ["too_large"]


async def test_a_tunnel_ends_at_its_bytes_and_its_seconds() -> None:
    """What can't be looked into is counted as it is."""
    async with (
        site(bytes(300_000)) as wanted,
        EgressGuard(Judge(("127.0.0.1",)), most_bytes=100_000) as guard,
        guard.admit(f"http://127.0.0.1:{wanted.port}/") as held,
    ):
        start = f"CONNECT 127.0.0.1:{wanted.port} HTTP/1.1\r\nHost: x\r\n".encode()
        assert len(await say(guard, start + bearing(held) + b"\r\nhello")) < 100_000 + 2 * 65_536
        assert wanted.got == b"hello"
    async with EgressGuard(total_seconds=0.2) as guard:
        assert await say(guard, b"GET") == b""


async def test_all_connections_of_a_pass_share_its_bytes_and_another_pass_has_its_own() -> None:
    """Both ways, by tunnels and by plain requests; once they are spent, nothing is connected to."""
    body = bytes(40_000)
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    limits = {"most_bytes_of_a_pass": 100_000, "most_bytes_out_of_a_pass": 100_000}
    async with site(answer) as wanted, EgressGuard(Judge(("127.0.0.1",)), **limits) as guard:
        place = f"127.0.0.1:{wanted.port}"
        tunnel = f"CONNECT {place} HTTP/1.1\r\nHost: x\r\n".encode()
        plain = f"GET http://{place}/ HTTP/1.1\r\nHost: x\r\n".encode()
        post = f"POST http://{place}/ HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n".encode()
        async with guard.admit(f"http://{place}/") as held:
            whole = [
                len(await say(guard, start + bearing(held) + b"\r\nhello")) > len(body) for start in (tunnel, plain)
            ]
            assert whole == [True, True]
            assert len(await say(guard, tunnel + bearing(held) + b"\r\nhello")) < len(body)
            wanted.got.clear()
            for start in (tunnel, plain):
                assert (await say(guard, start + bearing(held) + b"\r\nhello")).startswith(b"HTTP/1.1 502")
            assert (bytes(wanted.got), {refusal.code for refusal in held.refusals}) == (b"", {"too_large"})
        async with guard.admit(f"http://{place}/") as held:
            for _ in range(2):
                await say(guard, post + bearing(held) + b"\r\n" + bytes(60_000))
            assert (held.outward.left, [refusal.code for refusal in held.refusals]) == (-1, ["too_large"])
