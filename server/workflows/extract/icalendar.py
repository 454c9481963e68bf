"""Events whose time is known, as a calendar (RFC 5545)."""

import hashlib
from datetime import UTC, date, datetime, timedelta
from typing import Any

from server.workflows.extract.downloads import events_in

LINE_BYTES = 75
_ESCAPES = {ord("\\"): "\\\\", ord(";"): "\\;", ord(","): "\\,", ord("\n"): "\\n", ord("\r"): None}


def calendar_of(whole: dict[str, Any]) -> bytes:
    """One VEVENT each, with the quote as its description; days are whole days, and moments are in UTC."""
    stamp = _utc(datetime.fromisoformat(whole["made_at"]))
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Holdfast//extract//EN", "CALSCALE:GREGORIAN"]
    for event in events_in(whole):
        when = event["time"]
        if when is not None and when["from"] is not None:
            lines += _event(event, when, stamp)
    lines.append("END:VCALENDAR")
    return "".join(f"{_folded(line)}\r\n" for line in lines).encode("utf-8", "replace")


def _event(event: dict[str, Any], when: dict[str, Any], stamp: str) -> list[str]:
    where = [event["user_id"], event["text_id"], event["type"], event["start"], event["end"]]
    uid = hashlib.sha256("\0".join(map(str, where)).encode()).hexdigest()[:32]
    lines = ["BEGIN:VEVENT", f"UID:{uid}@holdfast", f"DTSTAMP:{stamp}", *_times(when["from"], when["to"])]
    lines.append(f"SUMMARY:{_text(' '.join(filter(None, [event['type'], event['trigger'], event['user_id']])))}")
    lines.append(f"DESCRIPTION:{_text(event['quote'])}")
    if event["place"]:
        lines.append(f"LOCATION:{_text(event['place'])}")
    return [*lines, f"CATEGORIES:{_text(event['type'])}", "END:VEVENT"]


def _times(first: str, last: str) -> list[str]:
    if len(first) == len("2024-05-01"):
        # The end of whole days is the first day that is no longer one of them.
        end = date.fromisoformat(last[:10]) + timedelta(days=1)
        return [f"DTSTART;VALUE=DATE:{date.fromisoformat(first):%Y%m%d}", f"DTEND;VALUE=DATE:{end:%Y%m%d}"]
    begins, ends = datetime.fromisoformat(first), datetime.fromisoformat(last)
    lines = [f"DTSTART:{_utc(begins)}"]
    return [*lines, f"DTEND:{_utc(ends)}"] if ends > begins else lines


def _utc(moment: datetime) -> str:
    known = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return known.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


def _text(said: str) -> str:
    return said.translate(_ESCAPES)


def _folded(line: str) -> str:
    """Lines of at most 75 bytes, none cut within a character."""
    pieces: list[str] = []
    piece, size = "", 0
    for character in line:
        more = len(character.encode("utf-8", "replace"))
        if size + more > LINE_BYTES - (1 if pieces else 0):
            pieces.append(piece)
            piece, size = "", 0
        piece += character
        size += more
    return "\r\n ".join([*pieces, piece])
