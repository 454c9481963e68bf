"""Births in the file store: the record of each life, and the folder that belongs to it.

    {task id}/{life:04d}.task                   the record, made by link()
    {task id}/{life:04d}-{generation}/          all else of this life

The folder bears the generation, so that whoever slept while a task was removed and asked for again finds nothing of
the new one under the names that it knows.
"""

from pathlib import Path

from server.errors import LogCorrupt
from server.models import Life
from server.stores.checksum import END, checked, with_checksum
from server.stores.volume import Volume

SUFFIX = ".task"
DAMAGED = "The birth record of this task is damaged; the file is kept as it is, and `fresh` starts a new life."


class Unfinished(Exception):
    """Its maker is at it, or has died over it: a volume without hard links shows a record while it is written."""


class Births:
    """The records and folders of all lives. Its methods block."""

    def __init__(self, volume: Volume, root: Path) -> None:
        self._volume, self._root = volume, root

    def folder(self, life: Life) -> Path:
        return self._root / life.task_id / f"{life.number:04d}-{life.generation}"

    def record(self, life: Life) -> Path:
        return self._root / life.task_id / f"{life.number:04d}{SUFFIX}"

    def make(self, life: Life) -> bool:
        """Make the record; False when there is one of this number already."""
        self._volume.make_folder(self._root / life.task_id)
        return self._volume.link_new(self.record(life), with_checksum(life.encode()))

    def find(self, life: Life) -> Life | None:
        """The life that has this one's number. :raises LogCorrupt, Unfinished: there is one, and it can't be read."""
        content = self._read(self.record(life))
        if content is None:
            return None
        if self._is_unfinished(content):
            raise Unfinished
        try:
            return Life.of(checked(content))
        except ValueError:
            raise LogCorrupt(DAMAGED) from None

    def all(self, task_id: str) -> list[Life]:
        """Oldest first, without those that are unfinished. :raises LogCorrupt: the current one is damaged."""
        folder = self._root / task_id
        found = []
        damaged = False
        for name in sorted(name for name in self._volume.names(folder) if name.endswith(SUFFIX)):
            content = self._read(folder / name)
            if content is not None and not self._is_unfinished(content):
                try:
                    found.append(Life.of(checked(content)))
                    damaged = False
                except ValueError:
                    damaged = True
        if damaged:
            # The current life is not known, and an older one must not pass for it.
            raise LogCorrupt(DAMAGED)
        return found

    def _read(self, record: Path) -> bytes | None:
        content = self._volume.read(record)
        if content and not self._volume.hard_links:
            # It is seen before its maker has made it durable, and whoever is told of the task must find it again.
            self._volume.make_durable(record)
        return content

    def _is_unfinished(self, content: bytes) -> bool:
        return not content or (not self._volume.hard_links and not content.endswith(END))

    def any(self, task_id: str) -> bool:
        """Whether there is any record under this id."""
        return any(name.endswith(SUFFIX) for name in self._volume.names(self._root / task_id))

    def is_there(self, life: Life) -> bool:
        """Whether this very life has its number: after a removal another one may have."""
        try:
            found = self.find(life)
        except (LogCorrupt, Unfinished):
            return False
        return found is not None and found.generation == life.generation

    def is_current(self, life: Life) -> bool:
        """Whether it is there, and no later one."""
        later = self._root / life.task_id / f"{life.number + 1:04d}{SUFFIX}"
        return not self._volume.disk.exists(later) and self.is_there(life)

    def remove(self, life: Life) -> None:
        """Remove the record, durably: nobody looks for the rest any more."""
        record = self.record(life)
        self._volume.remove_file(record)
        self._volume.disk.sync_folder(record.parent)
