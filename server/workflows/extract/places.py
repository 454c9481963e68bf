"""Where something is, as far as the form of a statement tells: words after 在, 去, 到 and 于, and after in, at and to."""

import re
from collections.abc import Sequence

from server.workflows.extract.lexicon import LEXICON
from server.workflows.extract.names import GIVEN
from server.workflows.extract.towns import TOWNS

_AFTER = (
    r"(?:(?<![现正存实好所内])在|(?<![直得收看买遇提达感听迟签遭受拿找接等轮想碰办做])到(?!底|期|货|账|手|点|时|此|处|位)"
    r"|(?<![过失下出])去(?!年|世|掉|除|职)(?:了一?趟?|过|趟)?|(?<![由对关至等大小属用鉴终善低高多少])于|赴|飞往|前往|抵达)"
)
_SUFFIX = (
    r"(?:会议室|火车站|高铁站|市|区|县|镇|村|路|街|楼|室|厅|酒店|宾馆|医院|公司|大学|学校|机场|车站|餐厅|饭店|中心|广场|公园|商场|法院|银行|派出所"
    r"|影城|影院|剧院|博物馆|体育馆|报告厅|教室|办公室|食堂|宿舍|小区|花园|校区|园区|大厦|基地|店|馆|局|厂)"
)
_MORE = "参加 出席 工作 实习 上班 上学 读书 举行 举办 召开 吃饭 聚餐 聚会 度假 游玩 玩 过年 讨论 发生 被 摔 撞 遇 过 做 办 领 取 认识 碰面 聊 花 住 待 换 乘 检查 转机".split()
_FACILITY = r"(?:会议室|报告厅|教室|办公室|礼堂|大厅|体育馆|图书馆|多功能厅|活动室|展厅|宴会厅)"
_HOME = "老家|家里|家中|单位|公司|学校|楼下|门口|宿舍|食堂|办公室|医院|网吧|海边|郊区|市中心|乡下|国外"
_EVENTS = sorted(
    {*_MORE, *(word for words in LEXICON.values() for word in words if not word.isascii())}, key=len, reverse=True
)
_NAME = r"[\u4e00-\u9fffA-Za-z0-9·]"
_ZH = (
    re.compile(
        rf"{_AFTER}(?P<place>(?:(?![到去往回给]){_NAME}){{1,14}}?{_SUFFIX}(?:\d{{1,5}}(?:教室|会议室|房间|室|号)?)?)"
    ),
    re.compile(
        rf"(?:考[进上入]了?|住[进在]了?|搬[到进去]了?|调到了?|转到了?|地[点址](?:是|在|为|改为|改在|[:：])?\s?|从)(?P<place>(?:(?![到去往回]){_NAME}){{1,14}}?{_SUFFIX}(?:[A-Z]?\d{{1,5}}(?:会议室|教室|室|号)?)?)"
    ),
    re.compile(
        r"从(?P<place>[\u4e00-\u9fff]{2,5}?)(?=(?:回来|回到|回家|出发|过来|赶来|赶回|发车|起飞|飞|搬到|调到|寄来|寄出|发货|发来))"
    ),
    re.compile(
        rf"(?:^|[，,、；;：:]\s?)(?P<place>(?!地[点址])(?:(?![在到去进搬来从是为用])[\u4e00-\u9fffA-Za-z0-9]){{1,12}}?{_FACILITY})(?=[，。,.；;]|$)"
    ),
    re.compile(rf"{_AFTER}(?P<place>{_HOME})"),
    re.compile(
        rf"(?:{_AFTER}|从|途经|路过|回)(?P<place>(?:{'|'.join(sorted(TOWNS, key=len, reverse=True))})(?:[省市县]|乡下|老家|郊区|市区|火车站|机场)?)(?![\u4e00-\u9fff]{{0,8}}?{_SUFFIX}[，。,.；;]|[\u4e00-\u9fff]{{0,4}}(?:大学|医院|银行))"
    ),
    re.compile(rf"{_AFTER}(?P<place>{_NAME}{{1,10}}?)(?=(?:{'|'.join(map(re.escape, _EVENTS))})(?![室厅]))"),
)
_ZH_ALONE = (
    re.compile(
        r"(?<![现正存实好所内])在(?P<place>[\u4e00-\u9fff]{2,8}?)(?=[打签给吃看做读办拿取买玩住拍谈聊卖租换修逛爬陪]|开[会车球])"
    ),
    re.compile(
        r"(?:(?<![过失下出])去(?!年|世|掉|除|职)(?:了一?趟?|过|趟)?|飞往|前往|抵达|搬到|搬进|毕业于)(?P<place>[\u4e00-\u9fff]{2,6})(?=[，。,.；;！!]|$|的(?:航班|飞机|火车|高铁|列车|机票))"
    ),
)
_TIME = r"(?:[\d零一二两三四五六七八九十]+(?:点|月|年|日|天|时|分|号(?![楼院线馆门厅])|个?小时)|[今明昨后前去]天|今|明年|周[一二三四五六日天末]|星期|凌晨|清晨|早|上午|中午|下午|傍晚|晚|夜|月|年|现在|目前|最后|\d+$)"
_VERB = r"(?:参加|出席|看|拜访|吃|买|取|办|开|打|做|接|送|找|见|上班|上学|学习|签|玩|陪|领|交|付|还|给|拿|跟|和|与|同|帮|了|过|得|不|没|是|有|这|那|此|哪|线|一起|爬|跑|游(?!泳[馆池])|旅|出|复诊|体检|住院|培训|面试|考|工作|等|忙)"
_NONE_ZH = re.compile(
    rf"[本该](?:公司|单位)|{_TIME}|{_VERB}|(?:京东|淘宝|天猫|拼多多|网上|线上|微信|支付宝|美团|抖音|手机)|.*(?:的|了|着|我们|他们|她们|大家|会上|会议上|期间|之前|之后|时候|过程中|情况下)|.*[内中前后时间里]$",
    re.I,
)
_WORD = r"[A-Z][\w'’&.-]*[\w'’]"
_STREET = r"(?:Street|St|Road|Rd|Avenue|Ave|Lane|Drive|Square|Boulevard|Blvd|Way|Court|Place|Floor|Terrace)\b"
_EN = re.compile(
    r"\b(?:(?:[Ii]n|[Aa]t|[Nn]ear)|(?:fly|flew|flies|flying|flights?|mov(?:e|ed|es|ing)|went|go|goes|going|travel(?:s|led|ed|ling|ing)?|trips?|drove|drive"
    r"|driving|train|bus|return(?:ed|s|ing)?|came|come|relocat(?:e|ed|ing)|head(?:ed|ing)|back|Flights?|Moved|Went|Trip|Back) to|(?:left|leaves?|leaving)(?: for)?"
    r"|(?:[Vv]isit(?:ed|ing|s)?|[Tt]our(?:ed|ing)|[Rr]eached|[Ee]xplor(?:ed|ing))"
    rf"|(?:(?:package|parcel|letter|order|shipment|delivery|flight|train|bus|trip|drive|arriv(?:ed|es|ing)|came|back|home|moved|flew|drove|returned|travel+ed|shipped|sent|works?|working|lives?)\s+from)|[Oo]n(?= (?:[A-Z][\w'’.-]* ){{1,3}}{_STREET})) (?:the |our |their |his |her |my )?"
    rf"(?P<place>\d{{1,5}}[A-Za-z]? (?:{_WORD} ){{0,3}}{_STREET}|\d{{1,3}}(?:st|nd|rd|th) {_STREET}"
    rf"|(?:Room|Gate|Platform|Terminal|Hall|Building) [A-Z]?\d{{1,4}}[A-Z]?\b|(?:St\. )?{_WORD}(?: (?:of |the )?{_WORD}){{0,3}})"
)
_ROOM = re.compile(r"(?:^|[,;:(]\s?)(?P<place>(?:Room|Gate|Platform|Terminal|Hall|Building) [A-Z]?\d{1,4}[A-Z]?)\b")
_NONE_EN = re.compile(
    r"(?:January|February|March|April|May|June|July|August|September|October|November|December|(?:Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec)\b|"
    r"(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day|Q[1-4]|H[12]|I|The|This|That|[A-Z]\d+|Mr|Mrs|Ms|Dr|Prof|Easter|Christmas|Thanksgiving|Ramadan|Lent|"
    r"Spring|Summer|Autumn|Winter|English|German|French|Spanish|Italian|Chinese|Japanese|Russian|Euros?|Dollars?|Pounds?|Yuan|Yen|"
    r"(?!(?:UK|US|USA|NYC|LA|UAE|EU|HK|DC|MIT)\b)[A-Z]{2,5})(?:['’]s)?(?![\w'’-])"
)

_ENDS_AS_PLACE = re.compile(rf"{_SUFFIX}(?:\d{{1,5}}(?:教室|会议室|房间|室|号)?)?$")
_DONE_THERE = re.compile(
    r"[打签给吃看做读办找拿取买玩住等考拍谈聊坐睡卖送租换修逛爬接见陪帮请]|自驾|开[会车球]|工作|上[班学课]|参|旅|实习|出"
)
_OWNER = re.compile(
    rf"(?:[A-Z][a-z]+ ?)+['’]s (?!on\b|at\b|in\b|for\b|with\b|and\b|by\b|to\b|from\b|after\b|before\b|this\b|last\b|next\b|yesterday|today|tomorrow)[a-z]"
    rf"|(?:{'|'.join(GIVEN)})\b(?! [A-Z])"
)
"""Somebody, or somebody's: "in Tom's opinion"."""


def place(text: str) -> tuple[int, int] | None:
    """Start and end of the first place that a statement names; of several readings of it the longest."""
    found = (
        _named(text, _ZH, _NONE_ZH)
        or _named(text, _ZH_ALONE, _NONE_ZH)
        or _named(text, (_EN,), _NONE_EN)
        or _rooms(text)
    )
    return min(found, key=lambda span: (span[0], -span[1]), default=None)


def _without_verb(text: str, start: int, end: int) -> tuple[int, int]:
    """律所签委托书: what is done there is no part of the name, unless that ends as places do."""
    named = text[start:end]
    verb = None if _ENDS_AS_PLACE.search(named) else _DONE_THERE.search(named, 2)
    return start, end if verb is None else start + verb.start()


def _rooms(text: str) -> list[tuple[int, int]]:
    """A room that stands between commas: "Friday at 9, Room B12"."""
    return [match.span("place") for match in _ROOM.finditer(text)]


def _named(text: str, forms: Sequence[re.Pattern[str]], none: re.Pattern[str]) -> list[tuple[int, int]]:
    matches = (match for form in forms for match in form.finditer(text))
    return [
        _without_verb(text, *match.span("place"))
        for match in matches
        if not none.match(match["place"]) and not _OWNER.match(text, match.start("place"), match.end("place") + 20)
    ]
