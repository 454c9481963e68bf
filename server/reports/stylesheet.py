"""A style sheet as one text, for pages that leave the server."""

import re
from pathlib import Path

_IMPORT = re.compile(r'^@import url\("(?P<name>[^":]+)"\)(?: (?P<media>[^;]+))?;$', re.MULTILINE)


def whole_stylesheet(path: Path) -> str:
    """The text of a style sheet with those that it imports, which are named relative to it.

    :raises OSError: one of them can't be read.
    """

    def imported(found: re.Match[str]) -> str:
        text = whole_stylesheet(path.parent / found["name"])
        return f"@media {found['media']} {{\n{text}}}\n" if found["media"] else text

    return _IMPORT.sub(imported, path.read_text(encoding="utf-8"))
