"""A store that forgets everything with its process: for tests, and for trying things out.

Several nodes may share one `MemoryStore` object, as they would share a volume.
"""

from collections.abc import AsyncIterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256
from typing import Any

import orjson

from server.errors import OwnershipLost, StoreFailed, TaskNotFound
from server.models import (
    Action,
    Claim,
    Control,
    EventType,
    Headline,
    Json,
    Life,
    Node,
    Note,
    Notice,
    Personal,
    Record,
    Upload,
    now_ms,
)
from server.stores.base import Changes, Finding, Room, Sight, head_of, last_word
from server.stores.headlines import Headlines


@dataclass(slots=True)
class _Stored:
    """One life. ``segments[n]`` is the log of epoch n+1; what follows a seal is cut away as it is sealed."""

    life: Life
    claims: list[str] = field(default_factory=list)
    segments: list[list[Record]] = field(default_factory=list)
    controls: dict[tuple[int, Action], Control] = field(default_factory=dict)
    notes: dict[str, Note] = field(default_factory=dict)
    artifacts: dict[tuple[str, str], bytes] = field(default_factory=dict)
    rendition: "MemoryRendition | None" = None
    removed: bool = False

    def log(self) -> list[Record]:
        return [record for segment in self.segments for record in segment]


class MemoryStore:
    """See the module; the contract is `server.stores.base.Store`."""

    def __init__(self) -> None:
        self._tasks: dict[str, list[_Stored]] = {}
        self._snapshots: dict[str, bytes] = {}
        self._open: set[str] = set()
        self._notices: dict[tuple[str, str], Notice] = {}
        self._ledgers: dict[str, list[bytes]] = {}
        self._personal: dict[str, Personal] = {}
        self._nodes: dict[str, Node] = {}
        self._uploads: dict[tuple[str, str], tuple[Upload, bytes]] = {}
        self._headlines = Headlines()

    async def open(self) -> None:
        pass

    async def close(self) -> None:
        pass

    async def check(self) -> list[Finding]:
        return [Finding("memory", True, "everything is forgotten when this process ends")]

    async def create(self, life: Life) -> tuple[Life, bool]:
        lives = self._tasks.setdefault(life.task_id, [])
        for stored in lives:
            if stored.life.number == life.number:
                return stored.life, False
        lives.append(_Stored(life))
        self._open.add(life.task_id)
        self._headlines.set(Headline.of_life(life))
        return life, True

    async def lives(self, task_id: str) -> list[Life]:
        return [stored.life for stored in self._tasks.get(task_id, [])]

    async def latest(self, task_id: str) -> Life | None:
        lives = self._tasks.get(task_id)
        return lives[-1].life if lives else None

    async def newest_claim(self, life: Life) -> Claim | None:
        return self._newest_claim(life)

    def _newest_claim(self, life: Life) -> Claim | None:
        stored = self._find(life)
        if not stored.claims:
            return None
        last = stored.segments[-1][-1:]
        return Claim(len(stored.claims), stored.claims[-1], bool(last) and last[0].type == EventType.RELEASE)

    async def claim(self, life: Life, epoch: int, node: str) -> "MemoryLogWriter | None":
        try:
            stored = self._find(life)
        except TaskNotFound:
            return None
        if epoch != len(stored.claims) + 1:
            return None
        seals = [_seal(stored, epoch - 1)] if epoch > 1 else []
        stored.claims.append(node)
        stored.segments.append(seals)
        self._open.add(life.task_id)
        return MemoryLogWriter(stored, epoch)

    def reader(self, life: Life, after: int = 0) -> "MemoryLogReader":
        return MemoryLogReader(self._find(life), after)

    async def save_snapshot(
        self, life: Life, epoch: int, snapshot: bytes, *, durable: bool, headline: Headline | None = None
    ) -> None:
        if not self._superseded(life, epoch):
            self._snapshots[life.task_id] = snapshot
            if headline is not None:
                self._headlines.put(headline)

    async def snapshot(self, task_id: str) -> dict[str, Any] | None:
        content = self._snapshots.get(task_id)
        return None if content is None else dict(orjson.loads(content))

    async def head(self, task_id: str) -> dict[str, Any] | None:
        snapshot = await self.snapshot(task_id)
        return None if snapshot is None else head_of(snapshot)

    async def end(self, life: Life) -> dict[str, Any] | None:
        return last_word(await self.head(life.task_id), life, partial(self._is_released, life))

    def _is_released(self, life: Life, epoch: int) -> bool:
        newest = self._newest_claim(life)
        return newest is not None and newest.released and newest.epoch == epoch

    async def look(self, task_id: str) -> Sight:
        lives = await self.lives(task_id)
        return Sight(lives, await self.end(lives[-1]) if lives else None)

    async def task_ids(self) -> list[str]:
        return list(self._tasks)

    async def heads(self, task_ids: Sequence[str]) -> dict[str, dict[str, Any]]:
        heads = {task_id: await self.head(task_id) for task_id in task_ids}
        return {task_id: head for task_id, head in heads.items() if head is not None}

    async def changes(self, cursor: object = None) -> Changes:
        return self._headlines.since(cursor)

    async def make_headlines(self) -> bool:
        return True

    async def put_artifact(self, life: Life, epoch: int, name: str, content: bytes) -> str:
        stored = self._find(life)
        if len(stored.claims) > epoch:
            raise OwnershipLost
        digest = sha256(content).hexdigest()
        stored.artifacts[name, digest] = content
        return digest

    async def artifact(self, life: Life, name: str, sha256: str) -> bytes | None:
        return self._find(life).artifacts.get((name, sha256))

    async def keep_upload(
        self, scope: str, name: str, media_type: str, pieces: AsyncIterable[bytes]
    ) -> tuple[Upload, bool]:
        content = b"".join([piece async for piece in pieces])
        made = Upload(sha256(content).hexdigest(), name, media_type, len(content), now_ms())
        is_new = (scope, made.id) not in self._uploads
        self._uploads[scope, made.id] = made, content
        return made, is_new

    async def upload(self, scope: str, upload_id: str) -> Upload | None:
        found = self._uploads.get((scope, upload_id))
        return found[0] if found is not None else None

    async def upload_content(self, scope: str, upload_id: str) -> bytes | None:
        found = self._uploads.get((scope, upload_id))
        return found[1] if found is not None else None

    async def drop_uploads(self, put_before: int) -> int:
        past = [key for key, (upload, _) in self._uploads.items() if upload.put_at < put_before]
        for key in past:
            del self._uploads[key]
        return len(past)

    async def ask(self, life: Life, control: Control) -> None:
        self._find(life).controls.setdefault((control.epoch, control.action), control)

    async def asked(self, owned: Sequence[tuple[Life, int]]) -> list[list[Control]]:
        return [self._asked(life, epoch) for life, epoch in owned]

    def _asked(self, life: Life, epoch: int) -> list[Control]:
        with suppress(TaskNotFound):
            return [control for (asked, _), control in self._find(life).controls.items() if asked == epoch]
        return []

    async def note(self, life: Life, note: Note) -> None:
        self._find(life).notes.setdefault(note.id, note)

    async def notes(self, life: Life) -> list[Note]:
        with suppress(TaskNotFound):
            return sorted(self._find(life).notes.values(), key=lambda note: (note.at, note.id))
        return []

    async def open_tasks(self) -> list[str]:
        return list(self._open)

    async def reopen(self, task_id: str) -> None:
        self._open.add(task_id)

    async def settle(self, life: Life, epoch: int) -> None:
        if not self._superseded(life, epoch):
            self._open.discard(life.task_id)

    async def keep_notice(self, notice: Notice) -> None:
        self._notices[notice.key] = notice

    async def notices(self) -> list[Notice]:
        return list(self._notices.values())

    async def drop_notice(self, notice: Notice) -> None:
        self._notices.pop(notice.key, None)

    async def enter(self, ledger: str, number: int, content: Json) -> bool:
        written = self._ledgers.setdefault(ledger, [])
        if number != len(written) + 1:
            return False
        written.append(orjson.dumps(content))
        return True

    async def entries(self, ledger: str, after: int = 0) -> list[Json]:
        return [orjson.loads(content) for content in self._ledgers.get(ledger, [])[after:]]

    async def blank(self, ledger: str, below: int) -> None:
        written = self._ledgers.get(ledger, [])
        for place in range(min(below - 1, len(written))):
            written[place] = orjson.dumps(None)

    async def personal(self, scope: str) -> Personal:
        return self._personal.get(scope, Personal())

    async def keep_personal(self, scope: str, kept: Personal) -> bool:
        if kept.version != self._personal.get(scope, Personal()).version + 1:
            return False
        self._personal[scope] = kept
        return True

    async def room(self) -> Room | None:
        return None

    async def beat(self, node: Node) -> None:
        self._nodes[node.id] = node

    async def nodes(self) -> list[Node]:
        return list(self._nodes.values())

    async def leave(self, node: str) -> None:
        self._nodes.pop(node, None)

    async def remove(self, life: Life, epoch: int) -> bool:
        if self._superseded(life, epoch) or len(self._find(life).claims) < epoch:
            return False
        self._snapshots.pop(life.task_id, None)
        self._open.discard(life.task_id)
        self._headlines.drop(life.task_id, life.generation)
        for stored in self._tasks.pop(life.task_id):
            stored.removed = True
        return True

    async def remove_life(self, life: Life) -> None:
        with suppress(TaskNotFound):
            stored = self._find(life)
            stored.removed = True
            self._tasks[life.task_id].remove(stored)

    async def pack(self, life: Life, epoch: int) -> int:
        return 0

    async def rendition(self, life: Life) -> "MemoryRendition | None":
        with suppress(TaskNotFound):
            found = self._find(life).rendition
            return found if found is not None and found.fits else None
        return None

    async def keep_rendition(self, life: Life, pieces: AsyncIterable[bytes]) -> bool:
        claim = await self.newest_claim(life)
        if claim is None or not claim.released:
            return False
        stored = self._find(life)
        made = MemoryRendition(stored, claim.epoch, b"".join([piece async for piece in pieces]))
        if made.fits:
            stored.rendition = made
        return made.fits

    async def tidy(self) -> None:
        pass

    def _find(self, life: Life) -> _Stored:
        for stored in self._tasks.get(life.task_id, []):
            if stored.life.generation == life.generation:
                return stored
        raise TaskNotFound

    def _superseded(self, life: Life, epoch: int) -> bool:
        lives = self._tasks.get(life.task_id, [])
        return not lives or lives[-1].life.generation != life.generation or len(lives[-1].claims) > epoch


def _seal(stored: _Stored, epoch: int) -> Record:
    seq = max((record.seq or 0 for record in stored.log()), default=0)
    data = {"epoch": epoch, "seq": seq, "node": stored.claims[epoch - 1]}
    return Record(None, now_ms(), EventType.SEAL, orjson.dumps(data))


class MemoryLogWriter:
    """The writer of one epoch; an epoch that was overtaken takes nothing more."""

    def __init__(self, stored: _Stored, epoch: int) -> None:
        self._stored, self.epoch = stored, epoch
        self._closed = False

    async def append(self, records: Sequence[Record]) -> None:
        if self._closed:
            raise StoreFailed("This log was closed; claim the task again.")
        if self._stored.removed or len(self._stored.claims) > self.epoch:
            raise OwnershipLost
        self._stored.segments[self.epoch - 1].extend(records)

    async def close(self) -> None:
        self._closed = True


class MemoryRendition:
    """What was made from a log up to the owner of an epoch."""

    def __init__(self, stored: _Stored, epoch: int, content: bytes) -> None:
        self._stored, self._epoch, self._content = stored, epoch, content
        self.size = len(content)

    @property
    def fits(self) -> bool:
        return not self._stored.removed and len(self._stored.claims) == self._epoch

    async def read(self, offset: int, size: int) -> bytes | None:
        return self._content[offset : offset + size] if self.fits else None

    async def close(self) -> None:
        pass


class MemoryLogReader:
    """A position in a log."""

    undecided = False

    def __init__(self, stored: _Stored, after: int) -> None:
        self._stored, self._after = stored, after
        self._everything = after == 0
        self._index = 0

    @property
    def complete(self) -> bool:
        last = self._stored.segments[-1][-1:] if self._stored.segments else []
        return self._index == len(self._stored.log()) and bool(last) and last[0].type == EventType.RELEASE

    async def read(self, durable_to: int | None = None) -> list[Record]:
        found: list[Record] = []
        log = self._stored.log()
        while self._index < len(log):
            record = log[self._index]
            if durable_to is not None and (self._after >= durable_to or (record.seq or 0) > durable_to):
                break
            self._index += 1
            if record.seq is None:
                if self._everything:
                    found.append(record)
            elif record.seq > self._after:
                found.append(record)
                self._after = record.seq
        if not found and durable_to is None and self._stored.removed:
            raise TaskNotFound
        return found

    async def close(self) -> None:
        pass
