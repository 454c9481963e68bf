"""What a task has been doing: its steps with their times, and its log without the report's texts."""

from collections.abc import Iterator

import httpx2
import pytest

from tests.serving import Running, serving, settings, wait_until


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with serving(settings(tmp_path_factory.mktemp("activity"))) as running:
        yield running


@pytest.fixture
def client(server: Running) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=server.url, timeout=30) as made:
        yield made


def done(client: httpx2.Client, **params: int) -> str:
    """The address of a demo task that has ended."""
    task = client.post("/api/tasks", json={"kind": "demo", **params}).json()["id"]
    address = f"/api/tasks/{task}"
    wait_until(lambda: client.get(address).json()["status"] in ("completed", "failed"))
    return address


def test_each_finished_step_is_told_with_its_name_and_its_time(client: httpx2.Client) -> None:
    """In the order in which they were finished; while the task runs as well as afterwards. Here the key is the name."""
    told = client.get(f"{done(client, events=30, steps=3)}/steps").json()
    assert told["total"] == 3
    assert [(step["key"], step["label"]) for step in told["steps"]] == [(f"part:{n}", f"part:{n}") for n in range(3)]
    assert [step["finished_at"] for step in told["steps"]] == sorted(step["finished_at"] for step in told["steps"])
    assert all(step["seconds"] >= 0 for step in told["steps"])


def test_a_step_that_failed_is_not_among_the_finished_ones(client: httpx2.Client) -> None:
    """Nor what would have followed it."""
    told = client.get(f"{done(client, events=30, steps=3, fail_at=15)}/steps").json()
    assert [step["key"] for step in told["steps"]] == ["part:0"]


def test_the_log_tells_when_each_event_was_and_leaves_the_texts_out(client: httpx2.Client) -> None:
    """Of a part's text, how many pieces there are and how long they are together."""
    address = done(client, events=30, size=20, steps=3, items=2)
    told = client.get(f"{address}/log").json()
    assert told["seq"] == client.get(address).json()["seq"]
    assert not told["more"]
    texts = [event["data"] for event in told["events"] if event["type"] == "output"]
    assert sum(text["pieces"] for text in texts) == 30
    assert sum(text["characters"] for text in texts) == 600
    assert [event["data"]["key"] for event in told["events"] if event["type"] == "item"] == ["item-0", "item-1"]
    assert told["events"][-1]["type"] == "done"
    assert all(event["at"].endswith("Z") for event in told["events"])


def test_the_log_goes_on_after_the_event_that_is_named(client: httpx2.Client) -> None:
    """Nothing is told again."""
    address = done(client, events=5, steps=1, seed=4)
    whole = client.get(f"{address}/log").json()
    middle = whole["events"][1]["seq"]
    rest = client.get(f"{address}/log", params={"after": middle}).json()
    assert rest["events"][-1] == whole["events"][-1]
    assert min(event["seq"] for event in rest["events"]) > middle
    end = client.get(f"{address}/log", params={"after": whole["seq"]}).json()
    assert (end["seq"], end["events"], end["more"]) == (whole["seq"], [], False)


@pytest.mark.parametrize("after", ["", "-1", "x", "1" * 13])
def test_a_place_that_is_no_number_is_refused(client: httpx2.Client, after: str) -> None:
    """With what would be right."""
    refused = client.get(f"{done(client, events=1)}/log", params={"after": after})
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["path"] == "after"
