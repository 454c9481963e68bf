"""What in a text can be told by its form: addresses, numbers of things, versions, phones, sums of money."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from server.models import Json
from server.workflows.extract.numerals import amount, whole
from server.workflows.extract.patterns import pattern
from server.workflows.extract.spans import Spans

URL = pattern(r"\b(?:https?|ftp)://[^\s<>\"'`\u3000-\u303f\uff00-\uffef\u4e00-\u9fff]{1,2000}", re.IGNORECASE)
_URL_ENDS = ".,;:!?*_"
MAIL = pattern(
    r"(?<![\w.+\-%])[A-Za-z0-9](?:[A-Za-z0-9_+%\-]|\.(?=[A-Za-z0-9_+%\-])){0,63}@(?:[A-Za-z0-9](?:[A-Za-z0-9\-]{0,61}[A-Za-z0-9])?\.){1,8}[A-Za-z]{2,24}(?![\w@])"
)
_NUMBERED = pattern(r"(?<![\w&/#])#(?P<id>\d{1,10})(?![\w.]*\w)")
_CVE = pattern(r"(?<![\w./-])(?:CVE|GHSA|DSA|DLA|USN|RHSA|TEMP)-\d[\w-]{2,19}\w(?![\w-]|\.\w)")
_TICKET = pattern(
    r"(?<![\w/-])(?!UTF-|ISO-|RFC-|SHA-|GPL-|LGPL-|MD-|AES-|COVID-|PEP-)[A-Z][A-Z0-9]{1,9}-\d{1,7}(?![\w-])"
)
_ISSUE = pattern(
    r"\b(?:bug|issue|ticket|PR|pull request|case|order|invoice)\s+(?:no\.?\s*|number\s*)?(?P<id>\d{3,12})(?![\w.]*\w)",
    re.IGNORECASE,
)
_ORDER = pattern(
    r"\b(?:order|invoice|tracking|ticket|case|account|reference)\s+(?:no\.?|number|id)\s*(?:is|:|#)?\s*(?P<id>(?=[A-Z-]{0,10}\d)[A-Z0-9][A-Z0-9-]{3,24})(?!\w)",
    re.IGNORECASE,
)
_CHINESE_ID = pattern(
    r"(?:订单|单|工单|运单|快递单|流水|合同|发票|案件|病历|会员|编|车牌|凭证|学|工|身份证|航班|车次|客户)(?:编)?号(?:码)?(?:是|为)?\s*[:：]?\s*(?P<id>[A-Za-z0-9][A-Za-z0-9\-]{2,30})"
)
_JOURNEY = pattern(r"(?:航班|车次|列车|班次|\b[Ff]light(?: no\.?| number)?)\s?(?P<id>[A-Z]{1,2}\s?\d{2,4})(?!\w)")
_VERSION_HEAD = pattern(r"^[a-z0-9][a-z0-9+.\-]+ \((?P<id>[0-9A-Za-z][\w.+:~\-]*)\)", re.MULTILINE)
_VERSION = pattern(
    r"(?:\b(?:version|release|v|ver\.?|upstream|版本号?|版)\s*[:：]?\s*|(?<![\w.\-/:@])v)(?P<id>\d+(?:\.\d+){1,5}(?:[-~+](?:rc|beta|alpha|pre|dfsg|b)?[\w.]*\w)?)(?!\.?\d)",
    re.IGNORECASE,
)
_LONG_VERSION = pattern(r"(?<![\w.\-/:@+~])(?P<id>\d{1,4}(?:\.\d{1,6}){2,5}(?:[-~+][\w.+~]*\w)?)(?![\w@]|\.\d|-\d)")
_PHONE = pattern(
    r"(?<![\w.\-/])(?:(?:\+?86[- ]?)?1[3-9]\d(?:[- ]?\d{4}){2}|0\d{2,3}[- ]\d{7,8}(?:[-转]\d{1,5})?|[48]00[- ]?\d{3,4}[- ]?\d{3,4}"
    r"|\+\d{1,3}(?:[ .\-]?\(?\d{1,5}\)?){2,6}|(?:\+?1[ .\-])?(?:\(\d{3}\) ?|\d{3}[.\-])\d{3}[.\-]\d{4})(?![\w\-]|\.\d)"
)
_NUMBER = r"\d{1,3}(?:[,，]\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?"
_SPELLED = r"[千百万][零一二三四五六七八九百十千]{1,7}"
_HAN_NUMBER = r"[零一二两三四五六七八九十百千壹贰叁肆伍陆柒捌玖拾佰仟]{1,16}"
_CURRENCIES = {
    "$": "USD", "us$": "USD", "€": "EUR", "£": "GBP", "¥": "CNY", "￥": "CNY", "usd": "USD", "eur": "EUR", "gbp": "GBP",
    "cny": "CNY", "rmb": "CNY", "hk$": "HKD", "jpy": "JPY", "元": "CNY", "块": "CNY", "块钱": "CNY", "元钱": "CNY", "人民币": "CNY",
    "圆": "CNY", "美元": "USD", "美金": "USD", "欧元": "EUR", "英镑": "GBP", "日元": "JPY", "港币": "HKD", "港元": "HKD",
    "dollar": "USD", "buck": "USD", "euro": "EUR", "pound": "GBP", "yuan": "CNY", "yen": "JPY",
}  # fmt: skip
_SCALE = r"万亿|千万|百万|[万亿千]"
_BEFORE = pattern(
    rf"(?<!\w)(?P<currency>US\$|HK\$|[$€£¥￥]|(?:USD|EUR|GBP|CNY|RMB|JPY)\s?|人民币)\s?(?P<number>{_NUMBER}|{_HAN_NUMBER})(?:\s?(?P<scale>{_SCALE}|(?:thousand|million|billion|bn|k|m)\b))?(?:元)?",
    re.IGNORECASE,
)
_AFTER = pattern(
    rf"(?<![\w.\-])(?P<number>{_NUMBER}|{_HAN_NUMBER})\s?(?P<scale>{_SCALE})?多?\s?(?P<currency>美元|美金|欧元|英镑|日元|港币|港元|人民币|元钱|元|圆|块钱|块(?!石|茎|头|状|级)(?P<tenth>[一二三四五六七八九1-9])?)(?!宝|旦|宵|素|件|老|月|年|首|组|数|音)"
)
_AFTER_EN = pattern(
    rf"(?<![\w.\-])(?P<number>{_NUMBER})\s?(?P<scale>thousand|million|billion|bn|k|m)?\s?(?P<currency>dollars?|bucks?|euros?|pounds?|yuan|yen|USD|EUR|GBP|CNY|RMB|JPY)\b",
    re.IGNORECASE,
)
_SUM = pattern(
    rf"(?<=[价费款付转花薪资额入收贷借欠罚赔金租约了达为给均])(?P<lead>大概|大约|差不多|总共|一共|将近|才|要)?(?:共|约|了|到|达|至|为|是|给)?(?:(?P<number>{_NUMBER}|{_HAN_NUMBER})(?P<scale>{_SCALE})(?![一二三四五六七八九])|(?P<spelled>[一二两三四五六七八九](?:{_SPELLED}|[百千万](?=多|左右|出头|[，。,；;]|$))))(?![\u4e00-\u9fff]?[人名次件个台套米吨里步字册公斤天户家辆份粉亩平度元块美欧日港英])"
)


@dataclass(frozen=True, slots=True)
class Fact:
    """``kind``: ``mail``, ``url``, ``id``, ``version``, ``phone`` or ``amount``; the text it is of has it from ``start`` to ``end``."""

    kind: str
    start: int
    end: int
    value: Json

    def to_json(self, text: str) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "text": text[self.start : self.end],
            "start": self.start,
            "end": self.end,
            "value": self.value,
        }


def facts(text: str) -> list[Fact]:
    """All of them in their order, none within another; what stands in an address is part of the address."""
    taken = Spans()
    kept = [found for reader in _READERS for found in reader(text) if taken.take(found)]
    return sorted(kept, key=lambda found: found.start)


def _urls(text: str) -> Iterator[Fact]:
    for match in URL.finditer(text):
        found = match[0]
        while found and (
            found[-1] in _URL_ENDS
            or (found[-1] in ")]}>" and found.count(_OPENING[found[-1]]) < found.count(found[-1]))
        ):
            found = found[:-1]
        if len(found) > found.index("://") + 3:
            yield Fact("url", match.start(), match.start() + len(found), found)


_OPENING = {")": "(", "]": "[", "}": "{", ">": "<"}


def _plain(kind: str, form: re.Pattern[str]) -> Callable[[str], Iterator[Fact]]:
    def find(text: str) -> Iterator[Fact]:
        for match in form.finditer(text):
            start, end = match.span("id") if "id" in form.groupindex else match.span()
            yield Fact(kind, start, end, text[start:end])

    return find


def _numbered(text: str) -> Iterator[Fact]:
    for match in _NUMBERED.finditer(text):
        yield Fact("id", match.start(), match.end(), match["id"])


def _phones(text: str) -> Iterator[Fact]:
    for match in _PHONE.finditer(text):
        digits = re.sub(r"[^\d+]", "", match[0])
        if 7 <= len(digits.lstrip("+")) <= 16:
            yield Fact("phone", match.start(), match.end(), digits)


def _amounts(text: str) -> Iterator[Fact]:
    for form in (_BEFORE, _AFTER, _AFTER_EN, _SUM):
        for match in form.finditer(text):
            spelled = match.groupdict().get("spelled")
            number = amount(spelled) if spelled else amount(match["number"], match["scale"] or "")
            if number is None:
                continue
            tenth = match.groupdict().get("tenth")
            number = round(number + (whole(tenth) or 0) / 10, 2) if tenth else number
            named = (match.groupdict().get("currency") or "元").strip().lower()
            named = "块" if tenth else named
            currency = _CURRENCIES.get(named) or _CURRENCIES.get(named.rstrip("s"), "")
            start = match.end("lead") if match.groupdict().get("lead") else match.start()
            yield Fact("amount", start, match.end(), {"number": number, "currency": currency})


_READERS: tuple[Callable[[str], Iterator[Fact]], ...] = (
    _urls,
    _plain("mail", MAIL),
    _plain("id", _CVE),
    _plain("version", _VERSION_HEAD),
    _numbered,
    _plain("id", _CHINESE_ID),
    _plain("id", _ORDER),
    _plain("id", _JOURNEY),
    _phones,
    _amounts,
    _plain("version", _VERSION),
    _plain("version", _LONG_VERSION),
    _plain("id", _ISSUE),
    _plain("id", _TICKET),
)
