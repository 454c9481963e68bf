"""What users tell a life while it goes on: one file each, beside the requests to its owner."""

from pathlib import Path

import orjson

from server.models import Note
from server.stores.checksum import checked, with_checksum
from server.stores.volume import Volume

SUFFIX = ".note"


class Notes:
    """A note's file bears its id, so the same one is kept once; and it is made by `link_new`, so it is whole."""

    def __init__(self, volume: Volume, folder: Path) -> None:
        self._volume, self._folder = volume, folder

    def keep(self, note: Note) -> None:
        self._volume.make_folder(self._folder)
        content = orjson.dumps({"at": note.at, "body": note.body}, option=orjson.OPT_INDENT_2)
        self._volume.link_new(self._folder / f"{note.id}{SUFFIX}", with_checksum(content))

    def read(self) -> list[Note]:
        """Oldest first. A damaged one is left out: what it said is lost, and the task goes on without it."""
        found = []
        for name in self._volume.names(self._folder):
            content = self._volume.read(self._folder / name) if name.endswith(SUFFIX) else None
            if content is None:
                continue
            try:
                told = checked(content)
            except ValueError:
                continue
            found.append(Note(told["at"], told["body"]))
        return sorted(found, key=lambda note: (note.at, note.id))
