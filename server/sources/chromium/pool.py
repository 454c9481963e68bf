"""One Chromium for the node: started when first needed, renewed after so many contexts or when it has died.

A browser and the driver that talks to it belong together: both are started anew, so that neither grows for ever. The
driver's channel is a pipe to this process; when this process is gone, however it ended, the driver sees the pipe close
and ends the browser.
"""

import contextlib
import logging
import os
import signal
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
from playwright.async_api import Browser, BrowserContext, Error, Playwright, async_playwright

from server.errors import BrowserMissing
from server.sources.chromium.failures import failure_of
from server.sources.guard import EgressGuard, Pass
from server.sources.launching import CONTEXT_OPTIONS, LAUNCH_ARGUMENTS

SWITCHES = (*LAUNCH_ARGUMENTS, "--disable-gpu", "--js-flags=--max-old-space-size=1024")
"""A page's script may take one gigabyte; with more its process ends, and its page fails."""
VIEWPORT = {"width": 1280, "height": 800}
SEARCH_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
CONTEXTS_AT_ONCE = 4
CONTEXTS_EACH = 100
LONGEST_TEMPORARY_FOLDER = 57
"""In bytes. A browser makes a socket in its temporary folder, and the path of a socket is bounded; see unix(7)."""
START_SECONDS = 30.0
CLOSE_SECONDS = 5.0

logger = logging.getLogger(__name__)


@dataclass(eq=False)
class _Running:
    """A browser with its driver. ``pid`` leads the browser's process group."""

    driver: Playwright
    browser: Browser
    pid: int
    opened: int = 0
    in_use: int = 0
    retired: bool = False

    @property
    def finished(self) -> bool:
        """Whether nobody uses it, and nobody will."""
        return self.retired and self.in_use == 0


@dataclass
class Chromium:
    """Contexts of one browser, bounded in number; whoever asked first is served first.

    :param find: the program's path; called in a thread. It raises `BrowserMissing` where there is none.
    :param guard: what all of the browser's connections go through.
    :param environment: what the browser's process gets to see; no key of this server is among it.
    """

    find: Callable[[], Path]
    guard: EgressGuard = field(default_factory=EgressGuard)
    switches: Sequence[str] = SWITCHES
    environment: Mapping[str, str | float | bool] = field(default_factory=lambda: _environment(tempfile.gettempdir()))
    contexts_at_once: int = CONTEXTS_AT_ONCE
    contexts_each: int = CONTEXTS_EACH
    started: int = field(default=0, init=False)
    """How many browsers there have been."""
    _current: _Running | None = field(default=None, init=False)
    _older: set[_Running] = field(default_factory=set, init=False)
    _runs: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        self._places = anyio.Semaphore(self.contexts_at_once)
        self._sealed_place = anyio.Semaphore(1)
        self._starting = anyio.Lock()

    @property
    def pid(self) -> int | None:
        """Of the browser that new contexts are opened in."""
        return self._current.pid if self._current is not None else None

    @property
    def in_use(self) -> int:
        """How many contexts there are now."""
        return sum(running.in_use for running in self._all())

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Contexts can be had as long as this lasts; at its end all browsers are ended.

        Within itself it changes nothing, so that each who needs the browser can say so.
        """
        if self._runs:
            yield
            return
        async with self.guard, anyio.create_task_group() as self._closing:
            self._runs = True
            try:
                yield
            finally:
                self._runs = False
                with anyio.CancelScope(shield=True):
                    await self.close()

    @contextlib.asynccontextmanager
    async def context(self, url: str, **options: Any) -> AsyncIterator[tuple[BrowserContext, Pass]]:
        """A fresh context, closed at the end with all its pages, and its pass.

        :param url: what will be opened in it; of private places it may reach this one alone, if any.
        :raises FetchFailed: (``invalid_url``)
        :raises BrowserMissing: there is no browser on this machine, or it does not start.
        :raises BrowserDied: it ended before the context was there.
        """
        async with (
            self._places,
            self.guard.admit(url) as admitted,
            self._opened(proxy=admitted.proxy, viewport=VIEWPORT, **options) as context,
        ):
            yield context, admitted

    @contextlib.asynccontextmanager
    async def sealed(self) -> AsyncIterator[BrowserContext]:
        """A fresh context without a pass: it reaches nothing, and no script of a page runs in it.

        It is for what this server has made itself, and has a place of its own, so that it waits for no batch of pages.

        :raises BrowserMissing: as above.
        :raises BrowserDied: as above.
        """
        async with self._sealed_place, self._opened(java_script_enabled=False, offline=True) as context:
            yield context

    @contextlib.asynccontextmanager
    async def _opened(self, **options: Any) -> AsyncIterator[BrowserContext]:
        running = await self._take()
        context: BrowserContext | None = None
        given_back = False
        try:
            try:
                context = await running.browser.new_context(**CONTEXT_OPTIONS, **options)  # type: ignore[arg-type] # any
            except Error as error:
                self._retire(running)
                raise failure_of(error) from None
            yield context
        except anyio.get_cancelled_exc_class():
            # Who is stopped need not wait until the browser has let go of the page.
            given_back = True
            self._closing.start_soon(self._give_back, running, context)
            raise
        finally:
            if not given_back:
                with anyio.CancelScope(shield=True):
                    await self._give_back(running, context)

    async def close(self) -> None:
        """End all browsers. The next context would start another one."""
        if self._current is not None:
            self._retire(self._current)
        for running in list(self._older):
            self._older.discard(running)
            await _end(running)

    def _all(self) -> list[_Running]:
        return [*self._older, *([self._current] if self._current is not None else [])]

    async def _take(self) -> _Running:
        async with self._starting:
            running = self._current
            if running is not None and not running.browser.is_connected():
                self._retire(running)
            if self._current is None:
                for older in [each for each in self._older if each.finished]:
                    self._older.discard(older)
                    await _end(older)
                self._current = await self._start()
            running = self._current
            running.opened += 1
            running.in_use += 1
            if running.opened >= self.contexts_each:
                self._retire(running)
            return running

    def _retire(self, running: _Running) -> None:
        """No further context is opened in it."""
        running.retired = True
        self._older.add(running)
        if self._current is running:
            self._current = None

    async def _give_back(self, running: _Running, context: BrowserContext | None) -> None:
        closed = context is None
        if context is not None:
            with anyio.move_on_after(CLOSE_SECONDS), contextlib.suppress(Error):
                await context.close()
                closed = True
        running.in_use -= 1
        if not closed or not running.browser.is_connected():
            self._retire(running)
        if running.finished and running in self._older:
            self._older.discard(running)
            await _end(running)

    async def _start(self) -> _Running:
        path = await anyio.to_thread.run_sync(self.find)
        as_root = os.geteuid() == 0
        if as_root and self.started == 0:
            logger.warning("the browser runs without its sandbox, as this server runs as root; use another user")
        try:
            with anyio.fail_after(START_SECONDS):
                running = await self._launch(path, sandbox=not as_root)
        except TimeoutError:
            raise BrowserMissing(f"{path} did not start within {START_SECONDS:.0f} seconds.") from None
        self.started += 1
        logger.info("browser %d runs as process %d", self.started, running.pid)
        return running

    async def _launch(self, path: Path, *, sandbox: bool) -> _Running:
        driver = await async_playwright().start()
        try:
            try:
                browser = await self._launch_by(driver, path, sandbox=sandbox)
            except Error as error:
                if not sandbox or "sandbox" not in error.message:
                    raise
                logger.warning("this system does not let the browser have its sandbox; it runs without one")
                browser = await self._launch_by(driver, path, sandbox=False)
            session = await browser.new_browser_cdp_session()
            processes = await session.send("SystemInfo.getProcessInfo")
            await session.detach()
        except Error as error:
            await _stop(driver)
            raise BrowserMissing(f"{path} does not start: {error.message.splitlines()[0][:200]}") from None
        except BaseException:
            with anyio.CancelScope(shield=True):
                await _stop(driver)
            raise
        pid = next(each["id"] for each in processes["processInfo"] if each["type"] == "browser")
        return _Running(driver, browser, int(pid))

    async def _launch_by(self, driver: Playwright, path: Path, *, sandbox: bool) -> Browser:
        # Loopback too goes through the guard, which Chromium would leave out of its own accord.
        proxy: Any = {**self.guard.proxy, "bypass": "<-loopback>"}
        return await driver.chromium.launch(
            executable_path=path,
            args=list(self.switches),
            chromium_sandbox=sandbox,
            env=dict(self.environment),
            proxy=proxy,
            handle_sigint=False,
            handle_sigterm=False,
            handle_sighup=False,
        )


def _environment(temporary: str) -> dict[str, str | float | bool]:
    given: dict[str, str | float | bool] = {"PATH": SEARCH_PATH, "HOME": str(Path.home()), "LANG": "C.UTF-8"}
    if len(os.fsencode(temporary)) <= LONGEST_TEMPORARY_FOLDER:
        given["TMPDIR"] = temporary
    return given


async def _end(running: _Running) -> None:
    """Close it; if it does not let itself be closed, end its whole process group."""
    with anyio.CancelScope(shield=True):
        closed = False
        with anyio.move_on_after(CLOSE_SECONDS), contextlib.suppress(Error):
            await running.browser.close()
            closed = True
        if not closed:
            _kill_group(running.pid)
        await _stop(running.driver)


def _kill_group(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        # A number that was given to somebody else meanwhile leads no group of its own.
        if os.getpgid(pid) == pid:
            os.killpg(pid, signal.SIGKILL)


async def _stop(driver: Playwright) -> None:
    with anyio.move_on_after(CLOSE_SECONDS), contextlib.suppress(Error):
        await driver.stop()
