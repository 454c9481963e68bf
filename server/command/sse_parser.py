"""Bytes of ``text/event-stream`` into events."""

from dataclasses import dataclass
from typing import Any

import orjson

RETRY_DIGITS = 9


@dataclass(frozen=True, slots=True)
class Event:
    """One event of a stream. ``id`` is None where the server gave it none, as for ``task``."""

    type: str
    data: str
    id: str | None = None

    def json(self) -> Any:
        """What the data says. :raises ValueError: it is no JSON."""
        return orjson.loads(self.data)


class SseParser:
    """An incremental parser of ``text/event-stream``, as the HTML standard (9.2.6) has it.

    Bytes may be fed in any pieces; the events come out the same. An event without its final blank line never
    comes out, so ``last_event_id`` is always that of a whole event: the one to resume after.
    """

    def __init__(self, last_event_id: str = "") -> None:
        self.last_event_id = last_event_id
        self.retry_ms: int | None = None
        self._rest = bytearray()
        self._after_cr = False
        self._at_start = True
        self._id_buffer = last_event_id
        self._own_id: str | None = None
        self._type = ""
        self._data: list[str] = []

    def feed(self, chunk: bytes) -> list[Event]:
        events = []
        for line in self._lines(chunk):
            if line:
                self._take_field(line)
            elif (event := self._dispatch()) is not None:
                events.append(event)
        return events

    def _lines(self, chunk: bytes) -> list[str]:
        """The lines that this chunk completes. A CR ends a line at once; an LF right after it is not another."""
        if self._after_cr and chunk:
            chunk = chunk.removeprefix(b"\n")
            self._after_cr = False
        if not chunk:
            return []
        self._after_cr = chunk.endswith(b"\r")
        pieces = chunk.splitlines(keepends=True)
        open_end = b"" if pieces[-1].endswith((b"\r", b"\n")) else pieces.pop()
        if pieces:
            pieces[0] = bytes(self._rest) + pieces[0]
            self._rest.clear()
        self._rest += open_end
        lines = [piece.rstrip(b"\r\n").decode("utf-8", "replace") for piece in pieces]
        if lines and self._at_start:
            lines[0] = lines[0].removeprefix("\ufeff")
            self._at_start = False
        return lines

    def _take_field(self, line: str) -> None:
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        match name:
            case "data":
                self._data.append(value)
            case "event":
                self._type = value
            case "id" if "\0" not in value:
                self._id_buffer = self._own_id = value
            case "retry" if value.isascii() and value.isdigit() and len(value) <= RETRY_DIGITS:
                self.retry_ms = int(value)

    def _dispatch(self) -> Event | None:
        self.last_event_id = self._id_buffer
        event = Event(self._type or "message", "\n".join(self._data), self._own_id) if self._data else None
        self._own_id, self._type, self._data = None, "", []
        return event
