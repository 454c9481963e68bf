"""Moments that a text names to the minute: the dates of mail and of logs, and so many hours ago."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from email.utils import parsedate_to_datetime

from server.workflows.extract.moment import Moment
from server.workflows.extract.numerals import COUNT, WORD, whole
from server.workflows.extract.patterns import pattern

_STAMP = pattern(
    r"(?<![\w./-])(?P<day>(?:19|20)\d\d-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01]))[T ](?P<time>[0-2]\d:[0-5]\d(?::[0-5]\d)?)(?:[.,]\d{1,9})?"
    r"(?P<zone>Z|\s?[+-][01]\d:?[0-5]\d)?(?![\w:])"
)
_MAIL_DATE = pattern(
    r"\b(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),?\s+)?[0-3]?\d\s+(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)\s+(?:19|20)\d\d\s+"
    r"[0-2]?\d:[0-5]\d(?::[0-5]\d)?(?:\s+(?:[+-]\d{4}|GMT|UTC|[A-Z]{3,4}\b))?(?:\s+\([A-Z]{2,5}\))?"
)
_HOURS_ZH = pattern(rf"(?<![第\d])(?P<count>{COUNT}|半)个?(?P<unit>小时|钟头|分钟)(?P<side>之?前|以前|之?后|以后)")
_HOURS_EN = pattern(
    rf"(?P<in>\bin\s+)?(?<!\w)(?P<count>\d{{1,4}}|half\s+an|{WORD})\s+(?P<unit>hours?|minutes?)(?P<ago>\s+ago|\s+from\s+now)?\b",
    re.IGNORECASE,
)


def stamps(text: str, zone: tzinfo) -> list[Moment]:
    """``zone``: of those that name none."""
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
    return found


def hours(text: str, now: datetime | None) -> Iterator[Moment]:
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
