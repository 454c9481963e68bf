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


def _due(found: re.Match[str]) -> list[tuple[Kind, dict[str, Any]]] | None:
    before = re.sub(r"(?:超过|超时|如|若|在|后)+$", "", found["what"].strip())
    before = re.sub(r"^(?:如果|假如|若|当|如)(?=.)", "", before)
    if before.endswith("前"):
        return None  # so long before something, and not after
    reached = not found["over"] and (not found["undone"] or before.endswith("连续"))
    name = f"{before}{found['undone'] or ''}已过时间（{found['unit']}）"
    sign = ">=" if reached else ">"
    return [("rule", {"when": {name: f"{sign}{value_of(found['n'])}"}, "then": found["then"].strip()})]


def _again(found: re.Match[str]) -> list[tuple[Kind, dict[str, Any]]]:
    name = f"{found['what'].strip()}已过时间（{found['unit']}）"
    return [("rule", {"when": {name: f"<={value_of(found['n'])}"}, "then": found["then"].strip()})]


def _count(found: re.Match[str]) -> list[tuple[Kind, dict[str, Any]]] | None:
    """每个用户最多可创建10个项目 bounds the projects of a user, and nothing of the user's own."""
    of, least = found["of"], re.search("至少|最少|不少于|不低于", found["way"]) is not None
    if not found["what"] and found["way"] != "限" and not re.match(f"每|同一|单[个人]|一个|{BUYERS}", of):
        return None
    name = f"{of}{found['verb'] or ''}{'的' + found['what'] if found['what'] else ''}{found['unit'] if found['unit'] in '次人' else ''}数"
    return [("field", {"name": name, "type": "integer", "min" if least else "max": value_of(found["n"])})]


def _while(found: re.Match[str]) -> list[tuple[Kind, dict[str, Any]]]:
    name = f"{found['what'].strip()}状态"
    return [("rule", {"when": {name: found["state"].strip()}, "then": found["then"].strip()})]


COUNTED = [
    Saying(
        re.compile(
            rf"(?P<of>(?:(?!，|,|。|：|:|[;；]|\d|每).){{0,12}}每(?:人|位|个|户|单|张|天|日|次)(?:(?!限|\d)[\u4e00-\u9fff]){{0,6}}?)"
            rf"(?P<way>限)(?P<verb>领取?|购买?|用|使用|借|投|抽|预约|兑换|提交)?(?P<bound>)(?P<n>{N})"
            r"(?P<unit>个|件|次|张|台|条|份|本|名|位|套|部|票)(?P<what>)(?=\s*(?:[，,。；;]|$))"
        ),
        _count,
    ),
    Saying(
        re.compile(
            rf"(?P<of>(?:(?!，|,|。|：|:|[;；]|\d|最多|至多|至少|最少|不[能得可允]|只|可|能).){{2,16}})"
            rf"(?P<way>(?:只能|可以?|能|允许)?(?:最多|至多|至少|最少)(?:只?能|可以?|允许)?|不[能得]|不可以?|不允许|只能|可以?)"
            rf"(?P<verb>(?!保留|输入|填写|精确)[\u4e00-\u9fff]{{1,4}}?)?(?P<bound>不?超过|不多于)?(?P<n>{N})"
            rf"(?P<unit>个|门|件|次|张|台|条|份|项|篇|本|家|组|名|位|人|种|套|部|笔)(?P<what>(?!字符|汉字|字|以|数字|字母|及|或|小数|月|工作日|的)[\u4e00-\u9fff]{{1,8}})?(?=\s*(?:[，,。；;]|$))"
        ),
        lambda found: _count(found) if re.search("最多|至多|至少|最少|只能", found["way"]) or found["bound"] else None,
    ),
]
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
TIMED.append(
    Saying(
        re.compile(
            rf"(?P<what>{_STOP}{{1,12}}?)\s*(?P<n>{N})\s*(?:个)?{_UNIT}(?:之?后)(?P<over>)(?P<undone>)(?P<then>(?:才能|才可以?|方可|可以?|允许)(?:重新|再次|继续){_STOP}{{1,20}})"
        ),
        _due,
    )
)
STATED = [
    Saying(
        re.compile(
            rf"(?P<state>(?:已|未|待)[\u4e00-\u9fff]{{1,4}}?)(?:状态)?的(?P<what>[\u4e00-\u9fff]{{2,6}}?)"
            rf"(?P<then>(?:{_NEVER}|可以|允许|才能|可)(?!为空){_STOP}{{2,20}})"
        ),
        _while,
    ),
]
