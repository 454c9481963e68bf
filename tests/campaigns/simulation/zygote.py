"""`python -m tests.campaigns.simulation.zygote`: forks one process for each simulated world.

Reads one JSON request a line, ``{"seed": …, "weakness": name or null}``, and answers each with one line, the world's
story, in no order. All is imported once, and nothing of one world is left for the next: what a world does depends on
its seed alone, whichever came before it.
"""

import gc
import os
import select
import signal
import sys
from collections.abc import Callable
from typing import Any, NoReturn

import orjson

from tests.campaigns.simulation import world

LONGEST_WORLD_SECONDS = 120
PIECE = 1 << 16

Request = dict[str, Any]


def main() -> None:
    if os.environ.get("PYTHONHASHSEED") != "0":
        sys.exit("The order of sets must not depend on chance: set PYTHONHASHSEED=0.")
    world.install()
    from tests.campaigns.simulation.universe import tell

    gc.disable()
    gc.freeze()
    requests = [orjson.loads(line) for line in sys.stdin.buffer]
    places = len(os.sched_getaffinity(0))
    running: dict[int, tuple[int, Request, list[bytes]]] = {}
    while requests or running:
        while requests and len(running) < places:
            request = requests.pop(0)
            reading, writing = os.pipe()
            pid = os.fork()
            if pid == 0:
                _live(writing, request, tell)
            os.close(writing)
            running[reading] = (pid, request, [])
        for reading in select.select(list(running), [], [])[0]:
            pid, request, pieces = running[reading]
            if piece := os.read(reading, PIECE):
                pieces.append(piece)
                continue
            os.close(reading)
            del running[reading]
            status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
            story = orjson.loads(b"".join(pieces)) if status == 0 else _broken(status)
            sys.stdout.buffer.write(orjson.dumps({**request, **story}) + b"\n")
            sys.stdout.buffer.flush()


def _broken(status: int) -> dict[str, Any]:
    return {"lost": {"worlds that broke": 1}, "done": {}, "notes": [f"its process ended with {status}"], "tail": []}


def _live(writing: int, request: Request, tell: Callable[[int, str | None], Any]) -> NoReturn:
    """The child: one world, told into the pipe. Nothing of it is taken down in order; it just ends."""
    status = 1
    try:
        signal.alarm(LONGEST_WORLD_SECONDS)
        story = memoryview(orjson.dumps(tell(request["seed"], request["weakness"])))
        while story:
            story = story[os.write(writing, story) :]
        status = 0
    finally:
        sys.stderr.flush()
        os._exit(status)


if __name__ == "__main__":
    main()
