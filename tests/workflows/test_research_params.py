"""What can be asked of a research task, and how equal requests become equal."""

from typing import Any

import pytest
from pydantic import ValidationError

from server.api.requests import field_errors
from server.workflows.research.params import ResearchParams
from server.workflows.research.questions import plan, sides, type_of


def dumped(**given: Any) -> dict[str, Any]:
    return ResearchParams.model_validate(given).model_dump(mode="json", exclude_none=True)


def test_defaults_are_filled_in() -> None:
    """A request that spells a default out is the same request."""
    assert dumped(query=" x ") == dumped(
        query="x", max_results=5, sources={"library": True}, report={}, budget={}, model=None
    )
    assert dumped(query="x")["sources"] == {"web": True, "library": True, "urls": [], "academic": False}


def test_spellings_of_an_address_are_one() -> None:
    """Deduplicated, in the order given."""
    urls = ["HTTP://Example.org", "http://example.org/#top", "https://example.org/b"]
    assert dumped(query="x", sources={"urls": urls})["sources"]["urls"] == [
        "http://example.org/",
        "https://example.org/b",
    ]


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"query": "   "},
        {"query": "x" * 4001},
        {"query": 5},
        {"query": "x", "unknown": 1},
        {"query": "x", "max_results": 0},
        {"query": "x", "depth": 6},
        {"query": "x", "language": "fr"},
        {"query": "x", "engine": "magic"},
        {"query": "x", "sources": {"urls": ["ftp://example.org/"]}},
        {"query": "x", "sources": {"urls": ["http://me:secret@example.org/"]}},
        {"query": "x", "sources": {"urls": [f"http://example.org/{n}" for n in range(51)]}},
        {"query": "x", "budget": {"seconds": 0}},
        {"query": "x", "report": {"style": "epic"}},
        {"query": "x\ud800"},
        {"query": "\x00\x01\x1b"},
        {"query": "\u200b\ufeff \x7f"},
    ],
)
def test_wrong_parameters_are_refused(wrong: dict[str, Any]) -> None:
    """Missing, too much, out of bounds, unknown, unfetchable."""
    with pytest.raises(ValidationError):
        ResearchParams.model_validate(wrong)


def test_what_is_wrong_with_an_address_is_said_of_that_address() -> None:
    """By its place in the list, in one plain sentence."""
    with pytest.raises(ValidationError) as caught:
        dumped(query="x", sources={"urls": ["http://example.org/", "ftp://example.org/", "http://a{b}:c@example.org/"]})
    assert [(error.path, error.message) for error in field_errors(caught.value)] == [
        ("sources.urls.1", "Only http and https addresses are fetched"),
        ("sources.urls.2", "Addresses with a user name or password are not taken"),
    ]


def test_control_characters_are_dropped_from_a_question() -> None:
    """Line feeds and tabs stay; a question of nothing else is refused in one sentence."""
    assert dumped(query="\x00What\x1b[31m is\r\n\tit?\x85")["query"] == "What[31m is\n\tit?"
    with pytest.raises(ValidationError, match="no character that can be seen"):
        dumped(query="\x01")


def fields(schema: dict[str, Any]) -> list[dict[str, Any]]:
    groups = [schema, *schema.get("$defs", {}).values()]
    return [field for group in groups for field in group["properties"].values()]


def test_every_field_is_described_in_both_languages() -> None:
    """Forms and docs are made of the schema."""
    for field in fields(ResearchParams.model_json_schema()):
        assert field["description"]
        # A group has its title in its own schema.
        assert "title" in field or field["$ref"].startswith("#/$defs/")
        assert set(field["zh"]) == {"title", "description"}


@pytest.mark.parametrize(
    ("question", "language", "kind"),
    [
        ("How do I descale a kettle?", "en", "howto"),
        ("How does Holdfast resume a stream", "en", "how"),
        ("What is a journal?", "en", "definition"),
        ("Why does the tide rise?", "en", "why"),
        ("What is the difference between A4 and letter paper?", "en", "comparison"),
        ("Can a task be paused?", "en", "yesno"),
        ("When was it built?", "en", "fact"),
        ("kettle maintenance", "en", "topic"),
        ("如何清洗水壶？", "zh", "howto"),
        ("什么是日志？", "zh", "definition"),
        ("为什么会涨潮？", "zh", "why"),
        ("绿茶和红茶有什么区别？", "zh", "comparison"),
        ("任务可以暂停吗？", "zh", "yesno"),
        ("谁写了这本书？", "zh", "fact"),
        ("水壶保养", "zh", "topic"),
    ],
)
def test_questions_have_a_type(question: str, language: str, kind: str) -> None:
    """By how they begin or end, in both languages."""
    assert type_of(question, language) == kind


def test_a_comparison_asks_about_both_sides() -> None:
    """And about limits, as every plan does."""
    assert sides("What is the difference between green tea and black tea?") == ("green tea", "black tea")
    assert sides("绿茶和红茶有什么区别？") == ("绿茶", "红茶")
    found = plan("绿茶和红茶有什么区别？", "zh", 4, [])
    assert [one.search for one in found] == ["绿茶和红茶有什么区别？", "绿茶", "红茶", "绿茶和红茶有什么区别？"]
    assert found[-1].angle == "limits"


def test_a_plan_has_no_filler() -> None:
    """Angles that the first search saw nothing of are not asked about; limits always are."""
    assert [one.angle for one in plan("How does Holdfast resume a stream", "en", 4, [])] == ["", "limits"]
    hinted = plan("How does Holdfast resume a stream", "en", 4, ["reasons", "examples", "alternatives"])
    assert [one.angle for one in hinted] == ["", "reasons", "examples", "limits"]
    assert [one.id for one in hinted] == ["q1", "q2", "q3", "q4"]
    assert [one.angle for one in plan("x y", "en", 1, ["purpose"])] == [""]
