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
import re
import secrets
import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar
from zlib import crc32

import anyio
import orjson
from anyio import to_thread

from server.errors import LogCorrupt, StoreFailed
from server.fingerprint import is_task_id
from server.models import Action, Claim, Control, EventType, Life, Node, Record
from server.stores import probe
from server.stores.base import Finding, head_of
from server.stores.posix import Replacement, link_new, make_folder, read_file, replace_file, store_error, touch
from server.stores.segments import SegmentReader, Segments, SegmentWriter, seal_before

DISK_THREADS = 32
_CHECKSUM = re.compile(rb',\n  "crc": (\d{1,10})\n\}\n\Z')
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
        try:
            return Life.decode(content), False
        except ValueError:
            raise LogCorrupt("The birth record of this task is damaged; the file is kept as it is.") from None

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
        node = _node_in(content)
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
        try:
            if seals:
                writer.append(seals)
        except BaseException:
            writer.close()
            raise
        return writer

    def reader(self, life: Life, after: int = 0) -> "FileLogReader":
        return FileLogReader(self, SegmentReader(self._segments(life), after))

    async def save_snapshot(self, life: Life, epoch: int, snapshot: bytes, *, durable: bool) -> None:
        await self._run("saving a snapshot", self._save_snapshot, life, epoch, snapshot, durable)

    def _save_snapshot(self, life: Life, epoch: int, snapshot: bytes, durable: bool) -> None:
        replacement = Replacement(self._snapshot_path(life.task_id), with_checksum(snapshot), durable=durable)
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
            snapshot: dict[str, Any] = checked(content)
            if snapshot.get("taskId") != task_id:
                raise ValueError("a snapshot of another task")
        except ValueError:
            with contextlib.suppress(FileNotFoundError):
                path.replace(path.with_suffix(".json.broken"))
            return None
        return snapshot

    async def head(self, task_id: str) -> dict[str, Any] | None:
        return await self._run("reading a snapshot", self._head, task_id)

    def _head(self, task_id: str) -> dict[str, Any] | None:
        """From memory while the file is the one that was read: each snapshot is a file of its own, never changed."""
        try:
            found = self._snapshot_path(task_id).stat()
        except FileNotFoundError:
            self._heads.pop(task_id, None)
            return None
        version = (found.st_ino, found.st_mtime_ns, found.st_size)
        known = self._heads.get(task_id)
        if known is None or known[0] != version:
            snapshot = self._snapshot(task_id)
            if snapshot is None:
                return None
            known = self._heads[task_id] = (version, head_of(snapshot))
        return known[1]

    async def task_ids(self) -> list[str]:
        return await self._run("listing tasks", self._task_ids)

    def _task_ids(self) -> list[str]:
        return [name for name in os.listdir(self._root) if is_task_id(name)]

    async def snapshots(self) -> list[dict[str, Any]]:
        return await self._run("listing tasks", self._snapshots)

    def _snapshots(self) -> list[dict[str, Any]]:
        ids = [name.removesuffix(".json") for name in os.listdir(self._root) if name.endswith(".json")]
        heads = [self._head(task_id) for task_id in ids if is_task_id(task_id)]
        return [head for head in heads if head is not None]

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
                found.append(Control(action, epoch, _text_in(content, "reason")))
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
                node = Node.decode(content)
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


def _node_in(claim: bytes | None) -> str:
    """Who made a claim; one that can't be read counts as held, by nobody known, until the lease time is over."""
    return _text_in(claim, "node") or UNKNOWN_NODE


def _text_in(content: bytes | None, key: str) -> str:
    try:
        found = orjson.loads(content or b"{}")
    except orjson.JSONDecodeError:
        return ""
    text = found.get(key) if isinstance(found, dict) else None
    return text if isinstance(text, str) else ""


def with_checksum(snapshot: bytes) -> bytes:
    """A snapshot's JSON object with one more member at its end: the CRC-32 of all bytes before it."""
    body = snapshot.rstrip()[:-1].rstrip()
    return b'%b,\n  "crc": %d\n}\n' % (body, crc32(body))


def checked(content: bytes) -> dict[str, Any]:
    """:raises ValueError: this is not what `with_checksum` made."""
    match = _CHECKSUM.search(content)
    if match is None or crc32(content[: match.start()]) != int(match[1]):
        raise ValueError("the checksum does not match")
    snapshot: dict[str, Any] = orjson.loads(content)
    del snapshot["crc"]
    return snapshot


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

    @property
    def undecided(self) -> bool:
        return self._reader.undecided

    async def read(self, durable_to: int | None = None) -> list[Record]:
        return await self._store._run("reading a log", self._reader.read, durable_to)

    async def close(self) -> None:
        self._reader.close()
