"""How Chinese requirements say when something follows, and how fields compare and states change."""

import re
from itertools import pairwise
from typing import Any

from server.workflows.testcases.reading.arrows import ARROW, LABEL_ZH, chained
from server.workflows.testcases.reading.chinese_phrases import (
    AT_LEAST,
    AT_MOST,
    LESS,
    MORE,
    PHRASES,
    RESULT,
    ROLE,
    UNIT,
    N,
    amount,
    scaled,
)
from server.workflows.testcases.reading.chinese_rules import COUNTED, STATED, TIMED, spent
from server.workflows.testcases.reading.findings import CARRIED, Grammar, Kind, Saying
from server.workflows.testcases.reading.numerals import value_of

_COMPARED = {
    "早于": "<",
    "晚于": ">",
    "大于": ">",
    "小于": "<",
    "高于": ">",
    "低于": "<",
    "大于等于": ">=",
    "小于等于": "<=",
    "超过": ">",
    "多于": ">",
    "少于": "<",
    "等于": "=",
}
_TURNED = {"<": ">=", ">": "<=", ">=": "<", "<=": ">", "=": "!="}
_STOP = r"[^，,。；;：:]"


def _compare(found: re.Match[str]) -> list[tuple[Kind, dict[str, Any]]] | None:
    left, right = subject(found["left"]) if found["left"] else CARRIED, found["right"].strip()
    operator = _COMPARED[found["way"]]
    if found["must"].startswith("不"):
        operator = _TURNED[operator]
    if (
        not left
        or re.search(r"\d|[%％倍]|一半", right)
        or re.match(rf"{N}|今天|今日|当前|当天|当日", right)
        or len(right) > 16
    ):
        return None
    return [("constraint", {"left": left, "op": operator, "right": right})]


def _agree(found: re.Match[str]) -> list[tuple[Kind, dict[str, Any]]] | None:
    left, right = subject(found["left"]) or CARRIED, found["right"].strip()
    operator = "!=" if found["must"].startswith("不") else "="
    if re.search(r"\d|最近", right):
        return None  # one of several, and no field
    return [("constraint", {"left": left, "op": operator, "right": right})] if left and len(right) <= 12 else None


def _repeated(found: re.Match[str]) -> list[tuple[Kind, dict[str, Any]]]:
    name = f"{found['before'] or ''}{found['what'] or ''}{found['after'] or ''}"
    then = found["then"].strip()
    return [
        ("rule", {"when": {f"{name}次数": f"{'>' if found['over'] else '>='}{value_of(found['n'])}"}, "then": then})
    ]


def _lasting(found: re.Match[str]) -> list[tuple[Kind, dict[str, Any]]] | None:
    name = subject(found["what"]) or CARRIED
    when = {f"{name}已过时间（{found['unit']}）": f"<={value_of(found['n'])}"}
    return [("rule", {"when": when, "then": f"{name}有效"})]


def _if(found: re.Match[str]) -> list[tuple[Kind, dict[str, Any]]] | None:
    then = found["then"].strip()
    return [("rule", {"when": when, "then": then}) for when in _whens(found["when"])] or None


def _whens(written: str) -> list[dict[str, Any]]:
    """Conditions joined by 且 and the like; those joined by 或 make a rule each."""
    found = []
    for side in re.split(r"或者|或(?!等于)", written):
        when: dict[str, Any] = {}
        for part in re.split(r"并且|而且|且|同时|，|,", side):
            if part.strip():
                name, operand = _condition(part.strip())
                when[name] = (
                    (*when[name], operand)
                    if isinstance(when.get(name), tuple)
                    else (when[name], operand)
                    if name in when
                    else operand
                )
        if when:
            found.append(when)
    return found


def _ending(found: re.Match[str]) -> dict[str, Any]:
    """最小订购量：5件 bounds the quantity."""
    value = value_of(found["n"])
    bounds = amount(found, low=value) if found["end"] in "小低少" else amount(found, high=value)
    return {"name": found["name"], **bounds}


_HAPPENS = re.compile(
    r"(?:系统)?(?:自动)?(?:提示|弹出|弹窗|显示[“\"]|跳转|锁定|禁止|拒绝|返回|不允许|不可|不能|无法"
    r"|[\u4e00-\u9fff]{0,6}(?:用户|员|者|会员|客户|商家|买家|卖家)(?:可以?|能|不能|不可以?|不得|无法|无权|允许))"
)
"""What a system does when something has happened, and not what holds of a field while it does."""


def _operands(written: str) -> list[Any]:
    return [operand for when in _whens(written) for operand in when.values()]


_SIGNS = [(AT_LEAST, ">="), (AT_MOST, "<="), (r"(?:达到|达|满|年满)", ">="), (MORE, ">"), (LESS, "<")]


def _condition(part: str) -> tuple[str, Any]:
    for words, sign in _SIGNS:
        if found := re.fullmatch(
            rf"(?P<name>(?:(?!{MORE}|{LESS}|{AT_LEAST}|{AT_MOST})\D){{1,15}}?){words}\s*(?P<n>{N})\s*(?P<unit>万元|元|周岁|岁|件|个|%|天|次|人|分钟|秒|小时|分|级)?",
            part,
        ):
            of = f"（{found['unit']}）" if found["unit"] in ("分钟", "秒", "小时") else ""
            return found["name"].strip() + of, f"{sign}{scaled(found['n'], found['unit'])}"
    if found := re.fullmatch(
        rf"(?P<name>.{{1,15}}?)\s*(?P<n>{N})\s*(?P<unit>万元|元|周岁|岁|件|个|%|天|次|分)(?:及|或)?(?P<way>以上|以下)",
        part,
    ):
        sign = ">=" if found["way"] == "以上" else "<="
        return found["name"].strip(), f"{sign}{scaled(found['n'], found['unit'])}"
    if found := re.fullmatch(
        r"(?P<name>[^为是]{1,15}?)(?:状态)?处于[“\"]?(?P<value>[^“”\"]{1,12}?)[”\"]?(?:状态)?", part
    ):
        return f"{found['name'].strip()}状态", found["value"].strip()
    if found := re.fullmatch(r"(?P<name>[^为是]{1,15})(?:为|是|等于|=)[“\"]?(?P<value>[^“”\"]{1,20})[”\"]?", part):
        return found["name"].strip(), found["value"].strip()
    return part, True


def _step(found: re.Match[str]) -> list[tuple[Kind, dict[str, Any]]] | None:
    name = subject(found["name"]) or found["name"].strip()
    if not name or name.endswith("每"):
        return None
    if re.match("不[得能可应]|至[少多]|最", found["way"]):
        return None  # that is demanded, and no condition of what follows
    sign = next(sign for words, sign in _SIGNS if re.fullmatch(words, found["way"]))
    bound = f"{sign}{scaled(found['n'], found['unit'])}"
    buyer = spent(name, found["unit"] or "")
    when = {name: bound} if buyer is None else {"角色": buyer[0], buyer[1]: bound}
    told: list[tuple[Kind, dict[str, Any]]] = [("rule", {"when": when, "then": found["then"].strip()})]
    for number, then in _AND_FROM.findall(found["more"]):
        told.append(("rule", {"when": {**when, list(when)[-1]: f">={value_of(number)}"}, "then": then.strip()}))
    return told


_AND_FROM = re.compile(rf"满\s*({N})\s*(?:万元|元|件|分)?([^，,、]+)")
"""Another step of the same kind: 满200元减30元，满500元减100元."""


def _role(found: re.Match[str]) -> list[tuple[Kind, dict[str, Any]]]:
    may = found["may"]
    then = ("不能" if may.startswith(("不", "无", "禁")) else "可以") + found["act"].strip()
    return [("rule", {"when": {"角色": found["role"].strip()}, "then": then})]


def _change(found: re.Match[str]) -> list[tuple[Kind, dict[str, Any]]] | None:
    event = (found["event"] or "").strip(" ，,：:")
    if len(event) <= 4 and not event.endswith(("后", "时")):  # whose state it is, and nothing that happens
        event = ""
    event = event.strip("后时")
    for lead in ("状态", "订单", "后"):
        event = event.removesuffix(lead)
    steps = [found["a"].strip(), found["b"].strip(), *_ON.findall(found["more"] or "")]
    told = '"' in found[0] or "“" in found[0] or re.search("状态|单|申请|任务|流程|审批", found[0])
    if any(re.match(N, state) for state in steps) or (found["way"] == "到" and not told):
        return None  # from one number or one town to another
    return [("transition", {"from": a, "event": event if a == steps[0] else "", "to": b}) for a, b in pairwise(steps)]


def _saying(pattern: str, read: Any) -> Saying:
    return Saying(re.compile(pattern, re.I), read)


GOES = r"(?:变为|变成|变更为|转为|流转到|流转至|更新为|改为|进入|到)"
_ON = re.compile(rf"(?:再|然后|最后|接着){GOES}[“\"]?([^，,。；;“”\"]{{1,10}})")
NAME = r"[“\"]?[^，,。；;：:“”\"→\s>-]{1,12}?[”\"]?"
SAYINGS = [
    _saying(
        rf"{LABEL_ZH}?(?P<chain>{NAME}(?:\s*{ARROW}\s*[^，,。；;：:→⇒➔（(\s]{{1,24}})+)(?P<event>[（(][^）)]{{1,20}}[）)])?",
        chained,
    ),
    _saying(
        rf"(?P<event>[^，,。；;]{{0,15}}?)[，,]?\s*(?:订单|单据|申请|任务|工单)?(?:的?状态)?(?:由|从)[“\"]?(?P<a>[^，,。；;“”\"]{{1,10}}?)[”\"]?(?:状态)?(?P<way>{GOES})[“\"]?(?P<b>[^，,。；;“”\"]{{1,10}})[”\"]?(?P<more>(?:[，,]?(?:再|然后|最后|接着){GOES}[“\"]?[^，,。；;“”\"]{{1,10}}[”\"]?)*)",
        _change,
    ),
    _saying(
        r"(?:订单|单据|申请|任务|工单)?(?:的?初始状态|创建后的?状态|默认状态)(?:为|是|:|：)\s*[“\"]?(?P<state>[^，,。；;“”\"]{1,12})[”\"]?",
        lambda found: [("initial", {"state": found["state"].strip()})],
    ),
    _saying(
        rf"(?P<left>(?!且|并){_STOP}{{1,15}}?)??(?:且|并且?)?(?P<must>不能|不得|不可|不应|不允许|必须|须|应|需要?)(?P<way>大于等于|小于等于|早于|晚于|大于|小于|高于|低于|超过|多于|少于|等于)(?:或等于)?(?P<right>(?!{N}){_STOP}{{2,16}})",
        _compare,
    ),
    _saying(
        rf"(?P<left>{_STOP}{{0,15}}?)(?P<must>不能|不得|不可以?|不允许|必须|须|应|需要?)(?:与|和|同)(?P<right>{_STOP}{{2,12}}?)(?:保持)?(?:一致|相同|一样)",
        _agree,
    ),
    _saying(
        rf"(?:用户)?(?:(?:连续|累计)\s*)?(?P<before>[^，,。；;\d]{{0,8}}?)(?P<what>失败|错误|输错|输入错误|登录失败|密码错误)?\s*(?:达到|(?P<over>超过)|满)?\s*(?P<n>{N})\s*次(?P<after>[^，,。；;]{{0,12}}?)(?:及以上|以上)?(?:(?:后|时|，|,|则|将|会)+|(?=锁定|冻结|禁用))(?:，|,|则|将|会|账号)*(?P<then>{_STOP}{{2,40}})",
        lambda found: _repeated(found) if found["what"] or re.search("失败|错误|输错", found["after"]) else None,
    ),
    *TIMED,
    _saying(
        rf"(?P<what>{_STOP}{{0,12}}?)(?:的?有效(?:期|时间|时长)(?:为|是)?|自?(?:生成|发送)后|在)?\s*(?P<n>{N})\s*(?P<unit>分钟|小时|天|秒)(?:内|之内)?(?:有效|可用)?(?<=[效钟时天秒用])",
        lambda found: _lasting(found) if "有效" in found[0] else None,
    ),
    _saying(
        r"(?:如果|若|假如|一旦|当)(?P<when>[^。；;]{2,60}?)(?:时|的话|后)?[，,]\s*(?:则|那么|系统|就|应)*\s*(?P<then>[^。；;]{2,60})",
        _if,
    ),
    _saying(r"当(?P<when>[^。；;，,]{2,40}?)时(?:则|那么|系统|就|应)*\s*(?P<then>[^。；;]{2,60})", _if),
    _saying(
        r"(?P<when>[^，,。；;：:]{2,30}?)时[，,]?(?:则|那么|系统|就|应)*\s*(?P<then>[^。；;，,]{2,60})",
        lambda found: None if True in _operands(found["when"]) and not _HAPPENS.match(found["then"]) else _if(found),
    ),
    _saying(
        r"(?P<when>[^，,。；;：:]{2,40}?)的[，,]\s*(?:则|那么|系统)*\s*(?P<then>[^。；;]{2,60})",
        lambda found: None if True in _operands(found["when"]) else _if(found),
    ),
    _saying(
        r"(?P<when>[^，,。；;：:\d]{2,30}?)后[，,]\s*(?:则|那么|系统)*\s*(?P<then>[^。；;，,]{2,60})",
        lambda found: _if(found) if _HAPPENS.match(found["then"]) else None,
    ),
    _saying(
        rf"最(?P<end>[大小高低多少])(?P<name>[\u4e00-\u9fff]{{2,8}}?)(?:为|是|：|:)\s*(?P<n>{N}){UNIT}(?=\s*(?:[，,。；;]|$))",
        lambda found: None if re.search("长度|字|值", found["name"]) else [("field", _ending(found))],
    ),
    *COUNTED,
    *STATED,
    _saying(rf"(?:只有|仅有?|仅限){ROLE}(?:才)?(?P<may>可以|能够|能|可|有权)(?P<act>{_STOP}{{2,40}})", _role),
    _saying(rf"{ROLE}(?P<may>不可以|不能|不可|不得|无权|禁止|无法|可以|能够|有权)(?P<act>{_STOP}{{2,40}})", _role),
    _saying(
        rf"(?P<name>{_STOP}{{1,12}}?)(?P<way>{'|'.join(words for words, _ in _SIGNS)})\s*(?P<n>{N})\s*(?P<unit>万元|元|周岁|岁|件|个|%|天|次|分)?(?:的|时|后|，|,|则|即|就)*(?P<then>{RESULT}{_STOP}{{0,40}})(?P<more>(?:[，,、]\s*满\s*{N}\s*(?:万元|元|件|分)?{RESULT}[^，,。；;：:、]{{1,20}})*)",
        _step,
    ),
]

_FILLERS = re.compile(
    r"最[低高大小少多]|可设[置定]|可调节?|应该|应当|必须|需要|可以|并且|而且|以及|同时|其中|此外|另外|字段|输入框|文本框|输入|填写|长度|范围|取值|之间|格式|字符|系统|"
    r"[的应须需要可且并和及与或但也均都则为是由在其该请即]|[\s，,、。；;：:（）()“”\"'‘’\[\]【】.!！\-*•·]"
)
_LEAD = re.compile(
    r"^(?:用户|系统)?(?:输入的|填写的|所填的|上传的|选择的|输入|填写|上传|选择|设置|录入)(?:的)?|^(?:其中|但是?|每个|所有|该|其|且|并且|并|和|以及|同时|另外|此外|如|请(?=输入|填写|选择|上传)|[\s，,、：:“\"（(])+"
)
_TAIL = re.compile(
    r"(?:的?(?:长度|字符数|字数|大小|取值范围|取值|范围|格式|(?<=的)值|位数|输入框|录入)|应该|应当|应|必须|须|需要|需|要|只能|可以|可|允许|不能|不得|为|是|(?<![事理自])由|支持|限制|输入|填写|上传|字段|的|在|均|都|[\s，,、：:”\"）)])+$"
)
_NO_NAME = re.compile(rf"[，,。；;？?！!]|{N}\s*(?:秒|分钟|小时|天|次)(?:之?内|后)?$|不能|不得|不允许|必须")
_NO_NAME_EITHER = re.compile(
    r"系统(?!名|编|时)|校验|点击|弹出|跳转|[时后前]$|超过|低于|高于|^单个?$|^单[张份]$|^每|数据$|我希望|在.+[内中下里]$|同一|[“”\"]|格式为|[不非未]$|不要求|不限|[或但]|无需|不需|不必|并非"
)
_PEOPLE = re.compile(
    r"[\u4e00-\u9fff]{0,6}(?:用户|学生|会员|客户|患者|病人|员工|职工|管理员|乙方|甲方|教师|老师|商家|买家|卖家|医生|护士|申请人|人员)"
)
"""Of whom a figure counts something else: 学生最多8门 does not bound a student."""
LONGEST_SUBJECT = 12


def empty(rest: str) -> bool:
    return not _FILLERS.sub("", rest)


def subject(rest: str) -> str:
    """What a sentence is about, of the words before what it says; nothing where they can't be a name."""
    bare = rest.strip()
    previous = None
    while bare != previous:
        previous = bare
        bare = _TAIL.sub("", _LEAD.sub("", bare))
    fits = len(bare) <= LONGEST_SUBJECT and not empty(bare) and not _NO_NAME.search(bare)
    fits = fits and not _NO_NAME_EITHER.search(bare) and not _PEOPLE.fullmatch(bare)
    return bare if fits else ""


CHINESE = Grammar(SAYINGS, PHRASES, empty, subject)
