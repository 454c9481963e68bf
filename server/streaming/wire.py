"""How events are written on a connection: `text/event-stream` or NDJSON."""

from typing import Protocol

from server.models import Json
from server.streaming import sse


class Wire(Protocol):
    """One way of writing."""

    name: str
    """Wires of one name write the same events of one life as the same bytes."""

    media_type: str
    ping: bytes

    def frames(self, frames: list[sse.Frame]) -> bytes:
        """Events of the log, with their ids."""

    def unnumbered(self, event: str, data: Json) -> bytes:
        """An event that stands in no log."""

    def goodbye(self) -> bytes:
        """Said when the stream ends before the task does."""


class SseWire:
    """`text/event-stream`."""

    name = "sse"
    media_type = "text/event-stream; charset=utf-8"
    ping = sse.PING

    def frames(self, frames: list[sse.Frame]) -> bytes:
        return b"".join([frame.sse for frame in frames])

    def unnumbered(self, event: str, data: Json) -> bytes:
        return sse.unnumbered(event, data, retry_ms=sse.RETRY_MS if event == "task" else None)

    def goodbye(self) -> bytes:
        return b"retry: %d\n" % sse.RETRY_MS


class NdjsonWire:
    """`application/x-ndjson`; an empty line keeps a silent connection alive."""

    name = "ndjson"
    media_type = "application/x-ndjson"
    ping = b"\n"

    def __init__(self, generation: str) -> None:
        self._generation = generation

    def frames(self, frames: list[sse.Frame]) -> bytes:
        return b"".join([sse.ndjson(self._generation, frame) for frame in frames])

    def unnumbered(self, event: str, data: Json) -> bytes:
        return sse.ndjson_unnumbered(event, data)

    def goodbye(self) -> bytes:
        return b""
