"""Hostile pages, redirects and names against each entry that takes a URL: nothing may reach the canary.

A real Chromium, the fetcher, and webhooks, through the workflows and the pool of the server. The hostile site is one
that the operator allows; the canary, on another port of the same machine, is not, though its port is allowed: the
address alone is what has to be judged. A file of this machine is a second canary.
"""

import ipaddress
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import quote

import anyio

from server.sources.browser import find_browser
from server.sources.egress import PUBLIC_PORTS, Address, Judge, resolve
from tests.campaigns.campaign import Campaign, Figures
from tests.campaigns.entries import Browse, Documents, Entry, Goto, Model, Research, Webhook, browsers
from tests.campaigns.hostile import LEADING, REDIRECTS, Canary, canary, hostile_site

HITS = "ways to the canary"
LEAKS = "files of this machine that were shown"
UNPROVEN = "rounds whose hostile page did not run"
UNREAD = "rounds whose documents were not read"
SECRET = "what-only-this-machine-knows"  # noqa: S105 - a canary
SPELLINGS = (
    "127.0.0.1 127.1 0x7f.1 0177.0.0.1 2130706433 ①②⑦.⓪.⓪.① localhost [::1] [::ffff:127.0.0.1] [::127.0.0.1] "
    "[64:ff9b::7f00:1] 0.0.0.0 canary.test mixed.test"
).split()
NOBODYS = ipaddress.ip_address("3ffe::1")
"""Counts as public, and is given to nobody: what is sent there goes nowhere."""


class NameServer:
    """The attacker's own: names that lead inside, alone or beside a public address, or at the second time only."""

    def __init__(self) -> None:
        self._asked: set[str] = set()

    async def resolve(self, host: str, port: int) -> list[Address]:
        inside = ipaddress.ip_address("127.0.0.1")
        if host == "mixed.test":
            return [ipaddress.ip_address("8.8.8.8"), inside]
        if host.endswith(".rebind.test") and host not in self._asked:
            self._asked.add(host)
            return [NOBODYS]
        if host.endswith(".test"):
            return [inside]
        return await resolve(host, port)


def run(rounds: int, seed: int, weakened: bool) -> Figures:
    """A round is every way of a page with one address of the canary, then every spelling with every entry."""
    return anyio.run(_run, rounds, seed, weakened)


async def _run(rounds: int, seed: int, weakened: bool) -> Figures:
    done = {"openings": 0, "pages of all ways run to their end": 0, "requests without a pass": 0}
    hits, leaks, read, notes = 0, 0, 0, []
    for number in range(rounds):
        with TemporaryDirectory() as made:
            secret = Path(made) / "secret.html"
            async with canary() as watched, hostile_site(secret.as_uri()) as site:
                address = watched.addresses[(seed + number) % len(watched.addresses)]
                place = f"[{address}]:{watched.port}" if ":" in address else f"{address}:{watched.port}"
                await anyio.Path(secret).write_text(f"<p>{SECRET}</p><img src=http://{place}/hit/file>")
                sweep = _Sweep(site, watched, place, secret, weakened)
                await sweep.run()
        done["openings"] += sweep.tried
        done["pages of all ways run to their end"] += sweep.settled
        done["requests without a pass"] += sweep.strangers
        read += sweep.read
        hits += len(sweep.hits)
        leaks += sweep.leaked
        notes += [f"round {number}, canary at {place}: {hit}" for hit in sorted(sweep.hits)]
    unproven = {UNPROVEN: rounds - done["pages of all ways run to their end"], UNREAD: rounds - read}
    return Figures({**done}, {HITS: hits, LEAKS: leaks, **unproven}, tuple(notes))


class _Sweep:
    def __init__(self, site: int, watched: Canary, place: str, secret: Path, weakened: bool) -> None:
        self.site, self.watched, self.place, self.secret = f"127.0.0.1:{site}", watched, place, secret
        self.weakened = weakened
        self.judge = Judge((self.site,), PUBLIC_PORTS | {watched.port}, NameServer().resolve)
        self.tried = self.settled = self.strangers = self.leaked = self.read = 0
        self.hits: set[str] = set()

    async def run(self) -> None:
        start, weakened = f"http://{self.site}/", self.weakened
        library = self.secret.parent / "library"
        library.mkdir()
        research = Research(self.judge, library, weakened=weakened)
        documents = Documents(self.judge, library, self.place, weakened=weakened)
        await self._enter("document", documents, [start])
        self.read = documents.read
        await self._enter("research", research, self._urls("research"))
        await self._enter("model", Model(research, start, weakened=weakened), self._urls("model"))
        await self._enter("webhook", Webhook(self.judge, weakened=weakened), self._urls("webhook"))
        async with browsers(self.judge, weakened=weakened) as pool:
            browse = Browse(pool, start, SECRET)
            await self._enter("browse", browse, [*self._urls("browse"), *self._pages(), *self._schemes()])
            step = Browse(pool, start, SECRET, by_step=True)
            await self._enter("step", step, [*self._urls("step"), *self._schemes()])
            goto = Goto(pool, start, SECRET, bare=weakened)
            await self._enter("goto", goto, [*self._urls("goto"), *self._schemes()])
            await self._enter("bare goto", Goto(pool, start, SECRET, bare=True), self._schemes())
            self.settled, self.leaked = browse.settled, browse.leaked + step.leaked + goto.leaked
            self.strangers = pool.guard.strangers

    async def _enter(self, name: str, entry: Entry, urls: list[str]) -> None:
        self.tried += len(urls)
        await entry.open(urls)
        self.hits |= {f"{name}: {hit}" for hit in self.watched.hits}
        self.watched.hits.clear()

    def _urls(self, entry: str) -> list[str]:
        """What each entry takes: the canary itself by all its names, and what leads to it."""
        port = self.watched.port
        urls = [f"http://{spelled}:{port}/hit/spelled-{number}" for number, spelled in enumerate(SPELLINGS)]
        urls.append(f"http://{self.place}/hit/own")
        urls += [f"http://{entry.replace(' ', '-')}.rebind.test:{port}/hit/rebound"] * 2
        return urls + [f"http://{self.site}/redirect/{code}?{self.place}" for code in REDIRECTS]

    def _pages(self) -> list[str]:
        leading = [f"http://{self.site}/lead?way={way}&to={self.place}" for way in LEADING]
        return [*leading, f"http://{self.site}/all?{self.place}"]

    def _schemes(self) -> list[str]:
        """What a browser opens past any proxy, or without asking anybody."""
        return [
            self.secret.as_uri(),
            f"view-source:http://{self.place}/hit/view-source",
            f"view-source:{self.secret.as_uri()}",
            "chrome://version/",
            f"data:text/html,{quote(f'<img src=http://{self.place}/hit/data>')}",
            f"javascript:fetch('http://{self.place}/hit/javascript',{{mode:'no-cors'}})",
            f"filesystem:http://{self.place}/hit/filesystem",
            f"ftp://{self.place}/hit/ftp",
        ]


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
