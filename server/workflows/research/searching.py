"""Searching with providers and reading what they found, as the records of steps hold it."""

import hashlib
import time
from dataclasses import dataclass, field
from typing import Any

from server.sources.documents import Block, Document, Kind
from server.sources.providers.base import Hit
from server.sources.providers.roster import SEARCH_SECONDS, Found, Providers
from server.sources.reasons import reason
from server.workflows.base import Step
from server.workflows.research.params import Sources, capabilities


@dataclass
class Searching:
    """What one run knows of its searches. Which providers it asks is recorded by its first step, and stays so.

    ``names``: `{"web": [names], "academic": [names]}` of those that were configured then; empty where none were.
    """

    providers: Providers
    sources: Sources
    language: str
    most_pages: int
    names: dict[str, list[str]] = field(default_factory=dict)
    pages: list[dict[str, Any]] = field(default_factory=list)
    failed: list[dict[str, Any]] = field(default_factory=list)
    asked: set[str] = field(default_factory=set)
    seen: set[str] = field(default_factory=set)
    read: int = 0
    unread: int = 0

    @property
    def active(self) -> bool:
        return bool(self.names) and len(self.pages) < self.most_pages

    def configured(self) -> dict[str, list[str]]:
        """What the first step records: the names of those that can be asked now."""
        wanted = sorted(capabilities(self.sources))
        named = {capability: list(self.providers.names({capability})) for capability in wanted}
        return {capability: names for capability, names in named.items() if names}

    async def find(self, query: str, limit: int, seconds: float | None, step: Step) -> dict[str, Any]:
        """The body of a step: ask all providers. Its record is what `take` takes.

        :param seconds: what is left of the task's budget; None for no limit.
        """
        started = time.monotonic()
        found = await self.providers.search(
            query,
            wanted=capabilities(self.sources),
            language=self.language,
            limit=limit,
            without=self.seen,
            seconds=min(SEARCH_SECONDS, seconds) if seconds is not None else SEARCH_SECONDS,
        )
        return {**found.to_json(), "seconds": time.monotonic() - started}

    def take(self, record: dict[str, Any]) -> list[Hit]:
        """Note who failed, keep the abstracts, and say which pages are to be read now."""
        found = Found.from_json(record)
        known = {(one["url"], one["code"]) for one in self.failed}
        for failure in found.failures:
            if (failure.provider, failure.code) not in known:
                told = reason(self.language, failure.code, failure.message)
                about = {"kind": "provider", "url": failure.provider}
                self.failed.append({**about, "code": failure.code, "message": told})
        new = [one for one in found.hits if one.url not in self.seen]
        new = new[: self.most_pages - len(self.pages)]
        self.seen.update(one.url for one in new)
        for one in new:
            if one.text:
                self.keep(abstract(one))
        return [one for one in new if not one.text]

    def keep(self, page: dict[str, Any]) -> None:
        """A page that was read, or why it was not. The same content under another address is no further source."""
        if page["code"] is not None:
            self.unread += 1
            self.failed.append({"kind": "found", **{key: page[key] for key in ("url", "code", "message")}})
            return
        self.read += 1
        if page["sha256"] not in {one["sha256"] for one in self.pages}:
            self.pages.append({**page, "found": True})

    def facts(self) -> dict[str, Any]:
        """For the report and the result; nothing where nobody could be asked."""
        if not self.names:
            return {}
        return {
            "providers": self.names,
            "searched": len(self.asked),
            "found_read": self.read,
            "found_failed": self.unread,
            "providers_failed": [one for one in self.failed if one["kind"] == "provider"],
        }


def abstract(hit: Hit) -> dict[str, Any]:
    """The record of a paper of which the abstract is what is read, in the form of a page that was fetched."""
    document = Document(hit.title, (Block(Kind.PROSE, hit.text),), hit.published)
    return {
        "url": hit.url,
        "final_url": hit.url,
        "sha256": hashlib.sha256(hit.text.encode()).hexdigest(),
        "media_type": "text/plain",
        "document": document.to_json(),
        "code": None,
        "found": True,
        "seconds": 0.0,
    }
