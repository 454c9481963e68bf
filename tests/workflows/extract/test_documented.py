"""The example that docs/extract.md shows does what it says, and its files can be had."""

import re
import subprocess
from pathlib import Path

import httpx2
import orjson
import pytest

from tests.serving import ROOT, serving, settings, wait_until

FILES = ("jsonl", "csv", "xlsx", "quotes.html", "ics", "failed.txt")


@pytest.mark.parametrize("page", ["docs/extract.md", "docs/zh/extract.md"])
def test_the_example_is_run_as_it_is_written(tmp_path: Path, page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    command, *_ = re.findall(r"```\n(curl .*?)\n```", text, re.DOTALL)
    assert all(f"`report.{ending}`" in text for ending in FILES)
    with serving(settings(tmp_path)) as server:
        asked = command.replace("http://127.0.0.1:8000", server.url)
        ran = subprocess.run(["sh", "-c", asked], capture_output=True, check=True)
        at = f"{server.url}/api/tasks/{orjson.loads(ran.stdout)['id']}"
        wait_until(lambda: httpx2.get(at, timeout=30).json()["status"] == "completed", seconds=60)
        result = httpx2.get(f"{at}/result", timeout=30).json()
        files = {ending: httpx2.get(f"{at}/report.{ending}", timeout=30) for ending in FILES}
        kinds = httpx2.get(f"{server.url}/api/kinds", timeout=30).json()
    first = result["events"][0]
    assert (first["user_id"], first["text_id"], first["time"]["from"]) == ("u1", "a", "2024-05-22T15:00:00+08:00")
    assert {event["user_id"] for event in result["events"]} == {"u1", "u2"}
    assert all(answer.status_code == 200 for answer in files.values())
    assert files["jsonl"].text.count("\n") == result["counts"]["events"]
    assert files["csv"].content.startswith(b"\xef\xbb\xbf")
    assert files["xlsx"].content.startswith(b"PK")
    assert files["ics"].text.startswith("BEGIN:VCALENDAR")
    assert "default-src 'none'" in files["quotes.html"].headers["content-security-policy"]
    assert set(FILES) <= set(next(kind["formats"] for kind in kinds["kinds"] if kind["kind"] == "extract"))
