"""The processes that a measurement starts, all on loopback; each ends with the block that started it."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from scripts.benching.load import HOST, Plan
from scripts.judging import Failed

ROOT = Path(__file__).resolve().parent.parent.parent
START_SECONDS = 120.0
END_SECONDS = 20.0
LOOK_SECONDS = 0.002
REST_SECONDS = 0.3
MODULE = (sys.executable, "-P", "-m")


class Missing(Exception):
    """Which peer is not installed here, and what to install."""


@contextmanager
def process(command: Sequence[str], log: Path, **environment: str) -> Iterator["subprocess.Popen[bytes]"]:
    """A process of ours. Asked to end at the end of the block, killed when it does not."""
    with log.open("ab") as said:
        started = subprocess.Popen(  # noqa: S603 - programs of this module and the peers
            command,
            cwd=ROOT,
            env={**os.environ, **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=said,
        )
    try:
        yield started
    finally:
        end(started)


def end(started: "subprocess.Popen[bytes]", number: signal.Signals = signal.SIGTERM) -> None:
    if started.poll() is None:
        started.send_signal(number)
        try:
            started.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            started.kill()
            started.wait()
    for pipe in (started.stdin, started.stdout):
        if pipe is not None:
            with suppress(BrokenPipeError):
                pipe.close()


def installed(program: str, package: str) -> str:
    """The path of a program. :raises Missing: with the package that has it."""
    found = shutil.which(program) or shutil.which(program, path="/usr/sbin:/sbin:/usr/local/sbin")
    if found is None:
        raise Missing(package)
    return found


def free_port() -> int:
    with socket.create_server((HOST, 0)) as taken:
        port: int = taken.getsockname()[1]
        return port


def wait_until(condition: Callable[[], Any], what: str, seconds: float = START_SECONDS) -> Any:
    """:raises Failed: it did not come about in time."""
    ends = time.monotonic() + seconds
    while not (found := condition()):
        if time.monotonic() > ends:
            raise Failed(f"{seconds:g} s went by without {what}")
        time.sleep(LOOK_SECONDS)
    return found


def wait_for_port(started: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    """:raises Failed: it has ended, with what it said."""

    def listens() -> bool:
        if started.poll() is not None:
            raise Failed(f"a peer did not start: {log.read_text(errors='replace')[-500:]}")
        with suppress(OSError), socket.create_connection((HOST, port), timeout=1):
            return True
        return False

    wait_until(listens, "a peer listening")


def wait_until_at_rest(pid: int) -> None:
    """Until a process has used next to no processor time for a moment."""

    def rests() -> bool:
        before = _busy_seconds(pid)
        time.sleep(REST_SECONDS)
        return _busy_seconds(pid) - before < REST_SECONDS / 10

    wait_until(rests, f"process {pid} coming to rest")


def _busy_seconds(pid: int) -> float:
    """The processor time that a process has taken so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory_bytes(pid: int) -> int:
    """What a process takes of the memory: shared pages count for the share of it."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    raise Failed(f"the system does not say how much memory process {pid} takes")


class Load:
    """The load process, from its plan to what it has found."""

    def __init__(self, started: "subprocess.Popen[bytes]") -> None:
        self._process = started

    def ready(self) -> None:
        """Return when every connection has been answered."""
        self._said()

    def release(self) -> None:
        """What holds its connections may let go."""
        assert self._process.stdin is not None  # noqa: S101 - made so
        self._process.stdin.close()

    def result(self) -> dict[str, Any]:
        return self._said()

    def _said(self) -> dict[str, Any]:
        assert self._process.stdout is not None  # noqa: S101 - made so
        said: dict[str, Any] = json.loads(self._process.stdout.readline() or b'{"error": "the load broke off"}')
        if "error" in said:
            raise Failed(f"the load says: {said['error']}")
        return said


@contextmanager
def load(plan: Plan, folder: Path) -> Iterator[Load]:
    with process([*MODULE, "scripts.benching.load"], folder / "load.log") as started:
        assert started.stdin is not None  # noqa: S101 - made so
        started.stdin.write(plan.encode())
        started.stdin.flush()
        yield Load(started)


def carried_out(plan: Plan, folder: Path) -> dict[str, Any]:
    """What a plan without readiness has found."""
    with load(plan, folder) as loading:
        return loading.result()
