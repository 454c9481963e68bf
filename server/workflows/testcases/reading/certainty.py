"""Which of the things that phrases say may be taken as said: what else stands in the sentence may turn them round."""

import re
from collections.abc import Iterator

from server.workflows.testcases.reading.findings import Grammar

_ASIDE = re.compile(r"\s*[（(][^（()）]*[）)]\s*$")
_DOUBTED = re.compile(
    r"除非|除了?[^，,]{1,20}(?:之?外|以外)|例外|如果|若|假如|仅当|的情况下|时候"
    r"|左右|大约|约(?=\s*\d)|建议|推荐(?!码|人)|通常|尽量"
    r"|\b(?:unless|except|excluding|if|when|whenever|while|otherwise|depending|provided|until|approximately|roughly"
    r"|usually|typically|preferably|ideally|recommended|(?:about|around)(?=\s*\d))\b",
    re.I,
)
"""Says that the rest of its sentence does not always hold."""
HANGING = re.compile(
    r"[^，,；;]{2}(?:时|后|之前|期间|情况下)\s*$"
    r"|(?:^|[,;])\s*(?:if|when|after|before|once|while|until|during|within|in case)\b[^,;]*$",
    re.I,
)
"""A condition of what follows."""
_FILLING = re.compile(
    r"\s*(?:用户)?在?(?:注册|登录|填写|输入|提交|创建|新增|新建|添加|编辑|上传|发布|申请|下单|预订|报名)[^，,]{0,6}时\s*$"
)
"""Says no more than that there is a form."""


def certain(text: str, start: int, end: int, grammar: Grammar) -> list[tuple[int, int, dict[str, object]]]:
    """What phrases say in clauses that end with it: words that follow may turn it round, and so may an exception."""
    matches = list(_matches(text, start, end, grammar))
    found, low = [], start
    for mark in (*grammar.split.finditer(text, start, end), None):
        high = mark.start() if mark else end
        if any(first < high < last for first, last, _ in matches):
            continue  # a comma within a list
        own = [one for one in matches if low <= one[0] and one[1] <= high]
        rest = text[own[-1][1] : high] if own else ""
        if grammar.empty(rest) or _ASIDE.match(rest):
            found += own
        low = mark.end() if mark else end
    said = list(text[start:end])
    for first, last, _ in matches:
        said[first - start : last - start] = " " * (last - first)
    left = "".join(said)
    hanging = any(HANGING.search(one) and not _FILLING.match(one) for one in re.split("[，,；;]", left))
    return [] if hanging or _DOUBTED.search(left) else found


def _matches(text: str, start: int, end: int, grammar: Grammar) -> Iterator[tuple[int, int, dict[str, object]]]:
    """What phrases say, in the order of the text; those that stand earlier in the grammar take their words first."""
    taken: list[tuple[int, int, dict[str, object]]] = []
    for phrase in grammar.phrases:
        for found in phrase.pattern.finditer(text, start, end):
            low, high = found.span()
            while low < high and text[low].isspace():
                low += 1
            if low == high or any(low < other_high and other_low < high for other_low, other_high, _ in taken):
                continue
            props = phrase.props(found)
            if props is not None:
                taken.append((low, high, props))
    yield from sorted(taken, key=lambda one: one[0])
