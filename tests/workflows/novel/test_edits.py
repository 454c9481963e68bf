"""Whose words stand: what a person wrote is written over by nobody who has not seen it."""

import copy
from typing import Any

import anyio
import pytest

from server.errors import InvalidParameters, NovelNotFound, RevisionConflict
from server.workflows.novel.desk import Desk
from server.workflows.novel.params import NovelParams
from server.workflows.rehearsal import Killed, RehearsalContext
from tests.workflows.novel.bibles import CHINESE
from tests.workflows.novel.running import Shelf

FRAME = {"title": "雾港来信", "chapters": 8, "volumes": 2, "words_per_chapter": 100}


def plan(number: int, summary: str) -> dict[str, Any]:
    return {"chapters": [{"number": number, "summary": summary, "words": 100}]}


async def started() -> Shelf:
    """A shelf with an outline at revision 2, whose chapter 3 a person has edited at revision 3."""
    shelf = Shelf()
    await shelf.run(frame=FRAME)
    result = await shelf.run(task_type="import", bible=plan(3, "人写的"), base_revision=2)
    assert result["revision"] == 3
    return shelf


async def chapter_of(shelf: Shelf, number: int) -> dict[str, Any]:
    found: dict[str, Any] = next(one for one in (await shelf.bible())["chapters"] if one["number"] == number)
    return found


async def test_an_outline_made_again_leaves_what_a_person_wrote() -> None:
    """Without `overwrite` everything stays; with it only what a person wrote since."""
    shelf = await started()
    result = await shelf.run()
    assert len(result["kept"]) == 2, "the volumes; plans that stay are not even made"
    assert result["revision"] == 3
    result = await shelf.run(overwrite=True)
    assert "chapter:3" not in {key for key, one in (await shelf.bible())["written"].items() if one["by"] != "person"}
    assert (await chapter_of(shelf, 3))["summary"] == "人写的"


async def test_who_has_seen_an_edit_may_have_it_written_over() -> None:
    """`base_revision` names the revision that holds it."""
    shelf = await started()
    refused = await shelf.refused(overwrite=True, base_revision=2)
    assert (type(refused), refused.status) == (RevisionConflict, 409)
    assert "`chapter:3`" in refused.detail
    assert "revision 3" in refused.detail
    await shelf.run(overwrite=True, base_revision=3)
    assert (await chapter_of(shelf, 3))["summary"] == ""


async def test_two_people_who_edit_the_same_from_the_same_revision_do_not_overwrite_each_other() -> None:
    """The second one is told so, looks again, and then may; other entities are free for both."""
    shelf = await started()
    await shelf.run(task_type="import", bible=plan(3, "甲"), base_revision=3)
    for base in (None, 2, 3):
        refused = await shelf.refused(task_type="import", bible=plan(3, "乙"), base_revision=base)
        assert isinstance(refused, RevisionConflict)
    await shelf.run(task_type="import", bible=plan(4, "乙"), base_revision=3)
    await shelf.run(task_type="import", bible=plan(3, "乙"), base_revision=4)
    assert (await chapter_of(shelf, 3))["summary"] == "乙"
    result = await shelf.run(task_type="import", bible=plan(3, "乙"))
    assert result["imported"] == [], "the same again is no change"


async def test_an_import_goes_in_whole_or_not_at_all() -> None:
    """One conflict among many entities."""
    shelf = await started()
    before = await shelf.bible()
    wanted = {"characters": [{"id": "lin", "name": "林晓雨"}], **plan(3, "乙")}
    assert isinstance(await shelf.refused(task_type="import", bible=wanted, base_revision=2), RevisionConflict)
    assert await shelf.bible() == before


async def test_an_edit_made_while_a_task_runs_stays() -> None:
    """The task looked at the bible before the edit, and enters its plans after it."""
    shelf = Shelf()
    await shelf.run(frame=FRAME)
    ctx = shelf.context(steps_until_kill=2)
    with pytest.raises(Killed):
        await shelf.run(ctx, overwrite=True, frame={"words_per_chapter": 200})
    await shelf.run(task_type="import", bible=plan(5, "中途修改"), base_revision=3)
    again = RehearsalContext(ctx.journal, ledgers=shelf.ledgers, task_id=ctx.task_id)
    result = await shelf.run(again, overwrite=True, frame={"words_per_chapter": 200})
    assert result["kept"] == ["chapter:5"]
    assert (await chapter_of(shelf, 5))["summary"] == "中途修改"
    assert (await chapter_of(shelf, 4))["words"] > 150


async def test_an_import_that_is_overtaken_while_it_runs_fails_and_changes_nothing() -> None:
    """It was admitted, and looked, before the other one went in."""
    shelf = await started()
    ctx = shelf.context(steps_until_kill=1)
    with pytest.raises(Killed):
        await shelf.run(ctx, task_type="import", bible=plan(3, "甲"), base_revision=3)
    await shelf.run(task_type="import", bible=plan(3, "乙"), base_revision=3)
    again = RehearsalContext(ctx.journal, ledgers=shelf.ledgers, task_id=ctx.task_id)
    params = {"novel": {"id": "night"}, "task_type": "import", "bible": plan(3, "甲"), "base_revision": 3}
    with pytest.raises(RevisionConflict):
        await shelf.workflow.run(again, NovelParams.model_validate(params))
    assert (await chapter_of(shelf, 3))["summary"] == "乙"


@pytest.mark.parametrize("steps", range(8))
async def test_a_task_killed_at_any_step_enters_each_thing_once(steps: int) -> None:
    """Also where it dies between the entry and its record: the entry is known by its key."""
    shelf = Shelf()
    ctx = shelf.context(steps_until_kill=steps)
    try:
        await shelf.run(ctx, frame=FRAME)
    except Killed:
        again = RehearsalContext(ctx.journal, ledgers=shelf.ledgers, task_id=ctx.task_id)
        result = await shelf.run(again, frame=FRAME)
        assert result["revision"] == 2
    bible = await shelf.bible()
    assert bible["revision"] == 2
    assert [one["number"] for one in bible["chapters"]] == list(range(1, 9))


async def test_many_writers_at_once_lose_nothing() -> None:
    """Twenty tasks enter at the same time; each entity is there, each revision has one of them."""
    shelf = Shelf()
    await shelf.run(frame=FRAME)

    async def add(number: int) -> None:
        people = [{"id": f"p{number}", "name": f"人{number}"}]
        await shelf.run(task_type="import", bible={"characters": people})

    async with anyio.create_task_group() as tg:
        for number in range(20):
            tg.start_soon(add, number)
    bible = await shelf.bible()
    assert {one["id"] for one in bible["characters"]} == {f"p{number}" for number in range(20)}
    assert sorted(bible["written"][f"character:p{n}"]["revision"] for n in range(20)) == list(range(3, 23))


async def test_the_frame_of_a_novel_is_changed_only_if_that_is_said() -> None:
    """A task that brings other figures along is told which of them differ."""
    shelf = await started()
    refused = await shelf.refused(frame={"chapters": 9}, task_type="foreshadowing")
    assert isinstance(refused, RevisionConflict)
    assert "`chapters`" in refused.detail
    await shelf.run(frame={"chapters": 9}, task_type="outline", overwrite=True)
    assert (await shelf.bible())["book"]["chapters"] == 9


async def test_a_novel_that_is_made_shorter_loses_what_engines_had_planned_beyond_its_end() -> None:
    """What a person wrote there stays, and the review tells of it."""
    shelf = await started()
    await shelf.run(task_type="import", bible=plan(7, "人写的"), base_revision=3)
    hints = [{"id": "a", "title": "a", "tier": "long"}, {"id": "b", "title": "b", "tier": "short"}]
    await shelf.run(task_type="import", bible={"foreshadowing": hints})
    await shelf.run(task_type="foreshadowing")
    await shelf.run(frame={"chapters": 5, "volumes": 1}, overwrite=True)
    result = await shelf.run(task_type="foreshadowing", overwrite=True, guidance="again")
    bible = await shelf.bible()
    assert [one["number"] for one in bible["chapters"]] == [1, 2, 3, 4, 5, 7]
    assert [(one["first"], one["last"]) for one in bible["volumes"]] == [(1, 5)]
    assert {one["id"] for one in bible["schedule"]} == {"a", "b"}
    assert all(one["pay_off"] <= 5 for one in bible["schedule"])
    assert result["findings"] == []
    found = (await shelf.run(task_type="review"))["findings"]
    assert [(one["code"], one["about"]) for one in found if one["severity"] == "contradiction"] == [
        ("outside_chapters", ["chapter:7"])
    ]


async def test_what_can_not_be_is_refused_before_a_task_is_made() -> None:
    """A new novel without a title, a review of nothing, chapters and revisions that there are not."""
    shelf = Shelf()
    assert isinstance(await shelf.refused(), InvalidParameters)
    for task_type in ("review", "export"):
        assert isinstance(await shelf.refused(task_type=task_type), NovelNotFound)
    await shelf.run(frame=FRAME)
    for wrong in ({"range": "7-9"}, {"base_revision": 3}, {"frame": {"volumes": 9}}):
        refused = await shelf.refused(**wrong)
        assert refused.status == 422
        assert refused.errors[0].path in ("range", "base_revision", "novel.volumes")


async def test_a_whole_bible_is_taken_in_reviewed_and_taken_out_again() -> None:
    """What comes in by an import is what an export shows; `drop` takes out."""
    shelf = Shelf()
    result = await shelf.run(task_type="import", frame={}, bible=copy.deepcopy(CHINESE))
    assert result["findings"] == []
    shown = await shelf.run(task_type="export")
    for name in ("characters", "texts", "timeline", "chapters"):
        given = {one.get("id", one.get("number")): one for one in CHINESE[name]}
        for one in shown["bible"][name]:
            assert given[one.get("id", one.get("number"))].items() <= {**one}.items()
    assert shown["missing"] == [3, 4, 5, 6, 7, 8], "the set difference"
    refused = await shelf.refused(task_type="import", bible={"drop": ["event:memory"]})
    assert isinstance(refused, RevisionConflict)
    result = await shelf.run(task_type="import", bible={"drop": ["event:memory"]}, base_revision=1)
    assert result["dropped"] == ["event:memory"]
    assert "memory" not in [one["id"] for one in (await shelf.bible())["timeline"]]


async def test_chapters_that_are_missing_are_the_set_difference() -> None:
    """Of chapters 1, 2 and 5, those between are missing, and not what follows the highest number."""
    shelf = Shelf()
    texts = [{"number": number, "text": "正文。"} for number in (1, 2, 5)]
    await shelf.run(task_type="import", frame=FRAME, bible={"texts": texts})
    result = await shelf.run(task_type="chapter")
    assert result["missing"] == [3, 4, 6, 7, 8]
    assert [one["number"] for one in result["chapters"] if one["status"] == "brief"] == [3, 4, 6, 7, 8]
    assert result["needs_model"] == ["text"]
    assert [one["number"] for one in result["book"]["chapters"]] == [1, 2, 5]


async def test_an_entry_that_is_never_finished_ends_in_an_error_that_says_so() -> None:
    """On a volume without hard links a writer can die over a number, and hold it."""

    class Held:
        async def entries(self, after: int = 0) -> list[Any]:
            return []

        async def enter(self, number: int, content: Any) -> bool:
            return False

    ctx = RehearsalContext()
    ctx.ledger = lambda name: Held()  # type: ignore[method-assign,assignment,return-value] # a ledger of another kind
    desk = Desk(ctx, NovelParams.model_validate({"novel": {"title": "x"}}))
    with pytest.raises(Exception, match="held and never finished"):
        await desk.enter("enter", {"world:a": {"id": "a", "name": "a"}}, by="embedded")
