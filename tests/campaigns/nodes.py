"""Several real server processes on one folder, to be killed, frozen, ended and started again."""

import os
import random
import select
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import anyio
import orjson
from anyio import to_thread

from tests.campaigns.exchange import HOST, Cut, ask
from tests.making import life_folder
from tests.serving import ROOT

START_SECONDS = 30.0
END_SECONDS = 20.0
LOOK_SECONDS = 0.01
LISTENS = "Holdfast listens on"
LOWEST_PORT, HIGHEST_PORT = 20_000, 32_000
"""Below those that systems give to outgoing connections: a node that is down must find its own free again."""


class Zygote:
    """The process that forks nodes; see `tests.campaigns.zygote`."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "tests.campaigns.zygote"],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1", **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        self._turn = anyio.Lock()

    @property
    def pid(self) -> int:
        return self._process.pid

    async def ask(self, request: dict[str, Any]) -> int:
        async with self._turn:
            return await to_thread.run_sync(self._ask, request)

    def _ask(self, request: dict[str, Any]) -> int:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(orjson.dumps(request) + b"\n")
        self._process.stdin.flush()
        (answer,) = orjson.loads(self._process.stdout.readline()).values()
        return int(answer)

    def close(self) -> None:
        self._process.communicate(timeout=END_SECONDS)


class Node:
    """One server on its own port, process after process. ``id`` is that of the process that runs, once it listens."""

    def __init__(self, zygote: Zygote, folder: Path, port: int, weakness: str | None, settings: dict[str, Any]) -> None:
        self.port = port
        self.log = folder / f"node-{port}.log"
        self.clock = folder / f"node-{port}.clock"
        self.id: str | None = None
        self._zygote, self._weakness = zygote, weakness
        self._settings = {"port": port, **settings}
        self._pid: int | None = None
        self._pidfd = -1
        self._ending = False
        self._log_start = 0

    @property
    def running(self) -> bool:
        return self._pid is not None

    @property
    def pid(self) -> int:
        assert self._pid is not None, "it does not run"
        return self._pid

    async def start(self, **settings: Any) -> None:
        """Start a process; it need not listen yet. ``settings`` go before those of all nodes, and stay."""
        assert self._pid is None, "it runs already"
        self._settings |= settings
        self._log_start = self.log.stat().st_size if self.log.exists() else 0
        request = {
            "settings": self._settings,
            "log": str(self.log),
            "clock": str(self.clock),
            "weakness": self._weakness,
        }
        self._ending = False
        self._pid = await self._zygote.ask(request)
        self._pidfd = os.pidfd_open(self._pid)

    async def listening(self) -> None:
        """Return when the process that runs answers, or is being ended."""
        pid = self._pid
        with anyio.fail_after(START_SECONDS):
            while LISTENS not in self.said():
                if self._pid != pid or self._ending:
                    return
                assert not select.select([self._pidfd], [], [], 0)[0], f"it ended: {self.said()}"
                await anyio.sleep(LOOK_SECONDS)
        with suppress(Cut):
            _, answer = await ask(self.port, "/healthz")
            assert isinstance(answer, dict)
            self.id = answer["node"] if self._pid == pid else None

    def said(self) -> str:
        """What the process that runs has written to its output."""
        if not self.log.exists():
            return ""
        with self.log.open("rb") as file:
            file.seek(self._log_start)
            return file.read().decode()

    async def kill(self) -> None:
        """SIGKILL: it gets no chance to say anything."""
        self._ending = True
        self._signal(signal.SIGKILL)
        await self._gone()

    async def terminate(self) -> int:
        """SIGTERM: it may end in good order. Returns the exit status."""
        self._ending = True
        self._signal(signal.SIGTERM)
        return await self._gone()

    def freeze(self) -> None:
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        assert self._pid is not None, "it does not run"
        signal.pidfd_send_signal(self._pidfd, number)

    async def _gone(self) -> int:
        with anyio.fail_after(END_SECONDS):
            await anyio.wait_readable(self._pidfd)
        pid, self._pid, self.id = self._pid, None, None
        os.close(self._pidfd)
        return await self._zygote.ask({"ended": pid})


class Cluster:
    """Nodes on one folder."""

    def __init__(
        self, zygote: Zygote, folder: Path, count: int, weakness: str | None, settings: dict[str, Any]
    ) -> None:
        self.folder = folder
        self.tasks = folder / "tasks"
        self.zygote = zygote
        common = {
            "task_storage_dir": str(self.tasks),
            "library_dir": str(folder / "library"),
            "browser_path": str(folder / "no-browser"),  # looking for one would start a process for each node
            "search_providers": [],
            "demo_kind": True,
            "lang": "C.UTF-8",
            "lc_all": "",
            **settings,
        }
        self.nodes = [Node(zygote, folder, port, weakness, common) for port in free_ports(count)]

    @property
    def ports(self) -> list[int]:
        return [node.port for node in self.nodes]

    def owner_of(self, task_id: str) -> Node | None:
        """The node of the newest claim, if it still runs."""
        claims = sorted(life_folder(self.tasks, task_id).glob("*.claim"))
        owner = orjson.loads(claims[-1].read_bytes())["node"] if claims else None
        return next((node for node in self.nodes if node.id is not None and node.id == owner), None)

    async def start(self) -> None:
        """Start every node, and wait until all of them answer."""
        async with anyio.create_task_group() as tg:
            for node in self.nodes:
                tg.start_soon(self._start, node)

    async def _start(self, node: Node) -> None:
        await node.start()
        await node.listening()

    async def kill(self) -> None:
        for node in self.nodes:
            if node.running:
                await node.kill()

    def complaints(self) -> list[str]:
        """Tracebacks in what the nodes have said."""
        return [f"{node.log.name}: {tail}" for node in self.nodes for tail in _tracebacks(node.log)]


@asynccontextmanager
async def cluster(
    folder: Path,
    count: int,
    environment: Mapping[str, str] | None = None,
    /,
    *,
    weakness: str | None = None,
    **settings: Any,
) -> AsyncIterator[Cluster]:
    """``count`` nodes that listen, for the length of a with-block. ``environment``: what theirs has besides ours."""
    zygote = Zygote(environment or {})
    nodes = Cluster(zygote, folder, count, weakness, settings)
    try:
        await nodes.start()
        yield nodes
    finally:
        with anyio.CancelScope(shield=True):
            await nodes.kill()
            zygote.close()


def free_ports(count: int) -> list[int]:
    found: list[int] = []
    while len(found) < count:
        port = random.randrange(LOWEST_PORT, HIGHEST_PORT)  # noqa: S311 - any will do
        with socket.socket() as probe:
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
        if port not in found:
            found.append(port)
    return found


def _tracebacks(log: Path) -> list[str]:
    text = log.read_text(errors="replace") if log.exists() else ""
    return [part.strip()[-600:] for part in text.split("Traceback (most recent call last):")[1:]]
