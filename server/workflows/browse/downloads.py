"""A batch's result as a table for spreadsheets."""

import csv
import io
from typing import Any

from server.reports.cells import BOM, safe_cell

COLUMNS = ("index", "key", "title", "url", "status", "code", "http_status", "final_url", "attempts", "seconds")


def csv_of(result: dict[str, Any]) -> bytes:
    """One row for each page; what is extracted has a column of its own by its name, then the text."""
    items = result["items"]
    names = list(dict.fromkeys(name for item in items for name in item["extracted"]))
    written = io.StringIO()
    rows = csv.writer(written)
    rows.writerow([*COLUMNS, *names, "text"])
    for item in items:
        fields = {**item, "code": item["error"]["code"] if item["error"] else ""}
        values = [fields[name] for name in COLUMNS] + [item["extracted"].get(name) for name in names] + [item["text"]]
        rows.writerow([_cell(value) for value in values])
    return (BOM + written.getvalue()).encode()


def _cell(value: Any) -> Any:
    return safe_cell(" | ".join(str(one) for one in value) if isinstance(value, list) else value)
