"""Simulated worlds: the real servers on a fake disk, in virtual time, with every decision made by the seed."""

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import orjson

from tests.campaigns.campaign import Campaign, Figures

ROOT = Path(__file__).resolve().parents[2]
WEAKNESSES = {
    "blind": "leases and the look for a newer claim",
    "early": "leases and that look after the write",
    "haste": "the order durable, then shown",
    "heedless": "one creator",
    "unsynced": "any sync",
    "unsynced readers": "the syncs of readers and sealers",
}
"""What is taken away, one at a time; see `tests.campaigns.simulation.stores`, which this process must not import."""
TAIL_LINES = 40


def stories(seeds: Sequence[int], weaknesses: Iterable[str | None] = (None,)) -> Iterator[dict[str, Any]]:
    """What became of the worlds of each of these seeds with each of these weaknesses, in no order."""
    each = tuple(weaknesses)
    wanted = [{"seed": seed, "weakness": weakness} for seed in seeds for weakness in each]
    requests = b"".join(orjson.dumps(one) + b"\n" for one in wanted)
    zygote = subprocess.Popen(
        [sys.executable, "-m", "tests.campaigns.simulation.zygote"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": "0"},
    )
    with zygote:
        if zygote.stdin is None or zygote.stdout is None:
            raise RuntimeError("a zygote is spoken to over pipes")
        zygote.stdin.write(requests)
        zygote.stdin.close()
        for line in zygote.stdout:
            yield orjson.loads(line)
    if zygote.returncode:
        raise RuntimeError(f"the zygote ended with {zygote.returncode}")


def run(rounds: int, seed: int, weakened: bool) -> Figures:
    """A round is a world; its seed is this one or one of those that follow, so that each can be had again alone."""
    seeds = range(seed, seed + rounds)
    return _weakened(seeds) if weakened else _sum_up(list(stories(seeds)))


def _sum_up(told: Sequence[dict[str, Any]]) -> Figures:
    done: Counter[str] = Counter()
    lost: Counter[str] = Counter()
    bad = [story for story in told if any(story["lost"].values())]
    for story in told:
        done.update(story["done"])
        lost.update(story["lost"])
    notes = [note for story in sorted(bad, key=lambda each: int(each["seed"])) for note in _notes(story)]
    return Figures({**done, "worlds with losses": len(bad)}, dict(lost), tuple(notes))


def _notes(story: dict[str, Any]) -> Iterator[str]:
    yield f"seed {story['seed']}: see it again with `scripts/campaign model --rounds 1 --seed {story['seed']}`"
    yield from (f"  {note}" for note in story["notes"])
    yield "  the last calls before its end:"
    yield from (f"    {line}" for line in story["tail"][-TAIL_LINES:])


def _weakened(seeds: Sequence[int]) -> Figures:
    """Each protection by itself: unless the lack of every one of them is noticed, none is."""
    told: dict[str, list[dict[str, Any]]] = {weakness: [] for weakness in WEAKNESSES}
    for story in stories(seeds, WEAKNESSES):
        told[story["weakness"]].append(story)
    found = {weakness: _sum_up(worlds) for weakness, worlds in told.items()}
    noticed = {f"noticed without {what}": found[name].done["worlds with losses"] for name, what in WEAKNESSES.items()}
    unnoticed = [WEAKNESSES[name] for name, figures in found.items() if figures.clean]
    lost = {} if unnoticed else dict(sum((Counter(figures.lost) for figures in found.values()), Counter()))
    return Figures(noticed, lost, tuple(f"not noticed: without {what}" for what in unnoticed))


CAMPAIGN = Campaign(
    name="model",
    round="one simulated world",
    protection="one of six",
    small=40,
    small_weakened=12,
    run=run,
)
