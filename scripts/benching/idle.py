"""What a reader costs that waits: the server's memory with many of them, less that without any."""

import sys
import time
from functools import partial
from pathlib import Path

from scripts.benching.bench import NAIVE, Bench
from scripts.benching.holdfast import BLOCKING, events_of, holdfast
from scripts.benching.load import Plan
from scripts.benching.peers import peers_app
from scripts.benching.processes import load, memory_bytes
from scripts.benching.table import HOLDFAST, Outcome

IDLE = "an idle reader"
SETTLE_SECONDS = 1.0
KIB = 1024


def measure(bench: Bench) -> Outcome:
    outcome, sizes = Outcome(), bench.sizes
    if sys.platform != "linux":
        outcome.notes.append("left out: only Linux tells how much memory a process takes")
        return outcome
    subjects = {
        HOLDFAST: partial(_of_holdfast, bench, sizes.idle_readers),
        NAIVE: partial(_of_naive, bench, sizes.naive_readers),
    }
    outcome.add(IDLE, "KiB", bench.rounds(subjects))
    outcome.want(f"{IDLE}, KiB each of {sizes.idle_readers:,}", outcome.median(IDLE, HOLDFAST), 15, at_least=False)
    return outcome


def _of_holdfast(bench: Bench, readers: int) -> float:
    folder = bench.room("idle")
    with holdfast(folder) as own:
        task_id = own.begin(**BLOCKING)
        own.wait_for(task_id, "running")
        kib = _kib_each(folder, own.pid, own.port, events_of(task_id), readers)
        own.stop(task_id)
        return kib


def _of_naive(bench: Bench, readers: int) -> float:
    folder = bench.room("idle-naive")
    with peers_app(folder) as (port, pid):
        return _kib_each(folder, pid, port, "/subscribe", readers)


def _kib_each(folder: Path, pid: int, port: int, target: str, readers: int) -> float:
    before = memory_bytes(pid)
    with load(Plan("hold", port, [(target, readers)], limit_seconds=300), folder) as loading:
        loading.ready()
        time.sleep(SETTLE_SECONDS)
        with_readers = memory_bytes(pid)
        loading.release()
        loading.result()
    return (with_readers - before) / readers / KIB
