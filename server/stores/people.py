"""What is kept of users beside their tasks, in the file store: each version of it a file, made by link().

    people/{SHA-256 of the scope, its first half}/{version:08d}.json

The last ones are kept, the older ones go: a version that turns out damaged, or whose writer has died over it on a
volume without hard links, has those before it to fall back on.
"""

import hashlib
import logging
import re
from pathlib import Path

import orjson

from server.models import Personal
from server.stores.checksum import checked, with_checksum
from server.stores.volume import Volume

VERSIONS_KEPT = 16

_VERSION = re.compile(r"(\d{8})\.json", re.ASCII)

logger = logging.getLogger(__name__)


class People:
    """The folder, which is made with the first version of anybody. Its methods block."""

    def __init__(self, volume: Volume, folder: Path) -> None:
        self._volume, self._folder = volume, folder

    def newest(self, scope: str) -> Personal:
        folder = self._folder_of(scope)
        versions = self._versions(folder)
        for version in versions:
            content = self._volume.read(_file(folder, version))
            if content is None:  # others have kept so many since that it is gone
                return self.newest(scope)
            try:
                return Personal(versions[0], checked(content))
            except ValueError:
                logger.warning("version %d of what is kept of a user can't be read; an older one counts", version)
        return Personal(versions[0] if versions else 0)

    def keep(self, scope: str, kept: Personal) -> bool:
        folder = self._folder_of(scope)
        versions = self._versions(folder)
        if kept.version != (versions[0] if versions else 0) + 1:
            return False
        if not versions:
            self._volume.make_folder(self._folder)
            self._volume.make_folder(folder)
        content = orjson.dumps(kept.content, option=orjson.OPT_INDENT_2)
        if not self._volume.link_new(_file(folder, kept.version), with_checksum(content)):
            return False
        for version in versions[VERSIONS_KEPT - 1 :]:
            self._volume.remove_file(_file(folder, version))
        return True

    def _versions(self, folder: Path) -> list[int]:
        """Newest first."""
        found = (_VERSION.fullmatch(name) for name in self._volume.names(folder))
        return sorted((int(match[1]) for match in found if match), reverse=True)

    def _folder_of(self, scope: str) -> Path:
        """Nothing of the scope itself enters a path."""
        return self._folder / hashlib.sha256(scope.encode()).hexdigest()[:32]


def _file(folder: Path, version: int) -> Path:
    return folder / f"{version:08d}.json"
