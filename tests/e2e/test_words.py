"""Whatever a form or a page has to say has words in both languages; no browser is needed to see that."""

import re
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from pydantic import BaseModel

from server.command.telling import CHINESE
from server.sources.reasons import CODES
from server.workflows.browse.params import BrowseParams
from server.workflows.demo import DemoParams
from server.workflows.extract.params import ExtractParams
from server.workflows.model_demo import ModelDemoParams
from server.workflows.novel.params import NovelParams
from server.workflows.research.params import ResearchParams
from server.workflows.research.steering import ResearchSteering
from server.workflows.testcases.params import CasesParams
from tests.e2e.browsing import quick_server
from tests.e2e.test_languages import HAN, KNOWN, LATIN
from tests.e2e.test_static import STATIC, keys
from tests.serving import ServerProcess

PARAMETERS = (
    ResearchParams,
    ResearchSteering,
    BrowseParams,
    ExtractParams,
    CasesParams,
    NovelParams,
    DemoParams,
    ModelDemoParams,
)
Property = tuple[str, str, dict[str, Any], set[str]]


def properties(model: type[BaseModel]) -> Iterator[Property]:
    """Each property at any depth: the part it belongs to, its name, its schema, and the names beside it."""
    schema = model.model_json_schema()
    for part, each in [(model.__name__, schema), *schema.get("$defs", {}).items()]:
        names = set(schema["properties"]) | set(each.get("properties", {}))
        for name, inner in each.get("properties", {}).items():
            yield part, name, inner, names


def choices(schema: dict[str, Any]) -> set[str]:
    """What can be chosen for a property, as it is sent: also one of several, or none."""
    inner = [*schema.get("anyOf", []), *([schema["items"]] if isinstance(schema.get("items"), dict) else [])]
    found = {str(value) for value in schema.get("enum", [])} | {str(schema[key]) for key in ["const"] if key in schema}
    return found.union(*(choices(each) for each in inner))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with quick_server(tmp_path_factory.mktemp("words")) as process:
        yield process


@pytest.mark.parametrize("model", PARAMETERS)
def test_every_parameter_says_in_chinese_what_it_says_in_english(model: type[BaseModel]) -> None:
    """A title at any depth, and a description where there is one; what it names as it is sent has a title as well."""
    for part, name, schema, beside in properties(model):
        chinese = schema.get("zh", {})
        assert HAN.search(chinese.get("title", "")), f"{part}.{name} has no Chinese title"
        told = chinese.get("description", "")
        assert not told or HAN.search(told), f"{part}.{name} is not described in Chinese"
        left = [word for word in LATIN.findall(KNOWN.sub("", told)) if word not in choices(schema) | beside]
        assert left == [], f"{part}.{name}: {left}"
        assert not HAN.search(schema.get("title", "") + schema.get("description", "").replace("第三章", "")), name


@pytest.mark.parametrize("model", PARAMETERS)
def test_whatever_can_be_chosen_is_called_by_a_word(model: type[BaseModel]) -> None:
    """In both languages: `value.NAME.VALUE`, or `value.PART.NAME.VALUE` where a name means several things."""
    for language in ("en", "zh"):
        words = {key.removeprefix("value.") for key in keys(language) if key.startswith("value.")}
        for part, name, schema, _ in properties(model):
            for value in choices(schema):
                assert any(key.endswith(f"{name}.{value}") for key in words), f"{part}.{name}: {value} in {language}"


def test_every_error_has_chinese_words_on_the_page() -> None:
    """All codes of the API, and why a source or a page was not read."""
    chinese = keys("zh")
    assert {f"problem.{code}" for code in CHINESE} <= chinese
    assert {f"reason.{code}" for code in CODES} <= chinese


WRONG: tuple[tuple[str, dict[str, Any]], ...] = (
    ("research", {}),
    ("research", {"query": " "}),
    ("research", {"query": "x", "max_results": 0, "breadth": 99, "sources": {"urls": ["ftp://x"]}, "no": 1}),
    ("research", {"query": "x", "max_results": "many", "language": "de", "budget": {"seconds": 0}, "references": "?"}),
    ("research", {"query": "x", "follows": "x", "plan": [], "report": 1, "depth": 1.5, "engine": "embedded"}),
    ("browse", {"tasks": []}),
    ("browse", {"tasks": [{"url": "x"}, {"goal": "g"}, {"url": "http://127.0.0.1/", "not_before": "soon"}]}),
    ("browse", {"tasks": [{"url": "http://127.0.0.1/", "steps": [{"type": "dance"}, {}, {"type": "click"}]}]}),
    ("browse", {"tasks": [{"url": "http://127.0.0.1/", "key": "a"}] * 2, "share_session": True, "parallelism": 2}),
    ("extract", {}),
    ("extract", {"users": [{"user_id": "a", "texts": [{"text": "x"}]}] * 2, "timezone": "Moon", "min_confidence": 2}),
    ("extract", {"users": [], "rules": [{"name": "a", "regex": "("}], "types": "x", "lexicon": []}),
    ("testcases", {}),
    ("testcases", {"text": "x", "upload": "y", "strength": 5, "techniques": []}),
    ("testcases", {"spec": {"modules": [{"name": "m", "fields": [{"name": "f", "type": "enum"}]}]}}),
    ("novel", {"novel": {}}),
    ("novel", {"novel": {"title": "t", "structure": "custom"}, "range": "a", "task_type": "sing"}),
    ("novel", {"novel": {"title": "t"}, "manuscript": "x", "overwrite": "perhaps"}),
)


@pytest.mark.parametrize(("kind", "params"), WRONG)
def test_what_is_wrong_with_a_field_is_said_in_chinese(
    server: ServerProcess, kind: str, params: dict[str, Any]
) -> None:
    """By its code, where the server's own sentence is English."""
    answer = httpx2.post(f"{server.url}/api/tasks", json={"kind": kind, "params": params})
    assert answer.status_code == 422, answer.text
    chinese = keys("zh")
    for error in answer.json()["errors"]:
        name = next((part for part in reversed(error["path"].split(".")) if not re.fullmatch(r"\d*", part)), "")
        assert {f"field.{name}.{error['code']}", f"field.{error['code']}"} & chinese, error


def test_every_field_error_of_the_kinds_has_chinese_words() -> None:
    """Those that their own checks give, as they stand in the code."""
    root = STATIC.parent / "server"
    files = [*root.glob("workflows/**/*.py"), root / "api/requests.py"]
    written = "\n".join(path.read_text(encoding="utf-8") for path in files)
    codes = set(re.findall(r'FieldError\(\s*(?:f?"[^"]*"|[\w.]+),\s*"([a-z_]+)"', written))
    codes |= set(re.findall(r'PydanticCustomError\(\s*"([a-z_]+)"', written))
    assert len(codes) >= 15
    chinese = keys("zh")
    assert [
        code for code in sorted(codes) if not any(re.fullmatch(rf"field\.(\w+\.)?{code}", key) for key in chinese)
    ] == []
