"""What browse does over real pages, and what harm does to it; each run prints its figures.

``python -m tests.workflows.browse.measure pages FOLDER [PAGES [PARALLELISM]]``: text, screenshot and PDF of each.
``… kills FOLDER [PAGES [MINUTES]]``: the server is killed during each page.
``… deaths FOLDER [PAGES]``: the browser is killed during each second page.
``… stops FOLDER [TIMES]``: how long a stop takes. ``… many FOLDER [PAGES]``: good and bad pages, and what is left over.
"""

import csv
import io
import os
import random
import signal
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import httpx2
from anyio.from_thread import start_blocking_portal

from tests.serving import ServerProcess
from tests.workflows.browse.processes import Process, below, browser_below, rss_megabytes, seconds_until_gone
from tests.workflows.browse.site import Site, site

CAPTURES = ["text", "screenshot", "pdf"]
LIMIT_SECONDS = 1800.0
LOOK_SECONDS = 0.05
MANY_LOOK_SECONDS = 0.5
MARKS = 5
LONG_PAGE = 20
"""The how manieth by its size is taken where a page has to take its time, and not too much of it."""
ORPHAN_SECONDS = 10.0
LONGEST_MOMENT_SECONDS = 1.2
BAD = (
    "status/404 status/500 status/401 dialogs leaving popups refresh wide blank gbk large chunked packed memory "
    "endless alerts silent trickle"
).split()


class Asking:
    """One task at a server, which may be another one after a kill."""

    def __init__(self, url: str, params: dict[str, Any]) -> None:
        # A connection that is kept may be closed by the server just as it is used again, once the machine is slow.
        self.client = httpx2.Client(timeout=60, headers={"Connection": "close"})
        made = self.client.post(url + "/api/tasks", json={"kind": "browse", "params": params})
        made.raise_for_status()
        self.url, self.id = url, made.json()["id"]

    @property
    def at(self) -> str:
        return f"{self.url}/api/tasks/{self.id}"

    def task(self) -> dict[str, Any]:
        found: dict[str, Any] = self.client.get(self.at).json()
        return found

    def done(self) -> int:
        """How many pages have come to an end, as the server says."""
        progress = self.task()["progress"]
        return int(progress["completed"] + progress["failed"] + progress["skipped"])

    def ended(self) -> bool:
        return self.task()["status"] in ("completed", "failed", "stopped")

    def result(self) -> dict[str, Any]:
        found: dict[str, Any] = self.client.get(self.at + "/result").json()
        return found


def until(condition: Callable[[], Any], seconds: float = LIMIT_SECONDS, look: float = LOOK_SECONDS) -> None:
    limit = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < limit, f"not within {seconds} s"
        time.sleep(look)


@contextmanager
def odd_site(folder: Path) -> Iterator[Site]:
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(site(folder)) as found:
        yield found


def documents(folder: Path, pages: int) -> list[str]:
    names = sorted(str(path.relative_to(folder)) for path in folder.rglob("*.html"))
    return [names[number % len(names)] for number in range(pages)]


def batch(found: Site, names: list[str], **more: Any) -> dict[str, Any]:
    tasks = [
        {"url": f"{found.url}/doc/{name}", "captures": CAPTURES, "key": str(number)}
        for number, name in enumerate(names)
    ]
    return {"tasks": tasks, **more}


def start(folder: Path) -> ServerProcess:
    return ServerProcess(folder, HEARTBEAT_SECONDS="0.2", SCAN_SECONDS="0.1", LEASE_SECONDS="10")


def tell(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def pages(folder: Path, number: int, parallelism: int = 1) -> None:
    """Progress is compared at each look with what the site has been asked for."""
    names = documents(folder, number)
    with odd_site(folder) as found, tempfile.TemporaryDirectory() as place:
        server = start(Path(place))
        try:
            began = time.monotonic()
            asking = Asking(server.url, batch(found, names, parallelism=parallelism))
            looks = _watch_progress(asking, found, names, parallelism)
            seconds = time.monotonic() - began
            items = asking.result()["items"]
            _check_files(asking, items, names)
            rows = csv.DictReader(io.StringIO(asking.client.get(asking.at + "/report.csv").content.decode("utf-8-sig")))
            assert [row["key"] for row in rows] == [str(each) for each in range(number)]
            tell(
                f"{number} pages, {parallelism} at once, in {seconds:.0f} s; {looks} looks at their progress; "
                f"without text {sum(not item['text_chars'] for item in items)}; text, screenshot and PDF of each; "
                f"order, CSV and ZIP right; server {rss_megabytes(server.pid)} MB"
            )
        finally:
            server.kill()


def _watch_progress(asking: Asking, found: Site, names: list[str], parallelism: int) -> int:
    paths = [f"/doc/{name}" for name in names]
    looks, before, percentage = 0, 0, 0.0
    limit = time.monotonic() + LIMIT_SECONDS
    while True:
        asked_before = sum(path in found.asked for path in paths)
        task = asking.task()
        progress, done = task["progress"], task["progress"]["completed"]
        asked = sum(path in found.asked for path in paths)
        assert before <= done <= asked, (before, done, asked)
        assert asked_before - done <= parallelism + 1, f"{asked_before} were asked for, and {done} are told of as done"
        assert percentage <= (progress["percentage"] or 0) <= 100, progress
        if parallelism == 1 and (progress["current"] or "").startswith("item:"):
            current = int(progress["current"].removeprefix("item:"))
            assert done - 1 <= current <= done, (current, done)
            assert (found.url + paths[current])[:80] in progress["message"], (current, progress["message"])
        looks, before, percentage = looks + 1, done, progress["percentage"] or 0
        if task["status"] in ("completed", "failed"):
            assert (task["status"], done, percentage) == ("completed", len(names), 100), task
            return looks
        assert time.monotonic() < limit, task
        time.sleep(LOOK_SECONDS)


def _check_files(asking: Asking, items: list[dict[str, Any]], names: list[str]) -> None:
    assert [item["index"] for item in items] == list(range(len(names)))
    assert [item["url"].partition("/doc/")[2] for item in items] == names
    assert {item["status"] for item in items} == {"completed"}, [item["error"] for item in items if item["error"]]
    with zipfile.ZipFile(io.BytesIO(asking.client.get(asking.at + "/report.zip").content)) as archive:
        assert archive.testzip() is None
        sizes = {each.filename.rpartition("/")[2]: each.file_size for each in archive.infolist()}
    for number in range(len(names)):
        assert all(sizes[f"{number:03d}.{ending}"] for ending in ("txt", "png", "pdf")), number


def kills(folder: Path, number: int, minutes: int = 60) -> None:
    """SIGKILL of the server at a random moment of each page, or just after it; what was done is not asked for again.

    After so many minutes the rest is done without kills.
    """
    names = documents(folder, number)
    paths = [f"/doc/{name}" for name in names]
    with odd_site(folder) as found, tempfile.TemporaryDirectory() as place:
        server, chance = start(Path(place)), random.Random(1)  # noqa: S311 - moments, not secrets
        limit = time.monotonic() + 60 * minutes
        try:
            asking = Asking(server.url, batch(found, names))
            seen, done, gone = 0, 0, list[float]()
            then: list[int] = []

            def asked() -> int:
                return sum(path in found.asked for path in paths)

            def moved(seen: int) -> bool:
                return asked() > seen or asking.ended()

            while time.monotonic() < limit:
                until(partial(moved, seen))
                if asking.ended():
                    break
                time.sleep(chance.random() * LONGEST_MOMENT_SECONDS)
                before, done, seen = done, asking.done(), asked()
                assert done >= before, f"{before} were told of as done, and after a kill {done}"
                assert [found.asked[path] for path in paths[: len(then)]] == then
                then = [found.asked[path] for path in paths[:done]]
                processes, at = below(server.pid), time.monotonic()
                server.kill()
                seconds_until_gone(processes, ORPHAN_SECONDS)
                gone.append(time.monotonic() - at)
                server = start(Path(place))
                asking.url = server.url
            until(asking.ended)
            assert [found.asked[path] for path in paths[: len(then)]] == then, "a finished page was asked for again"
            _check_files(asking, asking.result()["items"], names)
            times = [found.asked[path] for path in paths]
            tell(
                f"{number} pages, {len(gone)} kills; no finished page asked for again; asked for twice "
                f"{times.count(2)}, more often {sum(one > 2 for one in times)}; the browser's processes gone "
                f"after a kill within {max(gone):.2f} s, median {sorted(gone)[len(gone) // 2]:.2f} s"
            )
        finally:
            server.kill()


def deaths(folder: Path, number: int) -> None:
    """SIGKILL of the browser during each second page: one try more, and no page is lost."""
    names = documents(folder, number)
    with odd_site(folder) as found, tempfile.TemporaryDirectory() as place:
        server, chance = start(Path(place)), random.Random(1)  # noqa: S311 - moments, not secrets
        try:
            asking = Asking(server.url, batch(found, names))
            killed = 0

            def begun(name: str) -> bool:
                return bool(found.asked[f"/doc/{name}"]) or asking.ended()

            for name in names[::2]:
                until(partial(begun, name))
                time.sleep(chance.random() / 4)
                if browser := browser_below(server.pid):
                    os.kill(browser.pid, signal.SIGKILL)
                    killed += 1
            until(asking.ended)
            items = asking.result()["items"]
            _check_files(asking, items, names)
            attempts = [item["attempts"] for item in items]
            tell(
                f"{number} pages, {killed} kills of the browser; all completed; at the first attempt "
                f"{attempts.count(1)}, at the second {attempts.count(2)}, later {sum(one > 2 for one in attempts)}"
            )
        finally:
            server.kill()


def stops(folder: Path, times: int) -> None:
    """From the call to the status, over HTTP, in each of the situations in turn."""
    by_size = sorted(folder.rglob("*.html"), key=lambda path: -path.stat().st_size)
    long = by_size[min(LONG_PAGE, len(by_size) - 1)].relative_to(folder)
    with odd_site(folder) as found, tempfile.TemporaryDirectory() as place:
        server = start(Path(place))
        took: dict[str, list[float]] = {}

        def during(what: str) -> Callable[[Asking], bool]:
            return lambda asking: asking.task()["progress"]["message"].endswith(f": {what}")

        situations: dict[str, tuple[str, Callable[[Asking], bool]]] = {
            "the browser starts": (f"/doc/{long}", lambda asking: bool(below(server.pid))),
            "a page hangs": ("/hostile/silent", during("navigate")),
            "a script never ends": ("/hostile/endless", during("navigate")),
            "a picture is taken": (f"/doc/{long}", during("screenshot")),
            "a PDF is made": (f"/doc/{long}", during("pdf")),
        }
        try:
            for number in range(times):
                name, (path, reached) = list(situations.items())[number % len(situations)]
                if name == "the browser starts":
                    server.kill()
                    server = start(Path(place))
                url = f"{found.url}{path}?{number}"
                asking = Asking(server.url, {"tasks": [{"url": url, "captures": CAPTURES}]})
                until(partial(reached, asking), 60)
                time.sleep(0.1)
                assert not asking.ended(), name
                began = time.monotonic()
                asking.client.post(asking.at + "/stop", json={}).raise_for_status()
                until(asking.ended, 30, 0.01)
                assert asking.task()["status"] == "stopped"
                took.setdefault(name, []).append(time.monotonic() - began)
            every = sorted(one for each in took.values() for one in each)
            longest = ", ".join(f"while {name} {max(each):.2f} s" for name, each in took.items())
            tell(f"{times} stops: median {every[times // 2]:.2f} s, longest {every[-1]:.2f} s; longest {longest}")
        finally:
            server.kill()


def many(folder: Path, number: int) -> None:
    """Good pages, every fifth of them a bad one: what a long batch leaves behind, and what it takes meanwhile."""
    names = documents(folder, number)
    with odd_site(folder) as found, tempfile.TemporaryDirectory() as place:
        tasks: list[dict[str, Any]] = [
            {"url": f"{found.url}/doc/{name}", "captures": ["text", "screenshot"]} for name in names
        ]
        for at in range(0, number, 5):
            bad = BAD[at // 5 % len(BAD)]
            tasks[at] = {"url": f"{found.url}/hostile/{bad}?{at}", "timeout_s": 4, "retries": 0}
        server = start(Path(place))
        browsers: set[Process] = set()
        try:
            began = time.monotonic()
            asking = Asking(server.url, {"tasks": tasks, "parallelism": 4})

            def so_far(mark: int) -> bool:
                browsers.update(one for one in below(server.pid) if one.is_browser)
                return asking.done() >= mark or asking.ended()

            tell(f"before the first page: server {rss_megabytes(server.pid)} MB")
            for mark in range(number // MARKS, number + 1, number // MARKS):
                until(partial(so_far, mark), look=MANY_LOOK_SECONDS)
                started = below(server.pid)
                tell(
                    f"{mark} pages after {time.monotonic() - began:.0f} s: "
                    f"server {rss_megabytes(server.pid)} MB, "
                    f"browser and driver {rss_megabytes(*(one.pid for one in started))} MB "
                    f"in {len(started)} processes, "
                    f"{sum(one.is_renderer for one in started)} of them for pages; browsers so far {len(browsers)}"
                )
            until(asking.ended)
            items = asking.result()["items"]
            codes: dict[str, int] = {}
            for item in items:
                code = item["error"]["code"] if item["error"] else item["status"]
                codes[code] = codes.get(code, 0) + 1
            assert all(item["error"] is None for item in items if "/doc/" in item["url"])
            tell(f"{number} pages: {codes}; browsers {len(browsers)}")
            left = below(server.pid)
            tell(f"processes of pages left after the last: {sum(one.is_renderer for one in left)}")
        finally:
            server.terminate()
        seconds_until_gone(left, ORPHAN_SECONDS)
        tell("processes left after the server's end: 0")


def main(arguments: list[str]) -> None:
    measures: dict[str, tuple[Callable[..., None], int]] = {
        "pages": (pages, 100),
        "kills": (kills, 100),
        "deaths": (deaths, 20),
        "stops": (stops, 20),
        "many": (many, 500),
    }
    if len(arguments) < 2 or arguments[0] not in measures:
        sys.exit(__doc__)
    measure, usual = measures[arguments[0]]
    measure(Path(arguments[1]).resolve(), *([int(each) for each in arguments[2:]] or [usual]))


if __name__ == "__main__":
    main(sys.argv[1:])
