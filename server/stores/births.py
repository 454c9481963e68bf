"""Births in the file store: the record of each life, and the folder that belongs to it.

    {task id}/{life:04d}.task                   the record, made by link()
    {task id}/{life:04d}-{generation}/          all else of this life

The folder bears the generation, so that whoever slept while a task was removed and asked for again finds nothing of
the new one under the names that it knows.
"""

from functools import lru_cache
from pathlib import Path

from server.errors import LogCorrupt
from server.lately import Lately
from server.models import Life
from server.stores.checksum import END, checked, with_checksum
from server.stores.volume import Version, Volume

SUFFIX = ".task"
RECORDS_KEPT, PATHS_KEPT = 4096, 4096
DAMAGED = "The birth record of this task is damaged; the file is kept as it is, and `fresh` starts a new life."


class Unfinished(Exception):
    """Its maker is at it, or has died over it: a volume without hard links shows a record while it is written."""


class Births:
    """The records and folders of all lives. Its methods block."""

    def __init__(self, volume: Volume, root: Path) -> None:
        self._volume, self._root = volume, root
        self._read_lately = Lately[tuple[str, str], tuple[Version, Life]](RECORDS_KEPT)
        # Each request for a task asks for the same few again, and making one takes longer than a look at the file.
        self._path = lru_cache(maxsize=PATHS_KEPT)(root.joinpath)

    def folder(self, life: Life) -> Path:
        return self._path(life.task_id, _folder_name(life))

    def record(self, life: Life) -> Path:
        return self._path(life.task_id, f"{life.number:04d}{SUFFIX}")

    def make(self, life: Life) -> bool:
        """Make the record; False when there is one of this number already, which is durable then.

        A new one is by `make_folder`, which is to be called next.
        """
        self._volume.make_folder(self._root / life.task_id)
        made = self._volume.appear(self.record(life), with_checksum(life.encode()))
        if not made:
            # Whoever made it may have died before its name was durable.
            self.make_durable(life)
        return made

    def make_folder(self, life: Life) -> None:
        """Make the folder of a life beside its record; both names are durable then."""
        self._volume.make_folder(self.folder(life))

    def make_durable(self, life: Life) -> None:
        """All records of the task, by name."""
        self._volume.disk.sync_folder(self._root / life.task_id)

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
        names = self._volume.names(self._path(task_id))
        found = []
        damaged = False
        for name in sorted(name for name in names if name.endswith(SUFFIX)):
            try:
                life = self._life(task_id, name, names)
            except ValueError:
                damaged = True
            else:
                if life is not None:
                    found.append(life)
                    damaged = False
        if damaged:
            # The current life is not known, and an older one must not pass for it.
            raise LogCorrupt(DAMAGED)
        return found

    def _life(self, task_id: str, name: str, names: list[str]) -> Life | None:
        """A record among ``names``, read once, as it never changes. None while unfinished. :raises ValueError: damaged.

        Where a removed task was asked for again, another may have its name, and by chance its version; the folder of
        the life that was read is gone then.
        """
        record = self._path(task_id, name)
        try:
            version = self._volume.disk.version(record) if self._volume.hard_links else None
        except FileNotFoundError:
            return None
        known = self._read_lately.get((task_id, name))
        if known is not None and known[0] == version and _folder_name(known[1]) in names:
            return known[1]
        content = self._read(record)
        if content is None or self._is_unfinished(content):
            return None
        life = Life.of(checked(content))
        if version is not None:
            self._read_lately.keep((task_id, name), (version, life))
        return life

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


def _folder_name(life: Life) -> str:
    return f"{life.number:04d}-{life.generation}"
