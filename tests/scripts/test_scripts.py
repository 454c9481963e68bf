"""The scripts where nothing has to be installed: how they find Python, and what they remember of a browser."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
SCRIPTS = ["serve", "test", "check", "lock", "bench", "eval_research"]
TOOLS = "/usr/bin:/bin"


def program(path: Path, body: str) -> Path:
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return path


def run(*words: object, path: str = TOOLS, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [str(word) for word in words],
        env={"PATH": path, "HOME": os.devnull, **environment},
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=30,
        check=False,
    )


def find_python(folder: Path) -> "subprocess.CompletedProcess[str]":
    """Looks for Python in this folder alone, and can install nothing."""
    script = f'source {ROOT}/scripts/_env; can_install_packages() {{ return 1; }}; PATH="$1"; hash -r; find_python'
    return run("bash", "-euo", "pipefail", "-c", script, "bash", folder)


def browser(state: Path, *more: object, path: str = "") -> "subprocess.CompletedProcess[str]":
    return run(
        sys.executable,
        "-P",
        ROOT / "scripts/browser.py",
        "ensure",
        "--state",
        state,
        *more,
        path=path,
        PYTHONPATH=str(ROOT),
    )


@pytest.mark.parametrize("name", [*SCRIPTS, "_env", "../.ci/run"])
def test_each_script_is_bash_that_can_be_read(name: str) -> None:
    done = run("bash", "-n", ROOT / "scripts" / name)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_python_that_is_new_enough_is_found(tmp_path: Path) -> None:
    program(tmp_path / "python3", "echo 3.9; exit 1")
    new = program(tmp_path / "python3.12", f'exec "{sys.executable}" "$@"')
    assert find_python(tmp_path).stdout == str(new)


def test_where_python_is_too_old_the_message_says_what_is_needed(tmp_path: Path) -> None:
    program(tmp_path / "python3", 'case "$*" in *exit*) exit 1;; *) echo 3.9;; esac')
    done = find_python(tmp_path)
    assert done.returncode == 1
    assert "needs Python 3.11 or newer" in done.stderr
    assert "python3 is 3.9." in done.stderr


def test_where_debians_venv_package_is_missing_the_message_names_it(tmp_path: Path) -> None:
    program(tmp_path / "python3", 'case "$*" in *ensurepip*) exit 1;; *exit*) ;; *) echo 3.11;; esac')
    done = find_python(tmp_path)
    assert done.returncode == 1
    assert "sudo apt-get install python3.11-venv" in done.stderr


def test_a_browser_is_looked_for_once(tmp_path: Path) -> None:
    state = tmp_path / "browser"
    chromium = program(tmp_path / "chromium", "echo Chromium 1")
    assert browser(state, path=str(tmp_path)).stderr == ""
    assert state.read_text() == f"found {chromium}\n"
    program(chromium, "exit 1")
    assert browser(state).stderr == ""


def test_a_failed_installation_is_not_tried_again(tmp_path: Path) -> None:
    state = tmp_path / "browser"
    state.write_text("failed 2026-01-02: no network\n")
    done = browser(state, "--cache", tmp_path)
    assert "failed on 2026-01-02: no network" in done.stderr
    assert f"remove {state}" in done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["browser"]


def test_a_browser_that_was_named_and_does_not_run_is_complained_of(tmp_path: Path) -> None:
    done = browser(tmp_path / "browser", "--given", tmp_path / "nowhere")
    assert "nowhere can't be run" in done.stderr
    assert list(tmp_path.iterdir()) == []
