"""The step results in a task's log, and what of an unfinished step has to be taken back."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import orjson
import rfc8785

from server.errors import JournalMismatch
from server.models import EventType, Json, Record

INLINE_RESULT_BYTES = 128 * 1024
UPGRADED = "upgraded"
"""The reason of the status with which a task starts over because nobody has its program any more."""


@dataclass(frozen=True, slots=True)
class StepRecord:
    """A finished step. A large result lies in an artifact, of which ``artifact`` is the SHA-256."""

    inputs: str
    result: Any
    artifact: str | None = None


@dataclass(frozen=True, slots=True)
class Rollback:
    """Of ``part``, only what has a seq up to ``to_seq`` counts."""

    part: str
    to_seq: int


@dataclass(slots=True)
class Journal:
    """What earlier attempts have finished.

    ``items`` maps each finished item's key to its outcome; ``rollbacks`` names the parts in which steps wrote that did
    not finish; ``parts`` names all in which something stands.
    """

    steps: dict[str, StepRecord] = field(default_factory=dict)
    items: dict[str, dict[str, str]] = field(default_factory=dict)
    rollbacks: list[Rollback] = field(default_factory=list)
    parts: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, records: Iterable[Record]) -> "Journal":
        """Read the journal out of a whole log."""
        journal = cls()
        pieces: dict[str, list[tuple[int, str | None]]] = {}
        for record in records:
            match record.type:
                case EventType.STEP:
                    data = orjson.loads(record.data)
                    journal.steps[data["key"]] = StepRecord(data["inputs"], data.get("result"), data.get("artifact"))
                case EventType.OUTPUT | EventType.REASONING:
                    part = orjson.loads(record.data)["part"]
                    pieces.setdefault(part, []).append((record.seq or 0, record.step))
                case EventType.ROLLBACK:
                    data = orjson.loads(record.data)
                    kept = [piece for piece in pieces.get(data["part"], []) if piece[0] <= data["to_seq"]]
                    pieces[data["part"]] = kept
                case EventType.ITEM:
                    data = orjson.loads(record.data)
                    journal.items.setdefault(record.step or "", {})[data["key"]] = data["outcome"]
                case EventType.STATUS:
                    data = orjson.loads(record.data)
                    for key in data.get("again", ()):  # it paused itself, to do these again
                        journal.steps.pop(key, None)
                    if data["reason"] == UPGRADED:
                        # What stands there is nobody's any more, until the rollbacks that follow are written.
                        journal = cls()
                        pieces = {part: [(seq, None) for seq, _ in written] for part, written in pieces.items()}
        journal.rollbacks, journal.parts = _rollbacks(pieces, journal.steps), [part for part in pieces if pieces[part]]
        journal.items = {step: items for step, items in journal.items.items() if step in journal.steps}
        return journal

    def find(self, key: str, inputs: str) -> StepRecord | None:
        """:raises JournalMismatch: the step was recorded with other inputs."""
        step = self.steps.get(key)
        if step is not None and step.inputs != inputs:
            raise JournalMismatch(
                f"Step {key!r} was recorded with other inputs than it has now, so its result can't be used again; "
                "`rerun` starts a new life of the task."
            )
        return step


def hash_inputs(inputs: Json) -> str:
    return hashlib.sha256(rfc8785.dumps(inputs)).hexdigest()


def _rollbacks(pieces: dict[str, list[tuple[int, str | None]]], steps: dict[str, StepRecord]) -> list[Rollback]:
    rollbacks = []
    for part, written in pieces.items():
        kept = 0
        for seq, step in written:
            if step not in steps:
                rollbacks.append(Rollback(part, kept))
                break
            kept = seq
    return rollbacks
