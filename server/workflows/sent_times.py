"""A date or a time as people and spreadsheets send it, before it is read."""

import re
from typing import Any

_DAY = re.compile(
    r"(?P<year>\d{4})(?:(?P<mark>[-/.])(?P<month>\d{1,2})(?P=mark)(?P<day>\d{1,2})|年(?P<m>\d{1,2})月(?P<d>\d{1,2})日)"
    r"(?:[T\s]\s*(?P<hour>\d{1,2})(?P<rest>:\d\d.*))?",
    re.ASCII,
)
_COMPACT = re.compile(r"(?P<year>(?:19|20|21)\d\d)(?P<month>\d\d)(?P<day>\d\d)", re.ASCII)
_NUMBER = re.compile(r"[-+]?[\d.]+", re.ASCII)


def as_iso(sent: Any) -> Any:
    """``2024/5/1 9:30``, ``2024年5月1日`` and ``20240501`` as ISO 8601; what else it is, is left to whoever reads it.

    For `BeforeValidator`.

    :raises ValueError: it is a number, which would be read as seconds since 1970, whatever was meant.
    """
    if isinstance(sent, (int, float)):
        raise ValueError(_TOLD)
    if not isinstance(sent, str):
        return sent
    text = sent.strip()
    if compact := _COMPACT.fullmatch(text):
        return f"{compact['year']}-{compact['month']}-{compact['day']}"
    found = _DAY.fullmatch(text)
    if found is None:
        if _NUMBER.fullmatch(text):
            raise ValueError(_TOLD)
        return text
    month, day = found["month"] or found["m"], found["day"] or found["d"]
    time = f"T{found['hour']:0>2}{found['rest']}" if found["hour"] else ""
    return f"{found['year']}-{month:0>2}-{day:0>2}{time}"


_TOLD = "Write it as 2026-11-27 or 2026-11-27T10:00:00+08:00; a number may mean anything."
