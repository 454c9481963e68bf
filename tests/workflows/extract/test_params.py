"""What can be asked of a batch of texts: what is wrong is told, field by field, and nothing is started by it."""

from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from server.api.requests import request_for
from server.workflows.extract.params import LONGEST_RULE, MOST_TEXT_CHARS, Text
from server.workflows.extract.workflow import extract_workflow
from tests.serving import Running, serving, settings

USERS = [{"user_id": "u", "texts": [{"text": "We met.", "written_at": "2024-05-15"}]}]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with serving(settings(tmp_path_factory.mktemp("extract"), max_body_bytes=8 * 1024 * 1024)) as running:
        yield running


def texts(*given: Any) -> list[dict[str, Any]]:
    return [{"user_id": "u", "texts": list(given)}]


@pytest.mark.parametrize(
    ("params", "path", "says"),
    [
        ({"users": None}, "users", "retry_failed_of"),
        ({"retry_failed_of": "a" * 32}, "users", "one of them"),
        ({"users": []}, "users", "at least 1 item"),
        ({"users": "everybody"}, "users", "valid list"),
        ({"users": [{"texts": []}]}, "users.0.user_id", "required"),
        ({"users": [{"user_id": " ", "texts": []}]}, "users.0.user_id", "at least 1 character"),
        ({"users": [{"user_id": "u"}]}, "users.0.texts", "required"),
        ({"users": USERS * 2}, "users.1.user_id", "given twice"),
        ({"users": texts({"id": "a", "text": "x"}, {"id": "a", "text": "y"})}, "users.0.texts", "same id"),
        ({"users": texts({"text": 7})}, "users.0.texts.0.text", "valid string"),
        ({"users": texts({"text": "x" * (MOST_TEXT_CHARS + 1)})}, "users.0.texts.0.text", "at most 200000"),
        ({"users": texts({"text": "x", "written_at": "soon"})}, "users.0.texts.0.written_at", "valid datetime"),
        ({"users": texts({"text": "x", "written_at": "1850-01-01"})}, "users.0.texts.0.written_at", "between 1901"),
        ({"users": texts({"text": "x", "written_at": 20240501})}, "users.0.texts.0.written_at", "may mean anything"),
        ({"users": texts({"text": "x", "written_at": "1714521600"})}, "users.0.texts.0.written_at", "may mean"),
        ({"users": texts({"text": "x", "written_at": "2024/2/30"})}, "users.0.texts.0.written_at", "valid datetime"),
        ({"users": texts({"text": "x", "when": "now"})}, "users.0.texts.0.when", "not permitted"),
        ({"users": None, "retry_failed_of": "the last one"}, "retry_failed_of", "match pattern"),
        ({"batch_size": 0}, "batch_size", "greater than or equal to 1"),
        ({"batch_size": "ten"}, "batch_size", "valid integer"),
        ({"types": ["two words"]}, "types.0", "match pattern"),
        ({"types": ["unseen\x00"]}, "types.0", "match pattern"),
        ({"types": ["\u202egnitteem"]}, "types.0", "match pattern"),
        ({"lexicon": {"x": []}}, "lexicon.x", "at least 1 item"),
        ({"lexicon": ["met"]}, "lexicon", "valid object"),
        ({"rules": [{"name": "r", "regex": "("}]}, "rules.0.regex", "no regular expression"),
        ({"rules": [{"name": "r", "regex": "x" * (LONGEST_RULE + 1)}]}, "rules.0.regex", "at most 500"),
        ({"rules": [{"name": "r", "regex": "x", "fields": {"time": "day"}}]}, "rules.0.fields.time", "(?P<day>…)"),
        (
            {"rules": [{"name": "r", "regex": "x", "fields": {"colour": "c"}}]},
            "rules.0.fields.colour.[key]",
            "'trigger'",
        ),
        ({"rules": [{"name": "r", "regex": "x"}] * 2}, "rules.1.name", "given twice"),
        ({"timezone": "Mars/Olympus"}, "timezone", "Asia/Shanghai"),
        ({"timezone": "../../etc/passwd"}, "timezone", "no time zone"),
        ({"min_confidence": 2}, "min_confidence", "less than or equal to 1"),
        ({"engine": "magic"}, "engine", "'embedded'"),
        ({"budget": {"tokens": 0}}, "budget.tokens", "greater than 0"),
        ({"budget": {"calls": "some"}}, "budget.calls", "valid integer"),
        ({"budget": {"seconds": -1}}, "budget.seconds", "greater than 0"),
        ({"colour": "red"}, "colour", "not permitted"),
    ],
)
def test_what_is_wrong_with_a_field_is_told(server: Running, params: dict[str, Any], path: str, says: str) -> None:
    given = {name: value for name, value in {"users": USERS, **params}.items() if value is not None}
    answer = httpx2.post(f"{server.url}/api/tasks", json={"kind": "extract", "params": given}, timeout=30)
    assert answer.status_code == 422, answer.text
    errors = {error["path"]: error["message"] for error in answer.json()["errors"]}
    assert path in errors, errors
    assert says in errors[path]
    assert httpx2.get(f"{server.url}/api/tasks", timeout=30).json()["tasks"] == []


@pytest.mark.parametrize(
    ("sent", "meant"),
    [
        ("2024/5/1", "2024-05-01T00:00:00"),
        ("2024/5/1 9:30", "2024-05-01T09:30:00"),
        ("2024.05.01", "2024-05-01T00:00:00"),
        ("2024年5月1日", "2024-05-01T00:00:00"),
        ("20240501", "2024-05-01T00:00:00"),
        ("2024-05-01T09:30:00+08:00", "2024-05-01T09:30:00+08:00"),
    ],
)
def test_a_time_of_writing_is_taken_as_spreadsheets_write_it(sent: str, meant: str) -> None:
    written = Text.model_validate({"text": "x", "written_at": sent}).written_at
    assert written is not None
    assert written.isoformat() == meant


def test_a_list_is_not_called_too_short_where_its_elements_are_wrong(server: Running) -> None:
    """Once they are left out nothing is left, which is nobody's fault."""
    params: dict[str, Any] = {"users": [{"texts": []}]}
    answer = httpx2.post(f"{server.url}/api/tasks", json={"kind": "extract", "params": params}, timeout=30)
    assert [error["path"] for error in answer.json()["errors"]] == ["users.0.user_id"]


def test_a_model_that_is_not_there_is_refused(server: Running) -> None:
    params = {"users": USERS, "engine": "llm"}
    answer = httpx2.post(f"{server.url}/api/tasks", json={"kind": "extract", "params": params}, timeout=30)
    assert (answer.status_code, answer.json()["code"]) == (409, "model_required")


def test_what_is_kept_of_a_request_is_what_the_task_is_run_with() -> None:
    """A task is taken up from its birth record alone."""
    workflow = extract_workflow()
    asked = {
        "users": USERS,
        "rules": [{"name": "r", "regex": "(?P<a>x)", "fields": {"time": "a"}}],
        "lexicon": {"a": ["b"]},
    }
    wanted = request_for(workflow, asked, "local", from_query=False)
    assert workflow.params.model_validate(wanted.params) == workflow.params.model_validate(asked)
