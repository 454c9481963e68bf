"""Heartbeats of the file store: a small file for each node, and a lock that ends with its process."""

import contextlib
import os
from dataclasses import asdict
from pathlib import Path

import orjson

from server.models import Node
from server.stores.checksum import checked, with_checksum
from server.stores.volume import Volume, is_full

BEAT_BYTES = 4096
"""All heartbeats are of one length, so that a full volume still takes the next one in the place of the last."""


class Heartbeats:
    """`{node}.json` and `{node}.lock` in the folder `nodes/`. Its methods block."""

    def __init__(self, volume: Volume, folder: Path) -> None:
        self._volume, self._folder = volume, folder
        self._locks: dict[str, int] = {}

    def beat(self, node: Node) -> None:
        self._hold_lock(node.id)
        record = asdict(node)
        del record["held"]
        content = with_checksum(orjson.dumps(record)).ljust(BEAT_BYTES)
        try:
            self._volume.replace(self._path(node.id), content, durable=False)
        except OSError as error:
            if not is_full(error):
                raise
            try:
                self._volume.overwrite(self._path(node.id), content)
            except FileNotFoundError:
                raise error from None

    def _hold_lock(self, node: str) -> None:
        path = self._lock_path(node)
        if node in self._locks and not self._volume.disk.exists(path):
            # This node was silent for so long that another one has cleared it away.
            self._volume.disk.close(self._locks.pop(node))
        if node not in self._locks:
            self._locks[node] = self._volume.disk.open(path, os.O_RDWR | os.O_CREAT)
        # With every beat, as somebody may have been looking at the lock the first time. A volume without flock: the
        # lease alone decides.
        with contextlib.suppress(OSError):
            self._volume.disk.lock(self._locks[node])

    def all(self) -> list[Node]:
        """The last heartbeat of each; one that is just being written over is left out."""
        found = []
        for name in self._volume.names(self._folder):
            if name.startswith(".") or not name.endswith(".json"):
                continue
            content = self._volume.read(self._folder / name)
            if content is None:
                continue
            with contextlib.suppress(ValueError, TypeError):
                node = Node.of(checked(content.rstrip() + b"\n"))
                node.held = node.id in self._locks or self._volume.disk.is_locked(self._lock_path(node.id))
                found.append(node)
        return found

    def leave(self, node: str) -> None:
        handle = self._locks.pop(node, None)
        if handle is not None:
            self._volume.disk.close(handle)
        self._volume.remove_file(self._path(node))
        self._volume.remove_file(self._lock_path(node))

    def close(self) -> None:
        for handle in self._locks.values():
            self._volume.disk.close(handle)
        self._locks.clear()

    def _path(self, node: str) -> Path:
        return self._folder / f"{node}.json"

    def _lock_path(self, node: str) -> Path:
        return self._folder / f"{node}.lock"
