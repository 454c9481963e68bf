"""Choosing verbatim sentences out of the passages that a search brought."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from server.sources.query import Query, content_runs, content_words
from server.sources.sentences import sentences
from server.sources.text import REPLACEMENT, has_cjk, language_of
from server.sources.tokens import pairs, terms

LEAST_LATIN_CHARS, MOST_LATIN_CHARS = 30, 500
LEAST_CJK_CHARS, MOST_CJK_CHARS = 10, 260
LEAST_LETTERS = 0.6
LEAST_SENTENCE_COVERAGE = 0.2
"""How much of the question a sentence itself must name, unless it stands under a heading that asks the same; …"""
LEAST_ANGLE_NAMED = 0.5
"""… and, for an angle, of its words with the headings; its passage has to be about the question altogether."""
SAME_QUESTION = 0.8
"""A heading that names this share of the question asks the same: what stands below it answers, in whatever words …"""
SAME_HEADING = 0.6
"""… if this share of the heading's own words are the question's; otherwise it is about something else as well."""
BELOW_SAME_HEADING = 0.2
"""What a sentence gains below a heading that names all of the question, less for one that names hardly half, …"""
FURTHER_UP = 0.5
"""… and for one that is not the nearest, …"""
LATER = 0.15
"""… and for each sentence before it."""
DEFINITION = 0.12
"""What a sentence gains that says what something *is*, if that is what is asked about and hardly anything else."""
LEAST_SUBJECT = 0.8
MOST_SUBJECT_WORDS = 3
OTHER_LANGUAGE = 0.15
"""What a sentence loses for not being in the language of the question."""
LEAST_OF_BEST = 0.6
"""Passages that score less than this share of the best one give no quotes."""
SAME_WORDING = 0.5
"""Two sentences that share this much of their words say it in like wording."""
NEWNESS = 0.35
"""How much of a sentence's rank it loses for repeating one that was already taken (MMR's 1 - lambda)."""
PER_SOURCE = 3
"""So many quotes may come from one source, or half of all, if that is more."""

_CITATION_LIKE = re.compile(r"\[\s*(?:\d+|[A-Z]?\d+)(?:\s*[,-]\s*\d+)*\s*\]")
_SPOOFING = re.compile("[\u202a-\u202e\u2066-\u2069]")
_IMAGE = re.compile(r"!\[")
_BACKWARD = re.compile(
    r"^(?:This|That|These|Those|It|They|He|She|Such|Here|Therefore|Thus|However|But|And|So|Also|Then|Otherwise|"
    r"In this case|For this)\b|^(?:这|那|它|他|她|此|该|其|但|不过|然而|因此|所以|而且|另外|同样|否则|也)"
)
_DEFINING = re.compile(
    r"(?P<subject>^.{1,60}?)(?:\(\d\))? ?(?:\b(?:is|are) (?:an?|the|one)\b|是(?![否不因由在])|指的是|用于|用来|即)"
)
_FINISHED = re.compile(r"[.!?。！？…][\"'”’)」』）\]`*_]*$")
_OPEN = re.compile(r"[:：,，、;；(（]$")
_QUESTION = re.compile(r"[?？][\"'”’)」』）\]`*_]*$")
_LETTER = re.compile(r"[^\W\d_]")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A sentence, or two that belong together, that may be quoted. ``start`` and ``end`` count in the source's text."""

    quote: str
    source: str
    start: int
    end: int
    headings: tuple[str, ...]
    terms: frozenset[str]
    score: float


def choose(
    passages: list[dict[str, Any]],
    query: Query,
    *,
    language: str,
    cue: re.Pattern[str] | None,
    limit: int,
    used: Iterable[tuple[str, int, int]] = (),
) -> list[dict[str, Any]]:
    """The best ``limit`` quotes, each in other words than those before it.

    Where all that there is stands in the report already, that is returned, marked ``again``.

    :param language: the question's; what is in another comes after what is as good in this one.
    :param cue: what a sentence must have to say something on the angle that is asked for.
    :param used: source, start and end of the quotes that stand in the report already.
    """
    taboo: dict[str, list[tuple[int, int]]] = {}
    for source, start, end in used:
        taboo.setdefault(source, []).append((start, end))
    found = list(_candidates(passages, query, language, cue))
    candidates = [one for one in found if not _crosses(one, taboo.get(one.source, ()))]
    repeated = bool(found) and not candidates
    if repeated:
        candidates = found
    candidates.sort(key=lambda one: (-one.score, one.source, one.start))
    most = max(PER_SOURCE, limit // 2)
    taken: list[Candidate] = []
    while candidates and len(taken) < limit:
        best = max(range(len(candidates)), key=lambda i: (_marginal(candidates[i], taken), -i))
        one = candidates.pop(best)
        if sum(other.source == one.source for other in taken) < most and not _overlaps(one, taken):
            taken.append(one)
    everywhere = list(_candidates(passages, query, language, None)) if taken else []
    return [_to_json(one, everywhere, repeated) for one in taken]


def answered_angles(
    passages: list[dict[str, Any]], query: Query, language: str, cues: dict[str, re.Pattern[str]]
) -> list[str]:
    """The names of the cues for which at least one quotable sentence is there."""
    return [name for name, cue in cues.items() if next(_candidates(passages, query, language, cue), None) is not None]


def _candidates(
    passages: list[dict[str, Any]], query: Query, language: str, cue: re.Pattern[str] | None
) -> Iterator[Candidate]:
    best = max((passage["score"] for passage in passages), default=0.0)
    for passage in passages:
        if passage["score"] >= best * LEAST_OF_BEST:
            asked = query.only_words() if passage["foreign"] else query
            for one in _sentences_of(passage, asked, cue):
                yield one if language_of(one.quote) == language else replace(one, score=one.score - OTHER_LANGUAGE)


def _sentences_of(passage: dict[str, Any], asked: Query, cue: re.Pattern[str] | None) -> Iterator[Candidate]:
    head = frozenset(terms(" / ".join([passage["title"], *passage["headings"]])))
    *above, nearest = [_kinship(heading, asked) for heading in passage["headings"]] or [0.0]
    kinship = max([nearest, *(one * FURTHER_UP for one in above)])
    same = max([nearest, *above]) >= SAME_QUESTION
    before = 0
    for offset, text in passage["blocks"]:
        spans = list(sentences(text))
        for number, (start, end) in enumerate(spans):
            before += 1
            quote = text[start:end]
            if not quotable(quote) or (cue is not None and cue.search(quote) is None):
                continue
            if number and _BACKWARD.search(quote) and quotable(text[spans[number - 1][0] : end]):
                start = spans[number - 1][0]
                quote = text[start:end]
            inside = frozenset(terms(quote))
            own = asked.coverage(inside)
            context = inside | head
            met = asked.is_touched(context) or asked.is_met(inside, head)
            if cue is not None:
                met = asked.named(context) >= LEAST_ANGLE_NAMED
            if not met or (own < LEAST_SENTENCE_COVERAGE and not same):
                continue
            score = _score(quote, own, asked.coverage(context), passage["score"])
            if _defines(quote, asked):
                score += DEFINITION
            score += BELOW_SAME_HEADING * max(0.0, 2 * kinship - 1) * max(0.0, 1 - LATER * (before - 1))
            headings = tuple(passage["headings"])
            yield Candidate(quote, passage["source"], offset + start, offset + end, headings, inside, score)


def _kinship(heading: str, asked: Query) -> float:
    """The share of the question that a heading names, if it names little else."""
    own = [frozenset({word}) for word in content_words(heading) if not word[0].isdigit()]
    own += [frozenset(pairs(run)) for run in content_runs(heading)]
    wanted = frozenset(asked.terms)
    if sum(not wanted.isdisjoint(one) for one in own) < len(own) * SAME_HEADING:
        return 0.0
    return asked.named(frozenset(terms(heading)))


def _defines(quote: str, asked: Query) -> bool:
    found = _DEFINING.search(quote)
    if found is None:
        return False
    subject = terms(found["subject"])
    return asked.named(subject) >= LEAST_SUBJECT and len(subject) <= len(asked.units) + MOST_SUBJECT_WORDS


def quotable(text: str) -> bool:
    """Prose that can stand alone: no fragment, table cell or question, nothing that would read as our own citation."""
    cjk = has_cjk(text)
    least, most = (LEAST_CJK_CHARS, MOST_CJK_CHARS) if cjk else (LEAST_LATIN_CHARS, MOST_LATIN_CHARS)
    if not least <= len(text) <= most or REPLACEMENT in text:
        return False
    if _CITATION_LIKE.search(text) or _SPOOFING.search(text) or _IMAGE.search(text):
        return False
    if _QUESTION.search(text):
        return False
    dense = [character for character in text if not character.isspace()]
    if len(_LETTER.findall(text)) < len(dense) * LEAST_LETTERS:
        return False
    return _FINISHED.search(text) is not None or (not _OPEN.search(text) and len(text) >= least * 2)


def _score(quote: str, own: float, context: float, passage: float) -> float:
    score = 0.25 * own + 0.25 * context + 0.5 * passage
    if _BACKWARD.search(quote):
        score -= 0.08
    if _FINISHED.search(quote) is None:
        score -= 0.12
    if len(quote) > (MOST_CJK_CHARS if has_cjk(quote) else MOST_LATIN_CHARS) * 0.7:
        score -= 0.05
    return score


def _marginal(one: Candidate, taken: list[Candidate]) -> float:
    repeated = max((_alike(one.terms, other.terms) for other in taken), default=0.0)
    return (1 - NEWNESS) * one.score - NEWNESS * repeated


def _alike(a: frozenset[str], b: frozenset[str]) -> float:
    return len(a & b) / len(a | b) if a and b else 0.0


def _crosses(one: Candidate, spans: Iterable[tuple[int, int]]) -> bool:
    return any(one.start < end and start < one.end for start, end in spans)


def _overlaps(one: Candidate, taken: list[Candidate]) -> bool:
    return any(
        (one.source == other.source and _crosses(one, [(other.start, other.end)]))
        or _alike(one.terms, other.terms) > 0.8
        for other in taken
    )


def _to_json(one: Candidate, everywhere: list[Candidate], again: bool) -> dict[str, Any]:
    alike = sorted(
        {other.source for other in everywhere if _alike(one.terms, other.terms) >= SAME_WORDING} | {one.source}
    )
    return {
        "quote": one.quote,
        "source": one.source,
        "start": one.start,
        "end": one.end,
        "headings": list(one.headings),
        "language": language_of(one.quote),
        "score": round(one.score, 6),
        "alike": alike,
        "again": again,
    }
