"""SIGTERM: node after node is replaced under load, behind a proxy, and no client notices more than a reconnect."""

import statistics
import tempfile
from collections.abc import Sequence
from pathlib import Path
from random import Random

import anyio

from tests.campaigns.campaign import Campaign, Figures
from tests.campaigns.chance import dice
from tests.campaigns.checking import Demo
from tests.campaigns.exchange import Cut, Refused, ask
from tests.campaigns.flow import Flow
from tests.campaigns.ledger import Ledger, Loss
from tests.campaigns.nodes import Cluster, Node, cluster
from tests.campaigns.proxy import Proxy
from tests.campaigns.readers import Reader
from tests.campaigns.volume import Volume

NODES = 3
PLACES = 20
READERS = 10
NEWCOMERS_PER_SECOND = 20
BETWEEN_SECONDS = (0.0, 1.0)
LOOK_BYTES = (1, 4000)
SMALL_ROUNDS = 6
HANDOVER_MS = 1000
LOSSES = (
    Loss.ERROR,
    Loss.CUT,
    Loss.RESET,
    Loss.GAP,
    Loss.DOUBLE,
    Loss.UNEQUAL,
    Loss.REPORT,
    Loss.STEP,
    Loss.OWNER,
    Loss.END,
    Loss.UNENDED,
    Loss.EXIT,
)


class Newcomers:
    """Clients that come all the time: some look into a stream and leave, some ask how a task does."""

    def __init__(self, port: int, flow: Flow, ledger: Ledger, rng: Random) -> None:
        self._port, self._flow, self._ledger, self._rng = port, flow, ledger, rng
        self.answers = 0

    async def run(self) -> None:
        """Until cancelled."""
        async with anyio.create_task_group() as tg:
            while True:
                await anyio.sleep(self._rng.expovariate(NEWCOMERS_PER_SECOND))
                task_id = self._flow.any_task(self._rng)
                if task_id is not None:
                    tg.start_soon(self._look_in if self._rng.random() < 0.5 else self._ask, task_id)

    async def _look_in(self, task_id: str) -> None:
        most = self._rng.randint(*LOOK_BYTES)
        reader = Reader(f"/api/tasks/{task_id}/events", [self._port], self._ledger, cut=lambda: most)
        await reader.connect()
        count_unclean_ends(self._ledger, [reader])
        self.answers += reader.connections

    async def _ask(self, task_id: str) -> None:
        target = f"/api/tasks/{task_id}"
        try:
            status, _ = await ask(self._port, target)
        except Cut as error:
            self._ledger.lose(Loss.ERROR if isinstance(error, Refused) else Loss.CUT, f"{target} was not answered")
            return
        self.answers += 1
        if status != 200:
            self._ledger.lose(Loss.ERROR, f"{target} was answered {status}")


class Ends:
    """What the readers of ended tasks have met, and how long tasks were on their way between two owners."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self.handovers: list[int] = []

    def note(self, readers: Sequence[Reader], volume: Volume) -> None:
        count_unclean_ends(self._ledger, readers)
        self.handovers += volume.handovers()


def count_unclean_ends(ledger: Ledger, readers: Sequence[Reader]) -> None:
    for reader in readers:
        for kind, count in ((Loss.ERROR, reader.refusals), (Loss.CUT, reader.breaks)):
            for _ in range(count):
                ledger.lose(kind, f"a reader of {reader.target} was refused, or cut off in mid-answer")


async def replace(nodes: Sequence[Node], rounds: int, ledger: Ledger, rng: Random) -> list[float]:
    """One node after the other is ended and started again; returns the seconds from SIGTERM to its exit.

    The next one's turn comes a random while after the last one answers: while it takes tasks up, or when it has.
    """
    took = []
    for number in range(rounds):
        node = nodes[number % len(nodes)]
        await anyio.sleep(rng.uniform(*BETWEEN_SECONDS))
        began = anyio.current_time()
        status = await node.terminate()
        took.append(anyio.current_time() - began)
        if status != 0:
            ledger.lose(Loss.EXIT, f"a node ended with status {status}: {node.said()[-500:]}")
        await node.start()
        await node.listening()
    return took


def run(rounds: int, seed: int, weakened: bool) -> Figures:
    """A round is one node replaced."""
    with tempfile.TemporaryDirectory(prefix="holdfast-rolling-") as folder:
        return anyio.run(_run, rounds, seed, weakened, Path(folder), backend_options={"use_uvloop": True})


async def _run(rounds: int, seed: int, weakened: bool, folder: Path) -> Figures:
    ledger = Ledger(LOSSES)
    async with cluster(folder, NODES, max_concurrent_tasks=PLACES) as nodes, anyio.create_task_group() as tg:
        proxy = Proxy(nodes.ports, retries=not weakened)
        await tg.start(proxy.run)
        figures = await _roll(nodes, proxy, ledger, rounds, seed)
        tg.cancel_scope.cancel()
    return Figures(figures, ledger.lost, tuple(ledger.notes))


async def _roll(nodes: Cluster, proxy: Proxy, ledger: Ledger, rounds: int, seed: int) -> dict[str, int | float]:
    ends = Ends(ledger)
    flow = Flow(
        nodes,
        ledger,
        dice(seed, "readers"),
        lambda number: _demo(number, rounds),
        places=PLACES,
        readers=READERS,
        ports=[proxy.port],
        pause=None,
        on_end=ends.note,
    )
    newcomers = Newcomers(proxy.port, flow, ledger, dice(seed, "newcomers"))
    async with anyio.create_task_group() as visitors:
        visitors.start_soon(newcomers.run)
        async with anyio.create_task_group() as tg:
            tg.start_soon(flow.run)
            await flow.going.wait()
            took = await replace(nodes.nodes, rounds, ledger, dice(seed, "replacements"))
            flow.enough()
        visitors.cancel_scope.cancel()
    for complaint in nodes.complaints():
        ledger.lose(Loss.EXIT, f"a node said: {complaint}")
    return {
        "nodes replaced": rounds,
        "tasks": flow.tasks,
        "readers": flow.readers,
        "connections": flow.connections,
        "other answers": newcomers.answers,
        "asked elsewhere": proxy.asked_elsewhere,
        "handovers": len(ends.handovers),
        "median handover ms": statistics.median(ends.handovers or [0]),
        "longest handover ms": max(ends.handovers, default=0),
        f"handovers over {HANDOVER_MS} ms": sum(each > HANDOVER_MS for each in ends.handovers),
        "median s from SIGTERM to exit": statistics.median(took),
        "longest s from SIGTERM to exit": max(took),
    }


def _demo(number: int, rounds: int) -> Demo:
    """Tasks that outlive several replacements; of a small run, its length."""
    seconds = 4 if rounds <= SMALL_ROUNDS else 12
    return Demo(number, events=5 * seconds, rate=5, steps=5 * seconds)


CAMPAIGN = Campaign(
    name="rolling",
    round="one node ended and started again",
    protection="the proxy's rule to ask another node",
    small=3,
    small_weakened=3,
    run=run,
)
