"""Days as English texts name them: 5 March 2024, next Friday, in three weeks, Q3, the end of May; and ISO dates."""

import re
from datetime import date

from server.workflows.extract import calendar
from server.workflows.extract.calendar import Days
from server.workflows.extract.found import Meaning, Reader, absolute, relative
from server.workflows.extract.numerals import WORD, whole
from server.workflows.extract.patterns import pattern

MONTHS = {name[:3].lower(): number for number, name in enumerate(
    "January February March April May June July August September October November December".split(), 1)}  # fmt: skip
MONTH = (
    r"(?P<month>Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sept?(?:ember)?|"
    r"Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?)\b(?:\.(?=,?\s*\d))?"
)
_DAY = r"(?P<day>3[01]|[12]\d|0?[1-9])"
_YEAR = r"(?P<year>(?:19|20)\d\d)"
_WEEKDAYS = {name[:3]: number for number, name in enumerate(
    "monday tuesday wednesday thursday friday saturday sunday".split())}  # fmt: skip
_SHORT_WEEKDAY = r"(?P<weekday>Mon|Tues?|Wed|Thu(?:rs?)?|Fri|Sat|Sun)"
_PART = r"(?:the\s+)?(?P<part>early|mid|late|(?:beginning|start|middle|end)(?=\s+of\b))(?:\s+of|\s+in)?"
_OF_PART = r"(?P<part>early|mid|late|beginning|start|middle|end)"
_LONG_WEEKDAY = r"(?P<weekday>Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday)"
_BEFORE = rf"(?:(?:{_LONG_WEEKDAY.replace('?P<weekday>', '?:')}|Mon|Tue|Wed|Thu|Fri|Sat|Sun)\.?,?\s+(?:the\s+)?)?"
_NO_DIGIT = r"(?<![\w./-])"
_COUNT = rf"(?P<count>\d{{1,4}}|{WORD}|couple of|a couple of)"
_UNITS = r"(?P<unit>days?|weeks?|fortnights?|months?|years?)"
_WHICH = {"last": -1, "past": -1, "previous": -1, "this": 0, "current": 0, "next": 1, "coming": 1, "following": 1}
_PAST = pattern(
    r"\b(?:was|were|had|did|went|came|got|said|sent|met|paid|caught|broke|began|left|took|made|saw|told|found|fell|lost|bought|spent|ran|wrote|felt|kept|held|brought|stood|thought|burst|won|ate|drove|flew|spoke|sold|slept|sat|\w{3,}ed)\b",
    re.IGNORECASE,
)
_HALVES = re.compile(r"[ap]\.m\.")
_PUT_OFF = pattern(
    r"\b(?:moved|postponed|rescheduled|delayed|pushed|deferred|changed|shifted|put\s+off|booked|scheduled|planned|fixed|set|due|expected)"
    r"(?:\s+back)?\s+(?:to|until|till|for|by|on)\s+$",
    re.IGNORECASE,
)
"""What has been arranged lies ahead, although it is told as past."""
_AHEAD = pattern(r"(?:\b(?:will|shall|going\s+to|upcoming)\b|['’]ll\b)[^.!?\n]{0,120}$", re.IGNORECASE)
_PARTS = {"early": (1, 10), "beginning": (1, 10), "start": (1, 10), "mid": (11, 20), "middle": (11, 20), "late": (21, 31),
          "end": (21, 31)}  # fmt: skip
_YEAR_PARTS = {"early": (1, 4), "beginning": (1, 3), "start": (1, 3), "mid": (5, 7), "middle": (5, 7), "late": (9, 12),
               "end": (10, 12)}  # fmt: skip
_RELATIVE = {"the day before yesterday": -2, "yesterday": -1, "last night": -1, "today": 0, "tonight": 0, "this morning": 0,
             "this afternoon": 0, "this evening": 0, "the day after tomorrow": 2, "tomorrow": 1}  # fmt: skip
_FESTIVALS = {"new year's day": (1, 1), "christmas eve": (12, 24), "christmas day": (12, 25), "christmas": (12, 25),
              "new year's eve": (12, 31), "valentine's day": (2, 14), "halloween": (10, 31)}  # fmt: skip


def _month(match: re.Match[str]) -> int:
    return MONTHS[match["month"][:3].lower()]


def _full(match: re.Match[str], now: date | None) -> Meaning | None:
    return absolute(calendar.day(int(match["year"]), _month(match), int(match["day"])))


def _yearless(match: re.Match[str], now: date | None) -> Meaning | None:
    month, number = _month(match), int(match["day"])
    if calendar.day(2000, month, number) is None:
        return None
    days = None if now is None else calendar.day(calendar.nearest_year(now, month, number), month, number)
    if now is not None and days is not None and days.last < now and _ahead(match):
        days = calendar.day(days.first.year + 1, month, number)
    return days, True, (month, number)


def _ahead(match: re.Match[str]) -> bool:
    """Whether the sentence says before it that something is to come."""
    return _AHEAD.search(match.string, max(0, match.start() - 160), match.start()) is not None


def _month_alone(match: re.Match[str], now: date | None) -> Meaning | None:
    number, year, part = _month(match), match.groupdict().get("year"), match.groupdict().get("part")
    if year is None:
        if not match["month"][0].isupper():
            return None
        which = (match.groupdict().get("which") or "").lower()
        return relative(now, lambda today: _part(calendar.month(_year_near(today, number, which), number), part))
    return absolute(_part(calendar.month(int(year), number), part))


def _year_near(today: date, number: int, which: str) -> int:
    offset = _WHICH.get(which)
    if offset is None or offset == 0:
        return calendar.nearest_year(today, number) if offset is None else today.year
    later = number > today.month
    return today.year + (0 if later else 1) if offset > 0 else today.year - (1 if number >= today.month else 0)


def _part(days: Days | None, part: str | None) -> Days | None:
    if days is None or not part:
        return days
    first, last = _PARTS[part.lower()]
    return Days(days.first.replace(day=first), days.first.replace(day=min(last, days.last.day)))


def _iso(match: re.Match[str], now: date | None) -> Meaning | None:
    return absolute(calendar.day(int(match["year"]), int(match["month"]), int(match["day"])))


def _slashed(match: re.Match[str], now: date | None) -> Meaning | None:
    """05/06/2024 is May to some and June to others: it is a date, and nobody knows which."""
    one, two, year = int(match["one"]), int(match["two"]), int(match["year"])
    readings = {days for pair in ((one, two), (two, one)) if (days := calendar.day(year, *pair)) is not None}
    if not readings:
        return None
    return (readings.pop() if len(readings) == 1 else None), False, None


def _year_alone(match: re.Match[str], now: date | None) -> Meaning | None:
    year = match["year"] or match["other"]
    return absolute(calendar.months(int(year), 1, 12))


def _year_part(match: re.Match[str], now: date | None) -> Meaning | None:
    first, last = _YEAR_PARTS[match["part"].lower()]
    return absolute(calendar.months(int(match["year"]), first, last))


def _quarter(match: re.Match[str], now: date | None) -> Meaning | None:
    number = (
        int(match["number"])
        if match["number"]
        else {"first": 1, "second": 2, "third": 3, "fourth": 4}[match["word"].lower()]
    )
    if match["year"]:
        return absolute(calendar.months(int(match["year"]), 3 * number - 2, 3 * number))
    return relative(now, lambda today: calendar.months(today.year, 3 * number - 2, 3 * number))


def _half(match: re.Match[str], now: date | None) -> Meaning | None:
    first = 1 if match["number"] == "1" else 7
    if match["year"]:
        return absolute(calendar.months(int(match["year"]), first, first + 5))
    return relative(now, lambda today: calendar.months(today.year, first, first + 5))


def _relative_day(match: re.Match[str], now: date | None) -> Meaning | None:
    known = " ".join(match[0].lower().split())
    return relative(
        now,
        lambda today: calendar.shifted(today, next(days for said, days in _RELATIVE.items() if known.startswith(said))),
    )


def _weekday(match: re.Match[str], now: date | None) -> Meaning | None:
    """next Friday is that of next week; last Friday the one before today; Friday alone the coming one, or the last one
    where the sentence tells of the past."""
    which, number = (match["which"] or "").lower(), _WEEKDAYS[match["weekday"][:3].lower()]
    before = _HALVES.sub("  m ", match.string[max(match.start() - 300, 0) : match.start()])
    begins = match.start() - len(before) + max(before.rfind(mark) for mark in ".!?\n") + 1
    ends = match.end() + len(re.split(r"[.!?\n]", match.string[match.end() : match.end() + 300], maxsplit=1)[0])
    sentence = match.string[begins:ends]
    put_off = _PUT_OFF.search(match.string, max(0, match.start() - 40), match.start()) is not None
    past = _PAST.search(sentence) is not None and not put_off

    def days(today: date) -> Days | None:
        if which in ("next", "following"):
            return calendar.week(today, 1, number, number)
        if which == "this":
            return calendar.week(today, 0, number, number)
        if which in ("last", "past", "previous") or (not which and past):
            back = (today.weekday() - number - 1) % 7 + 1
            return calendar.shifted(today, -back)
        return calendar.shifted(today, (number - today.weekday() - 1) % 7 + 1)

    return relative(now, days)


def _span(match: re.Match[str], now: date | None) -> Meaning | None:
    offset, unit = _WHICH[match["which"].lower()], match["unit"].lower()

    def days(today: date) -> Days | None:
        if unit == "week":
            return calendar.week(today, offset)
        if unit == "weekend":
            return calendar.week(today, offset, 5, 6)
        if unit == "month":
            return _part(calendar.month_from(today, offset), match["part"])
        if unit == "quarter":
            index = today.year * 4 + (today.month - 1) // 3 + offset
            return calendar.months(index // 4, index % 4 * 3 + 1, index % 4 * 3 + 3)
        return calendar.months(today.year + offset, 1, 12)

    return relative(now, days)


def _part_of_span(match: re.Match[str], now: date | None) -> Meaning | None:
    """The end of the month, in which it is written."""
    unit, part = match["unit"].lower(), match["part"].lower()

    def days(today: date) -> Days | None:
        if unit == "month":
            return _part(calendar.month(today.year, today.month), part)
        if unit == "year":
            return calendar.months(today.year, *_YEAR_PARTS[part])
        first = 3 * ((today.month - 1) // 3) + 1
        month = first + {"early": 0, "beginning": 0, "start": 0, "mid": 1, "middle": 1}.get(part, 2)
        return calendar.month(today.year, month)

    return relative(now, days)


def _ago(match: re.Match[str], now: date | None) -> Meaning | None:
    sign = -1 if (match.groupdict().get("ago") or "").lower() in ("ago", "earlier", "before") else 1
    word = match["count"].lower()
    count = 2 if "couple" in word else whole(word) or 0
    unit = match["unit"].lower().rstrip("s")

    def days(today: date) -> Days | None:
        if unit in ("day", "week", "fortnight"):
            return calendar.shifted(today, sign * count * {"day": 1, "week": 7, "fortnight": 14}[unit])
        return calendar.shifted_months(today, sign * count * (12 if unit == "year" else 1))

    return relative(now, days)


def _day_alone(match: re.Match[str], now: date | None) -> Meaning | None:
    number = int(match["day"])
    return (None if now is None else calendar.day(now.year, now.month, number)), True, (0, number)


def _festival(match: re.Match[str], now: date | None) -> Meaning | None:
    month, number = _FESTIVALS[match["name"].lower().replace("’", "'")]
    if match["year"]:
        return absolute(calendar.day(int(match["year"]), month, number))
    return relative(now, lambda today: calendar.day(calendar.nearest_year(today, month, number), month, number))


_NAMES = "|".join(_FESTIVALS).replace("'", "['’]")
_I = re.IGNORECASE
_WHO = r"(?P<which>last|past|previous|this|current|next|coming|following)"
_SUFFIX = r"(?:st|nd|rd|th)?"

READERS: list[Reader] = [
    (pattern(rf"{_NO_DIGIT}{_YEAR}(?P<mark>[-/.])(?P<month>1[0-2]|0?[1-9])(?P=mark){_DAY}(?![\w/]|[-.]\w)"), _iso),
    (pattern(rf"{_NO_DIGIT}{_YEAR}-(?P<month>1[0-2]|0[1-9])-(?P<day>3[01]|[12]\d|0[1-9])(?=T\d\d:)"), _iso),
    (pattern(rf"{_NO_DIGIT}(?P<one>\d{{1,2}})(?P<mark>[/.])(?P<two>\d{{1,2}})(?P=mark){_YEAR}(?![\w/]|[-.]\w)"), _slashed),
    (pattern(rf"{_BEFORE}(?<![\w.]){_DAY}{_SUFFIX}[\s-]+(?:of\s+)?{MONTH}[,\s-]+{_YEAR}\b", _I), _full),
    (pattern(rf"{_BEFORE}(?<!\w){MONTH}\s+{_DAY}{_SUFFIX}(?:,\s*|\s+){_YEAR}\b", _I), _full),
    (pattern(rf"{_BEFORE}(?:the\s+)?(?<![\w.:]){_DAY}{_SUFFIX}\s+(?:of\s+)?{MONTH}(?!\s+(?:\d{{4}}|Street\b|St\b|Road\b|Avenue\b|Lane\b))", _I), _yearless),
    (pattern(rf"{_BEFORE}(?<!\w){MONTH}\s+{_DAY}{_SUFFIX}(?![\w:]|\.\d|,?\s+\d{{4}})", _I), _yearless),
    (pattern(rf"(?<!\w)(?:{_PART}[\s-]+)?{MONTH},?\s+(?:of\s+)?{_YEAR}\b", _I), _month_alone),
    (pattern(rf"(?<!\w){MONTH}(?=\s+(?:to|through|until)\s+(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec))"), _month_alone),
    (pattern(rf"(?:(?<=\bin )|(?<=\bsince )|(?<=\buntil )|(?<=\btill )|(?<=\bby )|(?<=\bfrom )|(?<=\bto )|(?<=\bof )|(?<=\bfor )|(?<=\bbefore )|(?<=\bafter )|(?<=\bthrough )|(?<=\bduring )|(?<=\bthrough )){MONTH}(?!\s+\d)"), _month_alone),
    (pattern(rf"(?<!\w){_PART}[\s-]+{MONTH}(?!\s+\d)"), _month_alone),
    (pattern(rf"(?<!\w)(?i:{_WHO})\s+{MONTH}(?!\s+\d)"), _month_alone),
    (pattern(rf"(?:(?<=\bfrom ){_YEAR}(?=\s+(?:to|until|through)\s+\d{{4}}\b)|(?<=\b\d\d\d\d to )(?P<other>(?:19|20)\d\d)(?![\w-]))"), _year_alone),
    (pattern(rf"(?:(?<=\bin )|(?<=\bsince )|(?<=\bof )|(?<=\buntil )|(?<=\bby )|(?<=\bduring )|(?<=\bbefore )|(?<=\bafter )){_YEAR}(?P<other>(?!))?(?![\w年]|[-/.:]\d|\s*(?:people|years|words|lines|items|euros|dollars))", _I), _year_alone),
    (pattern(rf"\b{_PART}\s+{_YEAR}(?!\w)", _I), _year_part),
    (pattern(rf"\bQ(?P<number>[1-4])(?P<word>(?!))?(?:\s*(?:of\s+|/|-|')?\s*{_YEAR})?(?!\w)"), _quarter),
    (pattern(rf"\b(?P<number>(?!))?(?P<word>first|second|third|fourth)\s+quarter(?:\s+(?:of\s+)?{_YEAR})?\b(?!\s+of\s+(?:the|a|an)\s+(?!year))", _I), _quarter),
    (pattern(rf"\bH(?P<number>[12])(?:\s*(?:of\s+)?{_YEAR})?(?!\w)"), _half),
    (pattern(r"\b(?:the\s+day\s+before\s+yesterday|yesterday(?:\s+(?:morning|afternoon|evening))?|last\s+night|today|tonight|this\s+(?:morning|afternoon|evening)|the\s+day\s+after\s+tomorrow|tomorrow(?:\s+(?:morning|afternoon|evening|night))?)\b", _I), _relative_day),
    (pattern(rf"\b(?:(?i:(?P<which>last|past|previous|this|next|following))\s+)?{_LONG_WEEKDAY}\b(?:\s+(?:morning|afternoon|evening|night))?"), _weekday),
    (pattern(rf"(?:\b(?i:(?P<which>last|past|previous|this|next|coming|following))\s+|(?<=\bon )|(?<=\bby )|(?<=\buntil )|(?<=\bsince )){_SHORT_WEEKDAY}\b"), _weekday),
    (pattern(rf"(?<!\w)(?:{_PART}[\s-]+)?(?:the\s+)?{_WHO}\s+(?P<unit>weekend|week|month|quarter|year)\b", _I), _span),
    (pattern(rf"(?<!\w)(?:the\s+)?{_OF_PART}\s+of\s+the\s+(?P<unit>month|year|quarter)\b", _I), _part_of_span),
    (pattern(rf"(?<!\w){_COUNT}\s+{_UNITS}\s+(?P<ago>ago|from\s+now|from\s+today)\b", _I), _ago),
    (pattern(rf"\bin\s+{_COUNT}\s+{_UNITS}(?:['’]\s+time)?(?!\s*[-\w]*\s*(?:period|time\s+series))\b", _I), _ago),
    (pattern(rf"(?:(?<=\bon )|(?<=\bby )|(?<=\buntil )|(?<=\bsince )|(?<=\bbefore )|(?<=\bafter )|(?<=\bfrom )|(?<=\bto ))the\s+{_DAY}(?:st|nd|rd|th)\b(?!\s+(?:floor|street|avenue|century|time|anniversary|birthday|edition|place|of\b|row|page|item|line|attempt|day|week))", _I), _day_alone),
    (pattern(rf"\b(?P<name>{_NAMES})\b(?:,?\s+{_YEAR}\b)?", _I), _festival),
]  # fmt: skip
