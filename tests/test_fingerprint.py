"""A request's id: the same for the same request, another for any other."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.errors import InvalidParameters
from server.fingerprint import clean, fingerprint, is_task_id

SIMPLE: dict[str, Any] = {"kind": "demo", "workflow_version": 1, "model": None, "search": None, "scope": "local"}


def id_of(params: dict[str, Any], **more: Any) -> str:
    return fingerprint(**{**SIMPLE, **more}, params=clean(params))


def test_an_id_is_32_hex_digits_and_never_changes_between_versions() -> None:
    """A fixed example: stored tasks are found again after an upgrade."""
    assert id_of({"a": 1}) == "cbdc045e07f7cbda629b0e837d877bab"


WHOLE_TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)


@given(st.dictionaries(WHOLE_TEXT, st.integers(-100, 100), min_size=2))
def test_key_order_makes_no_difference(params: dict[str, int]) -> None:
    """Whichever way the client sorts."""
    try:
        forward = id_of(params)
    except InvalidParameters:
        return
    assert id_of(dict(sorted(params.items(), reverse=True))) == forward or len(clean(params)) < len(params)


def test_number_spelling_normal_forms_and_outer_space_make_no_difference() -> None:
    """Case does."""
    assert id_of({"n": 1.0}) == id_of({"n": 1})
    assert id_of({"q": "Cafe\u0301"}) == id_of({"q": "  Caf\u00e9\n"})
    assert id_of({"q": "caf\u00e9"}) != id_of({"q": "Caf\u00e9"})
    assert id_of({"q": "a  b"}) != id_of({"q": "a b"})


@pytest.mark.parametrize("field", ["kind", "model", "search", "scope"])
def test_all_that_changes_the_answer_changes_the_id(field: str) -> None:
    """Another model, search, user or kind is another task."""
    assert id_of({"a": 1}, **{field: "other"}) != id_of({"a": 1})
    assert id_of({"a": 1}, workflow_version=2) != id_of({"a": 1})


@pytest.mark.parametrize(
    ("value", "code"),
    [("\ud800", "lone_surrogate"), (2**53, "number_too_large"), ({"\udfff": 1}, "lone_surrogate")],
)
def test_what_no_canonical_json_can_carry_is_refused(value: object, code: str) -> None:
    """With the field's name and what would be right."""
    with pytest.raises(InvalidParameters) as refused:
        clean({"field": value})
    assert refused.value.errors[0].code == code
    assert refused.value.errors[0].path.startswith("field")


def test_deep_nesting_is_refused_before_it_can_hurt() -> None:
    """Ten thousand levels."""
    deep: object = 1
    for _ in range(10_000):
        deep = [deep]
    with pytest.raises(InvalidParameters) as refused:
        clean({"a": deep})
    assert refused.value.errors[0].code == "too_deep"


@pytest.mark.parametrize(
    "text", ["", "a" * 31, "a" * 33, "A" * 32, "g" * 32, "a" * 31 + "\n", "../" + "a" * 29, "а" * 32]
)
def test_only_ids_are_ids(text: str) -> None:
    """Matched in full, ASCII only."""
    assert not is_task_id(text)
    assert is_task_id("0123456789abcdef" * 2)
