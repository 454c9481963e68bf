"""Who takes part, as far as that can be told by form: titles, Chinese surnames and what follows, English given names."""

import re

from server.workflows.extract.names import GIVEN, NO_NAMES, SURNAMES

_TITLED = re.compile(
    rf"[{SURNAMES}][\u4e00-\u9fff]{{0,2}}?(?:先生|女士|小姐|老师|医生|大夫|经理|总监|主任|教授|律师|工程师|局长|校长|护士|师傅|阿姨|叔叔|总|工|哥|姐)"
    rf"|(?:小|老)[{SURNAMES}](?![\u4e00-\u9fff]?[们])"
)
_BEFORE_NAME = r"(?:^|(?<=[\s，。、；：！？,.;:!?（）()“”\"'和与跟同请让叫给由陪对把被向找等])|(?<=联系|通知|同事|客户|同学|朋友|经理|老师|患者|邻居|室友|导师|家属))"
_AFTER_NAME = (
    r"(?=$|[\s，。、；：！？,.;:!?（）()“”的昨今明前后上下去来本这每早晚凌\d一二两三四五六七八九十年月周星"
    r"在于从向对把被将给跟和与同及等说问讲表告通打到是有没不也都就又还再已曾刚正会要想能可应请让叫帮借买卖付收寄送拿考参加出席负提交完离入辞升结生病住摔撞受因为了发预订约转签吃])"
)
_NAMED = re.compile(
    rf"{_BEFORE_NAME}(?P<name>(?!{'|'.join(NO_NAMES)})[{SURNAMES}][\u4e00-\u9fff]{{1,2}}?){_AFTER_NAME}"
)
_WORD = r"[A-Z][a-z]+(?:['’-][A-Z][a-z]+)?"
_ENGLISH = re.compile(
    rf"\b(?:Mr|Mrs|Ms|Dr|Prof|Professor)\.? {_WORD}(?: {_WORD})?|(?<=\bwith ){_WORD}(?: {_WORD}){{0,2}}"
    rf"|\b(?:{'|'.join(GIVEN)})\b(?: [A-Z]\.)?(?: (?!(?:{'|'.join(GIVEN)})\b){_WORD})?(?! (?:Street|St|Road|Avenue|Airport|Hospital|University|Hotel)\b)"
    rf"|(?:(?<=\bask )|(?<=\bmet )|(?<=\btold )|(?<=\btell )|(?<=\basked )|(?<=\bthank )|(?<=\binvited )){_WORD}"
)
_NO_PERSON = re.compile(
    r"(?:(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day|(?:January|February|March|April|May|June|July|August|September|October|November|December)\b(?! [A-Z])|The|This|That|Our|My)\b"
)
_OF_A_PLACE = re.compile(r"(?:\b(?:Santa|San|St\.?|Saint|Lake|Mount|Mt\.?|Port|Fort|Hotel|New|El|Los)\s)$")
MOST = 8


def participants(text: str) -> list[tuple[int, int]]:
    """Start and end of each mention, in order, none within another."""
    found = [match.span() for match in _TITLED.finditer(text)]
    found += [match.span("name") for match in _NAMED.finditer(text)]
    found += [
        match.span()
        for match in _ENGLISH.finditer(text)
        if _NO_PERSON.match(match[0]) is None and _OF_A_PLACE.search(text, 0, match.start()) is None
    ]
    kept: list[tuple[int, int]] = []
    for start, end in sorted(found, key=lambda span: (span[0], -span[1])):
        if not kept or start >= kept[-1][1]:
            kept.append((start, end))
    return kept[:MOST]
