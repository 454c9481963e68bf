"""Removing from the file store: in two steps, so that nobody starts anew what is just going away.

    removing/{task id}                   made by link() before a task is removed, gone afterwards
    .removed-{name}-{token}              what was taken away at once, and goes piece by piece

Whoever begins something with a task (a life, an ownership) makes its record first and looks for the mark then; whoever
removes makes the mark first and looks for such records then. So at least one of two sees the other, and steps back.
"""

from pathlib import Path
from secrets import token_hex

from server.stores.volume import ASIDE_SUFFIX, Volume

ASIDE = ".removed-"


class Removals:
    """Marks, and what was taken away. Its methods block."""

    def __init__(self, volume: Volume, root: Path, temporary: tuple[str, ...]) -> None:
        self._volume, self._root, self._temporary = volume, root, temporary
        self.folder = root / "removing"
        self._seen_before: set[Path] = set()

    def under_way(self, task_id: str) -> bool:
        return self._volume.disk.exists(self.folder / task_id)

    def begin(self, task_id: str, record: Path) -> bool:
        """Mark the task; False when somebody else is removing it.

        The mark is another name of ``record``, as a volume that is out of room may have none for a new file.
        """
        return self._volume.link_to(self.folder / task_id, record)

    def end(self, task_id: str) -> None:
        self._volume.remove_file(self.folder / task_id)
        # Durably: a mark that comes back after a power cut would hide what was made under this id since.
        self._volume.disk.sync_folder(self.folder)

    def take_away(self, folder: Path) -> Path | None:
        """Take a folder away at once; returns where it is now, None when there was none."""
        aside = self._root / f"{ASIDE}{folder.name}-{token_hex(4)}"
        try:
            self._volume.disk.rename(folder, aside)
        except FileNotFoundError:
            return None
        # Durably, before anything in it goes: what comes back after a power cut must be whole.
        self._volume.disk.sync_folder(folder.parent)
        return aside

    def finish(self, aside: Path | None) -> None:
        """Remove what was taken away."""
        if aside is not None:
            self._volume.disk.remove_tree(aside)

    def tidy(self) -> None:
        """Take away what stood there at the last call already: no write or removal that is under way lasts so long.

        A mark that is left over is withdrawn: nothing was removed under it, or all was.
        """
        found = {self.folder / name for name in self._volume.names(self.folder)}
        inside = [self._root / "ledgers", self._root / "people"]
        own = [folder / name for folder in inside for name in self._volume.names(folder)]
        for folder in (self._root, self._root / "nodes", self._root / "untold", *own):
            for name in self._volume.names(folder):
                if name.startswith(".") and (name.endswith(ASIDE_SUFFIX) or name.startswith((ASIDE, *self._temporary))):
                    found.add(folder / name)
        for path in found & self._seen_before:
            if path.name.startswith(ASIDE):
                self._volume.disk.remove_tree(path)
            else:
                self._volume.remove_file(path)
        self._seen_before = found
