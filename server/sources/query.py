"""A question → the units that a text must cover to be about it, and how much of it a text covers."""

import math
import re
import unicodedata
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

from server.sources.text import CJK_RUN
from server.sources.tokens import pairs, stem, words

_ENGLISH_STOP = (
    "a an and any are as at be been being but by can could did do does doing done for from get gets getting give "
    "given gives had has have having he her his how however i if in into is it its itself just let lets like make "
    "makes me my of on one or our please shall she should so some such than that the their them then there these "
    "they this those to too us was way ways we were what when where whether which while who whom whose why will "
    "with would you your yes no not about explain describe tell show mean means meaning define definition "
    "difference differences different differ between compare compared comparison versus vs happen happens exactly "
    "actually really possible want need know work works"
).split()
_CHINESE_STOP = (
    "为什么 是什么 有什么 什么样 什么是 什么叫 什么时候 什么 怎么样 怎么办 怎么 怎样 怎麼 如何 为何 哪一个 哪些 "
    "哪个 哪里 哪种 哪儿 谁 多少 几个 是不是 能不能 有没有 可不可以 是否 能否 可否 可以 应该 应当 应如何 请问 请 "
    "吗 呢 吧 啊 的 了 是 把 被 我们 我 你 您 它们 它 他们 之间 区别 差异 差别 不同 有何 何时 一下 解释 介绍 说明 "
    "含义 意思 定义 一个 一种 这个 那个 怎 以及 还是 或者 并且 关于 想 要"
).split()

_STOP = frozenset(_ENGLISH_STOP) | frozenset(stem(word) for word in _ENGLISH_STOP)
_CHINESE_BREAK = re.compile("|".join(sorted(map(re.escape, _CHINESE_STOP), key=len, reverse=True)))
CJK_CHARACTER_WEIGHT = 0.5
"""Two characters make about one word, so each carries half of one's weight."""

Rarity = Callable[[str], float]


@dataclass(frozen=True, slots=True)
class Unit:
    """One thing that the question names: a word, or a character within its pairs. Any of ``terms`` covers it."""

    weight: float
    terms: tuple[str, ...]
    cjk: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    units: tuple[Unit, ...]

    @property
    def terms(self) -> list[str]:
        return list(dict.fromkeys(term for unit in self.units for term in unit.terms))

    @property
    def weight(self) -> float:
        return sum(unit.weight for unit in self.units)

    def coverage(self, terms: Collection[str]) -> float:
        """The share, 0 to 1, of the question's weight that these terms cover."""
        total = self.weight
        return (
            sum(unit.weight for unit in self.units if not terms_disjoint(unit.terms, terms)) / total if total else 0.0
        )

    def only_words(self) -> "Query":
        """What is left of it for a text in another script: the words in Latin and other alphabets."""
        return Query(tuple(unit for unit in self.units if not unit.cjk))

    def only_cjk(self) -> "Query":
        return Query(tuple(unit for unit in self.units if unit.cjk))

    def to_json(self) -> list[list[object]]:
        return [[round(unit.weight, 4), list(unit.terms), unit.cjk] for unit in self.units]

    @classmethod
    def from_json(cls, data: Iterable[Iterable[object]]) -> "Query":
        return cls(tuple(Unit(weight, tuple(terms), cjk) for weight, terms, cjk in data))  # type: ignore[arg-type]


def terms_disjoint(needed: tuple[str, ...], terms: Collection[str]) -> bool:
    return all(term not in terms for term in needed)


def content_words(text: str) -> list[str]:
    """The words of a question that carry meaning, stemmed, without repeats."""
    return [
        word for word in dict.fromkeys(words(text)) if word not in _STOP and not (len(word) == 1 and word.isascii())
    ]


def content_runs(text: str) -> list[str]:
    """The CJK runs of a question, cut where words stand that only ask."""
    folded = unicodedata.normalize("NFKC", text)
    return [run for piece in _CHINESE_BREAK.split(folded) for run in CJK_RUN.findall(piece)]


def understand(text: str, rarity: Rarity) -> Query:
    """Weigh what a question names by how rare it is where it will be searched.

    A character of a CJK run gets the weight of the *commoner* of its two pairs, and either pair covers it: a pair
    across a word boundary is rare by accident and must not count as something important that is missing.
    """
    units = [Unit(rarity(word), (word,)) for word in content_words(text)]
    for run in content_runs(text):
        found = pairs(run)
        for i in range(len(run)):
            around = tuple(dict.fromkeys(found[max(0, i - 1) : i + 1])) or tuple(found)
            weight = min(rarity(pair) for pair in around) * CJK_CHARACTER_WEIGHT
            units.append(Unit(weight, around, cjk=True))
    return Query(tuple(unit for unit in units if unit.weight > 0 and math.isfinite(unit.weight)))
