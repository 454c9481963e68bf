"""The task folder of the file store: what is done in it, call by call. Everything here blocks.

    {task id}.json                       snapshot
    {task id}/{life:04d}.task            birth record, made by link()
    {task id}/{life:04d}-{generation}/{epoch:06d}.claim, {epoch:06d}.jsonl, rendition, control/, artifacts/
    nodes/{node}.json, {node}.lock       heartbeats
    open/{task id}                       tasks that may need an owner; derived, see docs/decisions/004
    removing/{task id}                   tasks that are just being removed
    index/                               a headline of each task, for lists; derived, see docs/decisions/020
    uploads/                             what users have sent for tasks to read, see docs/decisions/031
    untold/                              what receivers have yet to be told, see docs/decisions/030
    ledgers/                             what the tasks of a user keep together, see docs/decisions/038
    people/                              what is kept of users beside their tasks, see docs/decisions/040

Its correctness rests on link(), rename(), one writer per file and fsync; see docs/storage.md.
"""

import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import orjson

from server.errors import LogCorrupt, StoreFailed, TaskNotFound
from server.fingerprint import is_task_id
from server.models import Action, Claim, Control, EventType, Headline, Life, Note, Record, Status, new_generation
from server.stores import probe
from server.stores.artifacts import Artifacts
from server.stores.base import Changes, Room, Sight, last_word
from server.stores.births import Births
from server.stores.checksum import checked, with_checksum
from server.stores.disk import Disk
from server.stores.heartbeats import Heartbeats
from server.stores.index import Index
from server.stores.ledgers import Ledgers
from server.stores.notes import Notes
from server.stores.notices import Notices
from server.stores.people import People
from server.stores.reader import SegmentReader
from server.stores.releases import Releases
from server.stores.removal import Removals
from server.stores.renditions import Renditions
from server.stores.seals import cut_short, seal_before
from server.stores.segments import Segments, SegmentWriter
from server.stores.snapshots import Snapshots
from server.stores.uploads import Uploads
from server.stores.volume import Version, Volume

FOLDERS = ("nodes", "open", "removing", "uploads")
SEGMENTS_KEPT = 512
KNOWN_DURABLE = 10_000
_ENDED = frozenset(status for status in Status if status.terminal)


class TaskFolder:
    """All tasks of a folder. The contract of each method is that of its namesake in `server.stores.base.Store`.

    :raises OSError: what the volume answered, where nothing else is said.
    """

    def __init__(self, root: Path, disk: Disk) -> None:
        self.root = root
        self.volume = Volume(disk)
        self.snapshots = Snapshots(self.volume, root)
        self.heartbeats = Heartbeats(self.volume, root / "nodes")
        self.notices = Notices(self.volume, root / "untold")
        self.ledgers = Ledgers(self.volume, root / "ledgers")
        self.uploads = Uploads(self.volume, root / "uploads")
        self.people = People(self.volume, root / "people")
        self._births = Births(self.volume, root)
        self._removals = Removals(self.volume, root, temporary=(probe.PREFIX,))
        self._segments = lru_cache(maxsize=SEGMENTS_KEPT)(partial(Segments, self.volume))
        self._releases = Releases()
        self._index = Index(self.volume, root / "index", self._headline)
        self._unborn: set[str] = set()
        self._marks: dict[str, Version] = {}
        self._made: dict[str, None] = {}

    def open(self) -> None:
        for name in FOLDERS:
            self.volume.make_folders(self.root / name)
        self.volume.hard_links = probe.hard_links(self.volume, self.root)
        self._index.open()

    def close(self) -> None:
        self.heartbeats.close()
        self._index.close()

    def is_whole(self) -> bool:
        """Whether it is still the folder that was opened, and not the empty place of a volume that is gone."""
        return all(self.volume.disk.exists(self.root / name) for name in FOLDERS)

    def room(self) -> Room:
        return Room(self.volume.disk.total_bytes(self.root), self.volume.disk.free_bytes(self.root))

    def create(self, life: Life) -> tuple[Life, bool] | None:
        """None while the task of this id is being removed. :raises Unfinished: somebody else is just making it.

        What was removed as it was made is made again, as another life: others may have read in the first one.
        """
        self.mark_open(life.task_id)
        made = False
        try:
            made = self._births.make(life)
            if self._removals.under_way(life.task_id):
                return None
            found = self._births.find(life)
            if found is None:
                return self.create(replace(life, generation=new_generation()))
            if found.generation != life.generation:
                return found, False
            if not self._births.is_current(life):
                # It took so long over it that others have passed this number over, or removed it already.
                self._births.make_durable(life)
                later = self._births.all(life.task_id)
                return (later[-1], False) if later else None
            self._births.make_folder(life)
            self._made[life.generation] = None
            _forget_the_oldest(self._made)
        except FileNotFoundError:
            if self._removals.under_way(life.task_id):
                return None  # made under another generation now, it would be taken for somebody else's when asked again
            return self.create(replace(life, generation=new_generation()))
        except OSError as error:
            if made:
                # Others see the record, and may have shown the task, although there was no room for its folder.
                with suppress(OSError):
                    self._births.make_durable(life)
            raise _half_made(error) if made else error from None
        try:
            # Again: a settling owner of an older life may have taken the mark away in between.
            self.mark_open(life.task_id)
        except OSError as error:
            raise _half_made(error) from None
        self._index.tell(Headline.of_life(life))
        return life, True

    def lives(self, task_id: str) -> list[Life]:
        return [] if self._removals.under_way(task_id) else self._births.all(task_id)

    def newest_claim(self, life: Life) -> Claim | None:
        segments = self.segments(life)
        epoch = segments.newest()
        if epoch == 0:
            return None
        last = segments.last_record(epoch)
        # A claim that can't be read is held, by nobody known, until the lease time is over.
        return Claim(epoch, segments.owner(epoch), released=last is not None and last.type == EventType.RELEASE)

    def claim(self, life: Life, epoch: int, node: str) -> SegmentWriter | None:
        segments = self.segments(life)
        if not self._is_there(life):
            return None
        self.mark_open(life.task_id)
        try:
            if life.generation not in self._made or not self.volume.disk.exists(segments.folder):
                self.volume.make_folder(segments.folder)
            if not segments.take(epoch, node):
                return None
            if not self._is_there(life):
                # It is being removed, or was, and another task of this id has its place.
                self.volume.remove_file(segments.claim(epoch))
                return None
        except FileNotFoundError:
            return None
        self.mark_open(life.task_id)
        told, _ = self._told(life)
        seals = seal_before(segments, epoch)
        reached = orjson.loads(seals[-1].data)["seq"] if seals else 0
        if reached < told and not segments.claimed(epoch + 1):
            raise cut_short(told)
        writer = SegmentWriter(segments, epoch)
        try:
            if seals:
                writer.append(seals)
        except BaseException:
            writer.close()
            raise
        return writer

    def reader(self, life: Life, after: int) -> SegmentReader:
        return SegmentReader(self.segments(life), after)

    def read_on(self, life: Life, reader: SegmentReader, durable_to: int | None) -> list[Record]:
        try:
            found = reader.read(durable_to)
        except LogCorrupt:
            if self._is_gone(life):  # removed between two files of its log
                raise TaskNotFound from None
            raise
        if reader.complete and self._told(life)[0] > reader.after:
            reader.complete = False
        if found or durable_to is not None:
            return found
        if self._is_gone(life):
            raise TaskNotFound
        told, by = self._told(life)
        if told > reader.after and not self._is_being_sealed(life, reader, by):
            # Opened anew, as a network file system may have shown an older end of the file that was open.
            reader.close()
            found = reader.read(durable_to)
            if not found and not self._is_being_sealed(life, reader, by):
                raise cut_short(told)
        return found

    def _is_gone(self, life: Life) -> bool:
        return not self.volume.disk.exists(self._births.folder(life)) and not self._births.is_there(life)

    def _told(self, life: Life) -> tuple[int, int]:
        """The last event that the life's snapshot tells of where the life has ended, and the epoch of who saved it.

        All up to that event, and the seals of that epoch, were in the log and durable before it was saved. Of a life
        that goes on it is not asked: in a copy that was made of a running folder the log may be the older one.
        """
        head = self.snapshots.head(life.task_id)
        if head is None or head.get("generation") != life.generation or head.get("status") not in _ENDED:
            return 0, 0
        return int(head.get("seq", 0)), int(head.get("epoch", 0))

    def _is_being_sealed(self, life: Life, reader: SegmentReader, sealed_to: int) -> bool:
        """Whether the reader waits for a seal that need not have been written yet."""
        return reader.undecided and self.segments(life).newest() > sealed_to

    def save_snapshot(self, life: Life, epoch: int, snapshot: bytes, durable: bool, headline: Headline | None) -> None:
        replacement = self.snapshots.replacement(life.task_id, snapshot, durable=durable)
        if self._superseded(life, epoch):
            replacement.discard()
            return
        if headline is not None:
            # Before the snapshot, which comes before its task is no longer open: whoever dies in between leaves a task
            # that somebody will take up, and tell of.
            self._index.tell(headline)
        replacement.commit()
        if self._superseded(life, epoch):
            # Overtaken in between, so that it may stand in the place of a newer one: none is better than an older one.
            self.snapshots.remove(life.task_id)

    def end(self, life: Life) -> dict[str, Any] | None:
        head = self.snapshots.head(life.task_id)
        return last_word(head, life, partial(self._releases.is_last, self.segments(life)))

    def look(self, task_id: str) -> Sight:
        lives = self.lives(task_id)
        return Sight(lives, self.end(lives[-1]) if lives else None)

    def task_ids(self) -> list[str]:
        return [name for name in self.volume.disk.names(self.root) if is_task_id(name)]

    def heads(self, task_ids: Sequence[str]) -> dict[str, dict[str, Any]]:
        heads = {task_id: self._head_or_none(task_id) for task_id in task_ids}
        return {task_id: head for task_id, head in heads.items() if head is not None}

    def _head_or_none(self, task_id: str) -> dict[str, Any] | None:
        """One that can't be read must not hide all others; its task is read from its log."""
        with suppress(OSError):
            return self.snapshots.head(task_id)
        return None

    def changes(self, cursor: object) -> Changes:
        return self._index.changes(cursor, self.open_tasks())

    def in_doubt(self) -> list[str]:
        """The tasks of which the index tells nothing, or what can't be so; those first that seem to be the newest."""
        return sorted(self._index.in_doubt(self.task_ids(), self.open_tasks()), key=self._saved_at, reverse=True)

    def _saved_at(self, task_id: str) -> int:
        """When its snapshot was saved, by some clock: good enough to see which task people will look for first."""
        try:
            return self.volume.disk.version(self.snapshots.path(task_id))[1]
        except OSError:
            return 0

    def look_at(self, task_ids: Sequence[str]) -> None:
        """Put right what the index tells of them."""
        self._index.look_at(task_ids)

    def _headline(self, task_id: str) -> Headline | None:
        try:
            lives = self.lives(task_id)
        except LogCorrupt:
            return None  # its birth record: there is nothing that could be shown of it
        if not lives:
            return None
        try:
            return Headline.of_head(self.snapshots.head(task_id) or {}, lives[-1])
        except (ValueError, KeyError, TypeError):
            return Headline.of_life(lives[-1])

    def put_artifact(self, life: Life, epoch: int, name: str, content: bytes) -> str:
        self._make_whole(life)
        return self.artifacts(life).put(epoch, name, content)

    def ask(self, life: Life, control: Control) -> None:
        self._make_whole(life)
        folder = self._births.folder(life) / "control"
        self.volume.make_folder(folder)
        path = folder / f"{control.epoch:06d}.{control.action}"
        self.volume.link_new(path, with_checksum(orjson.dumps(asdict(control))))

    def asked(self, owned: Sequence[tuple[Life, int]]) -> list[list[Control]]:
        return [self._asked(life, epoch) for life, epoch in owned]

    def _asked(self, life: Life, epoch: int) -> list[Control]:
        folder = self._births.folder(life) / "control"
        names = self.volume.names(folder)  # of most lives nothing was ever asked, and then there is no such folder
        found = []
        for action in Action:
            name = f"{epoch:06d}.{action}"
            content = self.volume.read(folder / name) if name in names else None
            if content is not None:
                found.append(Control(action, epoch, _reason_in(content)))
        return found

    def note(self, life: Life, note: Note) -> None:
        if not self._is_there(life):
            raise TaskNotFound
        self._make_whole(life)
        self._notes(life).keep(note)

    def notes(self, life: Life) -> list[Note]:
        return self._notes(life).read()

    def _notes(self, life: Life) -> Notes:
        return Notes(self.volume, self._births.folder(life) / "control")

    def open_tasks(self) -> list[str]:
        return [name for name in self.volume.disk.names(self.root / "open") if is_task_id(name)]

    def settle(self, life: Life, epoch: int) -> None:
        if self._superseded(life, epoch):
            return
        self.volume.remove_file(self._mark(life.task_id))
        # Looked at after the mark is gone: whoever claims or creates marks before and after it does.
        if self._superseded(life, epoch):
            self.mark_open(life.task_id)

    def remove(self, life: Life, epoch: int) -> bool:
        task_id = life.task_id
        if not self._births.is_there(life) or not self._removals.begin(task_id, self._births.record(life)):
            return False
        try:
            # Looked at after the mark is there: who begins anything now sees it and steps back.
            newest = self.segments(life).newest()
            if not self._births.is_current(life) or newest != epoch:
                return False
            self.snapshots.remove(task_id)  # before the rest: it can be made again from that, and not the other way
            taken = self._removals.take_away(self.root / task_id)
            self.volume.remove_file(self._mark(task_id))
        finally:
            self._removals.end(task_id)
        self._index.tell_gone(task_id, life.generation)
        if self.volume.disk.exists(self.root / task_id):
            self.mark_open(task_id)  # it was made anew in between
        self._removals.finish(taken)
        return True

    def remove_life(self, life: Life) -> None:
        if self._births.is_there(life):
            self._births.remove(life)
        self._removals.finish(self._removals.take_away(self._births.folder(life)))

    def tidy(self) -> None:
        self._removals.tidy()
        self.uploads.tidy()
        # Marks and empty folders of creations that were refused, for lack of room.
        unborn = {name for name in self.open_tasks() if not self._births.any(name)}
        for task_id in unborn & self._unborn:
            self._take_unborn_away(task_id)
        self._unborn = unborn
        self._index.tidy()

    def _take_unborn_away(self, task_id: str) -> None:
        if not self._removals.begin(task_id, self._mark(task_id)):
            return
        taken = None
        try:
            # Looked at again after the mark is there: who makes the task now sees it, and begins anew.
            if not self._births.any(task_id):
                taken = self._removals.take_away(self.root / task_id)
                self.volume.remove_file(self._mark(task_id))
        finally:
            self._removals.end(task_id)
        self._removals.finish(taken)

    def pack(self, life: Life, epoch: int, longer_than: int) -> int:
        saved = self.segments(life).pack(epoch, longer_than)
        if saved:
            self.renditions(life).drop()
        return saved

    def renditions(self, life: Life) -> Renditions:
        return Renditions(self.segments(life), aside=self.root)

    def segments(self, life: Life) -> Segments:
        return self._segments(self._births.folder(life))

    def artifacts(self, life: Life) -> Artifacts:
        return Artifacts(self.segments(life))

    def _mark(self, task_id: str) -> Path:
        return self.root / "open" / task_id

    def mark_open(self, task_id: str) -> None:
        marked = self.volume.touch(self._mark(task_id), self._marks.get(task_id))
        if marked is None:
            self._marks.pop(task_id, None)
        else:
            self._marks[task_id] = marked
        _forget_the_oldest(self._marks)

    def _make_whole(self, life: Life) -> None:
        """Whoever made it may have died before its folder was there."""
        folder = self._births.folder(life)
        if not self.volume.disk.exists(folder) and self._is_there(life):
            self.volume.make_folder(folder)

    def _superseded(self, life: Life, epoch: int) -> bool:
        return self.segments(life).claimed(epoch + 1) or not self._births.is_current(life)

    def _is_there(self, life: Life) -> bool:
        return not self._removals.under_way(life.task_id) and self._births.is_there(life)


def _half_made(error: OSError) -> StoreFailed:
    return StoreFailed(f"The volume failed while a task was made: {os.strerror(error.errno or 0)}. Ask for it again.")


def _forget_the_oldest(known: dict[str, Any]) -> None:
    """Keep what is only to save a sync within bounds."""
    while len(known) > KNOWN_DURABLE:
        known.pop(next(iter(known)), None)


def _reason_in(control: bytes) -> str:
    """A request counts by its name; why it was made is only told."""
    try:
        return str(checked(control).get("reason", ""))
    except ValueError:
        return ""
