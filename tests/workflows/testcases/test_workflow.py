"""The task as a whole: killed anywhere it comes to the same end; what is cut is counted; texts and specifications."""

from contextlib import suppress
from typing import Any

import pytest

from server.errors import WorkflowFailed
from server.workflows.rehearsal import Killed, RehearsalContext
from tests.workflows.testcases.running import made_of

pytestmark = pytest.mark.anyio

TEXT = """# 注册
用户名：必填，长度6-20位，只能包含字母和数字。
年龄18到60岁。
# 订单
待支付→已支付（支付）
连续5次支付失败后锁定账号。
页面要好看。
"""
SPEC: dict[str, Any] = {
    "modules": [
        {
            "name": "Booking",
            "fields": [
                {"name": "guests", "type": "integer", "min": 1, "max": 4, "required": True},
                {"name": "room", "type": "enum", "values": ["single", "double"]},
            ],
            "rules": [{"when": {"guests": ">2"}, "then": "an extra bed is offered"}],
            "constraints": [{"if": {"room": "single"}, "then": {"guests": "<=2"}}],
        }
    ]
}


async def test_killed_after_any_step_it_ends_with_the_same_cases_and_does_nothing_twice() -> None:
    whole, context = await made_of(TEXT)
    for kill in range(len(context.ran)):
        killed = RehearsalContext(steps_until_kill=kill)
        with suppress(Killed):
            await made_of(TEXT, context=killed)
        again = RehearsalContext(killed.journal)
        result, _ = await made_of(TEXT, context=again)
        assert result == whole
        assert again.report == context.report
        assert set(again.ran).isdisjoint(killed.ran)


async def test_progress_adds_up_and_each_module_is_an_item() -> None:
    result, context = await made_of(TEXT)
    assert context.committed == pytest.approx(context.expected)
    items = [event.data for event in context.events if event.type == "item"]
    assert [item["title"] for item in items] == ["注册", "订单"]
    assert context.items == 2
    assert sum(item["cases"] for item in items) == len(result["cases"])


async def test_counts_in_the_result_are_those_of_its_lists() -> None:
    result, _ = await made_of(TEXT)
    statuses = [one["status"] for one in result["obligations"]]
    told = result["coverage"]
    assert told == {
        "obligations": len(statuses),
        **{name: statuses.count(name) for name in ("covered", "infeasible", "cut")},
    }
    assert [one["quote"] for one in result["unparsed"]] == ["页面要好看"]
    assert result["needs_model"] == ["text"]
    ids = [case["id"] for case in result["cases"]]
    assert len(set(ids)) == len(ids)
    known = {one["id"] for one in result["obligations"]}
    assert all(case["covers"] and known.issuperset(case["covers"]) for case in result["cases"])


async def test_with_fewer_cases_those_that_cover_most_are_kept_and_the_rest_is_counted() -> None:
    whole, _ = await made_of(TEXT)
    few, _ = await made_of(TEXT, max_cases=5)
    assert len(few["cases"]) == 5
    assert few["status"] == "partial"
    assert few["coverage"]["obligations"] == whole["coverage"]["obligations"]
    assert few["coverage"]["cut"] == whole["coverage"]["covered"] - few["coverage"]["covered"] > 0
    assert few["coverage"]["covered"] > 5
    cut = [one for one in few["obligations"] if one["status"] == "cut"]
    assert all(one["cases"] == [] for one in cut)


async def test_a_specification_is_designed_as_it_is_and_beside_a_text() -> None:
    alone, _ = await made_of(spec=SPEC, title="Hotel")
    assert (alone["language"], alone["needs_model"], alone["unparsed"]) == ("en", [], [])
    assert {case["module"] for case in alone["cases"]} == {"Booking"}
    broken = [case for case in alone["cases"] if case["wrong"] == 0]
    assert broken
    assert all(case["inputs"]["room"] == "single" and case["inputs"]["guests"] > 2 for case in broken)
    assert any("an extra bed is offered" in case["expected"] for case in alone["cases"])
    both, _ = await made_of(TEXT, spec=SPEC)
    assert {case["module"] for case in both["cases"]} == {"注册", "订单", "Booking"}


async def test_only_the_techniques_that_are_wanted_are_used() -> None:
    result, _ = await made_of(TEXT, techniques=["bva"])
    assert set(result["techniques"]) == {"bva"}
    assert {case["technique"] for case in result["cases"]} == {"bva"}


async def test_a_text_of_which_nothing_can_be_read_fails_and_says_so() -> None:
    with pytest.raises(WorkflowFailed, match="未能从需求中读出任何内容"):
        await made_of("界面要美观大方。")
