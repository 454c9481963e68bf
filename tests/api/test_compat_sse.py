"""`/api/sse` speaks the deep-research API's names and events."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import orjson
import pytest

from tests.llm.endpoint import KEY
from tests.reading import parse
from tests.serving import Running, serving, settings
from tests.workflows.researcher import serving_researcher

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


EVERY: dict[str, Any] = {
    "provider": "google",
    "thinkingModel": "deep",
    "taskModel": "quick",
    "searchProvider": "tavily",
    "language": "fr-FR",
    "maxResult": 5,
    "enableCitationImage": True,
    "enableReferences": False,
    "promptOverrides": {"systemInstruction": "Be brief."},
    "temperature": 0.2,
}


def first_infor(server: Running, **asked: Any) -> dict[str, str]:
    answer = httpx2.post(f"{server.url}/api/sse", json={"query": "What is a lease?", **asked}, timeout=60)
    seen = parse(answer.content)
    assert (answer.status_code, seen[0].event) == (200, "infor")
    told: dict[str, str] = seen[0].data["passedOver"]
    return told


def test_what_has_no_effect_is_told_at_once_with_the_reason(server: Running) -> None:
    """Without a model all that is meant for one; what has an effect is not named, and neither is what is left out."""
    told = first_infor(server, **EVERY)
    assert set(told) == {
        "provider",
        "thinkingModel",
        "taskModel",
        "searchProvider",
        "enableCitationImage",
        "language",
        "promptOverrides",
        "temperature",
    }
    assert told["searchProvider"] == "The server's own providers are asked: none; the library is searched."
    assert "this server has none" in told["taskModel"]
    assert first_infor(server, maxResult=4, language="zh_CN", provider="") == {}


def test_with_a_model_only_its_endpoint_and_its_temperature_are_the_servers_own(tmp_path: Path) -> None:
    with serving_researcher() as served:
        model = {"openai_base_url": served.url, "openai_model": "scripted", "openai_api_key": KEY}
        with serving(settings(tmp_path, **model)) as server:
            told = first_infor(server, **EVERY)
    assert set(told) == {"provider", "searchProvider", "enableCitationImage", "language", "temperature"}
    assert told["provider"] == "The server's own endpoint is asked, for scripted."


def test_each_progress_is_of_one_of_that_apis_steps(server: Running) -> None:
    """In their order, and the last one ends the report."""
    seen = parse(httpx2.get(f"{server.url}/api/sse?query=How+is+a+log+read", timeout=60).content)
    steps = [each.data["step"] for each in seen if each.event == "progress"]
    assert list(dict.fromkeys(steps)) == ["report-plan", "search-task", "serp-query", "final-report"]


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ({"query": ""}, "query"),
        ({"maxResult": "many"}, "integer"),
        ({"maxResult": 0}, "1"),
        ({"enableReferences": "perhaps"}, "boolean"),
        ({"enableCitationImage": 7}, "boolean"),
        ({"taskModel": 3}, "string"),
        ({"thinkingModel": []}, "string"),
        ({"language": 5}, "en-US or zh"),
        ({"promptOverrides": "Be brief."}, "an object of texts"),
        ({"promptOverrides": {"systemPrompt": "x"}}, "systemInstruction"),
        ({"promptOverrides": {"reviewPrompt": 3}}, "an object of texts"),
    ],
)
def test_a_wrong_value_is_refused_with_what_would_be_right(server: Running, wrong: dict[str, Any], right: str) -> None:
    answer = httpx2.post(f"{server.url}/api/sse", json={"query": "What is a lease?", **wrong})
    assert answer.status_code == 422
    assert right in answer.text
