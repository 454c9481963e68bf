"""A batch's result as a table for spreadsheets."""

from typing import Any

from server.workflows.tables import csv_of_rows

COLUMNS = ("index", "key", "title", "url", "status", "code", "http_status", "final_url", "attempts", "seconds")


def csv_of(result: dict[str, Any]) -> bytes:
    """One row for each page; what is extracted has a column of its own by its name, then the text."""
    items = result["items"]
    names = list(dict.fromkeys(name for item in items for name in item["extracted"]))
    rows = []
    for item in items:
        fields = {**item, "code": item["error"]["code"] if item["error"] else ""}
        extracted = [item["extracted"].get(name) for name in names]
        rows.append([*(fields[name] for name in COLUMNS), *extracted, item["text"]])
    return csv_of_rows([*COLUMNS, *names, "text"], rows)
