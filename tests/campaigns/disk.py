"""The disk refuses: every call of the store, system calls of real nodes, and a volume without room."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import anyio

from tests.campaigns import injecting, mounts
from tests.campaigns.batch import LOSSES
from tests.campaigns.campaign import Campaign, Figures
from tests.campaigns.failing import fail_calls
from tests.serving import ROOT

ROUNDS_PER_INJECTION = 40
ROUNDS_PER_FULL_VOLUME = 60


def run(rounds: int, seed: int, weakened: bool) -> Figures:
    """What can't be done on this machine is left out, and the notes say why. Weakened, only calls of the store fail."""
    found = anyio.run(fail_calls, rounds, seed, weakened)
    done, notes = found.done, found.notes
    lost = {**{str(kind): 0 for kind in LOSSES}, **found.lost}
    if weakened:
        return found
    for part, share in ((_inject, ROUNDS_PER_INJECTION), (_fill, ROUNDS_PER_FULL_VOLUME)):
        more = part(-(-rounds // share), seed)
        done |= more.done
        notes += more.notes
        for kind, count in more.lost.items():
            lost[kind] += count
    return Figures(done, lost, notes)


def _inject(rounds: int, seed: int) -> Figures:
    if (lack := injecting.missing()) is not None:
        return Figures({"injections into system calls": 0}, {}, (lack,))
    with tempfile.TemporaryDirectory(prefix="holdfast-disk-") as folder:
        done, ledger = anyio.run(injecting.inject, rounds, seed, Path(folder), backend_options={"use_uvloop": True})
    return Figures(done, ledger.lost, tuple(ledger.notes))


def _fill(rounds: int, seed: int) -> Figures:
    """In a process of its own, whose mounts end with it."""
    if (lack := mounts.missing()) is not None:
        return Figures({"full volumes": 0}, {}, (lack,))
    with tempfile.TemporaryDirectory(prefix="holdfast-disk-") as folder:
        program = [sys.executable, "-P", "-m", "tests.campaigns.filling", str(rounds), str(seed), folder]
        ran = subprocess.run(
            [*mounts.PRIVATE, *program],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            check=True,
        )
    found = json.loads(ran.stdout)
    return Figures(found["done"], found["lost"], tuple(found["notes"]))


CAMPAIGN = Campaign(
    name="disk",
    round="one fault in the store's calls to the disk; of many rounds a share on real nodes",
    protection="giving an epoch up whose fsync failed, and counting the bytes that a write took",
    small=12,
    small_weakened=40,
    run=run,
)
