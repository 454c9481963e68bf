"""Answers that go on without their requests, over real sockets; and what of uvicorn that rests on."""

import inspect
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from server.command.connection import DetachedAnswer
from tests.reading import body_of, connection, numbered, parse, read_bytes, read_stream
from tests.serving import Running, serving, settings, wait_until

END = b"\r\n0\r\n\r\n"
SLOW = "kind=demo&events=500&rate=10&size=20"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Running]:
    with serving(settings(tmp_path)) as running:
        yield running


def readers(server: Running) -> int:
    count: int = server.app.state.services.hub.readers
    return count


def requests_under_way(server: Running) -> int:
    return len(server.server_state.tasks)


def get(server: Running, path: str, more: str = "", version: str = "1.1", method: str = "GET") -> bytes:
    return f"{method} {path} HTTP/{version}\r\nHost: 127.0.0.1:{server.port}\r\n{more}\r\n".encode()


def open_connection(server: Running) -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.port), timeout=30)


def read_until(raw: socket.socket, end: bytes, content: bytes = b"") -> bytes:
    while not content.endswith(end):
        more = raw.recv(65536)
        assert more, f"the connection ended without {end!r}: {content[-200:]!r}"
        content += more
    return content


def test_a_reader_that_waits_has_no_request_under_way(server: Running) -> None:
    """Its answer has been detached, and goes on."""
    with connection(f"{server.url}/api/stream?{SLOW}") as raw:
        content = raw.recv(600)
        wait_until(lambda: requests_under_way(server) == 0)
        assert readers(server) == 1
        while content.count(b"event: output\n") < 5:
            content += raw.recv(600)
        assert requests_under_way(server) == 0


def test_a_reader_that_leaves_is_noticed_though_nothing_is_sent(server: Running) -> None:
    """At once: the next ping would be many seconds away."""
    with connection(f"{server.url}/api/stream?kind=demo&events=9&rate=0.01") as raw:
        assert read_bytes(raw, 100)
        wait_until(lambda: readers(server) == 1 and requests_under_way(server) == 0)
    wait_until(lambda: readers(server) == 0, 5)


def test_a_connection_is_asked_again_after_a_stream_has_ended(server: Running) -> None:
    """Keep-alive goes on behind a detached answer, and so do its headers."""
    with open_connection(server) as raw:
        raw.sendall(get(server, "/api/stream?kind=demo&events=20&rate=100&seed=1", "X-Request-ID: mine\r\n"))
        first = read_until(raw, END)
        raw.sendall(get(server, "/api/stream?kind=demo&events=20&rate=100&seed=1"))
        second = read_until(raw, END)
    assert b"x-request-id: mine\r\n" in first.lower()
    assert numbered(parse(body_of(first))) == numbered(parse(body_of(second)))
    assert numbered(parse(body_of(first)))[-1].event == "done"


def test_a_request_that_is_sent_before_the_streams_end_is_answered_after_it(server: Running) -> None:
    """Both while the stream goes on and together with it."""
    stream = get(server, "/api/stream?kind=demo&events=20&rate=50&seed=2")
    with open_connection(server) as raw:
        raw.sendall(stream)
        begun = raw.recv(65536)
        wait_until(lambda: requests_under_way(server) == 0)
        raw.sendall(get(server, "/healthz"))
        content = read_until(raw, b"}", begun)
        streamed, health = content.split(END)
        assert numbered(parse(body_of(streamed + END)))[-1].event == "done"
        assert health.startswith(b"HTTP/1.1 200 OK\r\n")
        raw.sendall(stream + get(server, "/healthz"))
        content = read_until(raw, b"}")
        assert content.split(END)[1].startswith(b"HTTP/1.1 200 OK\r\n")


def test_a_client_of_http_1_0_gets_the_whole_stream_and_its_end(server: Running) -> None:
    """It is the connection's."""
    with open_connection(server) as raw:
        raw.sendall(get(server, "/api/stream?kind=demo&events=20&rate=100&seed=3", version="1.0"))
        content = body_of(read_until(raw, b"0\r\n\r\n"))
        assert raw.recv(1) == b""
    assert numbered(parse(content))[-1].event == "done"


def test_head_gets_the_head_and_nothing_waits(server: Running) -> None:
    """As of any resource."""
    task_id = httpx2.post(
        f"{server.url}/api/tasks", json={"kind": "demo", "params": {"events": 9, "rate": 0.01}}
    ).json()["id"]
    answer = httpx2.head(f"{server.url}/api/tasks/{task_id}/events")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert readers(server) == 0


def test_a_stream_that_was_posted_is_detached_too(server: Running) -> None:
    """Its body has been read by then."""
    body = b'{"kind":"demo","params":{"events":500,"rate":10}}'
    head = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    with open_connection(server) as raw:
        raw.sendall(get(server, "/api/stream", head, method="POST") + body)
        assert b"event: task\n" in raw.recv(65536)
        wait_until(lambda: readers(server) == 1 and requests_under_way(server) == 0)


def test_shutting_down_ends_every_answer_with_a_goodbye(tmp_path: Path) -> None:
    """In a well-formed way, so that no client takes it for an error."""
    contents: list[bytes] = []
    with serving(settings(tmp_path, max_concurrent_tasks=5)) as server, open_connection(server) as raw:
        raw.sendall(get(server, f"/api/stream?{SLOW}"))
        assert raw.recv(65536)
        reader = threading.Thread(target=lambda: contents.append(read_until(raw, END)))
        reader.start()
        wait_until(lambda: readers(server) == 1 and requests_under_way(server) == 0)
        server.stop()
        reader.join(30)
        assert raw.recv(1) == b""
    assert contents[0].endswith(b"retry: 2000\n" + END)


def test_a_slow_reader_of_a_running_task_misses_nothing_and_gets_nothing_twice(server: Running) -> None:
    """It goes from the ring to the log and back as it stops and goes on."""
    url = f"{server.url}/api/stream?kind=demo&events=4000&rate=2000&size=2000&seed=4"
    with connection(url) as slow:
        content = slow.recv(2000)
        reference = read_stream(url)
        while more := slow.recv(100_000):
            content += more
    assert numbered(parse(body_of(content))) == numbered(reference)


def test_another_server_gives_the_same_stream_by_a_coroutine_for_each_reader(tmp_path: Path) -> None:
    """It has no way to detach an answer."""
    with serving(settings(tmp_path), http=HttpToolsProtocol) as server:
        url = f"{server.url}/api/stream?kind=demo&events=100&rate=100&size=20"
        with connection(url) as raw:
            content = raw.recv(600)
            assert requests_under_way(server) == readers(server) == 1
            while more := raw.recv(65536):
                content += more
        reference = read_stream(url)
    assert [each.seq for each in numbered(reference)] == list(range(1, len(numbered(reference)) + 1))
    assert numbered(parse(body_of(content))) == numbered(reference)
    assert reference[-1].event == "done"


def test_uvicorn_is_as_connections_expect_it() -> None:
    """When this fails, uvicorn has changed: compare `server/command/connection.py` with its httptools_impl.py."""
    asked_of_a_cycle = {"response_complete", "disconnected", "message_event", "keep_alive", "more_body", "body"}
    protocol = inspect.getsource(HttpToolsProtocol)
    used = {name for name in vars(_cycle()) if f"self.cycle.{name}" in protocol or f"existing_cycle.{name}" in protocol}
    assert used <= asked_of_a_cycle, "a connection looks at more of the current cycle than a detached answer has"
    for name in asked_of_a_cycle - {"body", "more_body"}:  # only of a request that is still to come
        assert hasattr(DetachedAnswer, name), name
    for name in (
        "response_started",
        "response_complete",
        "disconnected",
        "more_body",
        "chunked_encoding",
        "keep_alive",
        "expected_content_length",
        "waiting_for_100_continue",
        "default_headers",
    ):
        assert name in vars(_cycle()), name
    for name in ("pipeline", "flow", "transport", "scope", "headers"):
        assert f"self.{name}" in inspect.getsource(HttpToolsProtocol.__init__), name
    for name in ("on_response_complete", "resume_writing", "connection_lost", "shutdown", "on_headers_complete"):
        assert callable(getattr(HttpToolsProtocol, name, None)), name
    assert "disconnected" in inspect.getsource(RequestResponseCycle.run_asgi), "it would miss the rest of the answer"
    assert "self.write_paused = False" in inspect.getsource(FlowControl.__init__)
    assert "app(" in (run := inspect.getsource(RequestResponseCycle.run_asgi))
    assert "self.send" in run, "it would not take whole answers"


def _cycle() -> RequestResponseCycle:
    names = inspect.signature(RequestResponseCycle.__init__).parameters
    return RequestResponseCycle(**{name: None for name in names if name != "self"})  # type: ignore[arg-type]


def test_a_whole_answer_is_the_same_as_one_in_two_messages(server: Running) -> None:
    """Its head has all that the layers have added, its length is right, and the connection goes on."""
    body = b'{"kind":"demo","params":{"events":3,"seed":7}}'
    head = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\nX-Request-ID: mine\r\n"
    with open_connection(server) as raw:
        for _ in range(2):
            raw.sendall(get(server, "/api/tasks", head, method="POST") + body)
            names, content = read_until(raw, b"}").split(b"\r\n\r\n")
            assert b"x-request-id: mine\r\n" in names + b"\r\n"
            assert b"x-content-type-options: nosniff" in names
            assert b"content-length: %d" % len(content) in names
        raw.sendall(get(server, "/api/tasks", f"{head}Connection: close\r\n", method="POST") + body)
        assert b"connection: close\r\n" in read_until(raw, b"}")
        assert raw.recv(1) == b""


def test_a_streams_head_comes_with_its_first_event(server: Running) -> None:
    """Each write wakes the reader up."""
    with connection(f"{server.url}/api/stream?{SLOW}") as raw:
        assert b"event: task\n" in raw.recv(65536)
