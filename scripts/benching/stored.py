"""Many finished tasks on disk: one that a server has run, and its files again under other ids."""

import secrets
from pathlib import Path

import orjson

from scripts.benching.holdfast import holdfast
from server.models import iso, new_generation
from server.stores.checksum import checked, with_checksum

BETWEEN_MS = 1000
"""From one task's creation to the next one's."""


def make(folder: Path, tasks: Path, count: int) -> None:
    """``tasks`` becomes a task folder with so many finished demo tasks, newest last, without syncs."""
    with holdfast(folder, folder / "model") as own:
        model = own.tasks
        task_id = own.finished(events=5, size=20, steps=2)
    birth = checked((model / task_id / "0001.task").read_bytes())
    snapshot = checked((model / f"{task_id}.json").read_bytes())
    files = {path.name: path.read_bytes() for path in own.log(task_id).parent.iterdir() if path.is_file()}
    tasks.mkdir()
    newest = birth["created_at"]
    for index in range(count):
        created_at = newest - (count - index) * BETWEEN_MS
        new = {"generation": new_generation(), "created_at": created_at}
        shown = {"generation": new["generation"], "created_at": iso(created_at)}
        new_id = secrets.token_hex(16)
        own_folder = tasks / new_id / f"0001-{new['generation']}"
        own_folder.mkdir(parents=True)
        _write(tasks / new_id / "0001.task", {**birth, "task_id": new_id, **new})
        _write(tasks / f"{new_id}.json", {**snapshot, "taskId": new_id, **shown})
        for name, content in files.items():
            (own_folder / name).write_bytes(content)


def _write(path: Path, content: dict[str, object]) -> None:
    path.write_bytes(with_checksum(orjson.dumps(content, option=orjson.OPT_INDENT_2)))
