"""When something is, was or will be: days, times of day and ranges of both, put together from what stands side by side."""

import re
from bisect import bisect_left, bisect_right
from dataclasses import replace
from datetime import date, datetime, time, timedelta, tzinfo

from server.sources.text import has_cjk
from server.workflows.extract import chinese_dates, english_dates
from server.workflows.extract.calendar import Days
from server.workflows.extract.clock import Clock, clocks
from server.workflows.extract.found import Dated, read
from server.workflows.extract.moment import Moment, longest
from server.workflows.extract.patterns import pattern
from server.workflows.extract.ranges import LOOKED_BACK, joins, ranges
from server.workflows.extract.spans import without
from server.workflows.extract.stamps import hours, stamps

_BESIDE = pattern(r"\s{0,3}(?:[,，]\s{0,2})?(?:(?:的|at|around|about|from|in the|在|大约|约|当天)\s{0,2})?")
_BEFORE = pattern(r"\s{0,3}(?:,\s?)?(?:(?:on|的|of)\s{1,2})?")
_FIRST_HOUR_ZH = pattern(r"(?<![\d.])(?P<hour>2[0-3]|1\d|[1-9])\s*(?:-|–|至|到|~|～)\s*$")
_FIRST_HOUR_EN = pattern(
    r"(?<![\w.:/])(?P<hour>1[0-2]|[1-9])(?::(?P<minute>[0-5]\d))?\s*(?:-|–|to|until)\s*$", re.IGNORECASE
)
_PART_OF_DAY = pattern(r"的?(?:凌晨|清晨|早上|早晨|上午|中午|下午|傍晚|晚上|夜里|夜间|深夜)")
_SENTENCE_ENDS = re.compile(r"[。！？!?\n；;]|\.\s+[A-Z]")
_EACH = re.compile(
    r"(?P<each>(?:每逢|每隔?|逢)(?:[天日晚周月年早]|个?(?:月|星期|礼拜))?的?|\b(?:every|each)\s+"
    r"(?:(?:other\s+)?(?:day|morning|evening|afternoon|night|weekday|week|month|year)\s+)?(?:(?:at|on|from)\s+)?|\b(?:every|each)\s+(?:other|first|second|third|fourth|last)\s+)$",
    re.IGNORECASE,
)
FARTHEST = 80
"""A time of day that belongs to a day stands no farther from it, its own words included."""


def moments(text: str, written_at: datetime | None, zone: tzinfo) -> list[Moment]:
    """All times that a text names, in their order, none within another.

    :param written_at: when it was written, in whatever zone; without it nothing relative is resolved.
    :param zone: of times of day that name none, and of the day on which it was written.
    """
    here = None if written_at is None else written_at.astimezone(zone)
    now = None if here is None else here.date()
    exact = longest([*stamps(text, zone), *hours(text, here)])
    chinese = read(chinese_dates.READERS, text, now) if has_cjk(text) else []
    dates = longest([*chinese, *read(english_dates.READERS, text, now)])
    dates = ranges(text, without(dates, exact))
    dates = without(dates, exact)  # a range may have grown into words of a time of day
    times = without(longest(without(list(clocks(text)), exact)), dates)
    return sorted([*exact, *_together(text, dates, times, now, zone)], key=lambda found: found.start)


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
            day, by_writing = _day_before(text, dates, one, now)
            found.append(_timed(Dated(one.start, other.end, day, by_writing), (one, other), zone, one.start, other.end))
    return [_once(text, moment) for moment in found]


def _day_before(text: str, dates: list[Dated], clock: Clock, now: date | None) -> tuple[Days | None, bool]:
    """Of a time of day by itself: the day that its sentence has named last, or the day of writing."""
    place = bisect_left(dates, clock.start, key=lambda dated: dated.start) - 1
    if place >= 0:
        last = dates[place]
        between = text[last.end : clock.start]
        one_day = last.days is None or last.days.first == last.days.last
        if len(between) <= FARTHEST and one_day and _SENTENCE_ENDS.search(between) is None:
            return last.days, last.relative
    return (None if now is None else Days(now, now)), True


def _once(text: str, moment: Moment) -> Moment:
    """What comes again and again, as 每周三, is no single day: which one is meant can't be known."""
    before = _EACH.search(text, max(0, moment.start - 40), moment.start)
    if before is None or moment.resolved_by != "written_at":
        return moment
    return Moment(before.start("each"), moment.end, None, None, None)


def _gap(text: str, end: int, start: int, between: re.Pattern[str]) -> bool:
    return 0 <= start - end <= 12 and between.fullmatch(text, end, start) is not None


def _time_ranges(text: str, times: list[Clock]) -> list[tuple[Clock, Clock]]:
    spans: list[tuple[Clock, Clock]] = []
    for found in times:
        if spans and spans[-1][0] is spans[-1][1] and joins(text, spans[-1][1], found):
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
    if dated.days is None or not (span[0].zone_known and span[1].zone_known):
        return Moment(start, end, None, None, None)
    zone = span[1].zone or span[0].zone or zone
    minutes = [clock.minutes + (720 if evening and not clock.half and clock.minutes < 720 else 0) for clock in span]
    first = _moment(dated.days.first, minutes[0], zone)
    last = _moment(dated.days.last, minutes[1], zone)
    if last < first:
        last += timedelta(days=1)
    return Moment(start, end, first, last, "written_at" if dated.relative else "text")


def _moment(day: date, minutes: int, zone: tzinfo) -> datetime:
    moment = datetime.combine(day, time(minutes // 60 % 24, minutes % 60), zone)
    return moment + timedelta(days=1) if minutes >= 1440 else moment
