"""SIGSTOP: nodes that own tasks are frozen, past the lease or nearly, and wake up again when others have taken over."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from random import Random

import anyio

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
READERS = 4
LEASE_SECONDS = 1.0
QUICK = {"heartbeat_seconds": 0.1, "lease_seconds": LEASE_SECONDS, "scan_seconds": 0.1}
FROZEN_LEASES = (0.5, 2.0)
AWAKE_SECONDS = (0.2, 0.8)
NEVER_SECONDS = 1000.0
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


class Tally:
    """What ended tasks have been through."""

    def __init__(self) -> None:
        self.takeovers = self.ignored_bytes = 0

    def note(self, readers: Sequence[Reader], volume: Volume) -> None:
        self.takeovers += len(volume.claims) - 1
        self.ignored_bytes += volume.ignored_bytes


async def freeze(nodes: Sequence[Node], rounds: int, rng: Random) -> int:
    """Freeze nodes at random moments, the first one every other time; returns how often it was past the lease."""
    past_lease = 0
    for number in range(rounds):
        await anyio.sleep(rng.uniform(*AWAKE_SECONDS))
        victim, leases = nodes[0] if number % 2 == 0 else rng.choice(nodes), rng.uniform(*FROZEN_LEASES)
        past_lease += leases > 1
        victim.freeze()
        await anyio.sleep(leases * LEASE_SECONDS)
        victim.thaw()
    return past_lease


def run(rounds: int, seed: int, weakened: bool) -> Figures:
    """A round is one node frozen and woken."""
    with tempfile.TemporaryDirectory(prefix="holdfast-freeze-") as folder:
        return anyio.run(_run, rounds, seed, weakened, Path(folder), backend_options={"use_uvloop": True})


async def _run(rounds: int, seed: int, weakened: bool, folder: Path) -> Figures:
    ledger, tally = Ledger(LOSSES), Tally()
    async with cluster(folder, NODES, weakness="blind" if weakened else None, **QUICK) as nodes:
        await _stop_its_clock(nodes.nodes[0])
        flow = Flow(
            nodes,
            ledger,
            dice(seed, "readers"),
            lambda number: Demo(seed * 1_000_000 + number),
            places=PLACES,
            readers=READERS,
            on_end=tally.note,
        )
        async with anyio.create_task_group() as tg:
            tg.start_soon(flow.run)
            past_lease = await freeze(nodes.nodes, rounds, dice(seed, "freezes"))
            flow.enough()
        for complaint in nodes.complaints():
            ledger.notes.append(f"a node said: {complaint}")
    figures: dict[str, int | float] = {
        "freezes": rounds,
        "of them past the lease": past_lease,
        "tasks": flow.tasks,
        "readers": flow.readers,
        "takeovers": tally.takeovers,
        "bytes written behind a seal, and ignored": tally.ignored_bytes,
    }
    return Figures(figures, ledger.lost, tuple(ledger.notes))


async def _stop_its_clock(node: Node) -> None:
    """From now on it believes that its lease is good when it wakes up, as where a clock stands still meanwhile.

    Only the look for a newer claim is left then.
    """
    await node.kill()
    await node.start(lease_seconds=NEVER_SECONDS)
    await node.listening()


CAMPAIGN = Campaign(
    name="freeze",
    round="one node frozen and woken",
    protection="the look for a newer claim before events are shown",
    small=2,
    small_weakened=3,
    run=run,
)
