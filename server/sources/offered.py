"""Which addresses a model may have opened: those that it was offered, and none that it made up.

An address that was made up is how an injected instruction would carry what the model knows to somebody's server.
"""

from collections.abc import Collection

from server.sources.failures import FetchFailed
from server.sources.urls import canonical

LONGEST_CHOSEN_URL = 1024


def may_open(url: str, offered: Collection[str]) -> bool:
    """Whether a model's choice may be opened: a search returned it or a page that was fetched linked it.

    Both sides are compared in their one spelling; not a character of path or query may be the model's own.
    """
    if len(url) > LONGEST_CHOSEN_URL:
        return False
    try:
        wanted = canonical(url)
    except FetchFailed:
        return False
    return wanted in offered_spellings(offered)


def offered_spellings(offered: Collection[str]) -> frozenset[str]:
    """The offers in their one spelling, without those that can't be opened at all."""
    spellings = set()
    for url in offered:
        try:
            spellings.add(canonical(url))
        except FetchFailed:
            continue
    return frozenset(spellings)
