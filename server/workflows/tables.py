"""Tables for spreadsheets, out of text that comes from anywhere."""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

from server.reports.cells import BOM, safe_cell


def csv_of_rows(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> bytes:
    """A line of names and a line for each row."""
    written = io.StringIO()
    table = csv.writer(written)
    table.writerow(head)
    table.writerows([cell(value) for value in row] for row in rows)
    return (BOM + written.getvalue()).encode()


def cell(value: Any) -> Any:
    """Text from outside must not be a formula where the file is opened."""
    if isinstance(value, list):
        value = " | ".join(str(one) for one in value)
    return safe_cell(value)
