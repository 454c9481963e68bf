"""A provider for tests: it finds what it was told to find, and remembers what it was asked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import anyio

from server.sources.providers.base import Capability, Hit, ProviderFailed


@dataclass
class ScriptedProvider:
    """``answers``: hits by query; what has no answer finds ``otherwise``. ``failures`` are raised first, one a call."""

    name: str = "scripted"
    answers: Mapping[str, Sequence[Hit]] = field(default_factory=dict)
    otherwise: Sequence[Hit] = ()
    failures: list[ProviderFailed] = field(default_factory=list)
    capabilities: frozenset[Capability] = frozenset({"web"})
    keyless: bool = True
    hangs: bool = False
    asked: list[str] = field(default_factory=list)

    async def search(self, query: str, *, language: str, limit: int) -> list[Hit]:
        self.asked.append(query)
        if self.hangs:
            await anyio.sleep_forever()
        if self.failures:
            raise self.failures.pop(0)
        return list(self.answers.get(query, self.otherwise))[:limit]
