"""What a document says of itself, in the language of its report."""

import re
from typing import Literal

Language = Literal["en", "zh"]

HAN = re.compile("[\u2e80-\u2fdf\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
OTHER_WIDE = re.compile("[\u3000-\u303f\uff00-\uff65\u2018\u2019\u201c\u201d\u2014\u2026]")
"""Punctuation of Chinese text, some of which English has too."""
_LATIN_WORD = re.compile(r"[A-Za-z]+")
LOOKED_AT = 4000
"""So much of a text tells its language."""

_CONTENTS = {"en": "Contents", "zh": "目录"}
_GOING_ON = {
    "en": "This report is unfinished: its task has not ended, and more may be written.",
    "zh": "本报告尚未完成：任务还没有结束，内容可能继续增加。",
}
_ENDED_EARLY = {
    "en": "This report is incomplete: its task ended before it was done ({status}).",
    "zh": "本报告不完整：任务未做完就已结束（{status}）。",
}
_STATUSES = {"failed": "失败", "stopped": "已停止"}


def language_of(text: str) -> Language:
    """A Chinese character weighs as much as a word."""
    text = text[:LOOKED_AT]
    return "zh" if len(HAN.findall(text)) > len(_LATIN_WORD.findall(text)) else "en"


def contents(language: Language) -> str:
    return _CONTENTS[language]


def unfinished(status: str, language: Language) -> str | None:
    """What stands on top of a report whose task has not completed; None for one that has."""
    if status == "completed":
        return None
    if status not in _STATUSES:
        return _GOING_ON[language]
    return _ENDED_EARLY[language].format(status=_STATUSES[status] if language == "zh" else status)
