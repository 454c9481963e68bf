"""The power is cut under nodes at work: on real file systems, and on one that keeps no more than POSIX promises."""

import json
import os
import subprocess
import sys
import tempfile
from typing import TypedDict

import anyio

from tests.campaigns.campaign import Campaign, Figures
from tests.campaigns.mounts import PRIVATE, missing_loop
from tests.campaigns.outages import simulate
from tests.campaigns.promises import Loss, counted
from tests.serving import ROOT

REAL = ("ext4", "xfs")
SIMULATED_CUTS = 10


def run(rounds: int, seed: int, weakened: bool) -> Figures:
    """A file system that can't be mounted here is left out, and the notes say why."""
    done: dict[str, int | float] = {}
    losses: list[Loss] = []
    notes: list[str] = []
    for kind in REAL:
        if (lack := missing_loop(kind)) is not None:
            done[f"{kind} cuts"] = 0
            notes.append(f"no {kind}: {lack}")
            continue
        found = _cut(kind, rounds, seed, weakened)
        done |= found["done"]
        losses += found["losses"]
        notes += [f"{kind}: {loss.kind}: {loss.told}" for loss in found["losses"]]
    simulated = anyio.run(simulate, SIMULATED_CUTS * rounds, seed, weakened)
    lost = counted(losses)
    return Figures(
        done | simulated.done,
        {kind: count + simulated.lost[kind] for kind, count in lost.items()},
        (*notes, *simulated.notes),
    )


class Found(TypedDict):
    done: dict[str, int]
    losses: list[Loss]


def _cut(kind: str, cuts: int, seed: int, weakened: bool) -> Found:
    """In a process of its own, whose mounts end with it."""
    with tempfile.TemporaryDirectory(prefix="holdfast-power-") as folder:
        program = [sys.executable, "-P", "-m", "tests.campaigns.cutting", kind, *map(str, (cuts, seed, weakened))]
        ran = subprocess.run(
            [*PRIVATE, *program, folder],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            check=True,
        )
    found = json.loads(ran.stdout)
    return {"done": found["done"], "losses": [Loss(*loss) for loss in found["losses"]]}


CAMPAIGN = Campaign(
    name="power",
    round=f"one power cut of each real file system, and {SIMULATED_CUTS} simulated ones",
    protection="fsync",
    small=4,
    small_weakened=2,
    run=run,
)
