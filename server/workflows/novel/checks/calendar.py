"""Dates against the calendar: weekdays that a date does not fall on, months of another season."""

import re
from collections.abc import Iterator
from datetime import date

from server.sources.sentences import sentences
from server.workflows.novel.bible import Bible
from server.workflows.novel.checks.health import number_in
from server.workflows.novel.entities import ChapterPlan, ChapterText, Character, TimelineEvent, WorldEntry
from server.workflows.novel.findings import Finding, contradiction, warning

_N = "[0-9〇零一二三四五六七八九十]"
_ZH_DATE = re.compile(
    rf"({_N}{{4}})年({_N}{{1,3}})月({_N}{{1,3}})[日号][，,、\s（(]{{0,2}}(?:这天|那天|当天)?(?:正?是)?[，\s]?"
    r"(?:星期|周|礼拜)([一二三四五六日天])"
)
_MONTHS = "January February March April May June July August September October November December".split()
_DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
_MONTH, _DAY = "|".join(_MONTHS), "|".join(_DAYS)
_DATE = rf"(?:(\d{{1,2}})(?:st|nd|rd|th)?(?: of)? ({_MONTH})|({_MONTH}) (\d{{1,2}})(?:st|nd|rd|th)?),? (\d{{4}})"
_EN_DATES = (
    re.compile(rf"\b(?P<weekday>{_DAY}),? (?:the )?{_DATE}\b"),
    re.compile(rf"\b{_DATE}(?:,| \(|,? (?:was|is|fell on))? ?(?:a )?(?P<weekday>{_DAY})\b"),
)
_SEASONS = (
    ({2, 3, 4, 5, 6}, re.compile(r"初春|早春|阳春|暮春|春天|\b(?:spring)\b(?= (?:day|morning|evening|night|sun))")),
    ({5, 6, 7, 8, 9}, re.compile(r"盛夏|仲夏|炎夏|酷暑|夏天|\b(?:high summer|midsummer|summer)\b(?= |,)")),
    ({8, 9, 10, 11, 12}, re.compile(r"初秋|深秋|金秋|秋天|\b(?:autumn)\b")),
    ({10, 11, 12, 1, 2, 3}, re.compile(r"隆冬|寒冬|严冬|冬天|\b(?:midwinter|winter)\b(?= |,)")),
)
_ZH_MONTH = re.compile(
    r"(?<![个〇零一二三四五六七八九十\d])(1[0-2]|[1-9]|十[一二]?|[一二三四五六七八九])月(?!光|亮|色|初?前)"
)
_EN_MONTH = re.compile(rf"\b(?:in|of|on|was|is|\d{{1,2}}(?:st|nd|rd|th)?) ({_MONTH})\b|\b({_MONTH}) \d")
_ELSEWHERE = re.compile(
    r"像|如|似|比|等到|到了|去年|明年|来年|以前|之前|之后|过了|从|南半球|\b(?:like|as|last|next|since|until|till|after|before|from|would)\b",
    re.IGNORECASE,
)
LEAD = 12
"""How much of what stands before a season says whether it is that of the moment."""
_GOES_ON = re.compile(r"(?:正是|正值|正当|时值|此时|这是|那是|又是)|It (?:was|is)\b")


def check_calendar(bible: Bible) -> Iterator[Finding]:
    """Seasons are those of the north; a month before and after counts as well."""
    for key, text in _texts(bible):
        yield from _weekdays(key, text)
        yield from _seasons(key, text)


def _texts(bible: Bible) -> Iterator[tuple[str, str]]:
    yield from ((f"text:{one.number}", one.text) for one in bible.of(ChapterText))
    yield from ((f"chapter:{one.number}", one.summary) for one in bible.of(ChapterPlan))
    yield from ((f"event:{one.id}", f"{one.title}\n{one.description}") for one in bible.of(TimelineEvent))
    yield from ((f"character:{one.id}", one.description) for one in bible.of(Character))
    yield from ((f"world:{one.id}", one.description) for one in bible.of(WorldEntry))


def _weekdays(key: str, text: str) -> Iterator[Finding]:
    for found in _ZH_DATE.finditer(text):
        year, month, day = (number_in(found[group]) for group in (1, 2, 3))
        told = "一二三四五六日".index(found[4].replace("天", "日"))
        yield from _weekday(key, found[0], (year, month, day), told)
    for pattern in _EN_DATES:
        for found in pattern.finditer(text):
            first, named, other, second, of_year = (one for one in found.groups() if one != found["weekday"])
            numbers = int(of_year), _MONTHS.index(named or other) + 1, int(first or second)
            yield from _weekday(key, found[0], numbers, _DAYS.index(found["weekday"]))


def _weekday(key: str, quote: str, numbers: tuple[int, int, int], told: int) -> Iterator[Finding]:
    try:
        falls = date(*numbers).weekday()
    except ValueError:
        yield contradiction("no_such_date", key, quote=quote)
        return
    if falls != told:
        weekday, right = "一二三四五六日"[falls], _DAYS[falls]
        yield contradiction("weekday_differs", key, quote=quote, weekday=weekday, right=right)


def _seasons(key: str, text: str) -> Iterator[Finding]:
    before = ""
    for start, end in sentences(text):
        sentence = text[start:end]
        if all(pattern.search(sentence) is None for _, pattern in _SEASONS):
            before = sentence
            continue
        seen = f"{before} {sentence}" if _GOES_ON.search(sentence) is not None else sentence
        before = sentence
        months = {number_in(found[1]) for found in _ZH_MONTH.finditer(seen)}
        months |= {_MONTHS.index(found[1] or found[2]) + 1 for found in _EN_MONTH.finditer(seen)}
        for fitting, pattern in _SEASONS if len(months) == 1 else ():
            found = pattern.search(sentence)
            if found is None or months & fitting:
                continue
            if _ELSEWHERE.search(sentence[max(0, found.start() - LEAD) : found.end() + 2]) is None:
                yield warning("season_differs", key, quote=found[0], month=next(iter(months)))
