"""About the server itself: its health, its figures, its own description and documentation."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from starlette.routing import Route

from server.api.routes import routes
from tests.reading import connection, read_bytes
from tests.serving import Running, server_process, serving, settings, wait_until


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with serving(settings(tmp_path_factory.mktemp("meta"))) as running:
        yield running


def get(server: Running, path: str, **headers: str) -> httpx2.Response:
    return httpx2.get(server.url + path, headers=headers, timeout=30)


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for inner in value.values():
            yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


def test_the_description_names_every_route_and_refers_to_nothing_missing(server: Running) -> None:
    """OpenAPI 3.1, made from what is served."""
    described = get(server, "/openapi.json").json()
    assert described["openapi"] == "3.1.0"
    served = {
        re.sub(r":\w+}", "}", each.path) for each in routes() if isinstance(each, Route) and each.include_in_schema
    }
    assert described["paths"].keys() == served
    found = set(references(described))
    assert found
    for reference in found:
        place: Any = described
        for name in reference.removeprefix("#/").split("/"):
            place = place[name]
    query = [each["name"] for each in described["paths"]["/api/stream"]["get"]["parameters"]]
    assert {"query", "kind", "fresh", "Last-Event-ID"} <= set(query)
    assert described["paths"]["/api/tasks"]["post"]["responses"].keys() >= {"200", "201", "default"}


def test_kinds_carry_the_schema_by_which_they_are_validated(server: Running) -> None:
    """Forms are made of it."""
    kinds = {each["kind"]: each for each in get(server, "/api/kinds").json()["kinds"]}
    assert kinds.keys() == {"research", "browse", "extract", "testcases", "novel", "demo"}
    assert kinds["research"]["schema"]["required"] == ["query"]
    assert kinds["research"]["label"].keys() == {"en", "zh"}


def test_the_demo_kind_is_there_only_when_it_is_asked_for(tmp_path: Path) -> None:
    """It is for tests and benchmarks."""
    with serving(settings(tmp_path, demo_kind=False)) as server:
        assert [each["kind"] for each in get(server, "/api/kinds").json()["kinds"]] == [
            "research",
            "browse",
            "extract",
            "testcases",
            "novel",
        ]
        assert get(server, "/api/stream?kind=demo").json()["code"] == "unknown_kind"


def test_statistics_count_tasks_by_status(server: Running) -> None:
    """And tell what this node does."""
    httpx2.get(f"{server.url}/api/stream?kind=demo&events=1", timeout=20)
    found = get(server, "/api/stats").json()
    assert found["tasks"]["total"] == found["tasks"]["completed"] == 1
    assert found["node"]["capacity"] == 5
    assert found["nodes"][0]["id"] == found["node"]["id"]
    assert (found["nodes"][0]["alive"], found["nodes"][0]["capacity"]) == (True, 5)
    assert 0 < found["storage"]["free_bytes"] <= found["storage"]["total_bytes"]
    assert {status: sum(minutes) for status, minutes in found["ended_per_minute"].items()} == {
        "completed": 1,
        "failed": 0,
        "stopped": 0,
    }
    assert all(len(minutes) == 60 for minutes in found["ended_per_minute"].values())
    assert sum(found["ended_per_minute"]["completed"][-2:]) == 1
    counted = found["node"]["counted"]
    assert (counted["claims"], counted["takeovers"], counted["quarantines"]) == (1, 0, 0)
    assert counted["events_published"] > 0


def test_the_room_of_the_volume_is_what_df_says(server: Running, tmp_path: Path) -> None:
    """What is kept back for root counts as neither used nor free; others may write to the volume meanwhile."""
    room = get(server, "/api/stats").json()["storage"]
    said = subprocess.run(
        ["df", "--output=pcent", str(tmp_path)], capture_output=True, text=True, check=True
    ).stdout.split()[-1]
    used = 100 * (1 - room["free_bytes"] / room["total_bytes"])
    assert abs(used - float(said.removesuffix("%"))) < 2


@pytest.mark.parametrize("path", ["/", "/tasks", "/ops", "/p/novel-7", "/p/a%2Fb/c", "/s/x", "/t/x"])
def test_each_address_of_the_web_page_is_the_page(server: Running, path: str) -> None:
    """It finds out itself what to show, and may load nothing from elsewhere."""
    answer = get(server, path)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_the_documentation_is_served_in_the_language_of_the_browser(server: Running) -> None:
    """Each page by its name, and nothing else of the volume."""
    assert get(server, "/docs").headers["location"] == "/docs/index.md"
    assert get(server, "/docs", **{"Accept-Language": "zh-CN,zh;q=0.9"}).headers["location"] == "/docs/zh/index.md"
    assert get(server, "/docs", **{"Accept-Language": "zh;q=0.5,en;q=0.9"}).headers["location"] == "/docs/index.md"
    assert 'id="queue_full"' in get(server, "/docs/errors.md").text
    for bad in ("/docs/nothing.md", "/docs/../README.md", "/docs/%2e%2e/pyproject.toml", "/docs/zh", "/docs/.md"):
        assert get(server, bad).status_code == 404


def test_every_problem_leads_to_its_place_in_the_documentation(server: Running) -> None:
    """Its `type` is an address."""
    problem = get(server, "/api/nothing").json()
    page, _, anchor = problem["type"].partition("#")
    assert f'id="{anchor}"' in get(server, page).text


def test_an_address_longer_than_any_parser_takes_is_a_problem_too(tmp_path: Path) -> None:
    """Said by the server before the application sees it."""
    with server_process(tmp_path) as process, connection(f"{process.url}/api/stream?query={'x' * 70_000}") as raw:
        assert b'"code":"invalid_request"' in read_bytes(raw)


def test_a_page_of_a_site_that_is_named_may_use_the_server(tmp_path: Path) -> None:
    """And sees the headers it needs."""
    site = "https://app.example"
    with serving(settings(tmp_path, cors_origins=(site,))) as server:
        answer = get(server, "/api/stream?kind=demo&events=1", Origin=site, **{"Sec-Fetch-Site": "cross-site"})
        assert answer.headers["access-control-allow-origin"] == site
        assert "X-Task-ID" in answer.headers["access-control-expose-headers"]
        asked = {
            "Origin": site,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "content-type",
        }
        assert httpx2.options(f"{server.url}/api/tasks", headers=asked).status_code == 200


def test_a_reader_that_has_left_is_noticed(tmp_path: Path) -> None:
    """Within the time of a ping, also while nothing is written."""
    with serving(settings(tmp_path, stream_ping_seconds=0.2)) as server:
        url = f"{server.url}/api/stream?kind=demo&events=10&rate=0.1"
        with connection(url) as raw:
            assert read_bytes(raw, 100)
            assert server.app.state.services.hub.readers == 1
        wait_until(lambda: server.app.state.services.hub.readers == 0, 10)
