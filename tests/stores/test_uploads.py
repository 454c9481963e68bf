"""Uploads as files: what is damaged is not served, what a dead sender left goes, and tasks keep some room."""

import errno
import hashlib
import os
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random

import anyio
import pytest

from server.errors import StoreFailed, StoreFull, UploadDamaged
from server.stores.disk import Disk
from server.stores.files import FileStore
from server.stores.uploads import Uploads
from server.stores.volume import Volume
from tests.campaigns.simulated import ROOT as SIMULATED
from tests.campaigns.simulated import SimulatedDisk

WORDS = b"some words of a file\n" * 1000
DIGEST = hashlib.sha256(WORDS).hexdigest()


async def sent(*pieces: bytes) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


async def opened(folder: Path, disk: Disk | None = None) -> FileStore:
    store = FileStore(folder, disk)
    await store.open()
    return store


async def put(store: FileStore, content: bytes = WORDS) -> str:
    return (await store.keep_upload("ann", "a.txt", "text/plain", sent(content)))[0].id


async def test_every_node_finds_an_upload_after_a_restart(tmp_path: Path) -> None:
    """One that was there, one that came later."""
    first, other = await opened(tmp_path), await opened(tmp_path)
    await put(first)
    await first.close()
    later = await opened(tmp_path)
    for store in (other, later):
        assert await store.upload_content("ann", DIGEST) == WORDS
        await store.close()


async def test_the_folder_tells_neither_who_sent_a_file_nor_its_name(tmp_path: Path) -> None:
    """And only its owner may read it."""
    store = await opened(tmp_path)
    await store.keep_upload("../../ann", "../secret.txt", "text/plain", sent(WORDS))
    (file,) = (tmp_path / "uploads").iterdir()
    assert "ann" not in file.name
    assert "secret" not in file.name
    assert DIGEST in file.name
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700
    assert await store.upload_content("../../ann", DIGEST) == WORDS
    await store.close()


@pytest.mark.parametrize("damage", ["content", "cut", "head", "nothing"])
async def test_a_damaged_upload_is_not_served_until_it_is_sent_again(tmp_path: Path, damage: str) -> None:
    """Whatever of it is damaged."""
    store = await opened(tmp_path)
    await put(store)
    (file,) = (tmp_path / "uploads").iterdir()
    whole = file.read_bytes()
    damaged = {
        "content": whole.replace(b"words", b"WORDS", 1),
        "cut": whole[:-1],
        "head": whole.replace(b"a.txt", b"b.txt", 1),
        "nothing": b"",
    }
    file.write_bytes(damaged[damage])
    if damage in ("content", "cut"):  # which only shows when it is read
        with pytest.raises(UploadDamaged):
            await store.upload_content("ann", DIGEST)
    else:
        with pytest.raises(UploadDamaged):
            await store.upload("ann", DIGEST)
    await put(store)
    assert await store.upload_content("ann", DIGEST) == WORDS
    assert len(list((tmp_path / "uploads").iterdir())) == 1
    await store.close()


async def test_what_a_killed_sender_has_left_is_tidied_away_and_what_still_grows_is_not(tmp_path: Path) -> None:
    """At the second look that finds nothing new in it."""
    store = await opened(tmp_path)
    left = tmp_path / "uploads" / ".0123.tmp"
    left.write_bytes(b"half of")
    may_end = anyio.Event()

    async def slow() -> AsyncIterator[bytes]:
        for number in range(4):
            yield b"%d" % number
            await store.tidy()
        may_end.set()

    with anyio.fail_after(10):
        kept, _ = await store.keep_upload("ann", "slow", "text/plain", slow())
        await may_end.wait()
    assert not left.exists()
    assert await store.upload_content("ann", kept.id) == b"0123"
    await store.close()


async def test_a_sender_whose_beginnings_were_tidied_away_is_told(tmp_path: Path) -> None:
    """A store that was frozen for minutes, say: nothing is kept, and it can be sent again."""
    store = await opened(tmp_path)

    async def silent() -> AsyncIterator[bytes]:
        yield WORDS
        await store.tidy()
        await store.tidy()

    with pytest.raises(StoreFailed):
        await store.keep_upload("ann", "a.txt", "text/plain", silent())
    assert await store.upload("ann", DIGEST) is None
    assert list((tmp_path / "uploads").iterdir()) == []
    await store.close()


class SmallDisk(Disk):
    """Has so much room, and fails with this where more is written all the same."""

    def __init__(self, room: int, number: int = errno.ENOSPC) -> None:
        self._room, self._number = room, number
        self.written = 0

    def free_bytes(self, folder: Path) -> int:
        return self._room

    def write(self, handle: int, content: bytes | memoryview) -> int:
        self.written += len(content)
        if self.written > self._room:
            raise OSError(self._number, os.strerror(self._number))
        return super().write(handle, content)


async def test_an_upload_that_takes_too_much_of_the_room_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    """The half of it stays for tasks."""
    store = await opened(tmp_path, SmallDisk(2 * len(WORDS) - 2))
    with pytest.raises(StoreFull, match="room"):
        await put(store)
    assert list((tmp_path / "uploads").iterdir()) == []
    assert await put(store, b"little") == hashlib.sha256(b"little").hexdigest()
    await store.close()


@pytest.mark.parametrize(("number", "error"), [(errno.ENOSPC, StoreFull), (errno.EIO, StoreFailed)])
async def test_a_volume_that_fails_in_the_middle_keeps_nothing(
    tmp_path: Path, number: int, error: type[Exception]
) -> None:
    """Full or broken."""
    disk = SmallDisk(10**9, number)
    store = await opened(tmp_path, disk)
    disk.written = 10**9 - len(WORDS)
    with pytest.raises(error):
        await put(store)
    assert list((tmp_path / "uploads").iterdir()) == []
    await store.close()


class LosingDisk(Disk):
    """Whenever it opens an upload, somebody has just sent it again."""

    def __init__(self) -> None:
        self.times = 0

    def open(self, path: Path, flags: int) -> int:
        if self.times and path.name.startswith(OWNER) and flags & os.O_ACCMODE == os.O_RDONLY:
            self.times -= 1
            stem, _, moment = path.name.rpartition("-")
            path.rename(path.with_name(f"{stem}-{int(moment) + 1:013d}"))
        return super().open(path, flags)


OWNER = hashlib.sha256(b"ann").hexdigest()[:32]


async def test_a_reader_finds_what_was_sent_again_under_its_hands(tmp_path: Path) -> None:
    """The older file is gone by the time that it is opened."""
    disk = LosingDisk()
    store = await opened(tmp_path, disk)
    await put(store)
    disk.times = 1
    assert await store.upload_content("ann", DIGEST) == WORDS
    disk.times = 1
    assert (await store.upload("ann", DIGEST)) is not None
    assert disk.times == 0
    await store.close()


def uploads_on(disk: Disk) -> Uploads:
    return Uploads(Volume(disk), SIMULATED / "uploads")


def put_at_once(uploads: Uploads) -> None:
    writer = uploads.writer("ann", "a.txt", "text/plain")
    try:
        for piece in (WORDS[:7000], WORDS[7000:]):
            writer.write(piece)
        writer.commit()
    finally:
        writer.discard()


def test_a_power_cut_at_any_call_leaves_an_upload_whole_or_none() -> None:
    """Whole, once its sender was told so, also while it is sent again."""
    disk = SimulatedDisk()
    Volume(disk).make_folders(SIMULATED / "uploads")
    made = disk.calls
    uploads = uploads_on(disk)
    put_at_once(uploads)
    told = disk.calls
    put_at_once(uploads)
    assert disk.calls > told > made
    found = set()
    for calls in range(made, disk.calls + 1):
        for seed in range(20):
            left = uploads_on(disk.after_cut(calls, Random(seed)))  # noqa: S311 - no secret
            content = left.read("ann", DIGEST)
            assert content == WORDS or (content is None and calls < told)
            assert (left.find("ann", DIGEST) is None) == (content is None)
            found.add(content is None)
    assert found == {True, False}
