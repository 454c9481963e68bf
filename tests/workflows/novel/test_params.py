"""What can be asked about a novel, and what each wrong field is told."""

from typing import Any

import pytest

from server.api.requests import validated
from server.errors import HoldfastError, InvalidParameters, ModelRequired
from server.workflows.novel.params import NovelParams
from server.workflows.novel.workflow import novel_workflow

NOVEL = {"title": "长夜"}


def refused(**params: Any) -> HoldfastError:
    """What a request is refused with, by its schema or by what does not fit together."""
    check = novel_workflow().check
    assert check is not None
    try:
        check(validated(NovelParams, params))
    except HoldfastError as error:
        return error
    raise AssertionError("it was taken")


@pytest.mark.parametrize(
    ("path", "told", "params"),
    [
        ("novel", "required", {}),
        ("novel.title", "`id`, or `title`", {"novel": {}}),
        ("novel.id", "match pattern", {"novel": {"id": "a/b"}}),
        ("novel.id", "match pattern", {"novel": {"id": ".."}}),
        ("novel.title", "at least 1", {"novel": {"title": " "}}),
        ("novel.title", "at most 80", {"novel": {"title": "长" * 81}}),
        ("novel.genre", "string", {"novel": {**NOVEL, "genre": 3}}),
        ("novel.synopsis", "at most 8000", {"novel": {**NOVEL, "synopsis": "x" * 8001}}),
        ("novel.language", "'en' or 'zh'", {"novel": {**NOVEL, "language": "fr"}}),
        ("novel.chapters", "greater than or equal to 1", {"novel": {**NOVEL, "chapters": 0}}),
        ("novel.chapters", "less than or equal to 2000", {"novel": {**NOVEL, "chapters": 2001}}),
        ("novel.words_per_chapter", "greater than or equal to 50", {"novel": {**NOVEL, "words_per_chapter": 1}}),
        ("novel.volumes", "greater than or equal to 1", {"novel": {**NOVEL, "volumes": 0}}),
        ("novel", "more volumes than chapters", {"novel": {**NOVEL, "volumes": 3, "chapters": 2}}),
        ("novel.structure", "'three_act'", {"novel": {**NOVEL, "structure": "epic"}}),
        ("novel", "needs `beats`", {"novel": {**NOVEL, "structure": "custom"}}),
        ("novel", "`structure: custom`", {"novel": {**NOVEL, "beats": [{"name": "a"}]}}),
        ("novel.beats.0.share", "greater than 0", {"novel": {**NOVEL, "beats": [{"name": "a", "share": 0}]}}),
        ("novel.author", "not permitted", {"novel": {**NOVEL, "author": "me"}}),
        ("task_type", "'outline'", {"novel": NOVEL, "task_type": "poem"}),
        ("range", "`1-3,7`", {"novel": NOVEL, "range": "one to three"}),
        ("range", "goes upwards", {"novel": NOVEL, "range": "5-3"}),
        ("range", "from 1", {"novel": NOVEL, "range": "0"}),
        ("guidance", "at most 8000", {"novel": NOVEL, "guidance": "x" * 8001}),
        ("overwrite", "boolean", {"novel": NOVEL, "overwrite": "perhaps"}),
        ("base_revision", "greater than or equal to 0", {"novel": NOVEL, "base_revision": -1}),
        ("engine", "'embedded'", {"novel": NOVEL, "engine": "magic"}),
        ("model", "at least 1", {"novel": NOVEL, "model": ""}),
        ("context_tokens", "greater than or equal to 1000", {"novel": NOVEL, "context_tokens": 10}),
        ("budget.calls", "greater than 0", {"novel": NOVEL, "budget": {"calls": 0}}),
        ("budget.tokens", "greater than 0", {"novel": NOVEL, "budget": {"tokens": 0}}),
        ("budget.seconds", "greater than 0", {"novel": NOVEL, "budget": {"seconds": 0}}),
        ("bible", "brings entities", {"novel": NOVEL, "task_type": "import"}),
        ("bible", "brings entities", {"novel": NOVEL, "task_type": "import", "bible": {}}),
        ("manuscript", "`task_type: import`", {"novel": NOVEL, "manuscript": "第一章\n雨。"}),
        ("manuscript", "at least 1", {"novel": NOVEL, "task_type": "import", "manuscript": ""}),
        (
            "bible.texts",
            "or as a `manuscript`",
            {
                "novel": NOVEL,
                "task_type": "import",
                "manuscript": "雨。",
                "bible": {"texts": [{"number": 1, "text": "雨。"}]},
            },
        ),
        ("bible", "`task_type: import`", {"novel": NOVEL, "bible": {"drop": ["world:a"]}}),
        ("chapters", "not permitted", {"novel": NOVEL, "chapters": 3}),
    ],
)
def test_a_wrong_field_is_named_with_what_would_be_right(path: str, told: str, params: dict[str, Any]) -> None:
    """Each with HTTP status 422."""
    error = refused(**params)
    assert isinstance(error, InvalidParameters)
    assert (error.status, error.errors[0].path) == (422, path)
    assert told in error.errors[0].message


@pytest.mark.parametrize(
    ("path", "told", "bible"),
    [
        ("bible.book.title", "required", {"book": {}}),
        ("bible.volumes.0.first", "required", {"volumes": [{"number": 1, "last": 2}]}),
        ("bible.chapters.0.number", "greater than or equal to 1", {"chapters": [{"number": 0}]}),
        ("bible.chapters.0.cast.0", "match pattern", {"chapters": [{"number": 1, "cast": ["a:b"]}]}),
        ("bible.characters.0.name", "required", {"characters": [{"id": "a"}]}),
        ("bible.characters.0.died", "integer", {"characters": [{"id": "a", "name": "a", "died": "monday"}]}),
        ("bible.world.0.inside", "match pattern", {"world": [{"id": "a", "name": "a", "inside": ""}]}),
        ("bible.timeline.0.part", "'dawn'", {"timeline": [{"id": "a", "title": "a", "part": "tea"}]}),
        ("bible.timeline.0.day", "less than or equal", {"timeline": [{"id": "a", "title": "a", "day": 10**9}]}),
        ("bible.foreshadowing.0.tier", "'short'", {"foreshadowing": [{"id": "a", "title": "a", "tier": "x"}]}),
        ("bible.texts.0.text", "at least 1", {"texts": [{"number": 1, "text": ""}]}),
        ("bible.summaries.0.summary", "required", {"summaries": [{"number": 1}]}),
        ("bible", "stands there twice", {"world": [{"id": "a", "name": "a"}, {"id": "a", "name": "b"}]}),
        ("bible", "`drop` takes keys", {"drop": ["lin"]}),
    ],
)
def test_a_wrong_entity_is_named_with_what_would_be_right(path: str, told: str, bible: dict[str, Any]) -> None:
    """Of each kind."""
    error = refused(novel=NOVEL, task_type="import", bible=bible)
    assert (error.status, error.errors[0].path) == (422, path)
    assert told in error.errors[0].message


def test_a_book_and_a_frame_that_speak_of_the_same_are_refused() -> None:
    """One of them would have to lose."""
    error = refused(novel={**NOVEL, "chapters": 3}, task_type="import", bible={"book": {"title": "长夜"}})
    assert error.errors[0].path == "novel.chapters"


def test_a_model_that_is_asked_for_and_not_there_is_told_of() -> None:
    """With 409 and what to set."""
    error = refused(novel=NOVEL, engine="llm")
    assert (type(error), error.status) == (ModelRequired, 409)


def test_defaults_and_spellings_make_the_same_request() -> None:
    """White space, full-width commas, defaults that are spelt out."""
    plain = NovelParams.model_validate({"novel": NOVEL, "range": "1-3,7"})
    spelt = NovelParams.model_validate(
        {"novel": {"title": " 长夜 "}, "range": " 1-3，7 ", "task_type": "outline", "overwrite": False, "budget": {}}
    )
    assert plain == spelt
    assert plain.chapters == [1, 2, 3, 7]
    assert plain.novel.name == spelt.novel.name
    assert plain.novel.name.startswith("n-")
