"""Spans of days: what a week, a month or a quarter is, and which year or week is meant where nobody says so."""

from dataclasses import dataclass
from datetime import date, timedelta

FIRST_YEAR, LAST_YEAR = 1900, 2199
_LONG_MONTH = 31


@dataclass(frozen=True, slots=True)
class Days:
    """From the first day to the last, both included."""

    first: date
    last: date


def day(year: int, month: int, number: int) -> Days | None:
    """None where there is no such day, as 30 February."""
    if not FIRST_YEAR <= year <= LAST_YEAR:
        return None
    try:
        found = date(year, month, number)
    except ValueError:
        return None
    return Days(found, found)


def month(year: int, number: int) -> Days | None:
    if not (1 <= number <= 12 and FIRST_YEAR <= year <= LAST_YEAR):
        return None
    return Days(date(year, number, 1), last_of(year, number))


def months(year: int, first: int, last: int) -> Days | None:
    """``first`` to ``last`` of one year, both included."""
    begin, end = month(year, first), month(year, last)
    return Days(begin.first, end.last) if begin and end else None


def last_of(year: int, number: int) -> date:
    following = date(year + number // 12, number % 12 + 1, 1)
    return following - timedelta(days=1)


def month_from(now: date, offset: int) -> Days | None:
    """The month that is so many after this one; negative: before it."""
    index = now.year * 12 + now.month - 1 + offset
    return month(index // 12, index % 12 + 1)


def shifted_months(now: date, offset: int) -> Days | None:
    """The same day so many months later, or the last one where that month is shorter."""
    there = month_from(now, offset)
    if there is None:
        return None
    found = there.first.replace(day=min(now.day, there.last.day))
    return Days(found, found)


def shifted(now: date, days: int) -> Days | None:
    try:
        found = now + timedelta(days=days)
    except OverflowError:
        return None
    return Days(found, found) if FIRST_YEAR <= found.year <= LAST_YEAR else None


def week(now: date, offset: int, first: int = 0, last: int = 6) -> Days | None:
    """Days of the week that is so many after this one; weeks begin on Monday, which is 0."""
    if abs(offset) > 5000:
        return None
    monday = now - timedelta(days=now.weekday()) + timedelta(weeks=offset)
    return Days(monday + timedelta(days=first), monday + timedelta(days=last))


def nearest_year(now: date, number: int, day_number: int = 15) -> int:
    """The year in which this month (and day) is nearest to now."""
    years = [now.year - 1, now.year, now.year + 1]
    found = [(abs((_clipped(year, number, day_number) - now).days), year) for year in years]
    return min(found)[1]


def _clipped(year: int, number: int, day_number: int) -> date:
    return date(year, number, min(day_number, last_of(year, number).day))
