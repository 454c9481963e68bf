"""Where something is, as the form of a statement tells; how often that fails is in the documentation."""

import re
from pathlib import Path

import pytest

from server.workflows.extract.places import place
from tests.serving import ROOT

LINES = [
    line.split("\t")
    for line in Path(__file__).with_name("places.tsv").read_text(encoding="utf-8").splitlines()
    if not line.startswith("#")
]


def found_in(text: str) -> str:
    span = place(text)
    return "" if span is None else text[slice(*span)]


def row(name: str) -> str:
    """Sentences, places in them, places met, read otherwise, missed, and made up where there is none."""
    ones = [(text, label, found_in(text)) for group, text, label in LINES if group == name]
    labels = [(label, found) for _, label, found in ones if label]
    met = sum(label == found for label, found in labels)
    missed = sum(not found for _, found in labels)
    made_up = sum(bool(found) and not label for _, label, found in ones)
    return f"| {name} | {len(ones)} | {len(labels)} | {met} | {len(labels) - met - missed} | {missed} | {made_up} |"


@pytest.mark.parametrize("page", ["docs/extract.md", "docs/zh/extract.md"])
def test_the_table_of_places_is_what_the_labelled_sentences_give(page: str) -> None:
    written = (ROOT / page).read_text(encoding="utf-8").splitlines()
    assert [line for line in written if re.match(r"\| (?:first|later) \|", line)] == [row("first"), row("later")]


def test_there_are_eighty_sentences_each_with_its_label() -> None:
    assert len({text for _, text, _ in LINES}) == len(LINES) == 80
    assert all(label in text for _, text, label in LINES)


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("昨天在上海开会。", "上海"),
        ("下周去北京出差。", "北京"),
        ("下周三下午3点在二楼会议室开会。", "二楼会议室"),
        ("下午2点到4点做电路检修。", ""),
        ("晚上10点到凌晨2点封路施工。", ""),
        ("去年年底公司裁了一批人。", ""),
        ("Meeting in Berlin on Friday.", "Berlin"),
        ("We met at 12 Baker Street.", "12 Baker Street"),
        ("We met in May and in March.", ""),
        ("I paid John on Monday.", ""),
        ("Ship it to Anna.", ""),
        ("在" * 5000, ""),
        ("in A " * 5000, ""),
    ],
)
def test_a_place_is_read_by_the_words_before_and_after_it(text: str, where: str) -> None:
    """Times, people and languages are none."""
    assert found_in(text) == where
