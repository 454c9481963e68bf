"""How Chinese requirements say what holds of a field, when something follows, and how states change."""

import re
from itertools import pairwise
from typing import Any

from server.workflows.testcases.reading.arrows import ARROW, LABEL_ZH, chained
from server.workflows.testcases.reading.chinese_rules import STATED, TIMED, spent
from server.workflows.testcases.reading.findings import CARRIED, Grammar, Kind, Phrase, Saying
from server.workflows.testcases.reading.formats import CHARSETS, FORMATS, KINDS_OF, endings_in
from server.workflows.testcases.reading.numerals import NUMBER, RANGE_SIGN, bytes_of, value_of

N = NUMBER
RANGE = rf"(?P<low>{N}){RANGE_SIGN}(?P<high>{N})(?![:：]?\d)"
LETTERS = r"(?:\s*个?(?P<unit>位数字|位字符|位字母|位汉字|个?字符|个?汉字|个?中文|个?字母|个?数字|个字|字|位))"
UNIT = r"\s*(?P<unit>万元|元|周岁|岁|件|个|％|%|天|次|人|分钟|秒|小时|张|条|份|kg|斤|分|级|台|只|块|月|年|项|行)?"
SIZE = r"\s*(?P<unit>[KMG]i?B?|兆|字节)\b"
MUST = r"(?:必须|应该|应当|应|须|需要|需|要|只能|可以|可)?"
AT_LEAST = r"(?:不少于|不低于|不小于|不得少于|不能少于|不得低于|不能低于|不能小于|不得小于|至少为?|最少为?|最小为?|最低为?|大于等于|大于或等于|≥|>=)"
AT_MOST = r"(?:(?:最[高多大长])?不超过|不大于|不多于|不高于|不得超过|不能超过|不可超过|不得大于|不能大于|不得高于|不能高于|最多为?|最长为?|最大为?|最高为?|至多|小于等于|小于或等于|≤|<=)"
MORE = r"(?:大于|高于|超过|多于|>)"
LESS = r"(?:小于|低于|少于|不足|不满|<)"
ITEM = r"[^\s，,。；;、/：:（）()“”\"]{1,15}"
LIST = rf"(?P<items>{ITEM}(?:\s*(?:、|/|或者?|和|以及)\s*{ITEM})+)"
CHAR = "|".join(sorted(CHARSETS, key=len, reverse=True))
CHARS = rf"(?P<chars>(?:{CHAR})(?:(?:、|，|,|和|或|及|以及|与|/)?(?:{CHAR}))*)"
FORMAT = "|".join(sorted(FORMATS, key=len, reverse=True))
RESULT = r"(?:打|减|享|免|包邮|赠|送|收取|加收|提示|锁定|显示|禁止|自动|进入|触发|发送|升级|按|无法|不能|不可|不得|拒绝|需|可|允许|弹出|跳转|通知|为)"
ROLE = r"(?P<role>[^，,。；;：:只有仅\s]{0,8}(?:员|用户|者|角色|会员|游客|经理|客服|主管|客人|访客|买家|卖家|商家|VIP))"
NUMERIC_TYPES = {"元": "number", "万元": "number", "%": "number", "％": "number", "kg": "number", "斤": "number"}


def _length(found: re.Match[str]) -> dict[str, Any]:
    told: dict[str, Any] = {"type": "string"}
    unit = found["unit"] or ""
    if "数字" in unit:
        told["charset"] = CHARSETS["数字"]
    elif "汉字" in unit or "中文" in unit:
        told["charset"] = CHARSETS["汉字"]
    elif "字母" in unit:
        told["charset"] = CHARSETS["字母"]
    return told


def _length_range(found: re.Match[str]) -> dict[str, Any]:
    return {**_length(found), "min": value_of(found["low"]), "max": value_of(found["high"])}


def _length_least(found: re.Match[str]) -> dict[str, Any]:
    return {**_length(found), "min": value_of(found["low"])}


def _length_most(found: re.Match[str]) -> dict[str, Any]:
    return {**_length(found), "max": value_of(found["high"])}


def _length_exact(found: re.Match[str]) -> dict[str, Any]:
    return {**_length(found), "min": value_of(found["low"]), "max": value_of(found["low"])}


def _amount(
    found: re.Match[str], low: Any = None, high: Any = None, *, open_low: bool = False, open_high: bool = False
) -> dict[str, Any]:
    unit = found["unit"] or ""
    fraction = any(isinstance(bound, float) for bound in (low, high))
    told: dict[str, Any] = {"type": "number" if fraction else NUMERIC_TYPES.get(unit, "integer"), "unit": unit}
    if low is not None:
        told["above" if open_low else "min"] = low
    if high is not None:
        told["under" if open_high else "max"] = high
    return told


def _size(found: re.Match[str]) -> dict[str, Any]:
    return {"type": "file", "max": bytes_of(found["high"], "b" if found["unit"] == "字节" else found["unit"])}


def _charset(found: re.Match[str]) -> dict[str, Any]:
    return {"type": "string", "charset": "".join(CHARSETS[one] for one in re.findall(CHAR, found["chars"]))}


def _contains(found: re.Match[str]) -> dict[str, Any] | None:
    named = found["chars"].replace("大小写字母", "大写字母、小写字母")
    kinds = [KINDS_OF.get(one) for one in re.findall(CHAR, named)]
    return None if None in kinds or not kinds else {"type": "string", "contains": list(dict.fromkeys(kinds))}


def _values(found: re.Match[str]) -> dict[str, Any] | None:
    items = [
        re.sub(r"(?:之一|中的一种|其中之一|[两三四五六七八九]种|等)$", "", one)
        for one in re.split(r"\s*(?:、|/|或者?|和|以及)\s*", found["items"])
    ]
    if found["items"].endswith("等") or any(not one for one in items) or len(set(items)) != len(items):
        return None
    return {"type": "enum", "values": items}


def _files(found: re.Match[str]) -> dict[str, Any] | None:
    values = endings_in(found["items"])
    return {"type": "file", "values": values} if values else None


def _first(found: re.Match[str]) -> dict[str, Any]:
    what = found["chars"]
    return {"type": "string", "first": CHARSETS[what] if what in CHARSETS else re.escape(what)}


def _day(found: re.Match[str]) -> dict[str, Any]:
    early, never = found["way"] == "早于", found["must"] in ("不能", "不得", "不可", "不允许", "不")
    if never:
        return {"type": "date", "min" if early else "max": "today"}
    return {"type": "date", "max" if early else "min": "today-1" if early else "today+1"}


def _decimals(found: re.Match[str]) -> dict[str, Any]:
    return {"type": "number", "step": 10 ** -int(value_of(found["places"]))}


def _phrase(pattern: str, props: Any) -> Phrase:
    return Phrase(re.compile(pattern, re.I), props)


PHRASES = [
    _phrase(
        r"(?:为|是|属于)?(?:非必填|选填|可不填|可以?为空|允许为空|可空|非必选)(?:项)?",
        lambda found: {"required": False},
    ),
    _phrase(
        r"(?:为|是|属于)?(?:必填|必选|必传)(?:项|字段)?|(?:均|都)?(?:不能|不得|不可以?|不允许|不)(?:留|为)空|必须(?:填写|选择|上传|输入)(?![^，。；,;]{2})",
        lambda found: {"required": True},
    ),
    _phrase(
        r"(?:必须|应|须)?(?:全局|系统内)?唯一|(?:不能|不得|不可以?|不允许)(?:与已有[^，。；]{0,8})?重复(?!发送|提交|点击|操作|使用|领取|登录|下单|支付|投票|评价|申请|报名)",
        lambda found: {"unique": True},
    ),
    _phrase(r"(?:是|为|属于)?非负整数", lambda found: {"type": "integer", "min": 0}),
    _phrase(r"(?:必须|只能|须|应)?(?:输入|为|是)?正整数", lambda found: {"type": "integer", "min": 1}),
    _phrase(r"(?:必须|只能|须|应)?(?:输入|为|是)?整数", lambda found: {"type": "integer"}),
    _phrase(rf"(?:最多|至多|可|且)?(?:保留|支持|精确到)?(?:小数点后)?(?P<places>{N})位小数", _decimals),
    _phrase(r"(?:文件|图片|单个文件|单张)?(?:的?大小)?" + MUST + AT_MOST + r"\s*(?P<high>\d+(?:\.\d+)?)" + SIZE, _size),
    _phrase(r"(?:大小)?(?:在|为)?\s*(?P<high>\d+(?:\.\d+)?)" + SIZE + r"\s*(?:以内|以下|之内)", _size),
    _phrase(
        r"(?:仅|只)?(?:能|可)?(?:支持|允许|限)?(?:上传)?(?:格式)?(?:仅?支持|为|限于?|仅限|包括|只能上传|上传|支持|允许|:|：)\s*(?P<items>\.?[A-Za-z0-9]{2,5}(?:\s*(?:、|/|，|,|或|和|及)\s*\.?[A-Za-z0-9]{2,5})*)\s*(?:等)?(?:格式|类型)?(?:的?(?:文件|图片|附件))?(?![A-Za-z])",
        _files,
    ),
    _phrase(
        rf"(?:必须|须|需|应|要|至少|同时)+(?:要)?(?:包含|包括|含有?|有)(?:至少)?(?:一个)?{CHARS}(?!\s*(?:、|，|,|和|或|及|与|/)?\s*(?:{CHAR}|[^，。；、]{{0,8}}中的?(?:任意|至少)?[两二三2-3]))(?:各一个|组合)?",
        _contains,
    ),
    _phrase(rf"(?:必须|须|需|应)?以(?P<chars>{CHAR}|[A-Za-z0-9])(?:开头|开始)", _first),
    _phrase(rf"首(?:字符|字母|位)(?:必须|须|应)?(?:为|是){CHARS}", _first),
    _phrase(
        rf"(?:必须|须|应|需)?(?:符合|满足|为|是)?(?:有效的?|合法的?|正确的?)?(?P<format>{FORMAT})的?格式(?:正确)?|(?:必须|须|应|需)(?:为|是)(?:有效|合法|正确)的?(?P<format2>{FORMAT})",
        lambda found: {"type": "string", "pattern": FORMATS[found["format"] or found["format2"]]},
    ),
    _phrase(
        r"(?:日期)?格式(?:必须|应|须)?(?:为|是|:|：)\s*(?:YYYY[-/年]MM[-/月]DD日?)", lambda found: {"type": "date"}
    ),
    _phrase(r"(?P<must>不能|不得|不可|不允许|必须|须|应)(?P<way>早于|晚于)(?:今天|今日|当天|当前日期|当日)", _day),
    _phrase(
        rf"(?:长度|字数|字符数)?{MUST}(?:限制|限定|控制)?(?:在|为|是|介于)?\s*{RANGE}{LETTERS}(?:之间|以内|范围内|组成)?(?:的?长度)?",
        _length_range,
    ),
    _phrase(
        rf"(?:的?长度|字数|位数|字符数){MUST}(?:限制|限定|控制)?(?:在|为|是|介于|：|:)?\s*{RANGE}(?P<unit>)(?:之间)?",
        _length_range,
    ),
    _phrase(rf"(?:长度|字数|位数)?{MUST}{AT_LEAST}\s*(?P<low>{N}){LETTERS}", _length_least),
    _phrase(rf"(?:长度|字数)?{MUST}(?P<low>{N}){LETTERS}(?:及)?以上", _length_least),
    _phrase(
        rf"(?:长度|字数|位数)?{MUST}{AT_MOST}(?:可以?|能)?(?:输入|填写|录入|支持|允许)?\s*(?P<high>{N}){LETTERS}",
        _length_most,
    ),
    _phrase(rf"(?:长度|字数)?{MUST}(?:限制)?(?:在)?\s*(?P<high>{N}){LETTERS}(?:及)?(?:以内|以下|之内)", _length_most),
    _phrase(rf"(?:长度|位数){MUST}{AT_MOST}\s*(?P<high>{N})(?P<unit>)", _length_most),
    _phrase(rf"(?:长度|位数){MUST}{AT_LEAST}\s*(?P<low>{N})(?P<unit>)", _length_least),
    _phrase(
        rf"(?:长度)?{MUST}(?:固定)?(?:为|是|由)?\s*(?P<low>{N})(?P<unit>位数字|位字符|位字母|个字符|位)(?:组成)?",
        _length_exact,
    ),
    _phrase(
        rf"(?:只能|仅能|仅可|仅|只可|只允许|必须|可|须|应)*(?:包含|包括|由|使用|输入|为|是|支持|允许|限)?{CHARS}(?:组成|构成|组合)",
        _charset,
    ),
    _phrase(
        rf"(?:只能|仅能|仅可|仅限|只可|只允许|仅允许|仅支持|只支持)(?:包含|包括|由|使用|输入|为|是|填写)?{CHARS}(?:字符)?",
        _charset,
    ),
    _phrase(
        rf"(?:可选值|选项|取值|枚举值?|可选项|可选择?|下拉选项|值域)(?:范围)?(?:只能)?(?:为|包括|有|是|:|：|分为)?\s*{LIST}",
        _values,
    ),
    _phrase(rf"(?:只能|必须|仅能)(?:选择?|为|是|取){LIST}(?:之一)?", _values),
    _phrase(rf"(?:分为|包括|分)\s*{LIST}", _values),
    _phrase(rf"(?:为|是){LIST}(?:之一|其中之一|中的一种)", _values),
    _phrase(
        r"默认(?:值)?(?:选中|选择|显示|勾选)?(?:为|是)?\s*[“\"]?(?P<value>(?:(?!只能|必须|不能|可以|不得|应)[^，,。；;“”\"（）()]){1,15})[”\"]?(?=[\s，,。；;（）()]|$)",
        lambda found: {"default": found["value"].strip()},
    ),
    _phrase(
        rf"(?:取值)?(?:范围)?{MUST}(?:为|在|是|介于|:|：)?\s*{RANGE}{UNIT}(?:之间|以内|范围内)?",
        lambda found: _amount(found, value_of(found["low"]), value_of(found["high"])),
    ),
    _phrase(
        rf"{MUST}{AT_LEAST}\s*(?P<low>{N}){UNIT}",
        lambda found: _amount(found, low=value_of(found["low"])),
    ),
    _phrase(rf"{MUST}年?满\s*(?P<low>{N}){UNIT}", lambda found: _amount(found, low=value_of(found["low"]))),
    _phrase(
        rf"{MUST}(?P<low>{N})(?P<unit>周岁|岁|元|件|个)(?:及|或)?以上",
        lambda found: _amount(found, low=value_of(found["low"])),
    ),
    _phrase(
        rf"{MUST}(?:上传|选择|添加|购买|输入|创建|填写)?{AT_MOST}(?:可以?|能|允许)?(?:上传|选择|添加|购买|创建|保存|绑定|收藏|邀请|领取|申请|设置|发布)?\s*(?P<high>{N}){UNIT}",
        lambda found: _amount(found, high=value_of(found["high"])),
    ),
    _phrase(
        rf"{MUST}(?P<high>{N})(?P<unit>周岁|岁|元|件|个)(?:及|或)?(?:以下|以内)",
        lambda found: _amount(found, high=value_of(found["high"])),
    ),
    _phrase(
        rf"{MUST}{MORE}\s*(?P<low>{N}){UNIT}", lambda found: _amount(found, low=value_of(found["low"]), open_low=True)
    ),
    _phrase(
        rf"{MUST}{LESS}\s*(?P<high>{N}){UNIT}",
        lambda found: _amount(found, high=value_of(found["high"]), open_high=True),
    ),
]

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
    left, right = subject(found["left"]), found["right"].strip()
    operator = _COMPARED[found["way"]]
    if found["must"].startswith("不"):
        operator = _TURNED[operator]
    if not left or re.match(rf"{N}|今天|今日|当前|当天|当日", right) or len(right) > 12:
        return None
    return [("constraint", {"left": left, "op": operator, "right": right})]


def _agree(found: re.Match[str]) -> list[tuple[Kind, dict[str, Any]]] | None:
    left, right = subject(found["left"]) or CARRIED, found["right"].strip()
    operator = "!=" if found["must"].startswith("不") else "="
    return [("constraint", {"left": left, "op": operator, "right": right})] if left and len(right) <= 12 else None


def _repeated(found: re.Match[str]) -> list[tuple[Kind, dict[str, Any]]]:
    name = f"{found['before'] or ''}{found['what'] or ''}{found['after'] or ''}"
    then = found["then"].strip()
    return [("rule", {"when": {f"{name}次数": f">={value_of(found['n'])}"}, "then": then})]


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


def _operands(written: str) -> list[Any]:
    return [operand for when in _whens(written) for operand in when.values()]


_SIGNS = [(AT_LEAST, ">="), (AT_MOST, "<="), (r"(?:达到|达|满|年满)", ">="), (MORE, ">"), (LESS, "<")]


def _condition(part: str) -> tuple[str, Any]:
    for words, sign in _SIGNS:
        if found := re.fullmatch(
            rf"(?P<name>.{{1,15}}?){words}\s*(?P<n>{N})\s*(?:万元|元|周岁|岁|件|个|%|天|次|人|分钟|秒|小时|分|级)?",
            part,
        ):
            return found["name"].strip(), f"{sign}{value_of(found['n'])}"
    if found := re.fullmatch(
        rf"(?P<name>.{{1,15}}?)\s*(?P<n>{N})\s*(?:元|周岁|岁|件|个|%|天|次|分)(?:及|或)?(?P<way>以上|以下)", part
    ):
        return found["name"].strip(), f"{'>=' if found['way'] == '以上' else '<='}{value_of(found['n'])}"
    if found := re.fullmatch(r"(?P<name>[^为是]{1,15})(?:为|是|等于|=)[“\"]?(?P<value>[^“”\"]{1,20})[”\"]?", part):
        return found["name"].strip(), found["value"].strip()
    return part, True


def _step(found: re.Match[str]) -> list[tuple[Kind, dict[str, Any]]] | None:
    name = subject(found["name"]) or found["name"].strip()
    if not name:
        return None
    sign = next(sign for words, sign in _SIGNS if re.fullmatch(words, found["way"]))
    bound = f"{sign}{value_of(found['n'])}"
    buyer = spent(name, found["unit"] or "")
    when = {name: bound} if buyer is None else {"角色": buyer[0], buyer[1]: bound}
    return [("rule", {"when": when, "then": found["then"].strip()})]


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
        rf"(?P<left>{_STOP}{{1,15}}?)(?P<must>不能|不得|不可|不应|不允许|必须|须|应|需要?)(?P<way>大于等于|小于等于|早于|晚于|大于|小于|高于|低于|超过|多于|少于|等于)(?:或等于)?(?P<right>(?!{N}){_STOP}{{2,12}})",
        _compare,
    ),
    _saying(
        rf"(?P<left>{_STOP}{{0,15}}?)(?P<must>不能|不得|不可以?|不允许|必须|须|应|需要?)(?:与|和|同)(?P<right>{_STOP}{{2,12}}?)(?:保持)?(?:一致|相同|一样)",
        _agree,
    ),
    _saying(
        rf"(?:用户)?(?:(?:连续|累计)\s*)?(?P<before>[^，,。；;\d]{{0,8}}?)(?P<what>失败|错误|输错|输入错误|登录失败|密码错误)?\s*(?:达到|超过|满)?\s*(?P<n>{N})\s*次(?P<after>[^，,。；;]{{0,12}}?)(?:及以上|以上)?(?:(?:后|时|，|,|则|将|会)+|(?=锁定|冻结|禁用))(?:，|,|则|将|会|账号)*(?P<then>{_STOP}{{2,40}})",
        lambda found: _repeated(found) if found["what"] or re.search("失败|错误|输错", found["after"]) else None,
    ),
    *TIMED,
    _saying(
        rf"(?P<what>{_STOP}{{0,12}}?)(?:的?有效期(?:为|是)?|自?(?:生成|发送)后|在)?\s*(?P<n>{N})\s*(?P<unit>分钟|小时|天|秒)(?:内|之内)?(?:有效|可用)?(?<=[效钟时天秒用])",
        lambda found: _lasting(found) if "有效" in found[0] else None,
    ),
    _saying(
        r"(?:如果|若|假如|一旦|当)(?P<when>[^。；;]{2,60}?)(?:时|的话|后)?[，,]\s*(?:则|那么|系统|就|应)*\s*(?P<then>[^。；;]{2,60})",
        _if,
    ),
    _saying(r"当(?P<when>[^。；;，,]{2,40}?)时(?:则|那么|系统|就|应)*\s*(?P<then>[^。；;]{2,60})", _if),
    _saying(
        r"(?P<when>[^，,。；;：:]{2,30}?)时[，,]?(?:则|那么|系统|就|应)*\s*(?P<then>[^。；;，,]{2,60})",
        lambda found: None if True in _operands(found["when"]) else _if(found),
    ),
    *STATED,
    _saying(rf"(?:只有|仅有?|仅限){ROLE}(?:才)?(?P<may>可以|能够|能|可|有权)(?P<act>{_STOP}{{2,20}})", _role),
    _saying(rf"{ROLE}(?P<may>不可以|不能|不可|不得|无权|禁止|无法|可以|能够|有权)(?P<act>{_STOP}{{2,20}})", _role),
    _saying(
        rf"(?P<name>{_STOP}{{1,12}}?)(?P<way>{'|'.join(words for words, _ in _SIGNS)})\s*(?P<n>{N})\s*(?P<unit>万元|元|周岁|岁|件|个|%|天|次|分)?(?:的|时|后|，|,|则|即|就)*(?P<then>{RESULT}{_STOP}{{0,40}})",
        _step,
    ),
]

_FILLERS = re.compile(
    r"应该|应当|必须|需要|可以|并且|而且|以及|同时|其中|此外|另外|字段|输入框|文本框|输入|填写|长度|范围|取值|之间|格式|字符|系统|"
    r"[的应须需要可且并和及与或也均都则为是由在其该请即]|[\s，,、。；;：:（）()“”\"'‘’\[\]【】.!！\-*•·]"
)
_LEAD = re.compile(
    r"^(?:用户|系统)?(?:输入的|填写的|所填的|上传的|选择的|输入|填写|上传|选择|设置|录入)(?:的)?|^(?:其中|每个|所有|该|其|且|并且|并|和|以及|同时|另外|此外|如|请(?=输入|填写|选择|上传)|[\s，,、：:“\"（(])+"
)
_TAIL = re.compile(
    r"(?:的?(?:长度|字符数|字数|大小|取值范围|取值|范围|格式|值|位数|输入框)|应该|应当|应|必须|须|需要|需|要|只能|可以|可|允许|不能|不得|为|是|支持|限制|输入|填写|上传|字段|的|在|均|都|[\s，,、：:”\"）)])+$"
)
_NO_NAME = re.compile(rf"[，,。；;？?！!]|{N}\s*(?:秒|分钟|小时|天|次)(?:之?内|后)?$|不能|不得|不允许|必须")
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
    return bare if fits else ""


CHINESE = Grammar(SAYINGS, PHRASES, empty, subject)
