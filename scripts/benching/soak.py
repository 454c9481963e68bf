"""Many running tasks with readers at two nodes on one folder: memory over time, and how far a reader was behind."""

import sys
import time
from contextlib import ExitStack
from functools import partial

from scripts.benching.bench import Bench, say
from scripts.benching.holdfast import Holdfast, events_of, holdfast
from scripts.benching.load import Plan
from scripts.benching.processes import load, memory_bytes
from scripts.benching.table import HOLDFAST, Outcome

PER_SECOND = 1
SAMPLES = 20
BEHIND, BEHIND_MOST, GROWTH = (
    "a reader behind, 99 of 100 events",
    "a reader behind, at most",
    "memory, last third ÷ second",
)
MOST_BEHIND_SECONDS, MOST_GROWTH = 1.0, 1.1


def measure(bench: Bench) -> Outcome:
    folder, sizes, outcome = bench.room("soak"), bench.sizes, Outcome()
    seconds = sizes.soak_minutes * 60
    places = str(sizes.soak_tasks)
    # They are to run until the last sample: beginning them and connecting the readers takes its time, too.
    events = max(3, int((seconds * 1.1 + sizes.soak_tasks / 50) * PER_SECOND))
    with ExitStack() as stack:
        tasks = folder / "tasks"
        nodes = [
            stack.enter_context(holdfast(folder, tasks, MAX_CONCURRENT_TASKS=places, MAX_PENDING_TASKS="10000"))
            for _ in range(2)
        ]
        params = {"events": events, "rate": PER_SECOND, "size": 50, "steps": max(1, events // 10), "seed": 0}
        # Each is another task by where it would fail, which it does not reach; a text of its own would cost the server.
        ids = [nodes[index % 2].begin(**params, fail_at=events + index) for index in range(sizes.soak_tasks)]
        each = max(1, sizes.soak_readers // sizes.soak_tasks // 2)
        plans = [
            Plan(
                "follow",
                node.port,
                [(events_of(task_id), each) for task_id in ids],
                mark='"t":',
                delays=True,
                limit_seconds=seconds * 2 + 120,
            )
            for node in nodes
        ]
        loads = [stack.enter_context(load(plan, bench.room("soak-load"))) for plan in plans]
        for loading in loads:
            loading.ready()
        samples = [_memory(nodes) for _ in map(partial(_wait, seconds / SAMPLES), range(SAMPLES))]
        found = [loading.result() for loading in loads]
    outcome.add(BEHIND, "s", {HOLDFAST: [max(one["p99"] for one in found)]})
    outcome.add(BEHIND_MOST, "s", {HOLDFAST: [max(one["longest"] for one in found)]})
    outcome.want(f"{BEHIND_MOST}, s", outcome.median(BEHIND_MOST, HOLDFAST), MOST_BEHIND_SECONDS, at_least=False)
    if sys.platform == "linux":
        third = SAMPLES // 3
        grown = sum(samples[-third:]) / sum(samples[third : 2 * third])
        outcome.add("memory of a node", "MiB", {HOLDFAST: [sample / 2**20 for sample in samples]})
        outcome.want(GROWTH, grown, MOST_GROWTH, at_least=False)
    missing = [one for one in found if one["least"] != events or one["most"] != events]
    outcome.notes.append(
        f"{sizes.soak_tasks} tasks of {events} events, {2 * each * sizes.soak_tasks:,} readers, {seconds:.0f} s; "
        + ("some readers did not get every event once" if missing else "every reader got every event once")
    )
    return outcome


def _wait(seconds: float, number: int) -> None:
    time.sleep(seconds)
    if number % 5 == 0:
        say(f"  {number / SAMPLES:.0%} of the time")


def _memory(nodes: list[Holdfast]) -> float:
    """Bytes, the mean of the nodes."""
    if sys.platform != "linux":
        return 0.0
    return sum(memory_bytes(node.pid) for node in nodes) / len(nodes)
