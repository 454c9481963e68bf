"""What the file store does when a call to the operating system fails."""

import errno
from pathlib import Path
from typing import Any

import pytest

from server.errors import StoreFailed, StoreFull
from server.stores.disk import Disk
from server.stores.files import FileStore
from server.stores.segments import Segments, SegmentWriter
from server.stores.volume import Volume
from tests.campaigns.relayed import RelayedDisk, os_error
from tests.making import TASK, life, life_folder, outputs


class RefusingDisk(RelayedDisk):
    """Refuses one kind of call, from now on, with this error."""

    refused: tuple[str, int] | None = None

    def call(self, name: str, *args: Any) -> Any:
        if self.refused is not None and self.refused[0] == name:
            raise os_error(self.refused[1])
        return super().call(name, *args)


class SyncCountingDisk(Disk):
    """Counts how often the names in a folder were made durable."""

    def __init__(self) -> None:
        self.synced = 0

    def sync_folder(self, path: Path) -> None:
        self.synced += 1
        super().sync_folder(path)


async def test_what_an_fsync_has_failed_for_waits_for_an_owner_who_makes_it_durable(tmp_path: Path) -> None:
    """It can be read, and a later fsync calls it durable, but it may be on no disk: the next seal repeats it."""
    disk = RefusingDisk(Disk())
    failing, other = FileStore(tmp_path, disk), FileStore(tmp_path)
    await failing.open()
    await other.open()
    task = life()
    await failing.create(task)
    writer = await failing.claim(task, 1, "n1")
    assert writer is not None
    await writer.append(outputs(1, 2))
    disk.refused = ("sync_data", errno.EIO)
    with pytest.raises(StoreFailed, match="durable"):
        await writer.append(outputs(3, 4))
    with pytest.raises(StoreFailed, match="closed"):
        await writer.append(outputs(3, 4))
    reader = other.reader(task)
    assert await reader.read() == []
    assert reader.undecided
    claim = await other.newest_claim(task)
    assert claim is not None
    await other.claim(task, claim.epoch + 1, "n2")
    assert [record.seq for record in await reader.read() if record.seq] == [1, 2, 3, 4]
    log = Segments(Volume(Disk()), life_folder(tmp_path)).log(1)
    log.write_bytes(b"".join(log.read_bytes().splitlines(keepends=True)[:2]))  # what a power cut has left of it
    assert [record.seq for record in await other.reader(task).read() if record.seq] == [1, 2, 3, 4]
    assert [record.seq for record in await other.reader(task, after=3).read()] == [4]


def test_a_volume_that_can_not_say_whether_a_name_exists_is_believed_neither_way(tmp_path: Path) -> None:
    """An owner that can't look for a newer claim must not show what it has written."""
    disk = RefusingDisk(Disk())
    writer = SegmentWriter(Segments(Volume(disk), tmp_path), 1)
    disk.refused = ("exists", errno.EIO)
    with pytest.raises(OSError, match="Input/output"):
        writer.append(outputs(1, 1))
    writer.close()
    assert not Disk().exists(tmp_path / "nothing")
    with pytest.raises(OSError, match="too long"):
        Disk().exists(tmp_path / ("x" * 300))


@pytest.mark.parametrize("call", ["write", "sync", "link", "make_folder"])
async def test_a_task_that_there_was_no_room_for_was_not_made(tmp_path: Path, call: str) -> None:
    """Where it may have been made, another error says so."""
    disk = RefusingDisk(Disk())
    store = FileStore(tmp_path, disk)
    await store.open()
    disk.refused = (call, errno.ENOSPC)
    with pytest.raises(StoreFull):
        await store.create(life())
    assert await store.lives(TASK) == []
    disk.refused = ("sync_folder", errno.ENOSPC)
    with pytest.raises((StoreFull, StoreFailed)) as refused:
        await store.create(life())
    assert isinstance(refused.value, StoreFailed) or await store.lives(TASK) == []


async def test_a_volume_that_is_full_at_start_is_not_taken_for_one_without_hard_links(tmp_path: Path) -> None:
    """That would be a weaker way of making names, for as long as the server runs."""
    disk = RefusingDisk(Disk())
    disk.refused = ("write", errno.ENOSPC)
    store = FileStore(tmp_path, disk)
    await store.open()
    assert store._folder.volume.hard_links


async def test_a_volume_that_was_full_at_start_may_turn_out_to_have_no_hard_links(tmp_path: Path) -> None:
    """Tasks are made, claimed and removed there all the same."""
    disk = RefusingDisk(Disk())
    disk.refused = ("write", errno.ENOSPC)
    store = FileStore(tmp_path, disk)
    await store.open()
    disk.refused = ("link", errno.EPERM)
    task = life()
    assert await store.create(task) == (task, True)
    assert await store.claim(task, 1, "n1") is not None
    assert await store.claim(task, 1, "n2") is None
    assert await store.remove(task, 1)
    assert await store.lives(TASK) == []


def test_a_segment_whose_name_can_not_be_made_durable_gives_its_handle_back(tmp_path: Path) -> None:
    """A volume that refuses for hours must not use them up."""
    disk = RefusingDisk(Disk())
    disk.refused = ("sync_folder", errno.EIO)
    before = len(list(Path("/proc/self/fd").iterdir()))
    for epoch in range(1, 20):
        with pytest.raises(OSError, match="Input/output"):
            SegmentWriter(Segments(Volume(disk), tmp_path), epoch)
    assert len(list(Path("/proc/self/fd").iterdir())) <= before


def test_a_name_is_made_durable_again_only_where_it_may_be_another_file(tmp_path: Path) -> None:
    """Whoever has taken the mark away and made it again need not have come to the sync."""
    disk = SyncCountingDisk()
    volume, mark = Volume(disk), tmp_path / "mark"
    first = volume.touch(mark)
    assert disk.synced == 1
    assert volume.touch(mark, first) == first
    assert disk.synced == 1
    mark.rename(tmp_path / "taken away")
    assert volume.touch(mark, first) != first
    assert disk.synced == 2
    assert mark.exists()
    volume.touch(mark)
    assert disk.synced == 3


class NoRoomForLivesDisk(Disk):
    """Takes the record of a life, and not its folder; knows of which folders the names were made durable last."""

    def __init__(self) -> None:
        self.made_durable: list[Path] = []

    def make_folder(self, path: Path) -> None:
        if path.parent.name == TASK:
            raise os_error(errno.ENOSPC)
        super().make_folder(path)

    def sync_folder(self, path: Path) -> None:
        super().sync_folder(path)
        self.made_durable.append(path)


async def test_a_life_that_others_see_is_durable_although_there_was_no_room_for_its_folder(tmp_path: Path) -> None:
    """They may have shown it, and after a power cut another one would be made in its place."""
    disk = NoRoomForLivesDisk()
    store, other = FileStore(tmp_path, disk), FileStore(tmp_path)
    await store.open()
    await other.open()
    task = life()
    with pytest.raises(StoreFailed, match="Ask for it again"):
        await store.create(task)
    assert await other.lives(TASK) == [task]
    assert disk.made_durable[-1] == tmp_path / TASK
