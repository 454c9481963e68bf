"""A specification: modules with fields, rules, conditions between fields, and states. Read from prose, or given."""

import math
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    StrictFloat,
    StrictInt,
    StringConstraints,
    model_validator,
)

from server.workflows.chinese import titled
from server.workflows.testcases.patterns import pattern
from server.workflows.testcases.quantities import Condition, day, is_relative, number

MOST_FIELDS = 40
LONGEST_TEXT = 10_000
"""Of a text field's value."""

Type: TypeAlias = Literal["string", "integer", "number", "date", "enum", "boolean", "file"]
Kind: TypeAlias = Literal["upper", "lower", "letter", "digit", "special"]


def _finite(value: float) -> float:
    if not math.isfinite(value):
        raise ValueError("A number is wanted here.")
    return value


Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]
Value = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Float = Annotated[StrictFloat, AfterValidator(_finite)]
Bound: TypeAlias = Annotated[StrictInt, Field(ge=-(10**18), le=10**18)] | Float | Value
Operand: TypeAlias = StrictBool | StrictInt | Float | Value

_CHINESE_TITLES = {
    "modules": "模块",
    "name": "名称",
    "fields": "字段",
    "rules": "规则",
    "constraints": "约束",
    "states": "状态",
    "type": "类型",
    "min": "最小",
    "max": "最大",
    "step": "步长",
    "required": "必填",
    "pattern": "正则",
    "contains": "须含字符",
    "values": "取值",
    "unique": "唯一",
    "default": "默认值",
    "unit": "单位",
    "when": "当",
    "then": "则",
    "if": "若",
    "never": "不得",
    "left": "左",
    "op": "比较",
    "right": "右",
    "from": "从",
    "event": "事件",
    "to": "到",
    "initial": "初始状态",
    "transitions": "转移",
}


class Part(BaseModel):
    model_config = ConfigDict(
        extra="forbid", frozen=True, populate_by_name=True, json_schema_extra=titled(_CHINESE_TITLES)
    )


class FieldSpec(Part):
    """One input. ``min`` and ``max`` are its value's; of a `string` its length, of a `file` its bytes.

    ``step`` counts from ``min``, or else from ``max``. ``required`` left out: nothing is said of it, nor tested.
    """

    name: Name
    type: Type = "string"
    min: Bound | None = None
    max: Bound | None = None
    step: StrictInt | Float | None = None
    required: bool | None = None
    pattern: Annotated[str, StringConstraints(min_length=1, max_length=500)] | None = None
    contains: tuple[Kind, ...] = Field((), max_length=5)
    values: tuple[Value, ...] = Field((), max_length=100)
    unique: bool = False
    default: Operand | None = None
    unit: Annotated[str, StringConstraints(strip_whitespace=True, max_length=20)] = ""

    @model_validator(mode="after")
    def _fits_together(self) -> "FieldSpec":
        for name in ("min", "max"):
            self._check_bound(name, getattr(self, name))
        if self.type == "date" and self.min and self.max and is_relative(self.min) != is_relative(self.max):
            raise ValueError("`min` and `max` are both calendar dates, or both counted from today.")
        if self.pattern is not None:
            try:
                pattern(self.pattern)
            except ValueError as error:
                raise ValueError(f"`pattern` can't be used: {error}.") from None
        for name in ("pattern", "contains"):
            if getattr(self, name) and self.type != "string":
                raise ValueError(f"`{name}` goes with `type` string.")
        if self.values and self.type not in ("enum", "file"):
            raise ValueError("`values` goes with `type` enum, or file for its endings.")
        if self.type == "enum" and not self.values:
            raise ValueError("An enum needs `values`.")
        if len(set(self.values)) != len(self.values):
            raise ValueError("A value of `values` is given twice.")
        if self.step is not None and (self.type not in ("integer", "number") or self.step <= 0):
            raise ValueError("`step` is a number above 0 and goes with `type` integer or number.")
        if self.step is not None and self.type == "integer" and self.step != int(self.step):
            raise ValueError("The `step` of an integer is a whole number.")
        return self

    def _check_bound(self, name: str, bound: Any) -> None:
        if bound is None:
            return
        if self.type in ("enum", "boolean"):
            raise ValueError(f"`{name}` does not go with `type` {self.type}.")
        if self.type == "date":
            if day(bound) is None:
                raise ValueError(f"`{name}` of a date is written as 2026-01-31, today, today-30 or today+7.")
            return
        value = number(bound)
        if value is None:
            raise ValueError(f"`{name}` of `type` {self.type} is a number.")
        if self.type != "number" and value != value.to_integral_value():
            raise ValueError(f"`{name}` of `type` {self.type} is a whole number.")
        if self.type in ("string", "file") and value < 0:
            raise ValueError(f"`{name}` of `type` {self.type} is not below 0.")
        if self.type == "string" and value > LONGEST_TEXT:
            raise ValueError(f"`{name}` of a string is {LONGEST_TEXT} at most.")


Operands: TypeAlias = Annotated[tuple[Operand, ...], Field(min_length=1, max_length=4)]
Conditions: TypeAlias = Annotated[dict[Name, Operand | Operands], Field(min_length=1, max_length=8)]


class Rule(Part):
    """When all of ``when`` holds, ``then`` follows. A text as ``>=100`` compares; other values have to be equal."""

    when: Conditions
    then: Words

    @property
    def conditions(self) -> list[Condition]:
        return conditions_of(self.when)


class Constraint(Part):
    """What the fields of one valid input must be together, in one of three forms."""

    if_: Conditions | None = Field(None, alias="if")
    then: Conditions | None = None
    never: Conditions | None = None
    left: Name | None = None
    operator: Literal["=", "!=", ">", ">=", "<", "<="] | None = Field(None, alias="op")
    right: Name | None = None

    @model_validator(mode="after")
    def _one_form(self) -> "Constraint":
        given = {name for name in type(self).model_fields if getattr(self, name) is not None}
        if given not in ({"if_", "then"}, {"never"}, {"left", "operator", "right"}):
            raise ValueError("Give `if` with `then`, or `never`, or `left`, `op` and `right`.")
        if self.left is not None and self.left == self.right:
            raise ValueError("`left` and `right` are two fields.")
        return self

    @property
    def names(self) -> set[str]:
        told = [self.if_, self.then, self.never]
        sides = {name for name in (self.left, self.right) if name is not None}
        return {name for one in told for name in one or ()} | sides


class Transition(Part):
    """From one state to another, by an event."""

    from_: Name = Field(alias="from")
    event: Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)] = ""
    to: Name


class States(Part):
    """How something goes from state to state; it begins in ``initial``."""

    initial: Name
    transitions: tuple[Transition, ...] = Field(min_length=1, max_length=200)

    @property
    def names(self) -> list[str]:
        """In the order in which they are named."""
        ends = [name for one in self.transitions for name in (one.from_, one.to)]
        return list(dict.fromkeys([self.initial, *ends]))


class Module(Part):
    """One form, page or function."""

    name: Name
    fields: tuple[FieldSpec, ...] = Field((), max_length=MOST_FIELDS)
    rules: tuple[Rule, ...] = Field((), max_length=40)
    constraints: tuple[Constraint, ...] = Field((), max_length=20)
    states: States | None = None

    @model_validator(mode="after")
    def _names_fit(self) -> "Module":
        names = [one.name for one in self.fields]
        if twice := [name for name in names if names.count(name) > 1]:
            raise ValueError(f"The field {twice[0]!r} is given twice.")
        for one in self.constraints:
            if unknown := sorted(one.names - set(names)):
                raise ValueError(f"A constraint names {unknown[0]!r}, which is no field of the module.")
        days = [one for one in self.fields if one.type == "date" and (one.min or one.max) is not None]
        if len({is_relative(one.min or one.max) for one in days}) > 1:
            raise ValueError("The dates of one module are all of the calendar, or all counted from today.")
        if not (self.fields or self.rules or self.states):
            raise ValueError(f"The module {self.name!r} has nothing to test: give it fields, rules or states.")
        return self


class Spec(Part):
    """What is to be tested."""

    modules: tuple[Module, ...] = Field(min_length=1, max_length=50)

    @model_validator(mode="after")
    def _names_differ(self) -> "Spec":
        names = [one.name for one in self.modules]
        if twice := [name for name in names if names.count(name) > 1]:
            raise ValueError(f"The module {twice[0]!r} is given twice.")
        return self


def conditions_of(written: dict[str, Any]) -> list[Condition]:
    """Of several operands for one name, such as ``[">=100", "<200"]``, all have to hold."""
    pairs = [(name, value if isinstance(value, (list, tuple)) else (value,)) for name, value in written.items()]
    return [Condition.read(name, one) for name, values in pairs for one in values]
