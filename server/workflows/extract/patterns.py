"""Patterns whose words end where Chinese begins: in 于2024-05-01发布 the date stands by itself."""

import re


def pattern(text: str, flags: int = 0) -> re.Pattern[str]:
    """Letters, digits and word boundaries are those of ASCII; what is Chinese is named where it is meant."""
    return re.compile(text, flags | re.ASCII)
