"""Webhooks: signed, the same id through all attempts, a redirect is a failure, and none goes inside."""

import base64
import hashlib
import hmac
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import anyio
import pytest
from anyio.abc import SocketAttribute, SocketStream

from server.sources.egress import Judge
from server.sources.failures import FetchFailed
from server.sources.webhooks import MOST_BODY_BYTES, WebhookSender, signature

SECRET = "whsec_" + base64.b64encode(b"k" * 24).decode()


class Receiver:
    """Answers with these statuses in turn, and keeps headers and body of each request."""

    def __init__(self, statuses: Sequence[int]) -> None:
        self.left, self.port = list(statuses), 0
        self.got: list[tuple[dict[str, str], bytes]] = []

    async def serve(self, client: SocketStream) -> None:
        async with client:
            data = b""
            while b"\r\n\r\n" not in data or not data.endswith(b"}"):
                data += await client.receive()
            head, _, body = data.partition(b"\r\n\r\n")
            lines = [line.split(": ", 1) for line in head.decode().split("\r\n")[1:]]
            self.got.append(({name.lower(): value for name, value in lines}, body))
            status = f"HTTP/1.1 {self.left.pop(0)} X\r\nLocation: http://127.0.0.1:{self.port}/other\r\n"
            await client.send(f"{status}Content-Length: 0\r\nConnection: close\r\n\r\n".encode())


@asynccontextmanager
async def receiver(*statuses: int) -> AsyncIterator[Receiver]:
    made = Receiver(statuses)
    async with await anyio.create_tcp_listener(local_host="127.0.0.1") as listener, anyio.create_task_group() as tg:
        made.port = listener.extra(SocketAttribute.local_port)  # noqa: S610 - a listener, not a query
        tg.start_soon(listener.serve, made.serve)
        yield made
        tg.cancel_scope.cancel()


async def test_a_message_is_sent_until_it_is_taken_and_its_id_stays() -> None:
    """Each attempt is signed anew, over its own time; the receiver can check it with the secret alone."""
    async with receiver(500, 302, 204) as there:
        sender = WebhookSender(Judge(("127.0.0.1",)), SECRET, waits=(0, 0, 0))
        await sender.send(f"http://127.0.0.1:{there.port}/hook", "msg_1", b'{"a":1}')
        assert len(there.got) == 3
        for headers, body in there.got:
            signed = f"msg_1.{headers['webhook-timestamp']}.".encode() + body
            wanted = base64.b64encode(hmac.digest(b"k" * 24, signed, hashlib.sha256)).decode()
            assert (headers["webhook-id"], headers["webhook-signature"]) == ("msg_1", f"v1,{wanted}")


async def test_a_receiver_that_is_gone_is_not_asked_again() -> None:
    """410 is how it says so; and a redirect is followed nowhere."""
    for status, attempts in ((410, 1), (307, 2)):
        async with receiver(status, status) as there:
            sender = WebhookSender(Judge(("127.0.0.1",)), SECRET, waits=(0,))
            with pytest.raises(FetchFailed) as failed:
                await sender.send(f"http://127.0.0.1:{there.port}/hook", "msg_1", b"{}")
            assert (failed.value.code, len(there.got)) == (f"http_{status}", attempts)


async def test_no_webhook_goes_inside_unless_the_operator_allows_the_place() -> None:
    """And none is larger than its bound."""
    async with receiver() as there:
        sender = WebhookSender(Judge(ports=frozenset({there.port})), SECRET, waits=(0,))
        with pytest.raises(FetchFailed) as failed:
            await sender.send(f"http://127.0.0.1:{there.port}/hook", "msg_1", b"{}")
        assert (failed.value.code, there.got) == ("forbidden_address", [])
        with pytest.raises(FetchFailed) as failed:
            await sender.send("http://0177.0.0.1/", "msg_1", b"{}")
        assert failed.value.code == "invalid_url"
        with pytest.raises(FetchFailed, match="16 KiB"):
            await sender.send("https://a.example/", "msg_1", bytes(MOST_BODY_BYTES + 1))


def test_the_signature_is_that_of_the_specification() -> None:
    """The example of standard-webhooks' own libraries."""
    body = b'{"test": 2432232314}'
    secret, known = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert signature(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body) == known
    assert "k" * 24 not in repr(WebhookSender(Judge(), "k" * 24))
