"""Numbers as people write them: 15, １５, 十五, 二〇二四, 3.5万, half."""

import re

DIGIT = {character: value for value, character in enumerate("〇一二三四五六七八九")} | {"零": 0, "两": 2, "○": 0}
_FORMAL = str.maketrans("壹贰叁肆伍陆柒捌玖拾佰仟", "一二三四五六七八九十百千")
"""As they are written on cheques."""
_UNIT = {"十": 10, "百": 100, "千": 1000}
_LARGE = {"万": 10_000, "亿": 100_000_000}
HAN = "[〇○零一二两三四五六七八九十百千廿卅]"
COUNT = rf"(?:\d{{1,4}}|{HAN}{{1,7}})"
"""A small whole number in either writing, as a pattern."""

WORDS = {
    word: value
    for value, word in enumerate("zero one two three four five six seven eight nine ten eleven twelve".split())
} | {"a": 1, "an": 1, "fifteen": 15, "twenty": 20, "thirty": 30}
WORD = "|".join(sorted(WORDS, key=len, reverse=True))
_HAN_ONLY = re.compile(r"[〇○零一二两三四五六七八九十百千万亿廿卅]+")


def whole(text: str) -> int | None:
    """A whole number in digits, Chinese numerals or an English word; None: it is none."""
    text = text.strip().translate(_FORMAL)
    if text.isdecimal():
        return int(text)
    if (word := WORDS.get(text.lower())) is not None:
        return word
    if _HAN_ONLY.fullmatch(text) is None:
        return None
    text = text.replace("廿", "二十").replace("卅", "三十")
    if all(character in DIGIT for character in text):
        return int("".join(str(DIGIT[character]) for character in text))
    return _spelled(text)


def _spelled(text: str) -> int:
    """``三千二百`` → 3200, ``一亿五千万`` → 150000000, ``三万二`` → 32000."""
    total = section = digit = 0
    last = 1
    for character in text:
        if character in DIGIT:
            digit = DIGIT[character]
            last = 1 if character in "零〇○" else last
        elif character in _UNIT:
            last = _UNIT[character]
            section += (digit or 1) * last
            digit = 0
        else:
            last = _LARGE[character]
            total = (total + section + digit) * last if last > total else total + (section + digit) * last
            section = digit = 0
    # 三万二 is 32,000 and 一百五 is 150: what stands last is of the next smaller unit.
    return total + section + digit * (last // 10 if last >= 100 else 1)


def amount(text: str, scale: str = "") -> float | None:
    """A number with thousands and decimals (``1,234.50``) or Chinese numerals, times its ``scale`` (万, 亿, k, m …)."""
    plain = text.replace(",", "").replace("，", "").replace(" ", "")
    try:
        value: float | None = float(plain)
    except ValueError:
        value = whole(plain)
    if value is None:
        return None
    found = value * SCALES.get(scale.strip().lower(), 1)
    return int(found) if found == int(found) else round(found, 4)


SCALES = {
    "万": 1e4,
    "亿": 1e8,
    "千": 1e3,
    "百万": 1e6,
    "千万": 1e7,
    "万亿": 1e12,
    "k": 1e3,
    "thousand": 1e3,
    "m": 1e6,
    "million": 1e6,
    "bn": 1e9,
    "b": 1e9,
    "billion": 1e9,
}
