"""Who takes part and where, as far as that can be told by form: titles, addresses of mail, words after 在 and at."""

import re

_SURNAMES = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔钟谭陆汪范金石廖贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤"
_TITLED = re.compile(
    rf"[{_SURNAMES}][\u4e00-\u9fff]{{0,2}}?(?:先生|女士|小姐|老师|医生|大夫|经理|总监|主任|教授|律师|工程师|局长|校长|护士|师傅|总|工|哥|姐)"
    rf"|(?:小|老)[{_SURNAMES}](?![\u4e00-\u9fff]?[们])"
)
_ENGLISH = re.compile(
    r"\b(?:Mr|Mrs|Ms|Dr|Prof)\.? [A-Z][a-z'’-]+(?: [A-Z][a-z'’-]+)?|(?<=\bwith )[A-Z][a-z'’-]+(?: [A-Z][a-z'’-]+){0,2}"
)
_PLACE_ZH = re.compile(
    r"(?:在|到|去|赴|飞往|前往)(?P<place>[\u4e00-\u9fffA-Za-z0-9]{1,14}?(?:会议室|火车站|高铁站|市|区|县|镇|村|路|街|楼|室|厅|酒店|宾馆|医院|公司|大学|学校|机场|车站|餐厅|饭店|中心|广场|公园|商场|法院|银行|店|馆|局|厂))"
)
_PLACE_EN = re.compile(r"\b(?:in|at) (?:the )?(?P<place>[A-Z][\w'’&-]*(?: (?:of |the )?[A-Z][\w'’&-]*){0,3})")
_NO_PLACE = re.compile(
    r"(?:January|February|March|April|May|June|July|August|September|October|November|December|Monday|Tuesday|Wednesday|Thursday|"
    r"Friday|Saturday|Sunday|Q[1-4]|H[12]|I|The|This|That|[A-Z]\d+)\b"
)
MOST = 8


def participants(text: str) -> list[tuple[int, int]]:
    """Start and end of each mention, in order."""
    found = [match.span() for pattern in (_TITLED, _ENGLISH) for match in pattern.finditer(text)]
    return sorted(set(found))[:MOST]


def place(text: str) -> tuple[int, int] | None:
    match = _PLACE_ZH.search(text)
    if match is None:
        match = next((one for one in _PLACE_EN.finditer(text) if _NO_PLACE.match(one["place"]) is None), None)
    return None if match is None else match.span("place")
