"""Where the files are that ship with the code: the web UI and the documentation.

In a checkout they stand beside the package; an installed wheel carries them inside it (see pyproject.toml).
"""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def static_dir() -> Path:
    """The web UI: HTML, CSS and JavaScript."""
    return _shipped("static")


def docs_dir() -> Path:
    """The documentation, in Markdown."""
    return _shipped("docs")


def _shipped(name: str) -> Path:
    inside = _PACKAGE / f"_{name}"
    return inside if inside.is_dir() else _PACKAGE.parent / name
