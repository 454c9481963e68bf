"""Decision tables: which rules apply when, at their thresholds too, and where they contradict each other."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from decimal import Decimal
from functools import partial
from itertools import product
from typing import Any, TypeAlias

from server.workflows.testcases.bench import Bench
from server.workflows.testcases.cases import Draft, Issue, Obligation, Technique
from server.workflows.testcases.coverage import vectors
from server.workflows.testcases.domains import distinct
from server.workflows.testcases.quantities import OTHER, Condition, number, plain
from server.workflows.testcases.solver import Held, Inputs

MOST_COLUMNS = 64
"""A larger table is not tested in full: each rule, and each of its conditions turned round."""
_NEGATIVE = re.compile(
    r"不允许|不可以|不能|不得|不可|不予|不|禁止|无法|拒绝"
    r"|\b(?:not|cannot|can't|can not|never|no|refused?|den(?:y|ied)|forbidden)\b",
    re.I,
)
_POSITIVE = re.compile(
    r"允许|可以|能够|能|\b(?:may|can|is|are|be|allow(?:ed)?|accept(?:ed)?|permitted|must|shall|will)\b", re.I
)
_NUMBERS = re.compile(r"[\d.,%]+|[一二两三四五六七八九十百千万]+")

Vector: TypeAlias = tuple[bool, ...]


def design_rules(bench: Bench, techniques: Collection[Technique]) -> None:
    """Take on what ``decision`` asks of the rules, and ``bva`` of their thresholds."""
    if not bench.module.rules or not {"decision", "bva"} & set(techniques):
        return
    Table(bench).design(techniques)


class Table:
    """The rules of a module, and what they depend on."""

    def __init__(self, bench: Bench) -> None:
        self._bench, self._rules = bench, bench.module.rules
        conditions: dict[str, list[Condition]] = {}
        for rule in self._rules:
            for one in rule.conditions:
                conditions.setdefault(one.name, []).append(one)
        self._conditions = {name: list(dict.fromkeys(found)) for name, found in conditions.items()}
        self._levels = {name: self._levels_of(name) for name in self._conditions}
        self._told: set[tuple[str, ...]] = set()

    def design(self, techniques: Collection[Technique]) -> None:
        say = self._bench.words.say
        if "decision" in techniques:
            for index, rule in enumerate(self._rules):
                text = say("o_rule", number=index + 1, then=rule.then)
                applies = Obligation("decision", "rule", {"rule": index}, text, source=f"rule.{index}")
                self._bench.cover(applies, partial(self._case, {}, _holding(rule.conditions), applies))
                if applies.reason == "excluded":
                    told = self._bench.words.conditions(rule.conditions)
                    self._note("rule", say("i_never", number=index + 1, conditions=told), [index])
            for levels in self._columns():
                self._column(levels)
        if "bva" in techniques:
            for index, rule in enumerate(self._rules):
                for one in rule.conditions:
                    for value in self._points(one):
                        self._threshold(index, one, value)

    def _values_of(self, name: str) -> list[Any]:
        domain = self._bench.solver.domains.get(name)
        around = [value for one in self._conditions[name] for value in self._points(one)]
        if domain is not None:
            return distinct([*self._bench.solver.values(name), *around])
        operands = distinct([one.operand for one in self._conditions[name]])
        if any(isinstance(operand, bool) for operand in operands):
            return [True, False]
        texts = [operand for operand in operands if isinstance(operand, str)]
        other = [OTHER + "、".join(texts)] if texts else []
        return distinct([*(operand for operand in operands if self._allowed(operand)), *around, *other])

    def _allowed(self, value: Any) -> bool:
        """Counts and amounts are not below 0 unless a rule speaks of that."""
        found = number(value)
        return (
            found is None
            or found >= 0
            or any((number(one.operand) or 0) < 0 for found in self._conditions.values() for one in found)
        )

    def _points(self, one: Condition) -> list[Any]:
        """The threshold of a comparison and what is next to it; of others nothing."""
        domain = self._bench.solver.domains.get(one.name)
        if domain is not None:
            place = domain.place(one.operand) if domain.type in ("integer", "number", "date") else None
            if place is None or one.operator in ("=", "!="):
                return [one.operand] if domain.valid(one.operand) else []
            return [value for value in domain.around(place) if domain.valid(value)]
        place = number(one.operand)
        if place is None or one.operator in ("=", "!="):
            return []
        step = Decimal(1).scaleb(min(0, int(place.normalize().as_tuple().exponent)))
        return [value for way in (-1, 0, 1) if self._allowed(value := plain(place + way * step))]

    def _levels_of(self, name: str) -> dict[Vector, Any]:
        """Of each combination of a thing's conditions that can be: a value for which they hold."""
        found: dict[Vector, Any] = {}
        for value in self._values_of(name):
            found.setdefault(tuple(one.holds(value) for one in self._conditions[name]), value)
        return found

    def _columns(self) -> Iterator[dict[str, Vector]]:
        names = list(self._levels)
        size = 1
        for name in names:
            size *= len(self._levels[name])
        if size <= MOST_COLUMNS:
            for chosen in product(*(self._levels[name] for name in names)):
                yield dict(zip(names, chosen, strict=True))
            return
        seen: set[tuple[Vector, ...]] = set()
        for rule in self._rules:
            for flipped in (None, *rule.conditions):
                column = self._turned(rule.conditions, flipped)
                if column is not None and tuple(column.values()) not in seen:
                    seen.add(tuple(column.values()))
                    yield column

    def _turned(self, wanted: list[Condition], flipped: Condition | None) -> dict[str, Vector] | None:
        column: dict[str, Vector] = {}
        for name, levels in self._levels.items():
            own = [one for one in wanted if one.name == name]
            fitting = [
                vector
                for vector in levels
                if all(vector[self._conditions[name].index(one)] is (one != flipped) for one in own)
            ]
            if not fitting:
                return None
            column[name] = min(fitting, key=sum) if not own else fitting[0]
        return column

    def _held(self, column: Mapping[str, Vector]) -> Held:
        return [
            (one, holds)
            for name, vector in column.items()
            for one, holds in zip(self._conditions[name], vector, strict=True)
        ]

    def _column(self, column: dict[str, Vector]) -> None:
        told = {name: self._levels[name][vector] for name, vector in column.items()}
        text = self._bench.words.say("o_column", conditions=self._bench.words.pairs(told))
        draft = Draft("decision", "positive", "", "", 2, told)
        needs = {"vectors": vectors(self._rules, draft)}
        own = self._applying(told)
        obligation = Obligation("decision", "column", needs, text, source=f"rule.{own[0]}" if own else "rule.0")
        if self._opposed(own):
            obligation.reason = "contradiction"
            self._tell_conflict(own, told)
        free = {name: value for name, value in told.items() if name not in self._bench.solver.domains}
        held = [(one, holds) for one, holds in self._held(column) if one.name not in free]
        self._bench.cover(obligation, lambda: self._case(free, held, obligation))

    def _threshold(self, index: int, one: Condition, value: Any) -> None:
        words, rule = self._bench.words, self._rules[index]
        others = [other for other in rule.conditions if other.name != one.name]
        needs = {"rule": index, "name": one.name, "value": value}
        text = words.say("o_threshold", name=one.name, value=words.value(value), conditions=words.conditions(others))
        if not others:
            text = f"{one.name} = {words.value(value)}"
        obligation = Obligation("bva", "threshold", needs, text, source=f"rule.{index}")
        if any(known.form == "threshold" and known.needs == needs for known in self._bench.obligations):
            return
        self._bench.cover(obligation, lambda: self._case({one.name: value}, _holding(others), obligation))

    def _case(self, fixed: Mapping[str, Any], held: Held, obligation: Obligation) -> Draft | None:
        """A case in which these conditions hold; what else rules ask for is as quiet as can be."""
        free: Inputs = dict(fixed)
        asked = [(one, holds) for one, holds in held if one.name in self._bench.solver.domains]
        for name, levels in self._levels.items():
            if name in free or name in self._bench.solver.domains:
                continue
            own = [(one, holds) for one, holds in held if one.name == name]
            fitting = [
                (sum(vector), value)
                for vector, value in levels.items()
                if all(one.holds(value) is holds for one, holds in own)
            ]
            if not fitting:
                return None
            free[name] = min(fitting, key=lambda pair: pair[0])[1]
        inputs = self._bench.complete(free, where=asked)
        if inputs is None:
            return None
        own_rules = self._applying(inputs)
        if self._opposed(own_rules):
            self._tell_conflict(own_rules, {name: inputs[name] for name in self._levels})
            obligation.reason = "contradiction"
            return None
        expected, priority = self._expected(own_rules, inputs)
        title = obligation.text
        if obligation.form == "column":
            told = {name: inputs[name] for name in self._levels}
            title = self._bench.words.say("o_column", conditions=self._bench.words.pairs(told))
        return Draft(
            obligation.technique,
            "positive",
            title,
            expected,
            priority,
            inputs,
            steps=self._bench.steps(inputs),
            preconditions=self._bench.opened,
            source=obligation.source,
            decides=True,
        )

    def _applying(self, inputs: Mapping[str, Any]) -> list[int]:
        return [
            index
            for index, rule in enumerate(self._rules)
            if all(one.holds(inputs[one.name]) for one in rule.conditions)
        ]

    def _expected(self, own: list[int], inputs: Mapping[str, Any]) -> tuple[str, int]:
        words = self._bench.words
        outcomes = list(dict.fromkeys(self._rules[index].then for index in own))
        if not own:
            others = dict.fromkeys(rule.then for rule in self._rules)
            return words.say("none", then=words.comma.join(others)), 2
        if len(outcomes) > 1 and len({_stem(one) for one in outcomes}) < len(outcomes):
            told = words.pairs({name: inputs[name] for name in self._levels})
            text = words.say("i_overlap", numbers=_numbers(own), conditions=told, then=words.comma.join(outcomes))
            self._note("overlap", text, own)
            return words.say("both", then=words.comma.join(outcomes)), 1
        return words.say("follows", then=words.comma.join(outcomes)), 1

    def _opposed(self, own: list[int]) -> bool:
        outcomes = [self._rules[index].then for index in own]
        return any(opposed(one, other) for one in outcomes for other in outcomes)

    def _tell_conflict(self, own: list[int], inputs: Mapping[str, Any]) -> None:
        words = self._bench.words
        then = words.comma.join(self._rules[index].then for index in own)
        text = words.say("i_rules", numbers=_numbers(own), conditions=words.pairs(dict(inputs)), then=then)
        self._note("contradiction", text, own)

    def _note(self, kind: str, text: str, rules: list[int]) -> None:
        """Once for each group of rules."""
        key = (kind, *map(str, rules))
        if key not in self._told:
            self._told.add(key)
            self._bench.issues.append(Issue(kind, text, [f"rule.{index}" for index in rules]))


def _holding(conditions: Sequence[Condition]) -> Held:
    return [(one, True) for one in conditions]


def opposed(one: str, other: str) -> bool:
    """Whether one outcome is what the other denies: 可以登录 and 不能登录, *allowed* and *not allowed*."""
    return (
        _NUMBERS.findall(one) == _NUMBERS.findall(other)
        and _stem(one) == _stem(other)
        and (_NEGATIVE.search(one) is None) is not (_NEGATIVE.search(other) is None)
    )


def _stem(outcome: str) -> str:
    bare = _NUMBERS.sub("", _POSITIVE.sub("", _NEGATIVE.sub("", outcome)))
    return "".join(letter for letter in bare.lower() if letter.isalnum())


def _numbers(rules: list[int]) -> str:
    return ", ".join(str(index + 1) for index in rules)
