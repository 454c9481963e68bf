"""The default store: a folder on a volume that all containers may share.

    {task id}.json                       snapshot
    {task id}/{life:04d}.task            birth record, made by link()
    {task id}/{life:04d}/{epoch:06d}.claim, {epoch:06d}.jsonl, control/, artifacts/
    nodes/{node}.json, {node}.lock       heartbeats
    open/{task id}                       tasks that may need an owner; derived, see docs/decisions/004

Its correctness rests on link(), rename(), one writer per file and fsync; see docs/storage.md.
"""

import contextlib
import fcntl
import os
import secrets
import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

import anyio
import orjson
from anyio import to_thread

from server.errors import StoreFailed
from server.fingerprint import is_task_id
from server.models import Action, Claim, Control, EventType, Life, Node, Record
from server.stores import probe
from server.stores.base import Finding, head_of
from server.stores.posix import Replacement, link_new, make_folder, read_file, replace_file, store_error, touch
from server.stores.segments import SegmentReader, Segments, SegmentWriter, seal_before

DISK_THREADS = 32
UNKNOWN_NODE = ""

T = TypeVar("T")


class FileStore:
    """See the module; the contract is `server.stores.base.Store`."""

    def __init__(self, root: Path) -> None:
        self._root = root.absolute()
        self._hard_links = True
        self._locks: dict[str, int] = {}
        self._heads: dict[str, tuple[tuple[int, int, int], dict[str, Any]]] = {}

    # The blocking half of each method stands below it, so that one reads as one.

    async def open(self) -> None:
        self._limiter = anyio.CapacityLimiter(DISK_THREADS)
        try:
            await to_thread.run_sync(self._open)
        except OSError as error:
            raise StoreFailed(
                f"The task folder {self._root} can't be used: {error.strerror}. "
                "Set TASK_STORAGE_DIR to a folder that this user can read and write."
            ) from None

    def _open(self) -> None:
        self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name in ("nodes", "open"):
            make_folder(self._root / name)
        self._hard_links = probe.hard_links(self._root)

    async def close(self) -> None:
        for handle in self._locks.values():
            os.close(handle)
        self._locks.clear()

    async def check(self) -> list[Finding]:
        return await to_thread.run_sync(probe.findings, self._root)

    async def create(self, life: Life) -> tuple[Life, bool]:
        return await self._run("creating a task", self._create, life)

    def _create(self, life: Life) -> tuple[Life, bool]:
        self._mark_open(life.task_id)
        while True:
            make_folder(self._root / life.task_id)
            try:
                made = link_new(self._birth(life), life.encode(), hard_links=self._hard_links)
            except FileNotFoundError:
                continue  # the older folder was removed in between: a new one is made
            break
        if made:
            make_folder(self._folder(life))
            # Again: a settling owner of an older life may have taken the mark away in between.
            self._mark_open(life.task_id)
            return life, True
        content = read_file(self._birth(life))
        if content is None:
            return self._create(life)
        return Life.decode(content), False

    async def lives(self, task_id: str) -> list[Life]:
        return await self._run("reading a task", self._lives, task_id)

    def _lives(self, task_id: str) -> list[Life]:
        try:
            names = sorted(name for name in os.listdir(self._root / task_id) if name.endswith(".task"))
        except FileNotFoundError:
            return []
        found = []
        for name in names:
            content = read_file(self._root / task_id / name)
            if content:
                with contextlib.suppress(ValueError):
                    found.append(Life.decode(content))
        return found

    async def latest(self, task_id: str) -> Life | None:
        found = await self.lives(task_id)
        return found[-1] if found else None

    async def newest_claim(self, life: Life) -> Claim | None:
        return await self._run("reading a claim", self._newest_claim, life)

    def _newest_claim(self, life: Life) -> Claim | None:
        segments = self._segments(life)
        epoch = segments.newest()
        if epoch == 0:
            return None
        content = read_file(segments.claim(epoch))
        node = orjson.loads(content)["node"] if content else UNKNOWN_NODE
        last = segments.last_record(epoch)
        return Claim(epoch, node, released=last is not None and last.type == EventType.RELEASE)

    async def claim(self, life: Life, epoch: int, node: str) -> "FileLogWriter | None":
        writer = await self._run("claiming a task", self._claim, life, epoch, node)
        return FileLogWriter(self, writer) if writer else None

    def _claim(self, life: Life, epoch: int, node: str) -> SegmentWriter | None:
        segments = self._segments(life)
        self._mark_open(life.task_id)
        make_folder(segments.folder)
        content = orjson.dumps({"epoch": epoch, "node": node})
        if not link_new(segments.claim(epoch), content, hard_links=self._hard_links):
            return None
        self._mark_open(life.task_id)
        seals = seal_before(segments, epoch)
        writer = SegmentWriter(segments, epoch)
        if seals:
            writer.append(seals)
        return writer

    def reader(self, life: Life, after: int = 0) -> "FileLogReader":
        return FileLogReader(self, SegmentReader(self._segments(life), after))

    async def save_snapshot(self, life: Life, epoch: int, snapshot: bytes, *, durable: bool) -> None:
        await self._run("saving a snapshot", self._save_snapshot, life, epoch, snapshot, durable)

    def _save_snapshot(self, life: Life, epoch: int, snapshot: bytes, durable: bool) -> None:
        replacement = Replacement(self._snapshot_path(life.task_id), snapshot, durable=durable)
        if self._superseded(life, epoch):
            replacement.discard()
        else:
            replacement.commit()

    async def snapshot(self, task_id: str) -> dict[str, Any] | None:
        return await self._run("reading a snapshot", self._snapshot, task_id)

    def _snapshot(self, task_id: str) -> dict[str, Any] | None:
        path = self._snapshot_path(task_id)
        content = read_file(path)
        if content is None:
            return None
        try:
            snapshot = orjson.loads(content)
            if not isinstance(snapshot, dict) or snapshot.get("taskId") != task_id:
                raise ValueError("not a snapshot of this task")
        except ValueError:
            with contextlib.suppress(FileNotFoundError):
                path.replace(path.with_suffix(".json.broken"))
            return None
        return snapshot

    async def task_ids(self) -> list[str]:
        return await self._run("listing tasks", self._task_ids)

    def _task_ids(self) -> list[str]:
        return [name for name in os.listdir(self._root) if is_task_id(name)]

    async def snapshots(self) -> list[dict[str, Any]]:
        return await self._run("listing tasks", self._snapshots)

    def _snapshots(self) -> list[dict[str, Any]]:
        heads: dict[str, tuple[tuple[int, int, int], dict[str, Any]]] = {}
        with os.scandir(self._root) as entries:
            for entry in entries:
                task_id = entry.name.removesuffix(".json")
                if task_id == entry.name or not is_task_id(task_id):
                    continue
                try:
                    found = entry.stat()
                except FileNotFoundError:
                    continue
                version = (found.st_ino, found.st_mtime_ns, found.st_size)
                known = self._heads.get(task_id)
                if known is not None and known[0] == version:
                    heads[task_id] = known
                elif (snapshot := self._snapshot(task_id)) is not None:
                    heads[task_id] = (version, head_of(snapshot))
        self._heads = heads
        return [head for _, head in heads.values()]

    async def put_artifact(self, life: Life, name: str, content: bytes) -> None:
        await self._run("keeping an artifact", self._put_artifact, life, name, content)

    def _put_artifact(self, life: Life, name: str, content: bytes) -> None:
        folder = self._folder(life) / "artifacts"
        make_folder(folder)
        replace_file(folder / name, content, durable=True)

    async def artifact(self, life: Life, name: str) -> bytes | None:
        return await self._run("reading an artifact", read_file, self._folder(life) / "artifacts" / name)

    async def ask(self, life: Life, control: Control) -> None:
        await self._run("leaving a request", self._ask, life, control)

    def _ask(self, life: Life, control: Control) -> None:
        folder = self._folder(life) / "control"
        make_folder(folder)
        path = folder / f"{control.epoch:06d}.{control.action}"
        link_new(path, orjson.dumps(asdict(control)), hard_links=self._hard_links)

    async def asked(self, life: Life, epoch: int) -> list[Control]:
        return await self._run("reading requests", self._asked, life, epoch)

    def _asked(self, life: Life, epoch: int) -> list[Control]:
        folder = self._folder(life) / "control"
        found = []
        for action in Action:
            content = read_file(folder / f"{epoch:06d}.{action}")
            if content is not None:
                reason = orjson.loads(content).get("reason", "") if content else ""
                found.append(Control(action, epoch, reason))
        return found

    async def open_tasks(self) -> list[str]:
        return await self._run("looking for tasks", self._open_tasks)

    def _open_tasks(self) -> list[str]:
        return [name for name in os.listdir(self._root / "open") if is_task_id(name)]

    async def reopen(self, task_id: str) -> None:
        await self._run("marking a task", self._mark_open, task_id)

    async def settle(self, life: Life, epoch: int) -> None:
        await self._run("settling a task", self._settle, life, epoch)

    def _settle(self, life: Life, epoch: int) -> None:
        with contextlib.suppress(FileNotFoundError):
            (self._root / "open" / life.task_id).unlink()
        # Looked at after the mark is gone: whoever claims or creates marks before and after it does.
        if self._superseded(life, epoch):
            self._mark_open(life.task_id)

    async def beat(self, node: Node) -> None:
        await self._run("writing a heartbeat", self._beat, node)

    def _beat(self, node: Node) -> None:
        folder = self._root / "nodes"
        if node.id not in self._locks:
            handle = os.open(folder / f"{node.id}.lock", os.O_RDWR | os.O_CREAT, 0o600)
            with contextlib.suppress(OSError):  # a volume without flock: the lease alone decides
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._locks[node.id] = handle
        record = asdict(node)
        del record["held"]
        replace_file(folder / f"{node.id}.json", orjson.dumps(record), durable=False)

    async def nodes(self) -> list[Node]:
        return await self._run("reading heartbeats", self._nodes)

    def _nodes(self) -> list[Node]:
        folder = self._root / "nodes"
        found = []
        for name in os.listdir(folder):
            if name.startswith(".") or not name.endswith(".json"):
                continue
            content = read_file(folder / name)
            if content is None:
                continue
            with contextlib.suppress(ValueError, TypeError):
                node = Node(**orjson.loads(content))
                node.held = node.id in self._locks or probe.lock_is_held(folder / f"{node.id}.lock")
                found.append(node)
        return found

    async def leave(self, node: str) -> None:
        await self._run("leaving", self._leave, node)

    def _leave(self, node: str) -> None:
        handle = self._locks.pop(node, None)
        if handle is not None:
            os.close(handle)
        for suffix in ("json", "lock"):
            with contextlib.suppress(FileNotFoundError):
                (self._root / "nodes" / f"{node}.{suffix}").unlink()

    async def remove(self, task_id: str) -> bool:
        return await self._run("removing a task", self._remove, task_id)

    def _remove(self, task_id: str) -> bool:
        with contextlib.suppress(FileNotFoundError):
            self._snapshot_path(task_id).unlink()
        with contextlib.suppress(FileNotFoundError):
            self._snapshot_path(task_id).with_suffix(".json.broken").unlink()
        aside = self._root / f".removed-{task_id}-{secrets.token_hex(4)}"
        try:
            (self._root / task_id).rename(aside)
        except FileNotFoundError:
            return False
        shutil.rmtree(aside, ignore_errors=True)
        return True

    async def _run(self, doing: str, blocking: Callable[..., T], *args: object) -> T:
        def run() -> T:
            try:
                return blocking(*args)
            except OSError as error:
                raise store_error(error, doing) from error

        return await to_thread.run_sync(run, limiter=self._limiter)

    def _folder(self, life: Life) -> Path:
        return self._root / life.task_id / f"{life.number:04d}"

    def _birth(self, life: Life) -> Path:
        return self._root / life.task_id / f"{life.number:04d}.task"

    def _segments(self, life: Life) -> Segments:
        return Segments(self._folder(life))

    def _snapshot_path(self, task_id: str) -> Path:
        return self._root / f"{task_id}.json"

    def _mark_open(self, task_id: str) -> None:
        touch(self._root / "open" / task_id)

    def _superseded(self, life: Life, epoch: int) -> bool:
        later_life = self._root / life.task_id / f"{life.number + 1:04d}.task"
        return self._segments(life).claimed(epoch + 1) or later_life.exists() or not self._birth(life).exists()


class FileLogWriter:
    """One segment's writer, its blocking calls run in a thread."""

    def __init__(self, store: FileStore, writer: SegmentWriter) -> None:
        self._store, self._writer = store, writer
        self.epoch = writer.epoch

    async def append(self, records: Sequence[Record]) -> None:
        await self._store._run("writing to a log", self._writer.append, records)

    async def close(self) -> None:
        self._writer.close()


class FileLogReader:
    """A position in a log, its blocking calls run in a thread."""

    def __init__(self, store: FileStore, reader: SegmentReader) -> None:
        self._store, self._reader = store, reader

    async def read(self, durable_to: int | None = None) -> list[Record]:
        return await self._store._run("reading a log", self._reader.read, durable_to)

    async def close(self) -> None:
        self._reader.close()
