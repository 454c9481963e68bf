"""Calls of several nodes on one store in random order, against a model of what it has promised: `tests.contract`.

Hypothesis makes the calls up, and when one of them breaks a promise it looks for the shortest way there.
"""

from contextlib import redirect_stdout
from functools import partial
from io import StringIO

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.campaigns.campaign import Campaign, Figures
from tests.campaigns.weakened import BlindStore
from tests.contract.machine import StoreMachine, Stores, files, memory

STEPS = 30
BROKEN = "promises broken"
STORES: dict[str, Stores] = {"memory": memory, "files": files}
WEAKENED: dict[str, Stores] = {"files": partial(files, BlindStore)}


def run(rounds: int, number: int, weakened: bool) -> Figures:
    """A round is one sequence of calls on each store."""
    lost, notes = 0, []
    stores = WEAKENED if weakened else STORES
    for name, opened in stores.items():
        if (found := broken_promise(opened, rounds, number, shrink=not weakened)) is not None:
            lost += 1
            notes.append(f"{name}: {found}")
    done: dict[str, int | float] = {
        "stores": len(stores),
        "sequences": rounds * len(stores),
        "calls in each at most": STEPS,
    }
    return Figures(done, {BROKEN: lost}, tuple(notes))


def broken_promise(stores: Stores, sequences: int, number: int, *, shrink: bool = False) -> str | None:
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
    try:
        with redirect_stdout(StringIO()):
            run_state_machine_as_test(seed(number)(partial(StoreMachine, stores)), settings=wanted)  # type: ignore[arg-type]
    except Exception as error:  # noqa: BLE001 - whatever it is, it is what was looked for
        return "\n".join([repr(error), *getattr(error, "__notes__", [])])
    return None


CAMPAIGN = Campaign(
    name="contract",
    round="one sequence of calls on each store",
    protection="the look for a newer claim before events are shown",
    small=15,
    small_weakened=30,
    run=run,
)
