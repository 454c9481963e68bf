"""A ZIP that is written piece by piece, to be sent while it grows."""

import io
import zipfile

STORED = (".png", ".pdf", ".zip", ".jpg", ".docx", ".xlsx", ".epub")
"""What would get no smaller."""


class Archive:
    """Each call returns what it has added to the archive. Its methods block."""

    def __init__(self) -> None:
        self._written = _Outbox()
        self._zip = zipfile.ZipFile(self._written, "w")

    def add(self, name: str, content: bytes) -> bytes:
        way = zipfile.ZIP_STORED if name.endswith(STORED) else zipfile.ZIP_DEFLATED
        self._zip.writestr(name, content, way)
        return self._written.take()

    def end(self) -> bytes:
        self._zip.close()
        return self._written.take()


class _Outbox(io.RawIOBase):
    """Takes what is written and can't go back, as a connection."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, piece: object) -> int:
        content = bytes(piece)  # type: ignore[call-overload] # any buffer, says io
        self._pieces.append(content)
        return len(content)

    def take(self) -> bytes:
        taken, self._pieces = b"".join(self._pieces), []
        return taken
