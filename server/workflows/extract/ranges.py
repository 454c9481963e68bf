"""From one day to another: what joins two dates, and an end that is only a number."""

import re
from dataclasses import replace
from datetime import date, timedelta

from server.workflows.extract import calendar, chinese_dates
from server.workflows.extract.calendar import Days
from server.workflows.extract.found import Dated
from server.workflows.extract.numerals import whole
from server.workflows.extract.patterns import pattern
from server.workflows.extract.spans import Spanned

LOOKED_BACK = 40
JOIN = pattern(r"\s*(?:起?至|到|—{1,2}|–|-|~|～|－)\s*|\s+(?:to|until|till|through|thru|and)\s+")
_SECOND_DAY_ZH = pattern(rf"(?P<day>{chinese_dates.DAY})[ ]?(?:日|号)?")
_SECOND_DAY_EN = pattern(r"(?P<day>3[01]|[12]\d|0?[1-9])(?:st|nd|rd|th)?(?![\w:])(?P<year>,?\s+(?:19|20)\d\d\b)?")
_SECOND_WEEKDAY_ZH = pattern(r"(?:周|星期|礼拜)?(?P<day>[一二三四五六日天])")
_FIRST_DAY_EN = pattern(r"(?<![\w.:/-])(?P<day>3[01]|[12]\d|0?[1-9])(?:st|nd|rd|th)?\s*(?:-|–|to|until)\s*$")
_BETWEEN_DAY_EN = pattern(
    r"(?<=\bbetween )(?:the )?(?P<day>3[01]|[12]\d|0?[1-9])(?:st|nd|rd|th)?\s+and\s*$", re.IGNORECASE
)
_FIRST_MONTH_ZH = pattern(r"(?<![\d.])(?P<month>1[0-2]|[1-9])\s*(?:-|–|至|到|~|～)\s*$")
_BETWEEN = pattern(r"\bbetween\s+(?:the\s+)?$", re.IGNORECASE)
_ONE_WEEK = 7


def ranges(text: str, dates: list[Dated]) -> list[Dated]:
    """Two that are joined as one, and a first or second end that is only a number."""
    joined: list[Dated] = []
    for found in dates:
        before = joined[-1] if joined else None
        if before is not None and joins(text, before, found):
            joined[-1] = _range(before, found)
        else:
            joined.append(_with_first_number(text, found, joined))
    return [_with_second_number(text, found) for found in joined]


def joins(text: str, before: Spanned, after: Spanned) -> bool:
    between = text[before.end : after.start]
    if len(between) > 12 or JOIN.fullmatch(between) is None:
        return False
    if between.strip().lower() == "and":
        return _BETWEEN.search(text, max(0, before.start - 20), before.start) is not None
    return True


def _range(one: Dated, other: Dated) -> Dated:
    first, last = one.days, other.days
    if other.yearless and first is not None:
        month, number = other.yearless
        last = _not_before(first.first, month or first.first.month, number)
    elif one.yearless and one.yearless[0] == 0 and last is not None:
        first = calendar.day(last.first.year, last.first.month, one.yearless[1])
    elif one.yearless and last is not None and not other.relative:
        first = calendar.day(last.first.year, *one.yearless)
    elif first is not None and last is not None and last.first < first.first and other.relative:
        last = Days(*(each + timedelta(days=_ONE_WEEK) for each in (last.first, last.last)))
    days = Days(first.first, last.last) if first and last and first.first <= last.last else None
    by_writing = one.relative and (other.relative or not (one.yearless and other.days))
    return Dated(one.start, other.end, days, by_writing)


def _not_before(first: date, month: int, number: int) -> Days | None:
    found = calendar.day(first.year, month, number)
    return calendar.day(first.year + 1, month, number) if found is not None and found.last < first else found


def _with_second_number(text: str, found: Dated) -> Dated:
    """5月1日至3日, May 1-3, 周一到周五 written 周一到五."""
    days = found.days
    if days is None or days.first != days.last:
        return found
    join = JOIN.match(text, found.end)
    if join is None or join[0].strip().lower() == "and":
        return found
    chinese = text[found.end - 1] in "日号"
    weekday = _SECOND_WEEKDAY_ZH.match(text, join.end()) if text[found.end - 2] in "周期拜" else None
    second = _SECOND_DAY_ZH.match(text, join.end()) if chinese else None
    if weekday is not None:
        number = {each: at for at, each in enumerate("一二三四五六")}.get(weekday["day"], 6)
        last = days.first + timedelta(days=(number - days.first.weekday()) % _ONE_WEEK)
        return replace(found, end=weekday.end(), days=Days(days.first, last))
    if second is not None and (found.relative is False or text[second.end() - 1] in "日号"):
        end = _not_before(days.first, days.first.month, int(whole(second["day"]) or 0))
        ok = end is not None and end.last > days.first
        return replace(found, end=second.end(), days=Days(days.first, end.last)) if ok and end else found
    english = (
        _SECOND_DAY_EN.match(text, join.end())
        if re.search(r"[a-z]\.?\s+\d{1,2}(?:st|nd|rd|th)?$", text[found.start : found.end], re.I)
        else None
    )
    if english is None:
        return found
    year = int(english["year"].strip(" ,\n")) if english["year"] else days.first.year
    first, end = (
        calendar.day(year, days.first.month, days.first.day),
        calendar.day(year, days.first.month, int(english["day"])),
    )
    if first is None or end is None or end.last <= first.first:
        return found
    by_writing = found.relative and not english["year"]
    return Dated(found.start, english.end(), Days(first.first, end.last), by_writing)


def _with_first_number(text: str, found: Dated, others: list[Dated]) -> Dated:
    """3-5 May 2024, 3至5月."""
    back = text[max(0, found.start - LOOKED_BACK) : found.start]
    base, days = found.start - len(back), found.days
    if days is None or (others and others[-1].end > base + len(back.rstrip(" -–0123456789至到~～stndrh"))):
        return found
    if (
        days.first == days.last
        and (match := _FIRST_DAY_EN.search(back) or _BETWEEN_DAY_EN.search(back))
        and text[found.start].isdecimal()
    ):
        first = calendar.day(days.first.year, days.first.month, int(match["day"]))
        if first is not None and first.first < days.first:
            return replace(found, start=base + match.start(), days=Days(first.first, days.last))
    whole_month = days.first.day == 1 and days.last == calendar.last_of(days.first.year, days.first.month)
    if whole_month and text[found.end - 1] in "月份" and (match := _FIRST_MONTH_ZH.search(back)):
        month = calendar.month(days.first.year, int(match["month"]))
        if month is not None and month.first < days.first:
            return replace(found, start=base + match.start(), days=Days(month.first, days.last))
    return found
