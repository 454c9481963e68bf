"""What the checks of a bible find, and what they leave alone."""

from typing import Any

import pytest

from server.workflows.novel.checks.health import count_words
from server.workflows.novel.checks.naming import mentions
from server.workflows.novel.entities import Character
from server.workflows.novel.findings import CODES
from server.workflows.novel.review import review
from tests.workflows.novel.bibles import CHINESE, ENGLISH, PLANTED, Content, bible_of, changed, one


@pytest.mark.parametrize("content", [CHINESE, ENGLISH], ids=["zh", "en"])
def test_nothing_is_found_in_a_bible_that_holds_together(content: Content) -> None:
    """No contradiction, no warning and no note."""
    assert review(bible_of(content)) == []


@pytest.mark.parametrize(
    ("code", "where", "content", "change", "what"), PLANTED, ids=[f"{p[0]}-{p[1]}" for p in PLANTED]
)
def test_a_planted_contradiction_is_found_where_it_is(
    code: str, where: str, content: Content, change: Any, what: str
) -> None:
    """Each alone, and named with the entity that it is about."""
    found = review(changed(content, change))
    assert any(finding.code == code and where in finding.about for finding in found), (what, found)
    assert all(finding.severity == "contradiction" for finding in found if finding.code == code)


@pytest.mark.parametrize(("content", "count"), [(CHINESE, 21), (ENGLISH, 8)], ids=["zh", "en"])
def test_contradictions_that_stand_beside_each_other_are_all_found(content: Content, count: int) -> None:
    """All that are planted in a bible at once: none hides another, and each is told in both languages."""
    own = [planted for planted in PLANTED if planted[2] is content]
    assert len(own) == count

    def plant_all(changed_content: Content) -> None:
        for planted in own:
            planted[3](changed_content)

    found = review(changed(content, plant_all))
    missed = [
        planted[:2]
        for planted in own
        if not any(finding.code == planted[0] and planted[1] in finding.about for finding in found)
    ]
    assert missed == []
    assert all(finding.to_json("en")["message"] and finding.to_json("zh")["message"] for finding in found)
    assert {finding.code for finding in found} <= CODES


def findings_in(text: str, content: Content = CHINESE, number: int = 2) -> set[str]:
    def change(changed_content: Content) -> None:
        changed_content["foreshadowing"] = []
        one(changed_content, "texts", number)["text"] = text

    return {finding.code for finding in review(changed(content, change))}


GOOD = CHINESE["texts"][1]["text"]


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("name_variant", GOOD.replace("林晓雨", "林小雨")),
        ("name_variant", GOOD + "欧阳远三不在。"),
        ("never_mentioned", GOOD.replace("林晓雨", "她").replace("晓雨", "她")),
        ("unplanned_cast", GOOD + "周正海来了。周正海站住。周正海笑了。"),
        ("too_short", "林晓雨走了。"),
        ("too_long", "".join(f"{GOOD}第{n}次。" for n in "一二三四")),
        ("placeholder", GOOD + "此处省略五百字。"),
        ("placeholder", GOOD + "【待补】。"),
        ("assistant_speaks", "作为一个AI语言模型，我不能写这个。" + GOOD),
        ("breaks_off", GOOD[:-1]),
        ("broken_characters", GOOD + "\ufffd。"),
        ("open_quote", GOOD + "\n“她说到这里，没有再说下去。"),
        ("wrong_heading", "第三章 旧宅\n" + GOOD),
        ("repeated_paragraph", CHINESE["texts"][0]["text"]),
        ("repeated_sentence", GOOD + "窗外有人走过，脚步声停在门口，又慢慢远去。" * 4),
        ("other_language", "Lin opened the drawer and found a rusty key. " * 10 + "晓雨。"),
    ],
)
def test_what_is_wrong_with_a_text_is_found(code: str, text: str) -> None:
    """Chinese; the English ones follow."""
    assert code in findings_in(text)


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("name_variant", "Jonathon Hale"),
        ("name_variant", "Elias Throne"),
        ("assistant_speaks", "As an AI language model, I can't write this."),
        ("placeholder", "[insert the fight here]."),
        ("placeholder", "TODO."),
        ("wrong_heading", "# Chapter 4\n"),
    ],
)
def test_what_is_wrong_with_an_english_text_is_found(code: str, text: str) -> None:
    """Misspelt names of both halves of a name among them."""
    good = ENGLISH["texts"][0]["text"]
    whole = f"{text}{good}" if text.startswith("#") else f"{good} {text}" + ("" if text.endswith(".") else " came.")
    assert code in findings_in(whole, ENGLISH, 1)


@pytest.mark.parametrize(
    "more",
    [
        "林晓雪不在了。",
        "晓雨说：“走吧。”",
        "林医生站住了。",
        "欧阳镇长来了。",
        "林晓雨和周警官都没有说话。",
        "他姓林，晓得这件事。",
    ],
)
def test_names_and_their_other_forms_are_no_misspellings(more: str) -> None:
    """A sister's name that differs in one character, names cut short, names beside other words."""
    assert "name_variant" not in findings_in(GOOD + more)


@pytest.mark.parametrize(
    "more", ["Jonathan's lamp.", "The Jonathans left.", "The throne was empty.", "A hail came down; Hail!"]
)
def test_words_that_are_like_english_names_are_no_misspellings(more: str) -> None:
    """The genitive, a plural, another word with its own meaning."""
    found = review(
        changed(ENGLISH, lambda content: one(content, "texts", 1).update(text=f"{ENGLISH['texts'][0]['text']} {more}"))
    )
    assert "name_variant" not in {finding.code for finding in found}


def test_mentions_are_counted_by_the_longest_name() -> None:
    """An alias inside a longer name is not counted with it, and Latin names end at the ends of words."""
    people = [
        Character(id="lin", name="林晓雨", aliases=("晓雨",)),
        Character(id="sister", name="林晓雪"),
        Character(id="ann", name="Ann"),
    ]
    texts = {1: "林晓雨看着晓雨。林晓雪走了。", 2: "Anna met Ann; Ann left."}
    assert mentions(people, texts) == {"lin": {1: 2}, "sister": {1: 1}, "ann": {2: 2}}
    assert mentions([], texts) == {}


def test_words_are_characters_and_words() -> None:
    """Punctuation counts for nothing."""
    assert count_words("他说：“OK, let's go。”第3章") == 2 + 3 + 2 + 1
    assert count_words("") == 0


def test_a_plan_that_a_person_changed_after_its_chapter_was_written_is_told() -> None:
    """And not one that was there before."""
    bible = bible_of(CHINESE)
    plan = bible.entities["chapter:2"].value.model_dump(mode="json")
    later = bible.after([{"set": {"chapter:2": {**plan, "summary": "另一回事"}}, "drop": [], "by": "person"}])
    assert [finding.code for finding in review(later)] == ["text_older_than_plan"]


def test_a_foreshadowing_whose_time_has_passed_is_overdue() -> None:
    """Chapter 2 is written, and it was to pay off by then."""
    change = {"planted": 1, "target_from": 2, "target_to": 2}
    bible = changed(CHINESE, lambda content: one(content, "foreshadowing", "f-letter").update(change))
    assert [(finding.code, finding.severity) for finding in review(bible)] == [("overdue", "warning")]
