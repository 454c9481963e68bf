"""`/api/sse` speaks the deep-research API's names and events."""

from collections.abc import Iterator

import httpx2
import orjson
import pytest

from tests.reading import parse
from tests.serving import Running, serving, settings

THEIRS_IN_A_QUERY = "language=en-US&query=What+is+a+seal%3F&maxResult=3&enableReferences=true"
EVENTS = {"infor", "message", "reasoning", "progress", "error"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with serving(settings(tmp_path_factory.mktemp("compat"))) as running:
        yield running


def test_its_events_are_those_of_that_api_with_json_in_each(server: Running) -> None:
    """The report comes as `message`."""
    answer = httpx2.get(f"{server.url}/api/sse", params={"query": "How does Holdfast resume a stream"}, timeout=60)
    seen = parse(answer.content)
    assert {each.event for each in seen} <= EVENTS
    assert seen[0].event == "infor"
    text = "".join(each.data["text"] for each in seen if each.event == "message")
    task = f"{server.url}/api/tasks/{answer.headers['x-task-id']}"
    assert text == httpx2.get(f"{task}/output").text
    assert [each for each in seen if each.event == "progress"][-1].data["status"] == "end"


def test_its_names_lead_to_the_same_task_as_ours(server: Running) -> None:
    """By query and by body."""
    theirs = {"query": "What is a seal?", "maxResult": 3, "language": "en-US", "enableReferences": True}
    ours = {"query": "What is a seal?", "max_results": 3, "language": "en"}
    ids = {
        httpx2.post(f"{server.url}/api/sse", json={**theirs, "provider": "openai"}, timeout=60).headers["x-task-id"],
        httpx2.get(f"{server.url}/api/sse?{THEIRS_IN_A_QUERY}", timeout=60).headers["x-task-id"],
        httpx2.post(f"{server.url}/api/tasks", json=ours).headers["x-task-id"],
    }
    assert len(ids) == 1


def test_it_resumes_by_the_same_ids(server: Running) -> None:
    """And ends a reader's retries with 204."""
    url = f"{server.url}/api/sse?query=What+is+a+claim"
    whole = parse(httpx2.get(url, timeout=60).content)[1:]
    middle = whole[len(whole) // 2]
    rest = parse(httpx2.get(url, headers={"Last-Event-ID": middle.id or ""}).content)[1:]
    assert rest == whole[len(whole) // 2 + 1 :]
    assert httpx2.get(url, headers={"Last-Event-ID": whole[-1].id or ""}).status_code == 204


def test_a_name_it_does_not_know_is_refused_with_those_it_knows(server: Running) -> None:
    """As a problem document."""
    answer = httpx2.post(f"{server.url}/api/sse", json={"query": "x", "max_results": 3})
    assert answer.status_code == 422
    assert "maxResult" in orjson.loads(answer.content)["detail"]
