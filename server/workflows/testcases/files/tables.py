"""Cases as tables: a spreadsheet, a CSV, and the CSV that ZenTao imports."""

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import xlsxwriter

from server.reports.cells import BOM, safe_cell

DATED = datetime(2000, 1, 1, tzinfo=UTC)
MOST_CHARS = 32_767
"""A cell of a spreadsheet takes no more."""
COLUMNS = {
    "id": ("id", "编号", 10),
    "module": ("module", "模块", 16),
    "title": ("case", "用例标题", 40),
    "technique": ("technique", "方法", 10),
    "type": ("type", "类型", 10),
    "priority": ("priority", "优先级", 8),
    "preconditions": ("preconditions", "前置条件", 24),
    "steps": ("steps", "步骤", 50),
    "expected": ("expected", "预期结果", 40),
    "covers": ("covers", "覆盖", 16),
    "source": ("source", "依据", 40),
}
_SHEETS = (("Cases", "用例"), ("Coverage", "覆盖"), ("Issues", "问题"), ("Not understood", "未能理解"))
_ZENTAO = ("所属模块", "相关需求", "用例标题", "前置条件", "步骤", "预期", "关键词", "优先级", "用例类型", "适用阶段")


def numbered(lines: Iterable[str]) -> str:
    return "\n".join(f"{number}. {' '.join(line.split())}" for number, line in enumerate(lines, 1))


def step_line(step: dict[str, Any]) -> str:
    return f"{step['action']}: {step['data']}" if step["data"] else str(step["action"])


def rows_of(result: dict[str, Any]) -> list[list[Any]]:
    """A head, and one row for each case."""
    side = _side(result)
    head = [names[side] for names in COLUMNS.values()]
    return [head, *([_value(case, name) for name in COLUMNS] for case in result["cases"])]


def _value(case: dict[str, Any], name: str) -> Any:
    match name:
        case "steps":
            return numbered(map(step_line, case["steps"]))
        case "preconditions":
            return "\n".join(case["preconditions"])
        case "covers":
            return " ".join(case["covers"])
        case "source":
            return case["source"]["quote"] if case["source"] else ""
    return case[name]


def csv_of(result: dict[str, Any]) -> bytes:
    """Any spreadsheet reads it; texts that look like formulas begin with an apostrophe."""
    return _csv(rows_of(result))


def zentao_of(result: dict[str, Any]) -> bytes:
    """In the columns of ZenTao's import. What is expected stands with the last step, as each case has one outcome."""
    rows: list[list[Any]] = [list(_ZENTAO)]
    for case in result["cases"]:
        expected = [""] * (len(case["steps"]) - 1) + [case["expected"]]
        keywords = f"{case['id']} {case['technique']}"
        before, steps = "\n".join(case["preconditions"]), numbered(map(step_line, case["steps"]))
        name = case["module"]
        told = [f"/{name}", "", case["title"], before, steps, numbered(expected), keywords, case["priority"]]
        rows.append([*told, "功能测试", "功能测试阶段"])
    return _csv(rows)


def _csv(rows: Sequence[Sequence[Any]]) -> bytes:
    written = io.StringIO()
    table = csv.writer(written)
    for row in rows:
        table.writerow([safe_cell(value) for value in row])
    return (BOM + written.getvalue()).encode()


def xlsx_of(result: dict[str, Any]) -> bytes:
    """Sheets for the cases, the coverage, the issues and what was not understood; no text in them is a formula."""
    side = _side(result)
    written = io.BytesIO()
    book = xlsxwriter.Workbook(written, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    book.set_properties({"created": DATED})  # so that the same result gives the same bytes
    bold, wrap = book.add_format({"bold": True}), book.add_format({"text_wrap": True, "valign": "top"})
    total = [["", *result["coverage"].values()]]
    tables = [
        rows_of(result),
        [
            ["", *result["coverage"]],
            *([name, *counts.values()] for name, counts in result["techniques"].items()),
            *total,
        ],
        [["module", "kind", "text"], *([one["module"], one["kind"], one["text"]] for one in result["issues"])],
        [["start", "end", "quote"], *([one["start"], one["end"], one["quote"]] for one in result["unparsed"])],
    ]
    for names, table in zip(_SHEETS, tables, strict=True):
        sheet = book.add_worksheet(names[side])
        sheet.freeze_panes(1, 0)
        for number, (*_, width) in enumerate(COLUMNS.values() if table is tables[0] else ()):
            sheet.set_column(number, number, width)
        for row, values in enumerate(table):
            for column, value in enumerate(values):
                style = bold if row == 0 else wrap
                if isinstance(value, str):
                    sheet.write_string(row, column, _clean(value)[:MOST_CHARS], style)
                else:
                    sheet.write_number(row, column, value, style)
        if table is tables[0] and len(table) > 1:
            sheet.autofilter(0, 0, len(table) - 1, len(COLUMNS) - 1)
    book.close()
    return written.getvalue()


def _clean(text: str) -> str:
    """Without controls, which XML does not take."""
    return "".join(letter for letter in text if letter >= " " or letter in "\n\t")


def _side(result: dict[str, Any]) -> int:
    return 1 if result["language"] == "zh" else 0
