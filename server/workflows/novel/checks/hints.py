"""Foreshadowings against their schedule and the texts; volumes against their chapters."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping

from server.workflows.novel.bible import PERSON, Bible
from server.workflows.novel.checks.timeline import circles
from server.workflows.novel.entities import (
    ChapterPlan,
    ChapterSummary,
    ChapterText,
    Character,
    Foreshadowing,
    Slot,
    Volume,
    WorldEntry,
)
from server.workflows.novel.findings import Finding, contradiction, note, warning
from server.workflows.novel.schedule import standing, window

_NUMBERED = re.compile(
    r"^\s*(?:第[0-9０-９〇零一二三四五六七八九十百千两]{1,9}[章回]|chapter\s+\w+)[\s:：.、—-]*", re.IGNORECASE
)
_MARKS = re.compile(r"[\W_]+")


def check_foreshadowing(bible: Bible) -> Iterator[Finding]:
    """Pay-offs before their plants, windows that are over, quotes that stand in no text."""
    texts = {number: text.text for number, text in bible.numbered(ChapterText).items()}
    slots = {slot.id: slot for slot in bible.of(Slot)}
    written_to = max(texts, default=0)
    done = touched(bible.numbered(ChapterSummary))
    for hint in bible.of(Foreshadowing):
        key, name = f"foreshadowing:{hint.id}", hint.title or hint.id
        yield from _order(hint, key, name)
        for one in hint.evidence:
            if one.chapter in texts and one.quote not in texts[one.chapter]:
                yield contradiction(
                    "evidence_missing", key, f"text:{one.chapter}", name=name, chapter=one.chapter, quote=one.quote[:80]
                )
        slot = slots.get(hint.id)
        if hint.status == "dropped":
            continue
        if slots and slot is None:
            yield warning("no_room", key, name=name)
        known = done.get(hint.id, {})
        target = window(hint, slot)
        if target is not None and standing(hint, slot, written_to, paid="paid" in known) == "overdue":
            yield warning("overdue", key, name=name, last=target.last, written=written_to)
        planted = slot.plant if slot is not None else hint.planted
        shown = bool(known) or hint.status in ("planted", "paid") or bool(hint.evidence)
        if planted is not None and planted in texts and not shown:
            yield note("not_planted", key, f"text:{planted}", name=name, chapter=planted)


def touched(summaries: Mapping[int, ChapterSummary]) -> dict[str, dict[str, int]]:
    """What the written chapters have done about each foreshadowing, and the last chapter that did it."""
    found: dict[str, dict[str, int]] = {}
    for number in sorted(summaries):
        for one in summaries[number].touched:
            found.setdefault(one.id, {})[one.action] = number
    return found


def _order(hint: Foreshadowing, key: str, name: str) -> Iterator[Finding]:
    if hint.paid is not None and hint.planted is not None and hint.paid <= hint.planted:
        yield contradiction("paid_before_planted", key, name=name, paid=hint.paid, planted=hint.planted)
    if hint.paid is not None and hint.planted is None and hint.status == "paid":
        yield contradiction("paid_unplanted", key, name=name, paid=hint.paid)
    if hint.target_from is not None and hint.target_to is not None and hint.target_from > hint.target_to:
        yield contradiction("window_backwards", key, name=name, first=hint.target_from, last=hint.target_to)
    for chapter in hint.reinforced:
        early = hint.planted is not None and chapter <= hint.planted
        if early or (hint.paid is not None and chapter >= hint.paid):
            yield contradiction("reinforced_outside", key, name=name, chapter=chapter)


def check_volumes(bible: Bible) -> Iterator[Finding]:
    """Every chapter in one volume, words that add up, a plan for each chapter."""
    volumes, plans, book = bible.of(Volume), bible.numbered(ChapterPlan), bible.book
    times: Counter[int] = Counter()
    for volume in volumes:
        key = f"volume:{volume.number}"
        if volume.first > volume.last:
            yield contradiction("volume_backwards", key, volume=volume.number, first=volume.first, last=volume.last)
            continue
        inside = range(volume.first, volume.last + 1)
        times.update(inside)
        words = sum(plans[number].words for number in inside if number in plans)
        if volume.words and all(number in plans for number in inside) and words != volume.words:
            yield warning("words_differ", key, volume=volume.number, words=volume.words, sum=words)
    for number, count in sorted(times.items()):
        if count > 1:
            yield contradiction("chapter_in_two_volumes", f"chapter:{number}", chapter=number)
    if book is None:
        return
    numbers = range(1, book.chapters + 1)
    if volumes:
        yield from (
            contradiction("chapter_in_no_volume", f"chapter:{one}", chapter=one) for one in numbers if one not in times
        )
    if plans:
        yield from (note("chapter_unplanned", f"chapter:{one}", chapter=one) for one in numbers if one not in plans)


def check_places(bible: Bible) -> Iterator[Finding]:
    """Places that lie in one another."""
    places = {place.id: place for place in bible.of(WorldEntry)}
    for path in circles({name: (place.inside,) if place.inside else () for name, place in places.items()}):
        told = " → ".join(places[name].name for name in [*path, path[0]])
        yield contradiction("place_inside_itself", *(f"world:{name}" for name in path), path=told)


def check_plans_behind_texts(bible: Bible) -> Iterator[Finding]:
    """Plans that a person has changed since their chapter was written."""
    for number in bible.numbered(ChapterText):
        plan, text = bible.entities.get(f"chapter:{number}"), bible.entities[f"text:{number}"]
        if plan is not None and plan.by == PERSON and plan.revision > text.revision:
            yield warning("text_older_than_plan", f"text:{number}", f"chapter:{number}", chapter=number)


def check_plans_against_texts(bible: Bible) -> Iterator[Finding]:
    """Titles that differ, chapters left out between written ones, narrators who are not there."""
    plans, texts = bible.numbered(ChapterPlan), bible.numbered(ChapterText)
    for number, text in texts.items():
        plan = plans.get(number)
        if plan is not None and text.title and plan.title and _bare(text.title) != _bare(plan.title):
            values = {"title": text.title, "planned": plan.title}
            yield warning("title_differs", f"text:{number}", f"chapter:{number}", chapter=number, **values)
    for number in range(1, max(texts, default=1)):
        if number not in texts:
            yield note("text_missing", f"text:{number}", chapter=number, written=max(texts))
    people = {person.id: person.name for person in bible.of(Character)}
    for number, plan in plans.items():
        if plan.pov is not None and plan.cast and plan.pov not in plan.cast:
            about = f"chapter:{number}", f"character:{plan.pov}"
            yield note("pov_not_in_cast", *about, chapter=number, name=people.get(plan.pov, plan.pov))


def _bare(title: str) -> str:
    """Without a chapter's number before it, spaces and marks."""
    return _MARKS.sub("", _NUMBERED.sub("", title)).casefold()
