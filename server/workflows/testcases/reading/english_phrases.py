"""How English requirements say what holds of one field."""

import re
from typing import Any

from server.workflows.testcases.reading.findings import Phrase
from server.workflows.testcases.reading.formats import CHARSETS, FORMATS, KINDS_OF, endings_in
from server.workflows.testcases.reading.numerals import ENGLISH, MINUS, bytes_of, value_of

N = rf"{MINUS}\b{ENGLISH}\b"
RANGE = rf"(?P<low>{N})\s*%?\s*(?:-|–|to|and|through)\s*\$?(?P<high>{N})(?!:\d)"
LETTERS = r"\s*(?P<unit>(?:alphabetic\s+|alphanumeric\s+|numeric\s+)?(?:characters?|chars?|letters?|digits?))\b(?:\s+long|\s+in length)?"
UNIT = r"\s*(?P<unit>years?(?:\s+old)?|items?|dollars?|USD|EUR|%|percent|days?|hours?|minutes?|seconds?|times|people|guests?|tickets?|units?|pieces?|files?|images?|photos?|tags?|kg|cm|mm|km|mg|m[lL]|mmol/L|mmHg|kWh|bpm|°\s?[CF]|months?|weeks?|points?)?(?!\w)"
SIZE = r"\s*(?P<unit>[KMG]i?B|bytes)\b"
BE = r"(?:(?:must|should|shall|has to|have to|needs? to|can|may|is|are)\s+)?(?:(?:only\s+)?(?:be(?:\s+(?:kept|set|entered))?|stay|remain|lie|fall|accepts?|allows?)\s+)?"
AT_LEAST = r"(?:at least|no less than|not less than|no fewer than|not fewer than|a minimum of|\bmin(?:imum|\.)?(?: of)?|greater than or equal to|>=|≥)"
AT_MOST = r"(?:at most|no more than|not more than|up to|a maximum of|\bmax(?:imum|\.)?(?: of)?|less than or equal to|not exceed|must not exceed|may not exceed|cannot exceed|no longer than|no larger than|not exceeding|<=|≤)"
MORE = r"(?:more than|greater than|over|above|exceeds?|>)"
LESS = r"(?:less than|fewer than|under|below|<)"
CHAR = "|".join(sorted((name for name in CHARSETS if name.isascii()), key=len, reverse=True))
CHARS = rf"(?P<chars>(?:an?\s+|one\s+)?\b(?:{CHAR})\b(?:\s*(?:,\s*(?:and\s+|or\s+)?|and\s+|or\s+)(?:an?\s+|one\s+)?\b(?:{CHAR})\b)*)"
FORMAT = "|".join(sorted((name for name in FORMATS if name.isascii()), key=len, reverse=True))
ITEM = r"[\"“']?[A-Za-z0-9][\w &+/-]{0,24}?[\"”']?"
LIST = rf"(?P<items>{ITEM}(?:\s*,\s*(?:or\s+|and\s+)?{ITEM})*(?:,?\s+(?:or|and)\s+{ITEM}))(?=[\s.;,)]*$|[.;)])"
WORD = r"[\"“']?(?!(?:in|at|more|less|equal|an?|the|between|before|after)\b)[A-Za-z][\w-]{0,20}[\"”']?"
ROLE = r"(?P<role>(?:an?\s+|the\s+)?[\w-]*\s?(?:users?|admins?|administrators?|members?|guests?|managers?|owners?|editors?|customers?|visitors?|moderators?))"
STOP = r"(?:[^.;,]|[.,](?=\d))"


def _length(found: re.Match[str], **bounds: Any) -> dict[str, Any]:
    told: dict[str, Any] = {"type": "string", **bounds}
    unit = (found["unit"] or "").lower()
    if unit.startswith(("digit", "numeric")):
        told["charset"] = CHARSETS["digits"]
    elif unit.startswith(("letter", "alphabetic")):
        told["charset"] = CHARSETS["letters"]
    elif unit.startswith("alphanumeric"):
        told["charset"] = CHARSETS["alphanumeric characters"]
    return told


def amount(found: re.Match[str], **bounds: Any) -> dict[str, Any]:
    unit = (found["unit"] or "").strip()
    money = unit.lower().rstrip("s") in ("dollar", "usd", "eur", "%", "percent", "kg") or "$" in found[0]
    fraction = any(isinstance(bound, float) for bound in bounds.values())
    return {"type": "number" if money or fraction else "integer", "unit": unit, **bounds}


def _charset(found: re.Match[str]) -> dict[str, Any]:
    return {"type": "string", "charset": "".join(CHARSETS[one.lower()] for one in _named(found["chars"]))}


_MAY = re.compile(r"\b(?:may|can|not|cannot|never)\s+(?:only\s+)?(?:contain|include|have|with)?s?\s*$", re.I)
"""What stands before: that it can contain something does not say that it has to."""


def _contains(found: re.Match[str]) -> dict[str, Any] | None:
    if _MAY.search(found.string[: found.start()] + found[0].lstrip()[:8]):
        return None
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
        r"(?:(?:is|are|may be)\s+)?(?:optional|not (?:required|mandatory|compulsory)|left (?:empty|blank))\b",
        lambda found: {"required": False},
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
        r"(?:must|should|shall)?\s*(?:be\s+)?an?\s+(?P<sign>non-?negative|positive)\s+(?:number|decimal|amount)",
        lambda found: {"type": "number", "min" if found["sign"].lower().startswith("non") else "above": 0},
    ),
    _phrase(
        r"(?:(?:(?:must|should|shall)\s+be|is|are)(?:\s+(?:entered|given)\s+as)?|as)\s+an?\s+(?:integer|whole number)|whole numbers only|integers only",
        lambda found: {"type": "integer"},
    ),
    _phrase(
        rf"(?:with\s+)?(?:{AT_MOST}|exactly)?\s*(?P<places>{N})\s+decimal\s+(?:places?|digits?)",
        lambda found: {"type": "number", "step": 10 ** -int(value_of(found["places"]))},
    ),
    _phrase(r"(?:(?<=[:,])|(?<=[:,]\s))\s*(?:an?\s+)?integer\b", lambda found: {"type": "integer"}),
    _phrase(
        rf"(?:(?:possible|allowed|valid|permitted)\s+)?(?:values?|options?|choices):\s+(?P<items>{ITEM}(?:\s*,\s*(?:or\s+|and\s+)?{ITEM})+)(?=\s*[.;]?\s*$)",
        _values,
    ),
    _phrase(
        rf"(?:in\s+)?(?:steps?|increments?|multiples?)\s+of\s+\$?(?P<step>{N})",
        lambda found: {
            "type": "integer" if value_of(found["step"]) % 1 == 0 else "number",
            "step": value_of(found["step"]),
        },
    ),
    _phrase(
        rf"(?:must|can|may)?\s*not\s+(?:contain|include|have)\s+(?:any\s+)?{CHARS}",
        lambda found: {"type": "string", "without": _charset(found)["charset"]},
    ),
    _phrase(
        rf"(?:must\s+be\s+|is\s+|are\s+|can\s+be\s+|may\s+be\s+)?(?:selected|chosen|picked)\s+from:?\s+(?:the\s+following:?\s+)?{LIST}",
        _values,
    ),
    _phrase(
        rf"(?:has\s+|with\s+)?(?:an?\s+|the\s+)?(?P<end>max(?:imum)?|min(?:imum)?)\.?\s+(?:length|number\s+of\s+characters)(?:\s+is|\s+of|:)?\s*(?P<n>{N})(?P<unit>(?:\s*(?:characters?|chars?))?)\b",
        lambda found: {"type": "string", found["end"][:3].lower(): value_of(found["n"])},
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
        rf"(?:must|should|shall|has to|needs? to)?\s*(?<!only\s)(?:contains?|includes?|have|with)\s+(?:at least\s+)?(?:one\s+|an?\s+)?{CHARS}(?!\w|\s+(?:only|of)\b|\s*(?:,|and|or)\s+(?:(?:and|or)\s+)?(?:an?\s+)?(?:{CHAR})\b)",
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
        rf"{BE}(?:have\s+)?(?:exactly\s+)?(?P<low>{N}){LETTERS}",
        lambda found: _length(found, min=value_of(found["low"]), max=value_of(found["low"])),
    ),
    _phrase(
        rf"(?:may|must|can|should)?\s*(?:only\s+)?(?:contains?|consists?\s+of|be made up of|uses?)\s+(?:only\s+)?{CHARS}(?:\s+only)?|(?<![\w-])(?P<chars3>(?:{CHAR})\b(?:\s*(?:,\s*(?:and\s+)?|and\s+)(?:{CHAR})\b)*)\s+only|only\s+(?P<chars2>(?:{CHAR})(?:\s*(?:,\s*(?:and\s+)?|and\s+|or\s+)(?:{CHAR}))*)(?:\s+(?:are|is)\s+allowed)?",
        lambda found: (
            _charset(found)
            if (found["chars"] and "only" in found[0].lower()) or (found["chars"] and "consist" in found[0].lower())
            else {"type": "string", "charset": "".join(CHARSETS[one.lower()] for one in _named(found["chars2"]))}
            if found["chars2"]
            else {"type": "string", "charset": "".join(CHARSETS[one.lower()] for one in _named(found["chars3"]))}
            if found["chars3"]
            else None
        ),
    ),
    _phrase(rf"(?:(?:must|can|may|should)?\s*(?:be|is)\s+)?(?:one of|either)(?:\s+the following)?:?\s+{LIST}", _values),
    _phrase(rf"(?:possible|allowed|valid|permitted)\s+values(?:\s+are|:)?\s+{LIST}", _values),
    _phrase(
        r"(?:(?:which|and)\s+)?(?:is|are)?\s*(?:by default|defaults? to|(?:the\s+)?default(?:\s+value)?(?:\s+is|:)?)\s+[\"“]?(?P<value>[^.,;\"”()]{1,30})[\"”]?",
        lambda found: {"default": found["value"].strip()},
    ),
    _phrase(
        rf"{BE}(?:(?:in the )?range(?:\s+of|\s+is|:|from)?\s*|between\s+|from\s+)?\$?{RANGE}{UNIT}(?:,?\s*inclusive)?",
        lambda found: amount(found, min=value_of(found["low"]), max=value_of(found["high"])),
    ),
    _phrase(rf"{BE}{AT_LEAST}\s*\$?(?P<low>{N}){UNIT}", lambda found: amount(found, min=value_of(found["low"]))),
    _phrase(
        rf"{BE}(?P<low>{N})\s*(?P<unit>years?(?:\s+old)?|items?|units?)?\s+or\s+(?:more|older|over|above)",
        lambda found: amount(found, min=value_of(found["low"])),
    ),
    _phrase(
        rf"{BE}(?P<high>{N})\s*(?P<unit>years?(?:\s+old)?|items?|units?)?\s+or\s+(?:less|fewer|younger)",
        lambda found: amount(found, max=value_of(found["high"])),
    ),
    _phrase(
        rf"{BE}(?:limited to\s+|{AT_MOST}\s*)\$?(?P<high>{N}){UNIT}",
        lambda found: amount(found, max=value_of(found["high"])),
    ),
    _phrase(rf"{BE}{MORE}\s*\$?(?P<low>{N}){UNIT}", lambda found: amount(found, above=value_of(found["low"]))),
    _phrase(rf"{BE}{LESS}\s*\$?(?P<high>{N}){UNIT}", lambda found: amount(found, under=value_of(found["high"]))),
    _phrase(
        rf"(?:can|may|must)\s+be\s+(?:either\s+)?(?P<items>{WORD}(?:\s*,\s*{WORD})*,?\s+or\s+{WORD})(?=[\s.;,)]*$|[.;)])",
        _values,
    ),
]
