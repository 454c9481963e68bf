"""The scripted endpoint as a program of its own, and asked without streaming."""

import re
import subprocess
import sys
from pathlib import Path

import httpx2

from server.llm.scripted import Rule
from tests.llm.endpoint import serving_model
from tests.scripted import free_port
from tests.serving import ROOT, wait_until

QUESTION = {"model": "scripted", "messages": [{"role": "user", "content": "How do I descale a kettle?"}]}


def test_it_runs_as_a_program_on_loopback(tmp_path: Path) -> None:
    """With the script and the commands that docs/models.md shows."""
    shown = re.findall(
        r"`(\{[^`]*\})`", (ROOT / "docs" / "models.md").read_text().partition("## A scripted endpoint")[2]
    )
    (tmp_path / "rules.json").write_text(f"[{', '.join(shown)}]")
    port = free_port()
    words = ["--port", str(port), "--script", str(tmp_path / "rules.json")]
    process = subprocess.Popen([sys.executable, "-m", "server.llm.scripted", *words], cwd=ROOT)
    try:
        wait_until(lambda: answers(port))
        first, second = (ask(port) for _ in range(2))
        assert first.json()["choices"][0]["message"]["content"] == "Vinegar."
        assert (second.status_code, second.headers["retry-after"]) == (429, "2")
    finally:
        process.terminate()
        process.wait(30)


def ask(port: int) -> httpx2.Response:
    return httpx2.post(f"http://127.0.0.1:{port}/v1/chat/completions", json=QUESTION, timeout=30)


def answers(port: int) -> bool:
    try:
        return httpx2.get(f"http://127.0.0.1:{port}/v1/models", timeout=1).is_success
    except httpx2.TransportError:
        return False


def test_a_question_that_no_rule_matches_is_refused() -> None:
    with serving_model(Rule(match="toaster", reply="x")) as served:
        assert ask(served.port).status_code == 404
    assert served.calls == {None: 1}
