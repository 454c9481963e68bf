"""Server-sent events out of bytes, however these are cut into pieces."""

from collections.abc import Iterator

MOST_BYTES = 4 * 1024 * 1024


class EventTooLong(ValueError):
    """An event goes on and on; this is no stream of a model."""


class SseReader:
    """Gives the data of each event that is whole. Comments, ids and names of events are nothing to it.

    Lines end as the specification has it, with CR, LF or both, and nowhere else: JSON may hold U+2028 as it is.
    """

    def __init__(self) -> None:
        self._rest = b""
        self._data: list[bytes] = []
        self._size = 0

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """:raises EventTooLong: more than 4 MiB without an end."""
        text = self._rest + chunk
        # A CR at the end may be half of a CRLF: it waits for what follows.
        held = b"\r" if text.endswith(b"\r") else b""
        lines = text[: len(text) - len(held)].splitlines(keepends=True)
        self._rest = held
        if lines and not lines[-1].endswith((b"\n", b"\r")):
            self._rest = lines.pop() + held
        for line in lines:
            yield from self._line(line.rstrip(b"\r\n"))
        if len(self._rest) + self._size > MOST_BYTES:
            raise EventTooLong

    def close(self) -> Iterator[bytes]:
        """What a stream without its last blank line still holds: some endpoints leave it out."""
        rest, self._rest = self._rest, b""
        if rest:
            yield from self._line(rest.rstrip(b"\r\n"))
        yield from self._line(b"")

    def _line(self, line: bytes) -> Iterator[bytes]:
        if line.startswith(b"data:"):
            value = line[5:].removeprefix(b" ")
            self._data.append(value)
            self._size += len(value)
        elif not line and self._data:
            data, self._data, self._size = b"\n".join(self._data), [], 0
            yield data
