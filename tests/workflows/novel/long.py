"""A long novel behind a real server that is killed at every chapter: what was paid for, and what came of it.

    python -m tests.workflows.novel.long --chapters 100

prints one JSON object. The model is the scripted one; kills are SIGKILLs while a chapter comes.
"""

import argparse
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import orjson

from server.llm.scripted import Rule
from tests.llm.endpoint import KEY
from tests.serving import server_process, wait_until
from tests.test_recovery import journal_keys
from tests.workflows.novel.novelist import Novelist, serving_novelist

SLOW = Rule(piece=40, pause=0.02)
WAIT_SECONDS = 120.0


@dataclass(frozen=True)
class Written:
    """``calls``: how often the endpoint was asked; ``again``: for steps that had been recorded, which is to be 0."""

    result: dict[str, Any]
    output: str
    kills: int
    calls: int
    again: int
    seconds: float


def environment(served: Novelist) -> dict[str, Any]:
    quick = {"HEARTBEAT_SECONDS": "0.2", "SCAN_SECONDS": "0.1", "LEASE_SECONDS": "2"}
    return {**quick, "OPENAI_BASE_URL": served.url, "OPENAI_MODEL": "scripted", "OPENAI_API_KEY": KEY}


def ask(url: str, **params: Any) -> str:
    """The id of the task."""
    made = httpx2.post(f"{url}/api/tasks", json={"kind": "novel", "params": params}, timeout=30)
    assert made.status_code in (200, 201), made.text
    return str(made.json()["id"])


def done(url: str, task_id: str) -> dict[str, Any]:
    """Its result, when it has completed."""
    at = f"{url}/api/tasks/{task_id}"
    wait_until(lambda: httpx2.get(at, timeout=30).json()["status"] not in ("pending", "running"), WAIT_SECONDS)
    shown = httpx2.get(at, timeout=30).json()
    assert shown["status"] == "completed", shown
    found: dict[str, Any] = httpx2.get(f"{at}/result", timeout=30).json()
    return found


def write(folder: Path, chapters: int, *, killed: bool) -> Written:
    """Plan a novel and write it; ``killed``: at every chapter, while its text comes."""
    novel = {"id": "long", "title": "长夜", "chapters": chapters, "words_per_chapter": 100}
    began, kills, again = time.monotonic(), 0, 0
    with serving_novelist() as served:
        with server_process(folder, **environment(served)) as process:
            done(process.url, ask(process.url, novel=novel, engine="embedded"))
            if not killed:
                result, output = _finish(process.url)
                return Written(result, output, 0, len(served.asked), 0, time.monotonic() - began)
        recorded: dict[str, int] = {}
        for number in range(1, chapters + 1):
            served.slow = {"write": SLOW}
            with server_process(folder, **environment(served)) as process:
                ask(process.url, novel={"id": "long"}, task_type="chapter")
                wait_until(lambda: ("write", number) in served.stages, WAIT_SECONDS)  # noqa: B023 - called at once
                process.kill()
            kills += 1
            times = asked(served)
            recorded |= {key: times[key] for key in journal_keys(folder) if key in times and key not in recorded}
        served.slow = {}
        with server_process(folder, **environment(served)) as process:
            result, output = _finish(process.url)
        times = asked(served)
        again = sum(times[key] - before for key, before in recorded.items())
        return Written(result, output, kills, len(served.asked), again, time.monotonic() - began)


def _finish(url: str) -> tuple[dict[str, Any], str]:
    """Result and report of the task that writes all chapters."""
    task_id = ask(url, novel={"id": "long"}, task_type="chapter")
    return done(url, task_id), httpx2.get(f"{url}/api/tasks/{task_id}/output", timeout=30).text


def asked(served: Novelist) -> dict[str, int]:
    """How often each step was asked for."""
    return {str(key).split(":", 2)[2]: times for key, times in served.calls.items()}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.workflows.novel.long", description=__doc__)
    parser.add_argument("--chapters", type=int, default=100)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        written = write(Path(folder), given.chapters, killed=True)
        ledger = [path.stat().st_size for path in Path(folder).glob("tasks/ledgers/*/*.entry")]
    numbers = [one["number"] for one in written.result["book"]["chapters"]]
    told = {
        "chapters": given.chapters,
        "kills": written.kills,
        "each_chapter_once": numbers == list(range(1, given.chapters + 1)),
        "calls": written.calls,
        "calls_of_a_quiet_run": 2 * given.chapters,
        "made_again_though_recorded": written.again,
        "ledger_entries": len(ledger),
        "ledger_bytes": sum(ledger),
        "seconds": round(written.seconds, 1),
    }
    sys.stdout.write(orjson.dumps(told, option=orjson.OPT_INDENT_2).decode() + "\n")


if __name__ == "__main__":
    main()
