"""Finding a Chromium on this machine, and installing one where that can be done. Driving it is done elsewhere.

Where the operator named one, that one is taken or none. Otherwise the system's own is preferred, since the system
keeps it up to date and has the libraries for it, then the one that Playwright keeps.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

SYSTEM_NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome", "chrome")
MAC_PROGRAMS = (
    Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"),
    Path("/Applications/Chromium.app/Contents/MacOS/Chromium"),
)
PLAYWRIGHT_CACHES = (Path("~/.cache/ms-playwright"), Path("~/Library/Caches/ms-playwright"))
PLAYWRIGHT_PROGRAMS = (
    "chromium-*/chrome-*/chrome",
    "chromium-*/chrome-*/*.app/Contents/MacOS/*",
    "chromium_headless_shell-*/chrome-*/chrome-headless-shell",
    "chromium_headless_shell-*/chrome-*/headless_shell",
)
VERSION_SECONDS = 20.0  # a Chromium in a snap takes several at its first start
LOOK_AGAIN_SECONDS = 30.0
END_SECONDS = 2.0
ERROR_CHARS = 300
FONT_FOLDERS = (
    Path("/usr/share/fonts"),
    Path("/usr/local/share/fonts"),
    Path("~/.fonts"),
    Path("/System/Library/Fonts"),
)
CHINESE_FONT = re.compile(r"CJK|wqy|WenQuanYi|SourceHan|PingFang|Heiti|Songti|uming|ukai|Droid.*Fallback|NotoS.*[ST]C")


@dataclass(frozen=True, slots=True)
class Browser:
    path: Path
    version: str
    """As the browser says it: ``Chromium 156.0.8078.79``."""


@dataclass(frozen=True, slots=True)
class BrowserSearch:
    """``problems``: a sentence for each program that is there and does not run, or for an installation that failed."""

    browser: Browser | None
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Command:
    """``seconds`` None: it may not be cut short."""

    words: Sequence[str]
    seconds: float | None
    may_fail: bool = False


@dataclass(frozen=True, slots=True)
class Way:
    """One way to a browser: the commands in their order, and what it is called."""

    name: str
    commands: Sequence[Command]


def find_browser(given: Path | None = None, candidates: Iterable[Path] | None = None) -> BrowserSearch:
    """The first browser that runs. Takes a fraction of a second, so call it in a thread.

    :param given: the one that the operator named; no other is looked at.
    :param candidates: where to look otherwise; ``installed_programs()`` when left out.
    """
    if given is not None:
        candidates = [given]
    elif candidates is None:
        candidates = installed_programs()
    problems: list[str] = []
    for path in candidates:
        found = look_at(path)
        if isinstance(found, Browser):
            return BrowserSearch(found, tuple(problems))
        problems.append(found)
    return BrowserSearch(None, tuple(problems))


class RememberedBrowser:
    """What browser there is, by its own word: found once. While there is none it is looked for at most so often.

    Call it in a thread; see `find_browser`.
    """

    def __init__(self, given: Path | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._given, self._clock = given, clock
        self._found: str | None = None
        self._look_at = float("-inf")

    def __call__(self) -> str | None:
        if self._found is None and self._clock() >= self._look_at:
            browser = find_browser(self._given).browser
            self._found = browser.version if browser is not None else None
            self._look_at = self._clock() + LOOK_AGAIN_SECONDS
        return self._found


def installed_programs(cache: Path | None = None) -> Iterator[Path]:
    """What may be a Chromium, best first. ``cache``: where Playwright keeps its own, if not in its usual place."""
    for name in SYSTEM_NAMES:
        if found := shutil.which(name):
            yield Path(found)
    yield from (path for path in MAC_PROGRAMS if path.exists())
    for folder in (cache,) if cache else PLAYWRIGHT_CACHES:
        folder = folder.expanduser()
        for pattern in PLAYWRIGHT_PROGRAMS:
            yield from sorted(folder.glob(pattern), key=_revision, reverse=True)


def look_at(path: Path) -> Browser | str:
    """The browser at this path, or a sentence that says why there is none."""
    try:
        done = subprocess.run(  # noqa: S603 - a browser that the operator or the system put there
            [path, "--version"], capture_output=True, stdin=subprocess.DEVNULL, timeout=VERSION_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return f"{path} did not say its version within {VERSION_SECONDS:.0f} s."
    except OSError as error:
        return f"{path} can't be run: {error.strerror or error}."
    version = done.stdout.decode(errors="replace").strip().splitlines()
    if done.returncode == 0 and version:
        return Browser(path, version[-1])
    said = done.stderr.decode(errors="replace").strip()[-ERROR_CHARS:] or f"it ended with status {done.returncode}"
    return f"{path} does not run: {said}"


def sandbox_problem(browser: Path) -> str | None:
    """Why this browser would run without its sandbox here; None where it has it. Starts it for a second or two."""
    if os.geteuid() == 0:
        return "root"
    words = [str(browser), "--headless", "--disable-gpu", "--no-first-run"]
    with tempfile.TemporaryDirectory(prefix="holdfast-") as profile:
        try:
            done = subprocess.run(  # noqa: S603 - a browser that was found above
                [*words, f"--user-data-dir={profile}", "--dump-dom", "about:blank"],
                capture_output=True,
                stdin=subprocess.DEVNULL,
                timeout=VERSION_SECONDS,
                check=False,
            )
        except (subprocess.TimeoutExpired, OSError) as error:
            return f"it did not start: {error}"[:ERROR_CHARS]
    said = done.stderr.decode(errors="replace").strip()
    return None if done.returncode == 0 and b"<html" in done.stdout else said[-ERROR_CHARS:] or "it did not start"


def chinese_fonts(folders: Sequence[Path] = FONT_FOLDERS) -> list[str]:
    """Names of fonts with Chinese characters: as fontconfig knows them, or else by the names of their files."""
    if found := shutil.which("fc-list"):
        try:
            done = subprocess.run(  # noqa: S603 - the system's own program
                [found, ":lang=zh", "family"], capture_output=True, timeout=VERSION_SECONDS, check=True
            )
            return sorted({line.split(",")[0].strip() for line in done.stdout.decode(errors="replace").splitlines()})
        except (subprocess.SubprocessError, OSError):
            pass
    files = (path for folder in folders for path in folder.expanduser().rglob("*.[ot]t[fc]"))
    return sorted({path.stem for path in files if CHINESE_FONT.search(path.stem)})


def ways_to_install() -> tuple[Way, ...]:
    """The ways that are open to this user on this machine, the one that changes least first."""
    playwright = Way(
        "playwright install chromium",
        [Command([sys.executable, "-P", "-m", "playwright", "install", "--no-shell", "chromium"], seconds=300)],
    )
    ways = [playwright]
    if os.geteuid() == 0 and shutil.which("apt-get"):
        apt = ("env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq", "-o", "DPkg::Lock::Timeout=120")
        install = (*apt, "install", "--yes", "--no-install-recommends", "chromium", "fonts-noto-cjk")
        # Only the download may be cut short: a cut installation leaves a package database that a person has to repair.
        commands = [
            Command([*apt, "update"], seconds=120, may_fail=True),
            Command([*install, "--download-only"], seconds=600),
            Command(install, seconds=None),
        ]
        ways.append(Way("apt-get install chromium", commands))
    return tuple(ways)


def install_browser(
    ways: Sequence[Way],
    find: Callable[[], BrowserSearch] = find_browser,
    log: Callable[[str], None] = lambda line: None,
) -> BrowserSearch:
    """Try one way after another until a browser runs. Takes minutes; what the commands print goes to our own output.

    A way that ends well and leaves a browser that does not run (libraries missing, say) has failed.
    """
    problems: list[str] = []
    for way in ways:
        log(f"Trying: {way.name}")
        problem = next((problem for command in way.commands if (problem := _run(command))), None)
        if problem is None:
            search = find()
            if search.browser is not None:
                return search
            problem = " ".join(search.problems) or "it left no browser that can be found"
        log(f"{way.name}: {problem}")
        problems.append(f"{way.name}: {problem}")
    return BrowserSearch(None, tuple(problems))


def _run(command: Command) -> str | None:
    """What went wrong, or None. A command that takes too long is ended together with all that it started."""
    try:
        running = subprocess.Popen(  # noqa: S603 - the commands are those of ways_to_install
            command.words, stdin=subprocess.DEVNULL, start_new_session=True
        )
    except OSError as error:
        return f"{command.words[0]} can't be run: {error.strerror or error}"
    try:
        status = running.wait(command.seconds)
    except subprocess.TimeoutExpired:
        _end(running)
        return f"not done within {command.seconds:g} s"
    return f"ended with status {status}" if status and not command.may_fail else None


def _end(running: "subprocess.Popen[bytes]") -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(running.pid, number)
            running.wait(END_SECONDS)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            continue


def _revision(path: Path) -> int:
    """Of ``…/chromium-1255/chrome-linux64/chrome``: 1255."""
    numbers = (part.rpartition("-")[2] for part in reversed(path.parts) if part.startswith("chromium"))
    return next((int(number) for number in numbers if number.isdigit()), 0)
