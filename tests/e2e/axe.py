"""axe-core on a page: fetched once with npm, from which the test skips where it can't be had."""

import shutil
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

AXE = "axe-core@4.10.3"
FETCH_SECONDS = 60
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def axe_source(folder: Path) -> str:
    """The script, kept in this folder. Skips the test where npm is missing or brings nothing."""
    kept = sorted(folder.glob("axe-core-*.tgz"))
    return _unpacked(kept[0] if kept else _fetched(folder))


def _fetched(folder: Path) -> Path:
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("axe-core is not here: npm, which would fetch it, is not installed")
    packing = [npm, "pack", AXE, "--silent"]
    try:
        done = subprocess.run(packing, cwd=folder, capture_output=True, text=True, timeout=FETCH_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        pytest.skip(f"axe-core is not here: npm did not bring it within {FETCH_SECONDS} s")
    archives = sorted(folder.glob("axe-core-*.tgz"))
    if done.returncode or not archives:
        pytest.skip(f"axe-core is not here: {' '.join(done.stderr.split())[:300]}")
    return archives[0]


def _unpacked(path: Path) -> str:
    with tarfile.open(path) as archive:
        found = archive.extractfile("package/axe.min.js")
        assert found is not None
        return found.read().decode()


def violations(page: Page, source: str) -> list[str]:
    """What axe-core finds wrong with the page in both themes: rule, element and why, one line each.

    Only the colours depend on the theme, so only they are looked at again in the other one.
    """
    page.evaluate(source)
    return [*_found(page, RULES, "dark"), *_found(page, ["color-contrast"], "light")]


def _found(page: Page, wanted: list[str], theme: str) -> list[str]:
    page.evaluate("theme => (document.documentElement.dataset.theme = theme)", theme)
    found: list[dict[str, Any]] = page.evaluate(
        "wanted => axe.run(document, { runOnly: wanted }).then(({ violations }) => violations)", wanted
    )
    return [
        f"{theme}: {each['id']}: {node['target']}: {' '.join(node['failureSummary'].split())}"
        for each in found
        for node in each["nodes"]
    ]
