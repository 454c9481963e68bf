"""One task's events to many readers: as fast as each takes them, and at a steady rate."""

import itertools
import subprocess
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import orjson

from scripts.benching.bench import BARE, NAIVE, NCHAN, Bench, busiest, followed
from scripts.benching.holdfast import Holdfast, holdfast
from scripts.benching.load import Plan
from scripts.benching.peers import Publisher, bare, nchan, peers_app
from scripts.benching.table import HOLDFAST, Outcome
from scripts.judging import Failed
from scripts.outside import Server
from server.workflows.demo import text_of

SIZE = 100
STEADY_PER_SECOND = 20
MARK = '"t":'
SPEED = "one task to its readers, as fast as they take it"
DELAYS = "one task to its readers, 20 events/s, delay"

Found = dict[str, Any]


def measure(bench: Bench) -> Outcome:
    folder, sizes = bench.room("fanout"), bench.sizes
    events = int(sizes.steady_seconds * STEADY_PER_SECOND)
    outcome = Outcome()
    with ExitStack() as stack:
        own = stack.enter_context(holdfast(folder, MAX_CONCURRENT_TASKS="1"))
        naive, _ = stack.enter_context(peers_app(folder))
        pushed = bench.enter(stack, NCHAN, nchan(folder, max(sizes.events, events)))
        channels = itertools.count()
        fast: dict[str, Callable[[], Found]] = {
            HOLDFAST: partial(_by_holdfast, own, folder, sizes.readers, sizes.events, 0),
            NAIVE: partial(_by_naive, naive, folder, sizes.readers, sizes.events, 0),
            BARE: partial(_by_bare, folder, sizes.readers, sizes.events),
        }
        steady: dict[str, Callable[[], Found]] = {
            HOLDFAST: partial(_by_holdfast, own, folder, sizes.readers, events, STEADY_PER_SECOND),
            NAIVE: partial(_by_naive, naive, folder, sizes.readers, events, STEADY_PER_SECOND),
        }
        if pushed is not None:
            fast[NCHAN] = partial(_by_nchan, pushed, folder, sizes.readers, sizes.events, 0, channels)
            steady[NCHAN] = partial(_by_nchan, pushed, folder, sizes.readers, events, STEADY_PER_SECOND, channels)
        found = bench.rounds(fast)
        delayed = bench.rounds(steady)
    rates = {
        who: [each["found"] / (each["last"] - each["emitted"]) for each in rounds] for who, rounds in found.items()
    }
    outcome.add(SPEED, "deliveries/s", rates)
    outcome.want_ratio(SPEED, NCHAN, 1.5, at_least=True)
    outcome.want_ratio(SPEED, NAIVE, 3, at_least=True)
    for share in ("p50", "p99"):
        milliseconds = {who: [each[share] * 1e3 for each in rounds] for who, rounds in delayed.items()}
        outcome.add(f"{DELAYS} {share}", "ms", milliseconds)
    ours, theirs = outcome.median(f"{DELAYS} p99", HOLDFAST), outcome.median(f"{DELAYS} p99", NCHAN)
    if ours is not None and theirs is not None:
        outcome.want(f"{DELAYS} p99, ms more than {NCHAN}", ours - theirs, 25, at_least=False)
    outcome.notes.append(busiest(found))
    return outcome


def _whole(found: Found, readers: int, events: int) -> Found:
    """:raises Failed: some reader did not get every event once."""
    if not found["least"] == found["most"] == events or found["found"] != readers * events:
        raise Failed(f"of {events} events, readers got from {found['least']} to {found['most']}")
    return found


def _plan(port: int, target: str, readers: int, rate: float, wanted: int = 0) -> Plan:
    headers = {"Accept": "text/event-stream"}
    return Plan("follow", port, [(target, readers)], headers=headers, mark=MARK, delays=rate > 0, wanted=wanted)


def _by_holdfast(own: Holdfast, folder: Path, readers: int, events: int, rate: float) -> Found:
    with own.held_back(events=events, size=SIZE, rate=rate) as task:
        plan = _plan(own.port, task.target, readers, rate)
        return _whole(followed(plan, folder, task.let_go), readers, events)


def _by_naive(port: int, folder: Path, readers: int, events: int, rate: float) -> Found:
    server = Server(f"http://127.0.0.1:{port}")

    def go() -> None:
        with server.stream(f"/publish?events={events}&size={SIZE}&rate={rate}", "POST", ""):
            pass

    return _whole(followed(_plan(port, "/subscribe", readers, rate), folder, go), readers, events)


def _by_nchan(
    port: int, folder: Path, readers: int, events: int, rate: float, channels: "itertools.count[int]"
) -> Found:
    channel = str(next(channels))

    def go() -> None:
        publisher = Publisher(port, channel)
        began = time.monotonic()
        for index in range(events):
            if rate:
                time.sleep(max(0.0, began + index / rate - time.monotonic()))
            text = text_of(index, SIZE, 0)
            publisher.publish(orjson.dumps({"part": "demo", "text": text, "t": time.monotonic_ns()}))
        publisher.close()

    plan = _plan(port, f"/subscribe?channel={channel}", readers, rate, wanted=events)
    return _whole(followed(plan, folder, go), readers, events)


def _by_bare(folder: Path, readers: int, events: int) -> Found:
    with bare(folder, readers, events, SIZE) as (port, started):
        plan = _plan(port, "/", readers, 0)
        return _whole(followed(plan, folder, partial(_begin, started)), readers, events)


def _begin(started: "subprocess.Popen[bytes]") -> None:
    assert started.stdin is not None  # noqa: S101 - made so
    started.stdin.write(b"\n")
    started.stdin.flush()
