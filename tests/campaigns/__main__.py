"""`scripts/campaign NAME --rounds N --seed S`: one campaign at any size. Exit status 1 when something was lost."""

import argparse
import importlib
import sys

from tests.campaigns.campaign import Campaign, timed

NAMES = (
    "kill",
    "store-kill",
    "freeze",
    "store-freeze",
    "race",
    "store-race",
    "disk",
    "power",
    "rot",
    "resume",
    "clock",
    "rolling",
    "model",
    "contract",
    "egress",
)


def module_of(name: str) -> str:
    return f"tests.campaigns.{name.replace('-', '_')}"


def campaign(name: str) -> Campaign:
    found: Campaign = importlib.import_module(module_of(name)).CAMPAIGN
    return found


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="scripts/campaign", description=__doc__)
    parser.add_argument("name", choices=NAMES)
    parser.add_argument("--rounds", type=int, help="how many; default: as many as the test suite runs")
    parser.add_argument("--seed", type=int, default=1, help="the same seed does the same again")
    parser.add_argument("--weakened", action="store_true", help="without the protection: it must report losses")
    given = parser.parse_args(arguments)
    wanted = campaign(given.name)
    lack = wanted.missing()
    if lack is not None:
        sys.stderr.write(f"{wanted.name}: can't run here: {lack}\n")
        return 2
    rounds = given.rounds or (wanted.small_weakened if given.weakened else wanted.small)
    figures, line = timed(wanted, rounds, given.seed, given.weakened)
    sys.stderr.writelines(f"{note}\n" for note in figures.notes)
    sys.stdout.write(f"{line}\n")
    return 0 if figures.clean != given.weakened else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
