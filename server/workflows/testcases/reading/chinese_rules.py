"""Rules of Chinese requirements: what is due after a time, what may not come again so soon, what a state allows."""

import re
from typing import Any

from server.workflows.testcases.reading.findings import Kind, Saying
from server.workflows.testcases.reading.numerals import NUMBER, value_of

N = NUMBER
_STOP = r"[^，,。；;：:]"
_UNIT = r"(?P<unit>分钟|小时|天|秒|日)"
_NEVER = r"(?:不能|不可以?|不得|不允许|禁止|无法)"
BUYERS = r"(?:用户|会员|客户|顾客|买家|VIP)"
_SPENT = re.compile(
    rf"(?P<role>\S{{0,8}}{BUYERS})(?P<what>|(?:累计|单笔|单次|每单|当日|首次)?(?:消费|购物|购买|下单|支付|首单|订单)(?:金额)?|首单)"
)


def spent(name: str, unit: str) -> tuple[str, str] | None:
    """Who it is that spends, and what is counted of it; None where the name is something else than a buyer."""
    found = _SPENT.fullmatch(name) if unit.endswith("元") else None
    return None if found is None else (found["role"], f"{found['what'].removesuffix('金额')}金额")


def _due(found: re.Match[str]) -> list[tuple[Kind, dict[str, Any]]]:
    what = re.sub(r"(?:超过|超时|如|若|在|后)+$", "", found["what"].strip()) + (found["undone"] or "")
    sign = ">" if found["over"] or found["undone"] else ">="
    name = f"{what}已过时间（{found['unit']}）"
    return [("rule", {"when": {name: f"{sign}{value_of(found['n'])}"}, "then": found["then"].strip()})]


def _again(found: re.Match[str]) -> list[tuple[Kind, dict[str, Any]]]:
    name = f"{found['what'].strip()}已过时间（{found['unit']}）"
    return [("rule", {"when": {name: f"<={value_of(found['n'])}"}, "then": found["then"].strip()})]


def _while(found: re.Match[str]) -> list[tuple[Kind, dict[str, Any]]]:
    name = f"{found['what'].strip()}状态"
    return [("rule", {"when": {name: found["state"].strip()}, "then": found["then"].strip()})]


TIMED = [
    Saying(
        re.compile(
            rf"(?P<what>{_STOP}{{0,12}}?)(?P<over>超过|超时)?\s*(?P<n>{N})\s*(?:个)?{_UNIT}(?:内|后|之后|以上|仍|还|都)*"
            rf"(?P<undone>(?:未|没有?)[^，,。；;：:的则自系订]{{1,6}}|(?:无|不)操作)?(?:的|则|时|后|，|,)*"
            rf"(?P<then>(?:{_STOP}{{0,8}}?)(?:自动|失效|过期|关闭|取消|退出|解锁|释放|作废)(?!后){_STOP}{{0,20}})"
        ),
        lambda found: _due(found) if found["what"].strip() or found["undone"] else None,
    ),
    Saying(
        re.compile(
            rf"(?P<what>{_STOP}{{1,12}}?)(?:在)?\s*(?P<n>{N})\s*(?:个)?{_UNIT}(?:之?内)(?P<then>{_NEVER}(?:重复|再次?){_STOP}{{1,20}})"
        ),
        _again,
    ),
]
STATED = [
    Saying(
        re.compile(
            rf"(?P<state>(?:已|未|待)[\u4e00-\u9fff]{{1,4}}?)(?:状态)?的(?P<what>[\u4e00-\u9fff]{{2,6}}?)"
            rf"(?P<then>(?:{_NEVER}|可以|允许|才能|可)(?!为空){_STOP}{{2,20}})"
        ),
        _while,
    ),
]
