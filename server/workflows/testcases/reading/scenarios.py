"""Given, when, then: a scenario over several lines is one rule, with its lines as conditions word for word."""

import re
from typing import Any

_GIVEN, _WHEN, _THEN = "Given|假如|假设|假定|前提|给定", "When|当", "Then|那么|则"
_AND = re.compile(r"\n[ \t]*(?:[-*]\s+)?(?:And|But|而且|并且|同时|且|但是)[ \t:：,，]+(?=\S)", re.I)
_MORE = r"(?:\n[ \t]*(?:[-*]\s+)?(?:And|But|而且|并且|同时|且|但是)[ \t:：,，]+\S[^\n]*)*"
_SCENARIO = re.compile(
    rf"(?:[ \t]*(?:[-*]\s+)?(?:{_GIVEN})[ \t:：,，]*(?P<given>\S[^\n]*{_MORE})\n)?"
    rf"[ \t]*(?:[-*]\s+)?(?:{_WHEN})[ \t:：,，]*(?P<when>\S[^\n]*{_MORE})\n"
    rf"[ \t]*(?:[-*]\s+)?(?:{_THEN})[ \t:：,，]*(?P<then>\S[^\n]*{_MORE})",
    re.I,
)
HEAD = re.compile(
    r"[ \t]*(?:[-*#]+\s+)?(?:(?P<part>Feature|Rule|功能|规则)|Scenario(?:\s+Outline)?|Background|场景大?纲?|背景)[:：][ \t]*(?P<name>\S[^\n]{0,99})?$"
)


def scenario_at(text: str, start: int) -> tuple[int, dict[str, Any]] | None:
    """Where a scenario that begins at a line ends, and its rule; None: none begins there."""
    found = _SCENARIO.match(text, start)
    if found is None:
        return None
    conditions = [*_steps(found["given"] or ""), *_steps(found["when"])]
    return found.end(), {"when": dict.fromkeys(conditions, True), "then": "; ".join(_steps(found["then"]))}


def _steps(written: str) -> list[str]:
    return [bare for one in _AND.split(written) if (bare := one.strip(" \t\r，,。.;；"))]
