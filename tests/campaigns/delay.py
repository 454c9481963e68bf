"""`python -m tests.campaigns.delay`: how long after its emission an event is at a reader, at its owner and elsewhere.

Each output of the demo holds the monotonic clock at its emission, which is one clock for all processes of a machine.
"""

import argparse
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import anyio

from tests.campaigns.checking import Demo
from tests.campaigns.ledger import Ledger
from tests.campaigns.nodes import Cluster, cluster
from tests.campaigns.readers import Reader


async def delays(nodes: Cluster, demo: Demo) -> tuple[list[float], list[float]]:
    """Milliseconds for each output: at a reader of the owner, and at one of another node."""
    owner, other = nodes.nodes
    ledger = Ledger()
    here, there = (Reader(demo.target, [node.port], ledger) for node in (owner, other))
    async with anyio.create_task_group() as tg:
        tg.start_soon(here.follow)
        await here.has_task.wait()
        tg.start_soon(there.follow)
    if ledger.notes or nodes.owner_of(here.task["id"]) is not owner:
        raise RuntimeError(f"the task was to run undisturbed at the node that was asked: {ledger.notes}")
    return _delays_at(here), _delays_at(there)


def _delays_at(reader: Reader) -> list[float]:
    outputs = [event for event in reader.events if event.type == "output"]
    return [event.at * 1e3 - event.data["t"] / 1e6 for event in outputs]


def described(milliseconds: Sequence[float]) -> str:
    last = statistics.quantiles(milliseconds, n=100)[-1]
    return f"median {statistics.median(milliseconds):.1f} ms, 99 % within {last:.1f} ms, max {max(milliseconds):.1f} ms"


async def measure(rates: Sequence[float], seconds: float, folder: Path) -> None:
    async with cluster(folder, 2) as nodes:
        for number, rate in enumerate(rates):
            events = int(rate * seconds)
            here, there = await delays(nodes, Demo(number, events=events, rate=rate, steps=max(1, events // 10)))
            sys.stdout.write(f"{rate:g} events/s for {seconds:g} s, at the owner: {described(here)}\n")
            sys.stdout.write(f"{rate:g} events/s for {seconds:g} s, at another node: {described(there)}\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=float, nargs="*", default=[20.0, 200.0], help="events per second")
    parser.add_argument("--seconds", type=float, default=20.0, help="how long at each rate")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="holdfast-delay-") as folder:
        anyio.run(measure, given.rate, given.seconds, Path(folder), backend_options={"use_uvloop": True})


if __name__ == "__main__":
    main()
