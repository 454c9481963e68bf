"""Runs the whole suite in workers side by side: half of it waits for clocks, disks and browsers.

Each worker takes the next file of tests that nobody has begun, of a group of its own as long as there is one, so all of
them end at about the same time. What failed is run once more when all else is done, and its name is printed: beside
other tests a machine can be too slow for a time limit, which is no fault of the program. What fails alone as well,
fails.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

ROOT = Path(__file__).resolve().parent.parent
TRACES = ROOT / ".pytest_cache"
WORKERS = max(3, (os.cpu_count() or 1) + 1)
GROUPS = (
    ("tests/campaigns/", "tests/contract/"),
    ("tests/e2e/", "tests/workflows/browse/", "tests/reports/", "tests/sources/", "tests/command/"),
    ("tests/",),
)
"""How the names of what a worker begins with begin, each worker with another group: several browsers, or several
campaigns, would be in each other's way."""
SINGLY = ("tests/campaigns/test_campaigns.py", "tests/contract/test_machine.py")
"""Files whose tests share nothing and last long: each of them is taken for itself."""
PASSED, FAILED = 0, 1


class Taking:
    """Runs what no other worker has taken. ``taken`` is a folder that all of them have, with a file for each taking."""

    def __init__(self, worker: int, taken: Path) -> None:
        self._worker, self._taken = worker, taken

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        if session.testsfailed:
            raise session.Interrupted("what could not be read is no test that passes")
        taken = self._items(session.items)
        item = next(taken, None)
        while item is not None:
            following = next(taken, None)  # a test is told which one follows it: what both of them use stays
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            item = following
            if session.shouldstop:
                raise session.Interrupted(session.shouldstop)
        return True

    def _items(self, items: list[pytest.Item]) -> Iterator[pytest.Item]:
        groups: dict[str, list[pytest.Item]] = {}
        for item in items:
            file = item.nodeid.partition("::")[0]
            groups.setdefault(item.nodeid if file in SINGLY else file, []).append(item)
        for name in sorted(groups, key=lambda name: _place(name, self._worker)):
            if self._take(name):
                yield from groups[name]

    def _take(self, name: str) -> bool:
        try:
            (self._taken / quote(name, safe="")).open("x").close()
        except FileExistsError:
            return False
        return True


def _place(name: str, worker: int) -> int:
    """The worker's own group comes first, then the next one."""
    group = next(number for number, starts in enumerate(GROUPS) if name.startswith(starts))
    return (group - worker) % len(GROUPS)


def arguments(number: int, *more: str) -> list[str]:
    return ["-o", f"cache_dir={TRACES}/part-{number}", *more, "tests"]


def work(number: int, taken: Path) -> int:
    # Without what an earlier run remembers: were this one cut off, that would be taken for its failures.
    return pytest.main(arguments(number, "--cache-clear"), plugins=[Taking(number, taken)])


def main() -> int:
    TRACES.mkdir(exist_ok=True)
    running = []
    with tempfile.TemporaryDirectory(prefix="holdfast-suite-") as taken:
        for number in range(WORKERS):
            with (TRACES / f"part-{number}.log").open("wb") as log:
                worker = [sys.executable, "-P", __file__, str(number), taken]
                running.append(subprocess.Popen(worker, cwd=ROOT, stdout=log, stderr=subprocess.STDOUT))  # noqa: S603 - ours
        try:
            ends = [each.wait() for each in running]
        except BaseException:
            for each in running:
                each.terminate()
            raise
    for number in range(WORKERS):
        sys.stdout.write((TRACES / f"part-{number}.log").read_text("utf-8", "replace"))
        sys.stdout.flush()

    status = PASSED
    for number, end in enumerate(ends):
        if end == FAILED:
            print(f"Worker {number}: once more, alone, what failed beside the others:", flush=True)
            again = arguments(number, "--last-failed", "--last-failed-no-failures=none")
            command = [sys.executable, "-P", "-m", "pytest", *again]
            end = subprocess.run(command, cwd=ROOT, check=False).returncode  # noqa: S603 - ours
        elif end != PASSED:
            print(f"Worker {number} did not come to its end: exit status {end}.", flush=True)
        status = status or end
    return status


if __name__ == "__main__":
    raise SystemExit(work(int(sys.argv[1]), Path(sys.argv[2])) if sys.argv[1:] else main())
