"""Events made durable: end to end, and the same records in the same groups from Python to other stores."""

import os
import re
import secrets
import socket
import sqlite3
import time
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import orjson

from scripts.benching.bench import LOG, PLAIN, REDIS, SQLITE, STORE, Bench
from scripts.benching.holdfast import Holdfast, holdfast, stream_of
from scripts.benching.load import Plan
from scripts.benching.peers import redis
from scripts.benching.processes import carried_out, load, wait_until
from scripts.benching.table import HOLDFAST, Outcome
from scripts.judging import Failed
from server.models import EventType, Life, Record, new_generation
from server.stores import lines
from server.stores.base import LogWriter
from server.stores.files import FileStore
from server.streaming.channel import Channel
from server.streaming.hub import RING_BYTES
from server.tasks.log import TaskLog
from server.tasks.state import TaskState

SIZE = 20
STEPS = 10
CLIENTS = 4
APPENDS, TASKS = "small events into one task, durable and at a reader", "tasks of ten steps, from request to end"
LEAST_PER_SECOND, LEAST_PER_MINUTE = 50_000, 3000
GROUP_BEGINS = b'{"synced":true,'
COMPLETED = re.compile(r'^holdfast_status_changes_total\{status="completed"\} (\S+)$', re.MULTILINE)

TASK, STREAM = "0" * 32, b"events"


@dataclass(frozen=True)
class Written:
    """One group: its lines in the log, and its records with their data as a program has it, before it is encoded."""

    lines: list[bytes]
    records: list[tuple[Record, Any]]

    @classmethod
    def of(cls, written: list[bytes]) -> "Written":
        records = [lines.decode(line.rstrip(b"\n")) for line in written]
        return cls(written, [(record, orjson.loads(record.data)) for record in records])


def groups_of(log: bytes) -> list[list[bytes]]:
    """The lines of a log segment as they were written: one list for each write."""
    groups: list[list[bytes]] = []
    for line in log.splitlines(keepends=True):
        if not groups or line.startswith(GROUP_BEGINS):
            groups.append([])
        groups[-1].append(line)
    return groups


def measure(bench: Bench) -> Outcome:
    folder, events = bench.room("appends"), bench.sizes.append_events
    outcome = Outcome()
    with holdfast(folder) as own, ExitStack() as stack:
        log = own.log(own.finished(events=events, size=SIZE, steps=STEPS)).read_bytes()
        groups = [Written.of(group) for group in groups_of(log)]
        records = sum(len(group.lines) for group in groups)
        seeds = iter(range(bench.sizes.rounds))
        subjects: dict[str, Callable[[], float]] = {
            HOLDFAST: lambda: events / _end_to_end(own, folder, events, next(seeds)),
            LOG: lambda: records / _to_log(folder, groups),
            STORE: lambda: records / _to_store(folder, groups),
            PLAIN: lambda: records / _to_file(folder, groups),
            SQLITE: lambda: records / _to_sqlite(folder, groups),
        }
        streams = bench.enter(stack, REDIS, redis(folder))
        if streams is not None:
            subjects[REDIS] = lambda: records / _to_redis(streams, groups)
        outcome.add(APPENDS, "records/s", bench.rounds(subjects))
    per_minute = bench.rounds({HOLDFAST: partial(_tasks_per_minute, bench, bench.sizes.tasks)})
    outcome.add(TASKS, "tasks/min", per_minute)
    outcome.want(f"{APPENDS}, events/s", outcome.median(APPENDS, HOLDFAST), LEAST_PER_SECOND, at_least=True)
    outcome.want_ratio(APPENDS, SQLITE, 1, at_least=True)
    outcome.want_ratio(APPENDS, REDIS, 1, at_least=True)
    outcome.want(f"{TASKS}, tasks/min", outcome.median(TASKS, HOLDFAST), LEAST_PER_MINUTE, at_least=True)
    size = sum(len(line) for group in groups for line in group.lines)
    outcome.notes.append(
        f"{records:,} records of {size / records:.0f} bytes in {len(groups):,} groups of {records / len(groups):.0f}"
    )
    return outcome


def _end_to_end(own: Holdfast, folder: Path, events: int, seed: int) -> float:
    """From the request that starts the task to its end at the reader who asked."""
    target = stream_of(events=events, size=SIZE, steps=STEPS, seed=seed)
    with load(Plan("follow", own.port, [(target, 1)], mark='"t":'), folder) as loading:
        loading.ready()
        found = loading.result()
    if found["found"] != events:
        raise Failed(f"{found['found']} of {events} events came")
    return float(found["last"] - found["asked"])


def _to_file(folder: Path, written: Iterable[Written]) -> float:
    """One write and one sync for each group of lines that are ready: what the disk allows."""
    path = folder / "plain"
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    began = time.monotonic()
    for group in written:
        os.write(handle, b"".join(group.lines))
        os.fdatasync(handle)
    seconds = time.monotonic() - began
    os.close(handle)
    path.unlink()
    return seconds


def _to_store(folder: Path, written: Iterable[Written]) -> float:
    """Holdfast's store alone, without workflow and readers: one append for each group."""

    async def append_all(_: Life, writer: LogWriter) -> None:
        for group in written:
            await writer.append([record._replace(data=orjson.dumps(data)) for record, data in group.records])

    return _with_writer(folder, append_all)


def _to_log(folder: Path, written: Iterable[Written]) -> float:
    """Holdfast's log of a task, without workflow and readers: each group put, durable, folded, and in the ring."""

    async def put_all(life: Life, writer: LogWriter) -> None:
        ring = Channel(life, lambda: RING_BYTES)
        log = TaskLog(writer, TaskState(life), ring.publish, lambda: True)
        for group in written:
            for record, data in group.records:
                put = log.put if record.seq is not None else log.put_journal
                put(EventType(record.type), data, record.step)
            await log.write_out()
        if ring.last_seq != log.last_seq:
            raise Failed(f"{ring.last_seq} of {log.last_seq} events were published")

    return _with_writer(folder, put_all)


def _with_writer(folder: Path, work: Callable[[Life, LogWriter], Awaitable[None]]) -> float:
    """The seconds that ``work`` takes with a new task in a store of its own."""

    async def timed() -> float:
        store = FileStore(folder / "store")
        await store.open()
        task_id = secrets.token_hex(16)
        life = Life(task_id, 1, "demo", 1, {}, new_generation(), created_at=0, scope="local")
        await store.create(life)
        writer = await store.claim(life, 1, "bench")
        if writer is None:
            raise Failed("a new task could not be claimed")
        began = time.monotonic()
        await work(life, writer)
        seconds = time.monotonic() - began
        await writer.close()
        await store.close()
        return seconds

    return anyio.run(timed)


def _to_sqlite(folder: Path, written: Iterable[Written]) -> float:
    """One transaction for each group, a row for each record."""
    path = folder / "events.sqlite"
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("pragma journal_mode = wal")
        database.execute("pragma synchronous = full")
        database.execute(
            "create table records (place integer primary key, task text not null, seq integer, at integer not null, "
            "type text not null, step text, data blob not null, unique (task, seq))"
        )
        insert = "insert into records (task, seq, at, type, step, data) values (?, ?, ?, ?, ?, ?)"
        began = time.monotonic()
        for group in written:
            rows = [(TASK, each.seq, each.at, each.type, each.step, orjson.dumps(data)) for each, data in group.records]
            database.execute("begin")
            database.executemany(insert, rows)
            database.execute("commit")
        seconds = time.monotonic() - began
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    return seconds


def _to_redis(sock: socket.socket, written: Iterable[Written]) -> float:
    """One transaction for each group, sent at once, an entry for each record: it is answered when it is durable."""
    began = time.monotonic()
    for group in written:
        commands = [_command(b"MULTI"), *(_entry(each, orjson.dumps(data)) for each, data in group.records)]
        sock.sendall(b"".join([*commands, _command(b"EXEC")]))
        # +OK, +QUEUED for each, then an array of as many ids, each of a length and a text.
        _take_lines(sock, 2 + 3 * len(group.records))
    seconds = time.monotonic() - began
    sock.sendall(_command(b"DEL", STREAM))
    _take_lines(sock, 1)
    return seconds


def _entry(record: Record, data: bytes) -> bytes:
    head = (b"XADD", STREAM, b"*", b"seq", b"%d" % (record.seq or 0), b"at", b"%d" % record.at)
    return _command(*head, b"type", record.type.encode(), b"step", (record.step or "").encode(), b"data", data)


def _command(*words: bytes) -> bytes:
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%b\r\n" % (len(word), word) for word in words)


def _take_lines(sock: socket.socket, count: int) -> None:
    """:raises Failed: one of the lines tells of an error."""
    before = b"\n"
    while count > 0:
        answer = sock.recv(1 << 20)
        if not answer or b"\n-" in before + answer:
            raise Failed(f"Redis answered {answer[:200]!r}")
        count -= answer.count(b"\n")
        before = answer[-1:]


def _tasks_per_minute(bench: Bench, count: int) -> float:
    folder = bench.room("tasks")
    with holdfast(folder) as own:
        began = time.monotonic()
        with ThreadPoolExecutor(CLIENTS) as clients:
            params: dict[str, Any] = {"events": STEPS, "steps": STEPS, "size": SIZE}
            for begun in [clients.submit(own.begin, **params) for _ in range(count)]:
                begun.result()
        wait_until(lambda: _completed(own, folder) >= count, f"{count} tasks being completed")
        return count / (time.monotonic() - began) * 60


def _completed(own: Holdfast, folder: Path) -> float:
    saved = folder / "metrics"
    headers = {"Connection": "close"}
    carried_out(Plan("whole", own.port, [("/metrics", 1)], headers=headers, save=str(saved)), folder)
    found = COMPLETED.search(saved.read_text())
    return float(found[1]) if found else 0.0
