"""The index of the file store: the headline of every task, so that lists need not read a file for each.

    index/{writer}.jsonl    what one process has told of tasks, appended only
    index/{writer}.closed   the same, when nothing more is to come: to be taken away
    index/base.jsonl        the headlines of all tasks as of some moment

A line is the CRC-32 of its JSON, in eight hexadecimal digits, and a JSON array of rows: a headline's members in their
order, or the id and the generation of a task that was removed. Each process appends to a file of its own and reads
those of all others on from where it was; what it reads may come in any order, see `server.stores.headlines`.

Nothing rests on it. It is not synced, and any of it may be lost or damaged, or deleted by a person: what stands in the
task folders is the truth, and what is in doubt is looked at there.
"""

import contextlib
import logging
import os
import secrets
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from threading import Lock
from typing import Any
from zlib import crc32

import orjson

from server.models import Headline, Status
from server.stores.base import Changes
from server.stores.headlines import Headlines
from server.stores.volume import ASIDE_SUFFIX, Version, Volume

BASE = "base.jsonl"
OPEN, CLOSED = ".jsonl", ".closed"
ROWS_PER_LINE = 200
PIECE_BYTES = 1 << 20
LEAST_BYTES_TO_FOLD = 1 << 20
"""The files beside the base are folded into it when they are this large, and half as large as the base."""

MOST_FILES = 100
"""Each is looked at with every look, so that as many are folded however short they are."""

MOST_UNTOLD = 10_000

Row = Sequence[Any]

logger = logging.getLogger(__name__)


class Index:
    """``look`` finds out how a task is; None where it can't be shown. Its methods block, and wait for each other."""

    def __init__(self, volume: Volume, folder: Path, look: Callable[[str], Headline | None]) -> None:
        self._volume, self._folder, self._look = volume, folder, look
        self._headlines = Headlines()
        self._guard = Lock()
        self._own: tuple[str, int] | None = None
        self._written = 0
        self._untold: list[Row] = []
        self._read_to: dict[str, int] = {}
        self._base: Version | None = None
        self._seen_closed: set[str] = set()

    def open(self) -> None:
        with contextlib.suppress(OSError):  # a volume without room for it serves what is there
            self._make_folder()

    def _make_folder(self) -> None:
        if not self._volume.disk.exists(self._folder):
            self._volume.make_folder(self._folder)

    def tell(self, headline: Headline) -> None:
        """What is now known of a task by who owns it, or has begun it. What can't be written is told later."""
        with self._guard:
            taken = self._headlines.put(headline)
            if taken is None:
                self._headlines.set(headline)
            if taken is not False:
                self._write(headline)

    def tell_gone(self, task_id: str, generation: str) -> None:
        """The task was removed while this was its current life."""
        with self._guard:
            self._headlines.drop(task_id, generation)
            self._write((task_id, generation))

    def changes(self, cursor: object, open_ids: Iterable[str]) -> Changes:
        """See `server.stores.base.Store.changes`. What is open and was told by nobody is looked at."""
        with self._guard:
            self._read()
            for task_id in open_ids:
                if task_id not in self._headlines:
                    self._settle(task_id)
            self._write()
            return self._headlines.since(cursor)

    def in_doubt(self, task_ids: Iterable[str], open_ids: Iterable[str]) -> list[str]:
        """Which tasks have to be looked at, of those that there are and those that are known.

        One that is known and was not there is looked at as well, and not dropped: it may have begun just after.
        """
        there, opened = set(task_ids), set(open_ids)
        with self._guard:
            self._read()
            waiting = (Status.PENDING, Status.RUNNING)
            unlikely = {each.task_id for each in self._headlines if each.status in waiting} - opened
            return [*((there ^ self._headlines.ids) | unlikely)]

    def look_at(self, task_ids: Iterable[str]) -> None:
        """See how these tasks are, and tell the others."""
        with self._guard:
            for task_id in task_ids:
                self._settle(task_id)
            self._write()

    def _settle(self, task_id: str) -> None:
        try:
            found = self._look(task_id)
        except OSError:
            return  # one that can't be read must not hide all others
        if found is None:
            self._headlines.drop(task_id)
        elif self._headlines.put(found) is not False:
            self._headlines.set(found)
            self._untold.append(found)

    def tidy(self) -> None:
        """Fold what has been told since into the base, when that is much, and take away what the base has.

        A file is closed by giving it another name, which its writer sees before it writes again, and is taken away a
        round later: by then its writer has written whatever it was about to, and others have read it.
        """
        with self._guard:
            self._make_folder()
            self._write()
            self._read()
            names = self._volume.names(self._folder)
            closed = {name for name in names if name.endswith((CLOSED, ASIDE_SUFFIX))}
            old = closed & self._seen_closed
            self._seen_closed = closed
            appended = [name for name in names if name.endswith(OPEN) and name != BASE]
            much = len(appended) >= MOST_FILES or sum(self._size(name) for name in appended) >= max(
                LEAST_BYTES_TO_FOLD, self._size(BASE) // 2
            )
            if BASE in names and not old and not much:
                return
            self._save_base()
            for name in old:
                self._volume.remove_file(self._folder / name)
            if much:
                self._close(appended)

    def close(self) -> None:
        """Give the handle back, unless somebody is just at it: this is called by who can't wait."""
        if self._guard.acquire(blocking=False):
            try:
                self._leave_own()
            finally:
                self._guard.release()

    def _save_base(self) -> None:
        lines = _lines(list(self._headlines))
        self._volume.replacement(self._folder / BASE, lines, durable=False).commit()
        self._base = self._volume.disk.version(self._folder / BASE)

    def _close(self, names: Iterable[str]) -> None:
        self._leave_own()
        for name in names:
            path = self._folder / name
            try:
                self._volume.disk.rename(path, path.with_suffix(CLOSED))
            except FileNotFoundError:
                continue  # another node has done it

    def _size(self, name: str) -> int:
        try:
            return self._volume.disk.version(self._folder / name)[2]
        except FileNotFoundError:
            return 0

    def _write(self, row: Row | None = None) -> None:
        """The row, after those that could not be written before. A full or failing volume must not harm the task."""
        if row is not None:
            self._untold.append(row)
        if not self._untold:
            return
        try:
            name, handle = self._own_file()
            lines = b"".join(_lines(self._untold))
            self._volume.write_all(handle, lines)
        except OSError as error:
            if len(self._untold) == 1:
                logger.warning("the index takes nothing, lists at other nodes may be behind: %s", error.strerror)
            del self._untold[:-MOST_UNTOLD]
            if self._is_torn():
                self._leave_own()  # nothing may follow that
        else:
            self._untold = []
            self._written += len(lines)
            if name in self._read_to:  # it is read again from its start where a look has missed it
                self._read_to[name] += len(lines)

    def _own_file(self) -> tuple[str, int]:
        """Its name without suffix, and its handle. Another one where somebody has closed the last."""
        if self._own is not None and not self._volume.disk.exists(self._folder / f"{self._own[0]}{OPEN}"):
            self._leave_own()
        if self._own is None:
            name = secrets.token_hex(8)
            handle = self._volume.disk.open(self._folder / f"{name}{OPEN}", os.O_WRONLY | os.O_CREAT | os.O_EXCL)
            self._own = name, handle
            self._written = self._read_to[name] = 0
        return self._own

    def _is_torn(self) -> bool:
        """Whether a part of what could not be written is there. On a full volume it mostly is not."""
        try:
            return self._own is not None and self._volume.disk.size(self._own[1]) != self._written
        except OSError:
            return True

    def _leave_own(self) -> None:
        if self._own is not None:
            self._volume.disk.close(self._own[1])
            self._own = None

    def _read(self) -> None:
        """Take in what others have told since the last time."""
        unclear: set[str] = set()
        names = self._volume.names(self._folder)
        if BASE in names:
            self._read_base(unclear)
        there = set()
        for name in names:
            stem, _, suffix = name.rpartition(".")
            if name != BASE and f".{suffix}" in (OPEN, CLOSED) and not name.startswith("."):
                there.add(stem)
                self._read_to[stem] = self._fold(name, self._read_to.get(stem, 0), unclear)
        self._read_to = {stem: offset for stem, offset in self._read_to.items() if stem in there}
        for task_id in unclear:
            self._settle(task_id)

    def _read_base(self, unclear: set[str]) -> None:
        """All of it, whenever it is another one: it may have what was told while this process slept."""
        try:
            version = self._volume.disk.version(self._folder / BASE)
        except FileNotFoundError:
            return
        if version != self._base:
            self._fold(BASE, 0, unclear)
            self._base = version

    def _fold(self, name: str, offset: int, unclear: set[str]) -> int:
        """Take in what a file has from there on; returns to where it was read."""
        if self._size(name) <= offset:
            return offset
        try:
            handle = self._volume.disk.open(self._folder / name, os.O_RDONLY)
        except FileNotFoundError:
            return offset  # closed or taken away in this moment: the next look finds it
        try:
            while piece := self._volume.read_on(handle, offset, PIECE_BYTES):
                whole = piece.rfind(b"\n") + 1
                if whole == 0 and len(piece) < PIECE_BYTES:
                    break  # it is just being written
                offset += whole or len(piece)
                for row in _rows(piece[:whole]):
                    self._take(row, unclear)
        finally:
            self._volume.disk.close(handle)
        return offset

    def _take(self, row: Row, unclear: set[str]) -> None:
        if len(row) == 2:
            self._headlines.drop(row[0], row[1])
            return
        headline = _headline(row)
        if headline is not None and self._headlines.put(headline) is None:
            unclear.add(headline.task_id)


_STATUSES = {status.value: status for status in Status}


def _headline(row: Row) -> Headline | None:
    """None for one that another version of this program has written. What many have in common is kept once."""
    if len(row) != len(Headline._fields) or row[5] not in _STATUSES:
        return None
    task_id, number, generation, epoch, seq, status, kind, scope, project, *rest = row
    known = _STATUSES[status], sys.intern(kind), sys.intern(scope), project and sys.intern(project)
    return Headline(task_id, number, generation, epoch, seq, *known, *rest)


def _lines(rows: Sequence[Row]) -> Iterator[bytes]:
    """None is longer than what a reader takes in at once."""
    for start in range(0, len(rows), ROWS_PER_LINE):
        yield _line(rows[start : start + ROWS_PER_LINE])


def _line(rows: Iterable[Row]) -> bytes:
    encoded = orjson.dumps([list(row) for row in rows])
    return b"%08x %b\n" % (crc32(encoded), encoded)


def _rows(lines: bytes) -> Iterator[Row]:
    """What stands in the lines that are whole."""
    for line in lines.split(b"\n"):
        if line[:8] == b"%08x" % crc32(line[9:]):
            yield from orjson.loads(line[9:])
