"""Calls of several nodes on one store in random order, against a model of what it has promised: `tests.contract`.

On the store in memory, on a folder, and on a folder with nodes that die in the middle of a call.
Hypothesis makes the calls up, and when one of them breaks a promise it looks for the shortest way there.
"""

from collections.abc import Callable
from contextlib import redirect_stdout
from functools import partial
from io import StringIO
from typing import TypeAlias

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.errors import FlakyStrategyDefinition
from hypothesis.stateful import run_state_machine_as_test

from tests.campaigns.campaign import Campaign, Figures
from tests.campaigns.weakened import BlindStore
from tests.contract.dying import DyingMachine
from tests.contract.machine import StoreMachine, files, memory

STEPS = 30
MOST_SEEDS = 20
BROKEN = "promises broken"
Machine: TypeAlias = Callable[[], StoreMachine]
MACHINES: dict[str, Machine] = {
    "memory": partial(StoreMachine, memory),
    "files": partial(StoreMachine, files),
    "files, with deaths": DyingMachine,
}
WEAKENED: dict[str, Machine] = {"files": partial(StoreMachine, partial(files, BlindStore))}


def run(rounds: int, number: int, weakened: bool) -> Figures:
    """A round is one sequence of calls on each kind of store."""
    lost, notes = 0, []
    machines = WEAKENED if weakened else MACHINES
    for name, machine in machines.items():
        if (found := broken_promise(machine, rounds, number, shrink=not weakened)) is not None:
            lost += 1
            notes.append(f"{name}: {found}")
    done: dict[str, int | float] = {
        "kinds of store": len(machines),
        "sequences": rounds * len(machines),
        "calls in each at most": STEPS,
    }
    return Figures(done, {BROKEN: lost}, tuple(notes))


def broken_promise(machine: Machine, sequences: int, number: int, *, shrink: bool = False) -> str | None:
    """The calls that break a promise, as a program, and how; None when none of so many sequences did."""
    wanted = settings(
        max_examples=sequences,
        stateful_step_count=STEPS,
        deadline=None,
        database=None,
        report_multiple_bugs=False,
        phases=[Phase.generate, *([Phase.shrink] if shrink else [])],
        suppress_health_check=list(HealthCheck),
    )
    for another in range(MOST_SEEDS):
        try:
            with redirect_stdout(StringIO()):
                run_state_machine_as_test(
                    seed(f"{number} {another}")(partial(machine)),  # type: ignore[arg-type]
                    settings=wanted,
                )
        except FlakyStrategyDefinition:
            continue  # threads have decided which of two calls came first, and so what can follow: all again
        except Exception as error:  # noqa: BLE001 - whatever it is, it is what was looked for
            return "\n".join([repr(error), *getattr(error, "__notes__", [])])
        return None
    raise RuntimeError(f"no run of {sequences} sequences came to its end")


CAMPAIGN = Campaign(
    name="contract",
    round="one sequence of calls on each kind of store",
    protection="the look for a newer claim before events are shown",
    small=8,
    small_weakened=30,
    run=run,
)
