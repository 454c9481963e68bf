"""Simulated worlds: the real servers on a fake disk, in virtual time, with every decision made by the seed."""

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import orjson

from tests.campaigns.campaign import Campaign, Figures
from tests.campaigns.ledger import MOST_NOTES

ROOT = Path(__file__).resolve().parents[2]
WEAKNESSES = ("blind", "early", "haste", "heedless", "unsynced", "unsynced readers")
TAIL_LINES = 40


def stories(seeds: Sequence[int], weakness: str | None = None) -> Iterator[dict[str, Any]]:
    """What became of these worlds, in no order."""
    requests = b"".join(orjson.dumps({"seed": seed, "weakness": weakness}) + b"\n" for seed in seeds)
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
    """A round is a world; its seed is this one's or one of those that follow, so that each can be had again alone."""
    seeds = range(seed, seed + rounds)
    return _weakened(seeds) if weakened else _told(seeds, None)


def _told(seeds: Sequence[int], weakness: str | None) -> Figures:
    done: Counter[str] = Counter()
    lost: Counter[str] = Counter()
    bad: list[dict[str, Any]] = []
    for story in stories(seeds, weakness):
        if "broken" in story:
            story |= {"lost": {"worlds that broke": 1}, "done": {}, "notes": [story["broken"]], "tail": []}
        done.update(story["done"])
        lost.update(story["lost"])
        if any(story["lost"].values()):
            bad.append(story)
    notes = [note for story in sorted(bad, key=lambda each: int(each["seed"])) for note in _notes(story, weakness)]
    worlds = {"worlds with losses": len(bad)}
    return Figures({**done, **worlds}, dict(lost), tuple(notes[: MOST_NOTES * TAIL_LINES]))


def _notes(story: dict[str, Any], weakness: str | None) -> Iterator[str]:
    yield f"seed {story['seed']}: see it again with `scripts/campaign model --rounds 1 --seed {story['seed']}`"
    yield from (f"  {note}" for note in story["notes"])
    yield "  the last calls before its end:"
    yield from (f"    {line}" for line in story["tail"][-TAIL_LINES:])


def _weakened(seeds: Sequence[int]) -> Figures:
    """Each protection by itself: unless the lack of every one of them is noticed, nothing is."""
    found = {weakness: _told(seeds, weakness) for weakness in WEAKNESSES}
    noticed = {
        f"worlds with losses, {weakness}": figures.done["worlds with losses"] for weakness, figures in found.items()
    }
    unnoticed = [weakness for weakness, figures in found.items() if figures.clean]
    lost: Counter[str] = Counter()
    if not unnoticed:
        for figures in found.values():
            lost.update(figures.lost)
    return Figures(noticed, dict(lost), tuple(f"not noticed: {weakness}" for weakness in unnoticed))


CAMPAIGN = Campaign(
    name="model",
    round="one simulated world",
    protection="one of: the look for a newer claim, its place after the write, durable before shown, one creator, syncs",
    small=40,
    small_weakened=12,
    run=run,
)
