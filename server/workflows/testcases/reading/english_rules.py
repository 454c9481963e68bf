"""Rules of English requirements: what is due after a time, what orders of a sum get, what a state allows."""

import re
from typing import Any

from server.workflows.testcases.reading.findings import Kind, Saying
from server.workflows.testcases.reading.numerals import ENGLISH, value_of

N = rf"\b{ENGLISH}\b"
_STOP = r"[^.;,]"
_UNIT = r"(?P<unit>minutes?|hours?|days?|seconds?)"
_MONEY = r"(?:\$|€|£|USD\s?|EUR\s?)"
_BUYERS = r"(?:[\w-]+\s)?(?:customers?|users?|members?|buyers?|shoppers?)"
_SIGNS = {"over": ">", "above": ">", "more than": ">", "exceeding": ">", "under": "<", "below": "<"}


def _sum(found: re.Match[str]) -> list[tuple[Kind, dict[str, Any]]]:
    """“orders over $200”, of everyone or of one kind of buyer."""
    sign = ">=" if found["more"] else _SIGNS.get(" ".join((found["way"] or "").lower().split()), ">=")
    sign = "<=" if (found["more"] or "").endswith("less") else sign
    when: dict[str, Any] = {"order amount": f"{sign}{value_of(found['n'])}"}
    if found.groupdict().get("role"):
        when = {"role": re.sub(r"^(?:an?|the)\s+", "", found["role"].strip(), flags=re.I), **when}
    return [("rule", {"when": when, "then": found["then"].strip()})]


def _due(found: re.Match[str]) -> list[tuple[Kind, dict[str, Any]]]:
    name = re.sub(r"^(?:the|an?)\s+", "", found["what"].strip(), flags=re.I).lower()
    sign = ">=" if found["may"] else ">"
    when = {f"{name} age ({found['unit']})": f"{sign}{value_of(found['n'])}"}
    return [("rule", {"when": when, "then": f"{name} {found['may'] or found['be']} {found['act'].strip()}"})]


def _while(found: re.Match[str]) -> list[tuple[Kind, dict[str, Any]]]:
    name = f"{re.sub('s$', '', found['what'].lower())} status"
    return [("rule", {"when": {name: found["state"].lower()}, "then": found["then"].strip()})]


_AMOUNT = (
    r"orders?\s+(?:(?:of|with|worth|totall?ing)\s+(?:an?\s+total\s+of\s+)?)?"
    r"(?P<way>over|above|more\s+than|exceeding|under|below|at\s+least)?\s*"
    rf"{_MONEY}(?P<n>{N})(?P<more>\s+or\s+(?:more|over|above|less))?"
)


def _saying(pattern: str, read: Any) -> Saying:
    return Saying(re.compile(pattern, re.I), read)


SAYINGS = [
    _saying(
        rf"(?P<role>(?:(?:an?|the)\s+)?{_BUYERS})\s+(?P<then>(?:get|gets|receive|receives|enjoy|enjoys|pay|pays|have|has|are|is)\s{_STOP}{{2,60}}?)\s+(?:(?:on|for)\s+)?(?:their\s+|all\s+)?{_AMOUNT}",
        _sum,
    ),
    _saying(
        rf"{_AMOUNT}\s+(?P<then>(?:ship|ships|get|gets|receive|receives|are|is|qualify|qualifies|require|requires|need|needs|earn|earns|must|cannot|can)\s{_STOP}{{2,60}})",
        _sum,
    ),
    _saying(
        rf"(?P<what>{_STOP}{{2,40}}?)\s+(?:(?P<may>(?:can|may)(?:\s+only)?\s+be)|(?P<be>is|are|will\s+be|gets?))\s+(?P<act>(?:automatically\s+)?[a-z]+(?:ed|en|nt|out)(?:\s+(?:automatically|again|out))?)\s+after\s+(?P<n>{N})\s+{_UNIT}(?:\s+of\s+inactivity)?",
        _due,
    ),
    _saying(
        rf"(?P<state>(?!(?:only|the|each|every|all|limited|required)\b)(?:[a-z]+(?:ed|aid|sent|ing|sold)|draft|active|inactive|open))\s+(?P<what>[a-z]{{3,15}}s)\s+(?P<then>(?:cannot|can\s*not|can|may\s+not|may|must\s+not)\s+(?:only\s+)?be\s+(?!empty|blank|up|at|no|between){_STOP}{{3,40}})",
        _while,
    ),
]
