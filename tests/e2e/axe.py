"""axe-core, fetched from npm when a test wants it: what a page does to people who can't see, or hold a mouse."""

import json
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest
from playwright.sync_api import Page

PACKAGE = "axe-core@4"
FETCH_SECONDS = 60
SCRIPT = "package/axe.min.js"


def fetched(folder: Path) -> str:
    """Its script, kept in this folder. Skips the test where it can't be had."""
    script = folder / "axe.min.js"
    if not script.exists():
        npm = shutil.which("npm")
        if npm is None:
            pytest.skip("axe-core comes from npm, and there is no npm on this machine")
        command = [npm, "pack", PACKAGE, "--silent", "--pack-destination", str(folder)]
        try:
            told = subprocess.run(command, capture_output=True, text=True, timeout=FETCH_SECONDS, check=True)
        except (subprocess.SubprocessError, OSError) as error:
            pytest.skip(f"axe-core can't be had from npm: {error}")
        with tarfile.open(folder / told.stdout.strip().splitlines()[-1]) as archive:
            content = archive.extractfile(SCRIPT)
            assert content is not None
            script.write_bytes(content.read())
    return script.read_text(encoding="utf-8")


def violations(page: Page, axe: str) -> list[str]:
    """What axe-core finds wrong with the page as it stands: rule, and where."""
    page.evaluate(axe)  # by the debugger, which a content security policy does not hold back
    found = json.loads(page.evaluate("async () => JSON.stringify((await axe.run()).violations)"))
    return [
        f"{each['id']}: {node['target']} {node.get('failureSummary', '')[:200]}"
        for each in found
        for node in each["nodes"]
    ]
