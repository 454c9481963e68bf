"""All providers of a server together: who is asked, in which order, and what came of it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import anyio

from server.sources.providers.base import NAMES, Capability, Hit, ProviderFailed
from server.sources.providers.hits import merged
from server.sources.providers.pages import FoundPages
from server.sources.providers.post import Post, ProviderState

SEARCH_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class ProviderFailure:
    """A provider that could not be asked or gave nothing that could be read, with the reason for people."""

    provider: str
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Found:
    """What one search came to. ``asked``: who answered or failed, in the order of the roster."""

    hits: tuple[Hit, ...] = ()
    failures: tuple[ProviderFailure, ...] = ()
    asked: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return {
            "hits": [one.to_json() for one in self.hits],
            "failures": [{"provider": one.provider, "code": one.code, "message": one.message} for one in self.failures],
            "asked": list(self.asked),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Found":
        return cls(
            tuple(Hit.from_json(one) for one in data["hits"]),
            tuple(ProviderFailure(**one) for one in data["failures"]),
            tuple(data["asked"]),
        )


@dataclass
class Providers:
    """The roster. ``pages``: by which what they find is fetched.

    ``unconfigured``: those that are not there, each with the setting it needs, to be told of.
    """

    posts: Sequence[Post] = ()
    pages: FoundPages = field(default_factory=FoundPages)
    unconfigured: Sequence[ProviderState] = ()

    def __post_init__(self) -> None:
        """Known ones go in the order of `NAMES`, others after them as they were given."""
        known: Sequence[str] = NAMES
        places = {name: place for place, name in enumerate(known)}
        self.posts = sorted(self.posts, key=lambda post: places.get(post.provider.name, len(places)))

    def names(self, wanted: Collection[Capability]) -> tuple[str, ...]:
        """Those that serve any of these, in the order of the roster: what belongs into a fingerprint."""
        return tuple(post.provider.name for post in self._serving(wanted))

    def states(self) -> list[ProviderState]:
        return [*(post.state for post in self.posts), *self.unconfigured]

    async def search(
        self,
        query: str,
        *,
        wanted: Collection[Capability],
        language: str,
        limit: int,
        without: Collection[str] = (),
        seconds: float = SEARCH_SECONDS,
    ) -> Found:
        """Ask all that serve what is wanted, at once. No provider's failure is raised, and none holds up the others.

        :param limit: hits at most; the first of each provider come first, in the order of the roster.
        :param without: canonical addresses that are known already.
        :param seconds: for all of it.
        """
        posts = self._serving(wanted)
        if not posts:
            told = f"No search provider for {' or '.join(sorted(wanted)) or 'nothing'} is configured here."
            return Found(failures=(ProviderFailure("", "no_provider", told),))
        answers: dict[str, list[Hit]] = {}
        failures: dict[str, ProviderFailure] = {}

        async def ask(post: Post) -> None:
            name = post.provider.name
            try:
                # What is known already must not push out what is new.
                more = min(limit + len(without), 2 * limit)
                answers[name] = await post.ask(query, language=language, limit=more, seconds=seconds)
            except ProviderFailed as failure:
                failures[name] = ProviderFailure(name, failure.code, failure.message)

        async with anyio.create_task_group() as group:
            for post in posts:
                group.start_soon(ask, post)
        names = [post.provider.name for post in posts]
        hits = merged([answers[name] for name in names if name in answers], without)[:limit]
        return Found(tuple(hits), tuple(failures[name] for name in names if name in failures), tuple(names))

    def _serving(self, wanted: Collection[Capability]) -> list[Post]:
        return [post for post in self.posts if not post.provider.capabilities.isdisjoint(wanted)]
