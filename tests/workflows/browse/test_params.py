"""What can be asked of a batch: what is kept of it can be read again, and what is wrong is told."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from server.api.requests import request_for
from server.sources.chromium.pool import Chromium
from server.sources.egress import Judge
from server.sources.guard import EgressGuard
from server.workflows.base import Workflow
from server.workflows.browse.workflow import browse_workflow
from tests.serving import Running, serving, settings

HERE = "http://127.0.0.1:8000/"
PAGES: list[dict[str, Any]] = [
    {"url": HERE, "steps": [{"type": "click", "selectors": [["#a", "#b"]], "offsetX": 1, "offsetY": 2}]},
    {"url": HERE, "steps": [{"type": "navigate", "url": HERE, "assertedEvents": [{"type": "navigation"}]}]},
    {"url": HERE, "recording": {"title": "r", "selectorAttribute": "x", "steps": [{"type": "close"}]}},
    {"url": HERE, "steps": [{"type": "setViewport", "width": 800, "height": 600, "isMobile": False}]},
    {"url": HERE, "fill": {"Name": "Ann"}, "submit": "Go", "expires_at": "2030-01-01T00:00:00+08:00"},
]


@pytest.fixture(scope="module")
def workflow() -> Workflow:
    return browse_workflow(Chromium(lambda: Path("none"), EgressGuard(Judge(()))))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with serving(settings(tmp_path_factory.mktemp("browse"))) as running:
        yield running


@pytest.mark.parametrize("page", PAGES)
def test_what_is_kept_of_a_request_is_what_the_task_is_run_with(workflow: Workflow, page: dict[str, Any]) -> None:
    """A task is taken up from its birth record alone."""
    wanted = request_for(workflow, {"tasks": [page]}, "local", from_query=False)
    assert workflow.params.model_validate(wanted.params) == workflow.params.model_validate({"tasks": [page]})


def test_a_page_that_is_not_there_is_refused(server: Running) -> None:
    """With how many there are."""
    params = {"tasks": [{"url": HERE}], "task_indices": [1]}
    answer = httpx2.post(f"{server.url}/api/tasks", json={"kind": "browse", "params": params})
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "out_of_range")
