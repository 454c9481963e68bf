"""A campaign's run in a process of its own, that has neither threads nor an event loop and may therefore fork.

python -m tests.campaigns.alone store_kill ROUNDS SEED [weakened]
"""

import gc
import importlib
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import orjson

from tests.campaigns.campaign import Figures

ROOT = Path(__file__).resolve().parent.parent.parent


def run_alone(module: str, rounds: int, seed: int, weakened: bool) -> Figures:
    """What ``rounds_of(rounds, seed, weakened)`` of the module finds."""
    command = [sys.executable, "-m", "tests.campaigns.alone", module, str(rounds), str(seed)]
    done = subprocess.run([*command, *(["weakened"] if weakened else [])], cwd=ROOT, stdout=subprocess.PIPE, check=True)
    found = orjson.loads(done.stdout)
    return Figures(found["done"], found["lost"], tuple(found["notes"]))


def main(module: str, rounds: str, seed: str, *more: str) -> None:
    campaign = importlib.import_module(f"tests.campaigns.{module}")
    gc.collect()
    gc.freeze()  # so that a child does not copy each page that its collector looks at
    figures = campaign.rounds_of(int(rounds), int(seed), "weakened" in more)
    sys.stdout.buffer.write(orjson.dumps(asdict(figures), option=orjson.OPT_INDENT_2) + b"\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
