"""Debian's changelogs as texts of many people, and what stands in them by their own grammar (deb-changelog(5)).

It is read line by line and token by token, with nothing of the server's, so that the two can be compared.
"""

import gzip
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path

DOCS = Path("/usr/share/doc")
HEAD = re.compile(r"(\w[\w.+-]*) \(([^()\s]+)\)((?:\s+[-+0-9a-z.]+)+);")
TRAILER = re.compile(r" -- (.*) <(.*)>  ?(\w+,\s+\d{1,2}\s+\w+\s+\d{4}\s+\d{1,2}:\d\d:\d\d\s+[-+]\d{4})\s*")
WRITTEN = "%a, %d %b %Y %H:%M:%S %z"
OPENING = "<([{\"'`*"
CLOSING = ">)]}\"'`,.;:!?*"
PAIRS = {")": "(", "]": "[", "}": "{", ">": "<"}


@dataclass(frozen=True)
class Entry:
    """One version's entry: who wrote it, when (as ISO), and its text as it stands in the file."""

    maintainer: str
    written_at: str
    text: str


@dataclass
class Truth:
    """What stands in a text: by kind, each with where it begins and what it says."""

    found: dict[str, set[tuple[int, str]]] = field(default_factory=dict)

    def add(self, kind: str, start: int, value: str) -> None:
        self.found.setdefault(kind, set()).add((start, value))


def entries(folder: Path = DOCS) -> Iterator[Entry]:
    """Of all packages in the order of their names, none twice."""
    seen: set[str] = set()
    for path in sorted(folder.glob("*/changelog.Debian.gz")):
        if path.is_symlink() or path.parent.is_symlink():
            continue
        lines: list[str] = []
        for line in gzip.decompress(path.read_bytes()).decode("utf-8", "replace").splitlines():
            if HEAD.match(line):
                lines = []
            lines.append(line)
            trailer = TRAILER.fullmatch(line)
            if trailer is None:
                continue
            text = "\n".join(lines).strip()
            written_at = _moment(trailer[3])
            if written_at is not None and HEAD.match(text) and text not in seen:
                seen.add(text)
                yield Entry(trailer[2].strip().lower(), written_at.isoformat(), text)
            lines = []


def by_maintainer(users: int, each: int, longest: int) -> dict[str, list[Entry]]:
    """The maintainers with the most entries, each with at most so many of at most so many characters."""
    found: dict[str, list[Entry]] = {}
    for entry in entries():
        if len(entry.text) <= longest and "@" in entry.maintainer:
            found.setdefault(entry.maintainer, []).append(entry)
    most = sorted(found.items(), key=lambda one: (-len(one[1]), one[0]))[:users]
    return {maintainer: own[:each] for maintainer, own in sorted(most)}


def truth_in(text: str) -> Truth:
    """Versions of head lines, numbers after #, CVEs, addresses of mail and of pages, and full dates."""
    truth = Truth()
    head = HEAD.match(text)
    if head is not None:
        truth.add("version", head.start(2), head[2])
    start = 0
    for line in text.split("\n"):
        trailer = TRAILER.fullmatch(line)
        if trailer is not None:
            moment = _moment(trailer[3])
            if moment is not None:
                truth.add("time", start + trailer.start(3), moment.isoformat())
            truth.add("mail", start + trailer.start(2), trailer[2])
        else:
            _line(line, start, truth)
        start += len(line) + 1
    return truth


def _line(line: str, start: int, truth: Truth) -> None:
    at = line.find("#")
    while at >= 0:
        digits = at + 1
        while digits < len(line) and line[digits] in "0123456789":
            digits += 1
        before, after = line[at - 1 : at], line[digits : digits + 1]
        if (
            digits > at + 1
            and not (before.isalnum() or before in ("&", "/", "#", "_"))
            and not (after.isalnum() or after == "_")
        ):
            truth.add("id", start + at, line[at + 1 : digits])
        at = line.find("#", digits)
    position = 0
    for token in line.split(" "):
        _token(token, start + position, truth)
        position += len(token) + 1


def _token(token: str, start: int, truth: Truth) -> None:
    if "://" in token:
        scheme = next((at for name in ("https://", "http://", "ftp://") if (at := token.find(name)) >= 0), -1)
        if scheme >= 0 and not token[scheme - 1 : scheme].isalnum():
            url = _trimmed(re.split(r"[<>\"'`]", token[scheme:])[0])
            if len(url) > url.index("://") + 3:
                truth.add("url", start + scheme, url)
        return
    while token and token[0] in OPENING:
        token, start = token[1:], start + 1
    bare = token
    while bare and bare[-1] in CLOSING:
        bare = bare[:-1]
    local, mark, domain = bare.partition("@")
    if (
        mark
        and local
        and "." in domain
        and re.fullmatch(r"[A-Za-z0-9._%+-]+", local)
        and re.fullmatch(r"[A-Za-z0-9.-]+\.[A-Za-z]{2,}", domain)
    ):
        truth.add("mail", start, bare)
    if bare.startswith("CVE-") and bare.count("-") == 2 and bare[4:].replace("-", "").isdecimal():
        truth.add("id", start, bare)
    if len(bare) == 10 and bare[4:5] == bare[7:8] == "-":
        try:
            truth.add("time", start, date.fromisoformat(bare).isoformat())
        except ValueError:
            return


def _trimmed(url: str) -> str:
    while url and (url[-1] in ".,;:!?*_" or (url[-1] in PAIRS and url.count(PAIRS[url[-1]]) < url.count(url[-1]))):
        url = url[:-1]
    return url


def _moment(written: str) -> datetime | None:
    try:
        return datetime.strptime(" ".join(written.split()), WRITTEN)
    except ValueError:
        return None
