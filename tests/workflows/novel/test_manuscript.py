"""A manuscript is split into its chapters, and nothing of it is dropped without a word."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.workflows.novel.manuscript import split
from tests.workflows.novel.running import Shelf


@pytest.mark.parametrize("line", [" " * 500_000, "\t　" * 250_000, "#" * 500_000, "第一章" + " " * 500_000 + "x" * 200])
def test_a_line_of_nothing_is_passed_over_at_once(line: str) -> None:
    """Admission reads a manuscript while others wait."""
    began = time.process_time()
    assert split(f"{line}\n第二章 雾\n雨停了。").texts[-1].title == "雾"
    assert time.process_time() - began < 2


@pytest.mark.parametrize(
    ("heading", "number", "title"),
    [
        ("第一章 雨夜", 1, "雨夜"),
        ("第十二章：雾", 12, "雾"),
        ("　　第一百零三回　大结局", 103, "大结局"),
        ("第２章", 2, ""),
        ("## 第 3 章 来信", 3, "来信"),
        ("Chapter 7: The Quay", 7, "The Quay"),
        ("CHAPTER 12", 12, ""),
        ("# chapter 4 — Salt", 4, "Salt"),
    ],
)
def test_a_heading_says_number_and_title(heading: str, number: int, title: str) -> None:
    """In both languages, with either numerals, as Markdown or not."""
    (text,) = split(f"{heading}\r\n雨下了一夜。\r\n她没有睡。").texts
    assert (text.number, text.title, text.text) == (number, title, "雨下了一夜。\n她没有睡。")


@pytest.mark.parametrize(
    "line", ["第一章节的内容。", "In chapter 3 of her book she says so.", "第三个人走了。", "Chapters 1 to 3"]
)
def test_a_line_that_only_speaks_of_chapters_is_no_heading(line: str) -> None:
    """The whole is chapter 1 then."""
    (text,) = split(f"{line}\n完。").texts
    assert (text.number, text.text) == (1, f"{line}\n完。")


def test_what_belongs_to_no_chapter_is_told() -> None:
    """A preface, a number that comes twice, chapter 0; a heading with nothing under it is no chapter."""
    found = split("序言。\n第一章\n甲。\n第一章\n乙。\n第二章\n第零章\n丙。\n第三章\n丁。")
    assert [(one.number, one.text) for one in found.texts] == [(1, "甲。"), (3, "丁。")]
    assert found.unplaced == ("序言。", "第一章\n乙。", "第零章\n丙。")
    assert split(" \n ").texts == ()


@settings(deadline=None)
@given(numbers=st.lists(st.integers(1, 2000), min_size=1, max_size=30, unique=True))
def test_every_chapter_of_a_manuscript_comes_out_once(numbers: list[int]) -> None:
    """In any order."""
    found = split("\n".join(f"Chapter {n}\nText {n}.\n" for n in numbers))
    assert [(one.number, one.text) for one in found.texts] == [(n, f"Text {n}.") for n in numbers]
    assert found.unplaced == ()


async def test_a_manuscript_goes_into_the_bible_as_what_a_person_wrote() -> None:
    """And is reviewed at once."""
    shelf = Shelf()
    frame = {"title": "雾", "chapters": 3, "words_per_chapter": 50}
    result = await shelf.run(
        task_type="import", frame=frame, manuscript="序。\n第一章 雨\n雨下了一夜。\n第三章\n她走了。"
    )
    assert result["unplaced"] == ["序。"]
    bible = await shelf.bible()
    assert [(one["number"], one["title"]) for one in bible["texts"]] == [(1, "雨"), (3, "")]
    assert bible["written"]["text:1"]["by"] == "person"
    refused = await shelf.refused(task_type="import", manuscript="第一章\n另一个雨夜。")
    assert refused.code == "revision_conflict"
    assert (await shelf.run(task_type="chapter"))["missing"] == [2]
