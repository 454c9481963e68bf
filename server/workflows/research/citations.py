"""Citations by code: quotes are checked against the recorded passages, sources numbered, the report's marks counted."""

import re
from collections import Counter
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

_MARK = re.compile(r"\[(\d+)\]")


def check(
    chosen: dict[str, list[dict[str, Any]]], passages: list[dict[str, Any]], sources: list[dict[str, Any]], most: int
) -> dict[str, Any]:
    """Keep the quotes that stand in their sources, letter for letter, and number the sources by first use.

    :param chosen: quotes by the part of the report they are for, in the order of the report.
    :param most: how many sources may be used.
    :return: `{evidence, sources, above, checked, matched}`; ``above`` has the numbers of the sources that
        answer a question by quotes which stand in the report before it.
    """
    known = {source["id"]: source for source in sources}
    blocks: dict[str, list[tuple[int, str]]] = {}
    for passage in passages:
        blocks.setdefault(passage["source"], []).extend((start, text) for start, text in passage["blocks"])
    numbers: dict[str, int] = {}
    evidence: list[dict[str, Any]] = []
    above: dict[str, list[int]] = {}
    checked = matched = 0
    for part, quotes in chosen.items():
        for quote in quotes:
            checked += 1
            if quote["source"] not in known or not _stands(quote, blocks.get(quote["source"], ())):
                continue
            matched += 1
            if quote["again"]:
                if quote["source"] in numbers:
                    above.setdefault(quote["question"], []).append(numbers[quote["source"]])
                continue
            if quote["source"] not in numbers and len(numbers) >= most:
                continue
            number = numbers.setdefault(quote["source"], len(numbers) + 1)
            support = independent(known[one] for one in quote["alike"] if one in known)
            evidence.append(
                {
                    "id": f"e{len(evidence) + 1}",
                    "part": part,
                    "question": quote["question"],
                    "quote": quote["quote"],
                    "source": number,
                    "start": quote["start"],
                    "end": quote["end"],
                    "headings": quote["headings"],
                    "language": quote["language"],
                    "independent_sources": support,
                }
            )
    numbered = [{"n": number, **known[source]} for source, number in numbers.items()]
    return {"evidence": evidence, "sources": numbered, "above": above, "checked": checked, "matched": matched}


def _stands(quote: dict[str, Any], blocks: Iterable[tuple[int, str]]) -> bool:
    return any(
        text[quote["start"] - start : quote["end"] - start] == quote["quote"]
        for start, text in blocks
        if start <= quote["start"]
    )


def independent(sources: Iterable[dict[str, Any]]) -> int:
    """How many sources these are when pages of one host count once, and equal contents too."""
    seen: set[str] = set()
    contents: set[str] = set()
    for source in sources:
        if source["sha256"] in contents:
            continue
        contents.add(source["sha256"])
        seen.add(urlsplit(source["url"]).netloc if source["kind"] == "url" else source["path"])
    return len(seen)


def scores(report: str, cited: dict[str, Any]) -> dict[str, Any]:
    """Figures about the finished text, found without a model.

    ``cited_sentence_share`` is of the quotes, which are all that the digest claims.
    """
    marks = [int(mark) for mark in _MARK.findall(report)]
    valid = {source["n"] for source in cited["sources"]}
    quotes = [line for line in report.splitlines() if line.startswith("> ")]
    marked = [line for line in quotes if _MARK.search(line)]
    contents = Counter(source["sha256"] for source in cited["sources"])
    return {
        "fabricated_citation_rate": _share(sum(mark not in valid for mark in marks), len(marks), 0.0),
        "quote_match_rate": _share(cited["matched"], cited["checked"], 1.0),
        "cited_sentence_share": _share(len(marked), len(quotes), 1.0),
        "duplicate_sources": sum(count - 1 for count in contents.values()),
    }


def _share(part: int, whole: int, otherwise: float) -> float:
    return round(part / whole, 4) if whole else otherwise
