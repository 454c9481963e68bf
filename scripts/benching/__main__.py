"""`scripts/bench`: Holdfast beside other ways of doing the same, measured in one run.

Each measure starts its own servers on loopback, in a folder of its own that is removed afterwards. The table has
medians; peers that are not installed are left out, and named with what to install.
"""

import argparse
import os
import platform
import shutil
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from scripts.benching import appends, attach, fanout, idle, replay, soak, start
from scripts.benching.bench import SIZES, Bench, say
from scripts.benching.processes import ROOT
from scripts.benching.table import Outcome, told
from scripts.judging import Failed

MEASURES: dict[str, Callable[[Bench], Outcome]] = {
    "fanout": fanout.measure,
    "idle": idle.measure,
    "replay": replay.measure,
    "attach": attach.measure,
    "appends": appends.measure,
    "start": start.measure,
    "soak": soak.measure,
}
SYNCS = 50


def main(arguments: Sequence[str] | None = None) -> int:
    given = _parser().parse_args(arguments)
    sizes = SIZES[given.size]
    if given.rounds is not None:
        sizes = replace(sizes, rounds=given.rounds)
    if given.minutes is not None:
        sizes = replace(sizes, soak_minutes=given.minutes)
    # SIGTERM ends as Ctrl-C does: with what was started ended and the folder removed.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    given.folder.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="bench-", dir=given.folder))
    bench = Bench(folder, sizes)
    outcomes: list[tuple[str, Outcome]] = []
    failed = []
    try:
        print(_about(folder, given.size, sizes.rounds), flush=True)
        for name in given.measures or MEASURES:
            say(f"{name} …")
            try:
                outcomes.append((name, MEASURES[name](bench)))
            except (Failed, OSError) as error:
                failed.append(f"{name} could not be measured: {error}")
                say(f"  {failed[-1]}")
    except KeyboardInterrupt:
        failed.append("stopped before its end")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(told(outcomes))
    for peer, packages in bench.left_out.items():
        print(f"left out: {peer}, which is not installed here (Debian: {packages})")
    print("\n".join(failed), end="\n" if failed else "")
    return 1 if failed else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="scripts/bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("measures", nargs="*", metavar="MEASURE", choices=[[], *MEASURES], help=", ".join(MEASURES))
    parser.add_argument("--size", choices=SIZES, default="full", help="how large: full (the default), quick, tiny")
    parser.add_argument("--quick", action="store_const", dest="size", const="quick", help="the same as --size quick")
    parser.add_argument("--rounds", type=int, help="how often each is measured")
    parser.add_argument("--minutes", type=float, help="how long soak goes on")
    parser.add_argument(
        "--folder",
        type=Path,
        default=ROOT / "data",
        help="on the disk that counts; the default is this checkout's data",
    )
    return parser


def _about(folder: Path, size: str, rounds: int) -> str:
    load_average = os.getloadavg()[0]
    return (
        f"{size}, {rounds} rounds; {os.cpu_count()} cores, load average {load_average:.1f}; {platform.system()}, "
        f"Python {platform.python_version()}; a sync takes {_sync_ms(folder):.2f} ms here"
    )


def _sync_ms(folder: Path) -> float:
    """The median of making 4 KiB durable, in ms."""
    path = folder / "sync"
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    taken = []
    for _ in range(SYNCS):
        os.write(handle, bytes(4096))
        began = time.monotonic()
        os.fsync(handle)
        taken.append(time.monotonic() - began)
    os.close(handle)
    path.unlink()
    return statistics.median(taken) * 1e3


if __name__ == "__main__":
    sys.exit(main())
