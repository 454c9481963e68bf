"""Each campaign, small: nothing is lost, and the same without its protection is noticed."""

import importlib.util

import pytest

from tests.campaigns.__main__ import NAMES, campaign, module_of
from tests.campaigns.campaign import timed

SEED = 1
PRESENT = [name for name in NAMES if importlib.util.find_spec(module_of(name)) is not None]


@pytest.mark.parametrize("name", PRESENT)
def test_nothing_is_lost(name: str) -> None:
    """The small run of the campaign."""
    wanted = campaign(name)
    if (lack := wanted.missing()) is not None:
        pytest.skip(lack)
    figures, line = timed(wanted, wanted.small, SEED, weakened=False)
    assert figures.clean, "\n".join([line, *figures.notes])


@pytest.mark.parametrize("name", PRESENT)
def test_without_its_protection_the_campaign_reports_losses(name: str) -> None:
    """A check that can't fail proves nothing."""
    wanted = campaign(name)
    if (lack := wanted.missing()) is not None:
        pytest.skip(lack)
    figures, line = timed(wanted, wanted.small_weakened, SEED, weakened=True)
    assert not figures.clean, line
