"""ddgs, which reads the result pages of search engines. Only where the operator asks for it by name.

The package has connections of its own, in a thread: they don't pass the judge of all else that goes out.
"""

import importlib
import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import anyio.to_thread

from server.sources.providers.base import Capability, Hit, ProviderFailed
from server.sources.providers.hits import hit

PACKAGE = "ddgs"
REQUEST_SECONDS = 8
MISSING = "The package ddgs is not installed here: pip install 'holdfast[ddgs]'."
MOST_QUERY_CHARS = 400
_REGIONS = {"zh": "cn-zh", "en": "us-en"}


def is_installed() -> bool:
    return importlib.util.find_spec(PACKAGE) is not None


def load() -> Any:
    """:raises ProviderFailed: (``missing_package``)"""
    try:
        importlib.import_module(f"{PACKAGE}.exceptions")
        return importlib.import_module(PACKAGE)
    except ImportError:
        raise ProviderFailed("missing_package", MISSING) from None


@dataclass(frozen=True)
class Ddgs:
    """``load`` gives the package, or what has its form."""

    load: Callable[[], Any] = load
    name: ClassVar[str] = "ddgs"
    capabilities: ClassVar[frozenset[Capability]] = frozenset({"web"})
    keyless: ClassVar[bool] = True

    async def search(self, query: str, *, language: str, limit: int) -> list[Hit]:
        region = _REGIONS.get(language, "wt-wt")
        said = await anyio.to_thread.run_sync(
            _ask, self.load, query[:MOST_QUERY_CHARS], region, limit, abandon_on_cancel=True
        )
        found = [
            hit("ddgs", url=one.get("href"), title=one.get("title"), snippet=one.get("body"))
            for one in said
            if isinstance(one, dict)
        ]
        return [one for one in found if one is not None][:limit]


def _ask(load: Callable[[], Any], query: str, region: str, limit: int) -> list[Any]:
    package = load()
    exceptions = package.exceptions
    try:
        return list(package.DDGS(timeout=REQUEST_SECONDS).text(query, region=region, max_results=limit))
    except exceptions.RatelimitException:
        raise ProviderFailed("rate_limited", "The engines behind it were asked too often.") from None
    except exceptions.TimeoutException:
        raise ProviderFailed("timeout", "The engines behind it did not answer in time.") from None
    except exceptions.DDGSException as error:
        if "no results" in str(error).lower():
            return []
        raise ProviderFailed("bad_response", "The engines behind it could not be read.") from None
