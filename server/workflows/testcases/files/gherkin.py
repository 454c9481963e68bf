"""Cases as Gherkin: one feature, a rule for each module, a scenario for each case."""

from collections.abc import Iterator
from typing import Any

_WORDS = {
    "en": {
        "feature": "Feature",
        "rule": "Rule",
        "scenario": "Scenario",
        "given": "Given",
        "when": "When",
        "then": "Then",
    }
    | {"and": "And", "title": "Test cases", "data": "data"},
    "zh": {
        "feature": "功能",
        "rule": "规则",
        "scenario": "场景",
        "given": "假如",
        "when": "当",
        "then": "那么",
        "and": "而且",
    }
    | {"title": "测试用例", "data": "数据"},
}


def gherkin_of(result: dict[str, Any]) -> bytes:
    return ("\n".join(_lines(result)) + "\n").encode()


def _lines(result: dict[str, Any]) -> Iterator[str]:
    zh = result["language"] == "zh"
    words = _WORDS["zh" if zh else "en"]
    gap = "" if zh else " "
    yield f"# language: {'zh-CN' if zh else 'en'}"
    yield f"{words['feature']}: {_line(result['title'] or words['title'])}"
    module = None
    for case in result["cases"]:
        if case["module"] != module:
            module = case["module"]
            yield f"\n  {words['rule']}: {_line(module)}"
        yield f"\n    @{case['id']} @{case['technique']} @{case['type']} @P{case['priority']}"
        yield f"    {words['scenario']}: {_line(case['title'])}"
        for number, before in enumerate(case["preconditions"]):
            yield f"      {words['and' if number else 'given']}{gap}{_line(before)}"
        for number, step in enumerate(case["steps"]):
            yield f"      {words['and' if number else 'when']}{gap}{_line(step['action'])}"
            if step["data"]:
                yield f"        | {_cell(step['data'])} |"
        yield f"      {words['then']}{gap}{_line(case['expected'])}"


def _line(text: str) -> str:
    """On one line; a text is never empty, as a step without words is none."""
    return " ".join(text.split()) or "…"


def _cell(text: str) -> str:
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("\r", "").replace("\n", "\\n")
