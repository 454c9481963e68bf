"""What was seen while a world lasted, and what of it should never have been."""

from dataclasses import dataclass, field

from server.models import EventType, Life
from server.streaming.sse import Frame
from tests.campaigns.ledger import Ledger, Loss

SHOWN = 160


@dataclass(slots=True)
class Seen:
    """One life, as everybody together has seen it. ``events``: type and data by seq; ``steps``: which execution."""

    task_id: str = ""
    number: int = 0
    events: dict[int, tuple[str, bytes]] = field(default_factory=dict)
    steps: dict[str, int] = field(default_factory=dict)


class Witness:
    """Hears of every event that a reader got and every step that a workflow was told is finished."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self.lives: dict[str, Seen] = {}
        self.executions = 0
        self.events = 0
        self.removed: set[str] = set()

    def life(self, life: Life) -> Seen:
        """Somebody was told that this is the life of its number."""
        seen = self.of(life.generation)
        if not seen.task_id:
            seen.task_id, seen.number = life.task_id, life.number
            same = [each for each in self.lives.values() if (each.task_id, each.number) == (life.task_id, life.number)]
            if len(same) > 1 and life.task_id not in self.removed:
                self._ledger.lose(Loss.RUNS, f"task {life.task_id[:8]} has {len(same)} lives of number {life.number}")
        return seen

    def of(self, generation: str) -> Seen:
        return self.lives.setdefault(generation, Seen())

    def saw(self, generation: str, frame: Frame) -> None:
        """A reader got this event."""
        self.events += 1
        seen = self.of(generation)
        known = seen.events.setdefault(frame.seq, (frame.type, frame.data))
        if known[1] != frame.data or not _same_type(known[0], frame.type):
            self._ledger.lose(
                Loss.UNEQUAL,
                f"event {frame.seq} of {generation} was {known[0]} {_short(known[1])}, "
                f"now it is {frame.type} {_short(frame.data)}",
            )

    def begins(self, generation: str, key: str) -> int:
        """A step is executed: its number among all executions."""
        self.executions += 1
        done = self.of(generation).steps.get(key)
        if done is not None:
            self._ledger.lose(Loss.STEP, f"step {key} of {generation} is run again, though execution {done} finished")
        return self.executions

    def finished(self, generation: str, key: str, execution: int) -> None:
        """The workflow was told that this execution of the step is recorded."""
        known = self.of(generation).steps.setdefault(key, execution)
        if known != execution:
            self._ledger.lose(
                Loss.STEP, f"step {key} of {generation} had the result of execution {known}, now of {execution}"
            )

    def will_remove(self, task_id: str) -> None:
        """From now on this task may be gone at any time."""
        self.removed.add(task_id)


def _same_type(one: str, other: str) -> bool:
    """A `done` that a retry has followed goes over the wire as `status`: decision 002."""
    return one == other or {one, other} == {EventType.DONE, EventType.STATUS}


def _short(data: bytes) -> str:
    return data[:SHOWN].decode(errors="replace")
