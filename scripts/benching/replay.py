"""A finished task's events from the disk, all of them and the last ten, at a server that has just been started.

The first replay of a log leaves a rendition of it behind, from which later ones are sent; both are measured.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from urllib.parse import urlencode

from scripts.benching.bench import NAIVE, NGINX, Bench
from scripts.benching.holdfast import Holdfast, events_of, holdfast
from scripts.benching.load import Plan
from scripts.benching.peers import nginx, peers_app
from scripts.benching.processes import carried_out, wait_until_at_rest
from scripts.benching.table import HOLDFAST, Outcome
from scripts.judging import Failed
from scripts.outside import wait_for as wait_briefly

SIZE = 20
STEPS = 10
TAIL = 10
MARK = "event: output\n"
RENDITION = "rendition"
ALL, AGAIN, FIRST, LAST = (
    "a finished task from disk",
    "the same once more",
    "the same without a rendition",
    "its last ten events",
)
TAIL_MILLISECONDS = 3.0


def measure(bench: Bench) -> Outcome:
    folder, files, events = bench.room("replay"), bench.room("replay-files"), bench.sizes.replay_events
    outcome, saved = Outcome(), files / "events"
    with holdfast(folder) as own:
        task_id = own.finished(events=events, size=SIZE, steps=STEPS)
        target = events_of(task_id)
        log = own.log(task_id)
        rendition = log.with_name(RENDITION)
        carried_out(_plan(own.port, target, save=str(saved)), folder)
        wait_briefly(rendition.exists, "a rendition")
    last_seen = _id_before_the_last(saved.read_bytes())
    again: list[float] = []
    tail_again: list[float] = []

    def cold() -> float:
        with rested(folder) as own:
            seconds = _all(own.port, target, folder, events)
            again.append(_all(own.port, target, folder, events))
            return seconds

    def first() -> float:
        aside = rendition.rename(files / RENDITION)
        try:
            with rested(folder) as own:
                return _all(own.port, target, folder, events)
        finally:
            aside.replace(rendition)

    def cold_tail() -> float:
        with rested(folder) as own:
            seconds = _tail(own.port, target, folder, last_seen)
            tail_again.append(_tail(own.port, target, folder, last_seen))
            return seconds

    with ExitStack() as stack:
        app, _ = stack.enter_context(peers_app(folder))
        static = bench.enter(stack, NGINX, nginx(folder, files))
        naive = f"/replay?{urlencode({'file': str(log)})}"
        subjects: dict[str, Callable[[], float]] = {
            HOLDFAST: cold,
            NAIVE: partial(_all, app, naive, folder, events, mark=MARK.replace("\n", "\r\n")),
        }
        if static is not None:
            subjects[NGINX] = partial(_all, static, "/events", folder, events)
        seconds = bench.rounds(subjects)
    without = bench.rounds({HOLDFAST: first})
    tails = bench.rounds({HOLDFAST: cold_tail})
    peers = {who: rounds for who, rounds in seconds.items() if who != HOLDFAST}
    outcome.add(ALL, "ms", _milliseconds(seconds))
    outcome.add(AGAIN, "ms", _milliseconds({HOLDFAST: again, **peers}))
    outcome.add(FIRST, "ms", _milliseconds(without))
    outcome.add(LAST, "ms", _milliseconds(tails))
    outcome.add(f"{LAST}, once more", "ms", _milliseconds({HOLDFAST: tail_again}))
    outcome.want_ratio(ALL, NGINX, 3, at_least=False)
    outcome.want_ratio(ALL, NAIVE, 1 / 50, at_least=False)
    outcome.want(f"{LAST}, ms", outcome.median(LAST, HOLDFAST), TAIL_MILLISECONDS, at_least=False)
    outcome.notes.append(f"{events:,} events, {saved.stat().st_size / 1e6:.1f} MB")
    return outcome


@contextmanager
def rested(folder: Path) -> Iterator[Holdfast]:
    """A server that has just been started, when what it begins with is done: it reads its library then."""
    with holdfast(folder) as own:
        wait_until_at_rest(own.pid)
        yield own


def _milliseconds(seconds: dict[str, list[float]]) -> dict[str, list[float]]:
    return {who: [each * 1e3 for each in rounds] for who, rounds in seconds.items()}


def _plan(port: int, target: str, *, mark: str = MARK, last_seen: str = "", save: str = "") -> Plan:
    seen = {"Last-Event-ID": last_seen} if last_seen else {}
    return Plan("whole", port, [(target, 1)], headers={"Connection": "close", **seen}, mark=mark, save=save)


def _all(port: int, target: str, folder: Path, events: int, *, mark: str = MARK) -> float:
    found = carried_out(_plan(port, target, mark=mark), folder)
    if found["found"] != events:
        raise Failed(f"{found['found']} of {events} events came")
    return float(found["seconds"])


def _tail(port: int, target: str, folder: Path, last_seen: str) -> float:
    found = carried_out(_plan(port, target, mark="\nid: ", last_seen=last_seen), folder)
    if found["found"] != TAIL:
        raise Failed(f"{found['found']} events came where {TAIL} were due")
    return float(found["seconds"])


def _id_before_the_last(body: bytes) -> str:
    """The id of the event that ten others follow."""
    ids = [line.removeprefix(b"id: ") for line in body.split(b"\n") if line.startswith(b"id: ")]
    return ids[-TAIL - 1].decode()
