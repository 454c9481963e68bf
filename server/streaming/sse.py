"""The wire: how an event stands in a `text/event-stream` and in NDJSON, and its id."""

import re
from functools import lru_cache
from typing import NamedTuple

import orjson

from server.models import GENERATION_LENGTH, EventType, Json, Record

RETRY_MS = 2000
PING = b": ping\n"
"""Without a blank line: after one, several clients dispatch an empty event."""

_EVENT_ID = re.compile(rf"([a-z0-9]{{{GENERATION_LENGTH}}})-(\d{{12}})", re.ASCII)


class Frame(NamedTuple):
    """An event, encoded once for all its readers. A tuple, as there are many."""

    seq: int
    type: str
    data: bytes
    sse: bytes


def event_id(generation: str, seq: int) -> str:
    """Opaque to clients; sorts as text."""
    return f"{generation}-{seq:012d}"


def parse_event_id(text: str) -> tuple[str, int] | None:
    """``(generation, seq)``; None for what is no id of ours."""
    match = _EVENT_ID.fullmatch(text)
    return (match[1], int(match[2])) if match else None


def frame(generation: str, record: Record) -> Frame:
    """Encode an event. ``record`` must have a seq."""
    seq, _, kind, data, _ = record
    return Frame(seq or 0, kind, data, _form(generation, kind) % (seq, data))


@lru_cache(maxsize=4096)
def _form(generation: str, kind: str) -> bytes:
    """What a life's events of one type have in common."""
    return b"id: %b-%%012d\nevent: %b\ndata: %%b\n\n" % (generation.encode(), kind.encode())


def superseded(generation: str, done: Frame) -> Frame:
    """A `done` that a retry has followed: the same entry under the name `status`, since clients close at `done`."""
    return frame(generation, Record(done.seq, 0, EventType.STATUS, done.data))


def unnumbered(event: str, data: Json, *, retry_ms: int | None = None) -> bytes:
    """An event that stands in no log, so it has no id: `task`, `reset`."""
    retry = b"retry: %d\n" % retry_ms if retry_ms is not None else b""
    return b"%bevent: %b\ndata: %b\n\n" % (retry, event.encode(), orjson.dumps(data))


def ndjson(generation: str, frame: Frame) -> bytes:
    """One line: ``{"id": …, "event": …, "data": …}``."""
    return b'{"id":"%b-%012d","event":"%b","data":%b}\n' % (
        generation.encode(),
        frame.seq,
        frame.type.encode(),
        frame.data,
    )


def ndjson_unnumbered(event: str, data: Json) -> bytes:
    return orjson.dumps({"id": None, "event": event, "data": data}, option=orjson.OPT_APPEND_NEWLINE)
