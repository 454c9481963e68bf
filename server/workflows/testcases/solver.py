"""Whole inputs of a module: a value for each field, all of them valid, all constraints kept, or just one broken."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from server.workflows.testcases.domains import EMPTY, Domain, distinct
from server.workflows.testcases.quantities import Condition, compared, is_relative, rank
from server.workflows.testcases.spec import Constraint, Module, conditions_of

Inputs: TypeAlias = dict[str, Any]
Held: TypeAlias = Sequence[tuple[Condition, bool]]
"""Conditions, and whether each holds. Of an empty value hardly any does, nor does its opposite."""
MOST_TRIES = 20_000
"""Values tried for one input; beyond that nothing is said about whether there is one."""
MOST_TRIES_IN_ALL = 1_000_000
"""For all inputs of a module together: some ten seconds."""


class Undecided(Exception):
    """The search was given up before it was through."""


class Law:
    """One constraint, ready to be looked at again and again."""

    def __init__(self, index: int, constraint: Constraint) -> None:
        self.index, self.constraint = index, constraint
        self.names = frozenset(constraint.names)
        self._told = {part: conditions_of(getattr(constraint, part) or {}) for part in ("if_", "then", "never")}

    def told(self, part: str) -> list[Condition]:
        """The conditions of one of its parts."""
        return self._told[part]

    def kept(self, inputs: Mapping[str, Any]) -> bool:
        """Of inputs that have all its fields. Where one side of a comparison is empty, there is nothing to compare."""
        told = self.constraint
        if told.never is not None:
            return not _all_hold(self.told("never"), inputs)
        if told.if_ is not None:
            return not _all_hold(self.told("if_"), inputs) or _all_hold(self.told("then"), inputs)
        return compare(inputs[told.left or ""], str(told.operator), inputs[told.right or ""])


def _all_hold(conditions: Sequence[Condition], inputs: Mapping[str, Any]) -> bool:
    return all(one.holds(inputs[one.name]) for one in conditions)


def compare(left: Any, operator: str, right: Any) -> bool:
    if EMPTY in (left, right):
        return True
    first, second = rank(left), rank(right)
    if operator in ("=", "!=") and (first is None or second is None or isinstance(left, str)):
        return (left == right) is (operator == "=")
    return first is not None and second is not None and compared(operator, first, second)


class Solver:
    """Inputs of one module. What it gives for the same question is always the same."""

    def __init__(self, module: Module) -> None:
        bounds = [bound for field in module.fields if field.type == "date" for bound in (field.min, field.max)]
        calendar = any(bound is not None and not is_relative(bound) for bound in bounds)
        self.domains = {field.name: Domain(field, calendar=calendar) for field in module.fields}
        self.laws = [Law(index, constraint) for index, constraint in enumerate(module.constraints)]
        self._tries_left = MOST_TRIES_IN_ALL
        self._bound = [name for name in self.domains if any(name in law.names for law in self.laws)]
        self._candidates = {name: domain.candidates() for name, domain in self.domains.items()}
        for law in self.laws:
            for one in (*law.told("if_"), *law.told("then"), *law.told("never")):
                self._add(one.name, self._around(one))
        for _ in self.laws:
            self._share()

    def _around(self, one: Condition) -> list[Any]:
        """Values for which a condition holds, and for which it does not."""
        domain = self.domains[one.name]
        place = rank(one.operand) if domain.type != "string" else None
        if place is None:
            return [one.operand]
        return domain.around(place)

    def _share(self) -> None:
        """Fields that are compared get each other's values, and those next to them."""
        for law in self.laws:
            left, right = law.constraint.left, law.constraint.right
            if left is not None and right is not None:
                self._add(left, self._near(left, self._candidates[right]))
                self._add(right, self._near(right, self._candidates[left]))

    def _near(self, name: str, values: Sequence[Any]) -> list[Any]:
        domain = self.domains[name]
        if domain.type in ("string", "enum", "boolean"):
            return list(values)
        places = [place for value in values if (place := rank(value)) is not None]
        return [near for place in places for near in domain.around(place)]

    def _add(self, name: str, values: Sequence[Any]) -> None:
        fitting = [value for value in values if value is not None and self.domains[name].valid(value)]
        self._candidates[name] = distinct([*self._candidates[name], *fitting])[:200]

    def values(self, name: str) -> list[Any]:
        """Valid values of a field, the typical one first."""
        return list(self._candidates[name])

    def violations(self, inputs: Mapping[str, Any]) -> tuple[list[str], list[int]]:
        """Fields that are faulty, and constraints that are broken although none of their fields is."""
        faulty = [name for name, domain in self.domains.items() if name in inputs and not domain.valid(inputs[name])]
        broken = [
            law.index
            for law in self.laws
            if law.names <= inputs.keys() and law.names.isdisjoint(faulty) and not law.kept(inputs)
        ]
        return faulty, broken

    def complete(self, fixed: Mapping[str, Any], *, broken: int | None = None, where: Held = ()) -> Inputs | None:
        """``fixed`` with a valid value for each other field; None: there is no such input.

        A fixed value may be faulty: constraints on its field are then not looked at.
        ``broken``: this constraint is broken, and no other. ``where``: conditions that hold as well.

        :raises Undecided: it was not found in `MOST_TRIES` tries, or all of the module's are used up.
        """
        faulty = {name for name in fixed if name in self.domains and not self.domains[name].valid(fixed[name])}
        laws = [law for law in self.laws if law.names.isdisjoint(faulty)]
        asked = {one.name for one, _ in where}
        inputs = {**self._alike(fixed, faulty), **fixed}
        for name, domain in self.domains.items():
            if name not in inputs and name not in self._bound and name not in asked:
                if domain.usual is None:
                    return None
                inputs[name] = domain.usual
        order = [name for name in self.domains if name not in inputs]
        choices = {name: self._choices(name, fixed, where) for name in order}
        if any(not values for values in choices.values()):
            return None
        found = next(
            self._search(inputs, sorted(order, key=lambda name: len(choices[name])), choices, laws, broken), None
        )
        if found is None:
            return None
        return {name: found[name] for name in (*self.domains, *(extra for extra in found if extra not in self.domains))}

    def _alike(self, fixed: Mapping[str, Any], faulty: set[str]) -> Inputs:
        """A faulty value is repeated where it has to be, as in a confirmation, so that it is the one thing wrong."""
        found: Inputs = {}
        for law in self.laws:
            sides = (law.constraint.left, law.constraint.right)
            for one, other in (sides, sides[::-1]) if law.constraint.operator == "=" else ():
                if one in faulty and other is not None and other not in fixed and self.domains[other].valid(fixed[one]):
                    found[other] = fixed[one]
        return found

    def _choices(self, name: str, fixed: Mapping[str, Any], where: Held) -> list[Any]:
        values = list(self._candidates[name])
        for law in self.laws:
            pair = {law.constraint.left: law.constraint.right, law.constraint.right: law.constraint.left}
            other = pair.get(name)
            if other is not None and other in fixed:
                values += self._near(name, [fixed[other]])
        held = [(one, holds) for one, holds in where if one.name == name]
        for one, _ in held:
            values += self._around(one)
        domain = self.domains[name]
        fitting = [value for value in values if value is not None and domain.valid(value)]
        return distinct([value for value in fitting if all(one.holds(value) is holds for one, holds in held)])

    def _search(
        self,
        inputs: Inputs,
        order: Sequence[str],
        choices: Mapping[str, list[Any]],
        laws: Sequence[Law],
        broken: int | None,
    ) -> Iterator[Inputs]:
        def fits(names: set[str]) -> bool:
            return all(law.kept(inputs) is (law.index != broken) for law in laws if law.names <= names)

        named = {name: [law for law in laws if name in law.names] for name in order}
        tries = 0
        known = set(inputs)
        if not fits(known):
            return
        trail: list[Iterator[Any]] = []
        if not order:
            yield dict(inputs)
            return
        trail.append(iter(choices[order[0]]))
        while trail:
            name = order[len(trail) - 1]
            known.discard(name)
            inputs.pop(name, None)
            for value in trail[-1]:
                tries += 1
                self._tries_left -= 1
                if tries > MOST_TRIES or self._tries_left < 0:
                    raise Undecided
                inputs[name] = value
                if all(
                    law.kept(inputs) is (law.index != broken)
                    for law in named[name]
                    if all(other == name or other in known for other in law.names)
                ):
                    known.add(name)
                    break
            else:
                inputs.pop(name, None)
                trail.pop()
                continue
            if len(trail) == len(order):
                yield dict(inputs)
            else:
                trail.append(iter(choices[order[len(trail)]]))
