"""Random specifications, small enough that every input of theirs can be looked at."""

from random import Random
from typing import Any

NAMES = ("alpha", "beta", "gamma", "delta")


def random_module(seed: int) -> dict[str, Any]:
    """As JSON. The same seed gives the same module."""
    random = Random(seed)  # noqa: S311 - nothing here is secret
    fields = [_field(random, name) for name in NAMES[: random.randint(1, 4)]]
    rules = [rule for number in range(random.choice((0, 0, 1, 2, 3))) if (rule := _rule(random, fields, number))]
    constraints = [one for _ in range(random.choice((0, 0, 1, 1, 2))) if (one := _constraint(random, fields))]
    module: dict[str, Any] = {"name": f"m{seed}", "fields": fields, "rules": rules, "constraints": constraints}
    if random.random() < 0.4:
        module["states"] = _states(random)
    return module


def _field(random: Random, name: str) -> dict[str, Any]:
    kind = random.choice(("integer", "integer", "string", "enum", "boolean", "date", "number"))
    field: dict[str, Any] = {"name": name, "type": kind}
    if random.random() < 0.5:
        field["required"] = random.random() < 0.5
    if kind in ("integer", "string"):
        low = random.randint(0, 4)
        bounds = {"min": low, "max": low + random.randint(-1 if random.random() < 0.1 else 0, 6)}
        field |= {key: value for key, value in bounds.items() if random.random() < 0.85 and value >= 0}
    if kind == "integer" and random.random() < 0.2:
        field["step"] = 2
    if kind == "number":
        field |= {"min": 0.5, "max": random.choice((0.5, 1.5, 2)), "step": 0.5}
    if kind == "date":
        low = random.randint(-2, 2)
        field |= {"min": _day(low), "max": _day(low + random.randint(0, 5))}
    if kind == "string":
        if random.random() < 0.4:
            field["pattern"] = random.choice(("[a-z]+", "[a-z0-9]*", "a[a-z]{2,4}", "[0-9]{3}", "(ab)*", "[A-Z][a-z]*"))
        elif random.random() < 0.4:
            field["contains"] = random.sample(("upper", "lower", "digit"), random.randint(1, 2))
        if random.random() < 0.2:
            field["unique"] = True
    if kind == "enum":
        field["values"] = list("xyzw"[: random.randint(1, 4)])
    return field


def _day(number: int) -> str:
    return f"today{number:+d}" if number else "today"


def _operand(random: Random, field: dict[str, Any]) -> Any:
    match field["type"]:
        case "integer":
            return f"{random.choice(('>=', '<=', '>', '<', '='))}{random.randint(0, 8)}"
        case "enum":
            return random.choice(field["values"])
        case "boolean":
            return random.random() < 0.5
        case "date":
            return f"{random.choice(('>=', '<='))}{_day(random.randint(-2, 4))}"
    return None


def _rule(random: Random, fields: list[dict[str, Any]], number: int) -> dict[str, Any] | None:
    when: dict[str, Any] = {}
    for field in random.sample(fields, min(len(fields), random.randint(0, 2))):
        if (operand := _operand(random, field)) is not None:
            when[field["name"]] = operand
    if random.random() < 0.6 or not when:
        when |= random.choice(
            ({"tries": f">={random.randint(2, 5)}"}, {"member": True}, {"role": "admin"}, {"tries": "<3"})
        )
    return {"when": when, "then": f"outcome {'ABC'[number]}"}


def _constraint(random: Random, fields: list[dict[str, Any]]) -> dict[str, Any] | None:
    if len(fields) < 2:
        return None
    one, other = random.sample(fields, 2)
    if one["type"] == other["type"] and one["type"] in ("integer", "date") and not ("step" in one or "step" in other):
        operator = random.choice(("<", "<=", ">", ">=", "=", "!="))
        return {"left": one["name"], "op": operator, "right": other["name"]}
    first, second = _operand(random, one), _operand(random, other)
    if first is None or second is None:
        return None
    if random.random() < 0.5:
        return {"never": {one["name"]: first, other["name"]: second}}
    return {"if": {one["name"]: first}, "then": {other["name"]: second}}


def _states(random: Random) -> dict[str, Any]:
    names, events = "STUV"[: random.randint(2, 4)], ("go", "back", "stop")
    ways = [
        {"from": random.choice(names), "event": random.choice(events), "to": random.choice(names)}
        for _ in range(random.randint(1, 6))
    ]
    return {"initial": "S", "transitions": ways}
