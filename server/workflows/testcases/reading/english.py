"""How English requirements say when something follows, and how fields compare and states change."""

import re
from typing import Any

from server.workflows.testcases.reading.arrows import ARROW, LABEL_EN, chained
from server.workflows.testcases.reading.english_phrases import (
    AT_LEAST,
    AT_MOST,
    LESS,
    MORE,
    PHRASES,
    ROLE,
    STOP,
    UNIT,
    N,
    amount,
)
from server.workflows.testcases.reading.english_rules import COUNTS
from server.workflows.testcases.reading.english_rules import SAYINGS as RULES
from server.workflows.testcases.reading.findings import CARRIED, Grammar, Kind, Saying
from server.workflows.testcases.reading.numerals import bytes_of, value_of

_COMPARED = {
    "before": "<",
    "earlier than": "<",
    "after": ">",
    "later than": ">",
    "greater than": ">",
    "less than": "<",
    "more than": ">",
    "equal to": "=",
    "equal": "=",
    "the same as": "=",
    "identical to": "=",
    "exceed": ">",
    "match": "=",
    "lower than": "<",
    "higher than": ">",
}
_TURNED = {"<": ">=", ">": "<=", "=": "!="}


_FIGURE = re.compile(r"\d|%|\b(?:half|twice|double)\b", re.I)
"""In what something is compared with: it is no other field, but is reckoned from one."""


def _compare(found: re.Match[str]) -> list[tuple[Kind, dict[str, Any]]] | None:
    left, right = subject(found["left"]) if found["left"] else CARRIED, subject(found["right"])
    operator = _COMPARED[" ".join(found["way"].lower().split())]
    if found["never"]:
        operator = _TURNED[operator]
    if not left or not right or _FIGURE.search(right) or re.match(rf"{N}|\$|today|valid|in the", right, re.I):
        return None
    return [("constraint", {"left": left, "op": operator, "right": right})]


def _repeated(found: re.Match[str]) -> list[tuple[Kind, dict[str, Any]]]:
    return [
        ("rule", {"when": {found["what"].strip().lower(): f">={value_of(found['n'])}"}, "then": found["then"].strip()})
    ]


def _lasting(found: re.Match[str]) -> list[tuple[Kind, dict[str, Any]]] | None:
    name = subject(found["what"]) or CARRIED
    when = {f"{name} age ({found['unit']})": f"<={value_of(found['n'])}"}
    return [("rule", {"when": when, "then": f"{name} is valid"})]


def _expiring(found: re.Match[str]) -> list[tuple[Kind, dict[str, Any]]] | None:
    name = subject(found["what"])
    when = {f"{name} age ({found['unit']})": f">{value_of(found['n'])}"}
    return [("rule", {"when": when, "then": f"{name} expires"})] if name else None


def _if(found: re.Match[str]) -> list[tuple[Kind, dict[str, Any]]] | None:
    then = found["then"].strip()
    if " " not in found["when"].strip():
        return None  # “the name, if given, …”: of the name, and no condition by itself
    return [("rule", {"when": when, "then": then}) for when in _whens(found["when"])] or None


def _whens(written: str) -> list[dict[str, Any]]:
    found = []
    for side in re.split(r"\bor\b(?! (?:equal|more|less|fewer|older|over|above))", written):
        when: dict[str, Any] = {}
        for part in re.split(r"\band\b", side):
            if part.strip(" ,"):
                name, operand = _condition(part.strip(" ,"))
                when[name] = (
                    (*when[name], operand)
                    if isinstance(when.get(name), tuple)
                    else (when[name], operand)
                    if name in when
                    else operand
                )
        if when:
            found.append(when)
    return found


_SIGNS = [(AT_LEAST, ">="), (r"(?:reaches|reach)", ">="), (AT_MOST, "<="), (MORE, ">"), (LESS, "<")]
_UNITS = r"\s*(?:[A-Za-z%]{1,12}(?: old)?)?"


_SEVERAL = re.compile(r"\d|\b(?:above|below|over|under|more|less|fewer|than|exceeds?|at least|at most|for)\b", re.I)
"""In what should be a name: more is asked than one comparison says."""


def _condition(part: str) -> tuple[str, Any]:
    for words, sign in _SIGNS:
        if found := re.fullmatch(
            rf"(?P<name>.{{1,40}}?)\s+(?:is\s+|are\s+)?{words}\s*\$?(?P<n>{N}){_UNITS}", part, re.I
        ):
            if _SEVERAL.search(found["name"]):
                return part, True
            return _name(found["name"]), f"{sign}{value_of(found['n'])}"
    if found := re.fullmatch(
        rf"(?P<name>.{{1,40}}?)\s+(?:is|are)\s+\$?(?P<n>{N}){_UNITS}\s+or\s+(?P<way>more|over|older|less|fewer|younger)",
        part,
        re.I,
    ):
        return _name(
            found["name"]
        ), f"{'>=' if found['way'] in ('more', 'over', 'older') else '<='}{value_of(found['n'])}"
    if found := re.fullmatch(r"(?P<name>.{1,40}?)\s+(?:is|equals)\s+[\"“]?(?P<value>[^\"”]{1,40})[\"”]?", part, re.I):
        return _name(found["name"]), found["value"].strip()
    return part, True


def _name(written: str) -> str:
    return re.sub(r"^(?:the|an?|its|their)\s+", "", written.strip(), flags=re.I).lower()


def _role(found: re.Match[str]) -> list[tuple[Kind, dict[str, Any]]]:
    may = " ".join(found["may"].lower().split())
    then = f"{'cannot' if 'not' in may else 'can'} {found['act'].strip()}"
    roles = [found["role"], *([found["role2"]] if found.groupdict().get("role2") else [])]
    bare = [re.sub(r"^(?:an?|the|only)\s+", "", role.strip(), flags=re.I).lower() for role in roles]
    return [("rule", {"when": {"role": role}, "then": then}) for role in bare]


def _change(found: re.Match[str]) -> list[tuple[Kind, dict[str, Any]]]:
    event = re.sub(
        r"^(?:when|after|once|on|by|upon)\s+", "", (found["event"] or found["event2"] or "").strip(" ,"), flags=re.I
    )
    event = re.sub(r",?\s*(?:the\s+)?(?:order|ticket|task|request|document|status|state|it)$", "", event, flags=re.I)
    states = [found[name].strip(' "“”') for name in ("b", "other") if found[name]]
    return [("transition", {"from": found["a"].strip(' "“”'), "event": event, "to": state}) for state in states]


_DOES = (
    r"(?:delete|edit|create|view|approve|reject|see|access|modify|change|add|remove|download|export|import|send|assign|"
    r"publish|submit|manage|invite|place|cancel|close|open|book|print|share|update|read|write|sign|order|pay|reset)"
)
"""What people do, and things do not: who does it is a role."""


def _saying(pattern: str, read: Any) -> Saying:
    return Saying(re.compile(pattern, re.I), read)


STATE = r"[\"“]?[A-Za-z][\w-]*(?-i:(?: [A-Z][\w-]*)?)[\"”]?"
SAYINGS = [
    _saying(
        rf"{LABEL_EN}?(?P<chain>[\w“\" /-]{{1,30}}?(?:\s*{ARROW}\s*[\w“”\" /|-]{{1,40}}?)+)\s*(?P<event>\([^)]{{1,40}}\))?(?=[.;,]|$)",
        chained,
    ),
    _saying(
        rf"(?P<event>(?:when|after|once|on|upon)\s(?:[^.;]|\.(?=\d)){{2,60}}?)?,?\s*(?:(?:the|an?)\s+)?(?:[\w]+\s+)?(?:status\s+|state\s+)?(?:(?:can|may)\s+)?(?:(?:changes?|moves?|goes|go|transitions?|switch(?:es)?)|(?:and|then)(?:\s+then)?)\s+from\s+(?P<a>{STATE})\s+to\s+(?P<b>{STATE})(?:\s+or\s+(?:to\s+)?(?P<other>{STATE}))?(?:,?\s+(?P<event2>(?:when|after|once|on|upon)\s[^.;,]{{2,80}}))?(?=\s*(?:[.;,]|$))",
        _change,
    ),
    _saying(
        rf"(?:(?:a|the)\s+)?(?:new\s+)?[\w]*\s?(?:initial\s+(?:status|state)|status\s+initially|starts?\s+(?:in|as))\s+(?:is\s+|state\s+|status\s+)?(?P<state>{STATE})",
        lambda found: [("initial", {"state": found["state"].strip(' "“”')})],
    ),
    _saying(
        rf"(?:(?P<left>(?!(?:and|but)\s){STOP}{{2,50}}?)\s+)?(?:(?:and|but)\s+)?(?:it\s+)?(?:must|should|shall|may|can|has to)(?P<never>\s*not|not)?\s+(?:be\s+)?(?P<way>earlier\s+than|before|later\s+than|after|greater\s+than|less\s+than|more\s+than|lower\s+than|higher\s+than|equal\s+to|equal|the\s+same\s+as|identical\s+to|match|exceed)\s+(?P<right>{STOP}{{2,40}})",
        _compare,
    ),
    _saying(
        rf"(?:after|following|if there are|when there are)\s+(?P<n>{N})\s+(?P<what>(?:consecutive\s+|successive\s+)?(?:failed|incorrect|wrong|unsuccessful|invalid)[\w\s-]{{2,40}}?)(?:\s+in a row)?,?\s+(?P<then>(?:the|an?|users?|it|access|further)\s(?:[^.;]|\.(?=\d)){{3,80}})",
        _repeated,
    ),
    _saying(
        rf"(?P<then>(?:[^.;]|\.(?=\d)){{5,80}}?)\s+after\s+(?P<n>{N})\s+(?P<what>(?:consecutive\s+|successive\s+)?(?:failed|incorrect|wrong|unsuccessful|invalid)[\w\s-]{{2,40}}?)(?:\s+in a row)?(?=[.;,]|$)",
        _repeated,
    ),
    _saying(
        rf"(?P<what>{STOP}{{0,50}}?)\s*\b(?:is|are|remains?)\s+(?:only\s+)?(?:valid|active)\s+for\s+(?P<n>{N})\s+(?P<unit>minutes?|hours?|days?|seconds?)",
        _lasting,
    ),
    _saying(
        rf"(?P<what>{STOP}{{2,50}}?)\s+(?:expires?|times\s+out)\s+(?:after\s+)?(?P<n>{N})\s+(?P<unit>minutes?|hours?|days?|seconds?)(?:\s+of\s+inactivity|\s+after\s+(?:it\s+(?:is|was|has\s+been)\s+\w+|being\s+\w+|\w+))?(?=\s*(?:[.;,]|$))",
        _expiring,
    ),
    *RULES,
    *COUNTS,
    _saying(
        rf"(?:the\s+)?(?P<end>min|max)(?:imum)?\.?\s+(?P<name>(?!length|number of char|file size|size)[a-z][a-z ]{{2,30}}?)(?::|\s+is|\s+of)\s*\$?(?P<n>{N}){UNIT}(?=\s*(?:[.;,]|$))",
        lambda found: [
            ("field", {"name": found["name"].lower(), **amount(found, **{found["end"].lower(): value_of(found["n"])})})
        ],
    ),
    _saying(
        r"(?:if|when|whenever|once)\s+(?P<when>(?:[^.;,]|[.,](?=\d)){3,100}),\s*(?:then\s+)?(?P<then>(?:[^.;]|\.(?=\d)){3,120})",
        _if,
    ),
    _saying(
        r"(?P<then>(?:[^.;,]|[.,](?=\d)){5,100}?)\s+(?:if|when|whenever)\s+(?P<when>(?:[^.;,]|[.,](?=\d)){3,100})", _if
    ),
    _saying(
        rf"only\s+{ROLE}(?:\s+(?:or|and)\s+(?P<other>{ROLE.replace('role', 'role2')}))?\s+(?P<may>can|may|are allowed to|is allowed to)\s+(?P<act>{STOP}{{3,80}})(?=\s*(?:[.;,]|$))",
        _role,
    ),
    _saying(
        rf"(?P<role>(?:an?\s+|the\s+)?[a-z-]*\s?[a-z]+s?)\s+(?P<may>cannot|can\s*not|may\s+not|must\s+not|are\s+not\s+allowed\s+to|can|may)\s+(?P<act>(?:only\s+)?{_DOES}\s{STOP}{{3,80}})(?=\s*(?:[.;,]|$))",
        _role,
    ),
    _saying(
        r"(?P<what>(?:[a-z]+\s)?(?:files?|images?|photos?|pictures?|attachments?|documents?|videos?|uploads?))\s+(?:larger|bigger|greater)\s+than\s+(?P<n>\d+(?:\.\d+)?)\s*(?P<unit>[KMG]i?B)\s+(?:are|is|must\s+be|will\s+be|cannot\s+be|can\s*not\s+be)\s+(?:rejected|refused|denied|uploaded|not\s+(?:accepted|allowed))(?=\s*(?:[.;,]|$))",
        lambda found: [
            ("field", {"name": found["what"].lower(), "type": "file", "max": bytes_of(found["n"], found["unit"])})
        ],
    ),
    _saying(
        rf"(?<!\w){ROLE}\s+(?P<may>cannot|can\s*not|may\s+not|must\s+not|are\s+not\s+allowed\s+to|can|may)\s+(?P<act>(?!be\b|only\b|contain){STOP}{{3,60}})",
        _role,
    ),
]

_FILLERS = re.compile(
    r"\b(?:the|an?|must|should|shall|has|have|to|needs?|is|are|be|of|and|or|its?|with|in|length|long|value|field|input|only|that|which|also|it|they|may|can|"
    r"for|at|as|total|size|this|each|both|contains?)\b|[\s,.;:，。；：、()（）\"“”'’\[\]!*•·\-]",
    re.I,
)
_LEAD = re.compile(
    r"^(?:(?:the|an?|and|but|also|each|every|its|this|that|which|any|for|users?\s+(?:must|can|may|should)\s+(?:enter|provide|choose|select|upload|specify)|enter|provide|choose|select|upload|whose)\s+)|^[\s,.;:()\"“”\-*•]+",
    re.I,
)
_TAIL = re.compile(
    r"(?:\s+(?:must|should|shall|has|have|has to|have to|needs?|needs? to|is|are|be|can|may|field|value|values|input|length|of|size|that|which|with|in|to|at|also|only|and|both|contains?|consists?|can hold|can range|ranges?|measures?|box|holds?|stores?|accepts?|allows?|supports?)|[\s,.;:()\"“”\-])+$|'s(?:\s+length|\s+size)?$",
    re.I,
)
_OF = re.compile(r"^(?:length|size|number|value|count)\s+of\s+(?:the\s+|an?\s+)?", re.I)
_NO_NAME = re.compile(
    r"[,.;?!$]|\b(?:must|should|shall|cannot|can|may|could|will|would|who|whose|that|which|is|are|be|or|either|not|need|when|if|after|before|"
    r"until|than|accepts?|rejects?|displays?|shows?|sends?|validates|checks|takes|lasts)\b|^(?:system|we|i|you|they|he|she)\b",
    re.I,
)
_PEOPLE = re.compile(
    r"(?:\w+ )?(?:users?|customers?|students?|members?|patients?|employees?|managers?|tenants?|admin(?:istrator)?s?|"
    r"visitors?|sellers?|buyers?|applicants?|teachers?|doctors?|drivers?|staff|persons?)",
    re.I,
)
"""Of whom a figure counts something else: “users under 13” are not a field below 13."""
LONGEST_SUBJECT, MOST_WORDS = 40, 5


def empty(rest: str) -> bool:
    return not _FILLERS.sub("", rest)


def subject(rest: str) -> str:
    """What a sentence is about, of the words before what it says; nothing where they can't be a name."""
    bare, previous = rest.strip(), None
    while bare != previous:
        previous = bare
        bare = _TAIL.sub("", _OF.sub("", _LEAD.sub("", bare))).strip()
    fits = len(bare) <= LONGEST_SUBJECT and len(bare.split()) <= MOST_WORDS and not _NO_NAME.search(bare)
    fits = fits and (_PEOPLE.fullmatch(bare) is None or _OF.search(_LEAD.sub("", rest.strip())) is not None)
    return bare.lower() if fits and not empty(bare) else ""


_SPLIT = re.compile(r"[,;]|\s+and\s+(?=(?:is|are|must|should|shall|may|can|cannot|has|it)\b)", re.I)
ENGLISH_GRAMMAR = Grammar(SAYINGS, PHRASES, empty, subject, _SPLIT)
