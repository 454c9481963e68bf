"""Starting beside many finished tasks: until it is ready, its first list page, its memory; the same without index."""

import http.client
import json
import os
import shutil
import sys
import time

from scripts.benching.bench import Bench, say
from scripts.benching.holdfast import holdfast
from scripts.benching.load import HOST
from scripts.benching.processes import memory_bytes, wait_until
from scripts.benching.stored import make
from scripts.benching.table import HOLDFAST, Outcome
from scripts.judging import Failed

PAGE = "/api/tasks?limit=50"
READY, READY_ALONE = "start until ready", "start until ready, without tasks"
FIRST, LATER, MEMORY = "first list page", "list page later", "memory after it"
FIRST_ANEW, WHOLE_ANEW = "first list page, index deleted", "until lists are complete, index deleted"
MOST_SECONDS_ANEW = 600.0
MOST_SECONDS, MOST_PAGE_MS, MOST_MIB = 2.0, 50.0, 300.0
MIB = 1024 * 1024


def measure(bench: Bench) -> Outcome:
    folder, count = bench.room("start"), bench.sizes.stored_tasks
    tasks, outcome = folder / "tasks", Outcome()
    began = time.monotonic()
    make(folder, tasks, count)
    say(f"  {count:,} tasks made in {time.monotonic() - began:.0f} s")
    os.sync()  # what was just written must not be what the disk is busy with
    ready: list[float] = []
    first: list[float] = []
    later: list[float] = []
    memory: list[float] = []
    first_anew: list[float] = []
    whole_anew: list[float] = []
    for _ in range(bench.sizes.rounds):
        # The first round begins with what was copied, which has no index; the last one leaves it for those that follow.
        shutil.rmtree(tasks / "index", ignore_errors=True)
        with holdfast(folder, tasks) as own:
            began = time.monotonic() - own.started_seconds
            first_anew.append(_page_ms(own.port, count))
            wait_until(lambda own=own: _is_complete(own.port), "lists being complete", MOST_SECONDS_ANEW)  # type: ignore[misc]  # bound at once
            whole_anew.append(time.monotonic() - began)
        say(f"  without an index: first page {first_anew[-1]:.0f} ms, complete in {whole_anew[-1]:.1f} s")
    for number in range(bench.sizes.rounds):
        with holdfast(folder, tasks) as own:
            wait_until(lambda own=own: _get(own.port, "/readyz")[0] == 200, "the server being ready")  # type: ignore[misc]  # bound at once
            ready.append(own.started_seconds)
            first.append(_page_ms(own.port, count))
            later.append(_page_ms(own.port, count))
            if sys.platform == "linux":
                memory.append(memory_bytes(own.pid) / MIB)
        say(f"  round {number + 1}: ready {ready[-1]:.2f} s, first page {first[-1]:.0f} ms")
    alone = bench.room("start-alone")
    without: list[float] = []
    for _ in range(bench.sizes.rounds):
        with holdfast(alone) as own:
            without.append(own.started_seconds)
    for what, unit, values in (
        (READY, "s", ready),
        (READY_ALONE, "s", without),
        (FIRST, "ms", first),
        (LATER, "ms", later),
        (FIRST_ANEW, "ms", first_anew),
        (WHOLE_ANEW, "s", whole_anew),
        (MEMORY, "MiB", memory),
    ):
        outcome.add(what, unit, {HOLDFAST: values})
    outcome.want(f"{READY}, s", outcome.median(READY, HOLDFAST), MOST_SECONDS, at_least=False)
    outcome.want(f"{FIRST}, ms", outcome.median(FIRST, HOLDFAST), MOST_PAGE_MS, at_least=False)
    outcome.want(f"{MEMORY}, MiB", outcome.median(MEMORY, HOLDFAST), MOST_MIB, at_least=False)
    outcome.notes.append(f"{count:,} finished tasks, made by copying the files of one under other ids")
    return outcome


def _get(port: int, target: str) -> tuple[int, bytes, float]:
    connection = http.client.HTTPConnection(HOST, port, timeout=300)
    began = time.monotonic()
    connection.request("GET", target)
    answer = connection.getresponse()
    content = answer.read()
    seconds = time.monotonic() - began
    connection.close()
    return answer.status, content, seconds


def _is_complete(port: int) -> bool:
    status, content, _ = _get(port, "/api/tasks?limit=1")
    return status == 200 and bool(json.loads(content)["complete"])


def _page_ms(port: int, count: int) -> float:
    status, content, seconds = _get(port, PAGE)
    if status != 200 or content.count(b'"taskId"') + content.count(b'"generation"') < min(50, count):
        raise Failed(f"the list was answered {status}: {content[:200]!r}")
    return seconds * 1e3
