"""What the cases can be had as, beside what every kind has."""

from collections.abc import Callable
from typing import Any

from server.workflows.testcases.files.gherkin import gherkin_of
from server.workflows.testcases.files.maps import freemind_of, xmind_of
from server.workflows.testcases.files.tables import csv_of, xlsx_of, zentao_of

FORMATS: dict[str, tuple[str, Callable[[Any], bytes]]] = {
    "xlsx": ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", xlsx_of),
    "csv": ("text/csv; charset=utf-8", csv_of),
    "zentao.csv": ("text/csv; charset=utf-8", zentao_of),
    "mm": ("application/x-freemind", freemind_of),
    "xmind": ("application/vnd.xmind.workbook", xmind_of),
    "feature": ("text/plain; charset=utf-8", gherkin_of),
}
