"""What a search provider is, and what it finds."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, Protocol, TypeAlias, get_args

from server.sources.failures import SourceFailed

Capability: TypeAlias = Literal["web", "academic", "local"]
Name: TypeAlias = Literal[
    "tavily", "brave", "exa", "searxng", "ddgs", "wikipedia", "openalex", "arxiv", "crossref", "library"
]
NAMES: tuple[Name, ...] = get_args(Name)
"""All that there are, in the order in which what they find is told: those that an operator chose go first."""


class ProviderFailed(SourceFailed):
    """A provider could not be asked, or gave no answer that could be read. No key and no address is in the message.

    ``retry_after``: so many seconds it wants to be left in peace, where it says so.
    """

    def __init__(self, code: str, message: str, retry_after: float | None = None) -> None:
        self.retry_after = retry_after
        super().__init__(code, message)


@dataclass(frozen=True, slots=True)
class Hit:
    """One thing that was found. `server.sources.providers.hits.hit` makes it of what a provider says.

    ``url`` is canonical, and can be fetched; of ``kind`` ``local`` it is the path in the library. ``title`` and
    ``snippet`` are one line each, without markup; a snippet is the provider's and must not be quoted as the page's.
    ``published`` is ISO, as exact as it is known: ``2023``, ``2023-01``, ``2023-01-31``. ``text`` is an abstract,
    whole, where the provider has one: that may be quoted. ``pdf``: the canonical address of the paper itself.
    """

    url: str
    title: str
    snippet: str
    provider: str
    published: str | None = None
    kind: Literal["page", "paper", "local"] = "page"
    text: str = ""
    pdf: str | None = None

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Hit":
        return cls(**data)


class Provider(Protocol):
    """One place where things can be searched for. It holds no state: limits and rests are kept by its `Post`."""

    @property
    def name(self) -> str: ...

    @property
    def capabilities(self) -> frozenset[Capability]: ...

    @property
    def keyless(self) -> bool: ...

    async def search(self, query: str, *, language: str, limit: int) -> list[Hit]:
        """What it finds, best first.

        :param language: ``en`` or ``zh``, what the asker reads; a preference where the provider knows one.
        :param limit: as many hits at most.
        :raises ProviderFailed: ``timeout``, ``unreachable``, ``unknown_host``, ``forbidden_address``, ``bad_response``,
            ``too_large``, ``unsupported_type``, ``rate_limited``, ``denied``, ``missing_package``, ``http_404`` and
            the like.
        """
        ...
