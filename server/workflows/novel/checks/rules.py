"""Rules of the world and what people can't do, against what the texts have them do; things, against who has them."""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence

from server.workflows.novel.bible import Bible
from server.workflows.novel.checks.naming import states_of
from server.workflows.novel.checks.reading import Sentence
from server.workflows.novel.checks.timeline import around
from server.workflows.novel.entities import ChapterPlan, ChapterSummary, Character, Foreshadowing, WorldEntry
from server.workflows.novel.findings import Finding, warning

QUOTED = 60
LEAST_ALONE = 3
"""What is forbidden in fewer Chinese characters is looked for only where the place is named, too."""
_ZH_RULE = re.compile(r"(?:不得|不许|不准|禁止|严禁|不可以?|不能|无法|不会)([^，。；、！？“”\s]{2,10})")
_ZH_VERB = re.compile(r"^[用使在有再通进吃喝](?=..)")
_EN_NOUN = re.compile(
    r"\bno ([a-z]+?)s? (?:is|are|may be) (?:allowed|permitted)"
    r"|\b([A-Za-z]+?)s? (?:is|are) (?:forbidden|banned|not allowed)",
    re.IGNORECASE,
)
_EN_VERB = re.compile(
    r"\b(?:can ?not|can't|must not|may not|unable to|not able to)(?: ever)? ([a-z]{3,})\b", re.IGNORECASE
)
_VAGUE = frozenset(
    "help stand bear wait see find tell say know let stop get make have take think trust forget be do go".split()
)
_PAST = {
    "swim": "swam", "fly": "flew", "drive": "drove", "read": "read", "write": "wrote", "speak": "spoke", "ride": "rode",
    "sing": "sang", "run": "ran", "eat": "ate", "drink": "drank", "sleep": "slept", "leave": "left", "lie": "lied",
}  # fmt: skip
_NOT = re.compile(
    r"不|没|未|无|禁|莫|勿|\b(?:not|no|never|cannot|without|forbidden)\b|n't\b",
    re.IGNORECASE,
)
_PERHAPS = re.compile(r"如果|若|倘|要是|？|\?|\b(?:if|would|whether)\b", re.IGNORECASE)
_CLAUSE = re.compile("[，。；！,.;!]")
_HAS = re.compile(
    r"拿着|握着|带着|持有|持着|佩着|戴着|藏着|保管|\b(?:has|holds|carries|keeps|wears|owns)\b", re.IGNORECASE
)
_THING = re.compile(r"物|器|剑|刀|宝|具|item|object|thing|artifact|weapon|relic", re.IGNORECASE)


def check_rules(bible: Bible, said: Sequence[Sentence]) -> Iterator[Finding]:
    """By the words of a rule alone; a sentence that asks, or denies it, breaks none."""
    yield from _world(bible, said)
    yield from _abilities(bible, said)
    yield from _held(bible)


def _world(bible: Bible, said: Sequence[Sentence]) -> Iterator[Finding]:
    places = {place.id: place for place in bible.of(WorldEntry)}
    plans = bible.numbered(ChapterPlan)
    for entry in places.values():
        wheres = [other for other in places.values() if other.name in entry.description or other is entry]
        scope = {one.id for one in wheres if one.inside is not None or any(p.inside == one.id for p in places.values())}
        for pattern, rule in _forbidden(entry.description):
            for one in said:
                found = _done(pattern, one.text)
                plan = plans.get(one.chapter)
                here = plan is not None and bool(scope & around(plan.place, places))
                named = any(place.name in one.text for place in wheres if place.id in scope)
                long = found is not None and (found[0].isascii() or len(found[0]) >= LEAST_ALONE)
                if found is not None and (named or (long and (here or not scope))):
                    yield _broken(one, f"world:{entry.id}", entry.name, rule)


def _forbidden(text: str) -> Iterator[tuple[re.Pattern[str], str]]:
    for found in _ZH_RULE.finditer(text):
        yield re.compile(re.escape(_ZH_VERB.sub("", found[1]))), found[0]
    for found in _EN_NOUN.finditer(text):
        noun = (found[1] or found[2]).lower()
        if len(noun) >= LEAST_ALONE:
            yield re.compile(rf"\b{noun}s?\b", re.IGNORECASE), found[0]


def _done(pattern: re.Pattern[str], text: str, start: int = 0) -> re.Match[str] | None:
    """Where it stands in a clause that denies nothing."""
    for found in pattern.finditer(text, start):
        if _PERHAPS.search(text) is not None:
            return None
        before = [match.end() for match in _CLAUSE.finditer(text, 0, found.start())]
        after = _CLAUSE.search(text, found.end())
        if _NOT.search(text[before[-1] if before else 0 : after.start() if after else len(text)]) is None:
            return found
    return None


def _abilities(bible: Bible, said: Sequence[Sentence]) -> Iterator[Finding]:
    for person in bible.of(Character):
        rules = [
            (re.compile(re.escape(_ZH_VERB.sub("", one[1]))), one[0]) for one in _ZH_RULE.finditer(person.description)
        ]
        for found in _EN_VERB.finditer(person.description):
            verb = found[1].lower()
            if verb not in _VAGUE:
                past = _PAST.get(verb, rf"{verb}(?:{verb[-1]})?e?d")
                rules.append((re.compile(rf"\b(?:{past}|{verb}s)\b", re.IGNORECASE), found[0]))
        for pattern, rule in rules:
            for one in said:
                if one.sole == person.id and _done(pattern, one.text, one.named[person.id][1]) is not None:
                    yield _broken(one, f"character:{person.id}", person.name, rule)


def _broken(one: Sentence, key: str, name: str, rule: str) -> Finding:
    values = {"chapter": one.chapter, "quote": one.text[:QUOTED]}
    return warning("rule_broken", f"text:{one.chapter}", key, name=name, rule=rule, **values)


def _held(bible: Bible) -> Iterator[Finding]:
    """What two people have at once, by their states: those of the last summaries, else those of the characters."""
    things = {one.title: f"foreshadowing:{one.id}" for one in bible.of(Foreshadowing)}
    things |= {one.name: f"world:{one.id}" for one in bible.of(WorldEntry) if _THING.search(one.kind) is not None}
    states = states_of(bible.numbered(ChapterSummary))
    holders: dict[str, list[Character]] = defaultdict(list)
    for person in bible.of(Character):
        state = states.get(person.id, person.state)
        for clause in re.split("[，。；,.;]", state):
            if _HAS.search(clause) is not None and _NOT.search(clause) is None:
                for thing in (one for one in things if one and one in clause):
                    holders[thing].append(person)
    for thing, people in holders.items():
        for other in people[1:]:
            about = things[thing], f"character:{people[0].id}", f"character:{other.id}"
            yield warning("held_twice", *about, thing=thing, name=people[0].name, other=other.name)
