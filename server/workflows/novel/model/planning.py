"""A model plans: it fills in what code has laid out, and code holds it to that: numbers, names, what is there."""

import re
from collections.abc import Sequence
from typing import Any, TypeVar

from server.llm.base import Model, Prompt
from server.llm.budget import Budget
from server.llm.failures import BudgetSpent, ContentFiltered, ContextTooLong, ModelFailed, ModelReplyInvalid
from server.workflows.asking import ask_in_step
from server.workflows.base import Context
from server.workflows.novel.bible import Bible, changes_of
from server.workflows.novel.checks.timeline import check_timeline
from server.workflows.novel.entities import (
    Book,
    ChapterPlan,
    Character,
    Entity,
    Foreshadowing,
    TimelineEvent,
    Volume,
    WorldEntry,
)
from server.workflows.novel.model import shapes
from server.workflows.novel.model.prompts import Prompts
from server.workflows.novel.words import say

CHAPTERS_AT_ONCE = 20
ASK_WEIGHT = 10.0
TIMELINE_TRIES = 2
DISPENSABLE = (ModelReplyInvalid, BudgetSpent, ContextTooLong, ContentFiltered)
"""Failures of one call without which the rest goes on; what it was to fill in stays open."""

OUT = "The model's replies leave this chapter out."

T = TypeVar("T")


class ModelPlanning:
    """``failures``: what was left open, and why. ``asked``: the weight of the calls that are behind."""

    def __init__(self, ctx: Context, model: Model, budget: Budget, prompts: Prompts, book: Book) -> None:
        self._ctx, self._model, self._budget = ctx, model, budget
        self._prompts, self._book = prompts, book
        self.failures: list[dict[str, str]] = []

    async def fill(self, task_type: str, drafts: Sequence[Entity], bible: Bible) -> list[Entity]:
        """What is to be written in the bible.

        :param drafts: as code has planned them.
        :raises ModelFailed: the model can't be had now; what it has said so far is recorded.
        """
        match task_type:
            case "outline":
                plans = [one for one in drafts if isinstance(one, ChapterPlan)]
                others = [one for one in drafts if not isinstance(one, ChapterPlan)]
                return [*others, *await self._outline(plans, bible)]
            case "volumes":
                return await self._volumes([one for one in drafts if isinstance(one, Volume)], bible)
            case "characters":
                return await self._characters(bible)
            case "world":
                return await self._world(bible)
            case "timeline":
                return await self._timeline(bible)
            case "foreshadowing":
                return await self._foreshadowing(bible)
        return list(drafts)

    async def _ask(self, key: str, prompt: Prompt, type_: type[T]) -> T | None:
        label = say(self._book.language, "step_ask")
        try:
            return await ask_in_step(
                self._ctx,
                key,
                self._model,
                prompt,
                type_,
                self._budget,
                thoughts=f"thoughts-{key}",
                weight=ASK_WEIGHT,
                label=label,
            )
        except DISPENSABLE as failure:
            self._note(key, failure)
            return None

    def _note(self, step: str, failure: ModelFailed) -> None:
        self.failures.append({"step": step, "code": failure.code, "message": failure.detail})

    async def _outline(self, plans: list[ChapterPlan], bible: Bible) -> list[ChapterPlan]:
        """Some chapters at a time; each once, and those that a reply leaves out are asked for again."""
        done: dict[int, ChapterPlan] = {}
        for start in range(0, len(plans), CHAPTERS_AT_ONCE):
            some = plans[start : start + CHAPTERS_AT_ONCE]
            known, failed = _with(bible, list(done.values())), len(self.failures)
            done |= await self._some(f"plan:{some[0].number}", some, known)
            missing = [plan for plan in some if plan.number not in done]
            if missing and len(missing) < len(some):
                done |= await self._some(f"plan:{some[0].number}.again", missing, _with(bible, list(done.values())))
            if len(self.failures) == failed:
                left_out = [plan.number for plan in some if plan.number not in done]
                self.failures += [{"step": f"plan:{number}", "code": "left_out", "message": OUT} for number in left_out]
        return [done.get(plan.number, plan) for plan in plans]

    async def _some(self, key: str, plans: list[ChapterPlan], bible: Bible) -> dict[int, ChapterPlan]:
        found = await self._ask(key, self._prompts.outline(bible, plans), shapes.OutlineDraft)
        people, places = _ids(bible.of(Character)), _ids(bible.of(WorldEntry))
        wanted = {plan.number: plan for plan in plans}
        done: dict[int, ChapterPlan] = {}
        for draft in found.chapters if found is not None else ():
            plan = wanted.get(draft.number)
            if plan is None or draft.number in done or not draft.summary.strip():
                continue
            said: dict[str, Any] = {
                "title": _line(draft.title),
                "summary": draft.summary.strip(),
                "cast": tuple(dict.fromkeys(people[name] for name in map(_name, draft.cast) if name in people)),
                "place": places.get(_name(draft.place)),
            }
            done[draft.number] = plan.model_copy(update=said)
        return done

    async def _volumes(self, volumes: list[Volume], bible: Bible) -> list[Entity]:
        found = await self._ask("volumes", self._prompts.volumes(bible, volumes), shapes.VolumesDraft)
        told = {one.number: one for one in reversed(found.volumes)} if found is not None else {}
        return [
            one.model_copy(update={"title": _line(told[one.number].title), "summary": told[one.number].summary.strip()})
            if one.number in told
            else one
            for one in volumes
        ]

    async def _characters(self, bible: Bible) -> list[Entity]:
        found = await self._ask("characters", self._prompts.characters(bible), shapes.CharactersDraft)
        ids = _ids(bible.of(Character))
        made: dict[str, Entity] = {}
        for draft in found.characters if found is not None else ():
            name = _line(draft.name)[:80]
            own = ids.get(_name(name)) or _id(name)
            if not own or own in made:
                continue
            made[own] = Character(
                id=own,
                name=name,
                aliases=tuple(
                    dict.fromkeys(alias for one in draft.aliases if (alias := _line(one)[:80]) and alias != name)
                ),
                role=_line(draft.role),
                goal=draft.goal.strip(),
                arc=draft.arc.strip(),
                description=draft.description.strip(),
            )
        return list(made.values())

    async def _world(self, bible: Bible) -> list[Entity]:
        found = await self._ask("world", self._prompts.world(bible), shapes.WorldsDraft)
        drafts = found.entries if found is not None else []
        ids = {_name(draft.name): _id(_line(draft.name)[:80]) for draft in drafts} | _ids(bible.of(WorldEntry))
        made: dict[str, Entity] = {}
        for draft in drafts:
            own, inside = ids[_name(draft.name)], ids.get(_name(draft.inside))
            if own and own not in made:
                made[own] = WorldEntry(
                    id=own,
                    name=_line(draft.name)[:80],
                    kind=_line(draft.kind),
                    description=draft.description.strip(),
                    inside=inside if inside and inside != own else None,
                )
        return list(made.values())

    async def _timeline(self, bible: Bible) -> list[Entity]:
        """Asked again, once, where what it lists contradicts itself or the bible."""
        made: list[Entity] = []
        wrong: list[str] = []
        for attempt in range(1, TIMELINE_TRIES + 1):
            prompt = self._prompts.timeline(bible, wrong)
            found = await self._ask(f"timeline:{attempt}", prompt, shapes.TimelineDraft)
            if found is None:
                break
            made = _events(found.events, bible, self._book.chapters)
            faults = [one for one in check_timeline(_with(bible, made)) if one.severity == "contradiction"]
            wrong = [str(one.to_json("en")["message"]) for one in faults][:10]
            if not wrong:
                break
        return made

    async def _foreshadowing(self, bible: Bible) -> list[Entity]:
        found = await self._ask("foreshadowing", self._prompts.foreshadowing(bible), shapes.HintsDraft)
        ids = {_name(one.title or one.id): one.id for one in bible.of(Foreshadowing)}
        made: dict[str, Entity] = {}
        for draft in found.foreshadowing if found is not None else ():
            title = _line(draft.title)
            own = ids.get(_name(title)) or _id(title)
            if own and own not in made:
                made[own] = Foreshadowing(id=own, title=title, description=draft.description.strip(), tier=draft.tier)
        return list(made.values())


def _events(drafts: Sequence[shapes.EventDraft], bible: Bible, chapters: int) -> list[Entity]:
    people, places = _ids(bible.of(Character)), _ids(bible.of(WorldEntry))
    ids: list[str] = []
    for draft in drafts:
        own = _id(_line(draft.title))
        ids.append(own if own and own not in ids else f"e{len(ids) + 1}")
    return [
        TimelineEvent(
            id=ids[place],
            title=_line(draft.title),
            description=draft.description.strip(),
            order=place + 1,
            day=draft.day if draft.day is not None and abs(draft.day) <= 1_000_000 else None,
            place=places.get(_name(draft.place)),
            participants=_known(draft.participants, people),
            deaths=_known(draft.deaths, people),
            chapter=draft.chapter if draft.chapter is not None and 1 <= draft.chapter <= chapters else None,
            requires=tuple(ids[one - 1] for one in dict.fromkeys(draft.requires) if 1 <= one <= len(ids)),
        )
        for place, draft in enumerate(drafts)
    ]


def _known(names: Sequence[str], ids: dict[str, str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(ids[name] for name in map(_name, names) if name in ids))


def _ids(entities: Sequence[Character] | Sequence[WorldEntry]) -> dict[str, str]:
    """By all names, as they are compared."""
    return {_name(name): one.id for one in entities for name in (*one.aliases, one.id, one.name)}


def _name(name: str) -> str:
    return " ".join(name.split()).casefold()


def _line(text: str) -> str:
    return " ".join(text.split())[:300]


def _id(name: str) -> str:
    """What an entity is referred to by: its name, without what no id may have."""
    return re.sub(r"[\s:,，：]+", "-", name.strip()).strip("-")[:60]


def _with(bible: Bible, entities: Sequence[Entity]) -> Bible:
    """The bible as it would be with these."""
    return bible.after([{"set": changes_of(entities), "drop": [], "by": "llm"}])
