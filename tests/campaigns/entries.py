"""The ways by which an address comes to be opened, each through the parts that the server itself uses for it."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Protocol

import anyio
from playwright.async_api import Error
from pydantic import ValidationError

from server.errors import HoldfastError
from server.sources.browser import find_browser
from server.sources.chromium.pool import SWITCHES, Chromium
from server.sources.chromium.visit import visiting
from server.sources.egress import Address, Judge, Ruling
from server.sources.failures import SourceFailed
from server.sources.fetch import Fetcher
from server.sources.guard import EgressGuard
from server.sources.library import Library
from server.sources.offered import may_open
from server.sources.webhooks import Webhooks
from server.workflows.base import Workflow
from server.workflows.browse.workflow import browse_workflow
from server.workflows.rehearsal import RehearsalContext
from server.workflows.research.workflow import research_workflow
from tests.campaigns.documents import of_each_kind

SETTLE_MS, LEAD_MS, GOTO_MS = 15_000, 600, 2000
PAGES_AT_ONCE = 4
_NAMED = re.compile(rb"http://[^\s\"'<>()]+")


class _Open(Ruling):
    """Refuses nothing, and asks the name server again for the address that it connects to."""

    async def addresses(self, host: str, port: int) -> list[Address]:
        await self.resolve(host, port)
        return (await self.resolve(host, port))[-1:]


class _OpenJudge(Judge):
    def ruling(self, url: str) -> Ruling:
        return _Open(resolve=self.resolve)


class _OpenFetcher(Fetcher):
    def judge(self) -> Judge:
        return _OpenJudge(resolve=self.resolve)


class Entry(Protocol):
    """Opens addresses; what becomes of them is nobody's business here."""

    async def open(self, urls: Sequence[str]) -> None: ...


class Research:
    """Addresses that a research request names."""

    def __init__(self, judge: Judge, folder: Path, *, weakened: bool) -> None:
        kind = _OpenFetcher if weakened else Fetcher
        self.fetcher = kind(
            judge.private_hosts, ports=judge.ports, resolve=judge.resolve, connect_seconds=1, total_seconds=2
        )
        self._workflow = research_workflow(Library(folder), self.fetcher)

    async def open(self, urls: Sequence[str]) -> None:
        await side_by_side(self._open, urls)

    async def _open(self, url: str) -> None:
        await run(self._workflow, {"query": "What is there?", "sources": {"library": False, "urls": [url]}})


class Model:
    """Addresses that a model chooses, which was offered another one."""

    def __init__(self, research: Research, offered: str, *, weakened: bool) -> None:
        self._fetcher, self._offered, self._weakened = research.fetcher, offered, weakened

    async def open(self, urls: Sequence[str]) -> None:
        await side_by_side(self._open, [url for url in urls if self._weakened or may_open(url, [self._offered])])

    async def _open(self, url: str) -> None:
        with suppress(SourceFailed):
            await self._fetcher.fetch(url)


class Webhook:
    """Addresses that a slip of the operator's, or a receiver's redirect, makes webhooks go to."""

    def __init__(self, judge: Judge, *, weakened: bool) -> None:
        self._judge = _OpenJudge(resolve=judge.resolve) if weakened else judge

    async def open(self, urls: Sequence[str]) -> None:
        webhooks = Webhooks(urls, self._judge, "k" * 24)
        for name in webhooks.names:
            with anyio.move_on_after(2):
                await webhooks.tell(name, "msg_1", b"{}")


class Documents:
    """Addresses that documents of the library name. Weakened, somebody fetches all that they name."""

    def __init__(self, judge: Judge, folder: Path, place: str, *, weakened: bool) -> None:
        self._folder, self._place = folder, place
        self._helpful = Research(judge, folder, weakened=True).fetcher if weakened else None
        self._workflow = research_workflow(Library(folder), Research(judge, folder, weakened=False).fetcher)
        self.read = 0

    async def open(self, urls: Sequence[str]) -> None:
        """The addresses are the documents' own: all that their formats can name."""
        for name, content in of_each_kind(f"http://{self._place}/hit/document-").items():
            await anyio.Path(self._folder / name).write_bytes(content)
            if self._helpful is not None:
                await self._fetch_all(self._helpful, content)
        result = await run(self._workflow, {"query": "Which text can be quoted?", "sources": {"library": True}})
        self.read += result is not None

    async def _fetch_all(self, fetcher: Fetcher, content: bytes) -> None:
        for url in _NAMED.findall(content):
            with suppress(SourceFailed):
                await fetcher.fetch(url.decode())


class Browse:
    """Pages of a batch, by the workflow and the pool of browsers; ``by_step``: where a step of a page leads."""

    def __init__(self, pool: Chromium, start: str, secret: str, *, by_step: bool = False) -> None:
        self._workflow = browse_workflow(pool)
        self._start, self._secret, self._by_step = start, secret, by_step
        self.settled = self.leaked = 0

    async def open(self, urls: Sequence[str]) -> None:
        for first in range(0, len(urls), PAGES_AT_ONCE):
            tasks = [self._task(url) for url in urls[first : first + PAGES_AT_ONCE]]
            for result in await self._results(tasks):
                whole = "/all?" in result["url"] and result["status"] == "completed"
                self.settled += whole
                self.leaked += self._secret in (result["text"] or "")

    async def _results(self, tasks: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        wanted: list[dict[str, Any]] = []
        for task in tasks:  # what is no address at all is refused by itself, and takes no other with it
            with suppress(ValidationError):
                self._workflow.params.model_validate({"tasks": [task]})
                wanted.append(task)
        if not wanted:
            return []
        result = await run(self._workflow, {"tasks": wanted, "parallelism": PAGES_AT_ONCE})
        return list(result["items"]) if result is not None else []

    def _task(self, url: str) -> dict[str, Any]:
        wait = SETTLE_MS if "/all?" in url else LEAD_MS
        steps: list[dict[str, Any]] = [{"type": "waitForElement", "selectors": ["#settled"], "timeout": wait}]
        if self._by_step:
            steps.insert(0, {"type": "navigate", "url": url})
        opened = self._start if self._by_step else url
        return {"url": opened, "steps": steps, "retries": 0, "side_effects": False}


class Goto:
    """What is handed to the browser itself, past all checks of a request; ``bare``: past the last check as well."""

    def __init__(self, pool: Chromium, start: str, secret: str, *, bare: bool) -> None:
        self._pool, self._start, self._secret, self._bare = pool, start, secret, bare
        self.leaked = 0

    async def open(self, urls: Sequence[str]) -> None:
        await side_by_side(self._open, urls)

    async def _open(self, url: str) -> None:
        async with self._pool.context(self._start) as (context, admitted), visiting(context, admitted) as visit:
            with suppress(Error, SourceFailed):
                async with visit.within(GOTO_MS / 1000):
                    if self._bare:
                        await visit.page.goto(url, timeout=GOTO_MS)
                        await visit.page.wait_for_timeout(LEAD_MS / 2)
                    else:
                        await visit.goto(url)
                    shown = await visit.page.content()
                    self.leaked += self._secret in shown


async def side_by_side(open_one: Callable[[str], Awaitable[None]], urls: Sequence[str]) -> None:
    limiter = anyio.CapacityLimiter(PAGES_AT_ONCE)

    async def opened(url: str) -> None:
        async with limiter:
            await open_one(url)

    async with anyio.create_task_group() as tg:
        for url in urls:
            tg.start_soon(opened, url)


async def run(workflow: Workflow, asked: dict[str, Any]) -> Any:
    """What a request for this comes to; None where it is refused or fails."""
    try:
        return await workflow.run(RehearsalContext(), workflow.params.model_validate(asked))
    except (ValidationError, HoldfastError, SourceFailed):
        return None


@asynccontextmanager
async def browsers(judge: Judge, *, weakened: bool) -> AsyncIterator[Chromium]:
    """The pool as the server has it. Weakened: behind a guard that refuses nothing, and without its switches."""
    guard = EgressGuard(_OpenJudge(resolve=judge.resolve) if weakened else judge)
    pool = Chromium(_path, guard, switches=("--disable-gpu",) if weakened else SWITCHES)
    async with pool.running():
        yield pool


def _path() -> Path:
    found = find_browser().browser
    assert found is not None
    return found.path
