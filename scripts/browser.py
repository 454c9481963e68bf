"""A browser for this checkout, as scripts/serve wants it: look for one, and install one beside the running server.

`ensure` takes no time worth waiting for. What was found, or that an installation failed, is kept in the state file, so
that it is neither looked for nor tried at each start.
"""

import argparse
import fcntl
import os
import subprocess
import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from server.sources.browser import BrowserSearch, find_browser, install_browser, installed_programs, ways_to_install

FOUND, FAILED = "found ", "failed "


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("command", choices=("ensure", "install"))
    parser.add_argument("--state", type=Path, required=True, help="the file that remembers the outcome")
    parser.add_argument("--given", default="", help="the browser that the operator named")
    parser.add_argument("--cache", default="", help="where Playwright keeps its browsers, if not in its usual place")
    args = parser.parse_args(argv)
    cache = Path(args.cache) if args.cache else None
    if args.command == "install":
        return install(args.state, cache)
    if args.given:
        return check_given(Path(args.given))
    return ensure(args.state, cache)


def say(line: str) -> None:
    print(f"holdfast: {line}", file=sys.stderr, flush=True)


def search(cache: Path | None) -> BrowserSearch:
    return find_browser(candidates=installed_programs(cache))


def check_given(path: Path) -> int:
    """A browser that the operator named is theirs to put right; none is installed in its place."""
    for problem in find_browser(path).problems:
        say(f"The browser that was named can't be used. {problem}")
    return 0


def ensure(state: Path, cache: Path | None) -> int:
    remembered = state.read_text().strip() if state.exists() else ""
    if remembered.startswith(FOUND) and os.access(remembered.removeprefix(FOUND), os.X_OK):
        return 0
    found = search(cache)
    if found.browser is not None:
        write(state, f"{FOUND}{found.browser.path}")
        return 0
    if remembered.startswith(FAILED):
        say(f"No browser; an attempt to install one failed on {remembered.removeprefix(FAILED)}")
        say(f"Install Chromium or Chrome, or remove {state} for another attempt. All that needs no browser works.")
        return 0
    log = state.with_suffix(".log")
    with log.open("w") as output:
        subprocess.Popen(  # noqa: S603 - this program itself; it goes on when this one and the server have ended
            [sys.executable, "-P", __file__, "install", "--state", state, "--cache", str(cache or "")],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    say(f"No browser here. One is being installed beside the server, which does not wait for it; see {log}.")
    return 0


def install(state: Path, cache: Path | None) -> int:
    with state.with_suffix(".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return 0  # another start is at it
        # Now, since a machine that is switched off meanwhile would otherwise try at each start.
        write(state, f"{FAILED}{date.today()}: it was interrupted.")
        outcome = install_browser(ways_to_install(), lambda: search(cache), say)
        if outcome.browser is None:
            write(state, f"{FAILED}{date.today()}: {' '.join(' '.join(outcome.problems).split())}")
            return 1
        write(state, f"{FOUND}{outcome.browser.path}")
        say(f"Installed: {outcome.browser.version}")
        return 0


def write(state: Path, line: str) -> None:
    new = state.with_suffix(f".{os.getpid()}")
    new.write_text(line + "\n")
    new.replace(state)


if __name__ == "__main__":
    sys.exit(main())
