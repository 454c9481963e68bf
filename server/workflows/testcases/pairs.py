"""Combinations of valid values: every two, or three, fields with each of their levels, as far as constraints allow."""

from collections.abc import Collection, Iterator
from itertools import combinations, product
from typing import Any, TypeAlias

from server.workflows.testcases.bench import Bench
from server.workflows.testcases.cases import Draft, Obligation, Technique
from server.workflows.testcases.covering import Forbidden
from server.workflows.testcases.solver import Inputs, Undecided

MOST_LEVELS = 100
FEW_LEVELS = 8
"""With too many combinations, fields lose levels down to so many before any field is left out."""
MOST_COMBINATIONS = 12_000
MOST_FORBIDDEN = 2_000

Key: TypeAlias = tuple[tuple[str, str], ...]


class Combinations:
    """What ``pairwise`` asks of a module. ``left_out``: combinations beyond `MOST_COMBINATIONS`."""

    def __init__(self, bench: Bench, techniques: Collection[Technique], strength: int) -> None:
        self._bench, self.strength = bench, strength
        levels = {name: domain.levels(MOST_LEVELS) for name, domain in bench.solver.domains.items()}
        domains = bench.solver.domains.values()
        wanted = "pairwise" in techniques and all(domain.usual is not None for domain in domains)
        self.levels = {name: found for name, found in levels.items() if len(found) > 1} if wanted else {}
        whole = self._count()
        for most in range(max(map(len, self.levels.values()), default=0), FEW_LEVELS - 1, -1):
            if self._count() <= MOST_COMBINATIONS:
                break
            self.levels = {name: found[:most] for name, found in self.levels.items()}
        while self._count() > MOST_COMBINATIONS:
            self.levels.popitem()
        self.left_out = whole - self._count()
        if len(self.levels) < 2:
            self.levels = {}
        self.strength = min(strength, len(self.levels))

    def _count(self) -> int:
        total = 0
        for names in combinations(self.levels, min(self.strength, len(self.levels)) or 1):
            size = 1
            for name in names:
                size *= len(self.levels[name])
            total += size
        return total if len(self.levels) > 1 else 0

    @property
    def sizes(self) -> list[int]:
        return [len(found) for found in self.levels.values()]

    def forbidden(self) -> Forbidden:
        """What a constraint rules out whose fields are all combined here."""
        places, found = {name: number for number, name in enumerate(self.levels)}, Forbidden()
        for law in self._bench.solver.laws:
            names = sorted(law.names)
            if not law.names <= places.keys():
                continue
            for chosen in product(*(range(len(self.levels[name])) for name in names)):
                told = {name: self.levels[name][level] for name, level in zip(names, chosen, strict=True)}
                if not law.kept(told):
                    found.append({places[name]: level for name, level in zip(names, chosen, strict=True)})
        return found if len(found) <= MOST_FORBIDDEN else []

    def design(self, rows: list[list[int]]) -> None:
        """Take the combinations on; cases are the rows that were proposed, and more where those don't do."""
        if not self.levels:
            return
        missing = {self._key(told): told for told in self._all()}
        made: list[Draft] = []
        for row in rows:
            told = {name: self.levels[name][level] for (name, level) in zip(self.levels, row, strict=True)}
            self._take(told, missing, made)
        reasons: dict[Key, str] = {}
        for key in list(missing):
            if key in missing:
                reason = self._around(missing[key], missing, made)
                if reason is not None:
                    reasons[key] = reason
        words = self._bench.words
        for told in self._all():
            text = words.say("o_tuple", values=words.pairs(told))
            reason = reasons.get(self._key(told))
            self._bench.obligations.append(Obligation("pairwise", "tuple", {"values": told}, text, reason=reason))
        self._bench.drafts += made

    def _all(self) -> Iterator[Inputs]:
        for names in combinations(self.levels, self.strength):
            for values in product(*(self.levels[name] for name in names)):
                yield dict(zip(names, values, strict=True))

    @staticmethod
    def _key(told: Inputs) -> Key:
        return tuple((name, repr(value)) for name, value in told.items())

    def _take(self, told: Inputs, missing: dict[Key, Inputs], made: list[Draft]) -> bool:
        """Make a case of these levels, if there is one and it covers anything new."""
        covered = [key for key in self._keys(told) if key in missing]
        if not covered:
            return False
        try:
            inputs = self._bench.complete(told)
        except Undecided:
            return False
        if inputs is None:
            return False
        for key in self._keys({name: inputs[name] for name in self.levels}):
            missing.pop(key, None)
        words = self._bench.words
        title = words.say("t_combination", number=len(made) + 1)
        made.append(
            Draft(
                "pairwise",
                "positive",
                title,
                words.say("accepted"),
                3,
                inputs,
                steps=self._bench.steps(inputs),
                preconditions=self._bench.opened,
            )
        )
        return True

    def _keys(self, told: Inputs) -> Iterator[Key]:
        pairs = [(name, repr(told[name])) for name in self.levels if name in told]
        yield from combinations(pairs, self.strength)

    def _around(self, told: Inputs, missing: dict[Key, Inputs], made: list[Draft]) -> str | None:
        """A case for one combination, with as much else that is missing as goes in. Returns why there is none."""
        try:
            if self._bench.complete(told) is None:
                return "excluded"
        except Undecided:
            return "undecided"
        row = dict(told)
        for name in self.levels:
            if name in row:
                continue
            best: tuple[int, Any] | None = None
            for value in self.levels[name]:
                gain = sum(key in missing for key in self._keys({**row, name: value}))
                if (best is None or gain > best[0]) and self._possible({**row, name: value}):
                    best = gain, value
            if best is not None:
                row[name] = best[1]
        return None if self._take(row, missing, made) else "undecided"

    def _possible(self, told: Inputs) -> bool:
        try:
            return self._bench.complete(told) is not None
        except Undecided:
            return False
