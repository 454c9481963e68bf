"""Times of day: 15:30, 3pm, 下午三点半, half past three, noon."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta, timezone, tzinfo

from server.workflows.extract.numerals import WORD, whole
from server.workflows.extract.patterns import pattern

_PERIOD = "凌晨|清晨|早晨|早上|清早|上午|中午|正午|午后|下午|傍晚|晚上|晚间|夜里|夜间|深夜|半夜|(?<![今明昨前后])[早晚]"
_HOUR = r"(?:2[0-4]|1\d|0?\d|二十[一二三四]?|十[一二三四五六七八九]?|[零一二两三四五六七八九])"
_MINUTE = r"(?:[0-5]?\d|[二三四五]?十[一二三四五六七八九]?|[零〇]?[一二三四五六七八九])"
_EVENING = frozenset("下午 傍晚 晚上 晚间 夜里 夜间 深夜 半夜 午后 晚".split())
_NO_COUNT = r"(?!建议|意见|原因|问题|区别|不同|疑问|要求|体会|感受|想法|说明|注意|[一二三四五六七八九\d])"
_CHINESE = pattern(
    rf"(?:(?P<period>{_PERIOD})[ ]?)?(?<![\d.:第有])(?P<hour>{_HOUR})(?:点钟|点整|点|时(?=[\d一二三四五六七八九十整半许]|左右|[，。,；]|$))"
    rf"(?:(?P<half>半)|(?P<quarter>[一三])刻|(?P<minute>{_MINUTE})分?(?![\d点]))?"
)
_BARE = pattern(rf"点{_NO_COUNT}")
_TWENTY_FOUR = pattern(
    rf"(?:(?P<period>{_PERIOD})[ ]?)?(?<![\w:.,/+])(?<![A-Za-z]-)(?P<hour>[01]?\d|2[0-3]|24(?=[:：]00))[:：](?P<minute>[0-5]\d)(?::[0-5]\d)?"
    r"(?:\s*(?P<half>[ap])(?:m\b|\.m\.))?(?![\d:]|\.\d|\s*[ap]\.?m\b)",
    re.IGNORECASE,
)
_TWELVE = pattern(
    r"(?<![\w:.,/+])(?P<hour>1[0-2]|0?[1-9])(?:[:.](?P<minute>[0-5]\d))?\s*(?P<half>[ap])(?:m\b|\.m\.)", re.IGNORECASE
)
_WORDED = pattern(
    rf"\b(?P<part>half|quarter|(?:five|ten|twenty)(?: minutes)?|\d{{1,2}} minutes)\s+(?P<way>past|to)\s+(?P<hour>{WORD}|\d{{1,2}})\b(?!:)",
    re.IGNORECASE,
)
_OCLOCK = pattern(
    rf"\b(?P<hour>{WORD}|\d{{1,2}})\s+o['’]clock\b(?:\s+in\s+the\s+(?P<part>morning|afternoon|evening))?", re.IGNORECASE
)
_BARE_HOUR = pattern(r"(?<=\bat )(?P<hour>1[0-2]|[1-9])(?=\s+(?:today|tonight|tomorrow|on\b))", re.IGNORECASE)
_NOON = pattern(r"\b(?P<noon>noon|midday|midnight)\b", re.IGNORECASE)


_ZONES = {"UTC": 0, "GMT": 0, "EST": -5, "EDT": -4, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7, "CET": 1, "CEST": 2,
          "EET": 2, "EEST": 3, "JST": 9, "KST": 9, "HKT": 8, "SGT": 8, "AEST": 10, "AEDT": 11,
          "CST": None, "IST": None, "BST": None}  # fmt: skip
"""Hours ahead of UTC. CST is in America or in China; IST and BST are of several countries too."""
_ZONE = pattern(rf"\s?(?P<name>{'|'.join(_ZONES)})(?P<shift>(?<=UTC|GMT)[+-](?:1[0-4]|0?\d)(?::[0-5]\d)?)?(?![\w+-])")


@dataclass(frozen=True, slots=True)
class Clock:
    """A time of day. ``minutes``: since midnight, at most 1440. ``sure``: it can be nothing but a time.

    ``half``: whether morning or afternoon was said, so that the other end of a range can be told by it.
    ``zone``: the one that is named with it; ``zone_known``: False where that may be one of several, as CST and IST.
    """

    start: int
    end: int
    minutes: int
    sure: bool = True
    half: str = ""
    zone: tzinfo | None = None
    zone_known: bool = True


def clocks(text: str) -> Iterator[Clock]:
    """All times of day, in no order; those that overlap may be there twice."""
    return (_with_zone(text, found) for found in _clocks(text))


def _with_zone(text: str, found: Clock) -> Clock:
    match = _ZONE.match(text, found.end)
    if match is None:
        return found
    hours, shift = _ZONES[match["name"]], match["shift"]
    if hours is None:
        return replace(found, end=match.end(), zone_known=False)
    by = timedelta(hours=hours)
    if shift:
        whole_hours, _, minutes = shift[1:].partition(":")
        by += (-1 if shift[0] == "-" else 1) * timedelta(hours=int(whole_hours), minutes=int(minutes or 0))
    return replace(found, end=match.end(), zone=timezone(by))


def _clocks(text: str) -> Iterator[Clock]:
    for match in _CHINESE.finditer(text):
        if (found := _chinese(match)) is not None:
            yield found
    for match in _TWENTY_FOUR.finditer(text):
        hour, minute = int(match["hour"]), int(match["minute"])
        if match["half"]:
            if 1 <= hour <= 12:
                yield Clock(
                    match.start(), match.end(), _twelve(hour, match["half"]) * 60 + minute, half=match["half"].lower()
                )
            continue
        hour = _in_period(hour, match["period"])
        yield Clock(match.start(), match.end(), hour * 60 + minute, half=_half(match["period"]))
    for match in _TWELVE.finditer(text):
        minutes = _twelve(int(match["hour"]), match["half"]) * 60 + int(match["minute"] or 0)
        yield Clock(match.start(), match.end(), minutes, half=match["half"].lower())
    for match in _WORDED.finditer(text):
        hour, part = whole(match["hour"]) or 0, match["part"].lower().removesuffix(" minutes")
        by = {"half": 30, "quarter": 15}.get(part) or whole(part) or 0
        if 1 <= hour <= 12:
            yield Clock(match.start(), match.end(), (hour * 60 + (by if match["way"].lower() == "past" else -by)) % 720)
    for match in _OCLOCK.finditer(text):
        hour = whole(match["hour"]) or 0
        if 1 <= hour <= 24:
            later = match["part"] and match["part"].lower() != "morning" and hour < 12
            yield Clock(match.start(), match.end(), (hour + (12 if later else 0)) * 60)
    for match in _BARE_HOUR.finditer(text):
        yield Clock(match.start(), match.end(), int(match["hour"]) * 60, sure=False)
    for match in _NOON.finditer(text):
        yield Clock(match.start(), match.end(), 0 if match["noon"].lower() == "midnight" else 720)


def _chinese(match: re.Match[str]) -> Clock | None:
    hour, period = whole(match["hour"]), match["period"]
    if hour is None or hour > 24:
        return None
    minute = (
        30
        if match["half"]
        else 15 * (whole(match["quarter"]) or 0)
        if match["quarter"]
        else whole(match["minute"] or "0") or 0
    )
    exact = any(match[name] for name in ("half", "quarter", "minute")) or match[0].endswith(("钟", "整"))
    if not (period or exact) and (_BARE.match(match.string, match.end() - 1) is None or hour < 2):
        return None  # 有一点, 三点建议
    if period is None and hour == 1 and not exact:
        return None
    return Clock(
        match.start(), match.end(), _in_period(hour, period) * 60 + minute, bool(period or exact), _half(period)
    )


def _in_period(hour: int, period: str | None) -> int:
    if period in _EVENING and hour < 12 and not (period in ("半夜", "深夜", "夜里") and hour < 6):
        return hour + 12
    if period in ("中午", "正午") and hour in (1, 2):
        return hour + 12
    if period in ("凌晨", "半夜", "深夜") and hour == 12:
        return 0
    return hour


def _half(period: str | None) -> str:
    return "" if period is None else "p" if period in _EVENING else "a"


def _twelve(hour: int, half: str) -> int:
    return hour % 12 + (12 if half.lower() == "p" else 0)
