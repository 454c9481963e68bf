"""Days as Chinese texts name them: 2024年5月1日, 上个月15号, 下周三, 三天前, 今年三季度, 月底."""

import re
from collections.abc import Callable
from datetime import date

from server.workflows.extract import calendar
from server.workflows.extract.calendar import Days
from server.workflows.extract.found import Meaning, Reader, absolute, relative
from server.workflows.extract.numerals import COUNT, whole

YEAR = r"(?:(?<![\d.])(?:19|20)\d\d|[一二][〇○零一二三四五六七八九]{3})"
_MONTH = r"(?:1[0-2]|0?[1-9]|十[一二]?|[一二三四五六七八九])"
DAY = r"(?:3[01]|[12]\d|0?[1-9]|三十一?|二十[一二三四五六七八九]?|廿[一二三四五六七八九]?|十[一二三四五六七八九]?|[一二三四五六七八九])"
_NO_PLACE = r"(?![楼房线院室门店车机库馆桌仓铺厂柜窗床井地文码字位票信球选])"
"""15号楼 is a house, 3号线 a line, 8号文 a paper."""
_NO_NUMBER = r"(?<![\d第楼幢栋路街巷弄道村区座排厅台A-Za-z.\-—~～号])"
_WEEKDAY = {**{each: number for number, each in enumerate("一二三四五六")}, "日": 6, "天": 6, "末": 7}
_WEEK = r"(?:周|星期|礼拜)"
_RELATIVE_DAYS = {"大前天": -3, "前天": -2, "昨天": -1, "昨日": -1, "今天": 0, "今日": 0, "当天": 0, "明天": 1, "明日": 1,
                  "后天": 2, "大后天": 3, "昨晚": -1, "昨夜": -1, "今早": 0, "今晨": 0, "今晚": 0, "今夜": 0, "明早": 1,
                  "明晨": 1, "明晚": 1, "前晚": -2, "后晚": 2}  # fmt: skip
_RELATIVE_YEARS = {"前年": -2, "去年": -1, "今年": 0, "本年": 0, "明年": 1, "后年": 2}
_THIS = {"上上": -2, "上": -1, "本": 0, "这": 0, "当": 0, "下": 1, "下下": 2}
_QUARTER = {"一": 1, "二": 2, "三": 3, "四": 4, "1": 1, "2": 2, "3": 3, "4": 4}
_PART = {
    "初": (1, 10),
    "上旬": (1, 10),
    "中": (11, 20),
    "中旬": (11, 20),
    "下旬": (21, 31),
    "底": (21, 31),
    "末": (21, 31),
}
_YEAR_PART = {"年初": (1, 3), "年中": (5, 7), "年底": (10, 12), "年末": (10, 12), "上半年": (1, 6), "下半年": (7, 12)}
_RELATIVE_YEAR = "|".join(_RELATIVE_YEARS)
_AHEAD = re.compile(
    r"(?:定[于在]|将[于在]?|拟[于定]?|计划[于在]?|预计[于在]?|推迟[到至]|改[到在至]|延期[到至])[^。！？\n]{0,10}$"
)
_OTHER_YEAR = re.compile(r"\d年$")
_NOT_LUNAR = "(?!初[一二三四五六七八九十])"
_OFFSET = r"(?P<offset>上上|下下|上|下|本|这|当)"
FILLED = r"[ \u3000]?"


def _year_of(match: re.Match[str], now: date | None) -> tuple[int | None, bool]:
    """The year that a match names, and whether it does so by the day of writing."""
    groups = match.groupdict()
    if groups.get("year"):
        return whole(groups["year"]), False
    if groups.get("which"):
        return (None if now is None else now.year + _RELATIVE_YEARS[groups["which"]]), True
    return None, True


def _full(match: re.Match[str], now: date | None) -> Meaning | None:
    month, number = whole(match["month"]) or 0, whole(match["day"]) or 0
    year, by_writing = _year_of(match, now)
    if year is None and by_writing and not match.groupdict().get("which"):
        if _OTHER_YEAR.search(match.string, max(0, match.start() - 4), match.start()):
            return None  # of 98年 or 3050年, and not of this year
        return _yearless(now, month, number, ahead=_is_ahead(match))
    if year is None:
        return None, True, None
    days = calendar.day(year, month, number)
    return None if days is None else (days, by_writing, None)


def _is_ahead(match: re.Match[str]) -> bool:
    return _AHEAD.search(match.string, max(0, match.start() - 30), match.start()) is not None


def _yearless(now: date | None, month: int, number: int, *, ahead: bool = False) -> Meaning | None:
    """``ahead``: it is said to be to come."""
    if calendar.day(2000, month, number) is None:
        return None
    days = None if now is None else calendar.day(calendar.nearest_year(now, month, number), month, number)
    if ahead and now is not None and days is not None and days.last < now:
        days = calendar.day(days.first.year + 1, month, number)
    return days, True, (month, number)


def _month(match: re.Match[str], now: date | None) -> Meaning | None:
    number, part = whole(match["month"]) or 0, match["part"]
    year, by_writing = _year_of(match, now)
    if year is None and now is not None and not match.groupdict().get("which"):
        year = calendar.nearest_year(now, number)
    if year is None:
        return None, True, None
    days = calendar.month(year, number)
    return None if days is None else (_part_of(days, part), by_writing, None)


def _part_of(month: Days, part: str | None) -> Days:
    if not part:
        return month
    first, last = _PART[part]
    return Days(month.first.replace(day=first), month.first.replace(day=min(last, month.last.day)))


def _year(match: re.Match[str], now: date | None) -> Meaning | None:
    year, by_writing = _year_of(match, now)
    if year is None:
        return None, True, None
    part = match["part"]
    first, last = (1, 12) if not part else _YEAR_PART[part if part in _YEAR_PART else f"年{part}"]
    days = calendar.months(year, first, last)
    return None if days is None else (days, by_writing, None)


def _half(match: re.Match[str], now: date | None) -> Meaning | None:
    return relative(now, lambda today: calendar.months(today.year, *_YEAR_PART[match["part"]]))


def _quarter(match: re.Match[str], now: date | None) -> Meaning | None:
    number = _QUARTER[match["number"]]
    year, by_writing = _year_of(match, now)
    if year is None and now is not None and not match.groupdict().get("which"):
        year = now.year
    days = None if year is None else calendar.months(year, 3 * number - 2, 3 * number)
    return days, by_writing, None


def _this_quarter(match: re.Match[str], now: date | None) -> Meaning | None:
    def days(today: date) -> Days | None:
        index = today.year * 4 + (today.month - 1) // 3 + _THIS[match["offset"]]
        return calendar.months(index // 4, index % 4 * 3 + 1, index % 4 * 3 + 3)

    return relative(now, days)


def _relative_day(match: re.Match[str], now: date | None) -> Meaning | None:
    return relative(now, lambda today: calendar.shifted(today, _RELATIVE_DAYS[match[0]]))


def _weekday(match: re.Match[str], now: date | None) -> Meaning | None:
    offset = _THIS[match["offset"]] if match["offset"] else 0
    number = _WEEKDAY[match["day"]]
    first, last = (5, 6) if number == 7 else (number, number)
    return relative(now, lambda today: calendar.week(today, offset, first, last))


def _week(match: re.Match[str], now: date | None) -> Meaning | None:
    return relative(now, lambda today: calendar.week(today, _THIS[match["offset"]]))


def _that_month(match: re.Match[str], now: date | None) -> Meaning | None:
    offset, number, part = _THIS[match["offset"]], match["day"], match["part"]

    def days(today: date) -> Days | None:
        found = calendar.month_from(today, offset)
        if found is None or not number:
            return found and _part_of(found, part)
        return calendar.day(found.first.year, found.first.month, whole(number) or 0)

    return relative(now, days)


def _month_end(match: re.Match[str], now: date | None) -> Meaning | None:
    def days(today: date) -> Days | None:
        found = calendar.month_from(today, 0)
        return found and _part_of(found, match["part"])

    return relative(now, days)


def _day_alone(match: re.Match[str], now: date | None) -> Meaning | None:
    number = whole(match["day"]) or 0
    days = None if now is None else calendar.day(now.year, now.month, number)
    return days, True, (0, number)


def _ago(match: re.Match[str], now: date | None) -> Meaning | None:
    sign = -1 if match["side"].endswith("前") else 1
    count = 0.5 if match["count"] == "半" else float(whole(match["count"]) or 0)
    return relative(now, _shift(match["unit"].lstrip("个"), count, sign))


def _shift(unit: str, count: float, sign: int) -> Callable[[date], Days | None]:
    def days(today: date) -> Days | None:
        match unit:
            case "天" | "日":
                return calendar.shifted(today, sign * int(count)) if count >= 1 else None
            case "周" | "星期" | "礼拜":
                return calendar.shifted(today, sign * 7 * int(count)) if count >= 1 else None
            case "月":
                return (
                    calendar.shifted_months(today, sign * int(count))
                    if count >= 1
                    else calendar.shifted(today, 15 * sign)
                )
            case _:
                return calendar.shifted_months(today, sign * int(12 * count))

    return days


def _festival(match: re.Match[str], now: date | None) -> Meaning | None:
    month, number = _FESTIVALS[match["name"]]
    year, by_writing = _year_of(match, now)
    if year is None and not match.groupdict().get("which"):
        return _yearless(now, month, number)
    return (None if year is None else calendar.day(year, month, number)), by_writing, None


_FESTIVALS = {"元旦": (1, 1), "国庆节": (10, 1), "国庆": (10, 1), "劳动节": (5, 1), "圣诞节": (12, 25), "圣诞": (12, 25),
              "情人节": (2, 14), "妇女节": (3, 8), "儿童节": (6, 1), "教师节": (9, 10), "平安夜": (12, 24),
              "双十一": (11, 11), "双11": (11, 11), "双十二": (12, 12), "双12": (12, 12), "五一": (5, 1)}  # fmt: skip
_WHOSE = rf"(?:(?P<year>{YEAR}){FILLED}年{FILLED}|(?P<which>{_RELATIVE_YEAR})的?{FILLED})"
_UNITS = r"(?P<unit>天|日|个?星期|个?礼拜|周|个月|年)"

READERS: list[Reader] = [
    (re.compile(rf"{_WHOSE}?(?<!\d)(?P<month>{_MONTH}){FILLED}月{FILLED}(?P<day>{DAY}){FILLED}(?:日|号(?:{_NO_PLACE}))"), _full),
    (re.compile(rf"{_WHOSE}(?P<month>{_MONTH}){FILLED}月(?:份)?(?P<part>初|底|末|上旬|中旬|下旬)?"), _month),
    (re.compile(rf"(?<![\d个第几两.])(?P<month>{_MONTH})月{_NOT_LUNAR}(?:份|(?P<part>初|底|末|上旬|中旬|下旬))?(?![经饼球光亮薪租票刊卡供老嫂息嫩色台\d〇○零一二三四五六七八九十])"), _month),
    (re.compile(rf"(?P<year>{YEAR}){FILLED}年{FILLED}(?P<part>初|中|底|末|上半年|下半年)?(?![级龄度代\d])"), _year),
    (re.compile(rf"(?P<which>{_RELATIVE_YEAR})(?P<part>年初|年中|年底|年末|初|底|末|上半年|下半年)?"), _year),
    (re.compile(r"(?<!年)(?P<part>上半年|下半年|年初|年底|年末|年中)"), _half),
    (re.compile(rf"(?:{_WHOSE}|(?<![上下本这两几\d]))第?(?P<number>[一二三四1-4])(?:个)?季度"), _quarter),
    (re.compile(rf"{_OFFSET}个?季度"), _this_quarter),
    (re.compile("|".join(sorted(_RELATIVE_DAYS, key=len, reverse=True))), _relative_day),
    (re.compile(rf"(?:{_OFFSET}个?)?{_WEEK}(?P<day>[一二三四五六日天末])(?![一二三四五六七八九十两]?(?:[遍次个年]|回(?![来家去到国京复老学公])))"), _weekday),
    (re.compile(rf"{_OFFSET}(?:个|一)?(?:周|星期|礼拜)(?![一二三四五六日天末围边刊年])"), _week),
    (re.compile(rf"(?P<offset>上上|下下|上|下|本|这|当)个?月(?:份)?(?:(?P<day>{DAY})(?:日|号{_NO_PLACE})|(?P<part>初|底|末|上旬|中旬|下旬))?"), _that_month),
    (re.compile(rf"每个?月(?P<day>{DAY})(?:日|号{_NO_PLACE})"), lambda match, now: (None, False, None)),
    (re.compile(r"(?<![\d个一二三四五六七八九十上下本这每岁正冬腊闰])月(?P<part>初|底|末)(?!尾)"), _month_end),
    (re.compile(rf"{_NO_NUMBER}(?<![一二三四五六七八九十百千月年])(?P<day>{DAY})号{_NO_PLACE}(?![0-9A-Za-z])"), _day_alone),
    (re.compile(rf"(?<![第\d])(?P<count>{COUNT}|半){_UNITS}(?P<side>之?前|以前|之?后|以后)(?![缀端])"), _ago),
    (re.compile(rf"{_WHOSE}?(?P<name>(?<![\d零一二三四五六七八九十百千])(?:{'|'.join(sorted(_FESTIVALS, key=len, reverse=True))})(?![\d零一二三四五六七八九十路街])(?!大[道街]))"), _festival),
]  # fmt: skip


def numeric(match: re.Match[str], now: date | None) -> Meaning | None:
    return absolute(calendar.day(int(match["year"]), int(match["month"]), int(match["day"])))
