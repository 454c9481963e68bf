"""Equivalence classes and boundaries of fields, and of what fields are to each other."""

from collections.abc import Collection, Iterator
from typing import Any

from server.workflows.testcases.bench import Bench
from server.workflows.testcases.cases import Draft, Issue, Obligation, Technique
from server.workflows.testcases.domains import EMPTY, Domain, Point
from server.workflows.testcases.quantities import compared
from server.workflows.testcases.solver import Law, Undecided

_KEYS = {"below": "min", "above": "max", "unlisted": "values", "empty": "required", "finer": "step"}


def design_fields(bench: Bench, techniques: Collection[Technique]) -> None:
    """Take on what ``ep`` and ``bva`` ask of the fields, as far as these are wanted."""
    for name, domain in bench.solver.domains.items():
        _contradictions(bench, name, domain)
    if "ep" in techniques:
        for name, domain in bench.solver.domains.items():
            for point in domain.classes():
                _take_on(bench, name, domain, point, "ep")
            _once(bench, name, domain)
    if "bva" in techniques:
        for name, domain in bench.solver.domains.items():
            impossible = domain.unmade()
            for point in domain.boundaries():
                _take_on(bench, name, domain, point, "bva", ruled_out=point.key in impossible)
    for law in bench.solver.laws:
        _relations(bench, law, techniques)


def _contradictions(bench: Bench, name: str, domain: Domain) -> None:
    say, field = bench.words.say, domain.field
    sources = [f"{name}.min", f"{name}.max"]
    if domain.low is not None and domain.high is not None and domain.low > domain.high:
        bench.issues.append(Issue("bounds", say("i_bounds", field=name, low=field.min, high=field.max), sources))
    elif domain.typical is None:
        phrase = "i_no_value" if domain.usual is None else "i_only_empty"
        bench.issues.append(Issue("no_value", say(phrase, field=name), [*sources, f"{name}.pattern"]))
    elif impossible := domain.unmade() or (["max"] if domain.last != domain.high else []):
        keys = ", ".join(bench.words.what(key) for key in impossible)
        told = say("i_some_values", field=name, keys=keys)
        bench.issues.append(Issue("no_value", told, [*sources, f"{name}.pattern"]))


def _take_on(
    bench: Bench, name: str, domain: Domain, point: Point, technique: Technique, *, ruled_out: bool = False
) -> None:
    words = bench.words
    what = words.what(point.key)
    source = f"{name}.{_source_of(point.key)}"
    if technique == "ep":
        form, text = "class", words.say("o_class", field=name, what=what)
        needs = {"field": name, "key": point.key, "value": point.value}
    else:
        form, text = "value", words.say("o_value", field=name, value=words.value(point.value), what=what)
        needs = {"field": name, "value": point.value}
    obligation = Obligation(technique, form, needs, text, "positive" if point.valid else "negative", source)
    if ruled_out or (point.value is None):
        obligation.polarity, obligation.reason = "positive" if ruled_out else obligation.polarity, "no_value"
    elif domain.usual is None and point.valid:
        obligation.reason = "contradiction"

    def make() -> Draft | None:
        return _case(bench, name, domain, point.value, obligation)

    bench.cover(obligation, make)


def _source_of(key: str) -> str:
    key = key.partition(":")[0].removesuffix("-1").removesuffix("+1")
    return _KEYS.get(key, "contains" if key.startswith("without_") else "values" if key == "value" else key)


def _case(bench: Bench, name: str, domain: Domain, value: Any, obligation: Obligation) -> Draft | None:
    inputs = bench.complete({name: value})
    if inputs is None:
        return None
    faults = domain.faults(value)
    if not faults:
        expected, wrong, priority = bench.words.say("accepted"), None, 1 if obligation.form == "class" else 2
    else:
        why = bench.words.comma.join(bench.words.fault(domain, fault) for fault in faults)
        expected, wrong = bench.words.say("refused", why=why), name
        priority = 1 if faults[0] in ("required", "min", "max") else 2
    return Draft(
        obligation.technique,
        obligation.polarity,
        obligation.text,
        expected,
        priority,
        inputs,
        wrong,
        steps=bench.steps(inputs),
        preconditions=bench.opened,
        source=obligation.source,
    )


def _once(bench: Bench, name: str, domain: Domain) -> None:
    """What is said of a field beside its values: that it does not occur twice, and how it begins."""
    words, field = bench.words, domain.field
    if field.unique:
        text = words.say("o_unique", field=name)
        mark = f"unique:{name}"
        obligation = Obligation("ep", "mark", {"mark": mark}, text, "negative", f"{name}.unique")

        def again() -> Draft | None:
            inputs = bench.complete({})
            if inputs is None or inputs[name] == EMPTY:
                return None
            there = words.say("exists", field=name, value=words.value(inputs[name]))
            expected = words.say("refused", why=words.say("w_unique", field=name))
            steps, before = bench.steps(inputs), [*bench.opened, there]
            return Draft(
                "ep",
                "negative",
                text,
                expected,
                1,
                inputs,
                mark,
                steps=steps,
                preconditions=before,
                source=f"{name}.unique",
            )

        bench.cover(obligation, again)
    if field.default is not None:
        text = words.say("o_default", field=name)
        wanted = Obligation("ep", "mark", {"mark": f"default:{name}"}, text, source=f"{name}.default")

        def untouched() -> Draft:
            expected = words.say("shows", field=name, value=words.value(field.default))
            steps = [(words.say("open", module=bench.module.name), "")]
            return Draft(
                "ep", "positive", text, expected, 2, {}, f"default:{name}", steps=steps, source=f"{name}.default"
            )

        bench.cover(wanted, untouched)


def _relations(bench: Bench, law: Law, techniques: Collection[Technique]) -> None:
    told, words = law.constraint, bench.words
    name = law_text(bench, law)
    source = f"constraint.{law.index}"

    def draft(inputs: dict[str, Any] | None, obligation: Obligation) -> Draft | None:
        if inputs is None:
            return None
        wrong = None if obligation.polarity == "positive" else law.index
        why = words.say("o_broken", law=name)
        expected = words.say("accepted") if wrong is None else words.say("refused", why=why)
        return Draft(
            obligation.technique,
            obligation.polarity,
            obligation.text,
            expected,
            2,
            inputs,
            wrong,
            steps=bench.steps(inputs),
            preconditions=bench.opened,
            source=source,
        )

    if "ep" in techniques:
        needs = {"law": law.index}
        broken = Obligation("ep", "broken", needs, words.say("o_broken", law=name), "negative", source)
        bench.cover(broken, lambda: draft(bench.complete({}, broken=law.index), broken))
    if "bva" in techniques and told.operator is not None and _comparable(bench, law):
        for way in (-1, 0, 1):
            relation = {-1: "= {} - {}", 0: "= {}", 1: "= {} + {}"}[way]
            step = bench.solver.domains[told.left or ""].step
            text = words.say("o_relation", left=told.left, relation=relation.format(told.right, step), right="").strip()
            polarity = "positive" if compared(told.operator, way, 0) else "negative"
            wanted = Obligation("bva", "relation", {"law": law.index, "way": way}, text, polarity, source)  # type: ignore[arg-type]

            def make(way: int = way, wanted: Obligation = wanted) -> Draft | None:
                undecided = False
                for pair in _pairs(bench, law, way):
                    try:
                        inputs = bench.complete(pair, broken=law.index if wanted.polarity == "negative" else None)
                    except Undecided:
                        undecided = True
                        continue
                    if inputs is not None:
                        return draft(inputs, wanted)
                if undecided:
                    raise Undecided
                return None

            bench.cover(wanted, make)


def _comparable(bench: Bench, law: Law) -> bool:
    left, right = (bench.solver.domains[name or ""] for name in (law.constraint.left, law.constraint.right))
    return left.type not in ("string", "enum", "boolean", "file") and (left.type, left.step) == (right.type, right.step)


def _pairs(bench: Bench, law: Law, way: int) -> Iterator[dict[str, Any]]:
    """Values of both sides that are so many steps apart."""
    left, right = law.constraint.left or "", law.constraint.right or ""
    domains = bench.solver.domains
    for value in bench.solver.values(right):
        place = domains[right].place(value)
        if place is None:
            continue
        other = domains[left].at(place + way * domains[left].step)
        if other is not None and domains[left].valid(other):
            yield {left: other, right: value}


def law_text(bench: Bench, law: Law) -> str:
    """A constraint in words."""
    told, words = law.constraint, bench.words
    if told.operator is not None:
        signs = {">=": "≥", "<=": "≤", "!=": "≠"}
        return f"{told.left} {signs.get(told.operator, told.operator)} {told.right}"
    if told.never is not None:
        return f"¬({words.conditions(law.told('never'))})"
    return f"{words.conditions(law.told('if_'))} → {words.conditions(law.told('then'))}"
