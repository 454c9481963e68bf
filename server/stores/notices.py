"""What receivers have yet to be told, in the file store: one file for each message and receiver.

    untold/{message id, its colons as dashes}-{receiver}.json

The folder is made with the first of them.
"""

import logging
from dataclasses import asdict
from pathlib import Path

import orjson

from server.models import Notice
from server.stores.checksum import checked, with_checksum
from server.stores.volume import Version, Volume

SUFFIX = ".json"

logger = logging.getLogger(__name__)


class Notices:
    """The folder. Its methods block."""

    def __init__(self, volume: Volume, folder: Path) -> None:
        self._volume, self._folder = volume, folder
        self._made = False
        self._read: dict[str, tuple[Version, Notice | None]] = {}

    def keep(self, notice: Notice) -> None:
        """In the place of one that its maker may have died over, or that another node has kept."""
        if not self._made or not self._volume.disk.exists(self._folder):
            self._volume.make_folder(self._folder)
            self._made = True
        content = orjson.dumps(asdict(notice), option=orjson.OPT_INDENT_2)
        self._volume.replace(self._path(notice), with_checksum(content), durable=True)

    def all(self) -> list[Notice]:
        """Read once each, as long as they stay the same: they are looked at again and again."""
        names = [name for name in self._volume.names(self._folder) if name.endswith(SUFFIX)]
        self._read = {name: found for name in names if (found := self._look_at(name)) is not None}
        return [notice for _, notice in self._read.values() if notice is not None]

    def _look_at(self, name: str) -> tuple[Version, Notice | None] | None:
        known = self._read.get(name)
        try:
            version = self._volume.disk.version(self._folder / name)
        except FileNotFoundError:
            return None
        if known is not None and known[0] == version:
            return known
        content = self._volume.read(self._folder / name)
        if content is None:
            return None
        try:
            return version, Notice.of(checked(content))
        except ValueError:
            logger.warning("%s can't be read: it is damaged, and what it was to tell is not told", name)
            return version, None

    def drop(self, notice: Notice) -> None:
        self._volume.remove_file(self._path(notice))

    def _path(self, notice: Notice) -> Path:
        return self._folder / f"{notice.id.replace(':', '-')}-{notice.receiver}{SUFFIX}"
