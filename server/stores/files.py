"""The default store: a folder on a volume that all containers may share, its blocking calls in threads.

What is done in the folder stands in `server.stores.folder`.
"""

from collections.abc import AsyncIterable, Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import anyio
from anyio import to_thread

from server.errors import HoldfastError, StoreFailed
from server.models import Claim, Control, Headline, Json, Life, Node, Note, Notice, Personal, Record, Upload
from server.stores import probe
from server.stores.base import Changes, Finding, Room, Sight
from server.stores.births import Unfinished
from server.stores.disk import Disk
from server.stores.folder import TaskFolder
from server.stores.reader import SegmentReader
from server.stores.renditions import OpenRendition
from server.stores.segments import SegmentWriter
from server.stores.threads import Threads
from server.stores.volume import store_error

DISK_THREADS = 32
BEATING, LOOKING = "writing a heartbeat", "reading heartbeats"
KEEPING, RECEIVING = "keeping a rendition", "keeping an upload"
PATIENCE_SECONDS = 5.0
"""How long whoever makes a task waits for somebody who is just removing it, or making it too."""
PATIENCE_POLL_SECONDS = 0.01
PACK_ABOVE_BYTES = 256 * 1024
LOOKED_AT_ONCE = 100
TIDIES_PER_LOOK = 60

T = TypeVar("T")


class FileStore:
    """See the module; the contract is `server.stores.base.Store`."""

    def __init__(self, root: Path, disk: Disk | None = None, patience_seconds: float = PATIENCE_SECONDS) -> None:
        self._folder = TaskFolder(root.absolute(), disk or Disk())
        self._patience_seconds = patience_seconds
        self._in_doubt: list[str] | None = None
        self._tidied = 0

    async def open(self) -> None:
        self._threads = Threads(DISK_THREADS)
        # A heartbeat must not stand in line behind a thousand readers.
        self._own_threads = {doing: Threads(1) for doing in (BEATING, LOOKING)}
        try:
            await to_thread.run_sync(self._folder.open)
        except OSError as error:
            raise StoreFailed(
                f"The task folder {self._folder.root} can't be used: {error.strerror}. "
                "Set TASK_STORAGE_DIR to a folder that this user can read and write."
            ) from None

    async def close(self) -> None:
        self._folder.close()
        for threads in (self._threads, *self._own_threads.values()):
            threads.close()

    async def check(self) -> list[Finding]:
        return await to_thread.run_sync(probe.findings, self._folder.volume, self._folder.root)

    async def create(self, life: Life) -> tuple[Life, bool]:
        give_up = anyio.current_time() + self._patience_seconds
        while True:
            unfinished = False
            try:
                if (made := await self._run("creating a task", self._folder.create, life)) is not None:
                    return made
            except Unfinished:
                unfinished = True
            if anyio.current_time() >= give_up:
                break
            await anyio.sleep(PATIENCE_POLL_SECONDS)
        if unfinished:  # whoever made it has died over it
            return await self.create(replace(life, number=life.number + 1))
        raise StoreFailed("This task is just being removed; ask again in a moment.")

    async def lives(self, task_id: str) -> list[Life]:
        return await self._run("reading a task", self._folder.lives, task_id)

    async def latest(self, task_id: str) -> Life | None:
        found = await self.lives(task_id)
        return found[-1] if found else None

    async def newest_claim(self, life: Life) -> Claim | None:
        return await self._run("reading a claim", self._folder.newest_claim, life)

    async def claim(self, life: Life, epoch: int, node: str) -> "FileLogWriter | None":
        writer = await self._run("claiming a task", self._folder.claim, life, epoch, node)
        return FileLogWriter(self, writer) if writer else None

    def reader(self, life: Life, after: int = 0) -> "FileLogReader":
        return FileLogReader(self, life, self._folder.reader(life, after))

    async def save_snapshot(
        self, life: Life, epoch: int, snapshot: bytes, *, durable: bool, headline: Headline | None = None
    ) -> None:
        await self._run("saving a snapshot", self._folder.save_snapshot, life, epoch, snapshot, durable, headline)

    async def snapshot(self, task_id: str) -> dict[str, Any] | None:
        return await self._run("reading a snapshot", self._folder.snapshots.read, task_id)

    async def head(self, task_id: str) -> dict[str, Any] | None:
        return await self._run("reading a snapshot", self._folder.snapshots.head, task_id)

    async def end(self, life: Life) -> dict[str, Any] | None:
        return await self._run("reading a snapshot", self._folder.end, life)

    async def look(self, task_id: str) -> Sight:
        return await self._run("reading a task", self._folder.look, task_id)

    async def task_ids(self) -> list[str]:
        return await self._run("listing tasks", self._folder.task_ids)

    async def heads(self, task_ids: Sequence[str]) -> dict[str, dict[str, Any]]:
        return await self._run("reading snapshots", self._folder.heads, task_ids)

    async def changes(self, cursor: object = None) -> Changes:
        return await self._run("looking for changes", self._folder.changes, cursor)

    async def make_headlines(self) -> bool:
        if self._in_doubt is None:
            self._in_doubt = await self._run("looking through the tasks", self._folder.in_doubt)
        some, self._in_doubt = self._in_doubt[:LOOKED_AT_ONCE], self._in_doubt[LOOKED_AT_ONCE:]
        await self._run("looking through the tasks", self._folder.look_at, some)
        return not self._in_doubt

    async def put_artifact(self, life: Life, epoch: int, name: str, content: bytes) -> str:
        return await self._run("keeping an artifact", self._folder.put_artifact, life, epoch, name, content)

    async def artifact(self, life: Life, name: str, sha256: str) -> bytes | None:
        return await self._run("reading an artifact", self._folder.artifacts(life).get, name, sha256)

    async def keep_upload(
        self, scope: str, name: str, media_type: str, pieces: AsyncIterable[bytes]
    ) -> tuple[Upload, bool]:
        writer = self._folder.uploads.writer(scope, name, media_type)
        try:
            async for piece in pieces:
                await self._run(RECEIVING, writer.write, piece)
            return await self._run(RECEIVING, writer.commit)
        finally:
            with anyio.CancelScope(shield=True):
                await self._run(RECEIVING, writer.discard)

    async def upload(self, scope: str, upload_id: str) -> Upload | None:
        return await self._run("looking for an upload", self._folder.uploads.find, scope, upload_id)

    async def upload_content(self, scope: str, upload_id: str) -> bytes | None:
        return await self._run("reading an upload", self._folder.uploads.read, scope, upload_id)

    async def drop_uploads(self, put_before: int) -> int:
        return await self._run("removing uploads", self._folder.uploads.drop, put_before)

    async def ask(self, life: Life, control: Control) -> None:
        await self._run("leaving a request", self._folder.ask, life, control)

    async def asked(self, owned: Sequence[tuple[Life, int]]) -> list[list[Control]]:
        return await self._run("reading requests", self._folder.asked, owned)

    async def note(self, life: Life, note: Note) -> None:
        await self._run("keeping a note", self._folder.note, life, note)

    async def notes(self, life: Life) -> list[Note]:
        return await self._run("reading notes", self._folder.notes, life)

    async def open_tasks(self) -> list[str]:
        return await self._run("looking for tasks", self._folder.open_tasks)

    async def reopen(self, task_id: str) -> None:
        await self._run("marking a task", self._folder.mark_open, task_id)

    async def settle(self, life: Life, epoch: int) -> None:
        await self._run("settling a task", self._folder.settle, life, epoch)

    async def keep_notice(self, notice: Notice) -> None:
        await self._run("keeping a notice", self._folder.notices.keep, notice)

    async def notices(self) -> list[Notice]:
        return await self._run("reading notices", self._folder.notices.all)

    async def drop_notice(self, notice: Notice) -> None:
        await self._run("dropping a notice", self._folder.notices.drop, notice)

    async def enter(self, ledger: str, number: int, content: Json) -> bool:
        return await self._run("writing in a ledger", self._folder.ledgers.enter, ledger, number, content)

    async def entries(self, ledger: str, after: int = 0) -> list[Json]:
        return await self._run("reading a ledger", self._folder.ledgers.entries, ledger, after)

    async def blank(self, ledger: str, below: int) -> None:
        await self._run("blanking a ledger", self._folder.ledgers.blank, ledger, below)

    async def personal(self, scope: str) -> Personal:
        return await self._run("reading what is kept of a user", self._folder.people.newest, scope)

    async def keep_personal(self, scope: str, kept: Personal) -> bool:
        return await self._run("keeping something of a user", self._folder.people.keep, scope, kept)

    async def room(self) -> Room | None:
        return await self._run("looking for room", self._folder.room)

    async def beat(self, node: Node) -> None:
        await self._run(BEATING, self._folder.heartbeats.beat, node)

    async def nodes(self) -> list[Node]:
        return await self._run(LOOKING, self._folder.heartbeats.all)

    async def leave(self, node: str) -> None:
        await self._run("leaving", self._folder.heartbeats.leave, node)

    async def remove(self, life: Life, epoch: int) -> bool:
        return await self._run("removing a task", self._folder.remove, life, epoch)

    async def remove_life(self, life: Life) -> None:
        await self._run("removing a life", self._folder.remove_life, life)

    async def pack(self, life: Life, epoch: int) -> int:
        return await self._run("packing a log", self._folder.pack, life, epoch, PACK_ABOVE_BYTES)

    async def rendition(self, life: Life) -> "FileRendition | None":
        opened = await self._run("opening a rendition", self._folder.renditions(life).open)
        return FileRendition(self, opened) if opened else None

    async def keep_rendition(self, life: Life, pieces: AsyncIterable[bytes]) -> bool:
        writer = await self._run(KEEPING, self._folder.renditions(life).begin)
        if writer is None:
            return False
        try:
            async for piece in pieces:
                await self._run(KEEPING, writer.write, piece)
            return await self._run(KEEPING, writer.commit)
        finally:
            with anyio.CancelScope(shield=True):
                await self._run(KEEPING, writer.discard)

    async def tidy(self) -> None:
        await self._run("tidying up", self._folder.tidy)
        self._tidied += 1
        if self._tidied % TIDIES_PER_LOOK == 0:
            self._in_doubt = None
            while not await self.make_headlines():
                pass

    async def _run(self, doing: str, blocking: Callable[..., T], *args: object) -> T:
        def run() -> T:
            try:
                return blocking(*args)
            except FileNotFoundError as error:
                raise self._missing(error, doing) from error
            except OSError as error:
                raise store_error(error, doing) from error

        return await self._own_threads.get(doing, self._threads).run(run)

    def _missing(self, error: OSError, doing: str) -> HoldfastError:
        """Folders are not made again by themselves: where a volume is not mounted, what is written would be lost."""
        if self._folder.is_whole():
            return store_error(error, doing)
        return StoreFailed(
            f"{self._folder.root} is not the folder that this server started with: it was emptied, or its volume is no "
            "longer mounted. Mount it again, or start the server again."
        )


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

    @property
    def complete(self) -> bool:
        return self._reader.complete

    async def read(self, durable_to: int | None = None) -> list[Record]:
        return await self._store._run(
            "reading a log", self._store._folder.read_on, self._life, self._reader, durable_to
        )

    async def close(self) -> None:
        self._reader.close()


class FileRendition:
    """An open rendition, its blocking calls run in a thread."""

    def __init__(self, store: FileStore, opened: OpenRendition) -> None:
        self._store, self._opened = store, opened
        self.size = opened.size

    async def read(self, offset: int, size: int) -> bytes | None:
        return await self._store._run("reading a rendition", self._opened.read, offset, size)

    async def close(self) -> None:
        self._opened.close()
