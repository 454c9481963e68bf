"""Files that a task has made, in the file store: each content under a name of its own, checked as it is read.

    artifacts/{the SHA-256's first 16 digits}-{name}

So what the log tells of is what is found, also while the same name is being given another content.
"""

from hashlib import sha256
from pathlib import Path

from server.errors import ArtifactDamaged, OwnershipLost
from server.stores.segments import Segments

FOLDER = "artifacts"
DIGITS = 16


class Artifacts:
    """The files of one life. Its methods block."""

    def __init__(self, segments: Segments) -> None:
        self._segments, self._volume = segments, segments.volume
        self._folder = segments.folder / FOLDER

    def put(self, epoch: int, name: str, content: bytes) -> str:
        """Returns the content's SHA-256. :raises OwnershipLost: there is a newer claim than that of ``epoch``."""
        digest = sha256(content).hexdigest()
        self._volume.make_folder(self._folder)
        replacement = self._volume.replacement(self._path(name, digest), [content], durable=True)
        if self._segments.claimed(epoch + 1):
            replacement.discard()
            raise OwnershipLost
        replacement.commit()
        return digest

    def get(self, name: str, digest: str) -> bytes | None:
        """:raises ArtifactDamaged: it is not what was put there."""
        content = self._volume.read(self._path(name, digest))
        if content is not None and sha256(content).hexdigest() != digest:
            raise ArtifactDamaged
        return content

    def _path(self, name: str, digest: str) -> Path:
        return self._folder / f"{digest[:DIGITS]}-{name}"
