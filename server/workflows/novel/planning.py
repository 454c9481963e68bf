"""From a structure to chapters: which beats fall into each, how many words it gets, and which volume it is in.

Every chapter is planned once; the words add up to the novel's, and so do those of the volumes.
"""

from collections.abc import Sequence
from itertools import accumulate, pairwise

from server.workflows.novel.entities import Book, ChapterPlan, Volume
from server.workflows.novel.structures import Turn, turns


def chapters_of(book: Book) -> list[ChapterPlan]:
    """A plan of each chapter, without a title or a summary: those are for a writer."""
    beats = turns(book, book.language)
    by_chapter = spread(beats, book.chapters)
    tension = [max(beats[beat].tension for beat in found) for found in by_chapter]
    words = shares(book.words, tension)
    return [
        ChapterPlan(number=number, beats=tuple(beats[beat].name for beat in found), words=count)
        for number, (found, count) in enumerate(zip(by_chapter, words, strict=True), 1)
    ]


def volumes_of(book: Book, chapters: Sequence[ChapterPlan]) -> list[Volume]:
    """Volumes one after the other that have every chapter once; the lengths differ by one chapter at most."""
    ends = [0, *accumulate(shares(book.chapters, [1.0] * min(book.volumes, book.chapters)))]
    words = {chapter.number: chapter.words for chapter in chapters}
    return [
        Volume(
            number=number,
            first=before + 1,
            last=last,
            words=sum(words.get(one, 0) for one in range(before + 1, last + 1)),
        )
        for number, (before, last) in enumerate(pairwise(ends), 1)
    ]


def spread(beats: Sequence[Turn], chapters: int) -> list[list[int]]:
    """For each chapter the positions of its beats: every beat somewhere, every chapter with one, in order.

    A beat spans the chapters of its share. Where there are more beats than chapters, a chapter has several.
    """
    if chapters <= len(beats):
        ends = [0, *accumulate(shares(len(beats), [1.0] * chapters))]
        return [list(range(before, end)) for before, end in pairwise(ends)]
    spans = shares(chapters - len(beats), [beat.share for beat in beats])
    return [[position] for position, span in enumerate(spans) for _ in range(span + 1)]


def shares(total: int, weights: Sequence[float]) -> list[int]:
    """``total`` in whole parts by weight, by the largest remainders: they add up to it exactly."""
    whole = sum(weights)
    exact = [total * weight / whole for weight in weights]
    parts = [int(one) for one in exact]
    by_remainder = sorted(range(len(parts)), key=lambda place: (parts[place] - exact[place], place))
    for place in by_remainder[: total - sum(parts)]:
        parts[place] += 1
    return parts
