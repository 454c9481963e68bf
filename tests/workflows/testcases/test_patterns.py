"""Patterns agree with the standard library's, and texts that are made from them fit."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.workflows.testcases.patterns import pattern

PATTERNS = (
    r"[a-zA-Z]\w{2,5}",
    r"1[3-9]\d{2}",
    r"(ab|c)*d?",
    r"[^@\s]+@[a-z]+\.(com|cn)",
    r"[\u4e00-\u9fa5]{2,4}",
    r"^(?:x+y?|\.)+$",
    r"a{3}|b{0,2}",
)


@given(written=st.sampled_from(PATTERNS), text=st.text("abcdxy1390@. 中_mn", max_size=8))
def test_a_text_fits_as_it_does_for_the_standard_library(written: str, text: str) -> None:
    """`\\w`, `\\d` and `\\s` are those of ASCII: 中 is no letter of an account's name."""
    assert pattern(written).fits(text) is (re.fullmatch(written, text, re.ASCII) is not None)


@pytest.mark.parametrize("written", PATTERNS)
def test_texts_of_each_possible_length_are_made_and_fit(written: str) -> None:
    lengths = [length for length in range(12) if pattern(written).has_length(length)]
    assert lengths
    for length in lengths:
        text = pattern(written).text(length)
        assert text is not None
        assert len(text) == length
        assert re.fullmatch(written, text)


def test_a_pattern_that_would_take_others_for_ever_is_matched_at_once() -> None:
    assert not pattern("(a+)+b").fits("a" * 5000)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("(?=a)b", "look ahead"),
        (r"(a)\1", r"\1 is not known"),
        ("[z-a]", "backwards"),
        ("a{2", "how often"),
        ("(a", "breaks off"),
        ("a)", "closes nothing"),
        ("*a", "can't"),
        ("((a{100}){100}){100}", "too large"),
    ],
)
def test_what_is_no_pattern_here_is_refused_with_the_reason(written: str, said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        pattern(written)
