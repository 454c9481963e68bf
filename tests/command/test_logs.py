"""The log of `holdfast serve`: what it tells, to whom it belongs, and that nobody can forge a line of it."""

import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.making import life_folder
from tests.reading import parse, read_stream
from tests.serving import ROOT, ServerProcess, server_process, wait_until

SLOW = {"kind": "demo", "events": 300, "rate": 100, "steps": 10, "size": 20}
NASTY = 'one\ntwo\r{"level":"info"}\u2028three\x85four\x1b[2Jfive\ud800six\x00seven'
TELLING = """
import logging, sys
from server.command import logs
from server.settings import Settings
logs.configure(Settings(), "node-1")
nasty = eval(sys.stdin.read())
logger = logging.getLogger("server.tests")
"""


def lines_of(process: ServerProcess) -> list[dict[str, Any]]:
    """The log as told so far; what is printed for people stands between."""
    return [json.loads(line) for line in list(process.told) if line.startswith("{")]


def about(process: ServerProcess, task_id: str) -> list[dict[str, Any]]:
    return [line for line in lines_of(process) if line.get("task") == task_id]


def story(process: ServerProcess, task_id: str) -> list[str]:
    return [line["message"].removeprefix(f"task {task_id} is ") for line in about(process, task_id)]


def ask_as(request_id: str, url: str) -> httpx2.Response:
    return httpx2.get(url, headers={"X-Request-ID": request_id}, timeout=60)


def told(code: str, **environment: str) -> str:
    """What a program writes to stderr that configures its log as the server does; ``nasty`` is a nasty text there."""
    done = subprocess.run(
        [sys.executable, "-c", TELLING + code],
        input=repr(NASTY),
        capture_output=True,
        cwd=ROOT,
        env={**os.environ, **environment},
        text=True,
        check=True,
        timeout=30,
    )
    return done.stderr


def test_the_life_of_a_task_is_told_line_by_line(tmp_path: Path) -> None:
    """With the ids by which lines are found again, and nothing of what was asked."""
    with server_process(tmp_path, LIBRARY_DIR=str(ROOT / "tests" / "data" / "library")) as process:
        answer = ask_as("ask-1", f"{process.url}/api/stream?query=Who+hid+the+teapot")
        seen = parse(answer.content)
        task_id, generation = seen[0].data["id"], seen[0].data["generation"]
        httpx2.get(f"{process.url}/api/stream?query=%00&nothing=teapot")
        wait_until(lambda: len(about(process, task_id)) == 4)
    assert story(process, task_id) == ["created", "claimed", "running", "completed"]
    created, claimed, running, completed = about(process, task_id)
    for line in (created, claimed, running, completed):
        assert list(line)[:5] == ["at", "level", "logger", "message", "node"]
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line["at"])
        assert (line["level"], line["generation"], line["kind"]) == ("info", generation, "research")
        assert line["node"] == created["node"]
    assert created["request"] == "ask-1"
    assert "request" not in claimed
    assert claimed["epoch"] == 1
    assert (running["reason"], running["attempt"]) == ("started", 1)
    assert completed["status"] == "completed"
    assert not [line for line in process.told if "teapot" in line]


def test_a_pause_a_stop_and_who_asked_for_them_are_told(tmp_path: Path) -> None:
    """A resumed task is pending, and is claimed again."""
    with server_process(tmp_path) as process:
        task_id = httpx2.post(f"{process.url}/api/tasks", json=SLOW).json()["id"]
        address = f"{process.url}/api/tasks/{task_id}"
        for action in ("pause", "resume", "stop"):
            wait_until(lambda: httpx2.get(address).json()["status"] in ("running", "paused"))
            answer = httpx2.post(f"{address}/{action}", headers={"X-Request-ID": action})
            answer.raise_for_status()
        wait_until(lambda: "stopped" in story(process, task_id))
    turns = [turn for turn in story(process, task_id) if turn not in ("claimed", "running")]
    assert turns == ["created", "paused", "pending", "stopped"]
    (resumed,) = [line for line in about(process, task_id) if line.get("status") == "pending"]
    assert (resumed["reason"], resumed["request"]) == ("resumed", "resume")


def test_who_took_a_task_over_tells_from_whom(tmp_path: Path) -> None:
    """By the name of the node that has died."""
    with server_process(tmp_path) as owner, server_process(tmp_path) as other:
        dead = httpx2.get(f"{owner.url}/healthz").json()["node"]
        task_id = httpx2.post(f"{owner.url}/api/tasks", json=SLOW).json()["id"]
        wait_until(lambda: "running" in story(owner, task_id))
        owner.kill()
        wait_until(lambda: "completed" in story(other, task_id))
    claimed = about(other, task_id)[0]
    assert (claimed["epoch"], claimed["taken_over_from"]) == (2, dead)


def test_a_task_that_is_handed_over_is_told_by_both(tmp_path: Path) -> None:
    """The next owner has taken nothing over from anybody."""
    with server_process(tmp_path) as process:
        task_id = httpx2.post(f"{process.url}/api/tasks", json=SLOW).json()["id"]
        wait_until(lambda: "running" in story(process, task_id))
        assert process.terminate() == 0
        assert about(process, task_id)[-1]["reason"] == "handed_over"
    with server_process(tmp_path) as process:
        wait_until(lambda: "completed" in story(process, task_id))
    assert "taken_over_from" not in about(process, task_id)[0]


def test_damage_is_told_with_the_request_that_met_it(tmp_path: Path) -> None:
    """As an error."""
    with server_process(tmp_path) as process:
        task_id = read_stream(f"{process.url}/api/stream?kind=demo&events=5&size=20&steps=1")[0].data["id"]
    log = life_folder(tmp_path / "tasks", task_id) / "000001.jsonl"
    lines = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(b"".join([*lines[:4], b"x" + lines[4][1:], *lines[5:]]))
    with server_process(tmp_path) as process:
        ask_as("look-1", f"{process.url}/api/tasks/{task_id}/events")
        wait_until(lambda: about(process, task_id))
    line = about(process, task_id)[0]
    assert (line["level"], line["request"]) == ("error", "look-1")
    assert "is quarantined" in line["message"]


@pytest.mark.parametrize("form", ["json", "text"])
def test_no_text_can_begin_a_line_of_the_log_or_command_a_terminal(form: str) -> None:
    """Neither in the message nor in a field, an exception or a warning."""
    code = """
logger.warning(nasty)
logger.warning("field", extra={"field": nasty})
try:
    raise ValueError(nasty)
except ValueError:
    logger.exception("failed")
import warnings
warnings.warn(nasty)
logger.warning("last")
"""
    written = told(code, LOG_FORMAT=form)
    assert "\x1b" not in written
    assert "\x00" not in written
    lines = written.splitlines()
    begun = [line for line in lines if not line.startswith("    ")]
    assert len(begun) == 5
    assert begun[-1].count("last") == 1
    if form == "json":
        assert lines == begun
        message, field, failed, warned, _ = map(json.loads, lines)
        assert message["message"] == field["field"] == NASTY
        assert failed["message"] == "failed"
        assert failed["exception"].startswith("Traceback (most recent call last):\n")
        assert "one\ntwo" in warned["message"]
    else:
        assert all(re.match(r"\d{4}-\d\d-\d\dT[\d:.]+Z (warning|error) ", line) for line in begun)
        assert "    Traceback (most recent call last):" in lines


def test_a_level_is_kept_and_other_packages_tell_from_warnings_on() -> None:
    """At `info` some of them tell whole addresses."""
    code = """
for name in ("server.tests", "httpx2"):
    for level in ("debug", "info", "warning", "error"):
        getattr(logging.getLogger(name), level)("%s %s", name, level)
logging.getLogger("chatty").setLevel("DEBUG")
logging.getLogger("chatty").info("chatty info")
"""

    def heard(level: str) -> list[str]:
        lines = map(json.loads, told(code, LOG_FORMAT="json", LOG_LEVEL=level).splitlines())
        return [line["message"].removeprefix("server.tests ") for line in lines]

    others = ["httpx2 warning", "httpx2 error"]
    assert heard("debug") == ["debug", "info", "warning", "error", *others]
    assert heard("info") == ["info", "warning", "error", *others]
    assert heard("error") == ["error", "httpx2 error"]


def test_who_sits_at_a_terminal_gets_text(tmp_path: Path) -> None:
    """Without being asked."""
    ours, theirs = pty.openpty()
    code = TELLING + 'logger.info("task %s is created", "x", extra={"kind": "demo"})'
    with os.fdopen(ours, "rb", buffering=0) as terminal:
        subprocess.run(
            [sys.executable, "-c", code], input=b"''", stderr=theirs, cwd=ROOT, check=True, timeout=30, env=os.environ
        )
        os.close(theirs)
        assert re.fullmatch(rb"[\d:.TZ-]+ info task x is created kind=demo\r\n", terminal.read(1000))
