"""Real servers for tests: in a thread of this process, or as a process of their own that can be killed."""

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn

from server.app import create_app
from server.command.connection import Connection
from server.command.listening import listen
from server.settings import Settings
from server.sources.providers.roster import Providers
from server.stores.base import Store
from server.workflows.base import Workflow

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 30.0
Http = type[asyncio.Protocol]
LISTENS = r"^Holdfast .*(http://127\.0\.0\.1:(\d+))$"
"""What it tells on stdout as soon as it does; lines of its log may come before."""


def settings(tmp_path: Path, **more: Any) -> Settings:
    """Settings of a test server: its own folder, the demo kind, quick to notice things."""
    values = {
        "task_storage_dir": tmp_path / "tasks",
        "library_dir": tmp_path / "library",
        "search_providers": (),
        "demo_kind": True,
        "heartbeat_seconds": 0.2,
        "scan_seconds": 0.1,
        "shutdown_grace_seconds": 1,
        **more,
    }
    return Settings(**values)


class Running:
    """A server in a thread. ``url`` is where it listens."""

    def __init__(
        self,
        wanted: Settings,
        store: Store | None,
        workflows: list[Workflow] | None,
        http: Http,
        providers: Providers | None,
    ) -> None:
        self.sockets = listen("127.0.0.1", 0)
        self.port: int = self.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        bound = wanted.model_copy(update={"port": self.port})
        self.app = create_app(bound, store=store, workflows=workflows, providers=providers)
        config = uvicorn.Config(
            self.app, http=http, log_config=None, access_log=False, ws="none", timeout_graceful_shutdown=3
        )
        self._server = _Server(config, self.app)
        self.server_state = self._server.server_state
        self._thread = threading.Thread(target=self._server.run, args=(self.sockets,), daemon=True)

    def start(self) -> None:
        self._thread.start()
        wait_until(lambda: self._server.started or not self._thread.is_alive())
        assert self._server.started, "the server did not start"

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join(START_SECONDS)
        assert not self._thread.is_alive(), "the server did not stop"
        for each in self.sockets:
            each.close()


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, app: Any) -> None:
        super().__init__(config)
        self._app = app

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await self._app.state.holdfast.begin_shutdown()
        await super().shutdown(sockets)


@contextmanager
def serving(
    wanted: Settings,
    *,
    store: Store | None = None,
    workflows: list[Workflow] | None = None,
    http: Http = Connection,
    providers: Providers | None = None,
) -> Iterator[Running]:
    """A server over real sockets for the length of a with-block. ``http``: its kind of connection, another server's."""
    running = Running(wanted, store, workflows, http, providers)
    running.start()
    try:
        yield running
    finally:
        running.stop()


class ServerProcess:
    """`holdfast serve` as a process of its own."""

    def __init__(self, folder: Path, *, port: int = 0, **environment: str) -> None:
        given = {
            **os.environ,
            "DEMO_KIND": "1",
            "TASK_STORAGE_DIR": str(folder / "tasks"),
            "LIBRARY_DIR": str(folder / "library"),
            "SEARCH_PROVIDERS": ",",
            "LANG": "C.UTF-8",
            "LC_ALL": "",
            **environment,
        }
        self._process = subprocess.Popen(
            [sys.executable, "-m", "server", "serve", "--port", str(port)],
            cwd=ROOT,
            env=given,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert self._process.stdout is not None
        self.told: list[str] = []
        while (found := re.search(LISTENS, line := self._process.stdout.readline())) is None:
            assert line, "".join(self.told)
            self.told.append(line)
        self.url, self.port = found[1], int(found[2])
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    def _listen(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as stdout:
            self.told.extend(stdout)

    def kill(self) -> None:
        """SIGKILL: it gets no chance to say anything."""
        self._end(signal.SIGKILL)

    def terminate(self) -> int:
        """SIGTERM: it may end in good order. Returns the exit status."""
        return self._end(signal.SIGTERM)

    def wait(self) -> int:
        """Until it has ended by itself. Returns the exit status."""
        status = self._process.wait(START_SECONDS)
        self._listener.join(START_SECONDS)
        return status

    def _end(self, number: signal.Signals) -> int:
        if self._process.poll() is None:
            self._process.send_signal(number)
        return self.wait()


@contextmanager
def server_process(folder: Path, *, port: int = 0, **environment: str) -> Iterator[ServerProcess]:
    process = ServerProcess(folder, port=port, **environment)
    try:
        yield process
    finally:
        process.kill()


def wait_until(condition: Any, seconds: float = START_SECONDS) -> None:
    """Return when the condition holds, looking often; fail when it does not in time."""
    limit = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < limit, f"not within {seconds} s"
        time.sleep(0.005)
