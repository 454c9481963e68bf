"""A chapter's brief: all that whoever writes it has to know, in the order of its weight, inside a budget of tokens."""

from collections.abc import Iterator
from dataclasses import dataclass

from server.llm.usage import estimate_tokens
from server.workflows.novel.bible import Bible
from server.workflows.novel.checks.hints import touched
from server.workflows.novel.checks.naming import states_of
from server.workflows.novel.entities import (
    Book,
    ChapterPlan,
    ChapterSummary,
    ChapterText,
    Character,
    Foreshadowing,
    Language,
    Slot,
    TimelineEvent,
    WorldEntry,
)
from server.workflows.novel.resolving import resolved
from server.workflows.novel.schedule import standing, window
from server.workflows.novel.structures import turns
from server.workflows.novel.words import clip, heading, say

ORDER = ("book", "plan", "hints", "cast", "events", "before", "tail", "world", "next")
"""How a brief is read; what is left out for lack of room goes by weight, from the end of `_items`."""
SUMMARIES = 12
TAIL_CHARS = {"en": 1500, "zh": 600}
LEAST_TOKENS = 40
TOKENS_PER_SECTION = 12


@dataclass(frozen=True, slots=True)
class Brief:
    """``sections``: name and lines, in the order of reading. ``left_out``: names of sections that lost something."""

    number: int
    sections: tuple[tuple[str, tuple[str, ...]], ...]
    left_out: tuple[str, ...]
    due: tuple[tuple[str, str], ...]
    """Foreshadowings of this chapter: id, and what is to be done about it."""

    def text(self, language: Language, mark: str = "## ") -> str:
        parts = (f"{mark}{say(language, f'brief_{name}')}\n" + "\n".join(lines) for name, lines in self.sections)
        return "\n\n".join(parts)


def brief_of(bible: Bible, book: Book, number: int, tokens: int) -> Brief:
    """:param tokens: what its text may take, as `estimate_tokens` counts."""
    bible = resolved(bible)
    kept: dict[str, list[str]] = {name: [] for name in ORDER}
    left_out: dict[str, None] = {}
    left = tokens
    due = tuple(_due(bible, number))
    for name, line in _items(bible, book, number, due):
        cost = estimate_tokens(line) + 2 + (0 if kept[name] else TOKENS_PER_SECTION)
        if cost > left:
            left_out[name] = None
            if left < LEAST_TOKENS + TOKENS_PER_SECTION or name in ("tail", "before"):
                continue
            line = fitting(line, left - TOKENS_PER_SECTION - 2)
            cost = left
        left -= cost
        kept[name].append(line)
    kept["before"].sort(key=_number_of)
    sections = tuple((name, tuple(lines)) for name, lines in kept.items() if lines)
    return Brief(number, sections, tuple(left_out), tuple((hint.id, action) for hint, action, _ in due))


def _number_of(line: str) -> int:
    digits = "".join(letter if letter.isdigit() else " " for letter in line.split("：")[0].split(":")[0]).split()
    return int(digits[0]) if digits else 0


def fitting(line: str, tokens: int) -> str:
    """The longest beginning that costs no more."""
    low, high = 0, len(line)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if estimate_tokens(clip(line, middle)) <= tokens else (low, middle - 1)
    return clip(line, low)


_Due = tuple[Foreshadowing, str, int]


def _due(bible: Bible, number: int) -> Iterator[_Due]:
    """What this chapter is to plant, reinforce or pay off; the last number is that of the chapter it was due in."""
    slots = {slot.id: slot for slot in bible.of(Slot)}
    summaries = {other: one for other, one in bible.numbered(ChapterSummary).items() if other < number}
    done = touched(summaries)
    for hint in bible.of(Foreshadowing):
        slot, known = slots.get(hint.id), done.get(hint.id, {})
        if hint.status in ("paid", "dropped") or "paid" in known:
            continue
        target = window(hint, slot)
        plant = slot.plant if slot is not None else hint.planted
        reinforce = slot.reinforce if slot is not None else hint.reinforced
        if target is not None and standing(hint, slot, number - 1, paid=False) == "overdue":
            yield hint, "overdue", target.last
        elif (slot is not None and slot.pay_off == number) or (target is not None and target.last == number):
            yield hint, "pay_off", number
        elif number in reinforce:
            yield hint, "reinforce", number
        elif plant is not None and _still_to_plant(hint, plant, number, known) and (not target or number < target.last):
            yield hint, "plant", plant


def _still_to_plant(hint: Foreshadowing, plant: int, number: int, known: dict[str, int]) -> bool:
    """In its own chapter, and after it where that has not done it."""
    return plant == number or (plant < number and not known and hint.status == "open")


def _items(bible: Bible, book: Book, number: int, due: tuple[_Due, ...]) -> Iterator[tuple[str, str]]:
    """The lines of a brief by their weight: what comes last is left out first."""
    plans, people = bible.numbered(ChapterPlan), {one.id: one for one in bible.of(Character)}
    places = {one.id: one for one in bible.of(WorldEntry)}
    plan = plans.get(number) or ChapterPlan(number=number, words=book.words_per_chapter)
    language = book.language
    events = [event for event in bible.of(TimelineEvent) if event.chapter == number]
    yield "plan", _plan_line(book, plan, people, places)
    yield "book", f"{book.title}" + (f" · {book.genre}" if book.genre else "")
    for hint, action, last in due:
        yield "hints", "- " + _hint_line(language, hint, action, last)
    cast = dict.fromkeys([*plan.cast, *([plan.pov] if plan.pov else []), *(p for e in events for p in e.participants)])
    states = states_of({other: one for other, one in bible.numbered(ChapterSummary).items() if other < number})
    for person in (people[one] for one in cast if one in people):
        yield "cast", "- " + _person_line(language, person, states, plan)
    for event in sorted(events, key=lambda one: (one.day or 0, one.order or 0)):
        yield "events", f"- {event.title}" + (f": {clip(event.description, 300)}" if event.description else "")
    summaries = bible.numbered(ChapterSummary)
    before = sorted((other for other in summaries if other < number), reverse=True)
    if before:
        yield "before", _summary_line(language, summaries[before[0]])
    if book.synopsis:
        yield "book", clip(book.synopsis, 1200)
    previous = bible.numbered(ChapterText).get(number - 1)
    if previous is not None:
        yield "tail", previous.text[-TAIL_CHARS[language] :].strip()
    for other in before[1:SUMMARIES]:
        yield "before", _summary_line(language, summaries[other])
    following = plans.get(number + 1)
    if following is not None and following.summary:
        yield "next", clip(following.summary, 300)
    yield from (("world", "- " + line) for line in _world_lines(plan, events, places))


def _plan_line(book: Book, plan: ChapterPlan, people: dict[str, Character], places: dict[str, WorldEntry]) -> str:
    language = book.language
    purposes = {turn.name: turn.purpose for turn in turns(book, language)}
    beats = "; ".join(f"{beat} ({purposes[beat]})" if purposes.get(beat) else beat for beat in plan.beats)
    facts = [say(language, "words_budget", words=plan.words or book.words_per_chapter)]
    if plan.pov is not None:
        facts.append(say(language, "pov", name=people[plan.pov].name if plan.pov in people else plan.pov))
    if plan.place is not None:
        facts.append(places[plan.place].name if plan.place in places else plan.place)
    if plan.day is not None:
        facts.append(say(language, "day", day=plan.day))
    if plan.flashback:
        facts.append(say(language, "flashback"))
    lines = [heading(language, plan.number, plan.title), " · ".join(facts), beats, plan.summary]
    return "\n".join(line for line in lines if line)


def _hint_line(language: Language, hint: Foreshadowing, action: str, last: int) -> str:
    title, description = hint.title or hint.id, clip(hint.description, 300)
    return say(language, f"hint_{action}", title=title, description=description, last=last).rstrip(". 。")


def _person_line(language: Language, person: Character, states: dict[str, str], plan: ChapterPlan) -> str:
    name = person.name + (f" ({say(language, 'aliases')}: {', '.join(person.aliases)})" if person.aliases else "")
    said = {
        "": person.role,
        " ": clip(person.description, 200),
        "goal": clip(person.goal, 200),
        "arc": clip(person.arc, 200),
        "now": states.get(person.id) or clip(person.state, 200),
    }
    facts = [f"{say(language, label)}: {text}" if label.strip() else text for label, text in said.items() if text]
    if person.died is not None and plan.day is not None and plan.day > person.died:
        facts.append(say(language, "dead_since", day=person.died))
    return f"{name}: {'; '.join(facts)}" if facts else name


def _summary_line(language: Language, summary: ChapterSummary) -> str:
    return f"- {say(language, 'chapter_n', number=summary.number)}: {clip(summary.summary, 500)}"


def _world_lines(plan: ChapterPlan, events: list[TimelineEvent], places: dict[str, WorldEntry]) -> Iterator[str]:
    """The places of the chapter with those around them, then what its plan names."""
    named: dict[str, None] = {}
    for at in [plan.place, *(event.place for event in events)]:
        while at is not None and at in places and at not in named:
            named[at] = None
            at = places[at].inside
    said = f"{plan.title}\n{plan.summary}"
    for entry in places.values():
        if entry.name in said or any(alias in said for alias in entry.aliases):
            named[entry.id] = None
    for entry in (places[one] for one in named):
        yield entry.name + (f": {clip(entry.description, 300)}" if entry.description else "")
