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


def _idle(found: re.Match[str]) -> list[tuple[Kind, dict[str, Any]]]:
    when = {f"inactivity ({found['unit']})": f">={value_of(found['n'])}"}
    return [("rule", {"when": when, "then": found["then"].strip()})]


def _count(found: re.Match[str]) -> list[tuple[Kind, dict[str, Any]]] | None:
    """“Each user can have up to 3 devices” bounds the devices of a user, and nothing of the user's own."""
    way, number = " ".join(found["way"].lower().split()), value_of(found["n"])
    least = way in ("at least", "a minimum of") or way.startswith(("no less", "no fewer"))
    if found["who"].lower().split()[-1] in ("system", "application", "server"):
        return None  # what a system bears is no input
    if (found["never"] and way != "more than") or (not found["never"] and way == "more than"):
        return None
    name = " ".join(f"{found['what']} {found['per'] or ''} per {found['who']}".lower().split())
    return [("field", {"name": name, "type": "integer", "min" if least else "max": number})]


def _while(found: re.Match[str]) -> list[tuple[Kind, dict[str, Any]]]:
    name = f"{re.sub('s$', '', found['what'].strip().lower())} status"
    return [("rule", {"when": {name: found["state"].lower()}, "then": found["then"].strip()})]


_AMOUNT = (
    r"orders?\s+(?:(?:of|with|worth|totall?ing)\s+(?:an?\s+total\s+of\s+)?)?"
    r"(?P<way>over|above|more\s+than|exceeding|under|below|at\s+least)?\s*"
    rf"{_MONEY}(?P<n>{N})(?P<more>\s+or\s+(?:more|over|above|less))?"
)


def _saying(pattern: str, read: Any) -> Saying:
    return Saying(re.compile(pattern, re.I), read)


COUNTS = [
    _saying(
        r"(?:each|every|an?|the|one)?\s*\b(?P<who>[a-z]+(?:\s[a-z]+)?)\s+(?:can|may|must|should|shall|(?:is|are)\s+allowed\s+to)(?P<never>\s*not|not)?\s+(?:only\s+)?"
        r"(?:(?!be\b)[a-z]+)\s+(?:in\s+|for\s+|to\s+)?(?P<way>at\s+most|up\s+to|no\s+more\s+than|a\s+maximum\s+of|more\s+than|at\s+least|no\s+fewer\s+than|no\s+less\s+than|a\s+minimum\s+of)\s+"
        rf"(?P<n>{N})\s+(?P<what>(?!characters?|chars?|digits?|letters?|words?|[KMG]B|bytes|years?|hours?|days?|minutes?|decimals?|percent|dollars?)[a-z]+(?:\s(?!per\b|each\b|in\b|at\b|for\b|of\b|within\b|every\b)[a-z]+)?)"
        r"(?P<per>\s+(?:per|each|every)\s+[a-z]+)?(?=\s*(?:[.;,]|$))",
        _count,
    ),
]
SAYINGS = [
    _saying(
        r"given\s+(?:that\s+)?(?P<given>[^.;]{3,90}?),?\s+when\s+(?P<when>[^.;]{3,90}?),?\s+then\s+(?P<then>[^.;]{3,120})(?=\s*(?:[.;]|$))",
        lambda found: [
            (
                "rule",
                {"when": {found["given"].strip(): True, found["when"].strip(): True}, "then": found["then"].strip()},
            )
        ],
    ),
    _saying(
        rf"(?P<then>{_STOP}{{3,60}}?)\s+(?:for|on)\s+(?:all\s+|every\s+)?{_AMOUNT}(?=\s*(?:[.;,]|$))",
        lambda found: _sum(found) if not re.match("if|when|for|only", found["then"], re.I) else None,
    ),
    _saying(
        rf"after\s+(?P<n>{N})\s+{_UNIT}\s+of\s+(?:user\s+)?inactivity,?\s+(?P<then>{_STOP}{{3,80}})(?=\s*(?:[.;,]|$))",
        _idle,
    ),
    _saying(
        r"(?:an?|the|any|all)?\s*(?P<what>[a-z]{3,15})\s+(?:in|with|that\s+(?:is|are)|which\s+(?:is|are))\s+(?:the\s+)?(?:status|state)?\s*[\"“](?P<state>[\w ]{2,30})[\"”](?:\s+(?:status|state))?\s+"
        rf"(?P<then>(?:cannot|can\s*not|can|may\s+not|may|must\s+not)\s+(?:only\s+)?be\s+{_STOP}{{3,60}})(?=\s*(?:[.;,]|$))",
        _while,
    ),
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
