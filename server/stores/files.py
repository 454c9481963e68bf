"""The default store: a folder on a volume that all containers may share.

    {task id}.json                       snapshot
    {task id}/{life:04d}.task            birth record, made by link()
    {task id}/{life:04d}-{generation}/{epoch:06d}.claim, {epoch:06d}.jsonl, control/, artifacts/
    nodes/{node}.json, {node}.lock       heartbeats
    open/{task id}                       tasks that may need an owner; derived, see docs/decisions/004
    removing/{task id}                   tasks that are just being removed

Its correctness rests on link(), rename(), one writer per file and fsync; see docs/storage.md.
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, TypeVar

import anyio
import orjson
from anyio import to_thread

from server.errors import HoldfastError, StoreFailed, TaskNotFound
from server.fingerprint import is_task_id
from server.models import Action, Claim, Control, EventType, Life, Node, Record, new_generation
from server.stores import probe
from server.stores.artifacts import Artifacts
from server.stores.base import Finding
from server.stores.births import Births, Unfinished
from server.stores.checksum import checked, with_checksum
from server.stores.disk import Disk
from server.stores.heartbeats import Heartbeats
from server.stores.reader import SegmentReader
from server.stores.removal import Removals
from server.stores.seals import cut_short, seal_before
from server.stores.segments import Segments, SegmentWriter
from server.stores.snapshots import Snapshots
from server.stores.volume import Volume, store_error

DISK_THREADS = 32
BEATING, LOOKING = "writing a heartbeat", "reading heartbeats"
FOLDERS = ("nodes", "open", "removing")
PATIENCE_SECONDS = 5.0
"""How long whoever makes a task waits for somebody who is just removing it, or making it too."""
PATIENCE_POLL_SECONDS = 0.01
PACK_ABOVE_BYTES = 256 * 1024

T = TypeVar("T")


class FileStore:
    """See the module; the contract is `server.stores.base.Store`."""

    def __init__(self, root: Path, disk: Disk | None = None, patience_seconds: float = PATIENCE_SECONDS) -> None:
        self._root, self._patience_seconds = root.absolute(), patience_seconds
        self._volume = Volume(disk or Disk())
        self._snapshots = Snapshots(self._volume, self._root)
        self._heartbeats = Heartbeats(self._volume, self._root / "nodes")
        self._births = Births(self._volume, self._root)
        self._unborn: set[str] = set()
        self._removals = Removals(self._volume, self._root, temporary=(probe.PREFIX,))

    # The blocking half of each method stands below it, so that one reads as one.

    async def open(self) -> None:
        self._limiter = anyio.CapacityLimiter(DISK_THREADS)
        # A heartbeat must not stand in line behind a thousand readers.
        self._own_limiters = {doing: anyio.CapacityLimiter(1) for doing in (BEATING, LOOKING)}
        try:
            await to_thread.run_sync(self._open)
        except OSError as error:
            raise StoreFailed(
                f"The task folder {self._root} can't be used: {error.strerror}. "
                "Set TASK_STORAGE_DIR to a folder that this user can read and write."
            ) from None

    def _open(self) -> None:
        for name in FOLDERS:
            self._volume.make_folders(self._root / name)
        self._volume.hard_links = probe.hard_links(self._volume, self._root)

    async def close(self) -> None:
        self._heartbeats.close()

    async def check(self) -> list[Finding]:
        return await to_thread.run_sync(probe.findings, self._volume, self._root)

    async def create(self, life: Life) -> tuple[Life, bool]:
        give_up = anyio.current_time() + self._patience_seconds
        while True:
            unfinished = False
            try:
                if (made := await self._run("creating a task", self._create, life)) is not None:
                    return made
            except Unfinished:
                unfinished = True
            if anyio.current_time() >= give_up:
                break
            await anyio.sleep(PATIENCE_POLL_SECONDS)
        if unfinished:  # whoever made it has died over it
            return await self.create(replace(life, number=life.number + 1))
        raise StoreFailed("This task is just being removed; ask again in a moment.")

    def _create(self, life: Life) -> tuple[Life, bool] | None:
        """None while the task of this id is being removed. :raises Unfinished: somebody else is just making it.

        What was removed as it was made is made again, as another life: others may have read in the first one.
        """
        self._mark_open(life.task_id)
        made = False
        try:
            made = self._births.make(life)
            if self._removals.under_way(life.task_id):
                return None
            found = self._births.find(life)
            if found is None:
                return self._create(replace(life, generation=new_generation()))
            if found.generation != life.generation:
                return found, False
            if not self._births.is_current(life):
                # It took so long over it that others have passed this number over, or removed it already.
                later = self._births.all(life.task_id)
                return (later[-1], False) if later else None
            self._volume.make_folder(self._births.folder(life))
        except FileNotFoundError:
            return self._create(replace(life, generation=new_generation()))
        except OSError as error:
            raise _half_made(error) if made else error from None
        try:
            # Again: a settling owner of an older life may have taken the mark away in between.
            self._mark_open(life.task_id)
        except OSError as error:
            raise _half_made(error) from None
        return life, True

    async def lives(self, task_id: str) -> list[Life]:
        return await self._run("reading a task", self._lives, task_id)

    def _lives(self, task_id: str) -> list[Life]:
        return [] if self._removals.under_way(task_id) else self._births.all(task_id)

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
        last = segments.last_record(epoch)
        # A claim that can't be read is held, by nobody known, until the lease time is over.
        return Claim(epoch, segments.owner(epoch), released=last is not None and last.type == EventType.RELEASE)

    async def claim(self, life: Life, epoch: int, node: str) -> "FileLogWriter | None":
        writer = await self._run("claiming a task", self._claim, life, epoch, node)
        return FileLogWriter(self, writer) if writer else None

    def _claim(self, life: Life, epoch: int, node: str) -> SegmentWriter | None:
        segments = self._segments(life)
        if not self._is_there(life):
            return None
        self._mark_open(life.task_id)
        try:
            self._volume.make_folder(segments.folder)
            if not segments.take(epoch, node):
                return None
            if not self._is_there(life):
                # It is being removed, or was, and another task of this id has its place.
                self._volume.remove_file(segments.claim(epoch))
                return None
        except FileNotFoundError:
            return None
        self._mark_open(life.task_id)
        told, _ = self._told(life)
        seals = seal_before(segments, epoch)
        if seals and orjson.loads(seals[-1].data)["seq"] < told and not segments.claimed(epoch + 1):
            raise cut_short(told)
        writer = SegmentWriter(segments, epoch)
        try:
            if seals:
                writer.append(seals)
        except BaseException:
            writer.close()
            raise
        return writer

    def reader(self, life: Life, after: int = 0) -> "FileLogReader":
        return FileLogReader(self, life, SegmentReader(self._segments(life), after))

    def _read_on(self, life: Life, reader: SegmentReader, durable_to: int | None) -> list[Record]:
        found = reader.read(durable_to)
        if found or durable_to is not None:
            return found
        if not self._volume.disk.exists(self._births.folder(life)) and not self._births.is_there(life):
            raise TaskNotFound
        told, by = self._told(life)
        if told > reader.after and not self._is_being_sealed(life, reader, by):
            # Opened anew, as a network file system may have shown an older end of the file that was open.
            reader.close()
            found = reader.read(durable_to)
            if not found and not self._is_being_sealed(life, reader, by):
                raise cut_short(told)
        return found

    def _told(self, life: Life) -> tuple[int, int]:
        """The last event that the life's snapshot tells of, and the epoch of the owner that has saved it.

        All up to that event, and the seals of that epoch, were in the log and durable before it was saved.
        """
        head = self._snapshots.head(life.task_id)
        if head is None or head.get("generation") != life.generation:
            return 0, 0
        return int(head.get("seq", 0)), int(head.get("epoch", 0))

    def _is_being_sealed(self, life: Life, reader: SegmentReader, sealed_to: int) -> bool:
        """Whether the reader waits for a seal that need not have been written yet."""
        return reader.undecided and self._segments(life).newest() > sealed_to

    async def save_snapshot(self, life: Life, epoch: int, snapshot: bytes, *, durable: bool) -> None:
        await self._run("saving a snapshot", self._save_snapshot, life, epoch, snapshot, durable)

    def _save_snapshot(self, life: Life, epoch: int, snapshot: bytes, durable: bool) -> None:
        replacement = self._snapshots.replacement(life.task_id, snapshot, durable=durable)
        if self._superseded(life, epoch):
            replacement.discard()
            return
        replacement.commit()
        if self._superseded(life, epoch):
            # Overtaken in between, so that it may stand in the place of a newer one: none is better than an older one.
            self._snapshots.remove(life.task_id)

    async def snapshot(self, task_id: str) -> dict[str, Any] | None:
        return await self._run("reading a snapshot", self._snapshots.read, task_id)

    async def head(self, task_id: str) -> dict[str, Any] | None:
        return await self._run("reading a snapshot", self._snapshots.head, task_id)

    async def task_ids(self) -> list[str]:
        return await self._run("listing tasks", self._task_ids)

    def _task_ids(self) -> list[str]:
        return [name for name in self._volume.disk.names(self._root) if is_task_id(name)]

    async def snapshots(self) -> list[dict[str, Any]]:
        return await self._run("listing tasks", self._snapshots.heads)

    async def put_artifact(self, life: Life, epoch: int, name: str, content: bytes) -> str:
        return await self._run("keeping an artifact", self._artifacts(life).put, epoch, name, content)

    async def artifact(self, life: Life, name: str, sha256: str) -> bytes | None:
        return await self._run("reading an artifact", self._artifacts(life).get, name, sha256)

    async def ask(self, life: Life, control: Control) -> None:
        await self._run("leaving a request", self._ask, life, control)

    def _ask(self, life: Life, control: Control) -> None:
        folder = self._births.folder(life) / "control"
        self._volume.make_folder(folder)
        path = folder / f"{control.epoch:06d}.{control.action}"
        self._volume.link_new(path, with_checksum(orjson.dumps(asdict(control))))

    async def asked(self, life: Life, epoch: int) -> list[Control]:
        return await self._run("reading requests", self._asked, life, epoch)

    def _asked(self, life: Life, epoch: int) -> list[Control]:
        folder = self._births.folder(life) / "control"
        found = []
        for action in Action:
            content = self._volume.read(folder / f"{epoch:06d}.{action}")
            if content is not None:
                found.append(Control(action, epoch, _reason_in(content)))
        return found

    async def open_tasks(self) -> list[str]:
        return await self._run("looking for tasks", self._open_tasks)

    def _open_tasks(self) -> list[str]:
        return [name for name in self._volume.disk.names(self._root / "open") if is_task_id(name)]

    async def reopen(self, task_id: str) -> None:
        await self._run("marking a task", self._mark_open, task_id)

    async def settle(self, life: Life, epoch: int) -> None:
        await self._run("settling a task", self._settle, life, epoch)

    def _settle(self, life: Life, epoch: int) -> None:
        if self._superseded(life, epoch):
            return
        self._volume.remove_file(self._mark(life.task_id))
        # Looked at after the mark is gone: whoever claims or creates marks before and after it does.
        if self._superseded(life, epoch):
            self._mark_open(life.task_id)

    async def beat(self, node: Node) -> None:
        await self._run(BEATING, self._heartbeats.beat, node)

    async def nodes(self) -> list[Node]:
        return await self._run(LOOKING, self._heartbeats.all)

    async def leave(self, node: str) -> None:
        await self._run("leaving", self._heartbeats.leave, node)

    async def remove(self, life: Life, epoch: int) -> bool:
        return await self._run("removing a task", self._remove, life, epoch)

    def _remove(self, life: Life, epoch: int) -> bool:
        task_id = life.task_id
        if not self._births.is_there(life) or not self._removals.begin(task_id, self._births.record(life)):
            return False
        try:
            # Looked at after the mark is there: who begins anything now sees it and steps back.
            newest = self._segments(life).newest()
            if not self._births.is_current(life) or newest != epoch:
                return False
            self._snapshots.remove(task_id)  # before the rest: it can be made again from that, and not the other way
            taken = self._removals.take_away(self._root / task_id)
            self._volume.remove_file(self._mark(task_id))
        finally:
            self._removals.end(task_id)
        if self._volume.disk.exists(self._root / task_id):
            self._mark_open(task_id)  # it was made anew in between
        self._removals.finish(taken)
        return True

    async def remove_life(self, life: Life) -> None:
        await self._run("removing a life", self._remove_life, life)

    def _remove_life(self, life: Life) -> None:
        self._births.remove(life)
        self._removals.finish(self._removals.take_away(self._births.folder(life)))

    async def pack(self, life: Life, epoch: int) -> int:
        return await self._run("packing a log", self._segments(life).pack, epoch, PACK_ABOVE_BYTES)

    async def tidy(self) -> None:
        await self._run("tidying up", self._tidy)

    def _tidy(self) -> None:
        self._removals.tidy()
        # Marks and empty folders of creations that were refused, for lack of room.
        unborn = {name for name in self._open_tasks() if not self._births.any(name)}
        for task_id in unborn & self._unborn:
            self._take_unborn_away(task_id)
        self._unborn = unborn

    def _take_unborn_away(self, task_id: str) -> None:
        if not self._removals.begin(task_id, self._mark(task_id)):
            return
        taken = None
        try:
            # Looked at again after the mark is there: who makes the task now sees it, and begins anew.
            if not self._births.any(task_id):
                taken = self._removals.take_away(self._root / task_id)
                self._volume.remove_file(self._mark(task_id))
        finally:
            self._removals.end(task_id)
        self._removals.finish(taken)

    async def _run(self, doing: str, blocking: Callable[..., T], *args: object) -> T:
        def run() -> T:
            try:
                return blocking(*args)
            except FileNotFoundError as error:
                raise self._missing(error, doing) from error
            except OSError as error:
                raise store_error(error, doing) from error

        return await to_thread.run_sync(run, limiter=self._own_limiters.get(doing, self._limiter))

    def _segments(self, life: Life) -> Segments:
        return Segments(self._volume, self._births.folder(life))

    def _artifacts(self, life: Life) -> Artifacts:
        return Artifacts(self._segments(life))

    def _mark(self, task_id: str) -> Path:
        return self._root / "open" / task_id

    def _mark_open(self, task_id: str) -> None:
        self._volume.touch(self._mark(task_id))

    def _missing(self, error: OSError, doing: str) -> HoldfastError:
        """Folders are not made again by themselves: where a volume is not mounted, what is written would be lost."""
        if all(self._volume.disk.exists(self._root / name) for name in FOLDERS):
            return store_error(error, doing)
        return StoreFailed(
            f"{self._root} is not the folder that this server started with: it was emptied, or its volume is no longer "
            "mounted. Mount it again, or start the server again."
        )

    def _superseded(self, life: Life, epoch: int) -> bool:
        return self._segments(life).claimed(epoch + 1) or not self._births.is_current(life)

    def _is_there(self, life: Life) -> bool:
        return not self._removals.under_way(life.task_id) and self._births.is_there(life)


def _half_made(error: OSError) -> StoreFailed:
    return StoreFailed(f"The volume failed while a task was made: {os.strerror(error.errno or 0)}. Ask for it again.")


def _reason_in(control: bytes) -> str:
    """A request counts by its name; why it was made is only told."""
    try:
        return str(checked(control).get("reason", ""))
    except ValueError:
        return ""


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

    def __init__(self, store: FileStore, life: Life, reader: SegmentReader) -> None:
        self._store, self._life, self._reader = store, life, reader

    @property
    def undecided(self) -> bool:
        return self._reader.undecided

    async def read(self, durable_to: int | None = None) -> list[Record]:
        return await self._store._run("reading a log", self._store._read_on, self._life, self._reader, durable_to)

    async def close(self) -> None:
        self._reader.close()
