"""Text as it enters: code points that can't be written out again are replaced, white space is made one space."""

import re

REPLACEMENT = "\ufffd"

_UNWRITABLE = re.compile("[\ud800-\udfff\ufffe\uffff\x00-\x08\x0e-\x1b\x7f]")
_CJK = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003134f"
CJK_RUN = re.compile(f"[{_CJK}]+")
_LETTER_RUN = re.compile(r"[^\W\d_]+")

CJK_SHARE = 0.2
"""Chinese prose is full of Latin names; a fifth of CJK letters makes a text Chinese."""


def clean(text: str) -> str:
    """Replace lone surrogates, NUL and other controls, which no JSON, SSE stream or page takes."""
    return _UNWRITABLE.sub(REPLACEMENT, text)


def collapse(text: str) -> str:
    """Each run of white space (no-break and ideographic spaces too) becomes one space, none at the ends."""
    return " ".join(text.split())


def language_of(text: str) -> str:
    """``zh`` or ``en``: the language this program would answer a text in."""
    cjk = sum(len(run) for run in CJK_RUN.findall(text))
    letters = sum(len(run) for run in _LETTER_RUN.findall(text))
    return "zh" if letters and cjk / letters >= CJK_SHARE else "en"


def has_cjk(text: str) -> bool:
    return CJK_RUN.search(text) is not None
