"""When something is, was or will be: days, times of day and ranges of both, put together from what stands side by side."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from email.utils import parsedate_to_datetime
from typing import Any

from server.sources.text import has_cjk
from server.workflows.extract import calendar, chinese_dates, english_dates
from server.workflows.extract.calendar import Days
from server.workflows.extract.clock import Clock, clocks
from server.workflows.extract.found import Dated, read
from server.workflows.extract.numerals import COUNT, WORD, whole
from server.workflows.extract.patterns import pattern
from server.workflows.extract.spans import Spans, without

_STAMP = pattern(
    r"(?<![\w./-])(?P<day>(?:19|20)\d\d-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01]))[T ](?P<time>[0-2]\d:[0-5]\d(?::[0-5]\d)?)(?:[.,]\d{1,9})?"
    r"(?P<zone>Z|\s?[+-][01]\d:?[0-5]\d)?(?![\w:])"
)
_MAIL_DATE = pattern(
    r"\b(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),?\s+)?[0-3]?\d\s+(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)\s+(?:19|20)\d\d\s+"
    r"[0-2]?\d:[0-5]\d(?::[0-5]\d)?(?:\s+(?:[+-]\d{4}|GMT|UTC|[A-Z]{3,4}\b))?(?:\s+\([A-Z]{2,5}\))?"
)
_JOIN = pattern(r"\s*(?:起?至|到|—{1,2}|–|-|~|～|－)\s*|\s+(?:to|until|till|through|thru|and)\s+")
_BESIDE = pattern(r"\s{0,3}(?:[,，]\s{0,2})?(?:(?:的|at|around|about|from|in the|在|大约|约|当天)\s{0,2})?")
_BEFORE = pattern(r"\s{0,3}(?:,\s?)?(?:(?:on|的|of)\s{1,2})?")
_SECOND_DAY_ZH = pattern(rf"(?P<day>{chinese_dates.DAY})[ ]?(?:日|号)?")
_SECOND_DAY_EN = pattern(r"(?P<day>3[01]|[12]\d|0?[1-9])(?:st|nd|rd|th)?(?![\w:])(?P<year>,?\s+(?:19|20)\d\d\b)?")
_SECOND_WEEKDAY_ZH = pattern(r"(?:周|星期|礼拜)?(?P<day>[一二三四五六日天])")
_FIRST_DAY_EN = pattern(r"(?<![\w.:/-])(?P<day>3[01]|[12]\d|0?[1-9])(?:st|nd|rd|th)?\s*(?:-|–|to|until)\s*$")
_BETWEEN_DAY_EN = pattern(
    r"(?<=\bbetween )(?:the )?(?P<day>3[01]|[12]\d|0?[1-9])(?:st|nd|rd|th)?\s+and\s*$", re.IGNORECASE
)
_FIRST_MONTH_ZH = pattern(r"(?<![\d.])(?P<month>1[0-2]|[1-9])\s*(?:-|–|至|到|~|～)\s*$")
_FIRST_HOUR_ZH = pattern(r"(?<![\d.])(?P<hour>2[0-3]|1\d|[1-9])\s*(?:-|–|至|到|~|～)\s*$")
_FIRST_HOUR_EN = pattern(
    r"(?<![\w.:/])(?P<hour>1[0-2]|[1-9])(?::(?P<minute>[0-5]\d))?\s*(?:-|–|to|until)\s*$", re.IGNORECASE
)
_BETWEEN = pattern(r"\bbetween\s+(?:the\s+)?$", re.IGNORECASE)
_PART_OF_DAY = pattern(r"的?(?:凌晨|清晨|早上|早晨|上午|中午|下午|傍晚|晚上|夜里|夜间|深夜)")
_HOURS_ZH = pattern(rf"(?<![第\d])(?P<count>{COUNT}|半)个?(?P<unit>小时|钟头|分钟)(?P<side>之?前|以前|之?后|以后)")
_HOURS_EN = pattern(
    rf"(?P<in>\bin\s+)?(?<!\w)(?P<count>\d{{1,4}}|half\s+an|{WORD})\s+(?P<unit>hours?|minutes?)(?P<ago>\s+ago|\s+from\s+now)?\b",
    re.IGNORECASE,
)
LOOKED_BACK = 40
FARTHEST = 80
"""A time of day that belongs to a day stands no farther from it, its own words included."""
_ONE_WEEK = 7


@dataclass(frozen=True, slots=True)
class Moment:
    """A time in a text. ``first`` and ``last`` are both included; None where it can't be known which is meant.

    ``resolved_by``: ``text`` where the text says all itself, ``written_at`` where it rests on when it was written.
    """

    start: int
    end: int
    first: date | datetime | None
    last: date | datetime | None
    resolved_by: str | None

    def to_json(self, text: str) -> dict[str, Any]:
        return {
            "text": text[self.start : self.end],
            "start": self.start,
            "end": self.end,
            "from": None if self.first is None else self.first.isoformat(),
            "to": None if self.last is None else self.last.isoformat(),
            "resolved_by": self.resolved_by,
        }


def moments(text: str, written_at: datetime | None, zone: tzinfo) -> list[Moment]:
    """All times that a text names, in their order, none within another.

    :param written_at: when it was written, in whatever zone; without it nothing relative is resolved.
    :param zone: of times of day that name none, and of the day on which it was written.
    """
    now = None if written_at is None else written_at.astimezone(zone).date()
    stamps = _longest(
        [*_stamps(text, zone), *_hours(text, None if written_at is None else written_at.astimezone(zone))]
    )
    chinese = read(chinese_dates.READERS, text, now) if has_cjk(text) else []
    dates = _longest([*chinese, *read(english_dates.READERS, text, now)])
    dates = without(dates, stamps)
    dates = _ranges(text, dates, now)
    times = without(_longest(without(list(clocks(text)), stamps)), dates)
    return sorted([*stamps, *_together(text, dates, times, now, zone)], key=lambda found: found.start)


def _stamps(text: str, zone: tzinfo) -> list[Moment]:
    found = []
    for match in _MAIL_DATE.finditer(text):
        try:
            moment = parsedate_to_datetime(re.sub(r"\s+\([A-Z]+\)$", "", match[0]))
        except (ValueError, TypeError):
            continue
        found.append(_at(match, moment if moment.tzinfo else moment.replace(tzinfo=zone)))
    for match in _STAMP.finditer(text):
        try:
            moment = datetime.fromisoformat(f"{match['day']}T{match['time']}")
            shift = (match["zone"] or "").strip()
            found.append(_at(match, moment.replace(tzinfo=_zone(shift) if shift else zone)))
        except ValueError:
            continue
    return _longest(found)


def _hours(text: str, now: datetime | None) -> Iterator[Moment]:
    """两个小时前, in half an hour: moments by the clock of the writer."""
    for match in _HOURS_ZH.finditer(text):
        yield _so_long(match, now, -1 if match["side"].endswith("前") else 1)
    for match in _HOURS_EN.finditer(text):
        if match["in"] or match["ago"]:
            yield _so_long(match, now, -1 if (match["ago"] or "").strip().lower() == "ago" else 1)


def _so_long(match: re.Match[str], now: datetime | None, sign: int) -> Moment:
    count = 0.5 if match["count"][0] in "半hH" else float(whole(match["count"]) or 0)
    minutes = count if match["unit"].lower().startswith(("分", "minute")) else 60 * count
    if now is None:
        return Moment(match.start(), match.end(), None, None, None)
    moment = now.replace(second=0, microsecond=0) + timedelta(minutes=sign * minutes)
    return Moment(match.start(), match.end(), moment, moment, "written_at")


def _zone(shift: str) -> tzinfo:
    """:raises ValueError: there is no such zone."""
    if shift == "Z":
        return UTC
    sign = -1 if shift[0] == "-" else 1
    digits = shift[1:].replace(":", "")
    return timezone(sign * timedelta(hours=int(digits[:2]), minutes=int(digits[2:])))


def _at(match: re.Match[str], moment: datetime) -> Moment:
    return Moment(match.start(), match.end(), moment, moment, "text")


def _longest(found: Sequence[Any]) -> list[Any]:
    """Without those that overlap a longer one, or one that begins earlier and is as long."""
    taken = Spans()
    ordered = sorted(found, key=lambda each: (each.start - each.end, each.start, -_worth(each)))
    return sorted((one for one in ordered if taken.take(one)), key=lambda each: int(each.start))


def _worth(found: Any) -> int:
    """Of two readings of the same words the one that knows more."""
    return int(getattr(found, "days", True) is not None)


def _ranges(text: str, dates: list[Dated], now: date | None) -> list[Dated]:
    """Two that are joined as one, and a first or second end that is only a number."""
    joined: list[Dated] = []
    for found in dates:
        before = joined[-1] if joined else None
        if before is not None and _joins(text, before, found):
            joined[-1] = _range(before, found, now)
        else:
            joined.append(_with_first_number(text, found, joined))
    return [_with_second_number(text, found, joined) for found in joined]


def _joins(text: str, before: Any, after: Any) -> bool:
    between = text[before.end : after.start]
    if len(between) > 12 or _JOIN.fullmatch(between) is None:
        return False
    if between.strip().lower() == "and":
        return _BETWEEN.search(text, max(0, before.start - 20), before.start) is not None
    return True


def _range(one: Dated, other: Dated, now: date | None) -> Dated:
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


def _with_second_number(text: str, found: Dated, others: list[Dated]) -> Dated:
    """5月1日至3日, May 1-3, 周一到周五 written 周一到五."""
    days = found.days
    if days is None or days.first != days.last:
        return found
    join = _JOIN.match(text, found.end)
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


def _together(text: str, dates: list[Dated], times: list[Clock], now: date | None, zone: tzinfo) -> list[Moment]:
    spans = _time_ranges(text, times)
    found: list[Moment] = []
    taken: set[int] = set()
    starts = [span[0].start for span in spans]
    for dated in dates:
        near = spans[bisect_left(starts, dated.start - FARTHEST) : bisect_right(starts, dated.end + FARTHEST)]
        left = [span for span in near if span[0].start not in taken]
        follows = next((span for span in left if _gap(text, dated.end, span[0].start, _BESIDE)), None)
        leads = next((span for span in left if _gap(text, span[1].end, dated.start, _BEFORE)), None)
        span = follows or leads
        if span is None:
            found.append(_whole_days(dated, _PART_OF_DAY.match(text, dated.end)))
            continue
        taken.add(span[0].start)
        evening = (
            re.search(r"[晚夜]$|(?:afternoon|evening|night)$|\btonight$|下午$", text[dated.start : dated.end], re.I)
            is not None
        )
        found.append(
            _timed(dated, span, zone, min(dated.start, span[0].start), max(dated.end, span[1].end), evening=evening)
        )
    for one, other in spans:
        if one.start not in taken and (one.sure or one is not other):
            today = None if now is None else Days(now, now)
            found.append(_timed(Dated(one.start, other.end, today, True), (one, other), zone, one.start, other.end))
    return found


def _gap(text: str, end: int, start: int, between: re.Pattern[str]) -> bool:
    return 0 <= start - end <= 12 and between.fullmatch(text, end, start) is not None


def _time_ranges(text: str, times: list[Clock]) -> list[tuple[Clock, Clock]]:
    spans: list[tuple[Clock, Clock]] = []
    for found in times:
        if spans and spans[-1][0] is spans[-1][1] and _joins(text, spans[-1][1], found):
            one = spans[-1][0]
            other = _as_late(found, one)
            spans[-1] = (_as_late_as(one, found), other)
            continue
        first = _first_hour(text, found)
        spans.append((first, found) if first is not None else (found, found))
    return spans


def _first_hour(text: str, found: Clock) -> Clock | None:
    """The 9 of 9-11点, or of 9-11am."""
    back = text[max(0, found.start - LOOKED_BACK) : found.start]
    chinese = "点" in text[found.start : found.end]
    match = (_FIRST_HOUR_ZH if chinese else _FIRST_HOUR_EN).search(back)
    if match is None or not (chinese or found.half):
        return None
    minutes = int(match["hour"]) * 60 + int(match.groupdict().get("minute") or 0)
    if found.half == "p" and minutes < 720 and minutes + 720 < found.minutes:
        minutes += 720
    start = found.start - len(back) + match.start()
    return Clock(start, found.end, minutes, half=found.half) if minutes < found.minutes else None


def _as_late(found: Clock, one: Clock) -> Clock:
    """3点 after 下午2点 is at 15:00."""
    if not found.half and one.half == "p" and found.minutes < 720 and found.minutes + 720 > one.minutes:
        return replace(found, minutes=found.minutes + 720)
    return found


def _as_late_as(one: Clock, found: Clock) -> Clock:
    if not one.half and found.half == "p" and one.minutes < 720 and one.minutes + 720 < found.minutes:
        return replace(one, minutes=one.minutes + 720)
    return one


def _whole_days(dated: Dated, part: re.Match[str] | None) -> Moment:
    if dated.days is None:
        return Moment(dated.start, dated.end, None, None, None)
    end = part.end() if part is not None and dated.days.first == dated.days.last else dated.end
    return Moment(dated.start, end, dated.days.first, dated.days.last, "written_at" if dated.relative else "text")


def _timed(
    dated: Dated, span: tuple[Clock, Clock], zone: tzinfo, start: int, end: int, *, evening: bool = False
) -> Moment:
    if dated.days is None:
        return Moment(start, end, None, None, None)
    minutes = [clock.minutes + (720 if evening and not clock.half and clock.minutes < 720 else 0) for clock in span]
    first = _moment(dated.days.first, minutes[0], zone)
    last = _moment(dated.days.last, minutes[1], zone)
    if last < first:
        last += timedelta(days=1)
    return Moment(start, end, first, last, "written_at" if dated.relative else "text")


def _moment(day: date, minutes: int, zone: tzinfo) -> datetime:
    moment = datetime.combine(day, time(minutes // 60 % 24, minutes % 60), zone)
    return moment + timedelta(days=1) if minutes >= 1440 else moment
