"""The providers that the settings name, and what the others need."""

from dataclasses import replace
from urllib.parse import urlsplit

from server.settings import Settings
from server.sources.egress import Judge
from server.sources.fetch import Fetcher, Renderer
from server.sources.library import Library
from server.sources.providers.arxiv import Arxiv
from server.sources.providers.base import Capability, Provider
from server.sources.providers.brave import Brave
from server.sources.providers.client import ProviderClient
from server.sources.providers.crossref import Crossref
from server.sources.providers.ddgs import Ddgs, is_installed
from server.sources.providers.exa import Exa
from server.sources.providers.library import LibraryProvider
from server.sources.providers.openalex import OpenAlex
from server.sources.providers.pages import FoundPages
from server.sources.providers.post import Post, ProviderState
from server.sources.providers.roster import Providers
from server.sources.providers.searxng import Searxng
from server.sources.providers.tavily import Tavily
from server.sources.providers.wikipedia import Wikipedia

SECONDS_APART = {"arxiv": 3.0, "brave": 1.0, "ddgs": 2.0, "crossref": 0.5, "wikipedia": 0.2, "openalex": 0.2}
"""As their operators ask for; others take requests as they come."""

_NAMED = "SEARCH_PROVIDERS"
_NEEDS: dict[str, tuple[frozenset[Capability], bool, str]] = {
    "tavily": (Tavily.capabilities, Tavily.keyless, "TAVILY_API_KEY"),
    "brave": (Brave.capabilities, Brave.keyless, "BRAVE_API_KEY"),
    "exa": (Exa.capabilities, Exa.keyless, "EXA_API_KEY"),
    "searxng": (Searxng.capabilities, Searxng.keyless, "SEARXNG_URL"),
    "ddgs": (Ddgs.capabilities, Ddgs.keyless, "pip install 'holdfast[ddgs]'"),
    "wikipedia": (Wikipedia.capabilities, Wikipedia.keyless, _NAMED),
    "openalex": (OpenAlex.capabilities, OpenAlex.keyless, _NAMED),
    "arxiv": (Arxiv.capabilities, Arxiv.keyless, _NAMED),
    "crossref": (Crossref.capabilities, Crossref.keyless, _NAMED),
}
"""What can be searched for in each, whether it works without a key, and what it needs where it is not there."""
_OPT_IN = frozenset({"ddgs"})
"""Asked only where SEARCH_PROVIDERS names it."""


def configured_providers(
    settings: Settings, library: Library | None = None, renderer: Renderer | None = None
) -> Providers:
    """The roster of these settings; with the library, where it is given, as a provider too.

    :param renderer: opens pages that were found and that only scripts write.
    """
    client = ProviderClient(Judge(), contact=settings.search_contact)
    made: list[Provider] = [] if library is None else [LibraryProvider(library)]
    missing: list[ProviderState] = []
    for name, (capabilities, keyless, needs) in _NEEDS.items():
        wanted = _is_wanted(name, settings)
        provider = _provider(name, settings, client) if wanted else None
        if provider is not None:
            made.append(provider)
        else:
            state = ProviderState(name, tuple(sorted(capabilities)), keyless, "unconfigured")
            missing.append(replace(state, needs=needs if wanted else _NAMED))
    posts = [Post(provider, SECONDS_APART.get(provider.name, 0.0)) for provider in made]
    return Providers(posts, FoundPages(Fetcher(ports=settings.ports_fetched, renderer=renderer)), missing)


def _is_wanted(name: str, settings: Settings) -> bool:
    if settings.search_providers is None:
        return name not in _OPT_IN
    return name in settings.search_providers


def _provider(name: str, settings: Settings, client: ProviderClient) -> Provider | None:
    """None where what it needs is not set."""
    match name:
        case "tavily":
            return Tavily(client, key) if (key := settings.tavily_key) else None
        case "brave":
            return Brave(client, key) if (key := settings.brave_key) else None
        case "exa":
            return Exa(client, key) if (key := settings.exa_key) else None
        case "searxng":
            return _searxng(settings) if settings.searxng_url else None
        case "ddgs":
            return Ddgs() if is_installed() else None
        case "wikipedia":
            return Wikipedia(client)
        case "openalex":
            return OpenAlex(client, settings.openalex_key)
        case "arxiv":
            return Arxiv(client)
        case "crossref":
            return Crossref(client)
    return None


def _searxng(settings: Settings) -> Searxng:
    """Its place is the operator's word, so it may be a private one, at any port."""
    parts = urlsplit(settings.searxng_url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    host = (parts.hostname or "").lower()
    place = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    return Searxng(ProviderClient(Judge({place}), contact=settings.search_contact), settings.searxng_url)
