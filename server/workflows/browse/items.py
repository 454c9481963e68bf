"""One page of a batch: its attempts, and what came of it."""

import tempfile
import time
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any

import anyio
from playwright.async_api import BrowserContext, Error

from server.sources.chromium.failures import BrowserDied, answered
from server.sources.chromium.pool import Chromium
from server.sources.chromium.visit import LOWEST_ERROR, Visit, visiting
from server.sources.failures import SourceFailed
from server.workflows.base import Step as JournalStep
from server.workflows.browse import captures
from server.workflows.browse.params import PageTask
from server.workflows.browse.player import Player
from server.workflows.browse.steps import Step, elsewhere

OPENS_SECONDS = 10.0
ERROR_PICTURE_SECONDS = 3.0
PASSING = frozenset(
    "unreachable unknown_host timeout bad_response not_found no_navigation page_left step_failed assertion_failed "
    "http_408 http_425 http_429 http_500 http_502 http_503 http_504".split()
)
"""What may be otherwise at the next attempt."""


@dataclass
class PageRun:
    """Does one page. ``session``: the cookies and storage to begin with; what it is afterwards stands there again.

    ``acted``: whether something has been tried that may have changed the site.
    """

    pool: Chromium
    index: int
    key: str
    task: PageTask
    steps: list[Step]
    text_chars: int
    session: dict[str, Any] | None = None
    acted: bool = False
    artifacts: list[dict[str, str]] = field(default_factory=list)
    notes: list[dict[str, str]] = field(default_factory=list)
    _said: str = ""

    @property
    def url(self) -> str:
        opened = next((step.url for step in self.steps if step.type == "navigate"), "")
        return self.task.url or opened

    @property
    def name(self) -> str:
        return self.task.title or self.url

    def result(self, status: str, **more: Any) -> dict[str, Any]:
        """The result of this page; what is not given is empty. ``status``: completed, failed, skipped or
        needs_confirmation."""
        return {
            "key": self.key,
            "index": self.index,
            "title": self.task.title,
            "url": self.url,
            "status": status,
            "attempts": 0,
            "final_url": None,
            "http_status": None,
            "text": None,
            "text_chars": 0,
            "extracted": {},
            "artifacts": self.artifacts,
            "notes": self.notes,
            "error": None,
            "plan": None,
            "seconds": 0.0,
            **more,
        }

    def skipped(self, code: str, message: str, status: str = "skipped") -> dict[str, Any]:
        return self.result(status, error={"code": code, "message": message, "step": None, "screenshot": None})

    def not_now(self) -> dict[str, Any] | None:
        code = self.task.not_now(datetime.now(UTC))
        if code == "expired":
            return self.skipped(code, f"It was to be done before {self.task.expires_at}.")
        return self.skipped("not_due", f"It is not due before {self.task.not_before}.") if code else None

    async def run(self, journal: JournalStep, begun: "Attempt | None" = None) -> dict[str, Any]:
        """Try until it is done, the retries are used up, or trying again could do harm.

        :param begun: an attempt that is under way, to be gone on with as the first one.
        :raises BrowserMissing: there is no browser here, which is no fault of the page.
        """
        started, attempts, deaths = time.monotonic(), 0, 0
        while True:
            attempts += 1
            attempt, begun = begun or Attempt(self), None
            attempt.journal = journal
            try:
                async with attempt:
                    outcome = await attempt.use()
            except SourceFailed as failure:
                deaths += isinstance(failure, BrowserDied)
                may_repeat = not (self.acted and self.task.may_change_things)
                if may_repeat and self.has_another_try(failure, attempts, deaths):
                    continue
                if not may_repeat and isinstance(failure, BrowserDied):
                    reason = "The browser died after something had been sent; look at the site, then run it again."
                    outcome = self.skipped("interrupted", reason, "needs_confirmation")
                else:
                    outcome = attempt.failed(failure)
            return {**outcome, "attempts": attempts, "seconds": round(time.monotonic() - started, 3)}

    def has_another_try(self, failure: SourceFailed, attempts: int, deaths: int) -> bool:
        """A death of the browser gives one try more, and takes none of the page's own."""
        if isinstance(failure, BrowserDied):
            return deaths == 1
        return failure.code in PASSING and attempts - deaths <= self.task.retries


class Attempt:
    """One try at a page, which is open for as long as it is entered; entering it again changes nothing.

    ``journal``: the step that it belongs to at the moment.
    """

    journal: JournalStep

    def __init__(self, page: PageRun) -> None:
        self._page = page
        self._open = AsyncExitStack()
        self._player: Player | None = None
        self._visit: Visit | None = None
        self._context: BrowserContext | None = None
        self._step: int | None = None
        self._picture: str | None = None
        self._done = 0
        self.played = 0
        """How many of the page's steps have been played."""

    async def __aenter__(self) -> "Attempt":
        if self._visit is None:
            self._page.artifacts, self._page.notes = [], []
            self._visit = await self._open.enter_async_context(self._opened())
            self._page.notes = self._visit.notes
            self._visit.keeps_popups = any(elsewhere(step) for step in self._page.steps)
            self._player = Player(self._visit, self._keep_shot)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        return await self._open.__aexit__(kind, error, trace)

    @property
    def visit(self) -> Visit:
        assert self._visit is not None  # noqa: S101 - it is asked for inside only
        return self._visit

    @asynccontextmanager
    async def _opened(self) -> AsyncGenerator[Visit, None]:
        options = {"storage_state": self._page.session} if self._page.session else {}
        async with self._page.pool.context(self._page.url, **options) as (context, admitted):
            self._context = context
            tracing = "trace" in self._page.task.captures
            if tracing:
                await context.tracing.start(screenshots=True, snapshots=True)
            try:
                async with visiting(context, admitted) as visit:
                    try:
                        yield visit
                    finally:
                        for refusal in admitted.refusals:
                            visit.note(refusal.code, f"{refusal.place}: {refusal.message}")
            finally:
                if tracing:
                    await self._keep_trace(context)

    async def use(self) -> dict[str, Any]:
        """Play what is left of the steps, and take what is wanted of the page. :raises SourceFailed:"""
        try:
            async with self.visit.within(self._page.task.timeout_s):
                await self.play()
                return await self._take()
        except SourceFailed:
            await self._take_error_picture()
            raise

    async def play(self) -> None:
        """Play the steps that have not been played yet, inside of the visit's own bounds."""
        for number in range(self.played, len(self._page.steps)):
            step = self._page.steps[number]
            self._step = number
            await self._tell(step.type)
            assert self._player is not None  # noqa: S101 - it is there as long as the attempt is entered
            try:
                await self._player.play(step)
            finally:
                self._page.acted = self._page.acted or self._player.acted
            if step.type == "navigate":
                self._check_status(self.visit)
            self._done += 1
            self.played = number + 1
        self._step = None

    async def _take(self) -> dict[str, Any]:
        page, task, visit, player = self._page, self._page.task, self.visit, self._player
        assert player is not None and self._context is not None  # noqa: S101, PT018 - as above
        text = ""
        self._check_status(visit)
        for name, rule in task.extract.items():
            await player.take(name, (rule.selector,), rule.attr, all=rule.all)
        for capture in dict.fromkeys(task.captures):
            await self._tell(capture)
            if capture == "text":
                text = await captures.text(visit)
                await self._keep("text", "", text.encode(errors="replace"))
            elif capture != "trace":
                await self._keep(capture, "", await captures.content(visit, capture))
            self._done += 1
        if page.session is not None:
            page.session = dict(await self._context.storage_state())
        return page.result(
            "completed",
            final_url=visit.page.url,
            http_status=visit.status,
            text=text[: page.text_chars] if "text" in task.captures else None,
            text_chars=len(text),
            extracted=player.extracted,
        )

    def _check_status(self, visit: Visit) -> None:
        accepted = self._page.task.accept_status
        status = visit.status
        if status is not None and status not in accepted and (status >= LOWEST_ERROR or accepted):
            raise answered(status)

    def failed(self, failure: SourceFailed) -> dict[str, Any]:
        visit = self._visit
        return self._page.result(
            "failed",
            final_url=visit.page.url if visit is not None and _is_page(visit.page.url) else None,
            http_status=visit.status if visit is not None else None,
            extracted=self._player.extracted if self._player is not None else {},
            error={"code": failure.code, "message": failure.message, "step": self._step, "screenshot": self._picture},
        )

    async def _tell(self, what: str) -> None:
        whole = len(self._page.steps) + len(self._page.task.captures)
        await self.journal.progress(f"{self._page.name[:80]}: {what}", round(100.0 * self._done / max(1, whole), 1))

    async def _keep_shot(self, capture: str, name: str, content: bytes) -> None:
        await self._keep(capture, f"-{name}", content)

    async def _keep(self, capture: str, name: str, content: bytes) -> str:
        ending, media_type = captures.MEDIA[capture]
        file = f"{self._page.index:03d}{name}.{ending}"
        await self.journal.artifact(file, content, media_type)
        self._page.artifacts.append({"capture": capture, "name": file})
        return file

    async def _take_error_picture(self) -> None:
        if self._visit is None or self._visit.broken is not None or not _is_page(self._visit.page.url):
            return
        content = None
        with anyio.move_on_after(ERROR_PICTURE_SECONDS):
            try:
                content = await self._visit.page.screenshot(timeout=1000 * ERROR_PICTURE_SECONDS)
            except Error:
                return
        if content is not None:
            self._picture = await self._keep("screenshot", "-error", content)

    async def _keep_trace(self, context: BrowserContext) -> None:
        """Only where the attempt was not cut off: a cancelled one has no time for it."""
        with tempfile.TemporaryDirectory(prefix="holdfast-") as folder:
            path = Path(folder) / "trace.zip"
            try:
                await context.tracing.stop(path=path)
                content = await anyio.Path(path).read_bytes()
            except (Error, OSError):
                self._page.notes.append({"code": "no_trace", "message": "The trace could not be written."})
                return
            await self._keep("trace", "", content)


def _is_page(url: str) -> bool:
    """Whether it is a page that somebody made, and not one of the browser's own."""
    return url.startswith(("http://", "https://"))
