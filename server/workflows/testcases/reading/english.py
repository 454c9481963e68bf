"""How English requirements say what holds of a field, when something follows, and how states change."""

import re
from typing import Any

from server.workflows.testcases.reading.arrows import ARROW, LABEL_EN, chained
from server.workflows.testcases.reading.english_rules import SAYINGS as RULES
from server.workflows.testcases.reading.findings import CARRIED, Grammar, Kind, Phrase, Saying
from server.workflows.testcases.reading.formats import CHARSETS, FORMATS, KINDS_OF, endings_in
from server.workflows.testcases.reading.numerals import ENGLISH, bytes_of, value_of

N = rf"\b{ENGLISH}\b"
RANGE = rf"(?P<low>{N})\s*(?:-|–|to|and|through)\s*(?P<high>{N})(?!:\d)"
LETTERS = r"\s*(?P<unit>characters?|chars?|letters?|digits?)\b(?:\s+long|\s+in length)?"
UNIT = r"\s*(?P<unit>years?(?:\s+old)?|items?|dollars?|USD|EUR|%|percent|days?|hours?|minutes?|seconds?|times|people|guests?|tickets?|units?|pieces?|files?|images?|photos?|tags?|kg)?(?!\w)"
SIZE = r"\s*(?P<unit>[KMG]i?B|bytes)\b"
BE = r"(?:(?:must|should|shall|has to|have to|needs? to|can|may|is|are)\s+)?(?:be\s+)?"
AT_LEAST = r"(?:at least|no less than|not less than|no fewer than|not fewer than|a minimum of|minimum(?: of)?|greater than or equal to|>=|≥)"
AT_MOST = r"(?:at most|no more than|not more than|up to|a maximum of|maximum(?: of)?|less than or equal to|not exceed|must not exceed|may not exceed|cannot exceed|no longer than|no larger than|not exceeding|<=|≤)"
MORE = r"(?:more than|greater than|over|above|exceeds?|>)"
LESS = r"(?:less than|fewer than|under|below|<)"
CHAR = "|".join(sorted((name for name in CHARSETS if name.isascii()), key=len, reverse=True))
CHARS = rf"(?P<chars>(?:an?\s+|one\s+)?\b(?:{CHAR})\b(?:\s*(?:,\s*(?:and\s+|or\s+)?|and\s+|or\s+)(?:an?\s+|one\s+)?\b(?:{CHAR})\b)*)"
FORMAT = "|".join(sorted((name for name in FORMATS if name.isascii()), key=len, reverse=True))
ITEM = r"[\"“']?[A-Za-z0-9][\w &+/-]{0,24}?[\"”']?"
LIST = rf"(?P<items>{ITEM}(?:\s*,\s*(?:or\s+|and\s+)?{ITEM})*(?:,?\s+(?:or|and)\s+{ITEM}))(?=[\s.;,)]*$|[.;)])"
WORD = r"[\"“']?(?!(?:in|at|more|less|equal|an?|the|between|before|after)\b)[A-Za-z][\w-]{0,20}[\"”']?"
ROLE = r"(?P<role>(?:an?\s+|the\s+)?[\w-]*\s?(?:users?|admins?|administrators?|members?|guests?|managers?|owners?|editors?|customers?|visitors?|moderators?))"
_STOP = r"[^.;,]"


def _length(found: re.Match[str], **bounds: Any) -> dict[str, Any]:
    told: dict[str, Any] = {"type": "string", **bounds}
    unit = (found["unit"] or "").lower()
    if unit.startswith("digit"):
        told["charset"] = CHARSETS["digits"]
    elif unit.startswith("letter"):
        told["charset"] = CHARSETS["letters"]
    return told


def _amount(found: re.Match[str], **bounds: Any) -> dict[str, Any]:
    unit = (found["unit"] or "").strip()
    money = unit.lower().rstrip("s") in ("dollar", "usd", "eur", "%", "percent", "kg") or "$" in found[0]
    fraction = any(isinstance(bound, float) for bound in bounds.values())
    return {"type": "number" if money or fraction else "integer", "unit": unit, **bounds}


def _charset(found: re.Match[str]) -> dict[str, Any]:
    return {"type": "string", "charset": "".join(CHARSETS[one.lower()] for one in _named(found["chars"]))}


def _contains(found: re.Match[str]) -> dict[str, Any] | None:
    kinds = [KINDS_OF.get(one.lower()) for one in _named(found["chars"])]
    joined = re.search(r"\bor\b", found["chars"]) is not None
    return None if None in kinds or joined or not kinds else {"type": "string", "contains": list(dict.fromkeys(kinds))}


def _named(listed: str) -> list[str]:
    return re.findall(rf"\b(?:{CHAR})\b", listed, re.I)


def _values(found: re.Match[str]) -> dict[str, Any] | None:
    items = [one.strip(" \"“”'") for one in re.split(r"\s*,\s*(?:or\s+|and\s+)?|\s+(?:or|and)\s+", found["items"])]
    items = [one for one in items if one]
    return {"type": "enum", "values": items} if len(set(items)) == len(items) > 1 else None


def _files(found: re.Match[str]) -> dict[str, Any] | None:
    values = endings_in(found["items"])
    return {"type": "file", "values": values} if values else None


def _day(found: re.Match[str]) -> dict[str, Any]:
    past, never = found["way"].lower() in ("past", "before today", "earlier than today"), found["never"] is not None
    if found["way"].lower() == "past":
        return {"type": "date", "min" if never else "max": "today" if never else "today-1"}
    if found["way"].lower() == "future":
        return {"type": "date", "max" if never else "min": "today" if never else "today+1"}
    if never:
        return {"type": "date", "min" if past else "max": "today"}
    return {"type": "date", "max" if past else "min": "today-1" if past else "today+1"}


def _phrase(pattern: str, props: Any) -> Phrase:
    return Phrase(re.compile(pattern, re.I), props)


PHRASES = [
    _phrase(
        r"(?:(?:is|are|may be)\s+)?(?:optional|not required|left (?:empty|blank))\b", lambda found: {"required": False}
    ),
    _phrase(
        r"(?:(?:is|are)\s+)?(?:required|mandatory)\b(?!\s+(?:to|that|if|when|for))|(?:must|can|may|should)(?:\s*not|not)\s+be\s+(?:empty|blank|left blank|left empty)|must be (?:filled in|provided|specified)\b",
        lambda found: {"required": True},
    ),
    _phrase(
        r"(?:must|should|shall|has to|needs? to)?\s*(?:be\s+)?\bunique\b|must not (?:already exist|be duplicated)|no duplicates(?: are)? allowed",
        lambda found: {"unique": True},
    ),
    _phrase(
        r"(?:must|should|shall)?\s*(?:be\s+)?an?\s+positive\s+(?:integer|whole number)",
        lambda found: {"type": "integer", "min": 1},
    ),
    _phrase(
        r"(?:must|should|shall)?\s*(?:be\s+)?an?\s+(?:non-negative|nonnegative)\s+(?:integer|whole number)",
        lambda found: {"type": "integer", "min": 0},
    ),
    _phrase(
        r"(?:(?:must|should|shall)\s+be|is|are)\s+an?\s+(?:integer|whole number)|whole numbers only|integers only",
        lambda found: {"type": "integer"},
    ),
    _phrase(
        rf"(?:with\s+)?(?:{AT_MOST}|exactly)?\s*(?P<places>{N})\s+decimal\s+(?:places?|digits?)",
        lambda found: {"type": "number", "step": 10 ** -int(value_of(found["places"]))},
    ),
    _phrase(
        rf"(?:(?:must|may|can)\s*not\s+exceed|cannot exceed|{BE}(?:{AT_MOST}|smaller than|limited to))\s*(?P<high>\d+(?:\.\d+)?){SIZE}(?:\s+in size)?|(?:maximum|max)\.?\s+(?:file\s+)?size(?:\s+is|\s+of|:)?\s*(?P<high2>\d+(?:\.\d+)?)\s*(?P<unit2>[KMG]i?B)\b",
        lambda found: {
            "type": "file",
            "max": bytes_of(found["high"] or found["high2"], found["unit"] or found["unit2"]),
        },
    ),
    _phrase(
        r"(?:(?:supported|allowed|accepted)\s+(?:file\s+)?(?:formats?|types?)(?:\s+are|\s+is|:)?|(?:only|must be|accepts?|supports?|in|as an?)(?:\s+the)?(?:\s+following)?)\s+(?P<items>\.?(?:jpe?g|png|gif|bmp|webp|svg|pdf|docx?|xlsx?|pptx?|csv|txt|md|zip|rar|mp[34]|wav|json|xml|html)\b(?:\s*(?:,\s*(?:and\s+|or\s+)?|/|or\s+|and\s+)\s*\.?(?:jpe?g|png|gif|bmp|webp|svg|pdf|docx?|xlsx?|pptx?|csv|txt|md|zip|rar|mp[34]|wav|json|xml|html)\b)*)(?:\s+(?:files?|images?|formats?|documents?))?(?:\s+(?:is|are)\s+(?:accepted|allowed|supported))?",
        _files,
    ),
    _phrase(
        rf"(?:must|should|shall|has to)?\s*(?:start|begin)s?\s+with\s+(?:an?\s+)?(?P<chars>{CHAR})\b",
        lambda found: {"type": "string", "first": CHARSETS[found["chars"].lower()]},
    ),
    _phrase(
        rf"(?:must|should|shall|has to|needs? to)?\s*(?<!only\s)(?:contains?|includes?|have|with)\s+(?:at least\s+)?(?:one\s+|an?\s+)?{CHARS}(?!\s+(?:only|of))",
        _contains,
    ),
    _phrase(
        rf"(?:must|should|shall|has to|needs? to)?\s*(?:be|match|have|is)\s+(?:in\s+)?(?:an?\s+|the\s+)?(?:valid|well-formed)\s+(?P<format>{FORMAT})(?:\s+format)?",
        lambda found: {"type": "string", "pattern": FORMATS[found["format"].lower()]},
    ),
    _phrase(
        r"(?:is|are|must be|should be)?\s*(?:in\s+)?(?:the\s+)?(?:format\s+)?YYYY-MM-DD(?:\s+format)?",
        lambda found: {"type": "date"},
    ),
    _phrase(
        r"(?:must|should|shall|may|can)(?P<never>\s*not|not)?\s+(?:be|lie)\s+(?:a\s+)?(?:date\s+)?(?:in\s+the\s+)?(?P<way>past|future|before today|earlier than today|after today|later than today)\b(?:\s+date)?",
        _day,
    ),
    _phrase(
        rf"{BE}(?:between\s+)?{RANGE}{LETTERS}",
        lambda found: _length(found, min=value_of(found["low"]), max=value_of(found["high"])),
    ),
    _phrase(
        rf"(?:has|have|with)?\s*(?:a\s+)?length\s+(?:{BE}(?:of\s+)?)?(?:between\s+)?{RANGE}(?P<unit>)",
        lambda found: _length(found, min=value_of(found["low"]), max=value_of(found["high"])),
    ),
    _phrase(
        rf"{BE}(?:have\s+)?{AT_LEAST}\s*(?P<low>{N}){LETTERS}", lambda found: _length(found, min=value_of(found["low"]))
    ),
    _phrase(
        rf"{BE}(?:(?:have|contain)\s+)?(?:limited to\s+|(?:a\s+)?max(?:imum)?(?:\s+length)?(?:\s+of|\s+is)?\s+|{AT_MOST}\s*)(?P<high>{N}){LETTERS}(?:\s+(?:maximum|max))?",
        lambda found: _length(found, max=value_of(found["high"])),
    ),
    _phrase(
        rf"{BE}(?:have\s+)?(?:exactly\s+)?(?P<low>{N})\s*(?P<unit>characters?|digits?|letters?)\b(?:\s+long|\s+in length)?",
        lambda found: _length(found, min=value_of(found["low"]), max=value_of(found["low"])),
    ),
    _phrase(
        rf"(?:may|must|can|should)?\s*(?:only\s+)?(?:contains?|consists?\s+of|be made up of|uses?)\s+(?:only\s+)?{CHARS}(?:\s+only)?|only\s+(?P<chars2>(?:{CHAR})(?:\s*(?:,\s*(?:and\s+)?|and\s+|or\s+)(?:{CHAR}))*)(?:\s+(?:are|is)\s+allowed)?",
        lambda found: (
            _charset(found)
            if (found["chars"] and "only" in found[0].lower()) or (found["chars"] and "consist" in found[0].lower())
            else {"type": "string", "charset": "".join(CHARSETS[one.lower()] for one in _named(found["chars2"]))}
            if found["chars2"]
            else None
        ),
    ),
    _phrase(rf"(?:(?:must|can|may|should)?\s*(?:be|is)\s+)?(?:one of|either)(?:\s+the following)?:?\s+{LIST}", _values),
    _phrase(rf"(?:possible|allowed|valid|permitted)\s+values(?:\s+are|:)?\s+{LIST}", _values),
    _phrase(
        r"(?:(?:which|and)\s+)?(?:is|are)?\s*(?:by default|defaults? to|(?:the\s+)?default(?:\s+value)?\s+is)\s+[\"“]?(?P<value>[^.,;\"”()]{1,30})[\"”]?",
        lambda found: {"default": found["value"].strip()},
    ),
    _phrase(
        rf"{BE}(?:(?:in the )?range(?:\s+of|\s+is|:|from)?\s*|between\s+|from\s+)?\$?{RANGE}{UNIT}(?:,?\s*inclusive)?",
        lambda found: _amount(found, min=value_of(found["low"]), max=value_of(found["high"])),
    ),
    _phrase(rf"{BE}{AT_LEAST}\s*\$?(?P<low>{N}){UNIT}", lambda found: _amount(found, min=value_of(found["low"]))),
    _phrase(
        rf"{BE}(?P<low>{N})\s*(?P<unit>years?(?:\s+old)?|items?|units?)?\s+or\s+(?:more|older|over|above)",
        lambda found: _amount(found, min=value_of(found["low"])),
    ),
    _phrase(
        rf"{BE}(?P<high>{N})\s*(?P<unit>years?(?:\s+old)?|items?|units?)?\s+or\s+(?:less|fewer|younger)",
        lambda found: _amount(found, max=value_of(found["high"])),
    ),
    _phrase(
        rf"{BE}(?:limited to\s+|{AT_MOST}\s*)\$?(?P<high>{N}){UNIT}",
        lambda found: _amount(found, max=value_of(found["high"])),
    ),
    _phrase(rf"{BE}{MORE}\s*\$?(?P<low>{N}){UNIT}", lambda found: _amount(found, above=value_of(found["low"]))),
    _phrase(rf"{BE}{LESS}\s*\$?(?P<high>{N}){UNIT}", lambda found: _amount(found, under=value_of(found["high"]))),
    _phrase(
        rf"(?:can|may|must)\s+be\s+(?:either\s+)?(?P<items>{WORD}(?:\s*,\s*{WORD})*,?\s+or\s+{WORD})(?=[\s.;,)]*$|[.;)])",
        _values,
    ),
]

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


def _compare(found: re.Match[str]) -> list[tuple[Kind, dict[str, Any]]] | None:
    left, right = subject(found["left"]), subject(found["right"])
    operator = _COMPARED[" ".join(found["way"].lower().split())]
    if found["never"]:
        operator = _TURNED[operator]
    if not left or not right or re.match(rf"{N}|\$|today|valid|in the", right, re.I):
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


def _condition(part: str) -> tuple[str, Any]:
    for words, sign in _SIGNS:
        if found := re.fullmatch(
            rf"(?P<name>.{{1,40}}?)\s+(?:is\s+|are\s+)?{words}\s*\$?(?P<n>{N}){_UNITS}", part, re.I
        ):
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
    role = re.sub(r"^(?:an?|the|only)\s+", "", found["role"].strip(), flags=re.I).lower()
    then = f"{'cannot' if 'not' in may else 'can'} {found['act'].strip()}"
    return [("rule", {"when": {"role": role}, "then": then})]


def _change(found: re.Match[str]) -> list[tuple[Kind, dict[str, Any]]]:
    event = re.sub(
        r"^(?:when|after|once|on|by|upon)\s+", "", (found["event"] or found["event2"] or "").strip(" ,"), flags=re.I
    )
    event = re.sub(r",?\s*(?:the\s+)?(?:order|ticket|task|request|document|status|state|it)$", "", event, flags=re.I)
    states = [found[name].strip(' "“”') for name in ("b", "other") if found[name]]
    return [("transition", {"from": found["a"].strip(' "“”'), "event": event, "to": state}) for state in states]


def _saying(pattern: str, read: Any) -> Saying:
    return Saying(re.compile(pattern, re.I), read)


STATE = r"[\"“]?[A-Za-z][\w-]*(?-i:(?: [A-Z][\w-]*)?)[\"”]?"
SAYINGS = [
    _saying(
        rf"{LABEL_EN}?(?P<chain>[\w“\" /-]{{1,30}}?(?:\s*{ARROW}\s*[\w“”\" /|-]{{1,40}}?)+)\s*(?P<event>\([^)]{{1,40}}\))?(?=[.;,]|$)",
        chained,
    ),
    _saying(
        rf"(?P<event>(?:when|after|once|on|upon)\s[^.;]{{2,60}}?)?,?\s*(?:(?:the|an?)\s+)?(?:[\w]+\s+)?(?:status\s+|state\s+)?(?:(?:can|may)\s+)?(?:changes?|moves?|goes|go|transitions?|switch(?:es)?)\s+from\s+(?P<a>{STATE})\s+to\s+(?P<b>{STATE})(?:\s+or\s+(?:to\s+)?(?P<other>{STATE}))?(?:\s+(?P<event2>(?:when|after|once|on|upon)\s[^.;]{{2,60}}))?",
        _change,
    ),
    _saying(
        rf"(?:(?:a|the)\s+)?(?:new\s+)?[\w]*\s?(?:initial\s+(?:status|state)|status\s+initially|starts?\s+(?:in|as))\s+(?:is\s+|state\s+|status\s+)?(?P<state>{STATE})",
        lambda found: [("initial", {"state": found["state"].strip(' "“”')})],
    ),
    _saying(
        rf"(?P<left>{_STOP}{{2,50}}?)\s+(?:must|should|shall|may|can|has to)(?P<never>\s*not|not)?\s+(?:be\s+)?(?P<way>earlier\s+than|before|later\s+than|after|greater\s+than|less\s+than|more\s+than|lower\s+than|higher\s+than|equal\s+to|equal|the\s+same\s+as|identical\s+to|match|exceed)\s+(?P<right>{_STOP}{{2,40}})",
        _compare,
    ),
    _saying(
        rf"(?:after|following|if there are|when there are)\s+(?P<n>{N})\s+(?P<what>(?:consecutive\s+|successive\s+)?(?:failed|incorrect|wrong|unsuccessful|invalid)[\w\s-]{{2,40}}?)(?:\s+in a row)?,?\s+(?P<then>(?:the|an?|users?|it|access|further)\s[^.;]{{3,80}})",
        _repeated,
    ),
    _saying(
        rf"(?P<then>[^.;]{{5,80}}?)\s+after\s+(?P<n>{N})\s+(?P<what>(?:consecutive\s+|successive\s+)?(?:failed|incorrect|wrong|unsuccessful|invalid)[\w\s-]{{2,40}}?)(?:\s+in a row)?(?=[.;,]|$)",
        _repeated,
    ),
    _saying(
        rf"(?P<what>{_STOP}{{0,50}}?)\s*\b(?:is|are|remains?)\s+(?:only\s+)?(?:valid|active)\s+for\s+(?P<n>{N})\s+(?P<unit>minutes?|hours?|days?|seconds?)",
        _lasting,
    ),
    _saying(
        rf"(?P<what>{_STOP}{{2,50}}?)\s+(?:expires?|times\s+out)\s+after\s+(?P<n>{N})\s+(?P<unit>minutes?|hours?|days?|seconds?)(?:\s+of\s+inactivity)?",
        _expiring,
    ),
    *RULES,
    _saying(r"(?:if|when|whenever|once)\s+(?P<when>[^.;,]{3,100}),\s*(?:then\s+)?(?P<then>[^.;]{3,120})", _if),
    _saying(r"(?P<then>[^.;,]{5,100}?)\s+(?:if|when|whenever)\s+(?P<when>[^.;,]{3,100})", _if),
    _saying(rf"only\s+{ROLE}\s+(?P<may>can|may|are allowed to|is allowed to)\s+(?P<act>{_STOP}{{3,60}})", _role),
    _saying(
        rf"(?<!\w){ROLE}\s+(?P<may>cannot|can\s*not|may\s+not|must\s+not|are\s+not\s+allowed\s+to|can|may)\s+(?P<act>(?!be\b|only\b|contain){_STOP}{{3,60}})",
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
    r"(?:\s+(?:must|should|shall|has|have|has to|have to|needs?|needs? to|is|are|be|can|may|field|value|values|input|length|of|size|that|which|with|in|to|at|also|only|and|both|contains?|can hold|holds?|stores?|accepts?|allows?|supports?)|[\s,.;:()\"“”\-])+$|'s(?:\s+length|\s+size)?$",
    re.I,
)
_OF = re.compile(r"^(?:length|size|number|value|count)\s+of\s+(?:the\s+|an?\s+)?", re.I)
_NO_NAME = re.compile(r"[,.;?!$]|\b(?:must|should|shall|cannot)\b", re.I)
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
    return bare.lower() if fits and not empty(bare) else ""


_SPLIT = re.compile(r"[,;]|\s+and\s+(?=(?:is|are|must|should|shall|may|can|has|it)\b)", re.I)
ENGLISH_GRAMMAR = Grammar(SAYINGS, PHRASES, empty, subject, _SPLIT)
