"""Runs the whole suite in parts side by side: half of it waits for clocks, disks and browsers.

What failed in a part is run once more when all else is done, and its name is printed: beside other tests a machine can
be too slow for a time limit, which is no fault of the program. What fails alone as well, fails.
"""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TRACES = ROOT / ".pytest_cache"
PARTS = (
    ("tests/campaigns", "tests/contract"),
    ("tests/e2e", "tests/workflows/browse", "tests/reports", "tests/sources", "tests/command"),
)
"""Folders that make a part each, of about the same length. Everything else is one more."""
PASSED, FAILED = 0, 1


def parts() -> list[list[str]]:
    """The arguments of each part: together they are the suite, each test once."""
    named = [list(part) for part in PARTS]
    missing = [folder for part in named for folder in part if not (ROOT / folder).is_dir()]
    if missing:
        raise SystemExit(f"scripts/suite.py names folders that are no longer there: {', '.join(missing)}")
    return [*named, ["tests", *(f"--ignore={folder}" for part in named for folder in part)]]


def command(number: int, part: list[str], *more: str) -> list[str]:
    return [sys.executable, "-P", "-m", "pytest", "-o", f"cache_dir={TRACES}/part-{number}", *more, *part]


def main() -> int:
    TRACES.mkdir(exist_ok=True)
    running = []
    for number, part in enumerate(parts()):
        with (TRACES / f"part-{number}.log").open("wb") as log:
            # Without what an earlier run remembers: were this one cut off, that would be taken for its failures.
            first = command(number, part, "--cache-clear")
            running.append(subprocess.Popen(first, cwd=ROOT, stdout=log, stderr=subprocess.STDOUT))  # noqa: S603 - ours
    try:
        ends = [each.wait() for each in running]
    except BaseException:
        for each in running:
            each.terminate()
        raise
    for number in range(len(running)):
        sys.stdout.write((TRACES / f"part-{number}.log").read_text("utf-8", "replace"))
        sys.stdout.flush()

    status = PASSED
    for number, (end, part) in enumerate(zip(ends, parts(), strict=True)):
        if end == FAILED:
            print(f"Part {number}: once more, alone, what failed beside the others:", flush=True)
            again = command(number, part, "--last-failed", "--last-failed-no-failures=none")
            end = subprocess.run(again, cwd=ROOT, check=False).returncode  # noqa: S603 - ours
        elif end != PASSED:
            print(f"Part {number} ({' '.join(part)}) did not come to its end: exit status {end}.", flush=True)
        status = status or end
    return status


if __name__ == "__main__":
    raise SystemExit(main())
