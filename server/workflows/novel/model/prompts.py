"""What the model is told at each stage, inside the task's budget of tokens for a prompt."""

from collections.abc import Iterable, Sequence

from server.llm.base import Message, Prompt
from server.llm.fencing import GUARD, fence
from server.llm.usage import TOKENS_PER_MESSAGE, estimate_tokens
from server.workflows.novel.bible import Bible
from server.workflows.novel.brief import Brief, brief_of, fitting
from server.workflows.novel.entities import (
    Book,
    ChapterPlan,
    ChapterText,
    Character,
    Foreshadowing,
    TimelineEvent,
    Volume,
    WorldEntry,
)
from server.workflows.novel.params import NovelParams
from server.workflows.novel.structures import turns
from server.workflows.novel.words import clip, say

LANGUAGES = {"en": "English", "zh": "Simplified Chinese (简体中文)"}
FENCED = ("before", "tail")
FENCE_TOKENS = 60
SHARE = 5
"""Guidance and synopsis take one part in so many of a prompt at most."""
_WRITES = (
    "You are a novelist. You write the chapter that you are asked for, and nothing else: no heading, no comment, no "
    "list, no note on what you did. Keep to the brief: the people as they are, what happens in this chapter and not "
    "yet in the next, the foreshadowings as they are asked for, without naming them as such."
)
_PLANS = (
    "You plan a novel. You keep to what is given, invent what is missing, and contradict nothing. You reply with JSON."
)


class Prompts:
    """All prompts of one task. They depend on its parameters and on what the bible held when they were made."""

    def __init__(self, params: NovelParams, book: Book) -> None:
        self._params, self._book = params, book
        self._guidance = fitting(params.guidance, params.context_tokens // SHARE)

    def chapter(self, bible: Bible, number: int, tokens: int) -> tuple[Prompt, Brief]:
        """The prompt for a chapter's text, and the brief in it; together they take ``tokens`` at most."""
        plan = bible.numbered(ChapterPlan).get(number)
        words = (plan.words if plan is not None else 0) or self._book.words_per_chapter
        asked = (
            f"Write chapter {number} of {self._book.chapters}, about {words} "
            f"{'Chinese characters' if self._book.language == 'zh' else 'words'} long, in paragraphs."
        )
        frame = self._prompt(_WRITES, asked)
        brief = brief_of(bible, self._book, number, tokens - _tokens(frame) - 2 * FENCE_TOKENS)
        language = self._book.language
        sections = [
            f"## {say(language, f'brief_{name}')}\n"
            + (fence(name, "\n".join(lines)) if name in FENCED else "\n".join(lines))
            for name, lines in brief.sections
        ]
        return self._prompt(_WRITES, asked, *sections), brief

    def summary(self, bible: Bible, number: int, text: str, hints: Sequence[str]) -> Prompt:
        """What later chapters must know of this one. ``hints``: ids of the foreshadowings that were in its brief."""
        known = {one.id: one for one in bible.of(Foreshadowing)}
        told = [f"{one}: {known[one].title}. {clip(known[one].description, 200)}" for one in hints if one in known]
        share = self._params.context_tokens // SHARE
        people = fitting(", ".join(one.name for one in bible.of(Character)), share)
        asked = (
            f"Sum up chapter {number} in 3 to 6 sentences: what happened, what was found out, how it ends. Say for "
            f"each person whose state changed how they are now. People: {people or 'as the text names them'}.\n"
            + (
                "Which of these foreshadowings does the text plant, reinforce or pay off:\n"
                + "\n".join(_as_many(told, share))
                + "\n"
            )
            * bool(told)
            + "Give with each a quote that is copied letter for letter from the text."
        )
        return self._prompt(_PLANS, asked, self._fenced(text, asked))

    def outline(self, bible: Bible, plans: Sequence[ChapterPlan]) -> Prompt:
        """Titles and summaries of these chapters."""
        purposes = {turn.name: turn.purpose for turn in turns(self._book, self._book.language)}
        wanted = "\n".join(
            f"{plan.number}: {'; '.join(f'{beat} ({purposes.get(beat, beat)})' for beat in plan.beats)}"
            for plan in plans
        )
        first = plans[0].number
        before = [one for one in bible.of(ChapterPlan) if one.number < first and one.summary]
        asked = (
            f"Plan these chapters of {self._book.chapters}, each with a title, a summary of 2 to 4 sentences, who is "
            f"in it by name, and where. Each chapter once, with these numbers; they follow these turns:\n{wanted}"
        )
        return self._planning(
            asked,
            bible,
            ("The chapters before", [f"{one.number}: {one.title}. {clip(one.summary, 300)}" for one in before[-12:]]),
        )

    def volumes(self, bible: Bible, volumes: Sequence[Volume]) -> Prompt:
        told = "\n".join(f"{one.number}: chapters {one.first} to {one.last}" for one in volumes)
        asked = f"Give each of these volumes a title and a summary of 2 to 4 sentences:\n{told}"
        plans = [f"{one.number}: {one.title}. {clip(one.summary, 120)}" for one in bible.of(ChapterPlan) if one.title]
        return self._planning(asked, bible, ("The chapters", plans))

    def characters(self, bible: Bible) -> Prompt:
        asked = (
            "Who is in this novel? Give 4 to 12 people, the most important first, each with name, other names, role, "
            "goal, how they change, and a description of 1 to 3 sentences. No two share a name. Those who are given "
            "stay as they are; add those who are missing."
        )
        return self._planning(asked, bible)

    def world(self, bible: Bible) -> Prompt:
        asked = (
            "What is the world of this novel? Give 4 to 15 entries: places, things, groups, rules; each with name, "
            "kind and a description of 1 to 3 sentences, and for a place the name of the place that it lies in."
        )
        return self._planning(asked, bible)

    def timeline(self, bible: Bible, wrong: Sequence[str]) -> Prompt:
        asked = (
            "List the events of this story in the order in which they happen, those before its beginning included. "
            "Number them in your mind from 1. Give each a title, the day of the story (a whole number, one day is the "
            "same for all), the place and the people by name, the chapter that tells it, the numbers of the events "
            "that have to come first, and who dies in it. Nobody is in two places at a time, and nobody acts after "
            "dying." + ("\nA first list had these contradictions; make none:\n- " + "\n- ".join(wrong)) * bool(wrong)
        )
        plans = [f"{one.number}: {one.title}. {clip(one.summary, 160)}" for one in bible.of(ChapterPlan) if one.summary]
        return self._planning(asked, bible, ("The chapters", plans))

    def foreshadowing(self, bible: Bible) -> Prompt:
        asked = (
            "What is planted early in this novel and pays off later? Give 4 to 15, each with a title, what is shown "
            "and what it turns out to mean, and whether it is short (a few chapters), medium, or long (most of the "
            "novel). Say nothing on which chapters: that is scheduled."
        )
        plans = [f"{one.number}: {one.title}. {clip(one.summary, 160)}" for one in bible.of(ChapterPlan) if one.summary]
        return self._planning(asked, bible, ("The chapters", plans))

    def review(self, bible: Bible, number: int, text: ChapterText) -> Prompt:
        plan = bible.numbered(ChapterPlan).get(number)
        people = [f"{one.name}: {one.role}" for one in bible.of(Character)]
        asked = (
            f"What is wrong with chapter {number}? Name at most 10 problems that a reader would stumble over: against "
            "the plan, against who the people are, in what happens, in the language. Give with each a quote that is "
            "copied letter for letter from the text. If there is none, give an empty list."
            + (f"\nIts plan: {plan.title}. {clip(plan.summary, 1000)}" if plan is not None else "")
        )
        asked += "\nPeople:\n" + "\n".join(_as_many(people, self._params.context_tokens // SHARE)) if people else ""
        return self._prompt(_PLANS, asked, self._fenced(text.text, asked))

    def _fenced(self, text: str, asked: str) -> str:
        """As much of a text as there is room for beside what is asked."""
        room = self._params.context_tokens - _tokens(self._prompt(_PLANS, asked)) - FENCE_TOKENS
        return fence("chapter", fitting(text, max(100, room)), longest=len(text))

    def _planning(self, asked: str, bible: Bible, *more: tuple[str, Sequence[str]]) -> Prompt:
        """What is asked, and as much of what is known as there is room for."""
        parts = [asked]
        room = self._params.context_tokens - _tokens(self._prompt(_PLANS, *parts))
        known = [
            ("People", [_line(one.name, one.role, one.description) for one in bible.of(Character)]),
            ("World", [_line(one.name, one.kind, one.description) for one in bible.of(WorldEntry)]),
            (
                "Foreshadowing",
                [_line(one.title or one.id, one.tier, one.description) for one in bible.of(Foreshadowing)],
            ),
            ("Events", [_line(one.title, f"day {one.day}", "") for one in bible.of(TimelineEvent)]),
            *more,
        ]
        share = room // max(1, sum(bool(lines) for _, lines in known))
        for name, lines in known:
            fitting = _as_many(lines, share)
            if fitting:
                parts.append(f"## {name}\n" + "\n".join(fitting))
        return self._prompt(_PLANS, *parts)

    def _prompt(self, role: str, *parts: str) -> Prompt:
        book = self._book
        said = [
            f"The novel: {book.title}" + (f", {book.genre}" if book.genre else ""),
            f"Synopsis: {fitting(book.synopsis, self._params.context_tokens // SHARE)}"
            if book.synopsis and role == _PLANS
            else "",
            f"What its author wants: {self._guidance}" if self._guidance else "",
        ]
        frame = "\n".join(line for line in said if line)
        system = f"{role} Write in {LANGUAGES[book.language]}. {GUARD}"
        user = "\n\n".join([frame, *parts])
        return Prompt((Message("system", system), Message("user", user)), model=self._params.model)


def _tokens(prompt: Prompt) -> int:
    return sum(TOKENS_PER_MESSAGE + estimate_tokens(one.content) + 1 for one in prompt.messages)


def _line(name: str, what: str, description: str) -> str:
    return f"- {name}" + (f" ({what})" if what else "") + (f": {clip(description, 200)}" if description else "")


def _as_many(lines: Iterable[str], tokens: int) -> list[str]:
    kept: list[str] = []
    for line in lines:
        tokens -= estimate_tokens(line) + 1
        if tokens < 10:
            break
        kept.append(line)
    return kept
