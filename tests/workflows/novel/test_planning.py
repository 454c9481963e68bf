"""Plans that hold for any novel: every chapter once, words that add up, pay-offs after their plants."""

from hypothesis import given, settings
from hypothesis import strategies as st

from server.llm.usage import TOKENS_PER_MESSAGE, estimate_tokens
from server.workflows.novel.bible import Bible, changes_of
from server.workflows.novel.brief import brief_of
from server.workflows.novel.entities import (
    Beat,
    Book,
    ChapterPlan,
    ChapterSummary,
    ChapterText,
    Character,
    Entity,
    Foreshadowing,
)
from server.workflows.novel.model.prompts import Prompts
from server.workflows.novel.params import NovelParams
from server.workflows.novel.planning import chapters_of, shares, volumes_of
from server.workflows.novel.review import review
from server.workflows.novel.schedule import schedule
from server.workflows.novel.structures import turns

BEATS = st.lists(st.builds(Beat, name=st.just("beat"), share=st.floats(0.01, 100)), min_size=1, max_size=30)


@st.composite
def books(draw: st.DrawFn) -> Book:
    chapters = draw(st.integers(1, 400))
    structure = draw(st.sampled_from(["three_act", "save_the_cat", "hero_journey", "custom"]))
    beats = [one.model_copy(update={"name": f"b{place}"}) for place, one in enumerate(draw(BEATS))]
    return Book(
        title="x",
        language=draw(st.sampled_from(["en", "zh"])),
        chapters=chapters,
        words_per_chapter=draw(st.integers(50, 9999)),
        volumes=draw(st.integers(1, min(200, chapters))),
        structure=structure,
        beats=tuple(beats) if structure == "custom" else (),
    )


@settings(deadline=None)
@given(book=books())
def test_every_chapter_is_planned_once_and_the_words_add_up(book: Book) -> None:
    """Every beat falls into some chapter, in order; volumes have each chapter once and the words of theirs."""
    plans = chapters_of(book)
    assert [plan.number for plan in plans] == list(range(1, book.chapters + 1))
    assert sum(plan.words for plan in plans) == book.words
    assert all(plan.beats and plan.words > 0 for plan in plans)
    told = [beat for plan in plans for beat in plan.beats]
    assert list(dict.fromkeys(told)) == [turn.name for turn in turns(book, book.language)]
    volumes = volumes_of(book, plans)
    assert [one for volume in volumes for one in range(volume.first, volume.last + 1)] == [
        plan.number for plan in plans
    ]
    assert sum(volume.words for volume in volumes) == book.words
    assert len(volumes) == book.volumes
    assert review(_bible([book, *plans, *volumes])) == []


@settings(deadline=None)
@given(total=st.integers(0, 10**6), weights=st.lists(st.floats(0.001, 1000), min_size=1, max_size=200))
def test_shares_add_up_and_are_near_their_weights(total: int, weights: list[float]) -> None:
    """None is further than one from what its weight asks for."""
    parts = shares(total, weights)
    assert sum(parts) == total
    assert all(abs(part - total * weight / sum(weights)) < 1.001 for part, weight in zip(parts, weights, strict=True))


@st.composite
def hints(draw: st.DrawFn, chapters: int) -> Foreshadowing:
    chapter = st.none() | st.integers(1, chapters + 3)
    return Foreshadowing(
        id=f"f{draw(st.integers(0, 10**6))}",
        title="hint",
        tier=draw(st.sampled_from(["short", "medium", "long"])),
        planted=draw(chapter),
        reinforced=tuple(draw(st.lists(st.integers(1, chapters), max_size=4))),
        target_from=draw(chapter),
        target_to=draw(chapter),
        paid=draw(chapter),
        status=draw(st.sampled_from(["open", "planted", "dropped"])),
    )


@settings(deadline=None)
@given(data=st.data(), chapters=st.integers(1, 120))
def test_what_is_scheduled_pays_off_after_it_is_planted(data: st.DataObject, chapters: int) -> None:
    """Inside the novel and its own window; reinforcements lie between. What is fixed by its author stays so."""
    found = data.draw(st.lists(hints(chapters), max_size=20, unique_by=lambda one: one.id))
    by_id = {one.id: one for one in found}
    slots = schedule(found, chapters)
    for slot in slots:
        one = by_id[slot.id]
        assert 1 <= slot.plant < slot.pay_off <= chapters
        assert all(slot.plant < chapter < slot.pay_off for chapter in slot.reinforce)
        assert one.planted in (None, slot.plant)
        assert one.paid in (None, slot.pay_off)
        assert one.paid is not None or one.target_to is None or slot.pay_off <= one.target_to
        assert one.paid is not None or one.target_from is None or slot.pay_off >= one.target_from
        assert one.status != "dropped"
    again = schedule(found, chapters, slots)
    assert again == slots, "what is scheduled stays"


@settings(deadline=None)
@given(chapters=st.integers(2, 200), count=st.integers(1, 40))
def test_whatever_leaves_room_is_scheduled(chapters: int, count: int) -> None:
    """A foreshadowing that fixes nothing finds its place in any novel of two chapters and more."""
    found = [Foreshadowing(id=f"f{n}", title="hint", tier=("short", "medium", "long")[n % 3]) for n in range(count)]
    assert len(schedule(found, chapters)) == count


TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=400)


@settings(max_examples=60, deadline=None)
@given(data=st.data(), tokens=st.integers(1000, 6000), number=st.integers(1, 12))
def test_a_prompt_never_takes_more_than_its_budget(data: st.DataObject, tokens: int, number: int) -> None:
    """Of any bible, for any chapter; what is left out is named, and the chapter's own plan is never all of it."""
    long = st.builds(lambda text, times: text * times, TEXT, st.integers(1, 15)).map(lambda text: text[:8000])
    title, synopsis = "长夜 Night", data.draw(long)
    book = Book(title=title, synopsis=synopsis, language=data.draw(st.sampled_from(["en", "zh"])), chapters=12)
    entities: list[Entity] = [book]
    entities += [ChapterPlan(number=n, summary=data.draw(long), cast=("p0", "p1"), words=500) for n in (number, 12)][
        : 1 if number == 12 else 2
    ]
    entities += [Character(id=f"p{n}", name=f"person {n}", description=data.draw(long)) for n in range(3)]
    entities += [ChapterSummary(number=n, summary=data.draw(long)) for n in range(1, number)]
    if number > 1:
        entities.append(ChapterText(number=number - 1, text=data.draw(long) + "."))
    entities += [Foreshadowing(id=f"f{n}", title="hint", description=data.draw(long), planted=number) for n in range(2)]
    bible = _bible(entities)
    params = NovelParams.model_validate(
        {"novel": {"title": title}, "guidance": data.draw(long), "context_tokens": tokens}
    )
    prompts = Prompts(params, book)
    prompt, brief = prompts.chapter(bible, number, tokens)
    asked = [
        prompt,
        prompts.summary(bible, number, data.draw(long), [f"f{n}" for n in range(2)]),
        prompts.characters(bible),
        prompts.timeline(bible, ["wrong"]),
        prompts.review(bible, number, ChapterText(number=number, text=data.draw(long) + ".")),
    ]
    for one in asked:
        assert sum(estimate_tokens(m.content) + TOKENS_PER_MESSAGE for m in one.messages) <= tokens
    assert dict(brief.sections)["plan"]


def test_a_brief_drops_old_summaries_before_anything_of_the_chapter_itself() -> None:
    """And says so; those that stay stand in the order of the chapters."""
    book = Book(title="长夜", chapters=40)
    plan = ChapterPlan(number=30, summary="她终于打开了那扇门。", cast=("lin",))
    past = [ChapterSummary(number=n, summary="往事" * 80) for n in range(1, 30)]
    bible = _bible([book, plan, Character(id="lin", name="林晓雨"), *past])
    brief = brief_of(bible, book, 30, 700)
    sections = dict(brief.sections)
    assert "她终于打开了那扇门。" in sections["plan"][0]
    assert sections["cast"] == ("- 林晓雨",)
    assert brief.left_out == ("before",)
    told = [line.partition("：")[0].partition(":")[0] for line in sections["before"]]
    assert told == ["- 第 27 章", "- 第 28 章", "- 第 29 章"]


def _bible(entities: list[Entity]) -> Bible:
    return Bible().after([{"set": changes_of(entities), "drop": [], "by": "person"}])
