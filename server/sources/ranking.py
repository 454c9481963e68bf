"""An index over documents, and what it finds: documents first, then passages in them.

BM25 gathers candidates; they are then put in order by how much of the question they cover (weighted by rarity), in
their text and in their headings, and by whether words stand together that stand together in the question.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import bm25s
import numpy as np

from server.sources.documents import Document, Passage, passages
from server.sources.query import LEAST_COVERAGE, Query, content_words, language_asked, understand
from server.sources.text import language_of
from server.sources.tokens import terms

CANDIDATES = 300
PASSAGES_PER_DOCUMENT = 6
STRANGE_PENALTY = 0.3
"""The more of the question is strange to the whole library, the more a passage must cover of it."""
STRANGE_SHARE = 1 / 10_000
"""A term in at most this share of the passages is strange to the library; in a small one, a term that it never has."""
LEAST_OF_BEST = 0.55
"""What scores less than this share of the best document is left out."""
BACKGROUND_PASSAGES = 20
"""As if so many passages more were there, of which one has the term: what a single page repeats is not common yet."""
RARE_SHARE = 0.02
"""A word in at most this share of passages says by itself what a text in another script is about."""
FOREIGN_COVERAGE = 0.2
"""A document that has less than this of the question's Chinese is in another language, for this question."""
FOREIGN_WORDS = 0.3
"""It can answer only where this share of the question's words is in its script."""
FOREIGN_FACTOR = 0.5
OTHER_LANGUAGE_FACTOR = 0.8
"""A passage in another language than the question's comes after one as good in its own, …"""
UNTRANSLATED_FACTOR = 0.95
"""… and what a document in another language left untranslated after its original."""


@dataclass(frozen=True, slots=True)
class Scoring:
    """How much each sign counts in the order of passages; the sum is 1."""

    bm25: float = 0.3
    coverage: float = 0.25
    headings: float = 0.25
    document: float = 0.1
    adjacency: float = 0.1


SCORING = Scoring()


@dataclass(frozen=True)
class Entry:
    """One document, cut into passages and counted. ``id`` names it, and settles ties.

    ``text_sha256`` is of its text, by which the same document in another place is known.
    """

    id: str
    title: str
    date: str | None
    markup: bool
    text_sha256: str
    passages: tuple[Passage, ...]
    bodies: tuple[tuple[str, ...], ...]
    heads: tuple[tuple[str, ...], ...]
    title_terms: tuple[str, ...]
    language: str

    @classmethod
    def of(cls, id: str, document: Document) -> "Entry":
        cut = tuple(passages(document))
        return cls(
            id=id,
            title=document.title,
            date=document.date,
            markup=document.markup,
            text_sha256=hashlib.sha256(document.text.encode()).hexdigest(),
            passages=cut,
            bodies=tuple(tuple(terms(passage.text)) for passage in cut),
            heads=tuple(tuple(terms(" / ".join(passage.headings))) for passage in cut),
            title_terms=tuple(terms(document.title)),
            language=document.language,
        )

    @cached_property
    def vocabulary(self) -> frozenset[str]:
        return frozenset(term for part in (*self.bodies, *self.heads, self.title_terms) for term in part)


@dataclass(frozen=True, slots=True)
class Found:
    """A passage that answers; ``score`` is 0 to 1, ``coverage`` what share of the question it names."""

    passage: Passage
    score: float
    coverage: float


@dataclass(frozen=True, slots=True)
class Hit:
    """A document that answers, with its passages, best first.

    ``foreign``: it is in another script than the question, and was found by the words that both share.
    """

    entry: Entry
    score: float
    passages: tuple[Found, ...]
    foreign: bool


@dataclass(frozen=True, slots=True)
class _Asked:
    query: Query
    language: str
    adjacent: frozenset[tuple[str, str]]


class Index:
    """Immutable once built; building and searching take CPU, so both belong in a worker thread."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self.entries = tuple(sorted(entries, key=lambda entry: entry.id))
        self._places = [(entry, i) for entry in self.entries for i in range(len(entry.passages))]
        self._vocabulary: dict[str, int] = {}
        self._bm25: Any = None
        if self._places:
            self._build()

    def _build(self) -> None:
        numbered = self._vocabulary
        corpus = [
            [
                numbered.setdefault(term, len(numbered))
                for term in (*entry.bodies[i], *entry.heads[i], *entry.title_terms)
            ]
            for entry, i in self._places
        ]
        if not numbered:
            return
        self._bm25 = bm25s.BM25(method="lucene", k1=1.2, b=0.6)
        self._bm25.index((corpus, numbered), create_empty_token=False, show_progress=False)

    def frequency(self, term: str) -> int:
        """In how many passages a term stands."""
        number = self._vocabulary.get(term)
        if number is None or self._bm25 is None:
            return 0
        edges = self._bm25.scores["indptr"]
        return int(edges[number + 1] - edges[number])

    def rarity(self, term: str) -> float:
        count, total = self.frequency(term) + 1, len(self._places) + BACKGROUND_PASSAGES
        return float(np.log(1 + (total - count + 0.5) / (count + 0.5)))

    def understand(self, question: str) -> Query:
        return understand(question, self.rarity)

    def search(self, question: str, *, cues: Sequence[str] = (), limit: int = 5) -> list[Hit]:
        """The documents about ``question``, best first; none if nothing is.

        :param cues: words of an angle, as *limit* or *warning*: they lift passages, but make none relevant.
        """
        query = self.understand(question)
        if not query.units or self._bm25 is None:
            return []
        scores = self._scores(query.terms)
        if cues:
            scores = scores + 0.3 * self._scores([term for cue in cues for term in terms(cue)]) * (scores > 0)
        order = np.lexsort((np.arange(len(scores)), -scores))[:CANDIDATES]
        best = float(scores[order[0]])
        if best <= 0:
            return []
        by_document: dict[str, tuple[Entry, list[tuple[int, float]]]] = {}
        for place in order.tolist():
            if scores[place] > 0:
                entry, i = self._places[place]
                by_document.setdefault(entry.id, (entry, []))[1].append((i, float(scores[place]) / best))
        asked = _Asked(query, language_asked(question), _adjacent(question))
        hits = [self._hit(entry, found, asked) for entry, found in by_document.values()]
        ordered = sorted((hit for hit in hits if hit), key=lambda hit: (-hit.score, hit.entry.id))
        return [hit for hit in ordered if hit.score >= ordered[0].score * LEAST_OF_BEST][:limit]

    def _scores(self, wanted: Sequence[str]) -> Any:
        numbers = [self._vocabulary[term] for term in dict.fromkeys(wanted) if term in self._vocabulary]
        if not numbers:
            return np.zeros(len(self._places), dtype="float32")
        return self._bm25.get_scores(numbers)

    def _hit(self, entry: Entry, found: list[tuple[int, float]], asked: "_Asked") -> Hit | None:
        query = asked.query
        foreign = query.only_cjk().coverage(entry.vocabulary) < FOREIGN_COVERAGE and any(
            unit.cjk for unit in query.units
        )
        if foreign:
            query = query.only_words()
            if query.words < asked.query.words * FOREIGN_WORDS or not self._tells(query):
                return None
        least = LEAST_COVERAGE + STRANGE_PENALTY * self._strangeness(query)
        strongest = sum(share / (rank + 1) for rank, (_, share) in enumerate(found[:3])) / (1 + 1 / 2 + 1 / 3)
        kept: list[Found] = []
        for i, share in found:
            head = frozenset(entry.heads[i]) | frozenset(entry.title_terms)
            coverage = query.coverage(head | frozenset(entry.bodies[i]))
            if coverage < least or not query.is_met(entry.bodies[i], head):
                continue
            score = (
                SCORING.bm25 * share
                + SCORING.coverage * coverage
                + SCORING.headings * query.coverage(head)
                + SCORING.document * strongest
                + SCORING.adjacency * _together(asked.adjacent, entry.bodies[i], entry.heads[i], entry.title_terms)
            )
            if foreign:
                score *= FOREIGN_FACTOR
            elif language_of(entry.passages[i].text) != asked.language:
                score *= OTHER_LANGUAGE_FACTOR
            elif entry.language != asked.language:
                score *= UNTRANSLATED_FACTOR
            kept.append(Found(entry.passages[i], score, coverage))
        if not kept:
            return None
        kept.sort(key=lambda one: (-one.score, one.passage.starts[0]))
        support = sum(one.score for one in kept[1:3]) * 0.05
        return Hit(entry, kept[0].score + support, tuple(kept[:PASSAGES_PER_DOCUMENT]), foreign)

    def _strangeness(self, query: Query) -> float:
        """The share of the question's weight that this library knows nothing of."""
        few = len(self._places) * STRANGE_SHARE
        strange = sum(unit.weight for unit in query.units if max(self.frequency(term) for term in unit.terms) <= few)
        return strange / query.weight

    def _tells(self, query: Query) -> bool:
        """Whether these words alone, without the question's other script, say what is asked."""
        known = [unit for unit in query.units if self.frequency(unit.terms[0])]
        few = max(3, int(len(self._places) * RARE_SHARE))
        return any(self.frequency(unit.terms[0]) <= few for unit in known) or len(known) >= 3


def _adjacent(question: str) -> frozenset[tuple[str, str]]:
    wanted = set(content_words(question))
    inside = terms(question)
    return frozenset(pair for pair in pairwise(inside) if wanted.issuperset(pair))


def _together(adjacent: frozenset[tuple[str, str]], *texts: tuple[str, ...]) -> float:
    if not adjacent:
        return 0.0
    seen = {pair for text in texts for pair in pairwise(text) if pair in adjacent}
    return len(seen) / len(adjacent)
