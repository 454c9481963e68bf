"""SIGKILL: random nodes at random moments, and started again, while tasks run with readers at all nodes."""

import statistics
import tempfile
from collections.abc import Sequence
from pathlib import Path
from random import Random

import anyio
from anyio.abc import TaskGroup

from tests.campaigns.campaign import Campaign, Figures
from tests.campaigns.chance import dice
from tests.campaigns.checking import Demo
from tests.campaigns.flow import Flow
from tests.campaigns.ledger import Ledger, Loss
from tests.campaigns.nodes import Node, cluster
from tests.campaigns.readers import Reader
from tests.campaigns.volume import Volume

NODES = 3
PLACES = 6
READERS = 3
QUICK = {"heartbeat_seconds": 0.2, "lease_seconds": 3.0, "scan_seconds": 0.1}
BETWEEN_QUICK_KILLS = (0.05, 0.6)
BETWEEN_KILLS = (2.5, 5.0)
"""With default settings, so that most takeovers come to their end and can be measured."""
LONGEST_OUTAGE_SECONDS = 0.5
ROUNDS_PER_DEFAULT_ROUND = 25
LOSSES = (
    Loss.ERROR,
    Loss.RESET,
    Loss.GAP,
    Loss.DOUBLE,
    Loss.UNEQUAL,
    Loss.REPORT,
    Loss.STEP,
    Loss.OWNER,
    Loss.END,
    Loss.UNENDED,
)


class Killer:
    """Kills nodes and starts them again. ``killed``: when each one was, by its id, on the monotonic clock."""

    def __init__(self, nodes: Sequence[Node], rng: Random, between: tuple[float, float]) -> None:
        self._nodes, self._rng, self._between = nodes, rng, between
        self.killed: dict[str, float] = {}

    async def run(self, kills: int) -> None:
        """Return when all of them were done and every node listens again."""
        async with anyio.create_task_group() as tg:
            done = 0
            while done < kills:
                await anyio.sleep(self._rng.uniform(*self._between))
                victim = self._rng.choice(self._nodes)
                if victim.running:
                    await self._kill(victim)
                    tg.start_soon(self._start_again, victim, self._rng.uniform(0, LONGEST_OUTAGE_SECONDS), tg)
                    done += 1

    async def _kill(self, victim: Node) -> None:
        node_id, moment = victim.id, anyio.current_time()
        await victim.kill()
        if node_id is not None:
            self.killed[node_id] = moment

    async def _start_again(self, node: Node, outage: float, tg: TaskGroup) -> None:
        await anyio.sleep(outage)
        await node.start()
        await node.listening()


class Takeovers:
    """How long tasks were without an owner: from the kill to the first event of the next owner at any reader."""

    def __init__(self, killed: dict[str, float]) -> None:
        self._killed = killed
        self.seconds: list[float] = []

    def note(self, readers: Sequence[Reader], volume: Volume) -> None:
        arrived: dict[int, float] = {}
        for reader in readers[:-1]:  # the last one has read it all afterwards
            for event in reader.events:
                arrived[event.seq] = min(event.at, arrived.get(event.seq, event.at))
        owner = ""
        for record in volume.events:
            if record["type"] == "status" and record["data"]["status"] == "running":
                if owner in self._killed and record["seq"] in arrived:
                    self.seconds.append(arrived[record["seq"]] - self._killed[owner])
                owner = record["data"]["node"]

    def figures(self, where: str) -> dict[str, int | float]:
        if not self.seconds:
            return {}
        return {
            f"takeovers{where}": len(self.seconds),
            f"median takeover s{where}": statistics.median(self.seconds),
            f"longest takeover s{where}": max(self.seconds),
        }


def run(rounds: int, seed: int, weakened: bool) -> Figures:
    """A round is one kill; of many rounds a share is done with default settings."""
    with tempfile.TemporaryDirectory(prefix="holdfast-kill-") as folder:
        return anyio.run(_run, rounds, seed, weakened, Path(folder), backend_options={"use_uvloop": True})


async def _run(rounds: int, seed: int, weakened: bool, folder: Path) -> Figures:
    ledger = Ledger(LOSSES)
    defaults = rounds // ROUNDS_PER_DEFAULT_ROUND
    weakness = "haste" if weakened else None
    done = await _phase(folder / "quick", ledger, rounds - defaults, seed, weakness, "")
    if defaults:
        done |= await _phase(folder / "defaults", ledger, defaults, seed, weakness, " with default settings")
    return Figures(done, ledger.lost, tuple(ledger.notes))


async def _phase(
    folder: Path, ledger: Ledger, kills: int, seed: int, weakness: str | None, where: str
) -> dict[str, int | float]:
    folder.mkdir()
    settings, make = ({}, _long_demo) if where else (QUICK, Demo)
    async with cluster(folder, NODES, weakness=weakness, **settings) as nodes:
        killer = Killer(nodes.nodes, dice(seed, "kills"), BETWEEN_KILLS if where else BETWEEN_QUICK_KILLS)
        takeovers = Takeovers(killer.killed)
        rng = dice(seed, "readers")
        flow = Flow(nodes, ledger, rng, make, places=PLACES, readers=READERS, on_end=takeovers.note)
        async with anyio.create_task_group() as tg:
            tg.start_soon(flow.run)
            await killer.run(kills)
            flow.enough()
        for complaint in nodes.complaints():
            ledger.notes.append(f"a node said: {complaint}")
    return {
        f"kills{where}": kills,
        f"tasks{where}": flow.tasks,
        f"readers{where}": flow.readers,
        f"connections{where}": flow.connections,
        f"crash loops{where}": flow.crash_loops,
        **takeovers.figures(where),
    }


def _long_demo(number: int) -> Demo:
    """Eight seconds of it, so that most kills with default settings hit tasks."""
    return Demo(number, events=480, steps=160)


CAMPAIGN = Campaign(
    name="kill",
    round="one SIGKILL of a node",
    protection="the order durable, then shown",
    small=8,
    small_weakened=8,
    run=run,
)
