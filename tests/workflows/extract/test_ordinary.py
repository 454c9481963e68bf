"""Ordinary sentences: what is read in them, and that nothing of it is false about its place."""

import re

import pytest

from server.workflows.extract.events import Origin, read
from server.workflows.extract.lexicon import Lexicon
from server.workflows.extract.people import participants
from tests.serving import ROOT
from tests.workflows.extract.labelled import WRITTEN_AT, ZONE, found_in
from tests.workflows.extract.ordinary import ordinary, rows

HUNDRED = 100


@pytest.mark.parametrize("page", ["docs/extract.md", "docs/zh/extract.md"])
def test_the_table_of_ordinary_sentences_is_what_they_give(page: str) -> None:
    lines = (ROOT / page).read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if re.match(r"\| (?:sixty|forty) \|", line)] == rows()


def test_there_are_a_hundred_sentences_each_with_its_labels_in_it() -> None:
    every = list(ordinary())
    assert len({sentence.text for sentence in every}) == len(every) == HUNDRED
    assert all(words in sentence.text for sentence in every for _, words, _ in sentence.facts)


def test_what_is_quoted_of_a_sentence_stands_at_its_place() -> None:
    quotes = 0
    for sentence in ordinary():
        text = sentence.text
        reading = read(Origin("u", "t", text, WRITTEN_AT, ZONE), Lexicon({}), ())
        for one in (*reading.events, *reading.facts):
            quotes += 1
            assert text[one["start"] : one["end"]] == one.get("quote", one.get("text"))
        for event in reading.events:
            assert all(name in event["quote"] for name in event["participants"])
    assert quotes > HUNDRED


@pytest.mark.parametrize(
    ("text", "when"),
    [
        ("每周三开例会。", {("每周三", "?")}),
        ("every Friday at 9 am", {("every Friday at 9 am", "?")}),
        (
            "On May 25 doors open at 7 pm.",
            {("May 25", "2024-05-25..2024-05-25"), ("7 pm", "2024-05-25T19:00..2024-05-25T19:00")},
        ),
        (
            "5月20日停水，下午5点恢复。",
            {("5月20日", "2024-05-20..2024-05-20"), ("下午5点", "2024-05-20T17:00..2024-05-20T17:00")},
        ),
        (
            "I saw it on May 2. Call at 7 pm.",
            {("May 2", "2024-05-02..2024-05-02"), ("7 pm", "2024-05-15T19:00..2024-05-15T19:00")},
        ),
        ("June 12, 2 pm EDT", {("June 12, 2 pm EDT", "2024-06-13T02:00..2024-06-13T02:00")}),
        ("09:00 UTC+2 on 2024-06-01", {("09:00 UTC+2 on 2024-06-01", "2024-06-01T15:00..2024-06-01T15:00")}),
        ("May 20, 3 pm CST", {("May 20, 3 pm CST", "?")}),
        ("We will close on December 23.", {("December 23", "2024-12-23..2024-12-23")}),
        ("We closed on December 23.", {("December 23", "2023-12-23..2023-12-23")}),
        ("定于12月28日举行。", {("12月28日", "2024-12-28..2024-12-28")}),
        ("正月初三走亲戚，五月初五吃粽子。", set()),
        ("98年5月1日", set()),
        ("3050年1月1日", set()),
        ("今天24:00截止", {("今天24:00", "2024-05-16T00:00..2024-05-16T00:00")}),
        ("Pay by the end of the month.", {("the end of the month", "2024-05-21..2024-05-31")}),
    ],
)
def test_a_time_is_no_more_exact_than_what_is_said_of_it(text: str, when: set[tuple[str, str]]) -> None:
    """What recurs is no single day; a time of day is of the day that its sentence named; CST is of two continents."""
    assert {(words, value) for kind, words, value in found_in(text) if kind == "time"} == when


@pytest.mark.parametrize(
    ("text", "people"),
    [
        ("赵倩考进了浙江大学。", ["赵倩"]),
        ("请陈晓东和王医生参加。", ["陈晓东", "王医生"]),
        ("周末去高铁站，金额方便的话马上付款。", []),
        ("In Tom's opinion Priya should ask Kenji.", ["Tom", "Priya", "Kenji"]),
        ("We flew to Santa Barbara in May.", []),
        ("St. Mary's Hospital called.", []),
    ],
)
def test_people_are_told_from_words_and_places(text: str, people: list[str]) -> None:
    assert [text[start:end] for start, end in participants(text)] == people
