"""Whatever is sent: a clear problem document, never a traceback, never a hang, nothing made."""

import socket
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from tests.serving import Running, serving, settings, wait_until

FIELDS = {"type", "title", "status", "detail", "code", "errors"}
TASK = "0" * 32


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with serving(settings(tmp_path_factory.mktemp("bad"))) as running:
        yield running
        answer = httpx2.get(f"{running.url}/api/stats")
        assert answer.json()["tasks"]["total"] == 0, "bad input has made a task"


def problem(answer: httpx2.Response, status: int, code: str) -> dict[str, Any]:
    """The answer as a problem document of this status and code."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    document: dict[str, Any] = answer.json()
    assert document.keys() == FIELDS
    assert (document["status"], document["code"]) == (status, code)
    assert document["detail"]
    assert "Traceback" not in answer.text
    return document


def post(server: Running, content: bytes | str, content_type: str = "application/json") -> httpx2.Response:
    return httpx2.post(f"{server.url}/api/stream", content=content, headers={"Content-Type": content_type}, timeout=30)


@pytest.mark.parametrize(
    ("query", "path"),
    [
        ("kind=demo&events=many", "events"),
        ("kind=demo&events=-1", "events"),
        ("kind=demo&events=1.5", "events"),
        ("kind=demo&colour=red", "colour"),
        ("kind=demo&events=1&events=2", "events"),
        ("kind=demo&events.a=1", "events"),
        ("kind=demo&priority=10", "priority"),
        ("kind=demo&max_age=-1", "max_age"),
        ("kind=demo&fresh=" + "x" * 201, "fresh"),
        ("kind=research", "query"),
        ("", "query"),
        ("query=", "query"),
        ("query=%20%20", "query"),
        ("query=x&report.style=poem", "report.style"),
        ("query=x&report=poem", "report"),
        ("query=x&sources.urls=ftp://example.org/", "sources.urls.0"),
    ],
)
def test_wrong_parameters_are_named_one_by_one(server: Running, query: str, path: str) -> None:
    """With the field's path and what would be right."""
    document = problem(httpx2.get(f"{server.url}/api/stream?{query}"), 422, "invalid_parameters")
    assert path in [error["path"] for error in document["errors"]]
    assert all(error["message"] for error in document["errors"])


@pytest.mark.parametrize(
    ("kind", "params", "faults"),
    [
        ("browse", {"tasks": [{}]}, [("tasks.0.url", "missing")]),
        ("browse", {"tasks": [{"url": "nonsense"}]}, [("tasks.0.url", "value_error")]),
        ("browse", {"tasks": []}, [("tasks", "too_short")]),
        ("extract", {"users": [{}]}, [("users.0.user_id", "missing"), ("users.0.texts", "missing")]),
        ("novel", {"novel": {}}, [("novel.title", "missing")]),
    ],
)
def test_what_is_wrong_is_said_of_the_field_that_is_to_be_put_right(
    server: Running, kind: str, params: dict[str, Any], faults: list[tuple[str, str]]
) -> None:
    """A list with a wrong element is not called too short, and of several fields that belong together one is named."""
    answer = httpx2.post(f"{server.url}/api/tasks", json={"kind": kind, "params": params})
    document = problem(answer, 422, "invalid_parameters")
    assert [(error["path"], error["code"]) for error in document["errors"]] == faults
    assert "after validation" not in document["detail"]


def test_an_unknown_kind_is_told_which_there_are(server: Running) -> None:
    """In a query and in a body."""
    document = problem(httpx2.get(f"{server.url}/api/stream?kind=cooking&query=x"), 422, "unknown_kind")
    assert "research" in document["detail"]
    problem(httpx2.post(f"{server.url}/api/tasks", json={"kind": "../etc"}), 422, "unknown_kind")


@pytest.mark.parametrize(
    "content",
    [
        b"{",
        b"not json",
        b'{"query": "\xff\xfe"}',
        b'{"query": "\\ud800"}',
        b'{"query": NaN}',
        b"[" * 100_000,
        b'{"a":' * 5_000 + b"1" + b"}" * 5_000,
        b"\x00",
    ],
)
def test_a_body_that_is_no_json_is_a_400(server: Running, content: bytes) -> None:
    """Broken UTF-8, half surrogate pairs and bottomless nesting included."""
    problem(post(server, content), 400, "invalid_json")


@pytest.mark.parametrize(
    "content", [b"[]", b'"text"', b"1", b"null", b'{"params": []}', b'{"params": {}, "query": "x"}']
)
def test_json_that_is_no_request_is_a_422(server: Running, content: bytes) -> None:
    """One object, flat or with `params`."""
    problem(post(server, content), 422, "invalid_parameters")


def test_nesting_that_no_parameter_has_is_refused(server: Running) -> None:
    """Where the JSON itself can still be read."""
    deep = b'{"query": ' + b"[" * 200 + b"]" * 200 + b"}"
    document = problem(post(server, deep), 422, "invalid_parameters")
    assert document["errors"][0]["code"] == "too_deep"


def test_a_number_with_five_thousand_digits_is_refused(server: Running) -> None:
    """Quickly."""
    answer = post(server, b'{"kind": "demo", "events": ' + b"9" * 5000 + b"}")
    assert answer.status_code in (400, 422), answer.text
    assert answer.json().keys() == FIELDS


def test_a_body_of_10_mb_is_refused_with_an_answer_that_arrives(server: Running) -> None:
    """With and without its length told before."""
    problem(post(server, b'{"query": "' + b"x" * 10_000_000 + b'"}'), 413, "body_too_large")

    def pieces() -> Iterator[bytes]:
        for _ in range(100):
            yield b"x" * 100_000

    answer = httpx2.post(
        f"{server.url}/api/tasks", content=pieces(), headers={"Content-Type": "application/json"}, timeout=30
    )
    problem(answer, 413, "body_too_large")


def test_a_form_is_told_to_send_json(server: Running) -> None:
    """What `curl -d` sends by itself; also, no page of another site can send JSON without being asked."""
    problem(post(server, "query=x", "application/x-www-form-urlencoded"), 415, "unsupported_media_type")
    problem(post(server, '{"query": "x"}', "text/plain"), 415, "unsupported_media_type")


def test_what_can_not_be_carried_out_is_refused_each_time(server: Running) -> None:
    """A request that was read before is known, and whether it can be carried out is asked anew; nor is it JSON now
    because it was before."""
    refused = '{"query": "x", "engine": "llm"}'
    for _ in range(2):
        problem(post(server, refused), 409, "model_required")
    problem(post(server, refused, "text/plain"), 415, "unsupported_media_type")


@pytest.mark.parametrize("query", ["query=%ff%fe", "query=%ED%A0%80", "query=%C0%AF"])
def test_a_query_string_that_is_no_utf8_is_a_400(server: Running, query: str) -> None:
    """Nothing is guessed."""
    problem(httpx2.get(f"{server.url}/api/stream?{query}"), 400, "invalid_encoding")


@pytest.mark.parametrize(
    "task_id", ["x", "0" * 31, "0" * 33, "A" * 32, "..%2f..%2fetc%2fpasswd", "%00", "0" * 31 + "%0a", "%ff"]
)
@pytest.mark.parametrize("path", ["", "/events", "/output", "/result", "/history", "/report.md", "/artifacts/a"])
def test_bad_ids_are_not_found(server: Running, task_id: str, path: str) -> None:
    """Before anything touches the volume."""
    answer = httpx2.get(f"{server.url}/api/tasks/{task_id}{path}")
    assert answer.status_code == 404
    assert answer.json().keys() == FIELDS


@pytest.mark.parametrize("action", ["pause", "resume", "stop", "retry", "rerun"])
def test_a_task_that_is_not_there_can_not_be_changed(server: Running, action: str) -> None:
    """404 for each."""
    problem(httpx2.post(f"{server.url}/api/tasks/{TASK}/{action}"), 404, "task_not_found")
    problem(httpx2.delete(f"{server.url}/api/tasks/{TASK}"), 404, "task_not_found")


@pytest.mark.parametrize("query", ["status=sleeping", "limit=0", "limit=1000", "limit=x", "cursor=rubbish"])
def test_bad_filters_are_named(server: Running, query: str) -> None:
    """As everything is."""
    problem(httpx2.get(f"{server.url}/api/tasks?{query}"), 422, "invalid_parameters")


def test_unknown_addresses_and_methods_are_told(server: Running) -> None:
    """Also as problem documents."""
    problem(httpx2.get(f"{server.url}/api/nothing"), 404, "not_found")
    answer = httpx2.put(f"{server.url}/api/tasks")
    problem(answer, 405, "method_not_allowed")
    assert "POST" in answer.headers["allow"] or "GET" in answer.headers["allow"]
    assert httpx2.head(f"{server.url}/api/stream?kind=demo").status_code == 405


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({"Origin": "https://evil.example"}, 403, "forbidden_origin"),
        ({"Sec-Fetch-Site": "cross-site"}, 403, "forbidden_origin"),
        ({"Sec-Fetch-Site": "same-site", "Origin": "https://a.example"}, 403, "forbidden_origin"),
        ({"Origin": "null"}, 403, "forbidden_origin"),
        ({"Host": "evil.example"}, 421, "forbidden_host"),
        ({"Host": ""}, 421, "forbidden_host"),
    ],
)
def test_no_page_of_another_site_can_start_a_task(
    server: Running, headers: dict[str, str], status: int, code: str
) -> None:
    """Neither by GET nor by a name that leads here."""
    problem(httpx2.get(f"{server.url}/api/stream?kind=demo", headers=headers), status, code)
    problem(httpx2.get(f"{server.url}/api/sse?query=x", headers=headers), status, code)
    problem(httpx2.post(f"{server.url}/api/tasks", json={"kind": "demo"}, headers=headers), status, code)


@pytest.mark.parametrize("host", ["10.1.2.3", "10.1.2.3:8000", "[fd00::7]:8000", ""])
def test_probes_may_ask_by_the_address_of_the_server_and_nobody_else_may(server: Running, host: str) -> None:
    """Clusters and load balancers ask by address or without any host; everything else wants a name that is answered."""
    for path in ("/healthz", "/readyz", "/metrics"):
        assert httpx2.get(f"{server.url}{path}", headers={"Host": host}).status_code == 200
    for path in ("/", "/api/stats", "/api/tasks", "/healthz/", "//healthz", "/api/stream?kind=demo"):
        problem(httpx2.get(f"{server.url}{path}", headers={"Host": host}), 421, "forbidden_host")


def test_a_probe_of_http_1_0_needs_no_host_at_all(server: Running) -> None:
    """As HAProxy asks, unless it is told otherwise."""
    with socket.create_connection(("127.0.0.1", server.port)) as probe:
        probe.sendall(b"GET /readyz HTTP/1.0\r\n\r\n")
        answer = probe.makefile("rb").read()
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert b'"status":"ready"' in answer


def test_of_two_hosts_the_first_counts(server: Running) -> None:
    """A good one behind it does not make it good."""
    with socket.create_connection(("127.0.0.1", server.port)) as client:
        client.sendall(b"GET /api/stats HTTP/1.1\r\nHost: evil.example\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
        assert client.makefile("rb").read().startswith(b"HTTP/1.1 421 ")


@pytest.mark.parametrize("host", ["evil.example", "10.1.2.3.evil.example", "2130706433", "0x7f.1", ":8000", "[evil]"])
def test_probes_by_a_name_that_is_not_answered_are_refused(server: Running, host: str) -> None:
    """A page may make a name of its own lead here, and would read the node's name and figures."""
    for path in ("/healthz", "/readyz", "/metrics"):
        problem(httpx2.get(f"{server.url}{path}", headers={"Host": host}), 421, "forbidden_host")


def test_headers_beyond_measure_are_refused(server: Running) -> None:
    """Before anything is done with them."""
    problem(
        httpx2.get(f"{server.url}/api/stream?query=" + "x" * 60_000, headers={"X": "y" * 10_000}),
        431,
        "headers_too_large",
    )


def test_a_client_that_sends_half_a_request_costs_only_itself(server: Running) -> None:
    """The others are answered meanwhile."""
    with socket.create_connection(("127.0.0.1", server.port)) as silent:
        silent.sendall(b"POST /api/stream HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n")
        assert httpx2.get(f"{server.url}/healthz").json()["status"] == "ok"
        silent.sendall(b"Content-Length: 100\r\n\r\n{")
        assert httpx2.get(f"{server.url}/healthz").json()["status"] == "ok"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@hypothesis_settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    body=st.dictionaries(
        st.sampled_from(["kind", "params", "fresh", "max_age", "priority", "events", "é"]) | st.text(), JSON
    )
)
def test_no_object_makes_the_server_fail(server: Running, body: dict[str, Any]) -> None:
    """4xx with a problem document for anything that is no request."""
    import json

    answer = post(server, json.dumps({**body, "kind": body.get("kind") or "none"}))
    assert 400 <= answer.status_code < 500, answer.text
    assert answer.json().keys() == FIELDS


def test_a_library_that_can_not_be_read_and_pages_that_fail_are_told_as_failed_sources(tmp_path_factory: Any) -> None:
    """The task completes; each failure is named."""
    folder = tmp_path_factory.mktemp("unreadable")
    library = folder / "library"
    library.mkdir()
    (library / "good.md").write_text("# Anchors\n\nAn anchor holds fast in sand and mud when its fluke digs in.\n")
    (library / "broken.pdf").write_bytes(b"%PDF-1.4 nonsense")
    (library / "empty.html").write_bytes(b"")
    with serving(settings(folder)) as server, socket.create_server(("127.0.0.1", 0)) as silent:
        silent.listen()
        closed = socket.create_server(("127.0.0.1", 0))
        closed_port = closed.getsockname()[1]
        closed.close()
        urls = [f"{server.url}/api/nothing", f"http://127.0.0.1:{closed_port}/"]
        body = {"query": "How does an anchor hold fast?", "sources": {"urls": urls}}
        task = httpx2.post(f"{server.url}/api/tasks", json=body).json()["id"]
        wait_until(lambda: httpx2.get(f"{server.url}/api/tasks/{task}").json()["status"] == "completed")
        result = httpx2.get(f"{server.url}/api/tasks/{task}/result").json()
        failed = {each.get("url") or each.get("path"): each for each in result["failed_sources"]}
        assert failed.keys() >= set(urls)
        assert all(each["code"] and each["message"] for each in failed.values())
        assert result["evidence"]
