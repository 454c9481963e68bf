"""Hostile pages, redirects and names against each entry that takes a URL: nothing may reach the canary.

A real Chromium, the fetcher, and webhooks. The hostile site is one that the operator allows; the canary, on another
port of the same machine, is not, though its port is allowed: the address alone is what has to be judged.
"""

import ipaddress
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
from playwright.async_api import Browser, BrowserContext, Error, async_playwright

from server.sources.browser import find_browser
from server.sources.egress import PUBLIC_PORTS, Address, Judge, Ruling, resolve
from server.sources.failures import SourceFailed
from server.sources.fetch import Fetcher
from server.sources.guard import EgressGuard
from server.sources.launching import CONTEXT_OPTIONS, LAUNCH_ARGUMENTS, may_go_to
from server.sources.offered import may_open
from server.sources.webhooks import WebhookSender
from tests.campaigns.campaign import Campaign, Figures
from tests.campaigns.hostile import LEADING, REDIRECTS, Canary, canary, hostile_site

HITS = "ways to the canary"
UNPROVEN = "rounds whose hostile page did not run"
SETTLE_MS = 15_000
LEAD_MS = 1000
SPELLINGS = (
    "127.0.0.1 127.1 0x7f.1 0177.0.0.1 2130706433 ①②⑦.⓪.⓪.① localhost [::1] [::ffff:127.0.0.1] [::127.0.0.1] "
    "[64:ff9b::7f00:1] 0.0.0.0 canary.test mixed.test"
).split()
SCHEMES = ("view-source:http://{c}/hit/view-source",)


async def names(host: str, port: int) -> list[Address]:
    """A name server of the attacker's own: names that lead inside, alone or beside a public address."""
    if host.endswith(".test"):
        inside = ["8.8.8.8"] if host == "mixed.test" else []
        return [ipaddress.ip_address(each) for each in (*inside, "127.0.0.1")]
    return await resolve(host, port)


class _Open(Ruling):
    """Refuses nothing."""

    async def addresses(self, host: str, port: int) -> list[Address]:
        return (await self.resolve(host, port))[-1:]


class _OpenJudge(Judge):
    def ruling(self, url: str) -> Ruling:
        return _Open(resolve=self.resolve)


class _OpenFetcher(Fetcher):
    def judge(self) -> Judge:
        return _OpenJudge(resolve=self.resolve)


def run(rounds: int, seed: int, weakened: bool) -> Figures:
    """A round is every way of a page with one address of the canary, then every spelling with every entry."""
    return anyio.run(_run, rounds, seed, weakened)


async def _run(rounds: int, seed: int, weakened: bool) -> Figures:
    tried, settled, refused, hits, notes = 0, 0, 0, 0, []
    for number in range(rounds):
        async with canary() as watched, hostile_site() as site:
            address = watched.addresses[(seed + number) % len(watched.addresses)]
            place = f"[{address}]" if ":" in address else address
            sweep = _Sweep(site, watched, f"{place}:{watched.port}", weakened)
            await sweep.run()
            tried += sweep.tried
            settled += sweep.settled
            refused += sweep.refused
            hits += len(sweep.hits)
            notes += [f"round {number}, canary at {place}: {hit}" for hit in sorted(sweep.hits)]
    done = {"openings": tried, "pages of all ways run to their end": settled, "refused by the guard": refused}
    return Figures({**done}, {HITS: hits, UNPROVEN: rounds - settled}, tuple(notes))


class _Sweep:
    def __init__(self, site: int, watched: Canary, place: str, weakened: bool) -> None:
        self.site, self.watched, self.place, self.weakened = f"127.0.0.1:{site}", watched, place, weakened
        self.judge = Judge((self.site,), PUBLIC_PORTS | {watched.port}, names)
        self.tried = self.settled = self.refused = 0
        self.hits: set[str] = set()

    async def run(self) -> None:
        await self._entry("research", self._research)
        await self._entry("model", self._model)
        await self._entry("webhook", self._webhook)
        async with self._browser() as opened:
            await self._entry("browse", opened)

    async def _entry(self, name: str, go: Callable[[str], Awaitable[None]]) -> None:
        for url in self._urls(name):
            self.tried += 1
            await go(url)
            self._take(f"{name} {url.split(':', 1)[0] if name == 'browse' else url}")
        self._take(name)

    def _take(self, name: str) -> None:
        self.hits |= {f"{name}: {hit}" for hit in self.watched.hits}
        self.watched.hits.clear()

    def _urls(self, entry: str) -> list[str]:
        to = self.place
        urls = [f"http://{spelled}:{self.watched.port}/hit/spelled" for spelled in SPELLINGS]
        urls += [f"http://{address}/hit/own" for address in (to,)]
        urls += [f"http://{self.site}/redirect/{code}?{to}" for code in REDIRECTS]
        if entry == "browse":
            urls += [f"http://{self.site}/lead?way={way}&to={to}" for way in LEADING]
            urls += [scheme.format(c=to) for scheme in SCHEMES]
            urls.append(f"http://{self.site}/all?{to}")
        return urls

    async def _research(self, url: str) -> None:
        kind = _OpenFetcher if self.weakened else Fetcher
        fetcher = kind((self.site,), ports=self.judge.ports, resolve=names, connect_seconds=1, total_seconds=2)
        try:
            await fetcher.fetch(url)
        except SourceFailed:
            return

    async def _model(self, url: str) -> None:
        """A model that was offered one address, and wants to have another one opened."""
        if self.weakened or may_open(url, [f"http://{self.site}/all"]):
            await self._research(url)

    async def _webhook(self, url: str) -> None:
        judge = _OpenJudge(resolve=names) if self.weakened else self.judge
        try:
            await WebhookSender(judge, "a secret", waits=(), attempt_seconds=2).send(url, "msg_1", b"{}")
        except SourceFailed:
            return

    @asynccontextmanager
    async def _browser(self) -> AsyncIterator[Callable[[str], Awaitable[None]]]:
        found = (await anyio.to_thread.run_sync(find_browser)).browser
        assert found is not None
        async with async_playwright() as playwright, EgressGuard(self.judge) as guard:
            options: dict[str, Any] = {
                "executable_path": found.path,
                "chromium_sandbox": os.geteuid() != 0,
                "env": {"HOME": str(Path("/nonexistent"))},
            }
            if self.weakened:
                browser = await playwright.chromium.launch(
                    **options, args=["--host-resolver-rules=MAP *.test 127.0.0.1"]
                )
            else:
                browser = await playwright.chromium.launch(
                    **options,
                    args=list(LAUNCH_ARGUMENTS),
                    proxy=dict(guard.proxy),  # type: ignore[arg-type]
                )
            try:

                async def open_it(url: str) -> None:
                    if self.weakened:
                        await self._visit(await browser.new_context(), url)
                    elif may_go_to(url):
                        await self._visit_guarded(browser, guard, url)

                yield open_it
            finally:
                await browser.close()

    async def _visit_guarded(self, browser: Browser, guard: EgressGuard, url: str) -> None:
        async with guard.admit(url) as held:
            options: dict[str, Any] = {**CONTEXT_OPTIONS, "proxy": dict(held.proxy)}
            await self._visit(await browser.new_context(**options), url)
            self.refused += held.refused

    async def _visit(self, context: BrowserContext, url: str) -> None:
        try:
            page = await context.new_page()
            try:
                await page.goto(url, wait_until="commit", timeout=SETTLE_MS)
                wanted = "document.title === 'settled'"
                await page.wait_for_function(wanted, timeout=SETTLE_MS if "/all?" in url else LEAD_MS)
                self.settled += "/all?" in url
            except Error:
                return  # refused, or led elsewhere: what counts is who came to the canary
        finally:
            await context.close()


def _missing() -> str | None:
    return None if find_browser().browser else "no Chromium that runs"


CAMPAIGN = Campaign(
    name="egress",
    round="every way with one address of the canary",
    protection="the egress guard",
    small=1,
    small_weakened=1,
    run=run,
    missing=_missing,
)
