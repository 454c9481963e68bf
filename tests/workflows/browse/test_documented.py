"""The command that docs/browser.md shows does what it says."""

import re
import subprocess
from pathlib import Path

import httpx2
import orjson
import pytest

from server.sources.browser import find_browser
from tests.serving import ROOT, server_process, wait_until


@pytest.mark.browser
@pytest.mark.parametrize("page", ["docs/browser.md", "docs/zh/browser.md"])
def test_the_example_is_run_as_it_is_written(tmp_path: Path, page: str) -> None:
    """On a server's own page: its text and its picture are there in the end."""
    if find_browser().browser is None:
        pytest.skip("no browser was found on this machine")
    command, *_ = re.findall(r"```\n(curl .*?)\n```", (ROOT / page).read_text(encoding="utf-8"), re.DOTALL)
    with server_process(tmp_path) as server:
        ran = subprocess.run(
            ["sh", "-c", command.replace("http://127.0.0.1:8000", server.url)], capture_output=True, check=True
        )
        at = f"{server.url}/api/tasks/{orjson.loads(ran.stdout)['id']}"
        wait_until(lambda: httpx2.get(at, timeout=30).json()["status"] not in ("pending", "running"), seconds=60)
        (item,) = httpx2.get(f"{at}/result", timeout=30).json()["items"]
        picture = httpx2.get(f"{at}/artifacts/000.png", timeout=30).content
    assert (item["status"], item["http_status"]) == ("completed", 200)
    assert item["text"]
    assert picture.startswith(b"\x89PNG")
