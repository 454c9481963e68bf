"""The Context that a running workflow sees: steps that are done once, and what they emit."""

import re
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from functools import partial
from typing import Any, TypeVar

import anyio
import orjson

from server.errors import StoreFull, UploadNotFound, WorkflowFailed
from server.fingerprint import is_task_id
from server.models import EventType, Json, Life, Status
from server.stores.base import Store
from server.tasks.journal import INLINE_RESULT_BYTES, Journal, StepRecord, hash_inputs
from server.tasks.ledgers import PatientLedger, StoredLedger
from server.tasks.log import FULL_RETRY_SECONDS, TaskLog
from server.tasks.ownership import read_state
from server.tasks.progress import ProgressMeter
from server.workflows.base import Ledger, Step

ARTIFACT_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,119}", re.ASCII)
PROGRESS_PER_SECOND = 10.0
PROGRESS_BURST = 30.0
RESULT_NAME = "result.json"
T = TypeVar("T")
OUTCOMES = frozenset({"completed", "failed", "skipped"})


class TaskContext:
    """One attempt's `server.workflows.base.Context`."""

    def __init__(self, life: Life, store: Store, log: TaskLog, journal: Journal) -> None:
        self.task_id, self.generation = life.task_id, life.generation
        self._life, self._store, self._log, self._journal = life, store, log, journal
        self._meter = ProgressMeter()
        if journal.steps:
            recorded = {item: outcome for items in journal.items.values() for item, outcome in items.items()}
            self._meter.go_on(recorded, log.state.progress.percentage)
        self._started: set[str] = set()
        self._heard: set[str] = set()
        self._part_owner: dict[str, str] = {}
        self._outcomes: dict[str, dict[str, str]] = {}
        """Of items whose step is not recorded yet, by its key: they count when it is."""
        self._may_tell = PROGRESS_BURST
        self._told_at = time.monotonic()
        self._untold = False
        self.finished_steps = 0
        self._leave: Callable[[], None] | None = None

    def expect(self, weight: float, *, items: int = 0, at_once: int = 1) -> None:
        self._meter.expect(weight, items, at_once)

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
        hashed = hash_inputs(inputs)
        record = self._journal.find(key, hashed)
        if record is not None:
            return await self._replay(key, record, weight)
        if self._leave is not None:
            self._leave()
            await anyio.lowlevel.checkpoint()
        return await self._run(key, run, hashed, weight, label)

    async def _replay(self, key: str, record: StepRecord, weight: float) -> Any:
        for item, outcome in self._journal.items.get(key, {}).items():
            self._meter.item(item, outcome)
        self._meter.commit(weight, replayed=True)
        self._untold = True
        if record.artifact is None:
            return record.result
        content = await self._store.artifact(self._life, RESULT_NAME, record.artifact)
        if content is None:
            raise WorkflowFailed(f"The kept result of step {key!r} is missing; `rerun` starts a new life.")
        return orjson.loads(content)

    async def _run(
        self, key: str, run: Callable[[Step], Awaitable[Any]], hashed: str, weight: float, label: str
    ) -> Any:
        self._log.check_lease()
        self._meter.label = self._meter.message = label or key
        self._meter.current, self._meter.current_percentage = key, None
        self.tell()
        started = time.monotonic()
        try:
            result = await run(_RunningStep(self, key))
        finally:
            for part in [part for part, owner in self._part_owner.items() if owner == key]:
                del self._part_owner[part]
            outcomes = self._outcomes.pop(key, {})
        encoded = orjson.dumps(result)
        seconds = round(time.monotonic() - started, 3)
        data: dict[str, Json] = {"key": key, "inputs": hashed, "seconds": seconds, "label": label}
        if len(encoded) > INLINE_RESULT_BYTES:
            data["artifact"] = await self._put_artifact(RESULT_NAME, encoded)
        else:
            data["result"] = result
        self._log.put_journal(EventType.STEP, data, key)
        await self._log.flush()
        self.finished_steps += 1
        for item, outcome in outcomes.items():
            self._meter.item(item, outcome)
        self._meter.commit(weight, replayed=False)
        self.tell()
        return orjson.loads(encoded)

    async def heard(self, key: str) -> list[dict[str, Any]]:
        async def listen(step: Step) -> Json:
            notes = await self._store.notes(self._life)
            return [{"id": note.id, "body": note.body} for note in notes if note.id not in self._heard]

        new = await self.step(key, listen, weight=0.0, label=self._meter.label)
        self._heard.update(note["id"] for note in new)
        return [note["body"] for note in new]

    async def result_of(self, task_id: str) -> Json:
        lives = await self._store.lives(task_id) if is_task_id(task_id) else []
        if not lives or lives[-1].scope != self._life.scope:
            return None
        state = await read_state(self._store, lives[-1])
        return state.result if state.status is Status.COMPLETED else None

    def ledger(self, name: str) -> Ledger:
        stored = StoredLedger(self._store, self._life.scope, self._life.kind, name)
        return PatientLedger(stored, self._with_room)

    async def params_of(self, task_id: str) -> dict[str, Any] | None:
        lives = await self._store.lives(task_id) if is_task_id(task_id) else []
        if not lives or (lives[-1].scope, lives[-1].kind) != (self._life.scope, self._life.kind):
            return None
        return lives[-1].params

    async def upload(self, upload_id: str) -> bytes:
        content = await self._store.upload_content(self._life.scope, upload_id)
        if content is None:
            raise UploadNotFound.of(upload_id)
        return content

    @property
    def current_step(self) -> str | None:
        return self._meter.current

    def leave_at_next_step(self, leave: Callable[[], None]) -> None:
        """Have ``leave`` called, which must cancel the workflow, before another step begins."""
        self._leave = leave

    def tell(self, *, final: bool = False) -> None:
        """Emit progress, after a burst at most 10 times a second; what is held back is told by `tell_rest`."""
        now = time.monotonic()
        self._may_tell = min(PROGRESS_BURST, self._may_tell + (now - self._told_at) * PROGRESS_PER_SECOND)
        self._told_at = now
        if not final and self._may_tell < 1.0:
            self._untold = True
            return
        self._may_tell, self._untold = self._may_tell - 1.0, False
        reading = self._meter.reading()
        if final:
            reading.percentage, reading.eta_seconds, reading.current, reading.current_percentage = (
                100.0,
                0.0,
                None,
                None,
            )
        self._log.put(EventType.PROGRESS, reading.to_json())

    def tell_rest(self) -> None:
        if self._untold:
            self.tell()

    async def emit_text(self, kind: EventType, key: str, part: str, text: str, more: Mapping[str, Json]) -> None:
        if self._part_owner.setdefault(part, key) != key:
            owner = self._part_owner[part]
            raise WorkflowFailed(f"Steps {owner!r} and {key!r} write to part {part!r} at once; give each its own part.")
        if text:
            self._log.put(kind, {"part": part, "text": text, **more}, key)
        if self._log.crowded:
            await self._log.room()

    async def emit(self, kind: EventType, key: str, data: dict[str, Any]) -> None:
        self._log.put(kind, data, key)
        if self._log.crowded:
            await self._log.room()

    async def emit_item(self, key: str, data: dict[str, Any]) -> None:
        self._outcomes.setdefault(key, {})[data["key"]] = data["outcome"]
        await self.emit(EventType.ITEM, key, data)

    async def keep(self, key: str, name: str, content: bytes, media_type: str) -> str:
        sha256 = await self._put_artifact(name, content)
        url = f"/api/tasks/{self.task_id}/artifacts/{name}"
        data = {"name": name, "media_type": media_type, "size": len(content), "sha256": sha256, "url": url}
        await self.emit(EventType.ARTIFACT, key, data)
        return sha256

    async def _put_artifact(self, name: str, content: bytes) -> str:
        return await self._with_room(partial(self._store.put_artifact, self._life, self._log.epoch, name, content))

    async def _with_room(self, call: Callable[[], Awaitable[T]]) -> T:
        """On a full volume the step waits for room, as the log does."""
        while True:
            try:
                done = await call()
            except StoreFull as error:
                self._log.state.stalled = error
                await anyio.sleep(FULL_RETRY_SECONDS)
            else:
                self._log.state.stalled = None
                return done

    def say(self, key: str, message: str, percentage: float | None) -> None:
        self._meter.message, self._meter.current, self._meter.current_percentage = message, key, percentage
        self.tell()


class _RunningStep:
    """One run of one step's `server.workflows.base.Step`."""

    def __init__(self, context: TaskContext, key: str) -> None:
        self._context, self.key = context, key
        self.idempotency_key = f"{context.task_id}:{context.generation}:{key}"

    # These two hand on what is to be awaited: one more coroutine would cost nearly as much as the JSON.

    def output(self, part: str, text: str, **more: Json) -> Coroutine[Any, Any, None]:
        return self._context.emit_text(EventType.OUTPUT, self.key, part, text, more)

    def reasoning(self, part: str, text: str) -> Coroutine[Any, Any, None]:
        return self._context.emit_text(EventType.REASONING, self.key, part, text, {})

    async def item(self, data: Mapping[str, Any], *, outcome: str = "completed") -> None:
        if outcome not in OUTCOMES or not isinstance(data.get("key"), str):
            raise WorkflowFailed("An item needs a text `key` and an outcome: completed, failed or skipped.")
        await self._context.emit_item(self.key, {**data, "outcome": outcome})

    async def artifact(self, name: str, content: bytes, media_type: str) -> str:
        if ARTIFACT_NAME.fullmatch(name) is None:
            raise WorkflowFailed(f"{name[:80]!r} is no artifact name: 1 to 120 of A-Z a-z 0-9 . _ -, no leading dot.")
        return await self._context.keep(self.key, name, content, media_type)

    async def progress(self, message: str, percentage: float | None = None) -> None:
        self._context.say(self.key, message, percentage)
