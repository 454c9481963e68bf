"""Values of one field: which are valid, what is wrong with the others, and which are worth a test."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any

from server.workflows.testcases.patterns import LOWER, Pattern, pattern
from server.workflows.testcases.quantities import day, day_text, is_relative, number, plain, rank
from server.workflows.testcases.spec import FieldSpec

EMPTY = ""
"""Nothing put in, whatever the field's type."""
TYPICAL_LENGTH = 8
TYPICAL_SPREAD = Decimal(10)
LONGEST_LEVEL = 64
"""A longer text is no level of a combination: it would be repeated in every other case."""
A_DAY = day("2026-01-15") or Decimal(0)
NO_DAY, NO_NUMBER = "2026-02-30", "abc"
KINDS: dict[str, Callable[[str], bool]] = {
    "upper": lambda letter: "A" <= letter <= "Z",
    "lower": lambda letter: "a" <= letter <= "z",
    "letter": lambda letter: letter.isascii() and letter.isalpha(),
    "digit": lambda letter: "0" <= letter <= "9",
    "special": lambda letter: letter in "!@#$%^&*()_+-=[]{}|;:,.<>?/~",
}
_SAMPLE = {"upper": "A", "lower": "a", "letter": "a", "digit": "1", "special": "!"}


@dataclass(frozen=True, slots=True)
class Point:
    """A value worth a test: ``key`` says what for. None: there is no such value."""

    key: str
    value: Any
    valid: bool


class Domain:
    """One field's values. ``faults`` is its validator; everything else is made to agree with that."""

    def __init__(self, field: FieldSpec, *, calendar: bool = False) -> None:
        """``calendar``: dates without bounds are of the calendar, and not counted from today."""
        self.field = field
        self.type = field.type
        self.low, self.high = self._bound(field.min), self._bound(field.max)
        bound = field.min if field.min is not None else field.max
        self.relative = is_relative(bound) if bound is not None else not calendar
        self.step = self._step()

    def _bound(self, bound: Any) -> Decimal | None:
        return None if bound is None else (day(bound) if self.type == "date" else number(bound))

    def _step(self) -> Decimal:
        if self.type != "number":
            return Decimal(str(self.field.step or 1))
        if self.field.step is not None:
            return Decimal(str(self.field.step))
        exponents = [int(bound.normalize().as_tuple().exponent) for bound in (self.low, self.high) if bound is not None]
        return Decimal(1).scaleb(min([-2, *exponents]))

    @property
    def origin(self) -> Decimal:
        """What steps are counted from: the minimum, or else the maximum."""
        return next((bound for bound in (self.low, self.high) if bound is not None), Decimal(0))

    @property
    def last(self) -> Decimal | None:
        """The maximum, or the last step before it."""
        if self.field.step is None or self.low is None or self.high is None or self.high < self.low:
            return self.high
        return self.low + (self.high - self.low) // self.step * self.step

    def faults(self, value: Any) -> tuple[str, ...]:
        """What is wrong with a value, by the name of what it breaks; nothing: it is valid."""
        field = self.field
        if value == EMPTY:
            if field.required is not None:
                return ("required",) if field.required else ()
            return ("min",) if self.type == "string" and self.low else () if self.type == "string" else ("type",)
        match self.type:
            case "string":
                return self._text_faults(value) if isinstance(value, str) else ("type",)
            case "enum":
                return () if value in field.values else ("values",)
            case "boolean":
                return () if isinstance(value, bool) else ("type",)
            case "file":
                wrong = () if not field.values or _ending(value) in field.values else ("values",)
                return (*wrong, *self._range_faults(Decimal(value["bytes"])))
            case "date":
                place = day(value) if is_relative(value) == self.relative else None
                return ("type",) if place is None else self._range_faults(place)
        amount = None if isinstance(value, str) else number(value)
        if amount is None:
            return ("type",)
        if self.type == "integer" and amount != amount.to_integral_value():
            return ("type",)
        off = field.step is not None and (amount - self.origin) % self.step != 0
        return (*self._range_faults(amount), *(("step",) if off else ()))

    def _range_faults(self, place: Decimal) -> tuple[str, ...]:
        low = ("min",) if self.low is not None and place < self.low else ()
        return low or (("max",) if self.high is not None and place > self.high else ())

    def _text_faults(self, value: str) -> tuple[str, ...]:
        field = self.field
        wrong = [*self._range_faults(Decimal(len(value)))]
        if field.pattern is not None and not pattern(field.pattern).fits(value):
            wrong.append("pattern")
        wrong += [f"contains:{kind}" for kind in field.contains if not any(map(KINDS[kind], value))]
        return tuple(wrong)

    def valid(self, value: Any) -> bool:
        return not self.faults(value)

    def at(self, place: Decimal) -> Any:
        """The value at a place in the order: with this number, of this length or size; None: there is none."""
        match self.type:
            case "string":
                return self._text(int(place)) if place >= 0 else None
            case "file":
                ending = self.field.values[0] if self.field.values else "bin"
                return {"file": f"sample.{ending}", "bytes": int(place)} if place >= 0 else None
            case "date":
                return day_text(place, relative=self.relative)
        return plain(place)

    def around(self, place: Decimal) -> list[Any]:
        """The values next to a place in the order, and the one there if there is one."""
        first = self.origin + (place - self.origin) // self.step * self.step
        return [value for way in (-1, 0, 1) if (value := self.at(first + way * self.step)) is not None]

    def place(self, value: Any) -> Decimal | None:
        if self.type == "string":
            return Decimal(len(value)) if isinstance(value, str) else None
        return rank(value)

    def _text(self, length: int) -> str | None:
        """A text of this length, as right as can be otherwise."""
        field = self.field
        wanted = [KINDS[kind] for kind in field.contains]
        if field.pattern is None:
            needed = "".join(dict.fromkeys(_SAMPLE[kind] for kind in field.contains))
            return (needed + LOWER * (length // len(LOWER) + 1))[:length]
        found = pattern(field.pattern)
        if (text := found.text(length, wanted)) is not None:
            return text
        for other in self._lengths(found):  # none fits: one that fits, cut or drawn out
            if text := found.text(other, wanted):
                return (text + text[-1] * length)[:length]
        return None

    def _lengths(self, found: Pattern) -> Iterator[int]:
        low, high = int(self.low or 0), int(min(found.longest if self.high is None else self.high, found.longest))
        if self.low is None and self.high is None:
            low = 1
        middle = (low + high) // 2 if self.high is not None else max(low, TYPICAL_LENGTH)
        tried = dict.fromkeys([middle, low, high, *range(middle, high + 1), *range(middle, low - 1, -1)])
        tried.pop(0, None)  # a text without characters is no usual value
        yield from (length for length in tried if low <= length <= high and found.has_length(length))

    @cached_property
    def typical(self) -> Any:
        """A valid value away from the bounds, where there is one; None: no value is valid."""
        field = self.field
        match self.type:
            case "enum":
                return field.values[0]
            case "boolean":
                return True
            case "string" if field.pattern is not None:
                found = pattern(field.pattern)
                texts = (
                    found.text(length, [KINDS[kind] for kind in field.contains]) for length in self._lengths(found)
                )
                return next((text for text in texts if text is not None and self.valid(text)), None)
        value = self.at(self._middle())
        return value if value not in (None, EMPTY) and self.valid(value) else None

    @property
    def usual(self) -> Any:
        """What is put in while other fields are tested; None: nothing can be."""
        return self.typical if self.typical is not None or self.faults(EMPTY) else EMPTY

    def _middle(self) -> Decimal:
        low, high, step = self.low, self.high, self.step
        if self.type == "string":
            least = max(low or Decimal(0), Decimal(len(self.field.contains)), Decimal(high is None or high > 0))
            low = least
            return (
                ((low + high) // 2 if high - low < 40 else low + 10)
                if high is not None
                else max(low, Decimal(TYPICAL_LENGTH))
            )
        if low is not None and high is not None:
            return low + (high - low) / 2 // step * step
        if low is not None:
            return low + TYPICAL_SPREAD * step
        if high is not None:
            return high // 2 if self.type == "file" else high - TYPICAL_SPREAD * step
        if self.type == "date":
            return Decimal(0) if self.relative else A_DAY
        return Decimal(1024) if self.type == "file" else Decimal(10)

    def classes(self) -> list[Point]:
        """One value of each equivalence class."""
        field, found = self.field, list[Point]()
        if self.type == "enum":
            found += [Point(f"value:{value}", value, True) for value in field.values]
        elif self.type == "boolean":
            found += [Point("value:yes", True, True), Point("value:no", False, True)]
        elif self.type == "file" and field.values:
            size = self._middle()
            found += [
                Point(f"value:{ending}", {"file": f"sample.{ending}", "bytes": int(size)}, True)
                for ending in field.values
            ]
        else:
            found.append(Point("typical", self.typical, True))
        if field.required is not None:
            found.append(Point("empty", EMPTY, not field.required))
        found += [Point(key, value, False) for key, value in self._wrong()]
        return found

    def _wrong(self) -> Iterator[tuple[str, Any]]:
        field = self.field
        for key, bound, way in (("below", self.low, -1), ("above", self.last, 1)):
            value = self._outside(bound, way) if bound is not None else None
            if value is not None and not (value == EMPTY and field.required):  # that is the class of its own then
                yield key, value
        match self.type:
            case "integer":
                yield "not_a_number", NO_NUMBER
                yield "fraction", float((self._middle() // 1) + Decimal("0.5"))
                if self.step > 1:
                    yield "finer", plain(self._middle() + 1)
            case "number":
                yield "not_a_number", NO_NUMBER
                if field.step is not None:
                    yield "finer", plain(self._middle() + self.step / 2)
            case "date":
                yield "no_such_day", NO_DAY
            case "enum":
                yield "unlisted", self.unlisted
            case "file" if field.values:
                yield "unlisted", {"file": f"sample.{self.unlisted}", "bytes": int(self._middle())}
            case "string":
                if field.pattern is not None:
                    yield "pattern", self._against_pattern()
                for kind in field.contains:
                    yield f"without_{kind}", self._without(kind)

    @property
    def unlisted(self) -> str:
        """A value that is not on the list."""
        base = "exe" if self.type == "file" else "not-on-the-list"
        return base if base not in self.field.values else base + "-2"

    def _outside(self, bound: Decimal, way: int) -> Any:
        """The value next to a bound, on the other side; None: there is none, or it is not wrong."""
        value = self.at(bound + way * self.step)
        return value if value is not None and self.faults(value) else None

    def _against_pattern(self) -> str | None:
        text = self.typical
        if not isinstance(text, str):
            return None
        found = pattern(self.field.pattern or "")
        for letter in "!# 中aA1-_@":
            for place in (len(text) - 1, 0):
                changed = text[:place] + letter + text[place + 1 :]
                if text and not found.fits(changed) and self.faults(changed) == ("pattern",):
                    return changed
        for letter in "!# 中aA1-_@":
            if text and not found.fits(text[:-1] + letter):
                return str(text[:-1] + letter)
        return None

    def _without(self, kind: str) -> str | None:
        """A text that lacks one kind of character, and is right otherwise where that can be."""
        text = self.typical
        if not isinstance(text, str):
            return None
        for other in "a1A!b":
            if KINDS[kind](other):
                continue
            changed = "".join(other if KINDS[kind](letter) else letter for letter in text)
            if f"contains:{kind}" in self.faults(changed) and len(self.faults(changed)) == 1:
                return changed
        changed = "".join("-" if KINDS[kind](letter) else letter for letter in text)
        return changed if f"contains:{kind}" in self.faults(changed) else None

    def boundaries(self) -> list[Point]:
        """Each bound with its two neighbours; a value stands once, at the first place that it has."""
        found: dict[Any, Point] = {}
        for key, bound in (("min", self.low), ("max", self.last)):
            for way in (-1, 0, 1) if bound is not None else ():
                place = bound + way * self.step  # type: ignore[operator]
                value = self._at_bound(place)
                if value is None or (value == EMPTY and self.field.required is False):
                    continue
                found.setdefault(place, Point(f"{key}{way:+d}" if way else key, value, self.valid(value)))
        return list(found.values())

    def _at_bound(self, place: Decimal) -> Any:
        if self.type == "string" and self.field.pattern is not None and place > pattern(self.field.pattern).longest:
            return None
        return self.at(place)

    def unmade(self) -> list[str]:
        """Bounds within the range at which no value is valid: a pattern or the like rules them out."""
        return [point.key for point in self.boundaries() if not point.valid and self._in_range(point.value)]

    def _in_range(self, value: Any) -> bool:
        place = self.place(value)
        return place is not None and not self._range_faults(place)

    def candidates(self) -> list[Any]:
        """Valid values, the typical one first: what a whole input is put together of."""
        points = [point.value for point in (*self.classes(), *self.boundaries()) if point.valid]
        return distinct([value for value in [self.typical, *points] if value is not None and self.valid(value)])

    def levels(self, most: int) -> list[Any]:
        """Valid values that are combined with those of other fields."""
        values = [value for value in self.candidates() if not (isinstance(value, str) and len(value) > LONGEST_LEVEL)]
        if self.type not in ("enum", "boolean"):
            bounds = [self.at(bound) for bound in (self.low, self.last) if bound is not None]
            points = [point.value for point in self.classes() if point.valid]
            values = [value for value in values if value in points or value in bounds]
        return values[:most]


def _ending(value: Any) -> str:
    return str(value["file"]).rpartition(".")[2]


def distinct(values: list[Any]) -> list[Any]:
    """Each value once, in order; `1` and `true` are two."""
    found: dict[str, Any] = {}
    for value in values:
        found.setdefault(f"{type(value).__name__}:{value!r}" if isinstance(value, bool) else repr(value), value)
    return list(found.values())
