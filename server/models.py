"""Task, Status, Event, Claim and their kin: plain data, JSON both ways."""

import hashlib
import secrets
import string
import time
from dataclasses import MISSING, asdict, dataclass, field, fields
from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache
from typing import Any, NamedTuple, TypeAlias

import orjson

Json: TypeAlias = bool | int | float | str | list[Any] | dict[str, Any] | None

GENERATION_ALPHABET = string.ascii_lowercase + string.digits
GENERATION_LENGTH = 6


class Status(StrEnum):
    PENDING = "pending"
    RUNNING = "running"
    PAUSED = "paused"
    COMPLETED = "completed"
    FAILED = "failed"
    STOPPED = "stopped"

    @property
    def terminal(self) -> bool:
        return self in _TERMINAL

    @property
    def needs_restart(self) -> bool:
        """Whether the same request, asked again, sets the task going again."""
        return self in (Status.PAUSED, Status.FAILED, Status.STOPPED)


_TERMINAL = frozenset({Status.COMPLETED, Status.FAILED, Status.STOPPED})


class EventType(StrEnum):
    """What a log record is. The last three are the journal's: they have no seq and never go over the wire."""

    STATUS = "status"
    PROGRESS = "progress"
    OUTPUT = "output"
    REASONING = "reasoning"
    ITEM = "item"
    ARTIFACT = "artifact"
    ROLLBACK = "rollback"
    RESULT = "result"
    FAILURE = "failure"
    DONE = "done"
    STEP = "step"
    SEAL = "seal"
    RELEASE = "release"


class Action(StrEnum):
    """What any node may ask of a task's owner."""

    PAUSE = "pause"
    STOP = "stop"


def now_ms() -> int:
    """Wall-clock time as whole milliseconds since 1970, for people; nothing is decided by it."""
    return time.time_ns() // 1_000_000


@lru_cache(maxsize=4096)
def iso(ms: int | None) -> str | None:
    """``1764000000000`` → ``2025-11-24T16:00:00.000Z``."""
    if ms is None:
        return None
    moment = datetime.fromtimestamp(ms / 1000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def ms_of(moment: str) -> int:
    """The other way round. :raises ValueError: this is no moment."""
    return round(datetime.fromisoformat(moment).timestamp() * 1000)


def new_generation() -> str:
    return "".join(secrets.choice(GENERATION_ALPHABET) for _ in range(GENERATION_LENGTH))


@dataclass(frozen=True, slots=True)
class Life:
    """The birth record: one life of a task id. Immutable; the store makes it appear at once or not at all."""

    task_id: str
    number: int
    kind: str
    workflow_version: int
    params: dict[str, Any]
    generation: str
    created_at: int
    scope: str
    model: Json = None
    search: Json = None
    title: str = ""
    priority: int = 5
    project: str | None = None
    session: str | None = None
    fresh: str | None = None

    def encode(self) -> bytes:
        return orjson.dumps(asdict(self), option=orjson.OPT_INDENT_2)

    @classmethod
    def of(cls, found: dict[str, Any]) -> "Life":
        """:raises ValueError: this is no birth record."""
        return cls(**_known(cls, found))


def _known(cls: type, found: Any) -> dict[str, Any]:
    """The members that this version knows; a newer one may write more. :raises ValueError: some are missing."""
    if not isinstance(found, dict):
        raise ValueError("not a JSON object")
    needed = {each.name for each in fields(cls) if each.default is MISSING and each.default_factory is MISSING}
    if not needed <= found.keys():
        raise ValueError(f"members are missing: {', '.join(sorted(needed - found.keys()))}")
    return {each.name: found[each.name] for each in fields(cls) if each.name in found}


class Headline(NamedTuple):
    """What lists, counts and feeds go by: the current life of a task, and how it stood when that was last saved.

    ``epoch`` and ``seq`` are of that moment, 0 before an owner's first. Times are in milliseconds since 1970.
    """

    task_id: str
    number: int
    generation: str
    epoch: int
    seq: int
    status: Status
    kind: str
    scope: str
    project: str | None
    session: str | None
    title: str
    created_at: int
    finished_at: int | None

    @classmethod
    def of_life(cls, life: Life) -> "Headline":
        """A life that nobody has taken up yet."""
        return cls(
            life.task_id,
            life.number,
            life.generation,
            0,
            0,
            Status.PENDING,
            life.kind,
            life.scope,
            life.project,
            life.session,
            life.title,
            life.created_at,
            None,
        )

    @classmethod
    def of_head(cls, head: dict[str, Any], life: Life) -> "Headline":
        """As a snapshot's head tells of this life. :raises ValueError, KeyError, TypeError: it does not."""
        if head["generation"] != life.generation:
            raise ValueError("the snapshot of another life")
        finished_at = None if head["finished_at"] is None else ms_of(head["finished_at"])
        return cls.of_life(life)._replace(
            epoch=int(head["epoch"]), seq=int(head["seq"]), status=Status(head["status"]), finished_at=finished_at
        )

    @property
    def place(self) -> tuple[int, str]:
        """Where it stands in a list: the newest is the greatest."""
        return self.created_at, self.task_id

    @property
    def end(self) -> tuple[int, str] | None:
        """Where it stands among those that have ended, the one that did so last being the greatest; None before."""
        if self.finished_at is None or not self.status.terminal:
            return None
        return self.finished_at, self.task_id


@dataclass(frozen=True, slots=True)
class Claim:
    """Who owns a task from ``epoch`` on. ``released``: the owner has said that it is done with it."""

    epoch: int
    node: str
    released: bool = False


class Record(NamedTuple):
    """One line of a task's log. A tuple, as there are many: making a frozen dataclass takes three times as long.

    ``seq`` numbers the events, from 1 and without gaps; the journal's own records have none.
    ``data`` is one JSON object, already encoded, on one line: it goes to the volume and over the wire as it is.
    ``step`` is the key of the step that emitted it.
    """

    seq: int | None
    at: int
    type: str
    data: bytes
    step: str | None = None


@dataclass(frozen=True, slots=True)
class Control:
    """A request to a task's owner, from any node. ``epoch`` is the ownership that it is meant for."""

    action: Action
    epoch: int
    reason: str


@dataclass(frozen=True, slots=True)
class Notice:
    """What one receiver has yet to be told of a task's end. ``body`` is the JSON that is sent, whoever sends it.

    ``id`` is of the end and the same for all receivers. ``receiver`` names an address of the operator's without saying
    it. ``node`` is who sends it as long as it lives; ``at`` is when the task ended, in milliseconds since 1970.
    """

    id: str
    receiver: str
    node: str
    at: int
    body: str

    @property
    def key(self) -> tuple[str, str]:
        """There is one at a time of these."""
        return self.id, self.receiver

    @classmethod
    def of(cls, found: dict[str, Any]) -> "Notice":
        """:raises ValueError: this is no notice."""
        return cls(**_known(cls, found))


@dataclass(frozen=True, slots=True)
class Undelivered:
    """Why a notice did not arrive. ``final``: it never will."""

    reason: str
    final: bool


@dataclass(frozen=True, slots=True)
class Note:
    """Something that a user tells a task while it goes on. ``body`` is as the task's kind wants it.

    The same words are one note, however often they are sent: ``id`` is made of them.
    """

    at: int
    body: dict[str, Any]

    @property
    def id(self) -> str:
        return hashlib.sha256(orjson.dumps(self.body, option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Personal:
    """What is kept of one user beside the tasks. ``version`` says how often it was changed: 0 before the first time."""

    version: int = 0
    content: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Progress:
    """What a ``progress`` event says. Percentages are 0 to 100; ``eta_seconds`` is None until it can be known."""

    step: str = ""
    percentage: float = 0.0
    message: str = ""
    completed: int = 0
    failed: int = 0
    skipped: int = 0
    total: int = 0
    current: str | None = None
    current_percentage: float | None = None
    eta_seconds: float | None = None

    def to_json(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}

    @classmethod
    def of(cls, data: dict[str, Any]) -> "Progress":
        """From an event's data, whatever else a newer version has put there."""
        return cls(**{each.name: data[each.name] for each in fields(cls) if each.name in data})


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that a user has sent for tasks to read. ``id`` is its content's SHA-256, as 64 hex digits.

    ``size`` is in bytes, ``put_at``, when it was sent last, in ms since 1970.
    """

    id: str
    name: str
    media_type: str
    size: int
    put_at: int


@dataclass(slots=True)
class Node:
    """A node's heartbeat: ``counter`` moves with each beat; ``held`` says whether its lock is (None: unknown)."""

    id: str
    counter: int
    url: str
    running: int
    capacity: int
    version: str
    kinds: dict[str, int] = field(default_factory=dict)
    held: bool | None = None

    @classmethod
    def of(cls, found: dict[str, Any]) -> "Node":
        """:raises ValueError: this is no heartbeat."""
        return cls(**_known(cls, found))
