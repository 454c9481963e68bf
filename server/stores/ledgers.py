"""Ledgers in the file store: numbered entries that are written once, and stand until their content is taken out.

    ledgers/{ledger}/{number:08d}.entry

An entry appears by `link_new`, so of all who write the same number one succeeds, and it is whole. It is blanked by
`rename`, so the name is there all the time, and the number is never given away again.
"""

from pathlib import Path

import orjson

from server.errors import LogCorrupt
from server.models import Json
from server.stores.checksum import END, checked, with_checksum
from server.stores.volume import Volume

SUFFIX = ".entry"


class Ledgers:
    """The folder of all ledgers. Its methods block."""

    def __init__(self, volume: Volume, folder: Path) -> None:
        self._volume, self._folder = volume, folder

    def enter(self, ledger: str, number: int, content: Json) -> bool:
        folder = self._folder / ledger
        if number > 1 and not self._volume.disk.exists(self._entry(folder, number - 1)):
            return False
        if number == 1:  # not with those above it: where a volume is not mounted, what is written would be lost
            self._volume.make_folder(self._folder)
            self._volume.make_folder(folder)
        return self._volume.link_new(self._entry(folder, number), _encoded(content))

    def entries(self, ledger: str, after: int = 0) -> list[Json]:
        folder = self._folder / ledger
        found: list[Json] = []
        while (content := self._volume.read(self._entry(folder, after + len(found) + 1))) is not None:
            if not self._volume.hard_links and not content.endswith(END):
                break  # its writer is at it, or has died over it
            try:
                found.append(checked(content)["content"])
            except (ValueError, KeyError):
                raise LogCorrupt(f"Entry {after + len(found) + 1} of a ledger is damaged; the file is kept.") from None
        if found:
            # Whoever made the last ones may have died before their names were durable.
            self._volume.disk.sync_folder(folder)
        return found

    def blank(self, ledger: str, below: int) -> None:
        """:raises OSError: some may be done already."""
        folder, empty = self._folder / ledger, _encoded(None)
        for number in range(1, below):
            path = self._entry(folder, number)
            content = self._volume.read(path)
            if content is None:
                break
            if content != empty:
                self._volume.replace(path, empty, durable=True)

    def _entry(self, folder: Path, number: int) -> Path:
        return folder / f"{number:08d}{SUFFIX}"


def _encoded(content: Json) -> bytes:
    return with_checksum(orjson.dumps({"content": content}, option=orjson.OPT_INDENT_2))
