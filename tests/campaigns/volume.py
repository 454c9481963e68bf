"""What stands on the volume of one life, read by the rules of docs/storage.md and without the server's own code."""

import gzip
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

JsonObject = dict[str, Any]


@dataclass(frozen=True)
class Volume:
    """One life.

    ``claims``: node by epoch. ``records``: ``(epoch, record)`` for each one that counts, in order. ``ignored_bytes``:
    what owners have written behind the seals of their successors.
    """

    claims: dict[int, str]
    records: list[tuple[int, JsonObject]]
    ignored_bytes: int

    @property
    def events(self) -> list[JsonObject]:
        return [record for _, record in self.records if "seq" in record]

    @property
    def steps(self) -> list[str]:
        """The keys of the recorded steps, in order."""
        return [record["data"]["key"] for _, record in self.records if record["type"] == "step"]

    def handovers(self) -> list[int]:
        """Milliseconds from each `handed_over` to the next time that the task runs."""
        found, left_at = [], None
        for event in self.events:
            if event["type"] != "status":
                continue
            if event["data"]["status"] == "running" and left_at is not None:
                found.append(event["at"] - left_at)
            left_at = event["at"] if event["data"]["reason"] == "handed_over" else None
        return found


def read_volume(life: Path) -> Volume:
    """:raises ValueError: something on it breaks the rules; the message says what."""
    claims = {int(path.name[:6]): orjson.loads(path.read_bytes())["node"] for path in sorted(life.glob("*.claim"))}
    if sorted(claims) != list(range(1, len(claims) + 1)):
        raise ValueError(f"epochs {sorted(claims)} have been claimed")
    sealed: dict[int, int] = {}
    ignored_bytes = 0
    segments: list[list[JsonObject]] = []
    for epoch in sorted(claims, reverse=True):
        content = _segment(life / f"{epoch:06d}.jsonl")
        if epoch < len(claims) and epoch not in sealed:
            raise ValueError(f"epoch {epoch} of {len(claims)} has no seal")
        counts = content[: sealed.get(epoch, len(content))].rpartition(b"\n")[0]
        ignored_bytes += len(content) - sealed.get(epoch, len(content))
        records = [orjson.loads(line) for line in counts.split(b"\n") if line]
        segments.append(records)
        for record in records:
            if record["type"] != "seal":
                break
            sealed.setdefault(record["data"]["epoch"], record["data"]["bytes"])
    ordered = [(epoch, record) for epoch, records in enumerate(reversed(segments), 1) for record in records]
    return Volume(claims, ordered, ignored_bytes)


def _segment(path: Path) -> bytes:
    if path.exists():
        return path.read_bytes()
    packed = path.with_suffix(".jsonl.gz")
    return gzip.decompress(packed.read_bytes()) if packed.exists() else b""
