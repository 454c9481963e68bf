"""A small volume with one of each file that Holdfast keeps, made by the real code."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from starlette.applications import Starlette

from server.app import Holdfast, create_app
from server.errors import HoldfastError, LogCorrupt
from server.models import Action, Control, EventType, Life, Node, Record, Status
from server.settings import Settings
from server.stores import lines
from server.stores.base import LogWriter
from server.stores.disk import Disk
from server.stores.files import FileStore
from server.stores.segments import Segments
from server.stores.volume import Volume
from server.streaming.hub import Hub
from server.streaming.replay import Replays
from server.streaming.source import TaskSource
from server.streaming.wire import SseWire
from server.tasks.outlook import Outlook
from server.tasks.ownership import Ownership
from tests.making import life, life_folder, output, outputs, step_record

RUNNING, FINISHED, PACKED, REBORN = (f"{number:032x}" for number in (1, 2, 3, 4))
NODE = Node("n1", 7, "http://127.0.0.1:8000", 1, 5, "1.0", {"demo": 1})
PAUSE = Control(Action.PAUSE, 1, "requested")
ARTIFACT, TABLE = "table.csv", b"a,b\n1,2\n"
GENERATION = "aaaaaa"
SHA256_OF_TABLE = hashlib.sha256(TABLE).hexdigest()
LONG_TEXT = "once and again " * 2000
TORN = b'{"seq":99,"at":17'


class Place:
    """The volume as a node finds it that has just started: nothing is known from before."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.store = FileStore(root)

    @cached_property
    def app(self) -> Starlette:
        return create_app(Settings(task_storage_dir=self.root), store=self.store, workflows=[])

    @property
    def outlook(self) -> Outlook:
        node: Holdfast = self.app.state.holdfast
        return node.services.outlook

    async def stream(self, task: Life) -> bytes:
        """The task's events as its reader gets them, from its rendition where that fits."""
        services = self.app.state.services
        now = await self.outlook.outline(task)
        cursor = services.hub.subscribe(task, 0, durable_to=now.ended or 0)
        from_log = TaskSource(cursor, SseWire(), [], lambda: None, partial(self.outlook.state, task))
        source = Replays(self.store, services.hub, least_events=0).source(task, cursor, from_log, now.ended)
        blocks = []
        async with source:
            while (block := await source.next()) is not None:
                blocks.append(block)
        return b"".join(blocks)

    async def read(self, task: Life) -> tuple[list[str], HoldfastError | None, bool]:
        """A log's records as lines, the error at which they end, and whether more may follow."""
        reader = self.store.reader(task)
        found: list[str] = []
        try:
            while batch := await reader.read():
                found += [lines.encode(record).decode() for record in batch]
        except LogCorrupt as error:
            return found, error, False
        finally:
            await reader.close()
        return found, None, reader.undecided


@dataclass(frozen=True)
class Whole:
    """What the undamaged volume says."""

    lives: dict[str, Life]
    logs: dict[str, list[str]]
    stream: bytes
    view: dict[str, Any]
    snapshot: dict[str, Any]


async def make(root: Path) -> Whole:
    """Make the volume."""
    place = Place(root)
    store = place.store
    await store.open()
    await store.beat(NODE)
    lives = {}
    for task_id in (RUNNING, FINISHED, PACKED, REBORN):
        lives[task_id], _ = await store.create(
            life(task_id, title="Why is the sky blue?", params={"events": 3}, generation=GENERATION)
        )
    lives[REBORN], _ = await store.create(life(REBORN, 2, fresh="again"))
    await _run_on(store, root, lives[RUNNING])
    await _finish(store, root, lives[FINISHED])
    await Replays(store, Hub(store)).make(lives[FINISHED])
    await _pack(store, root, lives[PACKED])
    logs = {task_id: (await place.read(lives[task_id]))[0] for task_id in lives}
    snapshot = await store.snapshot(FINISHED)
    if snapshot is None:
        raise LookupError("no snapshot was made")
    view = await place.outlook.view(lives[FINISHED])
    stream = await place.stream(lives[FINISHED])
    await store.close()
    return Whole(lives, logs, stream, view, snapshot)


async def _claimed(store: FileStore, task: Life, epoch: int) -> LogWriter:
    writer = await store.claim(task, epoch, "n1")
    if writer is None:
        raise LookupError(f"epoch {epoch} is taken")
    return writer


async def _die(store: FileStore, root: Path, task: Life, epoch: int, records: Sequence[Record]) -> None:
    """An owner that writes these records and dies over the next one."""
    writer = await _claimed(store, task, epoch)
    await writer.append(records)
    await writer.close()
    with (life_folder(root, task.task_id) / f"{epoch:06d}.jsonl").open("ab") as log:
        log.write(TORN)


async def _run_on(store: FileStore, root: Path, task: Life) -> None:
    await _die(store, root, task, 1, [*outputs(1, 3), step_record("s", result={"n": 1})])
    writer = await _claimed(store, task, 2)
    await writer.append(outputs(4, 7))
    await writer.close()


async def _finish(store: FileStore, root: Path, task: Life) -> None:
    await _die(store, root, task, 1, outputs(1, 3))
    await store.ask(task, PAUSE)
    await store.put_artifact(task, 1, ARTIFACT, TABLE)
    await _end(store, task, 2)


async def _end(store: FileStore, task: Life, epoch: int) -> None:
    owned = Ownership(task, await _claimed(store, task, epoch), "n1", store, lambda _: None, lambda: True)
    await owned.read_log()
    owned.log.put(EventType.OUTPUT, {"part": "p", "text": "the end"}, "s")
    told = {"name": ARTIFACT, "media_type": "text/csv", "size": len(TABLE), "sha256": SHA256_OF_TABLE, "url": ""}
    owned.log.put(EventType.ARTIFACT, told, "s")
    owned.log.put(EventType.RESULT, {"answer": 42})
    owned.put_end(Status.COMPLETED, "n1", "completed")
    await owned.log.write_out()
    await owned.settle()
    await owned.close()


async def _pack(store: FileStore, root: Path, task: Life) -> None:
    await _die(store, root, task, 1, [output(seq, LONG_TEXT) for seq in range(1, 21)])
    await _end(store, task, 2)
    Segments(Volume(Disk()), life_folder(root, task.task_id)).pack(2, 0)
