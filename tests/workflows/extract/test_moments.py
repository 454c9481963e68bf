"""Times and facts are read as people mean them; how often that fails is in the documentation."""

import re
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from server.workflows.extract.facts import facts
from server.workflows.extract.moments import moments
from server.workflows.extract.numerals import whole
from tests.serving import ROOT
from tests.workflows.extract.labelled import UNKNOWN, WRITTEN_AT, ZONE, Score, found_in, rows, sentences, table

LEAST_PER_LANGUAGE = 100


@pytest.mark.parametrize("page", ["docs/extract.md", "docs/zh/extract.md"])
def test_the_table_of_hits_and_misses_is_what_the_labelled_sentences_give(page: str) -> None:
    shown = [
        line for line in (ROOT / page).read_text(encoding="utf-8").splitlines() if re.match(r"\| (?:zh|en) \|", line)
    ]
    assert shown == rows()


@pytest.mark.parametrize("language", ["zh", "en"])
def test_of_each_language_at_least_a_hundred_sentences_are_labelled(language: str) -> None:
    """Each label stands in its sentence, which is there once."""
    own = [sentence for sentence in sentences() if sentence.language == language]
    assert len(own) >= LEAST_PER_LANGUAGE
    assert len({sentence.text for sentence in own}) == len(own)
    assert all(words in sentence.text for sentence in own for _, words, _ in sentence.facts)


def test_what_is_seldom_read_right_is_noticed() -> None:
    """Of what is labelled, more than eight in ten are met, and what is made up is rare."""
    every = sum(table().values(), Score())
    assert every.hits / every.labels > 0.8
    assert every.made_up / every.labels < 0.05


@pytest.mark.parametrize(
    ("text", "words", "value"),
    [
        ("下周三下午3点开会", "下周三下午3点", "2024-05-22T15:00..2024-05-22T15:00"),
        ("上个月15号付清", "上个月15号", "2024-04-15..2024-04-15"),
        ("于2024-05-01发布", "2024-05-01", "2024-05-01..2024-05-01"),
        ("9-11am tomorrow", "9-11am tomorrow", "2024-05-16T09:00..2024-05-16T11:00"),
        ("晚上10点到凌晨2点", "晚上10点到凌晨2点", "2024-05-15T22:00..2024-05-16T02:00"),
        ("二月三十号", None, None),
        ("on 31/02/2024", None, None),
        ("99999年后", None, None),
    ],
)
def test_a_time_is_read_with_its_value(text: str, words: str | None, value: str | None) -> None:
    """Days that there are not are no dates."""
    assert found_in(text) == (set() if words is None else {("time", words, value)})


@pytest.mark.parametrize(
    "text", ["下周三开会", "yesterday at 3pm", "5月3日", "两个小时前", "on the 15th", "Q3", "15:30"]
)
def test_without_the_day_of_writing_a_relative_time_stays_open(text: str) -> None:
    (found,) = moments(text, None, ZONE)
    assert (found.first, found.last, found.resolved_by) == (None, None, None)


def test_the_day_of_writing_is_that_of_the_time_zone() -> None:
    """Late in the evening in London it is tomorrow in Shanghai."""
    written = datetime(2024, 5, 15, 20, tzinfo=ZoneInfo("UTC"))
    (found,) = moments("今天", written, ZONE)
    assert str(found.first) == "2024-05-16"


@pytest.mark.parametrize(
    "text", ["3:2险胜", "住在3号楼15号", "有一点问题", "v2.4.1", "1.2.3.4", "May I?", "2号线", "第3号"]
)
def test_what_looks_like_a_time_is_none(text: str) -> None:
    assert moments(text, WRITTEN_AT, ZONE) == []


@pytest.mark.parametrize(
    ("words", "number"),
    [
        ("十五", 15),
        ("二〇二四", 2024),
        ("三千二百", 3200),
        ("一亿五千万", 150_000_000),
        ("三万二", 32_000),
        ("廿三", 23),
        ("一百零五", 105),
        ("壹佰", 100),
        ("twelve", 12),
        ("many", None),
        ("", None),
    ],
)
def test_numbers_are_read_in_every_writing(words: str, number: int | None) -> None:
    assert whole(words) == number


def test_what_stands_in_an_address_is_part_of_it() -> None:
    text = "see https://example.org/v1.2.3/#12?mail=a@b.example."
    assert [(fact.kind, text[fact.start : fact.end]) for fact in facts(text)] == [("url", text[4:-1])]


def test_an_unknown_value_is_labelled_as_such() -> None:
    """Negative control: a label that is not met counts as missed, and as otherwise where only its value is wrong."""
    sentence = next(one for one in sentences() if any(value == UNKNOWN for _, _, value in one.facts))
    assert sentence.facts
    wrong = {(kind, words, "else") for kind, words, _ in found_in("明天")}
    assert wrong != found_in("明天")
