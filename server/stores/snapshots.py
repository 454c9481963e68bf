"""Snapshots of the file store: one readable JSON file for each task, replaced at once, checked as it is read."""

from collections import OrderedDict
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Any

from server.stores.base import head_of
from server.stores.checksum import checked, with_checksum
from server.stores.volume import Replacement, Volume

HEADS_KEPT = 2_000
PATHS_KEPT = 1024

Version = tuple[int, int, int]


class Snapshots:
    """`{task id}.json` in the root folder. Its methods block."""

    def __init__(self, volume: Volume, root: Path) -> None:
        self._volume, self._root = volume, root
        self._heads: OrderedDict[str, tuple[Version, dict[str, Any]]] = OrderedDict()
        self._guard = Lock()
        self._path = lru_cache(maxsize=PATHS_KEPT)(root.joinpath)

    def path(self, task_id: str) -> Path:
        return self._path(f"{task_id}.json")

    def replacement(self, task_id: str, snapshot: bytes, *, durable: bool) -> Replacement:
        return self._volume.replacement(self.path(task_id), [with_checksum(snapshot)], durable=durable)

    def read(self, task_id: str) -> dict[str, Any] | None:
        """None when there is none. A damaged one is moved aside."""
        path = self.path(task_id)
        content = self._volume.read(path)
        if content is None:
            return None
        try:
            snapshot = checked(content)
            if snapshot.get("taskId") != task_id:
                raise ValueError("a snapshot of another task")
        except ValueError:
            with suppress(OSError):  # another node has moved it, the task was removed, or the volume takes nothing
                self._volume.disk.rename(path, self._broken(task_id))
            return None
        return snapshot

    def head(self, task_id: str) -> dict[str, Any] | None:
        """From memory while the file is the one that was read: each snapshot is a file of its own, never changed."""
        try:
            version = self._volume.disk.version(self.path(task_id))
        except FileNotFoundError:
            self._forget(task_id)
            return None
        with self._guard:
            known = self._heads.get(task_id)
            if known is not None and known[0] == version:
                self._heads.move_to_end(task_id)
                return known[1]
        snapshot = self.read(task_id)
        if snapshot is None:
            return None
        head = head_of(snapshot)
        with self._guard:
            self._heads[task_id] = (version, head)
            while len(self._heads) > HEADS_KEPT:
                self._heads.popitem(last=False)
        return head

    def remove(self, task_id: str) -> None:
        self._forget(task_id)
        self._volume.remove_file(self.path(task_id))
        self._volume.remove_file(self._broken(task_id))

    def _broken(self, task_id: str) -> Path:
        return self.path(task_id).with_suffix(".json.broken")

    def _forget(self, task_id: str) -> None:
        with self._guard:
            self._heads.pop(task_id, None)
