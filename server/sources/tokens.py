"""Text → terms: stemmed words for alphabets, pairs of characters for Chinese, Japanese and Korean.

BM25 with words alone scores nothing on Chinese, where no spaces stand between words.
"""

import re
import unicodedata
from functools import lru_cache

from server.sources.text import CJK_RUN

_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2060\ufeff]")
_WORD = re.compile(r"[^\W_]+(?:[._+\-'’][^\W_]+)*(?:\+\+|#)?|_+[^\W_]+(?:_[^\W_]+)*_*")
_PART = re.compile(r"[^\W_]+")
_DOUBLED = re.compile(r"([bdfgmnprt])\1$")
_VOWEL = re.compile(r"[aeiouy]")
LONGEST_WORD = 60


def terms(text: str) -> list[str]:
    """All terms of a text, in order, repeated as often as they stand there."""
    folded = _INVISIBLE.sub("", unicodedata.normalize("NFKC", text)).lower()
    found: list[str] = []
    last = 0
    for run in CJK_RUN.finditer(folded):
        found += _words(folded[last : run.start()])
        found += pairs(run.group())
        last = run.end()
    found += _words(folded[last:])
    return found


def pairs(run: str) -> list[str]:
    """``软件包`` → ``软件``, ``件包``; a character that stands alone is its own term."""
    return [run[i : i + 2] for i in range(len(run) - 1)] or [run]


def words(text: str) -> list[str]:
    """The terms of a text that are words, leaving the CJK runs out."""
    folded = _INVISIBLE.sub("", unicodedata.normalize("NFKC", text)).lower()
    return _words(CJK_RUN.sub(" ", folded))


def _words(text: str) -> list[str]:
    found: list[str] = []
    for match in _WORD.finditer(text):
        word = match.group()
        if len(word) > LONGEST_WORD:
            continue
        parts = _PART.findall(word)
        if len(parts) == 1:
            found.append(stem(word) if word == parts[0] else word)
            if word != parts[0] and len(parts[0]) > 1:
                found.append(stem(parts[0]))
            continue
        if parts[-1] == "s" and len(parts) == 2:
            found.append(stem(parts[0]))
            continue
        found.append(word)
        found += [stem(part) for part in parts if len(part) > 1]
    return found


@lru_cache(maxsize=100_000)
def stem(word: str) -> str:
    """A light English stemmer: enough that *installing*, *installed* and *installation* meet."""
    if len(word) <= 3 or not word.isascii() or not word.isalpha():
        return word
    word = _without_plural(word)
    for ending, least in (("ation", 5), ("ating", 4), ("ated", 4), ("ing", 3), ("ed", 3)):
        root = word.removesuffix(ending)
        if root != word and len(root) >= least and _VOWEL.search(root):
            if ending in ("ating", "ated"):
                return root + "at"
            return _undoubled(root)
    for ending, kept, least in (
        ("ators", "at", 3),
        ("ator", "at", 3),
        ("ally", "", 4),
        ("ly", "", 4),
        ("ment", "", 5),
        ("er", "", 4),
    ):
        root = word.removesuffix(ending)
        if root != word and len(root) >= least:
            return _undoubled(root) + kept
    if word.endswith(("tion", "sion")) and len(word) > 5:
        return word[:-3]
    return word[:-1] if word.endswith("e") else word


def _without_plural(word: str) -> str:
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("sses", "shes", "ches", "xes")):
        return word[:-2]
    if word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word


def _undoubled(root: str) -> str:
    if _DOUBLED.search(root):
        return root[:-1]
    return root[:-1] if root.endswith("e") else root
