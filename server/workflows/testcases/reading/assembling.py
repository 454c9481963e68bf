"""Findings → a specification, with the place of everything in the text, and what is said twice and differently."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from pydantic import ValidationError

from server.workflows.testcases.reading.findings import Finding, Unread
from server.workflows.testcases.spec import Constraint, FieldSpec, Module, Rule, Transition

MOST_RULES, MOST_TRANSITIONS = 40, 200
_OWN = ("charset", "first", "without", "above", "under")
_FRACTIONAL = re.compile(
    r"金额|价格|单价|余额|费用|利率|汇率|重量|体重|体温|温度|\b(?:amount|price|balance|cost|fee|rate|weight|temperature)\b",
    re.I,
)
"""Names of fields that have fractions, unless it is said that they are whole."""


@dataclass(slots=True)
class Place:
    """Where something is said, in code points."""

    start: int
    end: int

    def to_json(self, text: str) -> dict[str, Any]:
        return {"start": self.start, "end": self.end, "quote": text[self.start : self.end]}


@dataclass(slots=True)
class Assembled:
    """``places``: by module and name, as in ``age.min``. ``differences``: module, field, property, both values."""

    modules: list[Module] = field(default_factory=list)
    places: dict[tuple[str, str], Place] = field(default_factory=dict)
    differences: list[tuple[str, str, str, Any, Any]] = field(default_factory=list)
    unread: list[Unread] = field(default_factory=list)


def assemble(text: str, findings: Sequence[Finding], title: str) -> Assembled:
    """:param title: names the module of what stands under no heading."""
    told = Assembled()
    names = list(dict.fromkeys(finding.module for finding in findings))
    for name in names:
        own = [finding for finding in findings if finding.module == name]
        called = name or title
        if called in {module.name for module in told.modules}:
            called = f"{called} ({len(told.modules) + 1})"
        _Module(text, called, told).add(own)
    return told


class _Module:
    def __init__(self, text: str, name: str, told: Assembled) -> None:
        self._text, self._name, self._told = text, name, told
        self._fields: dict[str, dict[str, Any]] = {}
        self._whole: set[str] = set()
        """Fields that are said to be whole numbers, beside those that are only given in such."""
        self._rules: list[Rule] = []
        self._constraints: list[Constraint] = []
        self._transitions: list[Transition] = []
        self._initial: str | None = None

    def add(self, findings: Sequence[Finding]) -> None:
        for finding in findings:
            try:
                self._take(finding)
            except ValidationError:
                self._refuse(finding)
        fields = [spec for name in self._fields if (spec := self._field(name)) is not None]
        known = {one.name for one in fields}
        for constraint, place in self._late(findings):
            missing = constraint.names - known
            fields += [
                FieldSpec(name=name, type=self._type_beside(constraint, name, fields)) for name in sorted(missing)
            ]
            known |= missing
            for name in missing:
                self._place(f"{name}.named", place)
            self._place(f"constraint.{len(self._constraints)}", place)
            self._constraints.append(constraint)
        states = None
        if self._transitions:
            states = {"initial": self._initial or self._transitions[0].from_, "transitions": self._transitions}
        if fields or self._rules or states:
            self._told.modules.append(
                Module(
                    name=self._name,
                    fields=tuple(fields),
                    rules=tuple(self._rules),
                    constraints=tuple(self._constraints),
                    states=states,
                )
            )

    def _late(self, findings: Sequence[Finding]) -> list[tuple[Constraint, Finding]]:
        found = []
        for finding in findings:
            if finding.kind == "constraint":
                try:
                    found.append((Constraint.model_validate(finding.data), finding))
                except ValidationError:
                    self._refuse(finding)
        return found

    @staticmethod
    def _type_beside(constraint: Constraint, name: str, fields: list[FieldSpec]) -> Any:
        """Of a field that only a comparison names: what the other side is, or what its name says."""
        other = constraint.left if name == constraint.right else constraint.right
        beside = next((one.type for one in fields if one.name == other), None)
        if beside in ("integer", "number", "date"):
            return beside
        names = f"{constraint.left} {constraint.right}".lower()
        if any(word in names for word in ("日期", "时间", "date", "time", "day")):
            return "date"
        return "string" if constraint.operator in ("=", "!=") else "number"

    def _refuse(self, finding: Finding) -> None:
        self._told.unread.append(Unread(finding.start, finding.end, self._text[finding.start : finding.end]))

    def _place(self, name: str, finding: Finding) -> None:
        self._told.places.setdefault((self._name, name), Place(finding.start, finding.end))

    def _take(self, finding: Finding) -> None:
        match finding.kind:
            case "field":
                self._merge(finding)
            case "rule":
                rule = Rule.model_validate(finding.data)
                if len(self._rules) >= MOST_RULES:
                    self._refuse(finding)
                elif rule not in self._rules:
                    self._place(f"rule.{len(self._rules)}", finding)
                    self._rules.append(rule)
            case "transition":
                way = Transition.model_validate(finding.data)
                if len(self._transitions) >= MOST_TRANSITIONS:
                    self._refuse(finding)
                    return
                self._transitions.append(way)
                self._place(f"state.{way.from_}.{way.event or way.to}", finding)
                for state in (way.from_, way.to):
                    self._place(f"state.{state}", finding)
            case "initial":
                self._initial = self._initial or str(finding.data["state"])
                self._place(f"state.{finding.data['state']}", finding)

    def _merge(self, finding: Finding) -> None:
        name = finding.subject
        props = self._fields.setdefault(name, {})
        new = dict(finding.data)
        if new.get("unit") and props.get("unit", new["unit"]) not in ("", new["unit"]):
            self._refuse(finding)  # 30 minutes and 4 hours are not of one scale
            return
        kind = new.pop("type", None)
        if kind == "integer" and not {"min", "max", "above", "under"} & new.keys():
            self._whole.add(name)
        if kind is not None:
            before = props.setdefault("type", kind)
            if before != kind and {before, kind} == {"integer", "number"}:
                props["type"] = "number"
            elif before != kind:
                self._differs(finding, name, "type", before, kind)
                return
        for key, value in new.items():
            if key == "contains":
                value = tuple(dict.fromkeys((*props.get("contains", ()), *value)))
            elif key == "unit" and not value:
                continue
            elif key in props and props[key] != value and key not in ("unit", "charset"):
                self._differs(finding, name, key, props[key], value)
                continue
            props.setdefault(key, value)
            if key == "contains":
                props[key] = value
            source = {
                "above": "min",
                "under": "max",
                "charset": "pattern",
                "first": "pattern",
                "without": "pattern",
            }.get(key, key)
            self._place(f"{name}.{source}", finding)

    def _differs(self, finding: Finding, name: str, key: str, first: Any, second: Any) -> None:
        self._told.differences.append((self._name, name, key, first, second))
        self._place(f"{name}.{key}", finding)

    def _field(self, name: str) -> FieldSpec | None:
        props = dict(self._fields[name])
        own = {key: props.pop(key) for key in _OWN if key in props}
        if props.get("type") == "integer" and name not in self._whole and _FRACTIONAL.search(name):
            props["type"] = "number"
        step = Decimal(str(props.get("step", "0.01" if props.get("type") == "number" else 1)))
        if "above" in own:
            props.setdefault("min", _plain(Decimal(str(own["above"])) + step))
        if "under" in own:
            props.setdefault("max", _plain(Decimal(str(own["under"])) - step))
        if {"charset", "first", "without"} & own.keys():
            letters = f"[{own['charset']}]" if "charset" in own else "."
            if "without" in own and "charset" not in own:
                letters = f"[^{own['without']}]"
            props.setdefault("pattern", f"[{own['first']}]{letters}*" if "first" in own else f"{letters}*")
        if props.get("type") == "enum" and "default" in props and props["default"] not in props["values"]:
            props.pop("default")
            self._unread(name, "default")
        try:
            return FieldSpec(name=name, **props)
        except ValidationError:
            for key in props:
                self._unread(name, key)
            return None

    def _unread(self, name: str, key: str) -> None:
        if (place := self._told.places.pop((self._name, f"{name}.{key}"), None)) is not None:
            self._told.unread.append(Unread(place.start, place.end, self._text[place.start : place.end]))


def _plain(number: Decimal) -> int | float:
    return int(number) if number == number.to_integral_value() else float(number)
