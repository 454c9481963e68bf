"""A thousand identical requests over four nodes at once are one run."""

import resource
import statistics
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from random import Random
from urllib.parse import urlencode

import anyio

from tests.campaigns.campaign import Campaign, Figures
from tests.campaigns.chance import dice
from tests.campaigns.checking import Demo, check_task
from tests.campaigns.ledger import Ledger, Loss
from tests.campaigns.nodes import Cluster, cluster
from tests.campaigns.readers import Reader
from tests.campaigns.volume import Volume

NODES = 4
REQUESTS = 1000
PAUSE_SECONDS = 0.05
LIMIT_SECONDS = 120.0
SPARE_FILES = 500
LOSSES = (
    Loss.RUNS,
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


async def storm(nodes: Cluster, demo: Demo, ledger: Ledger, rng: Random) -> float:
    """The same request from all sides at once. Returns the seconds until the last one has all of its stream."""
    readers = [
        Reader(spelled(demo, rng), nodes.ports, ledger, first=number, pause=PAUSE_SECONDS) for number in range(REQUESTS)
    ]
    began = anyio.current_time()
    with anyio.move_on_after(LIMIT_SECONDS) as scope:
        async with anyio.create_task_group() as tg:
            for reader in readers:
                tg.start_soon(reader.follow)
        took = anyio.current_time() - began
        replay = Reader(demo.target, nodes.ports, ledger, pause=PAUSE_SECONDS)
        await replay.follow()
    if scope.cancelled_caught:
        waiting = sum(not reader.ended for reader in readers)
        ledger.lose(Loss.UNENDED, f"seed {demo.seed}: {waiting} readers wait after {LIMIT_SECONDS:.0f} s")
        return LIMIT_SECONDS
    volume = check_task(ledger, demo, nodes.tasks, readers, replay)
    check_one_run(ledger, nodes.tasks, readers, replay, volume)
    return took


def check_one_run(
    ledger: Ledger, tasks: Path, readers: Sequence[Reader], replay: Reader, volume: Volume | None
) -> None:
    """One task, one life, one run of it, and one request that began it."""
    where = f"seed {replay.target}"
    ids = Counter(reader.task.get("id") for reader in readers)
    lives = list((tasks / replay.task["id"]).glob("*.task"))
    began = sum(reader.task.get("reused") is False for reader in readers)
    runs = sum(event.type == "status" and event.data["status"] == "running" for event in replay.events)
    claims = len(volume.claims) if volume is not None else 0
    found = {"tasks": len(ids), "lives": len(lives), "requests that began it": began, "runs": runs, "claims": claims}
    for what, count in found.items():
        if count != 1:
            ledger.lose(Loss.RUNS, f"{where}: {count} {what}")
    for reader in readers:
        if reader.refusals or reader.breaks or reader.connections != 1:
            ledger.lose(Loss.ERROR, f"{where}: a reader needed more than one connection")


def spelled(demo: Demo, rng: Random) -> str:
    """The request, its parameters in any order and its numbers in any spelling."""
    given = [("kind", "demo"), *((name, _spelled(value, rng)) for name, value in demo.params.items())]
    rng.shuffle(given)
    return f"/api/stream?{urlencode(given)}"


def _spelled(value: float, rng: Random) -> str:
    return f"{value}.0" if isinstance(value, int) and rng.random() < 0.5 else str(value)


def run(rounds: int, seed: int, weakened: bool) -> Figures:
    """A round is one storm of requests."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = min(REQUESTS + SPARE_FILES, hard) if hard != resource.RLIM_INFINITY else REQUESTS + SPARE_FILES
    if soft != resource.RLIM_INFINITY and soft < needed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))
    with tempfile.TemporaryDirectory(prefix="holdfast-race-") as folder:
        return anyio.run(_run, rounds, seed, weakened, Path(folder), backend_options={"use_uvloop": True})


async def _run(rounds: int, seed: int, weakened: bool, folder: Path) -> Figures:
    ledger = Ledger(LOSSES)
    rng = dice(seed, "spellings")
    took = []
    async with cluster(folder, NODES, weakness="heedless" if weakened else None) as nodes:
        for number in range(rounds):
            demo = Demo(seed * 1_000_000 + number, events=50, rate=0, steps=10)
            took.append(await storm(nodes, demo, ledger, rng))
        for complaint in nodes.complaints():
            ledger.notes.append(f"a node said: {complaint}")
    figures: dict[str, int | float] = {
        "identical requests": rounds * REQUESTS,
        "nodes": NODES,
        "median s for all of them": statistics.median(took),
    }
    return Figures(figures, ledger.lost, tuple(ledger.notes))


CAMPAIGN = Campaign(
    name="race",
    round=f"{REQUESTS} identical requests at once",
    protection="creation that is atomic in the store",
    small=1,
    small_weakened=1,
    run=run,
)
