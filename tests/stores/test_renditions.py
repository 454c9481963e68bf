"""Renditions in the file store: thrown away whenever they do not fit, and never in the way of a task."""

import errno
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from server.errors import StoreFull
from server.models import Life
from server.stores.disk import Disk
from server.stores.files import FileStore
from tests.making import life, life_folder, output, release

RENDITION = b"what was made of it"


class SmallDisk(Disk):
    """A volume with little room. ``written``: how many bytes may still be written to files."""

    free = written = 1 << 40

    def free_bytes(self, folder: Path) -> int:
        return self.free

    def write(self, handle: int, content: bytes | memoryview) -> int:
        if len(content) > self.written:
            raise OSError(errno.ENOSPC, "no room")
        self.written -= len(content)
        return super().write(handle, content)


async def pieces() -> AsyncIterator[bytes]:
    yield RENDITION


async def finished(store: FileStore, *, rendered: bool = True) -> Life:
    """A task with two epochs, the second released, and a long log."""
    await store.open()
    task, _ = await store.create(life())
    for epoch, last in ((1, output(1, "once and again " * 40_000)), (2, output(2))):
        writer = await store.claim(task, epoch, "n1")
        assert writer is not None
        await writer.append([last, release()])
        await writer.close()
    if rendered:
        assert await store.keep_rendition(task, pieces())
    return task


async def kept(store: FileStore, task: Life) -> bytes | None:
    rendition = await store.rendition(task)
    if rendition is None:
        return None
    content = await rendition.read(0, rendition.size)
    await rendition.close()
    return content


async def test_a_rendition_whose_first_line_is_damaged_is_none(tmp_path: Path) -> None:
    """Any byte of it; what stands behind it is for who reads it to check."""
    store = FileStore(tmp_path)
    task = await finished(store)
    file = life_folder(tmp_path) / "rendition"
    whole = file.read_bytes()
    first_line = len(whole) - len(RENDITION)
    for offset in range(first_line):
        file.write_bytes(whole[:offset] + bytes([whole[offset] ^ 1]) + whole[offset + 1 :])
        assert await kept(store, task) is None
        file.write_bytes(whole[:offset])
        assert await kept(store, task) is None
    file.write_bytes(whole)
    assert await kept(store, task) == RENDITION


@pytest.mark.parametrize("epoch", [1, 2])
async def test_a_log_that_was_cut_or_grew_has_no_rendition(tmp_path: Path, epoch: int) -> None:
    """Whatever its segment: what is in the log is then to be read there."""
    store = FileStore(tmp_path)
    task = await finished(store)
    log = life_folder(tmp_path) / f"{epoch:06d}.jsonl"
    whole = log.read_bytes()
    for content in (whole[:-1], whole + b"\n", b""):
        log.write_bytes(content)
        assert await kept(store, task) is None
    log.unlink()
    assert await kept(store, task) is None
    log.write_bytes(whole)
    assert await kept(store, task) == RENDITION


async def test_packing_a_log_takes_its_rendition_away(tmp_path: Path) -> None:
    """A packed log may have a new one."""
    store = FileStore(tmp_path)
    task = await finished(store)
    assert await store.pack(task, 2) > 0
    assert not (life_folder(tmp_path) / "rendition").exists()
    assert await store.keep_rendition(task, pieces())
    assert await kept(store, task) == RENDITION


async def test_where_there_is_little_room_there_is_no_rendition(tmp_path: Path) -> None:
    """Tasks come first: a rendition takes a tenth of what is free at most, and nothing of it stays behind."""
    disk = SmallDisk()
    store = FileStore(tmp_path, disk)
    task = await finished(store, rendered=False)
    log_bytes = sum(log.stat().st_size for log in life_folder(tmp_path).glob("*.jsonl"))
    disk.free = 10 * log_bytes - 10
    assert not await store.keep_rendition(task, pieces())

    async def longer_than_its_log() -> AsyncIterator[bytes]:
        for _ in range(3):
            yield bytes(log_bytes)

    disk.free = 20 * log_bytes
    with pytest.raises(StoreFull):
        await store.keep_rendition(task, longer_than_its_log())
    disk.free = 1 << 40
    disk.written = log_bytes + 1000
    with pytest.raises(StoreFull):
        await store.keep_rendition(task, longer_than_its_log())
    assert await store.rendition(task) is None
    assert not list(tmp_path.glob(".*"))


async def test_a_rendition_whose_maker_was_killed_is_cleared_away(tmp_path: Path) -> None:
    """It was written where tidying up looks."""
    store = FileStore(tmp_path)
    task = await finished(store, rendered=False)
    left: list[Path] = []

    async def left_behind() -> AsyncIterator[bytes]:
        yield RENDITION
        (aside,) = tmp_path.glob(".*")
        left.append(tmp_path / f"{aside.name.removesuffix('.tmp')}-copy.tmp")
        left[0].write_bytes(aside.read_bytes())

    assert await store.keep_rendition(task, left_behind())
    for _ in range(2):
        assert left[0].exists()
        await store.tidy()
    assert not left[0].exists()
    assert await kept(store, task) == RENDITION
