"""The backup of docs/storage.md, made word for word while servers are killed: every task is whole in the copy."""

import re
import shutil
import subprocess
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import httpx2
import orjson
import pytest

from server.models import Status
from server.stores.files import FileStore
from server.tasks.ownership import read_state
from tests.reading import numbered, read_stream, report_of
from tests.serving import ServerProcess, server_process, wait_until

ROOT = Path(__file__).resolve().parent.parent
EVENTS, SIZE, TASKS = 800, 20, 5

quick_process = partial(server_process, HEARTBEAT_SECONDS="0.2", SCAN_SECONDS="0.1", SNAPSHOT_INTERVAL_SECONDS="0.1")

pytestmark = pytest.mark.skipif(shutil.which("rsync") is None, reason="needs rsync")


def documented() -> list[str]:
    """The commands of the page, in their order."""
    page = (ROOT / "docs/storage.md").read_text(encoding="utf-8")
    return re.findall(r"^rsync .*$", page.partition("\n## Backup and restore\n")[2], re.MULTILINE)


def copy(command: str, tasks: Path, to: Path) -> None:
    to.mkdir(parents=True, exist_ok=True)
    assert (command.count(" data/tasks/ "), command.count(" backup/")) == (1, 1)
    words = command.replace(" data/tasks/ ", f" {tasks}/ ").replace(" backup/", f" {to}/")
    done = subprocess.run(["sh", "-c", words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def start(server: ServerProcess, seed: int) -> str:
    params = {"events": EVENTS, "rate": 100, "steps": 48, "size": SIZE, "seed": seed}
    return str(httpx2.post(f"{server.url}/api/tasks", json={"kind": "demo", "params": params}).json()["id"])


def states(folder: Path) -> dict[str, tuple[Status, int]]:
    """The status of each task in a folder, and the number of its last event."""

    async def read() -> dict[str, tuple[Status, int]]:
        store = FileStore(folder)
        await store.open()
        found = {}
        for task_id in await store.task_ids():
            life = await store.latest(task_id)
            assert life is not None
            state = await read_state(store, life, 0)
            found[task_id] = (state.status, state.seq)
        await store.close()
        return found

    return anyio.run(read)


def snapshot(folder: Path, task_id: str) -> dict[str, Any]:
    """What `cat` shows of a task; nothing while there is none."""
    try:
        return dict(orjson.loads((folder / f"{task_id}.json").read_bytes()))
    except FileNotFoundError:
        return {"seq": 0, "epoch": 0}


def all_are_taken_up(tasks: Path, epochs: dict[str, int]) -> bool:
    """Whether each task has a newer owner than it had, or has ended."""
    now = {task_id: snapshot(tasks, task_id) for task_id in epochs}
    return all(now[each]["epoch"] > epoch or now[each]["status"] == "completed" for each, epoch in epochs.items())


def test_a_backup_made_while_servers_are_killed_has_every_task_whole(tmp_path: Path) -> None:
    """None damaged, none shorter than what had been told before, and restored they all come to their end."""
    tasks, backup = tmp_path / "tasks", tmp_path / "restored" / "tasks"
    ids: list[str] = []
    before: dict[str, dict[str, Any]] = {}
    for command in documented():
        with quick_process(tmp_path) as server:
            ids = ids or [start(server, seed) for seed in range(TASKS)]
            epochs = {task_id: snapshot(tasks, task_id)["epoch"] for task_id in ids}
            wait_until(partial(all_are_taken_up, tasks, epochs))
            before = before or {task_id: snapshot(tasks, task_id) for task_id in ids}
            copy(command, tasks, backup)
    found = states(backup)
    assert set(found) == set(ids)
    assert [task_id for task_id, (status, _) in found.items() if status is Status.FAILED] == []
    assert [task_id for task_id, (_, seq) in found.items() if seq < before[task_id]["seq"]] == []
    with quick_process(tmp_path / "restored") as server:
        for task_id in ids:
            text = report_of(numbered(read_stream(f"{server.url}/api/tasks/{task_id}/events")))["demo"]
            assert [int(text[at : at + 6]) for at in range(0, len(text), SIZE)] == list(range(EVENTS))


def test_a_copy_with_the_snapshots_made_last_counts_as_damaged(tmp_path: Path) -> None:
    """Negative control, and why the order matters: the snapshot tells of an end that the copied log lacks."""
    snapshots, logs, _ = documented()
    tasks, backup = tmp_path / "tasks", tmp_path / "backup"
    with quick_process(tmp_path) as server:
        task_id = start(server, 1)
        wait_until(lambda: snapshot(tasks, task_id).get("status") == "running")
        copy(logs, tasks, backup)
        assert states(backup)[task_id][0] is Status.RUNNING
        wait_until(lambda: snapshot(tasks, task_id)["status"] == "completed")
        copy(snapshots, tasks, backup)
    assert states(backup)[task_id][0] is Status.FAILED
