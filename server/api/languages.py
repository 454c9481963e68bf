"""In which language somebody wants to be answered."""

import re

_WEIGHT = re.compile(r"(?:[01](?:\.\d{0,3})?)?", re.ASCII)


def preferred(accepted: str) -> str | None:
    """``zh`` or ``en``, as an `Accept-Language` puts one before the other; None where it names neither."""
    weights = {"zh": 0.0, "en": 0.0}
    for part in accepted.lower().split(","):
        tag, _, weight = part.strip().partition(";q=")
        language = tag.partition("-")[0].strip()
        if language in weights and _WEIGHT.fullmatch(weight):
            weights[language] = max(weights[language], float(weight or 1))
    if weights["zh"] == weights["en"]:
        first = "zh" if accepted.lower().startswith("zh") else "en"
        return first if weights["zh"] > 0 else None
    return "zh" if weights["zh"] > weights["en"] else "en"
