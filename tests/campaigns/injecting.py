"""System calls of a real node that fail for a while, by strace, while tasks run on it with readers at all nodes."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio

from tests.campaigns.batch import LOSSES, Batch
from tests.campaigns.chance import dice
from tests.campaigns.checking import Demo
from tests.campaigns.ledger import Ledger, Loss
from tests.campaigns.nodes import Node, cluster
from tests.making import life_folder

NODES = 2
TASKS = 2
QUICK: dict[str, Any] = {"heartbeat_seconds": 0.2, "lease_seconds": 4.0, "scan_seconds": 0.1}
FAILING_SECONDS = (0.2, 1.0)
ATTACH_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Injection:
    """These system calls fail. ``on_log``: only those on the tasks' logs, as others go to pipes and sockets, too."""

    calls: str
    error: str
    on_log: bool = False


INJECTIONS = (
    Injection("fdatasync", "EIO"),
    Injection("fdatasync", "ENOSPC"),
    Injection("fsync", "EIO"),
    Injection("write", "ENOSPC", on_log=True),
    Injection("write", "EIO", on_log=True),
    Injection("write", "EDQUOT", on_log=True),
    Injection("link,linkat", "EIO"),
    Injection("rename,renameat,renameat2", "EIO"),
    Injection("rename,renameat,renameat2", "EROFS"),
    Injection("unlink,unlinkat", "EIO"),
    Injection("mkdir,mkdirat", "ENOSPC"),
    Injection("openat", "EMFILE"),
    Injection("openat", "EIO"),
    Injection("pread64", "EIO"),
    Injection("getdents64", "EIO"),
    Injection("stat,newfstatat,statx", "EIO"),
)


def missing() -> str | None:
    """What keeps this machine from it, in words; None where it can."""
    if shutil.which("strace") is None:
        return "strace is not installed"
    command = ["strace", "-qq", "-o", os.devnull, "-e", "inject=fdatasync:error=EIO:when=1", sys.executable, "-c", "1"]
    tried = subprocess.run(command, capture_output=True, text=True, check=False)
    return None if tried.returncode == 0 else f"strace is refused here: {tried.stderr.strip()}"


async def inject(rounds: int, seed: int, folder: Path) -> tuple[dict[str, int | float], Ledger]:
    """One injection each round."""
    ledger, rng = Ledger(LOSSES), dice(seed, "injections")
    order = rng.sample(INJECTIONS, len(INJECTIONS))
    async with cluster(folder, NODES, **QUICK) as nodes:
        for number in range(rounds):
            injection = order[number % len(order)]
            first = seed * 1_000_000 + number * TASKS
            batch = Batch(nodes, ledger, [Demo(first + index, events=90) for index in range(TASKS)])
            async with anyio.create_task_group() as tg:
                await batch.begin(tg)
                logs = [life_folder(nodes.tasks, task_id) / "000001.jsonl" for task_id in batch.task_ids]
                async with failing(nodes.nodes[0], injection, logs):
                    await anyio.sleep(rng.uniform(*FAILING_SECONDS))
                before = len(ledger.notes)
                await batch.check()
            ledger.notes[before:] = [f"round {number + 1}, {injection}: {note}" for note in ledger.notes[before:]]
        for complaint in nodes.complaints():
            ledger.lose(Loss.ERROR, f"a node said: {complaint}")
    return {"injections into system calls": rounds}, ledger


@asynccontextmanager
async def failing(node: Node, injection: Injection, logs: Sequence[Path]) -> AsyncIterator[None]:
    """The calls of all the node's threads fail for the length of a with-block."""
    paths = [part for log in logs for part in ("-P", str(log))] if injection.on_log else []
    command = ["strace", "-f", "-o", os.devnull, *paths, "-e", f"trace={injection.calls}"]
    command += ["-e", f"inject={injection.calls}:error={injection.error}", "-p", str(node.pid)]
    async with await anyio.open_process(command, stdout=subprocess.DEVNULL) as strace:
        assert strace.stderr is not None
        with anyio.fail_after(ATTACH_SECONDS):
            said = (await strace.stderr.receive()).decode()
        assert "attached" in said, said
        try:
            yield
        finally:
            strace.send_signal(signal.SIGINT)  # it lets the process go on without it
