"""Who takes part, as far as that can be told by form: titles, and names after "with"."""

import re

_SURNAMES = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔钟谭陆汪范金石廖贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤"
_TITLED = re.compile(
    rf"[{_SURNAMES}][\u4e00-\u9fff]{{0,2}}?(?:先生|女士|小姐|老师|医生|大夫|经理|总监|主任|教授|律师|工程师|局长|校长|护士|师傅|总|工|哥|姐)"
    rf"|(?:小|老)[{_SURNAMES}](?![\u4e00-\u9fff]?[们])"
)
_ENGLISH = re.compile(
    r"\b(?:Mr|Mrs|Ms|Dr|Prof)\.? [A-Z][a-z'’-]+(?: [A-Z][a-z'’-]+)?|(?<=\bwith )[A-Z][a-z'’-]+(?: [A-Z][a-z'’-]+){0,2}"
)
MOST = 8


def participants(text: str) -> list[tuple[int, int]]:
    """Start and end of each mention, in order."""
    found = [match.span() for pattern in (_TITLED, _ENGLISH) for match in pattern.finditer(text)]
    return sorted(set(found))[:MOST]
