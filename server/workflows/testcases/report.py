"""The report: what was read, what was not, what is wrong with it, what is covered, and the cases."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from server.reports.markdown import literal
from server.workflows.testcases.wording import Language

_TEXTS = {
    "title": ("Test cases", "测试用例"),
    "about": (
        "Made by the embedded engine, by rules and without a model: what its grammar does not understand stands under "
        "“Not understood”.",
        "由内置引擎按规则生成，未使用模型：语法未能理解的内容列在“未能理解”之下。",
    ),
    "about_llm": (
        "Read by rules and by the model {model}; what the model adds is bound to a quote. Coverage is counted by code.",
        "由规则和模型 {model} 共同阅读；模型补充的内容均附原文引用。覆盖率由程序统计。",
    ),
    "issues": ("What is wrong with the requirements", "需求中的问题"),
    "unparsed": ("Not understood", "未能理解"),
    "unparsed_note": (
        "No case comes of what follows ({count}); look at it yourself.",
        "以下 {count} 处未生成用例，请人工处理。",
    ),
    "coverage": ("Coverage", "覆盖"),
    "head": (
        "| technique | obligations | covered | infeasible | cut |",
        "| 方法 | 测试项 | 已覆盖 | 不可行 | 舍去 |",
    ),
    "all": ("all", "合计"),
    "ep": ("equivalence classes", "等价类"),
    "bva": ("boundary values", "边界值"),
    "decision": ("decision tables", "判定表"),
    "pairwise": ("combinations", "组合"),
    "state": ("state transitions", "状态转换"),
    "model": ("by the model", "模型补充"),
    "infeasible": ("What no case can cover", "无法覆盖的测试项"),
    "more": ("and {count} more", "另有 {count} 项"),
    "cases": (
        "| id | case | type | priority | steps | expected |",
        "| 编号 | 用例 | 类型 | 优先级 | 步骤 | 预期 |",
    ),
    "positive": ("positive", "正向"),
    "negative": ("negative", "反向"),
    "step_read": ("Reading the requirements", "阅读需求"),
    "step_ask": ("The model reads, part {number}", "模型阅读，第 {number} 部分"),
    "step_design": ("Cases for {module}", "设计用例：{module}"),
    "step_write": ("Writing the cases", "写出用例"),
    "nothing": ("Nothing could be read out of the requirements.", "未能从需求中读出任何内容。"),
    "contradiction": ("contradiction", "互相矛盾"),
    "no_value": ("no such value", "没有这样的值"),
    "excluded": ("ruled out by the constraints", "被约束排除"),
    "undecided": ("not found within the limits of the search", "在搜索限度内未找到"),
    "unreachable": ("can't be reached", "不可到达"),
    "cut": ("too many of its sort", "同类过多"),
}
MOST_LISTED = 30
_BAR = re.compile(r"(?<!\\)\|")


class Report:
    """Texts of one report, part by part."""

    def __init__(self, language: Language) -> None:
        self._side = 0 if language == "en" else 1

    def say(self, phrase: str, **values: Any) -> str:
        return _TEXTS[phrase][self._side].format(**values)

    def head(self, title: str, model: str | None) -> str:
        about = self.say("about") if model is None else self.say("about_llm", model=model)
        return f"# {literal(title or self.say('title'))}\n\n> {about}\n"

    def reading(self, unparsed: Sequence[dict[str, Any]]) -> str:
        if not unparsed:
            return ""
        lines = [f"- {literal(' '.join(one['quote'].split()))}" for one in unparsed]
        note = self.say("unparsed_note", count=len(unparsed))
        return f"\n## {self.say('unparsed')}\n\n{note}\n\n" + "\n".join(lines) + "\n"

    def issues(self, issues: Sequence[dict[str, Any]]) -> str:
        if not issues:
            return ""
        lines = [f"- {literal(one['module'])}: {literal(one['text'])}" for one in issues]
        return f"\n## {self.say('issues')}\n\n" + "\n".join(lines) + "\n"

    def coverage(self, told: dict[str, Any]) -> str:
        rows = [
            f"| {self.say(name)} | {' | '.join(str(counts[key]) for key in counts)} |"
            for name, counts in told["techniques"].items()
        ]
        total = " | ".join(str(count) for count in told["coverage"].values())
        table = "\n".join([self.say("head"), "|---|---|---|---|---|", *rows, f"| {self.say('all')} | {total} |"])
        return f"\n## {self.say('coverage')}\n\n{table}\n" + self._infeasible(told["obligations"])

    def _infeasible(self, obligations: Sequence[dict[str, Any]]) -> str:
        found = [one for one in obligations if one["status"] == "infeasible"]
        if not found:
            return ""
        lines = [f"- {literal(one['text'])}: {self.say(one['reason'])}" for one in found[:MOST_LISTED]]
        if len(found) > MOST_LISTED:
            lines.append(f"- {self.say('more', count=len(found) - MOST_LISTED)}")
        return f"\n### {self.say('infeasible')}\n\n" + "\n".join(lines) + "\n"

    def module(self, name: str, cases: Sequence[dict[str, Any]]) -> Iterator[str]:
        """Some lines at a time, so that a long table comes in pieces."""
        yield f"\n## {literal(name)}\n\n{self.say('cases')}\n|---|---|---|---|---|---|\n"
        for case in cases:
            steps = "  ".join(
                f"{number}. {_cell(step['action'])}" + (f": {_cell(step['data'])}" if step["data"] else "")
                for number, step in enumerate(case["steps"], 1)
            )
            kind = self.say(case["type"])
            told = [case["id"], _cell(case["title"]), kind, str(case["priority"]), steps, _cell(case["expected"])]
            yield f"| {' | '.join(told)} |\n"


def _cell(text: str) -> str:
    return _BAR.sub(r"\\|", literal(" ".join(text.split())))
