"""One browser for all tests of this folder's modules that share a loop, and the site that it visits."""

from collections.abc import AsyncIterator

import pytest

from server.sources.browser import find_browser
from server.sources.chromium.pool import Chromium
from server.sources.egress import Judge
from server.sources.guard import EgressGuard
from tests.workflows.browse.site import Site, site


def chromium() -> Chromium:
    """A pool over the machine's browser, which may visit loopback. Skips the test where there is none."""
    found = find_browser()
    if found.browser is None:
        pytest.skip(f"no browser was found on this machine. {' '.join(found.problems)}")
    path = found.browser.path
    return Chromium(lambda: path, EgressGuard(Judge(("127.0.0.1",))))


@pytest.fixture(scope="session")
async def pool() -> AsyncIterator[Chromium]:
    made = chromium()
    async with made.running():
        yield made


@pytest.fixture
async def odd_site() -> AsyncIterator[Site]:
    async with site() as found:
        yield found
