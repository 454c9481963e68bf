"""Finding a browser and installing one, with programs made up for the test."""

import os
import shlex
import signal
import time
from pathlib import Path

import pytest

from server.sources.browser import (
    Browser,
    BrowserSearch,
    Command,
    Way,
    find_browser,
    install_browser,
    installed_programs,
)


def program(path: Path, body: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return path


def way(*commands: list[str], seconds: float = 20, may_fail: bool = False) -> Way:
    return Way("a way", [Command(words, seconds, may_fail) for words in commands])


def test_the_first_browser_that_runs_is_taken(tmp_path: Path) -> None:
    broken = program(tmp_path / "broken", "echo libnss3.so: cannot open >&2; exit 127")
    works = program(tmp_path / "works", "echo Chromium 1.2.3")
    other = program(tmp_path / "other", "echo Chromium 9.9.9")
    search = find_browser(candidates=[broken, works, other])
    assert search.browser == Browser(works, "Chromium 1.2.3")
    assert search.problems == (f"{broken} does not run: libnss3.so: cannot open",)


def test_a_browser_that_was_named_is_taken_or_none(tmp_path: Path) -> None:
    works = program(tmp_path / "works", "echo Chromium 1.2.3")
    assert find_browser(works, candidates=[]).browser == Browser(works, "Chromium 1.2.3")
    search = find_browser(tmp_path / "nowhere", candidates=[works])
    assert search.browser is None
    assert search.problems == (f"{tmp_path / 'nowhere'} can't be run: No such file or directory.",)


def test_the_newest_of_playwrights_browsers_comes_first(tmp_path: Path) -> None:
    for name in ("chromium-999/chrome-linux/chrome", "chromium-1255/chrome-linux64/chrome"):
        program(tmp_path / name, "")
    shell = program(tmp_path / "chromium_headless_shell-1300/chrome-headless-shell-linux64/chrome-headless-shell", "")
    found = [path for path in installed_programs(tmp_path) if path.is_relative_to(tmp_path)]
    assert [path.parts[-3] for path in found[:2]] == ["chromium-1255", "chromium-999"]
    assert found[2] == shell


def test_ways_are_tried_until_a_browser_runs(tmp_path: Path) -> None:
    place = tmp_path / "chromium"
    lines: list[str] = []
    refused = way(["sh", "-c", "exit 3"])
    nothing = way(["true"])
    installs = way(
        ["sh", "-c", "exit 1"], ["sh", "-c", f"ln -s {shlex.quote(str(tmp_path / 'made'))} {place}"], may_fail=True
    )
    program(tmp_path / "made", "echo Chromium 5")
    outcome = install_browser([refused, nothing, installs], lambda: find_browser(candidates=[place]), lines.append)
    assert outcome.browser == Browser(place, "Chromium 5")
    assert lines[1] == "a way: ended with status 3"
    assert lines[3] == f"a way: {place} can't be run: No such file or directory."


def test_when_no_way_leads_to_a_browser_each_says_why() -> None:
    ways = [way(["true"]), way(["a-program-that-is-not-there"])]
    outcome = install_browser(ways, lambda: BrowserSearch(None))
    assert outcome == BrowserSearch(
        None,
        (
            "a way: it left no browser that can be found",
            "a way: a-program-that-is-not-there can't be run: No such file or directory",
        ),
    )


@pytest.mark.parametrize("stubborn", ["", "trap '' TERM; "])
def test_a_command_that_takes_too_long_is_ended_with_all_it_started(tmp_path: Path, stubborn: str) -> None:
    pids = tmp_path / "pids"
    body = f"{stubborn}sleep 300 & echo $$ $! > {pids}; wait; sleep 300"
    search = install_browser([way(["sh", "-c", body], seconds=0.5)], lambda: BrowserSearch(None))
    assert search.problems == ("a way: not done within 0.5 s",)
    for pid in map(int, pids.read_text().split()):
        assert ended(pid), f"{pid} goes on"


def ended(pid: int) -> bool:
    """Whether a process is gone, or soon is; what it left in the process table does not count."""
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        if Path(f"/proc/{pid}/stat").exists() and ") Z " in Path(f"/proc/{pid}/stat").read_text():
            return True
        time.sleep(0.01)
    os.kill(pid, signal.SIGKILL)
    return False
