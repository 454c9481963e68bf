"""What waits for an owner, as this node knows it: in which order, and what of it has to wait longer."""

from collections.abc import Callable, Set

import anyio

from server.models import Life

FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 60.0


class Queue:
    """Tasks without an owner by priority, then age; beside them those that an owner elsewhere is known to have."""

    def __init__(self, clock: Callable[[], float] = anyio.current_time) -> None:
        self._clock = clock
        self._waiting: dict[str, Life] = {}
        self._elsewhere: set[str] = set()
        self._since: dict[str, float] = {}
        self._put_off: dict[str, tuple[int, float]] = {}

    def __contains__(self, task_id: str) -> bool:
        return task_id in self._waiting

    def add(self, life: Life) -> None:
        """It waits for an owner."""
        waiting = self._waiting.get(life.task_id)
        if waiting is not None and waiting.generation != life.generation:
            self.forget(waiting)
        self._waiting[life.task_id] = life
        self.has_come_free(life)

    def watch(self, life: Life) -> None:
        """Another node has it, or will soon; it is looked at again and again."""
        if self._waiting.setdefault(life.task_id, life).generation == life.generation:
            self._elsewhere.add(life.task_id)
            self._since.pop(life.task_id, None)

    def has_come_free(self, life: Life) -> None:
        """Who had it is gone: it waits for an owner, if it still waits at all."""
        self._elsewhere.discard(life.task_id)
        if life.task_id in self._waiting:
            self._since.setdefault(life.task_id, self._clock())

    def forget(self, life: Life) -> None:
        """This life waits no longer. A newer one may still."""
        waiting = self._waiting.get(life.task_id)
        if waiting is not None and waiting.generation == life.generation:
            del self._waiting[life.task_id]
            self._elsewhere.discard(life.task_id)
            self._since.pop(life.task_id, None)

    def watched(self) -> list[Life]:
        return [self._waiting[task_id] for task_id in self._elsewhere]

    def keep_only(self, task_ids: Set[str]) -> None:
        """Forget what is known of tasks that others have ended."""
        for life in self.watched():
            if life.task_id not in task_ids:
                self.forget(life)
        self._put_off = {task_id: until for task_id, until in self._put_off.items() if task_id in task_ids}

    @property
    def waiting(self) -> int:
        """How many wait for a place."""
        return len(self._waiting) - len(self._elsewhere)

    def in_order(self) -> list[Life]:
        """What waits for a place, next one first."""
        waiting = [life for task_id, life in self._waiting.items() if task_id not in self._elsewhere]
        return sorted(waiting, key=lambda life: (-life.priority, life.created_at, life.task_id))

    @property
    def oldest_wait_seconds(self) -> float:
        """How long the one that has waited longest is known here to wait for a place; 0 when none waits."""
        return self._clock() - min(self._since.values()) if self._since else 0.0

    def put_off(self, task_id: str, seconds: float) -> None:
        """Not before so long."""
        self._put_off[task_id] = (0, self._clock() + seconds)

    def note_outcome(self, task_id: str, *, gave_up: bool) -> None:
        """A task that had to be given up is tried again later and later, as its cause may last."""
        failures, _ = self._put_off.pop(task_id, (0, 0.0))
        if gave_up:
            pause = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2**failures)
            self._put_off[task_id] = (failures + 1, self._clock() + pause)

    def is_put_off(self, task_id: str) -> bool:
        return task_id in self._put_off and self._clock() < self._put_off[task_id][1]
