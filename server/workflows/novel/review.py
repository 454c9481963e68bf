"""All checks of a bible together, and what they found as Markdown."""

from collections.abc import Iterable
from typing import Any

from server.reports.markdown import literal
from server.workflows.novel.bible import Bible
from server.workflows.novel.checks.calendar import check_calendar
from server.workflows.novel.checks.health import check_health
from server.workflows.novel.checks.hints import (
    check_foreshadowing,
    check_places,
    check_plans_against_texts,
    check_plans_behind_texts,
    check_volumes,
)
from server.workflows.novel.checks.naming import Matrix, check_mentions, check_references, check_variants, mentions
from server.workflows.novel.checks.people import check_people
from server.workflows.novel.checks.reading import told
from server.workflows.novel.checks.rules import check_rules
from server.workflows.novel.checks.timeline import check_timeline
from server.workflows.novel.checks.travel import check_travel
from server.workflows.novel.entities import ChapterText, Character, Language
from server.workflows.novel.findings import Finding, in_order
from server.workflows.novel.resolving import resolved
from server.workflows.novel.words import say

OF_TYPE = {
    "outline": (check_volumes,),
    "volumes": (check_volumes,),
    "characters": (check_references, check_variants),
    "world": (check_references, check_places),
    "timeline": (check_references, check_timeline, check_travel),
    "foreshadowing": (check_foreshadowing,),
}
"""What is checked in the end of a task of each type."""


def matrix_of(bible: Bible) -> Matrix:
    return mentions(bible.of(Character), {number: text.text for number, text in bible.numbered(ChapterText).items()})


def review(bible: Bible, only: Iterable[int] | None = None) -> list[Finding]:
    """:param only: the chapters whose texts are told of; all if None."""
    bible = resolved(bible)
    checks = (
        check_references,
        check_timeline,
        check_travel,
        check_foreshadowing,
        check_volumes,
        check_places,
        check_plans_against_texts,
        check_variants,
        check_calendar,
    )
    found = [one for check in checks for one in check(bible)]
    said = list(told(bible))
    found += [*check_people(bible, said), *check_rules(bible, said)]
    found += check_plans_behind_texts(bible)
    found += check_mentions(bible, matrix_of(bible))
    wanted = None if only is None else set(only)
    found += check_health(bible, wanted)
    if wanted is not None:
        found = [one for one in found if not one.about[0].startswith("text:") or int(one.about[0][5:]) in wanted]
    return in_order(found)


def check(task_type: str, bible: Bible) -> list[Finding]:
    """What a task of this type looks at in the end."""
    bible = resolved(bible)
    return in_order(one for check in OF_TYPE.get(task_type, ()) for one in check(bible))


def as_markdown(findings: list[dict[str, Any]], language: Language) -> str:
    """``findings`` as `Finding.to_json` gives them."""
    lines = [f"## {say(language, 'findings')}\n\n"]
    if not findings:
        lines.append(f"{say(language, 'no_findings')}\n\n")
    for one in findings:
        about = " ".join(f"`{key}`" for key in one["about"] if "`" not in key)
        lines.append(f"- **{say(language, one['severity'])}**: {literal(one['message'])} {about}\n")
    return "".join(lines) + "\n"
