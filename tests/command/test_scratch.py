"""What a server puts down lies in a folder of its own, and goes with it: at its end, or at the next one's start."""

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from server.command.scratch import (
    OWNER,
    PREFIX,
    UNOWNED_SECONDS,
    make_folder,
    own_temporary_folder,
    remove_left_behind,
)
from server.sources.browser import find_browser
from tests.serving import ServerProcess, wait_until
from tests.workflows.browse.processes import below, seconds_until_gone

GONE_SECONDS = 60.0


@pytest.fixture
def outer() -> Iterator[Path]:
    """A temporary folder with a short name: a browser's socket has no room for that of ``tmp_path``."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


@pytest.fixture
def as_temporary_folder(outer: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TMPDIR", str(outer))
    monkeypatch.setattr(tempfile, "tempdir", str(outer))
    return outer


def _left_behind(outer: Path) -> Path:
    """A folder with something in it, whose server is dead."""
    folder, lock = make_folder(outer)
    (folder / "profile").mkdir()
    (folder / "profile" / "Cookies").write_bytes(b"some")
    os.close(lock)
    return folder


def test_a_dead_servers_folder_goes_and_a_living_ones_stays(outer: Path) -> None:
    dead = _left_behind(outer)
    living, lock = make_folder(outer)
    try:
        assert remove_left_behind(outer) == [dead]
        assert [living] == list(outer.iterdir())
    finally:
        os.close(lock)


def test_the_lock_of_another_process_counts_whatever_its_pid(outer: Path) -> None:
    holds = (
        "import sys; from pathlib import Path; from server.command.scratch import make_folder;"
        "print(make_folder(Path(sys.argv[1]))[0], flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", holds, str(outer)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        folder = Path(other.stdout.readline().strip())
        assert remove_left_behind(outer) == []
        assert (folder / OWNER).exists()
        other.kill()
        other.wait()
        assert remove_left_behind(outer) == [folder]
    assert list(outer.iterdir()) == []


def test_a_folder_that_is_just_being_made_is_left_alone_and_an_old_one_is_not(outer: Path) -> None:
    made = Path(tempfile.mkdtemp(prefix=PREFIX, dir=outer))
    assert remove_left_behind(outer) == []
    long_ago = made.stat().st_mtime - UNOWNED_SECONDS - 1
    os.utime(made, (long_ago, long_ago))
    assert remove_left_behind(outer) == [made]


def test_what_others_put_there_is_left_alone(outer: Path) -> None:
    elsewhere = outer / "precious"
    elsewhere.mkdir()
    (elsewhere / OWNER).touch()
    (outer / f"{PREFIX}link").symlink_to(elsewhere)
    (outer / f"{PREFIX}file").touch()
    assert remove_left_behind(outer) == []
    assert {path.name for path in outer.iterdir()} == {"precious", f"{PREFIX}link", f"{PREFIX}file"}
    assert (elsewhere / OWNER).exists()


def test_what_a_process_and_its_children_put_down_goes_with_the_folder(as_temporary_folder: Path) -> None:
    tell = [sys.executable, "-c", "import tempfile; print(tempfile.mkdtemp())"]
    with own_temporary_folder():
        (mine,) = as_temporary_folder.glob(f"{PREFIX}*")
        assert Path(tempfile.mkdtemp()).parent == mine
        assert Path(subprocess.check_output(tell, text=True).strip()).parent == mine
        with (mine / OWNER).open("rb") as again, pytest.raises(BlockingIOError):
            fcntl.flock(again, fcntl.LOCK_EX | fcntl.LOCK_NB)
    assert list(as_temporary_folder.iterdir()) == []
    assert tempfile.gettempdir() == os.environ["TMPDIR"] == str(as_temporary_folder)


def test_a_server_runs_where_no_folder_can_be_made(as_temporary_folder: Path) -> None:
    shutil.rmtree(as_temporary_folder)
    with own_temporary_folder():
        assert tempfile.gettempdir() == str(as_temporary_folder)
    as_temporary_folder.mkdir()


@pytest.mark.browser
def test_a_killed_servers_browser_leaves_nothing_once_another_server_has_started(outer: Path, tmp_path: Path) -> None:
    if find_browser().browser is None:
        pytest.skip("no browser was found on this machine")

    def start(name: str) -> ServerProcess:
        return ServerProcess(tmp_path / name, TMPDIR=str(outer), SHUTDOWN_GRACE_SECONDS="1")

    def put_down(server: ServerProcess, folder: Path) -> bool:
        """Whether its browser runs, with its profile in this folder."""
        return any(one.is_browser for one in below(server.pid)) and bool(list(folder.glob("playwright_*")))

    def open_a_page(server: ServerProcess) -> None:
        task = {"url": server.url + "/", "captures": ["screenshot"]}
        asked = {"kind": "browse", "params": {"tasks": [task, {**task, "url": server.url + "/tasks"}]}}
        httpx2.post(server.url + "/api/tasks", json=asked, timeout=30).raise_for_status()

    first, living = start("first"), None
    try:
        (left,) = outer.iterdir()
        open_a_page(first)
        wait_until(lambda: put_down(first, left), GONE_SECONDS)
        processes = below(first.pid)
        first.kill()
        seconds_until_gone(processes, GONE_SECONDS)
        assert left.exists()

        living = start("second")
        wait_until(lambda: not left.exists(), GONE_SECONDS)
        (mine,) = outer.iterdir()
        open_a_page(living)
        wait_until(lambda: put_down(living, mine), GONE_SECONDS)
        another = _left_behind(outer)
        third = start("third")
        try:
            wait_until(lambda: not another.exists(), GONE_SECONDS)
            assert put_down(living, mine)
        finally:
            third.terminate()
        assert [mine] == list(outer.iterdir())
        assert living.terminate() == 0
        assert list(outer.iterdir()) == []
    finally:
        first.kill()
        if living is not None:
            living.kill()
