"""What is wrong with a text as a text: too short, broken off, repeated, with placeholders or an assistant's words."""

import re
from collections import Counter
from collections.abc import Iterator

from server.sources.sentences import sentences
from server.sources.text import language_of
from server.workflows.novel.bible import Bible
from server.workflows.novel.entities import ChapterPlan, ChapterText, Language
from server.workflows.novel.findings import Finding, note, warning

SHORT, LONG = 0.6, 1.6
"""A text is told to be too short or too long outside of these shares of its budget."""
REPEATED_SENTENCES = 4
LEAST_REPEATED = {"en": 40, "zh": 14}
"""Shorter sentences and paragraphs come again in any novel."""
QUOTED = 60
_WIDE = re.compile("[\u3400-\u9fff\uf900-\ufaff]")
_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
_ENDS = '.!?。！？…"”’」』)）*—~～'
_PLACEHOLDERS = re.compile(
    r"\bTODO\b|\bTBD\b|\bTK\b|\[(?:insert|placeholder|continue|to be continued|\.\.\.|…)[^\]\n]{0,60}\]|lorem ipsum"
    r"|此处省略|待补充?|（略）|【(?:待|此处|占位)[^】\n]{0,60}】|\{\{[^}\n]{1,60}\}\}",
    re.IGNORECASE,
)
_ASSISTANT = re.compile(
    r"\bas an ai\b|\bi (?:can't|cannot) (?:help|assist|continue) with\b|\blet me know if you\b"
    r"|\bhere(?:'s| is) (?:the|your) (?:chapter|story|rewritten)"
    r"|作为一?个?(?:AI|人工智能|语言模型)|以下是(?:为您|根据您|第.{1,6}章的)"
    r"|希望(?:这|以上).{0,8}(?:满意|有帮助)|如果您(?:需要|想要)",
    re.IGNORECASE,
)
_HEADING = re.compile(
    r"^\s*#*\s*(?:第\s*([0-9０-９〇零一二三四五六七八九十百千两]{1,9})\s*[章回]|chapter\s+(\d{1,4}))", re.IGNORECASE
)
_PAIRS = {"“": "”", "「": "」", "『": "』"}
_DIGITS = {digit: value for value, digit in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2}


def count_words(text: str) -> int:
    """Each Chinese character, and each word of other letters."""
    return len(_WIDE.findall(text)) + len(_WORD.findall(_WIDE.sub(" ", text)))


def check_health(bible: Bible, only: set[int] | None = None) -> Iterator[Finding]:
    """:param only: the chapters to be told of; others are still known of."""
    plans = bible.numbered(ChapterPlan)
    language = bible.book.language if bible.book is not None else "zh"
    seen: dict[str, int] = {}
    for number, text in sorted(bible.numbered(ChapterText).items()):
        repeated = list(_repeated_paragraphs(number, text, language, seen))
        if only is not None and number not in only:
            continue
        yield from repeated
        yield from _length(number, text, plans.get(number))
        yield from _text(number, text, language)


def _length(number: int, text: ChapterText, plan: ChapterPlan | None) -> Iterator[Finding]:
    if plan is None or not plan.words:
        return
    words, values = count_words(text.text), {"chapter": number, "budget": plan.words}
    if words < plan.words * SHORT:
        yield warning("too_short", f"text:{number}", words=words, **values)
    elif words > plan.words * LONG:
        yield warning("too_long", f"text:{number}", words=words, **values)


def _text(number: int, text: ChapterText, language: Language) -> Iterator[Finding]:
    key, body = f"text:{number}", text.text.strip()
    for code, pattern in (("placeholder", _PLACEHOLDERS), ("assistant_speaks", _ASSISTANT)):
        if (found := pattern.search(body)) is not None:
            yield warning(code, key, chapter=number, quote=found[0][:QUOTED])
    if "\ufffd" in body:
        yield warning("broken_characters", key, chapter=number)
    if body[-1:] not in _ENDS:
        yield warning("breaks_off", key, chapter=number, quote=body[-QUOTED:].replace("\n", " "))
    for paragraph in body.split("\n"):
        opened = next((one for one, end in _PAIRS.items() if paragraph.count(one) > paragraph.count(end)), None)
        if opened is not None:
            yield note("open_quote", key, chapter=number, quote=paragraph[paragraph.rfind(opened) :][:QUOTED])
            break
    heading = _HEADING.match(body)
    if heading is not None and number_in(heading[1] or heading[2]) != number:
        yield warning("wrong_heading", key, chapter=number, quote=heading[0].strip())
    if len(body) > 200 and language_of(body) != language:
        yield warning("other_language", key, chapter=number)
    said = Counter(body[start:end] for start, end in sentences(body) if end - start >= LEAST_REPEATED[language])
    quote, times = next(iter(said.most_common(1)), ("", 0))
    if times >= REPEATED_SENTENCES:
        yield warning("repeated_sentence", key, chapter=number, times=times, quote=quote[:QUOTED])


def _repeated_paragraphs(number: int, text: ChapterText, language: Language, seen: dict[str, int]) -> Iterator[Finding]:
    told = False
    for paragraph in (one.strip() for one in text.text.split("\n")):
        if len(paragraph) < 2 * LEAST_REPEATED[language]:
            continue
        other = seen.setdefault(paragraph, number)
        if other != number and not told:
            told = True
            about = f"text:{number}", f"text:{other}"
            yield warning("repeated_paragraph", *about, chapter=number, other=other, quote=paragraph[:QUOTED])


def number_in(written: str) -> int:
    """``12``, ``１２``, ``十二``, ``一百零三`` → the number; 0 for what is none."""
    if written.isdigit():
        return int(written)
    if all(letter in _DIGITS for letter in written):
        return int("".join(str(_DIGITS[letter]) for letter in written))
    total = digit = 0
    for letter in written:
        unit = {"十": 10, "百": 100, "千": 1000}.get(letter)
        if unit is None:
            digit = _DIGITS.get(letter, 0)
        else:
            total, digit = total + (digit or 1) * unit, 0
    return total + digit
