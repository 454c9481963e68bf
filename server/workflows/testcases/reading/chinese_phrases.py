"""How Chinese requirements say what holds of one field."""

import re
from typing import Any

from server.workflows.testcases.reading.findings import Phrase
from server.workflows.testcases.reading.formats import CHARSETS, FORMATS, KINDS_OF, endings_in
from server.workflows.testcases.reading.numerals import NUMBER, RANGE_SIGN, bytes_of, value_of

N = NUMBER
RANGE = rf"(?P<low>{N})(?:%|％|℃|°C|元|万元|岁|天|kg|cm|米)?{RANGE_SIGN}(?P<high>{N})(?![:：]?\d)"
LETTERS = r"(?:\s*个?(?P<unit>(?:位|个)(?:字母[和或及、]数字|数字[和或及、]字母)(?:组合)?|位数字|位字符|位字母|位汉字|个?字符|个?汉字|个?中文|个?字母|个?数字|个字|字|位))"
UNIT = r"\s*(?P<unit>万元|元|周岁|岁|件|个月|个|％|%|天|次|人|名|分钟|秒|小时|张|条|份|kg|斤|分|级|台|只|块|月|年|项|行|组|门|篇|种|家|本|位|笔|套|页|周|公里|公斤|千克|克|毫升|厘米|米|毫米|℃|°C|摄氏度|度|mmol/L|mmHg|cm|mm|km|m[lL]|mg)?"
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
ROLE = r"(?P<role>[^，,。；;：:只有仅\s]{0,8}(?:员|用户|者|角色|会员|游客|经理|教师|老师|医生|护士|学生|家长|店长|客服|主管|客人|访客|买家|卖家|商家|VIP))"
NUMERIC_TYPES = {"元": "number", "万元": "number", "%": "number", "％": "number", "kg": "number", "斤": "number"}


def _length(found: re.Match[str]) -> dict[str, Any]:
    told: dict[str, Any] = {"type": "string"}
    unit = found["unit"] or ""
    if "数字" in unit and "字母" in unit:
        told["charset"] = CHARSETS["字母"] + CHARSETS["数字"]
    elif "数字" in unit:
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


def scaled(written: str, unit: str | None) -> int | float:
    """A number with 万 of its unit in it, so that 5万元 and 60000元 are of one scale."""
    value = value_of(written)
    return value if unit != "万元" else int(value * 10_000) if value * 10_000 == int(value * 10_000) else value * 10_000


def amount(
    found: re.Match[str], low: Any = None, high: Any = None, *, open_low: bool = False, open_high: bool = False
) -> dict[str, Any]:
    unit = found["unit"] or ""
    if unit == "万元":
        low, high, unit = (
            None if low is None else scaled(str(low), "万元"),
            None if high is None else scaled(str(high), "万元"),
            "元",
        )
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
    counted = re.fullmatch(r"(\d+)(个月|[元天次分期年月岁%])", items[-1])
    if counted and all(one.isdecimal() for one in items[:-1]):
        items[-1] = counted[1]  # 12、24或36个月
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
        r"(?:不是|并非|不为|不作为|无需|不需要?|不必|不用|不强制要?求?)(?:必填|必选|填写)(?:项|字段)?",
        lambda found: {"required": False},
    ),
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
    _phrase(r"(?:必须|只能|须|应)?(?:输入|为|是)?非负数", lambda found: {"type": "number", "min": 0}),
    _phrase(r"(?:必须|只能|须|应)?(?:输入|为|是)?正数", lambda found: {"type": "number", "above": 0}),
    _phrase(r"(?:是|为|属于)?非负整数", lambda found: {"type": "integer", "min": 0}),
    _phrase(r"(?:必须|只能|须|应)?(?:输入|为|是)?正整数", lambda found: {"type": "integer", "min": 1}),
    _phrase(
        rf"(?:取值)?(?:范围)?{MUST}(?:输入|填写|录入)?(?:为|在|是|介于)?\s*{RANGE}{UNIT}(?:之间|以内|范围内)?的(?:正)?整数",
        lambda found: {**amount(found, value_of(found["low"]), value_of(found["high"])), "type": "integer"},
    ),
    _phrase(
        rf"步长(?:为|是|：|:)?\s*(?P<step>{N}){UNIT}",
        lambda found: {
            "type": "integer" if value_of(found["step"]) % 1 == 0 else "number",
            "step": value_of(found["step"]),
        },
    ),
    _phrase(
        rf"{MUST}(?:为|是)?\s*(?P<step>{N})\s*(?:元)?的(?:整数)?倍数?",
        lambda found: {
            "type": "integer" if value_of(found["step"]) % 1 == 0 else "number",
            "step": value_of(found["step"]),
        },
    ),
    _phrase(
        rf"(?:不能|不得|不可以?|不允许|禁止)(?:包含|含有?|输入|出现|使用|有){CHARS}(?!\s*(?:、|，|,|和|或|及|与|/)?\s*(?:{CHAR}))",
        lambda found: {"type": "string", "without": _charset(found)["charset"]},
    ),
    _phrase(
        rf"最(?:大长度|长长度|多字符数)(?:限制)?(?:为|是|：|:)?\s*(?P<high>{N})(?:{LETTERS})?",
        lambda found: {**_length(found), "max": value_of(found["high"])},
    ),
    _phrase(
        rf"最(?:小长度|短长度|少字符数)(?:限制)?(?:为|是|：|:)?\s*(?P<low>{N})(?:{LETTERS})?",
        lambda found: {**_length(found), "min": value_of(found["low"])},
    ),
    _phrase(
        rf"(?:的?(?:上限|最大值|最高值|限额))(?:为|是|：|:)\s*(?P<high>{N}){UNIT}",
        lambda found: amount(found, high=value_of(found["high"])),
    ),
    _phrase(
        rf"(?:的?(?:下限|最小值|最低值))(?:为|是|：|:)\s*(?P<low>{N}){UNIT}",
        lambda found: amount(found, low=value_of(found["low"])),
    ),
    _phrase(r"(?<=[：:，,])\s*可选(?=\s*(?:[，,。；;]|$))", lambda found: {"required": False}),
    _phrase(
        rf"(?:(?<=(?:状态|类型|方式|级别|等级|性别|渠道|类别)：)|(?<=(?:状态|类型|方式|级别|等级|性别|渠道|类别):))\s*{LIST}(?=\s*[。；;]?\s*$)",
        _values,
    ),
    _phrase(rf"(?<=状态|类型|方式|级别|等级|性别|渠道|类别)(?:：|:|(?:包括|分为|有|支持)[：:]?)\s*{LIST}", _values),
    _phrase(r"(?:必须|只能|须|应)?(?:输入|为|是)?整数(?!倍)", lambda found: {"type": "integer"}),
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
    _phrase(r"(?P<must>不能|不得|不可|不允许|不|必须|须|应)(?P<way>早于|晚于)(?:今天|今日|当天|当前日期|当日)", _day),
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
        rf"(?:长度)?{MUST}(?:固定)?(?:为|是|由)?\s*(?P<low>{N})(?P<unit>(?:位|个)(?:字母[和或及、]数字|数字[和或及、]字母)(?:组合)?|位数字|位字符|位字母|个字符|位)(?:组成)?",
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
        r"默认(?:值)?(?:选中|选择|显示|勾选)?(?:为|是|:|：)?\s*[“\"]?(?P<value>\d+(?=[条个项件页]记?录?(?:[\s，,。；;（）()]|$))|(?:(?!只能|必须|不能|可以|不得|应)[^，,。；;“”\"（）()]){1,15})[”\"]?(?:(?<=\d)[条个项件页](?:记录)?)?(?=[\s，,。；;（）()]|$)",
        lambda found: {"default": found["value"].strip()},
    ),
    _phrase(
        rf"(?:取值)?(?:范围)?{MUST}(?:为|在|是|介于|:|：)?\s*{RANGE}{UNIT}(?:之间|以内|范围内)?",
        lambda found: amount(found, value_of(found["low"]), value_of(found["high"])),
    ),
    _phrase(
        rf"{MUST}{AT_LEAST}\s*(?P<low>{N}){UNIT}",
        lambda found: amount(found, low=value_of(found["low"])),
    ),
    _phrase(rf"{MUST}年?满\s*(?P<low>{N}){UNIT}", lambda found: amount(found, low=value_of(found["low"]))),
    _phrase(
        rf"{MUST}(?P<low>{N})(?P<unit>周岁|岁|元|件|个)(?:及|或)?以上",
        lambda found: amount(found, low=value_of(found["low"])),
    ),
    _phrase(
        rf"{MUST}(?:上传|选择|添加|购买|输入|创建|填写)?{AT_MOST}(?:可以?|能|允许)?(?:上传|选择|添加|购买|创建|保存|绑定|收藏|邀请|领取|申请|设置|发布)?\s*(?P<high>{N}){UNIT}",
        lambda found: amount(found, high=value_of(found["high"])),
    ),
    _phrase(
        rf"{MUST}(?P<high>{N})(?P<unit>周岁|岁|元|件|个)(?:及|或)?(?:以下|以内)",
        lambda found: amount(found, high=value_of(found["high"])),
    ),
    _phrase(
        rf"{MUST}{MORE}\s*(?P<low>{N}){UNIT}", lambda found: amount(found, low=value_of(found["low"]), open_low=True)
    ),
    _phrase(
        rf"{MUST}{LESS}\s*(?P<high>{N}){UNIT}",
        lambda found: amount(found, high=value_of(found["high"]), open_high=True),
    ),
]
