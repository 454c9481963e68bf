"""The local library as a provider, for whoever asks all of them alike. It needs no network and can't fail."""

from dataclasses import dataclass
from typing import ClassVar

import anyio.to_thread

from server.sources.library import Library
from server.sources.providers.base import Capability, Hit
from server.sources.providers.hits import MOST_SNIPPET_CHARS, MOST_TITLE_CHARS


@dataclass(frozen=True)
class LibraryProvider:
    library: Library
    name: ClassVar[str] = "library"
    capabilities: ClassVar[frozenset[Capability]] = frozenset({"local"})
    keyless: ClassVar[bool] = True

    async def search(self, query: str, *, language: str, limit: int) -> list[Hit]:
        catalogue = await self.library.current()
        found = await anyio.to_thread.run_sync(lambda: catalogue.search(query, limit=limit))
        return [
            Hit(
                url=one.entry.id,
                title=(one.entry.title or one.entry.id)[:MOST_TITLE_CHARS],
                snippet=(one.passages[0].passage.text if one.passages else "")[:MOST_SNIPPET_CHARS],
                provider=self.name,
                published=one.entry.date,
                kind="local",
            )
            for one in found
        ]
