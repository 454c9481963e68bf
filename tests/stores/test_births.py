"""Births in the file store: what is left of makers that died or slept over them, and of removals."""

import errno
import os
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from anyio import create_task_group, fail_after, from_thread
from anyio.lowlevel import current_token

from server.errors import LogCorrupt, StoreFull, TaskNotFound
from server.stores.disk import Disk
from server.stores.files import FileStore
from tests.campaigns.disks import LinklessDisk
from tests.making import TASK, life, outputs

PATIENCE_SECONDS = 0.1
WAIT_SECONDS = 10


class Meddling(Disk):
    """Somebody else does something right before the next rename."""

    def __init__(self, meddle: Callable[[], None]) -> None:
        self._meddle: Callable[[], None] | None = meddle

    def rename(self, old: Path, new: Path) -> None:
        meddle, self._meddle = self._meddle, None
        if meddle is not None:
            meddle()
        super().rename(old, new)


@pytest.mark.parametrize("left", [b"", b'{\n  "task_id": "0123'])
async def test_a_number_over_which_its_maker_died_is_passed_over(tmp_path: Path, left: bytes) -> None:
    """Without hard links the name is there before the record is; the same request must not be barred by it."""
    store = FileStore(tmp_path, LinklessDisk(), PATIENCE_SECONDS)
    await store.open()
    (tmp_path / TASK).mkdir()
    (tmp_path / TASK / "0001.task").write_bytes(left)
    assert await store.lives(TASK) == []
    task = life()
    made = replace(task, number=2)
    assert await store.create(task) == (made, True)
    assert await store.create(life()) == (made, False)
    assert await store.lives(TASK) == [made]
    await store.close()


async def test_a_maker_that_slept_over_its_record_gets_the_life_that_others_have_made(tmp_path: Path) -> None:
    """There is one task, and whoever asked for it is at that."""
    other = FileStore(tmp_path, LinklessDisk(), PATIENCE_SECONDS)
    await other.open()
    made: list[object] = []
    loop = current_token()

    class Sleepy(LinklessDisk):
        asleep = False

        def write(self, handle: int, content: bytes | memoryview) -> int:
            if self.asleep:
                self.asleep = False
                made.append(from_thread.run(other.create, life(), token=loop))
            return super().write(handle, content)

    disk = Sleepy()
    sleeper = FileStore(tmp_path, disk, PATIENCE_SECONDS)
    await sleeper.open()
    disk.asleep = True
    life_of_sleeper, is_new = await sleeper.create(life())
    assert not is_new
    assert made == [(life_of_sleeper, True)]
    assert life_of_sleeper.number == 2
    await sleeper.close()
    await other.close()


async def test_who_begins_a_life_while_its_task_goes_away_has_made_it(tmp_path: Path) -> None:
    """Its folder goes right before the record is made, and the removal lasts on: it is nobody else's all the same."""
    gone, seen_twice = threading.Event(), threading.Event()

    class Slow(Disk):
        """Takes its time over a removal, once the folder is gone."""

        def sync_folder(self, path: Path) -> None:
            if gone.is_set():
                assert seen_twice.wait(WAIT_SECONDS)
            super().sync_folder(path)

        def rename(self, old: Path, new: Path) -> None:
            super().rename(old, new)
            gone.set()

    class Making(Disk):
        looks = 0

        def link(self, existing: Path, new: Path) -> None:
            if new.name == "0002.task" and not gone.is_set():
                from_thread.run_sync(tg.start_soon, remover.remove, first, 0, token=loop)
                assert gone.wait(WAIT_SECONDS)
            super().link(existing, new)

        def exists(self, path: Path) -> bool:
            found = super().exists(path)
            self.looks += path.parent.name == "removing" and found
            if self.looks == 2:
                seen_twice.set()
            return found

    loop = current_token()
    remover, maker = FileStore(tmp_path, Slow()), FileStore(tmp_path, Making())
    await remover.open()
    await maker.open()
    first, _ = await maker.create(life())
    with fail_after(2 * WAIT_SECONDS):
        async with create_task_group() as tg:
            made, is_new = await maker.create(life(number=2))
    assert seen_twice.is_set()
    assert is_new
    assert await maker.lives(TASK) == [made]
    assert await maker.claim(made, 1, "n1") is not None
    await remover.close()
    await maker.close()


async def test_a_full_volume_takes_removals(tmp_path: Path) -> None:
    """They are what makes room: nothing new may be needed for them."""

    class Full(Disk):
        full = False

        def open(self, path: Path, flags: int) -> int:
            if self.full and flags & os.O_CREAT and not path.exists():
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return super().open(path, flags)

    disk = Full()
    store = FileStore(tmp_path, disk)
    await store.open()
    task = life()
    await store.create(task)
    disk.full = True
    with pytest.raises(StoreFull):
        await store.create(life("f" * 32))
    assert await store.remove(task, 0)
    assert await store.lives(TASK) == []
    assert not (tmp_path / TASK).exists()
    await store.close()


async def test_a_snapshot_that_was_overtaken_as_it_took_its_name_does_not_stay(tmp_path: Path) -> None:
    """Its owner slept while the task was removed and asked for again."""
    other = FileStore(tmp_path)
    await other.open()
    old, new = life(), life()
    await other.create(old)

    loop = current_token()

    def asked_again() -> None:
        assert from_thread.run(other.remove, old, 0, token=loop)
        from_thread.run(other.create, new, token=loop)

    store = FileStore(tmp_path, Meddling(asked_again))
    await store.open()
    await store.save_snapshot(old, 0, b'{"taskId":"%b"}' % TASK.encode(), durable=False)
    assert await store.lives(TASK) == [new]
    assert await store.snapshot(TASK) is None
    await store.close()
    await other.close()


async def test_an_owner_that_slept_finds_nothing_of_the_task_that_was_asked_for_again(tmp_path: Path) -> None:
    """What it does then is done to its own life, which is gone."""
    store = FileStore(tmp_path)
    await store.open()
    old, new = life(), life()
    await store.create(old)
    assert await store.remove(old, 0)
    await store.create(new)
    writer = await store.claim(new, 1, "n1")
    assert writer is not None
    await writer.append(outputs(1, 2))
    assert await store.newest_claim(old) is None
    assert await store.claim(old, 1, "n2") is None
    await store.settle(old, 9)
    assert await store.open_tasks() == [TASK]
    claim = await store.newest_claim(new)
    assert claim is not None
    assert (claim.epoch, claim.node) == (1, "n1")
    await writer.append(outputs(3, 3))
    await store.close()


class RemovingDisk(Disk):
    """Somebody else removes the task right before the log of its first epoch is opened for reading."""

    def __init__(self) -> None:
        self.remove: Callable[[], object] | None = None

    def open(self, path: Path, flags: int) -> int:
        if self.remove is not None and path.name == "000001.jsonl":
            remove, self.remove = self.remove, None
            remove()
        return super().open(path, flags)


async def test_a_reader_whose_task_is_removed_between_two_files_of_its_log_is_told_so(tmp_path: Path) -> None:
    """It knows the seal of a file that is gone, and must not take the log for a damaged one."""
    disk, task = RemovingDisk(), life()
    store = FileStore(tmp_path, disk)
    await store.open()
    await store.create(task)
    for epoch in (1, 2):
        writer = await store.claim(task, epoch, "n1")
        assert writer is not None
        await writer.append(outputs(epoch, epoch))
        await writer.close()
    reader = store.reader(task)
    disk.remove = lambda: (tmp_path / TASK).rename(tmp_path / ".removed")
    with pytest.raises(TaskNotFound):
        await reader.read()
    await reader.close()
    await store.close()


async def test_a_record_that_was_read_before_is_not_taken_for_its_successors(tmp_path: Path) -> None:
    """Even where the file of a task that was removed and asked for again has its name, length and time."""

    class Stopped(Disk):
        """All files have one version, as if a clock stood still and numbers of files were used again at once."""

        def version(self, path: Path) -> tuple[int, int, int]:
            super().version(path)
            return (1, 1, 1)

    store = FileStore(tmp_path, Stopped())
    await store.open()
    first, second = life(), life()
    await store.create(first)
    assert await store.lives(TASK) == [first]
    assert await store.remove(first, 0)
    assert await store.lives(TASK) == []
    await store.create(second)
    assert await store.lives(TASK) == [second]
    await store.close()


async def test_a_record_that_was_changed_since_it_was_read_is_read_again(tmp_path: Path) -> None:
    """What is kept of it in memory must not hide a damage that the file shows."""
    store = FileStore(tmp_path)
    await store.open()
    task = life()
    await store.create(task)
    assert await store.lives(TASK) == [task]
    record = tmp_path / TASK / "0001.task"
    record.write_bytes(record.read_bytes().replace(b'"demo"', b'"d?mo"'))
    with pytest.raises(LogCorrupt):
        await store.lives(TASK)
    await store.close()
