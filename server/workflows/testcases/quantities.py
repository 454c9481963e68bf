"""What is in an order: numbers, dates, dates counted from today, sizes of files; and conditions on values."""

import re
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, Literal, TypeAlias

Operator: TypeAlias = Literal["=", "!=", ">", ">=", "<", "<="]
OPERATORS: tuple[Operator, ...] = (">=", "<=", "!=", "=", ">", "<")
"""Longer ones first, as they are looked for."""
_NUMBER = re.compile(r"[+-]?\d{1,30}(?:\.\d{1,12})?")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_TODAY = re.compile(r"today(?:([+-])(\d{1,5}))?")
OTHER = "≠"
"""Begins a value that stands for any other than those named."""


def number(value: Any) -> Decimal | None:
    """A number from JSON or from a text that is nothing else."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, (int, float)) or (isinstance(value, str) and _NUMBER.fullmatch(value.strip())):
        try:
            found = Decimal(str(value).strip())
        except InvalidOperation:
            return None
        return found if found.is_finite() else None
    return None


def day(value: Any) -> Decimal | None:
    """`2026-01-31` by its number in the calendar, `today-1` as days from today; None: neither."""
    if not isinstance(value, str):
        return None
    if found := _TODAY.fullmatch(value):
        return Decimal(f"{found[1]}{found[2]}") if found[2] else Decimal(0)
    if not _DATE.fullmatch(value):
        return None
    try:
        return Decimal(date.fromisoformat(value).toordinal())
    except ValueError:
        return None


def is_relative(value: Any) -> bool:
    return isinstance(value, str) and _TODAY.fullmatch(value) is not None


def day_text(number: Decimal, *, relative: bool) -> str | None:
    """The other way round; None: outside of the calendar."""
    if relative:
        return f"today{int(number):+d}" if number else "today"
    try:
        return (date(1, 1, 1) + timedelta(days=int(number) - 1)).isoformat()
    except OverflowError:
        return None


def plain(number: Decimal) -> int | float:
    """As JSON has it."""
    return int(number) if number == number.to_integral_value() else float(number)


def rank(value: Any) -> Decimal | None:
    """Its place in the order of its kind; None: it has none."""
    if isinstance(value, dict):
        return number(value.get("bytes"))
    found = number(value)
    return found if found is not None else day(value)


@dataclass(frozen=True, slots=True)
class Condition:
    """Something about the value of one field, or of one thing that a rule names."""

    name: str
    operator: Operator
    operand: bool | int | float | str

    @classmethod
    def read(cls, name: str, written: bool | int | float | str) -> "Condition":
        """``">=100"`` compares, anything else is what the value has to be."""
        if isinstance(written, str):
            for operator in OPERATORS:
                if written.startswith(operator):
                    rest = written[len(operator) :].strip()
                    value = number(rest)
                    return cls(name, operator, rest if value is None else plain(value))
        return cls(name, "=", written)

    def holds(self, value: Any) -> bool:
        if value == "" and self.operand != "":
            return self.operator == "!="
        if self.operator in ("=", "!="):
            return self._equal(value) is (self.operator == "=")
        left, right = rank(value), rank(self.operand)
        return left is not None and right is not None and compared(self.operator, left, right)

    def _equal(self, value: Any) -> bool:
        if isinstance(value, bool) or isinstance(self.operand, bool):
            return value is self.operand
        if isinstance(value, str) and value.startswith(OTHER):
            return False
        left, right = rank(value), rank(self.operand)
        if left is not None and right is not None:
            return left == right
        return str(value) == str(self.operand)


def compared(operator: str, left: Any, right: Any) -> bool:
    match operator:
        case "=":
            return bool(left == right)
        case "!=":
            return bool(left != right)
        case ">":
            return bool(left > right)
        case ">=":
            return bool(left >= right)
        case "<":
            return bool(left < right)
    return bool(left <= right)
