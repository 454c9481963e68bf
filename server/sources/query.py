"""A question → the units that a text must cover to be about it, and how much of it a text covers."""

import math
import re
import unicodedata
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

from server.sources.text import CJK_RUN, has_cjk, language_of
from server.sources.tokens import pairs, stem, words

_ENGLISH_STOP = (
    "a an and any are as at be been being but by can could did do does doing done for from get gets getting give "
    "given gives had has have having he her his how however i if in into is it its itself just let lets like make "
    "makes me my of on one or our please shall she should so some such than that the their them then there these "
    "they this those to too us was way ways we were what when where whether which while who whom whose why will with "
    "would you your yes no not about explain describe tell show mean means meaning define definition difference "
    "differences different differ between compare compared comparison versus vs happen happens exactly actually "
    "really possible want need know work works many much very ever several something anything someone somebody "
    "everything thing things"
).split()
_CHINESE_STOP = (
    "为什么 是什么 有什么 什么样 什么是 什么叫 什么时候 什么 怎么样 怎么办 怎么 怎样 怎麼 如何 为何 哪一个 "
    "有哪些 有多 还能 哪些 哪个 哪里 哪种 哪儿 谁 多少 多大 多长 多久 多高 多远 多快 多深 多重 几个 是不是 "
    "能不能 有没有 可不可以 是否 能否 可否 可以 应该 应当 应如何 请问 请 吗 呢 吧 啊 的 了 是 把 被 我们 "
    "我 你 您 它们 它 他们 之间 区别 差异 差别 不同 有何 何时 一下 解释 介绍 说明 含义 意思 定义 一个 一种 "
    "这个 那个 怎 以及 还是 或者 并且 关于 想 要"
).split()

_MEASURE = re.compile(r"\bhow (?:long|many|much|often|far|old|big|large|tall|high|deep|wide|heavy)\b", re.I)
"""Words that ask for a figure after *how*, and mean something elsewhere (*deep copy*)."""
_THING_AT_HAND = re.compile(
    r"\b(?:this|these) [^\W\d_]+|(?:这[个一份篇页款项本些]?|该|本)"
    r"(?:版本|版|网页|页面|页|文档|文件|文章|文|资料|报告|项目|软件|程序|产品|工具|系统|规定|协议|通知|公告)",
    re.I,
)
"""What a question calls the text that it is about, which that text has no reason to call so itself."""

_STOP = frozenset(_ENGLISH_STOP) | frozenset(stem(word) for word in _ENGLISH_STOP)
_FUNCTION_WORDS = frozenset(
    map(stem, "what how why when where which who does do is are the of to can for with and".split())
)
_CHINESE_BREAK = re.compile("|".join(sorted(map(re.escape, _CHINESE_STOP), key=len, reverse=True)))
_LOOSE_END = re.compile("(?<=..)[有还也就都在与和]+$")
"""What a run may end with before a word that asks, and is no part of what it names."""
CJK_CHARACTER_WEIGHT = 0.5
"""Two characters make about one word, so each carries half of one's weight."""
FEW_WORDS = 3
"""A question of at most so many words is answered by what names more than half of them, the rarest too; …"""
MANY_WORDS = 6
"""… one of so many by what names more than half of them; …"""
MOST_NAMED = 0.6
"""… one in between by what names this share of them; …"""
LEAST_NAMED = 0.5
"""… or half of them, under a heading that has the rarest of those that are named; …"""
MUCH_RARER = 2.0
"""… but not if a word is missing that is so many times as rare as any that is named."""
LEAST_NAMES = 0.5
"""Latin words in a Chinese question are names, and of these an answer has half at least."""
LEAST_COVERAGE = 0.35
"""What covers less of the question's weight than this is in no case about it."""

Rarity = Callable[[str], float]


@dataclass(frozen=True, slots=True)
class Unit:
    """One thing that the question names: a word, or a character within its pairs. Any of ``terms`` covers it."""

    weight: float
    terms: tuple[str, ...]
    cjk: bool = False

    @property
    def words(self) -> float:
        """How many words it makes."""
        return CJK_CHARACTER_WEIGHT if self.cjk else 1.0

    @property
    def rarity(self) -> float:
        return self.weight / self.words

    def is_in(self, terms: Collection[str]) -> bool:
        return any(term in terms for term in self.terms)


@dataclass(frozen=True, slots=True)
class Query:
    units: tuple[Unit, ...]

    @property
    def terms(self) -> list[str]:
        return list(dict.fromkeys(term for unit in self.units for term in unit.terms))

    @property
    def weight(self) -> float:
        return sum(unit.weight for unit in self.units)

    @property
    def words(self) -> float:
        """How many words it has; two characters count as one."""
        return sum(unit.words for unit in self.units)

    def coverage(self, terms: Collection[str]) -> float:
        """The share, 0 to 1, of the question's weight that these terms cover."""
        total = self.weight
        return sum(unit.weight for unit in self.units if unit.is_in(terms)) / total if total else 0.0

    def named(self, terms: Collection[str]) -> float:
        """The share, 0 to 1, of the question's words that are among these terms, each counting the same."""
        total = self.words
        return sum(unit.words for unit in self.units if unit.is_in(terms)) / total if total else 0.0

    def is_met(self, terms: Collection[str], headings: Collection[str]) -> bool:
        """Whether these terms, with those of the headings above them, name enough of the question to answer it.

        One rare word in common is no answer: *Debian France* and *capital letters* say nothing on a capital of France.
        """
        found = [unit for unit in self.units if unit.is_in(terms) or unit.is_in(headings)]
        if not found:
            return False
        if sum(unit.weight for unit in found) < self.weight * LEAST_COVERAGE:
            return False
        if not self._has_names(found):
            return False
        named = sum(unit.words for unit in found) / self.words
        if self.words <= FEW_WORDS:
            return named > LEAST_NAMED and self._has_rarest(found)
        if not self._has_rarest(found, MUCH_RARER):
            return False
        if named >= MOST_NAMED or (named > LEAST_NAMED and self.words >= MANY_WORDS):
            return True
        rarest = max(unit.rarity for unit in found)
        return named >= LEAST_NAMED and any(unit.rarity >= rarest and unit.is_in(headings) for unit in found)

    def is_touched(self, terms: Collection[str]) -> bool:
        """Whether these terms name half of the question and its rarest word: enough inside a passage that meets it."""
        found = [unit for unit in self.units if unit.is_in(terms)]
        return self.named(terms) >= LEAST_NAMED and self._has_rarest(found) and self._has_names(found)

    def _has_names(self, found: Collection[Unit]) -> bool:
        names = sum(not unit.cjk for unit in self.units)
        return names == len(self.units) or sum(not unit.cjk for unit in found) >= names * LEAST_NAMES

    def _has_rarest(self, found: Iterable[Unit], tolerance: float = 1.0) -> bool:
        return max(unit.rarity for unit in found) * tolerance >= max(unit.rarity for unit in self.units)

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


def language_asked(question: str) -> str:
    """``zh`` or ``en``. A question that asks in Chinese about things with Latin names is Chinese."""
    if has_cjk(question) and _FUNCTION_WORDS.isdisjoint(words(question)):
        return "zh"
    return language_of(question)


def content_words(text: str) -> list[str]:
    """The words of a question that carry meaning, stemmed, without repeats."""
    return _carrying(_subject(text)) or _carrying(text)


def _carrying(text: str) -> list[str]:
    return [
        word for word in dict.fromkeys(words(text)) if word not in _STOP and not (len(word) == 1 and word.isascii())
    ]


def content_runs(text: str) -> list[str]:
    """The CJK runs of a question, cut where words stand that only ask."""
    return _runs(_subject(text)) or _runs(text)


def _runs(text: str) -> list[str]:
    """A character that is left alone says too little to be looked for, unless there is nothing else."""
    folded = unicodedata.normalize("NFKC", text)
    pieces = [run for piece in _CHINESE_BREAK.split(folded) for run in CJK_RUN.findall(piece)]
    found = [_LOOSE_END.sub("", run) for run in pieces]
    return [run for run in found if len(run) > 1] or ([] if words(text) else found)


def _subject(text: str) -> str:
    return _THING_AT_HAND.sub(" ", _MEASURE.sub(" ", text))


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
