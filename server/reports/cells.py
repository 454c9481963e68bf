"""Text from outside in the cells of a spreadsheet."""

from typing import Any

BOM = "\ufeff"
"""Without it, a spreadsheet takes the UTF-8 of a CSV for something else."""
FORMULA = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")


def safe_cell(value: Any) -> Any:
    """A text that is no formula where a CSV is opened."""
    return "'" + value if isinstance(value, str) and value.lstrip(" \n").startswith(FORMULA) else value
