"""A novel with a model, over the wire: what code plans it fills in, chapter by chapter, and code holds it to that."""

from contextlib import suppress
from typing import Any

import orjson
import pytest
from anyio import fail_after

from server.errors import BatchBlocked
from server.llm.failures import ModelDenied, ModelUnavailable
from server.llm.scripted import Rule
from server.llm.usage import PriceList, Prices
from server.workflows.novel.checks.health import count_words
from server.workflows.novel.model.chapters import AsChapter, extract, lacking, tidy
from server.workflows.rehearsal import Killed, RehearsalContext
from tests.llm.endpoint import KEY
from tests.workflows.novel.novelist import Novelist, honest, serving_novelist
from tests.workflows.novel.running import Shelf

FRAME = {"title": "雾港来信", "chapters": 6, "volumes": 2, "words_per_chapter": 100, "language": "zh"}
PEOPLE = {"characters": [{"id": "lin", "name": "林晓雨", "role": "医生"}]}


async def shelf_with(served: Novelist, **more: Any) -> Shelf:
    """A shelf with a planned novel, without anything written."""
    shelf = Shelf(served.client(**more))
    await shelf.run(frame=FRAME, engine="embedded")
    await shelf.run(task_type="import", bible=PEOPLE)
    return shelf


async def test_a_model_fills_in_every_part_of_the_bible() -> None:
    """People, world, outline, volumes, timeline, foreshadowings and their schedule; names are resolved by code."""
    with serving_novelist() as served, fail_after(30):
        shelf = Shelf(served.client())
        results = {
            task_type: await shelf.run(task_type=task_type, frame=FRAME)
            for task_type in ("characters", "world", "outline", "volumes", "timeline", "foreshadowing")
        }
        bible = await shelf.bible()
    assert all(
        (one["engine"], one["status"], one["needs_model"]) == ("llm", "complete", []) for one in results.values()
    )
    assert [(one["id"], one["aliases"]) for one in bible["characters"]] == [("林晓雨", ["晓雨"]), ("周-正海", [])]
    assert [(one["name"], one["inside"]) for one in bible["world"]] == [("雾港", None), ("灯塔", "雾港")]
    assert [one["title"] for one in bible["chapters"]] == [f"第{n}盏灯" for n in range(1, 7)]
    assert all(one["cast"] == ["林晓雨"] for one in bible["chapters"])
    assert sum(one["words"] for one in bible["chapters"]) == 600 == sum(one["words"] for one in bible["volumes"])
    assert [one["title"] for one in bible["volumes"]] == ["卷1", "卷2"]
    assert [(one["id"], one["participants"], one["requires"]) for one in bible["timeline"]] == [
        ("失踪", ["林晓雨"], []),
        ("归来", ["林晓雨"], ["失踪"]),
    ]
    assert {one["id"] for one in bible["schedule"]} == {"钥匙", "信"}
    assert results["foreshadowing"]["spent"]["calls"] == 1


async def test_a_model_fills_in_what_code_has_laid_out_and_nothing_else() -> None:
    """Not what a person wrote, not what a model has filled in already; what it leaves out is there for the next one."""

    def forgetful(stage: str, prompt: str) -> str:
        if stage != "plan":
            return honest(stage, prompt)
        chapters = orjson.loads(honest(stage, prompt))["chapters"]
        return orjson.dumps({"chapters": [one for one in chapters if one["number"] != 4]}).decode()

    with serving_novelist(forgetful) as served, fail_after(30):
        shelf = await shelf_with(served)
        plan = {"chapters": [{"number": 2, "title": "人写的标题", "summary": "人写的。", "words": 100}]}
        await shelf.run(task_type="import", bible=plan, base_revision=3)
        result = await shelf.run()
        served.reply = honest
        again = await shelf.run()
        third = await shelf.run()
        bible = await shelf.bible()
    assert [failure["step"] for failure in result["failures"]] == ["plan:4"]
    assert (result["status"], again["status"]) == ("partial", "complete")
    titles = [one["title"] for one in bible["chapters"]]
    assert titles == ["第1盏灯", "人写的标题", *(f"第{n}盏灯" for n in range(3, 7))]
    assert third["revision"] == again["revision"]
    asked = [str(one.body["messages"][-1]["content"]).partition("turns:\n")[2] for one in served.asked]
    assert [text.splitlines()[0].partition(":")[0] for text in asked] == ["1", "4", "4"]


async def test_each_chapter_is_planned_once_whatever_the_replies_hold() -> None:
    """Chapters that are left out are asked for again; doubled, foreign and empty ones are not taken."""

    def careless(stage: str, prompt: str) -> str:
        if stage != "plan":
            return honest(stage, prompt)
        chapters = orjson.loads(honest(stage, prompt))["chapters"]
        kept = [one for one in chapters if one["number"] % 3 or len(chapters) < 4]
        kept += [{**kept[0], "title": "again"}, {**kept[0], "number": 99}, {**kept[0], "number": 6, "summary": " "}]
        return orjson.dumps({"chapters": kept}).decode()

    with serving_novelist(careless) as served, fail_after(30):
        shelf = Shelf(served.client())
        await shelf.run(frame=FRAME)
        bible = await shelf.bible()
    assert [one["number"] for one in bible["chapters"]] == list(range(1, 7))
    assert [one["title"] for one in bible["chapters"]] == [f"第{n}盏灯" for n in range(1, 7)]
    assert [stage for stage, _ in served.stages] == ["plan", "plan"]


async def test_a_timeline_that_contradicts_itself_is_asked_for_once_more() -> None:
    """With what was wrong; what is still wrong then is told."""

    def careless(stage: str, prompt: str) -> str:
        if stage != "timeline" or "had these contradictions" in prompt:
            return honest(stage, prompt)
        events = [{"title": "a", "day": 5, "requires": [2]}, {"title": "b", "day": 9, "requires": []}]
        return orjson.dumps({"events": events}).decode()

    with serving_novelist(careless) as served, fail_after(30):
        shelf = await shelf_with(served)
        result = await shelf.run(task_type="timeline")
        asked = str(served.asked[-1].body["messages"][-1]["content"])
    assert "a needs b, which happens later (9 against 5)." in asked
    assert [finding["code"] for finding in result["findings"]] == []
    assert [one["title"] for one in (await shelf.bible())["timeline"]] == ["失踪", "归来"]


async def test_chapters_are_written_one_after_the_other_from_their_briefs() -> None:
    """Each prompt has the plan, the cast as it is by then, what happened before, how the last chapter ends, and what
    is due; the book is whole in the end."""
    with serving_novelist() as served, fail_after(30):
        shelf = await shelf_with(served)
        hints = [{"id": "key", "title": "钥匙", "planted": 2, "target_from": 4, "target_to": 4}]
        await shelf.run(task_type="import", bible={"foreshadowing": hints})
        await shelf.run(task_type="foreshadowing", engine="embedded")
        result = await shelf.run(task_type="chapter", guidance="少用形容词")
        prompts = [str(each.body["messages"][-1]["content"]) for each in served.asked]
    assert served.stages == [(stage, n) for n in range(1, 7) for stage in ("write", "summary")]
    writing = prompts[::2]
    assert "埋下：钥匙" in writing[1]
    assert "回收：钥匙" in writing[3]
    assert all("少用形容词" in prompt for prompt in writing)
    assert "第2夜，林晓雨在雾中数灯。" in writing[2]
    assert "没有说话。" in writing[2].partition("上一章的结尾")[2]
    assert result["status"] == "complete"
    assert result["missing"] == []
    assert [one["status"] for one in result["chapters"]] == ["written"] * 6
    assert [one["number"] for one in result["book"]["chapters"]] == list(range(1, 7))
    assert all(one["words"] >= 60 for one in result["chapters"])
    bible = await shelf.bible()
    (touched,) = [one for summary in bible["summaries"] for one in summary["touched"] if summary["number"] == 2]
    assert touched["quote"] in next(one["text"] for one in bible["texts"] if one["number"] == 2)
    assert bible["summaries"][0]["states"] == {"lin": "第1夜之后更沉默"}
    assert KEY not in str(result)


async def test_a_novel_killed_after_any_step_goes_on_without_paying_again() -> None:
    """The book and the report are those of a quiet run; at most the call that was under way is made once more."""
    with serving_novelist() as served, fail_after(60):
        shelf = await shelf_with(served)
        quiet = shelf.context()
        wanted = await shelf.run(quiet, task_type="chapter", range="1-2")
        calls = len(served.asked)
        for steps in range(len(quiet.ran)):
            other = await shelf_with(served)
            before = len(served.asked)
            ctx = other.context(steps_until_kill=steps)
            with pytest.raises(Killed):
                await other.run(ctx, task_type="chapter", range="1-2")
            finished = {key for key in ctx.journal if key in ("write:1", "summary:1", "write:2", "summary:2")}
            again = RehearsalContext(ctx.journal, ledgers=other.ledgers, task_id=ctx.task_id)
            result = await other.run(again, task_type="chapter", range="1-2")
            asked = [str(one.key).split(":", 2)[2] for one in served.asked[before:]]
            assert {key: asked.count(key) for key in finished} == dict.fromkeys(finished, 1)
            assert len(asked) <= calls + 1
            assert result["book"]["chapters"] == wanted["book"]["chapters"]
            assert result["revision"] == wanted["revision"] == 5
            assert again.report == quiet.report


FAULTS = {
    "no json_schema": [Rule(refuses=("json_schema",))],
    "no structure at all": [Rule(refuses=("response_format",))],
    "rate limited": [Rule(status=429, headers={"retry-after": "0"})],
    "unavailable": [Rule(status=503)],
    "empty": [Rule(reply=" ")],
    "cut": [Rule(fault="cut", after=0)],
    "garbage": [Rule(fault="garbage", after=0)],
    "no json in the stream": [Rule(fault="no_json", after=0)],
    "a web page": [Rule(fault="html")],
    "hang": [Rule(fault="hang", after=0)],
    "dropped": [Rule(fault="drop", piece=40)],
}
TYPES = ("characters", "world", "outline", "timeline", "foreshadowing", "chapter", "review")


async def whole_novel(faults: list[Rule]) -> list[Any]:
    """Book, findings and timeline, where these happen at each stage."""
    with serving_novelist() as served, fail_after(60):
        for stage in ("write", "summary", "plan", "characters", "world", "timeline", "foreshadowing", "read"):
            served.faulty[stage] = list(faults)
        shelf = Shelf(served.client(first_token_seconds=0.4))
        frame = {**FRAME, "chapters": 2}
        results = [await shelf.run(task_type=task_type, frame=frame) for task_type in TYPES]
        assert [one["status"] for one in results] == ["complete"] * len(TYPES)
        return [results[-2]["book"]["chapters"], results[-1]["findings"], (await shelf.bible())["timeline"]]


@pytest.fixture(scope="module")
async def without_faults() -> list[Any]:
    return await whole_novel([])


@pytest.mark.parametrize("fault", FAULTS)
async def test_the_novel_is_whole_whatever_happens_once_at_each_stage(fault: str, without_faults: list[Any]) -> None:
    """Plans, text and review are those of an endpoint without faults."""
    assert await whole_novel(FAULTS[fault]) == without_faults


@pytest.mark.parametrize("fault", ["cut", "hang", "garbage", "no_json", "error"])
async def test_a_chapter_that_breaks_off_in_mid_text_is_gone_on_with(fault: Any) -> None:
    """What had come stays, and the model goes on from there."""
    with serving_novelist() as served, fail_after(30):
        served.faulty["write"] = [Rule(fault=fault, after=3, piece=20)]
        shelf = await shelf_with(served, next_token_seconds=0.4)
        result = await shelf.run(task_type="chapter", range="1")
    (chapter,) = result["book"]["chapters"]
    assert chapter["text"].startswith("雾中的第1夜，林晓雨数到第1盏灯，仍然没有说话。雾中的第1夜")
    assert "好。" in chapter["text"]


@pytest.mark.parametrize(
    ("reply", "finish"), [("雾中的第一夜，林晓雨", "stop"), ("雾中的第一夜。", "stop"), ("雾中", "length")]
)
async def test_a_stop_that_covers_too_little_is_gone_on_with(reply: str, finish: str) -> None:
    """A chapter far under its budget, or in mid-sentence; when that does not help it is told, and kept."""
    with serving_novelist() as served, fail_after(30):
        served.faulty["write"] = [Rule(reply=reply, finish=finish)]
        shelf = await shelf_with(served)
        result = await shelf.run(task_type="chapter", range="1")
    assert [stage for stage, _ in served.stages] == ["write"] * 4 + ["summary"]
    (outcome,) = result["chapters"]
    assert (outcome["status"], outcome["finish"]) == ("written", "short")
    assert result["book"]["chapters"][0]["text"].startswith(f"{reply}好。")
    assert "too_short" in {finding["code"] for finding in result["findings"]}


async def test_one_chapter_that_can_not_be_written_takes_no_other_with_it() -> None:
    """The endpoint withholds chapter 2; the rest is there, and the result says that it is partial."""
    with serving_novelist() as served, fail_after(30):
        shelf = await shelf_with(served)
        await shelf.run(task_type="chapter", range="1")
        served.faulty["write"] = [Rule(status=400, error="content_filter")]
        result = await shelf.run(task_type="chapter", range="1-4")
    outcomes = [(one["number"], one["status"]) for one in result["chapters"]]
    assert outcomes == [(1, "kept"), (2, "failed"), (3, "written"), (4, "written")]
    assert (result["missing"], result["status"]) == ([2], "partial")
    assert result["failures"][0]["code"] == "model_content_filtered"


async def test_chapters_that_fail_alike_one_after_the_other_pause_the_task() -> None:
    """Three in a row; what is named is done again by `resume`, and what was written stays."""
    with serving_novelist() as served, fail_after(30):
        shelf = await shelf_with(served)
        served.faulty["write"] = [Rule(status=400, error="maximum context length is 1")] * 9
        ctx = shelf.context()
        with pytest.raises(BatchBlocked) as blocked:
            await shelf.run(ctx, task_type="chapter")
        assert "`model_context_too_long`" in blocked.value.detail
        journal = {key: one for key, one in ctx.journal.items() if key not in blocked.value.again}
        again = RehearsalContext(journal, ledgers=shelf.ledgers, task_id=ctx.task_id)
        result = await shelf.run(again, task_type="chapter")
    assert result["missing"] == []


async def test_a_model_that_takes_less_is_shown_less() -> None:
    """Half of the context, then a quarter."""
    with serving_novelist() as served, fail_after(30):
        shelf = await shelf_with(served)
        served.faulty["write"] = [Rule(status=400, error="maximum context length is 4096 tokens")] * 2
        ctx = shelf.context()
        result = await shelf.run(ctx, task_type="chapter", range="1")
    assert "write:1.3" in ctx.ran
    assert result["missing"] == []


async def test_a_budget_that_is_spent_leaves_the_rest_unwritten_and_says_so() -> None:
    """Three calls: a chapter, its summary, and the second chapter, whose summary code makes."""
    with serving_novelist() as served, fail_after(30):
        shelf = await shelf_with(served)
        result = await shelf.run(task_type="chapter", budget={"calls": 3})
    assert len(served.asked) == 3
    assert [one["status"] for one in result["chapters"]] == ["written"] * 2 + ["skipped"] * 4
    assert (result["status"], result["missing"]) == ("partial", [3, 4, 5, 6])
    summaries = (await shelf.bible())["summaries"]
    assert summaries[1]["summary"].startswith("雾中的第2夜，林晓雨数到第1盏灯")


async def test_a_bound_on_money_leaves_the_rest_unwritten_and_says_so() -> None:
    prices = PriceList(Prices(input=100, output=400))
    with serving_novelist() as served, fail_after(30):
        whole = await (await shelf_with(served, prices=prices)).run(task_type="chapter")
        most = whole["spent"]["money"] / 2
        result = await (await shelf_with(served, prices=prices)).run(task_type="chapter", budget={"money": most})
    assert whole["missing"] == []
    assert 0 < result["spent"]["money"] <= most * 1.1
    assert {one["status"] for one in result["chapters"]} == {"written", "skipped"}
    assert result["status"] == "partial"
    assert result["missing"] == [one["number"] for one in result["chapters"] if one["status"] == "skipped"]


async def test_a_model_that_can_be_had_no_more_fails_the_task_and_a_retry_goes_on() -> None:
    """What was written is not asked for again."""
    with serving_novelist() as served, fail_after(30):
        shelf = await shelf_with(served, retries=0)
        ctx = shelf.context()
        served.faulty["summary"] = [Rule(status=503)]
        with pytest.raises(ModelUnavailable):
            await shelf.run(ctx, task_type="chapter", range="1-2")
        again = RehearsalContext(ctx.journal, ledgers=shelf.ledgers, task_id=ctx.task_id)
        result = await shelf.run(again, task_type="chapter", range="1-2")
    assert [stage for stage, _ in served.stages] == ["write", "summary", "summary", "write", "summary"]
    assert result["missing"] == []


@pytest.mark.parametrize(
    ("stage", "asked"),
    [
        ("plan", {"task_type": "outline"}),
        ("write", {"task_type": "chapter", "range": "1-2"}),
        ("summary", {"task_type": "chapter", "range": "1-2"}),
    ],
    ids=["plan", "write", "summary"],
)
async def test_a_key_that_is_refused_is_not_recorded_and_the_mended_one_goes_on(
    stage: str, asked: dict[str, str]
) -> None:
    """Neither a chapter nor a plan counts as failed by it, and what was finished is not asked for again."""
    with serving_novelist() as served, fail_after(30):
        shelf = await shelf_with(served)
        ctx = shelf.context()
        served.faulty[stage] = [Rule(status=401)]
        with pytest.raises(ModelDenied):
            await shelf.run(ctx, **asked)
        again = RehearsalContext(ctx.journal, ledgers=shelf.ledgers, task_id=ctx.task_id)
        result = await shelf.run(again, **asked)
    assert set(ctx.ran).isdisjoint(again.ran)
    assert (result["status"], result["failures"]) == ("complete", [])


async def test_a_chapter_that_a_person_writes_meanwhile_stays() -> None:
    """The task looks at the bible before each chapter, and again when it keeps one."""
    with serving_novelist() as served, fail_after(30):
        shelf = await shelf_with(served)
        ctx = shelf.context(steps_until_kill=6)
        with suppress(Killed):
            await shelf.run(ctx, task_type="chapter")
        texts = [{"number": number, "text": "人写的。"} for number in (1, 3) if f"keep:{number}" not in ctx.journal]
        await shelf.run(task_type="import", bible={"texts": texts})
        again = RehearsalContext(ctx.journal, ledgers=shelf.ledgers, task_id=ctx.task_id)
        result = await shelf.run(again, task_type="chapter", overwrite=False)
    by_person = {one["number"] for one in texts}
    assert {one["number"] for one in result["chapters"] if one["status"] == "kept"} == by_person
    written = {one["number"]: one["text"] for one in (await shelf.bible())["texts"]}
    assert all((written[number] == "人写的。") == (number in by_person) for number in written)


async def test_a_review_with_a_model_keeps_only_what_it_quotes_rightly() -> None:
    """A problem whose quote stands nowhere in the text is left out."""
    with serving_novelist() as served, fail_after(30):
        shelf = await shelf_with(served)
        await shelf.run(task_type="chapter", range="1")
        result = await shelf.run(task_type="review")
    told = [finding for finding in result["findings"] if finding["code"] == "by_model"]
    assert len(told) == 1
    assert "太突然" in told[0]["message"]


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_a_text_is_shown_as_paragraphs_without_the_heading_that_models_repeat(size: int) -> None:
    """Whatever pieces it comes in; what looks like Markdown is shown as it is written."""
    text = "# 第一章 雨夜\n\n她推开门。\n*风*很大。\n\n1. 不是列表。"
    passing = AsChapter("第 1 章 雨夜")
    pieces = [text[start : start + size] for start in range(0, len(text), size)]
    shown = "".join(map(passing.feed, pieces)) + passing.close()
    assert shown == "## 第 1 章 雨夜\n\n她推开门。\n\n\\*风\\*很大。\n\n1\\. 不是列表。\n\n"
    assert tidy(text) == "她推开门。\n\n*风*很大。\n\n1. 不是列表。"


def test_what_a_chapter_lacks_is_told_by_its_length_and_its_end() -> None:
    """Long enough and closed: nothing."""
    text = "她没有回答，只是看着海。" * 10
    assert lacking(count_words(text), text) is None
    assert lacking(count_words(text), text[:-1]) is not None
    assert lacking(2 * count_words(text), text) is not None


def test_an_extract_is_made_of_the_text_alone() -> None:
    """First and last sentences, whatever the text is."""
    text = "一。二。三。四。五。"
    assert extract(text) == "一。 二。 … 四。 五。"
    assert extract("只有一句。") == "只有一句。"
    assert extract("") == ""
