"""How good the cases are: against brute force, against faulty validators, and out of real texts.

python -m tests.workflows.testcases.measure specs 1000 1
python -m tests.workflows.testcases.measure mutants
python -m tests.workflows.testcases.measure texts
python -m tests.workflows.testcases.measure sentences
"""

import sys
import time
from typing import Any

import anyio
import orjson

from server.workflows.testcases.cases import TECHNIQUES
from server.workflows.testcases.design import design
from server.workflows.testcases.reading.reader import read
from server.workflows.testcases.spec import Module
from server.workflows.testcases.wording import Words
from tests.workflows.testcases import validators
from tests.workflows.testcases.checker import Checker
from tests.workflows.testcases.mutants import mutants_of, verdict
from tests.workflows.testcases.running import made_of
from tests.workflows.testcases.specs import random_module
from tests.workflows.testcases.texts import FOLDER, dropped, said, texts


async def checked(seed: int, strength: int = 2) -> tuple[dict[str, Any], list[str]]:
    """The cases of a random specification, and what is wrong with them."""
    module = random_module(seed)
    made = await design(Module.model_validate(module), TECHNIQUES, strength, Words("en"))
    designed: dict[str, Any] = orjson.loads(orjson.dumps(made))
    return designed, Checker(module, designed, strength).faults()


async def hunted(name: str) -> dict[str, Any]:
    """What the cases made of a validator's requirements find: `{cases, wrong, mutants, survivors, unparsed}`.

    ``wrong``: cases that the right validator does not pass.
    """
    result, _ = await made_of(validators.REQUIREMENTS[name])
    outcomes = [rule["then"] for module in result["spec"]["modules"] for rule in module.get("rules", ())]
    cases, right = result["cases"], getattr(validators, name)
    mutants = list(mutants_of(name))
    survivors = [each.fault for each in mutants if all(verdict(each.run, case, outcomes) for case in cases)]
    wrong = [case["title"] for case in cases if not verdict(right, case, outcomes)]
    counts = {"cases": len(cases), "mutants": len(mutants)}
    return {**counts, "wrong": wrong, "survivors": survivors, "unparsed": result["unparsed"]}


async def specs(count: int, first: int) -> None:
    started, cases, obligations, infeasible, faulty = time.monotonic(), 0, 0, 0, 0
    for seed in range(first, first + count):
        designed, faults = await checked(seed, 3 if seed % 5 == 0 else 2)
        cases += len(designed["cases"])
        obligations += len(designed["obligations"])
        infeasible += sum(one["reason"] is not None for one in designed["obligations"])
        faulty += bool(faults)
        for fault in faults[:3]:
            print(f"seed {seed}: {fault}")  # noqa: T201 - the outcome of a command
    told = f"{count} specifications from {first}: {cases} cases, {obligations} obligations, {infeasible} infeasible"
    print(f"{told}; faulty: {faulty}; {time.monotonic() - started:.0f} s")  # noqa: T201


async def mutants() -> None:
    total, killed, cases = 0, 0, 0
    for name in validators.REQUIREMENTS:
        found = await hunted(name)
        total += found["mutants"]
        killed += found["mutants"] - len(found["survivors"])
        cases += found["cases"]
        print(name, found)  # noqa: T201
    print(f"{killed} of {total} killed ({killed / total:.1%}) by {cases} cases")  # noqa: T201


def all_texts() -> None:
    wanted, found, lost, unread, more = 0, 0, 0, 0, 0
    for text in texts():
        reading = read(text.text)
        got = said(reading)
        missing = [one for one in text.says if one not in got]
        extra = [one for one in got if one not in text.says and not one.endswith("type=integer")]
        wanted, found, more = wanted + len(text.says), found + len(text.says) - len(missing), more + len(extra)
        lost, unread = lost + len(dropped(text.text)), unread + len(reading.unread)
        print(text.name, "missing", missing, "beside", extra)  # noqa: T201
    print(f"{found} of {wanted} read, {more} beside, {unread} passages named as not understood, {lost} lost")  # noqa: T201


def sentences() -> None:
    """What is read of sentences that nobody had in mind: for a person to look through."""
    for line in (FOLDER / "sentences.txt").read_text(encoding="utf-8").splitlines():
        reading = read(line)
        found = [(one.kind, one.subject, one.data) for one in reading.findings]
        print(line, "→", found, [one.text for one in reading.unread])  # noqa: T201


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["specs", count, first]:
            anyio.run(specs, int(count), int(first))
        case ["mutants"]:
            anyio.run(mutants)
        case ["texts"]:
            all_texts()
        case ["sentences"]:
            sentences()
        case _:
            sys.exit(__doc__)
