"""What a task's log adds up to, event by event. Snapshots, task views and reports are made of it."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson

from server.errors import HoldfastError, LogCorrupt
from server.models import EventType, Headline, Life, Progress, Record, Status, iso

MESSAGES_KEPT = 200
_RESULT = b',"result":'
"""Where a step's record goes on with what it gave, which may be long; within a JSON text its quotes are escaped."""


@dataclass(frozen=True, slots=True)
class FinishedStep:
    """One step of the journal. ``seconds`` it took; ``at`` is when it was done, in ms since 1970."""

    key: str
    label: str
    seconds: float
    at: int

    def to_json(self) -> dict[str, Any]:
        return {"key": self.key, "label": self.label, "seconds": self.seconds, "finished_at": iso(self.at)}


@dataclass(frozen=True, slots=True)
class Outline:
    """What is known of a task without its texts.

    ``seq`` is its last event, None while that can't be known; ``ended`` the same where that is a `done`;
    ``finished_at`` is in ms since 1970.
    """

    status: Status
    seq: int | None
    ended: int | None
    finished_at: int | None
    corrupt: bool
    view: dict[str, Any]


@dataclass(slots=True)
class TaskState:
    """The fold over one life's events.

    ``parts`` maps each part of the report, in order of first appearance, to its pieces as ``(seq, text)``.
    ``ended`` is the seq of a `done` that nothing follows. ``workflow_version`` is that of the journal. ``stalled`` is
    what the task waits for while the store takes nothing: it stands in no log.
    """

    life: Life
    status: Status = Status.PENDING
    reason: str = ""
    node: str | None = None
    attempt: int = 0
    seq: int = 0
    progress: Progress = field(default_factory=Progress)
    messages: list[str] = field(default_factory=list)
    parts: dict[str, list[tuple[int, str]]] = field(default_factory=dict)
    artifacts: dict[str, dict[str, Any]] = field(default_factory=dict)
    steps: dict[str, FinishedStep] = field(default_factory=dict)
    result: Any = None
    result_seq: int = 0
    failure: dict[str, Any] | None = None
    started_at: int | None = None
    updated_at: int | None = None
    finished_at: int | None = None
    ended: int | None = None
    settled: bool = True
    workflow_version: int = 0
    stalled: HoldfastError | None = None
    _outlined: tuple[object, Outline] | None = field(default=None, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        self.workflow_version = self.workflow_version or self.life.workflow_version

    def apply(self, record: Record, data: dict[str, Any] | None = None) -> None:
        """Add one record. ``data`` is its data where the caller has it decoded."""
        if record.type == EventType.STEP:
            self._apply_step(record, data)
        if record.seq is None:
            return
        self.seq, self.updated_at, self.ended = record.seq, record.at, None
        if data is None:
            data = orjson.loads(record.data)
        match record.type:
            case EventType.OUTPUT:
                self.parts.setdefault(data["part"], []).append((record.seq, data["text"]))
            case EventType.PROGRESS:
                self.progress = Progress.of(data)
                if data["message"] and self.messages[-1:] != [data["message"]]:
                    self.messages = [*self.messages[-(MESSAGES_KEPT - 1) :], data["message"]]
            case EventType.STATUS:
                self._apply_status(record, data)
            case EventType.ROLLBACK:
                kept = [piece for piece in self.parts.get(data["part"], []) if piece[0] <= data["to_seq"]]
                self.parts[data["part"]] = kept
            case EventType.ARTIFACT:
                self.artifacts[data["name"]] = data
            case EventType.RESULT:
                self.result, self.result_seq = data, record.seq
            case EventType.FAILURE:
                self.failure = data
            case EventType.DONE:
                self.ended = record.seq

    def apply_group(self, group: Iterable[tuple[Record, dict[str, Any]]]) -> None:
        """Add records with their data decoded. Most are pieces of a text: for those, no more is done than must be."""
        for record, data in group:
            if record.type == EventType.OUTPUT and record.seq is not None and data["part"] in self.parts:
                self.parts[data["part"]].append((record.seq, data["text"]))
                self.seq, self.updated_at, self.ended = record.seq, record.at, None
            else:
                self.apply(record, data)

    def apply_all(self, records: Iterable[Record]) -> None:
        for record in records:
            self.apply(record)

    def _apply_step(self, record: Record, data: dict[str, Any] | None) -> None:
        if data is None:
            head, cut, _ = record.data.partition(_RESULT)
            data = orjson.loads(head + b"}" if cut else head)
        key = data["key"]
        self.steps[key] = FinishedStep(key, data.get("label") or key, data.get("seconds", 0.0), record.at)

    def _apply_status(self, record: Record, data: dict[str, Any]) -> None:
        self.status = Status(data["status"])
        self.reason, self.node, self.attempt = data["reason"], data["node"], data["attempt"]
        if "workflow_version" in data:  # it starts over; its texts are taken back one by one
            self.workflow_version = data["workflow_version"]
            self.progress, self.artifacts, self.steps, self.result, self.result_seq = Progress(), {}, {}, None, 0
        for key in data.get("again", ()):
            self.steps.pop(key, None)
        self.finished_at = record.at if self.status.terminal else None
        if self.status is Status.RUNNING:
            self.started_at = self.started_at or record.at
            self.failure = None

    @property
    def output(self) -> str:
        """The report as it stands: the parts in order, with what was rolled back left out."""
        return "".join("".join(text for _, text in pieces) for pieces in self.parts.values())

    @property
    def corrupt(self) -> bool:
        return self.failure is not None and self.failure["code"] == LogCorrupt.code

    @property
    def lacks_end(self) -> bool:
        """Whether its last owner could write that it has ended, and not the `done` that its readers wait for."""
        return self.status.terminal and self.ended is None and not self.corrupt

    @property
    def needs_owner(self) -> bool:
        """Whether somebody has something to do: run the task, or bring its end to an end."""
        return self.status in (Status.PENDING, Status.RUNNING) or self.lacks_end

    def outline(self, reached: int | None = None) -> Outline:
        """The same one until something changes, as whoever asks for the task again is told of it.

        :param reached: the last event that readers may have been shown, where that is known to be another one.
        """
        told_by = self.seq, reached, self.settled, self.stalled
        if self._outlined is not None and self._outlined[0] == told_by:
            return self._outlined[1]
        seq = (self.seq if reached is None else reached) if self.settled else None
        outline = Outline(self.status, seq, self.ended, self.finished_at, self.corrupt, self.view())
        self._outlined = told_by, outline
        return outline

    def snapshot(self, epoch: int, saved_at: int) -> bytes:
        """The readable JSON: the keys of a person's `cat`, with this server's own beside them."""
        life = self.life
        return orjson.dumps(
            {
                "taskId": life.task_id,
                "progress": {
                    **self.progress.to_json(),
                    "status": self.status,
                    "messages": self.messages,
                    "result": self.result,
                    "error": self.failure["message"] if self.failure else None,
                    "timestamp": iso(self.updated_at or life.created_at),
                },
                "outputs": ["".join(text for _, text in pieces) for pieces in self.parts.values()],
                "lastSaved": iso(saved_at),
                "epoch": epoch,
                **{key: value for key, value in self.view().items() if key not in ("id", "progress")},
            },
            option=orjson.OPT_INDENT_2,
        )

    def headline(self, epoch: int) -> Headline:
        """What the snapshot of this epoch's owner says, for lists."""
        standing = Headline.of_life(self.life)
        return standing._replace(epoch=epoch, seq=self.seq, status=self.status, finished_at=self.finished_at)

    def view(self) -> dict[str, Any]:
        """The task as the API shows it."""
        life = self.life
        return {
            "id": life.task_id,
            "kind": life.kind,
            "title": life.title,
            "status": self.status,
            "reason": self.reason,
            "progress": self.progress.to_json(),
            "error": self.failure,
            "stalled": told(self.stalled),
            "params": life.params,
            "generation": life.generation,
            "life": life.number,
            "workflow_version": self.workflow_version,
            "attempt": self.attempt,
            "node": self.node,
            "seq": self.seq,
            "priority": life.priority,
            "project": life.project,
            "session": life.session,
            "scope": life.scope,
            "artifacts": list(self.artifacts.values()),
            "has_result": self.result is not None,
            "created_at": iso(life.created_at),
            "started_at": iso(self.started_at),
            "updated_at": iso(self.updated_at or life.created_at),
            "finished_at": iso(self.finished_at),
        }


def told(stalled: HoldfastError | None) -> dict[str, Any] | None:
    """What a task waits for, as the API shows it."""
    return None if stalled is None else {"code": stalled.code, "message": stalled.detail}


def view_of_snapshot(snapshot: dict[str, Any]) -> dict[str, Any]:
    """The task as the API shows it, from its snapshot or a snapshot's head."""
    shown = {key: value for key, value in snapshot.items() if key not in _SNAPSHOT_ONLY}
    progress = {key: snapshot["progress"].get(key) for key in _PROGRESS_KEYS}
    return {"id": snapshot["taskId"], **shown, "progress": progress}


def outline_of_snapshot(snapshot: dict[str, Any]) -> Outline:
    """For the snapshot of a task that has ended, where it is known to be its last one."""
    finished_at = datetime.fromisoformat(snapshot["finished_at"]).timestamp() if snapshot["finished_at"] else None
    corrupt = snapshot["error"] is not None and snapshot["error"]["code"] == LogCorrupt.code
    return Outline(
        status=Status(snapshot["status"]),
        seq=snapshot["seq"],
        ended=None if corrupt else snapshot["seq"],
        finished_at=None if finished_at is None else round(finished_at * 1000),
        corrupt=corrupt,
        view=view_of_snapshot(snapshot),
    )


_SNAPSHOT_ONLY = frozenset({"taskId", "outputs", "lastSaved", "epoch", "progress"})
_PROGRESS_KEYS = tuple(Progress().to_json())
