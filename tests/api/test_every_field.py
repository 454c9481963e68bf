"""Every field of every kind, given what it can't be: refused, with the field named, and nothing is made of it.

Fields and what they may be are read from the schemas that the server gives away, so a new field is tried as well.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

import httpx2
import pytest

from tests.serving import serving, settings

KINDS = ("research", "browse", "extract", "testcases", "novel")
LEAST_TRIALS = 60
"""In the kind with the fewest fields there are more ways than these to be wrong."""
DEEPEST = 7
HOSTILE = ("'; DROP TABLE tasks; --", "\x00", "\u202e../../etc/passwd\n", "<script>alert(1)</script>", "1" * 5000)
TOO_DEEP: Any = json.loads("[" * 40 + "]" * 40)
Key: TypeAlias = tuple[str | int, tuple[tuple[str, str], ...]]
"""A member of an object or a place in a list, with what else the object has to say: which of several forms it is of."""
Path: TypeAlias = tuple[Key, ...]
Schema: TypeAlias = Mapping[str, Any]

SMALLEST: dict[str, dict[str, Any]] = {
    "research": {"query": "What is it?"},
    "browse": {"tasks": [{"url": "http://127.0.0.1/"}]},
    "extract": {"users": [{"user_id": "u", "texts": [{"text": "We met."}]}]},
    "testcases": {"text": "The name is required."},
    "novel": {"novel": {"title": "Fog"}},
}
BUDGETED: dict[str, dict[str, Any]] = {
    **SMALLEST,
    "browse": {"tasks": [{"url": "http://127.0.0.1/", "goal": "Find the price."}]},
}


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx2.Client]:
    """With a model, whose endpoint is nowhere: it is never asked."""
    model = {
        "openai_model": "nobody",
        "openai_base_url": "http://127.0.0.1:9/v1",
        "openai_api_key": "k",
        "max_body_bytes": 16_000_000,
    }
    with (
        serving(settings(tmp_path_factory.mktemp("fields"), **model)) as running,
        httpx2.Client(base_url=running.url, timeout=30) as client,
    ):
        yield client
        assert client.get("/api/stats").json()["tasks"]["total"] == 0, "a task was made of it"


def schema_of(client: httpx2.Client, kind: str) -> Schema:
    kinds = client.get("/api/kinds").json()["kinds"]
    found: Schema = next(each["schema"] for each in kinds if each["kind"] == kind)
    return found


def refused(client: httpx2.Client, kind: str, params: Mapping[str, Any]) -> tuple[int, list[str]]:
    """The status, and the paths that are named."""
    answer = client.post("/api/tasks", json={"kind": kind, "params": params})
    return answer.status_code, [error["path"] for error in answer.json().get("errors", ())]


def forms_of(schema: Schema, whole: Schema) -> list[Schema]:
    """What a value may be, each form by itself; that there may be none is none of them."""
    if "$ref" in schema:
        schema = whole["$defs"][schema["$ref"].rpartition("/")[2]]
    inner = schema.get("anyOf") or schema.get("oneOf")
    if inner is None:
        return [] if schema.get("type") == "null" else [schema]
    return [form for each in inner for form in forms_of(each, whole)]


def fields_of(schema: Schema, whole: Schema, path: Path = ()) -> Iterator[tuple[Path, list[Schema]]]:
    """Where each field is, with the forms that it may have; what lies in lists and in maps too."""
    if len(path) > DEEPEST:
        return
    properties = schema.get("properties", {})
    form_of = tuple((name, each["const"]) for name, each in properties.items() if "const" in each)
    for name, each in properties.items():
        if "const" in each:
            continue
        forms, place = forms_of(each, whole), (*path, (name, form_of))
        yield place, forms
        for form in forms:
            yield from _within(form, whole, place)


def _within(form: Schema, whole: Schema, path: Path) -> Iterator[tuple[Path, list[Schema]]]:
    yield from fields_of(form, whole, path)
    for key, inner in ((0, form.get("items")), ("key", form.get("additionalProperties"))):
        if isinstance(inner, Mapping):
            forms, place = forms_of(inner, whole), (*path, (key, ()))
            yield place, forms
            for one in forms:
                yield from _within(one, whole, place)


def wrong_for(form: Schema) -> Iterator[Any]:
    """Values that no field of this form takes: of another type, out of its range, empty, huge, hostile."""
    match form.get("type"):
        case "string" | None if "enum" in form or form.get("type") == "string":
            yield from (7, [], {}, True)
            if "enum" in form or "pattern" in form or "format" in form:
                fitting = re.compile(form.get("pattern", "(?!)"))
                yield from (text for text in HOSTILE if fitting.search(text.strip()) is None)
            if form.get("minLength"):
                yield from ("", " \n ")
            if "maxLength" in form:
                yield "长" * (form["maxLength"] + 1)
        case "integer" | "number":
            yield from ("ten", [], {}, "NaN()", 2**60)
            if form["type"] == "integer":
                yield 1.5
            if "minimum" in form:
                yield form["minimum"] - 1
            if "exclusiveMinimum" in form:
                yield form["exclusiveMinimum"]
            if "maximum" in form:
                yield form["maximum"] + 1
        case "boolean":
            yield from ("perhaps", 7, [], {})
        case "array":
            yield from (7, "x", {"a": 1})
            if form.get("minItems"):
                yield []
            if form.get("maxItems", 10_000) < 1000:
                yield [None] * (form["maxItems"] + 1)
        case "object":
            yield from (7, "x", [])
            if form.get("additionalProperties") is False:
                yield {"colour": "red"}
            if form.get("maxProperties", 10_000) < 1000:
                yield {f"key{number}": None for number in range(form["maxProperties"] + 1)}
    yield TOO_DEEP


def placed(path: Path, value: Any) -> Any:
    """The parameters that hold the value at this place, and nothing else."""
    for key, form_of in reversed(path):
        value = [value] if isinstance(key, int) else {**dict(form_of), key: value}
    return value


def names(path: Path, told: str) -> bool:
    """Whether what is told is this place, or one within it; names of variants may stand between."""
    parts = iter(told.split("."))
    return all(str(key) in parts for key, _ in path)


@pytest.mark.parametrize("kind", KINDS)
def test_whatever_a_field_can_not_be_is_refused_with_the_field_named(client: httpx2.Client, kind: str) -> None:
    schema = schema_of(client, kind)
    trials = [
        (path, wrong)
        for path, forms in dict(fields_of(schema, schema)).items()
        for form in forms
        for wrong in wrong_for(form)
        if len(forms) == 1 or wrong == TOO_DEEP
    ]
    assert len(trials) > LEAST_TRIALS
    faults = []
    for path, wrong in trials:
        given = {**SMALLEST[kind], **placed(path, wrong)}
        status, told = refused(client, kind, given)
        if status != 422 or not any(names(path, one) for one in told):
            faults.append((".".join(str(key) for key, _ in path), repr(wrong)[:60], status, told[:5]))
    assert faults == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_bound_on_money_needs_a_price_in_every_kind(client: httpx2.Client, kind: str) -> None:
    """It is told before a task is made: the model would have been asked by then."""
    asked = {**BUDGETED[kind], "budget": {"money": 1}}
    assert refused(client, kind, asked) == (422, ["budget.money"])
