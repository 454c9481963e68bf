"""Holdfast as it really runs: started by scripts/serve, tasks in a folder, asked over HTTP."""

import re
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from scripts.benching.processes import ROOT, process
from scripts.judging import Failed
from scripts.outside import Server
from scripts.outside import wait_for as wait_briefly

LISTENS = re.compile(r"http://127\.0\.0\.1:(\d+)")
BLOCKING = {"events": 999, "rate": 0.01, "size": 6}
"""A task that has the node's only place and does next to nothing with it."""


@dataclass(frozen=True)
class Holdfast:
    """A server that runs. ``started_seconds``: from its command to its listening."""

    port: int
    pid: int
    tasks: Path
    started_seconds: float

    @property
    def server(self) -> Server:
        return Server(f"http://127.0.0.1:{self.port}")

    def begin(self, **params: Any) -> str:
        """The id of a new demo task."""
        request = {"kind": "demo", "params": {"seed": secrets.randbelow(2**31), **params}}
        return str(self.server.start(request)["id"])

    def wait_for(self, task_id: str, status: str) -> None:
        def has_come() -> bool:
            now = self.server.task(task_id)["status"]
            if now != status and now in ("failed", "stopped"):
                raise Failed(f"a task is {now} where it should become {status}")
            return bool(now == status)

        wait_briefly(has_come, f"a task becoming {status}")

    def stop(self, task_id: str) -> None:
        self.server.call("POST", f"/api/tasks/{task_id}/stop")

    def log(self, task_id: str) -> Path:
        """The first segment of a task's first life."""
        return next((self.tasks / task_id).glob("0001-*")) / "000001.jsonl"

    def finished(self, **params: Any) -> str:
        """A new demo task that has ended."""
        task_id = self.begin(**params)
        self.wait_for(task_id, "completed")
        return task_id

    @contextmanager
    def held_back(self, **params: Any) -> Iterator["HeldBack"]:
        """A demo task that waits until it is let go; the server must have one place only."""
        blocking = self.begin(**BLOCKING)
        self.wait_for(blocking, "running")
        yield HeldBack(self, blocking, self.begin(**params))
        self.stop(blocking)


@dataclass(frozen=True)
class HeldBack:
    holdfast: Holdfast
    blocking: str
    task_id: str

    @property
    def target(self) -> str:
        return events_of(self.task_id)

    def let_go(self) -> None:
        self.holdfast.stop(self.blocking)


def events_of(task_id: str) -> str:
    return f"/api/tasks/{task_id}/events"


def stream_of(**params: Any) -> str:
    """The address that starts a demo task, or attaches to it, and streams."""
    return f"/api/stream?{urlencode({'kind': 'demo', **params})}"


@contextmanager
def holdfast(folder: Path, tasks: Path | None = None, **settings: str) -> Iterator[Holdfast]:
    """Settings that are not given are the default ones, but for the `demo` kind, which makes the load."""
    tasks = tasks or folder / "tasks"
    environment = {
        "TASK_STORAGE_DIR": str(tasks),
        "LIBRARY_DIR": str(folder / "library"),
        "HOLDFAST_SKIP_BROWSER": "1",
        "BROWSER_PATH": str(folder / "no-browser"),
        "SEARCH_PROVIDERS": ",",
        "DEMO_KIND": "1",
        "LANG": "C.UTF-8",
        "LC_ALL": "",
        **settings,
    }
    log = folder / "holdfast.log"
    began = time.monotonic()
    command = [str(ROOT / "scripts" / "serve"), "--host", "127.0.0.1", "--port", "0"]
    with process(command, log, **environment) as started:
        assert started.stdout is not None  # noqa: S101 - made so
        while (found := LISTENS.search(line := started.stdout.readline().decode())) is None:
            if not line:
                raise Failed(f"Holdfast did not start: {log.read_text(errors='replace')[-500:]}")
        yield Holdfast(int(found[1]), started.pid, tasks, time.monotonic() - began)
