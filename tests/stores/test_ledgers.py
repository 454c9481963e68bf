"""Ledgers as files: whole or not there, wherever a writer dies; and on volumes without hard links."""

from pathlib import Path
from random import Random

import pytest

from server.errors import StoreFailed
from server.stores.disk import Disk
from server.stores.ledgers import Ledgers
from server.stores.volume import Volume
from tests.campaigns.disks import LinklessDisk
from tests.campaigns.simulation.fake_disk import FakeDisk, Habits, Trouble
from tests.campaigns.simulation.medium import Medium
from tests.contract.dying import Died, DyingDisk

LEDGER = "d" * 32
MOST_CALLS = 30


def ledgers(root: Path, disk: Disk | None = None) -> Ledgers:
    return Ledgers(Volume(disk or Disk()), root / "ledgers")


@pytest.mark.parametrize("before", [0, 1])
def test_wherever_a_writer_dies_an_entry_is_whole_or_not_there(tmp_path: Path, before: int) -> None:
    """At each call to the disk, of the first entry and of a later one; whoever comes next goes on behind it."""
    died = 0
    for calls in range(MOST_CALLS):
        root = tmp_path / str(calls)
        root.mkdir()
        for number in range(1, before + 1):
            assert ledgers(root).enter(LEDGER, number, "earlier")
        disk = DyingDisk()
        disk.left = calls
        try:
            ledgers(root, disk).enter(LEDGER, before + 1, {"text": "雾" * 1000})
        except Died:
            died += 1
        found = ledgers(root).entries(LEDGER)
        assert found in (["earlier"] * before, ["earlier"] * before + [{"text": "雾" * 1000}])
        assert ledgers(root).enter(LEDGER, len(found) + 1, "next")
        assert ledgers(root).entries(LEDGER) == [*found, "next"]
    assert 5 < died < MOST_CALLS


@pytest.mark.parametrize("seed", range(60))
def test_what_was_entered_or_read_is_there_after_a_power_cut(seed: int) -> None:
    """Also what a writer left behind whose disk failed in the middle, once somebody has read it."""
    rng, medium, root = Random(seed), Medium(), Path("/data")  # noqa: S311 - chance that can be repeated
    medium.make_root(root)
    habits = Habits(hand_over_share=0.0)
    writer, reader = FakeDisk(medium, habits, rng), FakeDisk(medium, habits, rng)
    entered = 0
    for number in range(1, 4):
        assert ledgers(root, writer).enter(LEDGER, number, number)
        entered = number
    writer.trouble = Trouble(error_share=0.3)
    try:
        entered += ledgers(root, writer).enter(LEDGER, 4, 4)
    except (OSError, StoreFailed):
        assert entered == 3
    read = ledgers(root, reader).entries(LEDGER)
    assert len(read) >= entered
    medium.cut_power(rng)
    assert ledgers(root, FakeDisk(medium, habits, rng)).entries(LEDGER) == read == list(range(1, len(read) + 1))


def test_without_hard_links_an_entry_that_is_being_written_is_not_there_yet(tmp_path: Path) -> None:
    """Its number is held all the same: nobody writes over it."""
    volume = Volume(LinklessDisk())
    volume.hard_links = False
    linkless = Ledgers(volume, tmp_path / "ledgers")
    assert linkless.enter(LEDGER, 1, "first")
    half = tmp_path / "ledgers" / LEDGER / "00000002.entry"
    half.write_bytes(b'{"content": "sec')
    assert linkless.entries(LEDGER) == ["first"]
    assert not linkless.enter(LEDGER, 2, "other")
    assert half.read_bytes() == b'{"content": "sec'
    half.unlink()
    assert linkless.enter(LEDGER, 2, "second")
    assert linkless.entries(LEDGER) == ["first", "second"]
