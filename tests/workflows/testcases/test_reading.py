"""Requirements in prose: what they say is read, and whatever is not read is named."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.workflows.testcases.reading.reader import read
from tests.workflows.testcases.running import made_of
from tests.workflows.testcases.texts import FOLDER, Text, dropped, said, texts

TEXTS = list(texts())
PIECES = [
    piece for text in TEXTS for piece in text.text.replace("。", "。\0").replace("\n", "\n\0").split("\0") if piece
]


def test_there_are_thirty_texts_in_two_languages() -> None:
    assert [text.name[:2] for text in TEXTS] == ["zh"] * 15 + ["en"] * 15


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: text.name)
def test_what_a_person_reads_in_a_text_is_read_and_the_rest_is_named(text: Text) -> None:
    reading = read(text.text)
    assert set(text.says) <= said(reading)
    assert dropped(text.text) == []
    unread = [one.text for one in reading.unread]
    assert all(any(known in one for one in unread) for known in text.not_read)
    places: list[Any] = [*reading.findings, *reading.unread, *reading.headings]
    assert all(0 <= one.start < one.end <= len(text.text) for one in places)


CLAUSES = [
    line.split(" => ") for line in (FOLDER / "clauses.txt").read_text(encoding="utf-8").splitlines() if " => " in line
]


@pytest.mark.parametrize(("clause", "says"), CLAUSES, ids=lambda text: text[:30])
def test_ordinary_clauses_are_read_as_a_person_reads_them_or_not_at_all(clause: str, says: str) -> None:
    """`??`: nothing is read, and all of it is named, even where a person could make something of it."""
    found = {one for one in said(read(clause)) if not one.endswith("type=integer")}
    assert found == (set() if says == "??" else set(says.split("; ")))
    assert dropped(clause) == []


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("采购申请金额超过5万元的，须经总经理审批。", ({"采购申请金额": ">50000"}, "须经总经理审批")),
        ("登录失败超过3次后需要输入图形验证码。", ({"登录失败次数": ">3"}, "需要输入图形验证码")),
        ("订单处于“待发货”状态时，用户可以申请退款。", ({"订单状态": "待发货"}, "用户可以申请退款")),
        ("患者年龄≥65岁时，系统提示“高龄，请谨慎用药。”", ({"患者年龄": ">=65"}, "提示“高龄，请谨慎用药。”")),
        (
            "Given the cart is empty\nAnd I am signed in\nWhen I open checkout\nThen “Your cart is empty.” is shown",
            (
                {"the cart is empty": True, "I am signed in": True, "I open checkout": True},
                "“Your cart is empty.” is shown",
            ),
        ),
        (
            "The sensor reports an alarm if humidity is above 80% for more than 10 minutes.",
            ({"humidity is above 80% for more than 10 minutes": True}, "The sensor reports an alarm"),
        ),
    ],
)
def test_a_rule_has_all_of_its_condition_and_all_of_its_outcome(text: str, rule: Any) -> None:
    reading = read(text)
    assert [(one.kind, one.data) for one in reading.findings] == [("rule", {"when": rule[0], "then": rule[1]})]
    assert reading.unread == []


@pytest.mark.anyio
async def test_bounds_of_two_scales_are_not_put_together() -> None:
    result, _ = await made_of("会议室预订时长不得少于30分钟，且不得超过4小时。")
    (field,) = result["spec"]["modules"][0]["fields"]
    assert (field["min"], field.get("max"), field["unit"]) == (30, None, "分钟")
    assert [one["quote"] for one in result["unparsed"]] == ["不得超过4小时"]


@given(st.lists(st.sampled_from(PIECES), min_size=1, max_size=8).map("".join))
def test_nothing_is_dropped_however_sentences_come_together(text: str) -> None:
    assert dropped(text) == []


@given(st.text("甲乙丙xyz 19，。、：:-|#=→(）\n", max_size=60))
def test_each_letter_of_any_text_lies_in_something(text: str) -> None:
    reading = read(text)
    taken: set[int] = set()
    places: list[Any] = [*reading.findings, *reading.unread, *reading.headings]
    for one in places:
        taken.update(range(one.start, one.end))
    assert [place for place, letter in enumerate(text) if letter in "甲乙丙xyz" and place not in taken] == []


@pytest.mark.parametrize(
    ("text", "ways"),
    [
        ("订单状态：待支付→已支付→已发货。", ["待支付→已支付", "已支付→已发货"]),
        ("状态流转：草稿→待审，待审→通过/驳回。", ["草稿→待审", "待审→通过", "待审→驳回"]),
        ("状态：未开始 -> 进行中", ["未开始→进行中"]),
        ("待付款→已付款、已付款→已发货。", ["待付款→已付款", "已付款→已发货"]),
        ("工单从新建到处理中，再到已关闭。", ["新建→处理中", "处理中→已关闭"]),
        ("Order states: pending -> paid -> shipped.", ["pending→paid", "paid→shipped"]),
        (
            "Status flow: new => in progress => done/dropped",
            ["new→in progress", "in progress→done", "in progress→dropped"],
        ),
        ("A request can go from Draft to Sent or Cancelled.", ["Draft→Sent", "Draft→Cancelled"]),
        ("物流从北京到上海需要3天。", []),
        ("活动从1月到3月。", []),
    ],
)
def test_states_are_read_along_arrows_and_from_one_to_the_next(text: str, ways: list[str]) -> None:
    reading = read(text)
    assert [f"{one.data['from']}→{one.data['to']}" for one in reading.findings if one.kind == "transition"] == ways
    assert bool(reading.unread) != bool(ways)


@pytest.mark.anyio
async def test_the_first_state_of_a_chain_is_where_it_begins_and_what_has_no_arrow_is_refused() -> None:
    result, _ = await made_of("订单状态：待支付→已支付→已发货→已完成。")
    states = result["spec"]["modules"][0]["states"]
    assert (states["initial"], len(states["transitions"])) == ("待支付", 3)
    of_states = [case for case in result["cases"] if case["technique"] == "state"]
    assert {case["type"] for case in of_states} == {"positive", "negative"}
    assert result["unparsed"] == []


@pytest.mark.parametrize(
    ("text", "when", "then"),
    [
        ("VIP用户满200元打8折。", {"角色": "VIP用户", "金额": ">=200"}, "打8折"),
        ("会员积分满1000分升级为金卡。", {"会员积分": ">=1000"}, "升级为金卡"),
        (
            "VIP customers get 20% off orders over $200.",
            {"role": "VIP customers", "order amount": ">200"},
            "get 20% off",
        ),
        ("超过30分钟未支付，订单自动取消。", {"未支付已过时间（分钟）": ">30"}, "订单自动取消"),
        ("验证码60秒内不能重复发送。", {"验证码已过时间（秒）": "<=60"}, "不能重复发送"),
        ("已发货的订单不能取消。", {"订单状态": "已发货"}, "不能取消"),
        ("Shipped orders cannot be cancelled.", {"order status": "shipped"}, "cannot be cancelled"),
        ("库存为0时不允许下单。", {"库存": "0"}, "不允许下单"),
    ],
)
def test_who_for_how_much_how_long_and_in_which_state_are_conditions(text: str, when: Any, then: str) -> None:
    reading = read(text)
    assert [(one.kind, one.data) for one in reading.findings] == [("rule", {"when": when, "then": then})]
    assert reading.unread == []


@pytest.mark.anyio
async def test_each_case_names_the_words_that_it_comes_from() -> None:
    for text in TEXTS:
        result, _ = await made_of(text.text)
        for case in result["cases"]:
            source = case["source"]
            if source is not None:
                assert text.text[source["start"] : source["end"]] == source["quote"]
        singles = [case for case in result["cases"] if case["technique"] != "pairwise"]
        assert all(case["source"] for case in singles)


@pytest.mark.anyio
async def test_what_is_said_twice_and_differently_is_named() -> None:
    result, _ = await made_of("用户名长度为6到20位。\n用户名长度为8到20位。\n年龄不小于60岁，不大于18岁。")
    kinds = [(issue["kind"], issue["text"]) for issue in result["issues"]]
    assert ("difference", "用户名：min 有两种不同说法：6 与 8") in kinds
    assert ("bounds", "年龄：最小值 60 大于最大值 18") in kinds


@pytest.mark.anyio
async def test_no_message_is_made_up() -> None:
    """What a case expects to be shown stands in the requirements."""
    result, _ = await made_of("用户名不能为空。\n如果密码错误，则提示“账号或密码不正确”。")
    shown = [case["expected"] for case in result["cases"] if "提示" in case["expected"]]
    assert shown
    assert all("账号或密码不正确" in expected for expected in shown)
