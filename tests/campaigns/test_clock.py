"""What the campaign on wall clocks looks with: what no death explains is counted, and what one does is not."""

import time
from collections.abc import Sequence
from pathlib import Path

import anyio
import pytest

from server.tasks.retention import Retention
from tests.campaigns.checking import Demo
from tests.campaigns.clock import (
    DAY,
    HOUR,
    LATEST_TAKEOVER_SECONDS,
    SET_SECONDS,
    WallClock,
    Watch,
    missing,
    skewable,
    sweep,
)
from tests.campaigns.ledger import Ledger, Loss
from tests.campaigns.nodes import cluster
from tests.campaigns.readers import Event, Reader
from tests.campaigns.volume import Volume

DEMO = Demo(seed=7, events=6, rate=0, steps=3)
KILLED_AT = 100.0


def handed_from(first: str, second: str) -> Volume:
    """Of two owners; the second one begins to run at seq 2."""
    records = [
        (epoch, {"seq": epoch, "at": 1000 * (3 - epoch), "type": "status", "data": {"status": "running", "node": node}})
        for epoch, node in ((1, first), (2, second))
    ]
    return Volume({1: first, 2: second}, list(records), 0)


def saw(*at: float) -> Reader:
    reader = Reader("/", [0], Ledger())
    reader.events += [Event(seq, "status", b"", moment) for seq, moment in enumerate(at, 1)]
    return reader


def counted(killed: dict[str, float], readers: Sequence[Reader]) -> tuple[dict[str, int], int]:
    """What is counted as lost, and how often the time went back."""
    ledger = Ledger()
    watch = Watch(ledger)
    watch.killed.update(killed)
    watch.note(readers, handed_from("a", "b"))
    return {kind: count for kind, count in ledger.lost.items() if count}, watch.back


@pytest.mark.parametrize(
    ("killed", "second_seen_at", "expected"),
    [
        ({"a": KILLED_AT}, KILLED_AT + 1, {}),
        ({"b": KILLED_AT}, KILLED_AT + 1, {Loss.FALSE: 1}),
        ({"a": KILLED_AT}, KILLED_AT - 1, {Loss.FALSE: 1}),
        ({"a": KILLED_AT}, KILLED_AT + LATEST_TAKEOVER_SECONDS + 1, {Loss.LATE: 1}),
    ],
)
def test_a_takeover_is_explained_by_a_kill_that_came_shortly_before(
    killed: dict[str, float], second_seen_at: float, expected: dict[Loss, int]
) -> None:
    """And by nothing else; the times in the log may be any."""
    assert counted(killed, [saw(1.0, second_seen_at), saw()]) == (expected, 1)


class HastyRetention(Retention):
    """Without the protection: what one clock makes old goes at first sight."""

    async def sweep(self, now: float) -> None:
        for _ in range(2):
            await super().sweep(now)


async def test_what_retention_takes_too_early_is_counted(tmp_path: Path) -> None:
    """One that waits for a second clock takes the task in the end, and nothing is lost by it."""
    folders = [tmp_path / name for name in ("hasty", "real")]
    for folder in folders:
        folder.mkdir()
        async with cluster(folder, 1) as nodes:
            reader = Reader(DEMO.target, nodes.ports, Ledger())
            with anyio.fail_after(20):
                await reader.follow()
    hasty, real = Ledger([Loss.TAKEN]), Ledger([Loss.TAKEN])
    assert await sweep(folders[0] / "tasks", hasty, HastyRetention) == 1
    assert await sweep(folders[1] / "tasks", real) == 1
    assert (hasty.lost, real.lost) == ({Loss.TAKEN: 1}, {Loss.TAKEN: 0})


async def test_a_nodes_wall_clock_is_moved_while_it_runs_and_its_monotonic_one_is_not(tmp_path: Path) -> None:
    """What it answers bears the moved time, and what its tasks emit the machine's monotonic one."""
    if (lack := missing()) is not None:
        pytest.skip(lack)
    async with skewable(tmp_path, 1) as nodes:
        clock = WallClock(nodes.nodes[0])
        for offset in (0.0, DAY, DAY - HOUR, -DAY):
            clock.move_to(offset)
            shown = await clock.shown()
            assert shown is not None
            assert abs(shown - offset) < SET_SECONDS
        reader = Reader(DEMO.target, nodes.ports, Ledger())
        began = time.monotonic_ns()
        with anyio.fail_after(20):
            await reader.follow()
        moments = [event.data["t"] for event in reader.events if event.type == "output"]
        assert began < min(moments) <= max(moments) < time.monotonic_ns()
