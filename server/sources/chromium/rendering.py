"""The text of pages that only scripts write, for research: such a page is opened in the browser like any of a batch."""

from dataclasses import dataclass

import anyio

from server.errors import BrowserMissing
from server.sources.chromium.failures import BrowserDied, BrowserFailed
from server.sources.chromium.pool import Chromium
from server.sources.chromium.visit import Visit, visiting
from server.sources.failures import FetchFailed
from server.sources.fetch import LITTLE_TEXT_CHARS, MOST_BYTES, Rendered

RENDER_SECONDS = 20.0
DRAW_SECONDS = 6.0
LOOK_SECONDS = 0.2
OK = 200

_SEEN_CHARS = "() => document.body ? document.body.innerText.length : 0"


@dataclass
class ChromiumRenderer:
    """A `server.sources.fetch.Renderer` in the pool that batches use, so that there is one browser for all."""

    pool: Chromium
    render_seconds: float = RENDER_SECONDS
    draw_seconds: float = DRAW_SECONDS

    async def render(self, url: str) -> Rendered:
        """:raises FetchFailed: ``needs_browser``, with what was the matter; a browser that dies is tried once more."""
        try:
            try:
                return await self._render(url)
            except BrowserDied:
                return await self._render(url)
        except BrowserMissing:
            told = "and this server has no browser for them."
        except BrowserFailed as failure:
            told = f"and in the browser it failed: {failure.message}"
        raise FetchFailed("needs_browser", f"Its text is made by scripts, {told}")

    async def _render(self, url: str) -> Rendered:
        async with (
            self.pool.context(url) as (context, admitted),
            visiting(context, admitted, MOST_BYTES) as visit,
            visit.within(self.render_seconds),
        ):
            await visit.goto(url)
            if visit.status is not None and visit.status != OK:
                raise BrowserFailed("status", f"The server answered {visit.status} to it.")
            await self._wait_for_text(visit)
            found = Rendered(visit.page.url, await visit.page.content())
        return found

    async def _wait_for_text(self, visit: Visit) -> None:
        """Until there is a fair amount of it that grows no more; as long as a page deserves."""
        seen = -1
        with anyio.move_on_after(self.draw_seconds):
            while True:
                now = int(await visit.page.evaluate(_SEEN_CHARS))
                if now == seen and now >= LITTLE_TEXT_CHARS:
                    return
                seen = now
                await anyio.sleep(LOOK_SECONDS)
