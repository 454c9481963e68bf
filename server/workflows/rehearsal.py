"""A Context in memory: runs a workflow without a server, and shows what a kill after any step would leave.

first = RehearsalContext(steps_until_kill=3)
with suppress(Killed):
    await workflow.run(first, params)
second = RehearsalContext(first.journal)
result = await workflow.run(second, params)
second.report
"""

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import anyio.lowlevel
import orjson

from server.errors import JournalMismatch, UploadNotFound, WorkflowFailed
from server.models import Json
from server.workflows.base import Step


class Killed(Exception):
    """The rehearsed process died here, as a real one would: nothing after this was recorded."""


@dataclass(frozen=True, slots=True)
class Emitted:
    """One event: its type as on the wire (``output``, ``item``, …) and its data."""

    type: str
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Recorded:
    """A finished step: its inputs' hash, its result as JSON, and what it emitted."""

    inputs: str
    result: bytes
    events: tuple[Emitted, ...]


@dataclass
class RehearsalContext:
    """`server.workflows.base.Context`, to its word, over a dict that a second run can take over.

    ``steps_until_kill``: after so many newly recorded steps every further one raises `Killed`.
    ``told``: what the user tells it while it runs; ``results`` and ``params``: those of other tasks; ``uploads``:
    what its user has sent, by id. ``ledgers``: their entries as JSON, by name; other contexts may share them.
    ``ran``: keys of the steps that ran here, in the order they finished; replayed ones are not among them.
    """

    journal: dict[str, Recorded] = field(default_factory=dict)
    steps_until_kill: int | None = None
    told: list[dict[str, Any]] = field(default_factory=list)
    results: dict[str, Json] = field(default_factory=dict)
    ledgers: dict[str, list[bytes]] = field(default_factory=dict)
    params: dict[str, dict[str, Any]] = field(default_factory=dict)
    uploads: dict[str, bytes] = field(default_factory=dict)
    task_id: str = "0" * 32
    generation: str = "rehear"
    ran: list[str] = field(default_factory=list, init=False)
    labels: list[str] = field(default_factory=list, init=False)
    expected: float = field(default=0.0, init=False)
    committed: float = field(default=0.0, init=False)
    items: int = field(default=0, init=False)
    artifacts: dict[str, bytes] = field(default_factory=dict, init=False)
    messages: list[str] = field(default_factory=list, init=False)
    _heard: list[dict[str, Any]] = field(default_factory=list, init=False)
    _started: set[str] = field(default_factory=set, init=False)
    _order: list[str] = field(default_factory=list, init=False)
    _writers: dict[str, str] = field(default_factory=dict, init=False)

    def expect(self, weight: float, *, items: int = 0, at_once: int = 1) -> None:
        self.expected, self.items = weight, items

    async def step(
        self,
        key: str,
        run: Callable[[Step], Awaitable[Any]],
        inputs: Json = None,
        *,
        weight: float = 1.0,
        label: str = "",
    ) -> Any:
        if key in self._started:
            raise WorkflowFailed(f"Step {key!r} was started twice in one run; give each its own key.")
        self._started.add(key)
        hashed = hashlib.sha256(orjson.dumps(inputs, option=orjson.OPT_SORT_KEYS)).hexdigest()
        recorded = self.journal.get(key)
        if recorded is None:
            recorded = await self._run(key, run, hashed, label)
        elif recorded.inputs != hashed:
            raise JournalMismatch(f"Step {key!r} was given other inputs than those in its record.")
        self.committed += weight
        return orjson.loads(recorded.result)

    async def heard(self, key: str) -> list[dict[str, Any]]:
        async def listen(step: Step) -> Json:
            return [note for note in self.told if note not in self._heard]

        new: list[dict[str, Any]] = await self.step(key, listen, weight=0.0)
        self._heard += new
        return new

    async def result_of(self, task_id: str) -> Json:
        return self.results.get(task_id)

    def ledger(self, name: str) -> "RehearsedLedger":
        return RehearsedLedger(self.ledgers.setdefault(name, []))

    async def params_of(self, task_id: str) -> dict[str, Any] | None:
        return self.params.get(task_id)

    async def upload(self, upload_id: str) -> bytes:
        if upload_id not in self.uploads:
            raise UploadNotFound.of(upload_id)
        return self.uploads[upload_id]

    async def _run(self, key: str, run: Callable[[Step], Awaitable[Any]], hashed: str, label: str) -> Recorded:
        await anyio.lowlevel.checkpoint()
        if self.steps_until_kill is not None and len(self.ran) >= self.steps_until_kill:
            raise Killed(key)
        self.labels.append(label)
        step = RehearsedStep(key, f"{self.task_id}:{self.generation}:{key}", self)
        try:
            result = await run(step)
        finally:
            for part in [part for part, owner in self._writers.items() if owner == key]:
                del self._writers[part]
        if self.steps_until_kill is not None and len(self.ran) >= self.steps_until_kill:
            raise Killed(key)
        recorded = Recorded(hashed, orjson.dumps(result), tuple(step.events))
        self.journal[key] = recorded
        self.ran.append(key)
        return recorded

    def claim_part(self, part: str, key: str) -> None:
        owner = self._writers.setdefault(part, key)
        if owner != key:
            raise WorkflowFailed(f"Steps {owner!r} and {key!r} write to part {part!r} at once; give each its own part.")

    @property
    def events(self) -> list[Emitted]:
        """What recorded steps emitted, in the order in which they were recorded."""
        return [event for recorded in self.journal.values() for event in recorded.events]

    @property
    def parts(self) -> dict[str, str]:
        """The report's parts, in the order in which they began."""
        written: dict[str, str] = {}
        for event in self.events:
            if event.type == "output":
                written[event.data["part"]] = written.get(event.data["part"], "") + event.data["text"]
        return written

    @property
    def report(self) -> str:
        return "".join(self.parts.values())


class RehearsedLedger:
    """`server.workflows.base.Ledger` over a list."""

    def __init__(self, written: list[bytes]) -> None:
        self._written = written

    async def entries(self, after: int = 0) -> list[Json]:
        return [orjson.loads(content) for content in self._written[after:]]

    async def enter(self, number: int, content: Json) -> bool:
        if number != len(self._written) + 1:
            return False
        self._written.append(orjson.dumps(content))
        return True

    async def blank(self, below: int) -> None:
        self._written[: below - 1] = [orjson.dumps(None)] * min(below - 1, len(self._written))


@dataclass
class RehearsedStep:
    """`server.workflows.base.Step`; what it emits counts only once the step is recorded."""

    key: str
    idempotency_key: str
    context: RehearsalContext
    events: list[Emitted] = field(default_factory=list)

    async def output(self, part: str, text: str, **more: Json) -> None:
        self.context.claim_part(part, self.key)
        if text:
            self._emit("output", {"part": part, "text": text, **more})

    async def reasoning(self, part: str, text: str) -> None:
        self.context.claim_part(part, self.key)
        if text:
            self._emit("reasoning", {"part": part, "text": text})

    async def item(self, data: Mapping[str, Any], *, outcome: str = "completed") -> None:
        if outcome not in ("completed", "failed", "skipped") or not isinstance(data.get("key"), str):
            raise WorkflowFailed("An item needs a text `key` and an outcome: completed, failed or skipped.")
        self._emit("item", {**data, "outcome": outcome})

    async def artifact(self, name: str, content: bytes, media_type: str) -> str:
        sha256 = hashlib.sha256(content).hexdigest()
        self.context.artifacts[name] = content
        self._emit("artifact", {"name": name, "media_type": media_type, "size": len(content), "sha256": sha256})
        return sha256

    async def progress(self, message: str, percentage: float | None = None) -> None:
        self.context.messages.append(message)

    def _emit(self, type: str, data: dict[str, Any]) -> None:
        # What is no JSON must fail here as it would in the log.
        self.events.append(Emitted(type, orjson.loads(orjson.dumps(data))))
