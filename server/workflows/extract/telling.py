"""The report of a batch, in the language of its texts: a section for each of the first users, and the sum."""

from collections.abc import Mapping
from typing import Any

from server.reports.markdown import literal
from server.workflows.extract.wording import WORDS, type_name

EVENTS_SHOWN = 5


def head(language: str) -> str:
    return f"# {WORDS[language]['heading']}\n"


def rest(language: str) -> str:
    """In the place of the users that are not shown."""
    return f"\n*{WORDS[language]['rest']}*\n"


def section(found: Mapping[str, Any], language: str) -> str:
    """How one user fared, with the first five events."""
    words, events, error = WORDS[language], found["events"], found["error"]
    lines = [f"\n## {literal(' '.join(found['user_id'].split()))}\n\n"]
    if error is not None:
        lines.append(f"{words['failed']} (`{error['code']}`): {literal(error['message'])}\n\n")
    lines += [_line(event, language) for event in events[:EVENTS_SHOWN]]
    more = len(events) - EVENTS_SHOWN
    if more > 0:
        lines.append(f"\n*{words['more'].format(count=more)}*\n")
    elif not events:
        lines.append(f"*{words['none']}*\n")
    return "".join(lines)


def summary(counts: Mapping[str, int], by_type: Mapping[str, int], language: str) -> str:
    words = WORDS[language]
    lines = [f"\n## {words['summary']}\n\n{words['counts'].format(**counts)}\n"]
    if by_type:
        lines.append(f"\n| {words['type']} | {words['number']} |\n|---|---|\n")
        lines += [f"| {literal(type_name(name, language))} | {number} |\n" for name, number in by_type.items()]
    return "".join(lines)


def _line(event: Mapping[str, Any], language: str) -> str:
    when = event["time"] or {}
    said = [type_name(event["type"], language), when.get("from") or when.get("text")]
    quote = literal(" ".join(event["quote"].split()))
    return f"- {literal(' · '.join(one for one in said if one))}: {quote}\n"
