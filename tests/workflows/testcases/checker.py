"""Whether cases do what they should, by brute force and without any code of the server's.

What has to be tested is found out anew from the specification: by looking at every input of its small domains.
"""

import re
from collections.abc import Iterator
from itertools import combinations, product
from typing import Any

SIGNS = (">=", "<=", "!=", "=", ">", "<")
KINDS = {"upper": "[A-Z]", "lower": "[a-z]", "digit": "[0-9]", "letter": "[A-Za-z]"}
LETTERS = "ab0Z!"
SPARE = 4


def ordinal(value: Any) -> float | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, (int, float)):
        return float(value)
    if isinstance(value, str) and (found := re.fullmatch(r"today([+-]\d+)?", value)):
        return float(found[1] or 0)
    return float(value) if isinstance(value, str) and re.fullmatch(r"-?\d+(\.\d+)?", value) else None


def compared(left: float, sign: str, right: float) -> bool:
    return {"<": left < right, "<=": left <= right, ">": left > right, ">=": left >= right}.get(
        sign, (left == right) is (sign == "=")
    )


def wrongs(field: dict[str, Any], value: Any) -> set[str]:
    """What is wrong with a value."""
    kind, low, high = field["type"], field.get("min"), field.get("max")
    if value == "":
        if "required" in field:
            return {"required"} if field["required"] else set()
        if kind == "string":
            return {"min"} if low else set()
        return {"type"}
    if kind == "enum":
        return set() if value in field["values"] else {"values"}
    if kind == "boolean":
        return set() if isinstance(value, bool) else {"type"}
    if kind == "string":
        found = {"pattern"} if "pattern" in field and not re.fullmatch(field["pattern"], value) else set()
        found |= {f"contains:{one}" for one in field.get("contains", ()) if not re.search(KINDS[one], value)}
        place: float | None = len(value)
    else:
        found = set()
        is_day = isinstance(value, str) and value.startswith("today")
        place = ordinal(value) if (kind == "date") is is_day and (is_day or not isinstance(value, str)) else None
        if place is None or (kind == "integer" and place != int(place)):
            return {"type"}
        if (
            "step" in field
            and (place - next((one for one in (ordinal(low), ordinal(high)) if one is not None), 0)) % field["step"]
        ):
            found |= {"step"}
    if low is not None and place < ordinal(low):  # type: ignore[operator]
        found |= {"min"}
    if high is not None and place > ordinal(high):  # type: ignore[operator]
        found |= {"max"}
    return found


def holds(operand: Any, value: Any) -> bool:
    sign, rest = "=", operand
    if isinstance(operand, str):
        sign = next((one for one in SIGNS if operand.startswith(one)), "=")
        rest = operand.removeprefix(sign).strip()
    if value == "":
        return sign == "!="
    if isinstance(operand, bool) or isinstance(value, bool):
        return value is operand
    left, right = ordinal(value), ordinal(rest)
    if left is not None and right is not None:
        return compared(left, sign, right)
    return sign in ("=", "!=") and (str(value) == rest) is (sign == "=")


def all_hold(when: dict[str, Any], inputs: dict[str, Any]) -> bool:
    return all(holds(operand, inputs[name]) for name, operand in when.items())


def kept(law: dict[str, Any], inputs: dict[str, Any]) -> bool:
    if "never" in law:
        return not all_hold(law["never"], inputs)
    if "if" in law:
        return not all_hold(law["if"], inputs) or all_hold(law["then"], inputs)
    left, right = inputs[law["left"]], inputs[law["right"]]
    return "" in (left, right) or compared(ordinal(left), law["op"], ordinal(right))  # type: ignore[arg-type]


def names_of(law: dict[str, Any]) -> set[str]:
    return (
        {law["left"], law["right"]}
        if "left" in law
        else {*law.get("never", ()), *law.get("if", ()), *law.get("then", ())}
    )


class Checker:
    """One module as JSON with its designed cases; ``faults`` tells all that is wrong with them."""

    def __init__(self, module: dict[str, Any], designed: dict[str, Any], strength: int = 2) -> None:
        self.module, self.designed, self.strength = module, designed, strength
        self.fields = {field["name"]: field for field in module["fields"]}
        self.laws, self.rules = module["constraints"], module["rules"]
        self.cases = designed["cases"]
        self.positive = [case for case in self.cases if case["type"] == "positive" and case["inputs"]]
        self.deciding = [case for case in self.positive if "outcome" in case["expected"]]
        self.domains = {name: self._domain(field) for name, field in self.fields.items()}
        self.bound = [name for name in self.fields if any(name in names_of(law) for law in self.laws)]

    def _domain(self, field: dict[str, Any]) -> list[Any]:
        """Every valid value; of texts one for each length and make."""
        low, high = ordinal(field.get("min")), ordinal(field.get("max"))
        values: list[Any] = [""]
        match field["type"]:
            case "enum":
                values += field["values"]
            case "boolean":
                values += [True, False]
            case "string":
                for length in range(12):
                    values += {"".join(text) for text in _texts(length)}
            case "date":
                start = int(low if low is not None else -SPARE - 4)
                values += [f"today{day:+d}" if day else "today" for day in range(start, start + 16)]
            case "integer":
                start = int(low if low is not None else (high or 0) - 20)
                values += list(range(start, start + 34))
            case "number":
                values += [0.5, 1, 1.5, 2]
        fitting = [value for value in values if not wrongs(field, value)]
        return list({repr(value): value for value in fitting}.values())

    def faults(self) -> list[str]:
        return [*self._illegal(), *self._uncovered(), *self._overclaimed(), *self._wrong_outcomes()]

    def _illegal(self) -> Iterator[str]:
        for case in self.cases:
            inputs = {name: value for name, value in case["inputs"].items() if name in self.fields}
            if not inputs:
                continue
            if inputs.keys() != self.fields.keys():
                yield f"{case['title']}: it leaves fields out"
                continue
            bad = {name for name, value in inputs.items() if wrongs(self.fields[name], value)}
            broken = [
                number for number, law in enumerate(self.laws) if not bad & names_of(law) and not kept(law, inputs)
            ]
            wanted = 0 if case["type"] == "positive" or str(case["wrong"]).startswith("unique:") else 1
            if len(bad) + len(broken) != wanted:
                yield f"illegal: {case['title']} ({case['type']}): {sorted(bad)} {broken} in {inputs}"
            elif wanted and case["wrong"] not in (*bad, *broken):
                yield f"{case['title']}: {case['wrong']} is said to be wrong, and {bad or broken} is"

    def _legal(self, fixed: dict[str, Any], broken: int | None = None) -> bool:
        """Whether there is an input with these valid values, and only this constraint broken if any."""
        if any(not values for values in self.domains.values()):
            return False
        free = [name for name in self.bound if name not in fixed]
        for values in product(*(self.domains[name] for name in free)):
            inputs = {**dict(zip(free, values, strict=True)), **fixed}
            laws = [law for law in self.laws if names_of(law) <= inputs.keys()]
            if all(kept(law, inputs) is not (broken is not None and law is self.laws[broken]) for law in laws):
                return True
        return False

    def _legal_beside(self, name: str) -> bool:
        """Whether there is an input in which only this field is wrong."""
        if any(not values for other, values in self.domains.items() if other != name):
            return False
        laws = [law for law in self.laws if name not in names_of(law)]
        free = [other for other in self.bound if other != name]
        return any(
            all(kept(law, dict(zip(free, values, strict=True))) for law in laws)
            for values in product(*(self.domains[other] for other in free))
        )

    def _wanted(self) -> Iterator[tuple[str, bool, Any]]:
        """What has to be tested, whether it can be, and by which of the cases it is."""
        for name, field in self.fields.items():
            yield from self._of_field(name, field)
        for number, law in enumerate(self.laws):
            yield f"broken {law}", self._legal({}, number), [case for case in self.cases if case["wrong"] == number]
            if "left" in law:
                yield from self._of_relation(number, law)
        yield from self._of_rules()
        yield from self._of_combinations()
        if "states" in self.module:
            yield from self._of_states(self.module["states"])

    def _of_field(self, name: str, field: dict[str, Any]) -> Iterator[tuple[str, bool, Any]]:
        def valid(value: Any) -> list[dict[str, Any]]:
            return [case for case in self.positive if case["inputs"].get(name) == value]

        def invalid(fault: str) -> list[dict[str, Any]]:
            return [
                case for case in self.cases if case["wrong"] == name and fault in wrongs(field, case["inputs"][name])
            ]

        others = self._legal_beside(name)
        for value in (
            field.get("values", ()) if field["type"] == "enum" else (True, False) if field["type"] == "boolean" else ()
        ):
            yield f"{name} = {value}", self._legal({name: value}), valid(value)
        if "required" in field:
            cases = [case for case in self.cases if case["wrong"] == name and case["inputs"][name] == ""]
            told = (self._legal({name: ""}), valid("")) if not field["required"] else (others, cases)
            yield f"{name} empty", *told
        step = field.get("step", 1)
        for key, way in (("min", -1), ("max", 1)):
            bound = ordinal(field.get(key))
            if key == "max" and "step" in field and "min" in field and bound is not None and bound >= field["min"]:
                bound = field["min"] + (bound - field["min"]) // step * step
            if bound is None or self.domains[name] in ([], [""]):
                continue  # of a field without values nothing is next to a bound
            for distance in (-1, 0, 1):
                place = bound + distance * step
                for value in self._at(field, place):
                    found = wrongs(field, value)
                    if field["type"] == "string" and value == "" and field.get("required") is False:
                        continue
                    if found:
                        own = [
                            case
                            for case in self.cases
                            if case["wrong"] == name and self._place(field, case["inputs"][name]) == place
                        ]
                    else:
                        own = [case for case in self.positive if self._place(field, case["inputs"][name]) == place]
                    inside = not found and any(
                        self._legal({name: one}) for one in self.domains[name] if self._place(field, one) == place
                    )
                    if field["type"] == "string" and not found and not inside and self.laws:
                        continue
                    outside = bool({"min", "max"} & found) or (field["type"] == "string" and value == "")
                    if found and not outside:
                        continue  # a text of this length could be right, or the step rules it out
                    yield f"{name} at {key}{distance:+d}", others if found else inside, own
            del way
        if field["type"] in ("integer", "number", "date"):
            yield f"{name} of another type", others, invalid("type")
        if field["type"] == "enum":
            yield f"{name} unlisted", others, invalid("values")

    def _at(self, field: dict[str, Any], place: float) -> list[Any]:
        """The value at a place in the order; of a text one of this length, a fitting one if there is any."""
        if field["type"] == "date":
            return [f"today{int(place):+d}" if place else "today"]
        if field["type"] != "string":
            return [int(place) if place == int(place) else place]
        if place < 0:
            return []
        texts = ["".join(text) for text in _texts(int(place))]
        return [next((text for text in texts if not wrongs(field, text)), texts[0])] if texts else []

    @staticmethod
    def _place(field: dict[str, Any], value: Any) -> float | None:
        return float(len(value)) if field["type"] == "string" and isinstance(value, str) else ordinal(value)

    def _of_relation(self, number: int, law: dict[str, Any]) -> Iterator[tuple[str, bool, Any]]:
        left, right = law["left"], law["right"]
        for way in (-1, 0, 1):
            allowed = compared(way, law["op"], 0)
            pairs = [
                {left: one, right: other}
                for one in self.domains[left]
                for other in self.domains[right]
                if "" not in (one, other) and ordinal(one) == ordinal(other) + way  # type: ignore[operator]
            ]
            cases = self.positive if allowed else [case for case in self.cases if case["wrong"] == number]
            own = [case for case in cases if {name: case["inputs"][name] for name in (left, right)} in pairs]
            possible = any(self._legal(pair, None if allowed else number) for pair in pairs)
            yield f"{left} = {right} {way:+d} under {law['op']}", possible, own

    def _of_rules(self) -> Iterator[tuple[str, bool, Any]]:
        free = sorted({name for rule in self.rules for name in rule["when"] if name not in self.fields})
        known = [name for name in self.fields if any(name in rule["when"] for rule in self.rules)]
        others: dict[str, list[Any]] = {"tries": list(range(8)), "member": [True, False], "role": ["admin", "≠admin"]}

        def vectors(inputs: dict[str, Any]) -> tuple[tuple[bool, ...], ...]:
            return tuple(
                tuple(holds(operand, inputs[name]) for name, operand in rule["when"].items()) for rule in self.rules
            )

        possible: set[Any] = set()
        for values in product(*(others[name] for name in free), *(self.domains[name] for name in known)):
            told = dict(zip([*free, *known], values, strict=True))
            key = vectors(told)
            if key not in possible and self._legal({name: told[name] for name in known}):
                possible.add(key)
        tested = [case for case in self.deciding if {*free, *known} <= case["inputs"].keys()]
        seen = {vectors(case["inputs"]) for case in tested}
        small = len(possible) <= 32
        for key in possible if self.rules and small else ():
            yield f"column {key}", True, [case for case in tested if vectors(case["inputs"]) == key]
        for key in seen - possible:
            yield f"column {key} is impossible", True, []
        for number, rule in enumerate(self.rules):
            can = any(all(key[number]) for key in possible)
            yield f"rule {number} applies", can, [case for case in tested if all(vectors(case["inputs"])[number])]
            yield from self._of_threshold(rule, known)

    def _of_threshold(self, rule: dict[str, Any], known: list[str]) -> Iterator[tuple[str, bool, Any]]:
        for name, operand in rule["when"].items():
            sign = next((one for one in SIGNS if isinstance(operand, str) and operand.startswith(one)), "=")
            threshold = ordinal(operand.removeprefix(sign)) if isinstance(operand, str) else None
            if threshold is None or sign in ("=", "!="):
                continue
            rest = {other: one for other, one in rule["when"].items() if other != name}
            for value in self._at(self.fields.get(name, {"type": "integer"}), threshold - 1) + self._at(
                self.fields.get(name, {"type": "integer"}), threshold
            ):
                if name in self.fields and wrongs(self.fields[name], value):
                    continue
                own = [
                    case
                    for case in self.deciding
                    if case["inputs"].get(name) == value
                    and rest.keys() <= case["inputs"].keys()
                    and all_hold(rest, case["inputs"])
                ]
                inner = {other: one for other, one in rest.items() if other in self.fields}
                fixed = {name: value} if name in self.fields else {}
                can = any(
                    self._legal({**fixed, **dict(zip(inner, values, strict=True))})
                    for values in product(
                        *(
                            [one for one in self.domains[other] if holds(operand_, one)]
                            for other, operand_ in inner.items()
                        )
                    )
                )
                yield f"{name} = {value} under {rule['when']}", can, own

    def _of_combinations(self) -> Iterator[tuple[str, bool, Any]]:
        told = [one["needs"]["values"] for one in self.designed["obligations"] if one["form"] == "tuple"]
        levels: dict[str, list[Any]] = {}
        for values in told:
            for name, value in values.items():
                if not any(
                    value is one or (value == one and type(value) is type(one)) for one in levels.setdefault(name, [])
                ):
                    levels[name].append(value)
        must = (
            {name: self._must(name, field) for name, field in self.fields.items()} if all(self.domains.values()) else {}
        )
        for name, wanted in must.items() if sum(len(one) > 1 for one in must.values()) > 1 else ():
            missing = [one for one in wanted if one not in levels.get(name, [])] if len(wanted) > 1 else []
            yield f"levels of {name}: {missing}", True, [] if missing else [True]
        strength = min(self.strength, len(levels))
        for names in combinations(levels, strength) if strength else ():
            for chosen in product(*(levels[name] for name in names)):
                values = dict(zip(names, chosen, strict=True))
                own = [
                    case
                    for case in self.positive
                    if all(_same(case["inputs"].get(name), one) for name, one in values.items())
                ]
                yield f"combination {values}", self._legal(values), own

    def _must(self, name: str, field: dict[str, Any]) -> list[Any]:
        """Levels that nobody can leave out of the combinations."""
        wanted = (
            list(field["values"]) if field["type"] == "enum" else [True, False] if field["type"] == "boolean" else []
        )
        if field.get("required") is False:
            wanted.append("")
        if field["type"] in ("integer", "date"):
            wanted += [bound for bound in (field.get("min"), field.get("max")) if bound in self.domains[name]]
        return list(dict.fromkeys(wanted))

    def _of_states(self, states: dict[str, Any]) -> Iterator[tuple[str, bool, Any]]:
        ways = {(one["from"], one["event"], one["to"]) for one in states["transitions"]}
        forks = {
            (a, event) for a, event, _ in ways if len({to for b, other, to in ways if (b, other) == (a, event)}) > 1
        }
        reached, grown = {states["initial"]}, True
        while grown:
            grown = False
            for a, event, to in ways:
                if a in reached and (a, event) not in forks and to not in reached:
                    reached.add(to)
                    grown = True
        walks = [(case, [tuple(way) for way in case["walk"]]) for case in self.cases if case["walk"] or case["refused"]]
        for case, walk in walks:
            at = states["initial"]
            for way in walk:
                yield f"the walk of {case['title']}", way in ways and way[0] == at, [True]
                if way not in ways or way[0] != at:
                    yield f"{case['title']} walks where it can't", True, []
                at = way[2]
            if case["refused"] and (
                case["refused"][0] != at or any((a, event) == tuple(case["refused"]) for a, event, _ in ways)
            ):
                yield f"{case['title']} is no refusal", True, []
        for way in ways:
            can = way[0] in reached and (way[0], way[1]) not in forks
            yield f"transition {way}", can, [case for case, walk in walks if case["type"] == "positive" and way in walk]
        for state in reached:
            for event in {event for _, event, _ in ways} - {event for a, event, _ in ways if a == state}:
                yield f"refused {state} {event}", True, [case for case, _ in walks if case["refused"] == [state, event]]

    def _uncovered(self) -> Iterator[str]:
        for what, possible, cases in self._wanted():
            if possible and not cases:
                yield f"uncovered: {what}"
            elif not possible and cases and cases != [True]:
                yield f"covered although it can't be: {what}"

    def _overclaimed(self) -> Iterator[str]:
        """What is said to be covered is; of what is said to be impossible, combinations are looked at here."""
        covered = {index for case in self.cases for index in case["covers"]}
        for index, one in enumerate(self.designed["obligations"]):
            if (one["reason"] is None) is not (index in covered):
                yield f"{one['text']}: {one['reason']}, and covered: {index in covered}"
            if one["reason"] == "undecided":
                yield f"{one['text']} is undecided"
            if one["form"] == "tuple" and (one["reason"] is None) is not self._legal(one["needs"]["values"]):
                yield f"{one['text']}: {one['reason']}"

    def _wrong_outcomes(self) -> Iterator[str]:
        names = {name for rule in self.rules for name in rule["when"]}
        for case in self.positive:
            if case["technique"] == "decision" or (
                self.rules and names <= case["inputs"].keys() and "outcome" in case["expected"]
            ):
                applies = [all_hold(rule["when"], case["inputs"]) for rule in self.rules]
                for rule, does in zip(self.rules, applies, strict=True):
                    named = rule["then"] in case["expected"]
                    if named is not (does or not any(applies)):
                        yield f"{case['title']}: {case['expected']} although rule {rule} applies: {does}"


def _texts(length: int) -> Iterator[tuple[str, ...]]:
    if length <= 4:
        yield from product("abA1", repeat=length)
    else:
        for start in product("abA1", repeat=3):
            yield from (
                (*start, *rest) for rest in ("a" * (length - 3), "1" * (length - 3), ("ba" * length)[: length - 3])
            )


def _same(left: Any, right: Any) -> bool:
    return bool(left == right) and isinstance(left, bool) is isinstance(right, bool)
