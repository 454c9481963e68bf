"""Patterns of text fields: matched without backtracking, and turned round into texts of a wanted length that fit.

A part of the usual notation: characters, `.`, classes, `\\d \\w \\s` and their opposites, groups, `|`, `* + ? {m,n}`. A
pattern describes the whole text, so `^` and `$` at its ends say nothing more.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TypeAlias

MOST_STATES = 700
MOST_WORK = 200_000
"""States times characters: texts are made from a pattern up to the length at which this is reached."""

DIGITS, LOWER, UPPER = "1234567890", "abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
SAMPLES = f"{LOWER}{DIGITS}{UPPER}_-@.+ !#$%&*/:()中文字测试"
"""What texts are made of, where the pattern leaves a choice: the first that fit."""
_CLASSES = {"d": ((48, 57),), "w": ((48, 57), (65, 90), (95, 95), (97, 122)), "s": ((9, 13), (32, 32))}

Ranges: TypeAlias = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Letters:
    """Some characters, by their code points."""

    ranges: Ranges
    negated: bool = False

    def has(self, letter: str) -> bool:
        return any(low <= ord(letter) <= high for low, high in self.ranges) is not self.negated

    def samples(self) -> str:
        """Characters of it, at least one if there is any, readable ones first."""
        found = "".join(letter for letter in SAMPLES if self.has(letter))
        return found or ("" if self.negated or not self.ranges else chr(self.ranges[0][0]))


ANY = Letters(((10, 10),), negated=True)


@dataclass(slots=True)
class _Machine:
    """States by number; ``silent`` ways cost no character."""

    silent: list[list[int]] = field(default_factory=list)
    ways: list[list[tuple[Letters, int]]] = field(default_factory=list)

    def state(self) -> int:
        if len(self.silent) >= MOST_STATES:
            raise ValueError("the pattern is too large")
        self.silent.append([])
        self.ways.append([])
        return len(self.silent) - 1


_Build: TypeAlias = Callable[[_Machine, int], int]
"""Adds a part of the pattern after a state, and gives the state after it."""


class Pattern:
    """:raises ValueError: what it can't take, in words."""

    def __init__(self, written: str) -> None:
        self.written = written
        machine = _Machine()
        start = machine.state()
        self._end = _Parser(written).whole()(machine, start)
        self._ways = machine.ways
        self._closed = [_closure(machine.silent, state) for state in range(len(machine.silent))]
        self._start = start
        self.longest = min(2_000, MOST_WORK // len(machine.silent))
        self._finishing: list[frozenset[int]] = [
            frozenset(state for state, closed in enumerate(self._closed) if self._end in closed)
        ]

    def fits(self, text: str) -> bool:
        at = set(self._closed[self._start])
        for letter in text:
            at = {
                reached
                for state in at
                for letters, to in self._ways[state]
                if letters.has(letter)
                for reached in self._closed[to]
            }
            if not at:
                return False
        return self._end in at

    def has_length(self, length: int) -> bool:
        """Whether any text of this length fits. Lengths beyond ``longest`` are taken for impossible."""
        return length <= self.longest and self._start in self._within(length)

    def text(self, length: int, wanted: Iterable[Callable[[str], bool]] = ()) -> str | None:
        """A text of this length that fits, with a character of each wanted kind as far as there is a choice."""
        if not self.has_length(length):
            return None
        missing, made, at = list(wanted), "", self._start
        for left in range(length - 1, -1, -1):
            choices = [
                (letters, to)
                for state in sorted(self._closed[at])
                for letters, to in self._ways[state]
                if to in self._within(left)
            ]
            letter, at = _choose(choices, missing, len(made))
            missing = [kind for kind in missing if not kind(letter)]
            made += letter
        return made

    def _within(self, left: int) -> frozenset[int]:
        """States from which the end is just so many characters away."""
        while len(self._finishing) <= left:
            last = self._finishing[-1]
            before = {
                state
                for state, ways in enumerate(self._ways)
                if any(to in last and letters.samples() for letters, to in ways)
            }
            one_more = {state for state, closed in enumerate(self._closed) if not closed.isdisjoint(before)}
            self._finishing.append(frozenset(one_more))
        return self._finishing[left]


@lru_cache(maxsize=256)
def pattern(written: str) -> Pattern:
    """:raises ValueError: what it can't take, in words."""
    return Pattern(written)


def _choose(choices: list[tuple[Letters, int]], missing: list[Callable[[str], bool]], place: int) -> tuple[str, int]:
    for kind in missing:
        for letters, to in choices:
            for letter in letters.samples():
                if kind(letter):
                    return letter, to
    letters, to = choices[0]
    samples = letters.samples()
    for series in (LOWER, DIGITS, UPPER):
        usable = [letter for letter in series if letter in samples]
        if usable:
            return usable[place % len(usable)], to
    return samples[place % len(samples)], to


def _closure(silent: list[list[int]], state: int) -> frozenset[int]:
    seen, waiting = {state}, [state]
    while waiting:
        for to in silent[waiting.pop()]:
            if to not in seen:
                seen.add(to)
                waiting.append(to)
    return frozenset(seen)


class _Parser:
    def __init__(self, written: str) -> None:
        self._text = written.removeprefix("^")
        if self._text.endswith("$") and not self._text.endswith("\\$"):
            self._text = self._text[:-1]
        self._at = 0

    def whole(self) -> _Build:
        built = self._either()
        if self._at < len(self._text):
            raise ValueError(f"{self._text[self._at]!r} at {self._at + 1} closes nothing")
        return built

    def _next(self) -> str:
        return self._text[self._at] if self._at < len(self._text) else ""

    def _take(self) -> str:
        letter = self._next()
        if not letter:
            raise ValueError("the pattern breaks off")
        self._at += 1
        return letter

    def _either(self) -> _Build:
        parts = [self._sequence()]
        while self._next() == "|":
            self._at += 1
            parts.append(self._sequence())
        if len(parts) == 1:
            return parts[0]

        def build(machine: _Machine, start: int) -> int:
            end = machine.state()
            for part in parts:
                before = machine.state()
                machine.silent[start].append(before)
                machine.silent[part(machine, before)].append(end)
            return end

        return build

    def _sequence(self) -> _Build:
        parts: list[_Build] = []
        while self._next() and self._next() not in "|)":
            parts.append(self._repeated(self._one()))

        def build(machine: _Machine, start: int) -> int:
            for part in parts:
                start = part(machine, start)
            return start

        return build

    def _one(self) -> _Build:
        letter = self._take()
        if letter == "(":
            if self._next() == "?":
                if self._text[self._at : self._at + 2] != "?:":
                    raise ValueError("groups that look ahead or back, or have names, are not known here")
                self._at += 2
            inner = self._either()
            if self._take() != ")":
                raise ValueError("a group is not closed")
            return inner
        if letter == "[":
            return _single(self._class())
        if letter == ".":
            return _single(ANY)
        if letter == "\\":
            return _single(self._escaped())
        if letter in "*+?{^$":
            raise ValueError(f"{letter!r} stands where it can't")
        return _single(Letters(((ord(letter), ord(letter)),)))

    def _escaped(self) -> Letters:
        letter = self._take()
        if letter.lower() in _CLASSES:
            return Letters(_CLASSES[letter.lower()], negated=letter.isupper())
        if letter.isalnum():
            known = {"t": "\t", "n": "\n", "r": "\r"}
            if letter == "u":
                digits = self._text[self._at : self._at + 4]
                self._at += 4
                try:
                    code = int(digits, 16)
                except ValueError:
                    raise ValueError("four hexadecimal digits belong after \\u") from None
                return Letters(((code, code),))
            if letter not in known:
                raise ValueError(f"\\{letter} is not known here")
            letter = known[letter]
        return Letters(((ord(letter), ord(letter)),))

    def _class(self) -> Letters:
        negated = self._next() == "^"
        self._at += negated
        ranges: list[tuple[int, int]] = []
        first = True
        while first or self._next() != "]":
            first = False
            letter = self._take()
            inner = self._escaped() if letter == "\\" else Letters(((ord(letter), ord(letter)),))
            if inner.negated:
                raise ValueError("an opposite such as \\D does not go into a class")
            if (
                len(inner.ranges) == 1
                and self._next() == "-"
                and self._text[self._at + 1 : self._at + 2] not in ("", "]")
            ):
                self._at += 1
                letter = self._take()
                last = self._escaped() if letter == "\\" else Letters(((ord(letter), ord(letter)),))
                if inner.ranges[0][0] > last.ranges[0][1]:
                    raise ValueError("a range in a class goes backwards")
                ranges.append((inner.ranges[0][0], last.ranges[0][1]))
            else:
                ranges += inner.ranges
        self._at += 1
        return Letters(tuple(ranges), negated=negated)

    def _repeated(self, one: _Build) -> _Build:
        while (sign := self._next()) and sign in "*+?{":
            self._at += 1
            low, high = {"*": (0, None), "+": (1, None), "?": (0, 1)}.get(sign) or self._counts()
            if self._next() == "?":  # lazy or not, the same texts fit
                self._at += 1
            one = _times(one, low, high)
        return one

    def _counts(self) -> tuple[int, int | None]:
        inside, closed, _ = self._text[self._at :].partition("}")
        first, comma, last = inside.partition(",")
        if not closed or not first.isdecimal() or (last and not last.isdecimal()):
            raise ValueError("how often is written as {2}, {2,} or {2,5}")
        self._at += len(inside) + 1
        low, high = int(first), int(last) if last else (None if comma else int(first))
        if (high is not None and high < low) or max(low, high or 0) > 1000:
            raise ValueError(f"{{{inside}}} is no range up to 1000")
        return low, high


def _single(letters: Letters) -> _Build:
    def build(machine: _Machine, start: int) -> int:
        end = machine.state()
        machine.ways[start].append((letters, end))
        return end

    return build


def _times(one: _Build, low: int, high: int | None) -> _Build:
    def build(machine: _Machine, start: int) -> int:
        for _ in range(low):
            start = one(machine, start)
        if high is None:
            before, end = machine.state(), machine.state()
            machine.silent[start] += [before, end]
            after = one(machine, before)
            machine.silent[after] += [before, end]
            return end
        end = machine.state()
        machine.silent[start].append(end)
        for _ in range(high - low):
            start = one(machine, start)
            machine.silent[start].append(end)
        return end

    return build
