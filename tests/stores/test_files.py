"""What the file store promises beyond the contract: the files themselves, and what damage does."""

import errno
import gzip
import os
import random
import resource
import shutil
import signal
import stat
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import orjson
import pytest

from server.errors import HoldfastError, LogCorrupt, OwnershipLost, StoreFailed, StoreFull
from server.models import Life, Node, Record
from server.stores import lines
from server.stores.checksum import checked, with_checksum
from server.stores.disk import Disk
from server.stores.files import FileStore
from server.stores.seals import current_seals, seal_before
from server.stores.segments import Segments, SegmentWriter
from server.stores.volume import Volume
from server.tasks.ownership import read_state
from tests.making import TASK, life, life_folder, output, outputs, release

VOLUME = Volume(Disk())


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[FileStore]:
    made = FileStore(tmp_path)
    await made.open()
    yield made
    await made.close()


@pytest.fixture
async def task(store: FileStore) -> Life:
    made = life()
    await store.create(made)
    return made


def log_file(root: Path, epoch: int = 1) -> Path:
    return life_folder(root) / f"{epoch:06d}.jsonl"


async def write(store: FileStore, task: Life, epoch: int, *groups: list[Record]) -> None:
    writer = await store.claim(task, epoch, f"n{epoch}")
    assert writer is not None
    for records in groups:
        await writer.append(records)
    await writer.close()


async def read(store: FileStore, task: Life, after: int = 0) -> list[int]:
    reader = store.reader(task, after)
    found: list[int] = []
    try:
        while batch := await reader.read():
            found += [record.seq for record in batch if record.seq is not None]
    finally:
        await reader.close()
    return found


async def texts_of(store: FileStore, task: Life) -> tuple[list[bytes], HoldfastError | None]:
    """The events' data up to the end or an error, and that error."""
    reader = store.reader(task)
    found: list[bytes] = []
    try:
        while batch := await reader.read():
            found += [record.data for record in batch if record.seq is not None]
    except HoldfastError as error:
        return found, error
    finally:
        await reader.close()
    return found, None


async def test_files_belong_to_this_user_alone(store: FileStore, task: Life, tmp_path: Path) -> None:
    """0600 in folders of 0700."""
    await write(store, task, 1, outputs(1, 2))
    await store.save_snapshot(task, 1, b"{}", durable=True)
    await store.put_artifact(task, 1, "a", b"1")
    await store.beat(Node("n1", 1, "", 0, 1, "0"))
    for path in tmp_path.rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path
    assert not [path for path in tmp_path.rglob("*") if path.name.endswith(".tmp")]


async def test_a_torn_tail_is_ignored_kept_aside_and_sealed_out(store: FileStore, task: Life, tmp_path: Path) -> None:
    """The next owner goes on behind the last whole record."""
    await write(store, task, 1, outputs(1, 3))
    with log_file(tmp_path).open("ab") as file:
        file.write(b'{"seq":4,"at":17')
    assert await read(store, task) == [1, 2, 3]
    await write(store, task, 2, outputs(4, 5))
    assert await read(store, task) == [1, 2, 3, 4, 5]
    assert log_file(tmp_path).with_suffix(".jsonl.broken").read_bytes() == b'{"seq":4,"at":17'


@pytest.mark.parametrize("sealed", [False, True])
async def test_damage_in_the_middle_is_never_skipped_over(
    store: FileStore, task: Life, tmp_path: Path, sealed: bool
) -> None:
    """What is before it is read; then the reader is told."""
    await write(store, task, 1, outputs(1, 3), outputs(4, 4))
    if sealed:
        await write(store, task, 2, outputs(5, 5))
    content = bytearray(log_file(tmp_path).read_bytes())
    second_line = content.index(b"\n") + 30
    content[second_line] ^= 1
    log_file(tmp_path).write_bytes(content)
    reader = store.reader(task)
    assert [record.seq for record in await reader.read()] == [1]
    with pytest.raises(LogCorrupt, match="byte"):
        await reader.read()
    if not sealed:
        with pytest.raises(LogCorrupt):
            await store.claim(task, 2, "n2")


async def test_each_flipped_byte_of_a_sealed_log_is_found(store: FileStore, task: Life, tmp_path: Path) -> None:
    """None is served as good. The last group is read from the seal, which repeats it."""
    await write(store, task, 1, outputs(1, 2), outputs(3, 3))
    await write(store, task, 2, outputs(4, 4))
    whole = log_file(tmp_path).read_bytes()
    for place in range(len(whole)):
        damaged = bytearray(whole)
        damaged[place] ^= 0x20
        log_file(tmp_path).write_bytes(damaged)
        if place >= whole.index(b'{"synced"'):
            assert await read(store, task) == [1, 2, 3, 4]
        else:
            with pytest.raises(LogCorrupt):
                await read(store, task)
    log_file(tmp_path).write_bytes(whole)
    assert await read(store, task) == [1, 2, 3, 4]


async def test_a_log_cut_at_each_byte_gives_its_whole_records(store: FileStore, task: Life, tmp_path: Path) -> None:
    """Then the next owner goes on from there."""
    await write(store, task, 1, outputs(1, 2))
    whole = log_file(tmp_path).read_bytes()
    for place in range(len(whole) + 1):
        log_file(tmp_path).write_bytes(whole[:place])
        assert await read(store, task) == list(range(1, whole[:place].count(b"\n") + 1))


async def test_what_a_zombie_seals_does_not_count(store: FileStore, task: Life, tmp_path: Path) -> None:
    """An owner that was overtaken between its claim and its first record has sealed nothing."""
    first = await store.claim(task, 1, "n1")
    assert first is not None
    await first.append(outputs(1, 2))
    segments = Segments(VOLUME, life_folder(tmp_path))
    assert (segments.folder / "000002.claim").write_bytes(b'{"epoch":2,"node":"n2"}')
    await write(store, task, 3, outputs(3, 3))
    with log_file(tmp_path).open("ab") as file:
        file.write(lines.encode(output(3, "zombie of epoch 1")))
    zombie = SegmentWriter(segments, 2)
    with closing(zombie), pytest.raises(OwnershipLost):
        zombie.append([*seal_before(segments, 2), output(4, "zombie of epoch 2")])
    assert current_seals(segments)[1][1] == 2
    assert await read(store, task) == [1, 2, 3]
    reader = store.reader(task, 2)
    assert b"zombie" not in (await reader.read())[0].data


async def test_an_owner_that_died_before_its_first_record_is_passed_over(
    store: FileStore, task: Life, tmp_path: Path
) -> None:
    """With and without a segment of its own."""
    await write(store, task, 1, outputs(1, 2))
    segments = Segments(VOLUME, life_folder(tmp_path))
    segments.claim(2).write_bytes(b"")
    segments.claim(3).write_bytes(b'{"epoch":3,"node":"n3"}')
    segments.log(3).write_bytes(b"")
    claim = await store.newest_claim(task)
    assert claim is not None
    assert claim.epoch == 3
    assert await read(store, task) == []
    assert not (await read_state(store, task)).settled
    await write(store, task, 4, outputs(3, 4))
    assert (await read_state(store, task)).settled
    assert await read(store, task) == [1, 2, 3, 4]
    assert await read(store, task, 2) == [3, 4]


@pytest.mark.parametrize("content", [b"", b"\x00" * 40, b"[]", b'{"node": 5}'])
async def test_a_claim_that_can_not_be_read_counts_as_held(
    store: FileStore, task: Life, tmp_path: Path, content: bytes
) -> None:
    """By nobody known, until the lease time is over."""
    await write(store, task, 1, outputs(1, 1))
    Segments(VOLUME, life_folder(tmp_path)).claim(2).write_bytes(content)
    claim = await store.newest_claim(task)
    assert claim is not None
    assert (claim.epoch, claim.node, claim.released) == (2, "", False)


async def test_a_heartbeat_of_a_newer_version_is_understood(store: FileStore, tmp_path: Path) -> None:
    """Whatever else stands in it; rubbish is passed over."""
    await store.beat(Node("n1", 1, "", 0, 1, "0"))
    path = tmp_path / "nodes" / "n1.json"
    known = checked(path.read_bytes().rstrip() + b"\n")
    path.write_bytes(with_checksum(orjson.dumps({**known, "zone": "b", "counter": 7})))
    (tmp_path / "nodes" / "n2.json").write_bytes(b'{"id": "n2"}')
    assert [(node.id, node.counter) for node in await store.nodes()] == [("n1", 7)]


def test_of_a_short_write_the_whole_records_stay(tmp_path: Path) -> None:
    """Others may have read them; the rest is cut off and told."""
    segments = Segments(VOLUME, tmp_path)
    segments.take(1, "n1")
    records = outputs(1, 3)
    sizes = [len(lines.encode(record)) for record in records]
    limit = sizes[0] + sizes[1] + sizes[2] // 2
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    with closing(SegmentWriter(segments, 1)) as writer:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
        try:
            with pytest.raises(StoreFailed) as refused:
                writer.append(records)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
            signal.signal(signal.SIGXFSZ, handler)
    assert refused.value.written == 2
    assert segments.log(1).stat().st_size == sizes[0] + sizes[1]


async def test_a_bad_snapshot_is_moved_aside(store: FileStore, task: Life, tmp_path: Path) -> None:
    """And counts as none, so that it is rebuilt."""
    path = tmp_path / f"{TASK}.json"
    for content in (b"", b"{", b"[]", b'{"taskId":"another"}', b'{"a":' * 2000):
        path.write_bytes(content)
        assert await store.snapshot(TASK) is None
        assert not path.exists()
        assert path.with_suffix(".json.broken").read_bytes() == content


async def test_each_flipped_byte_of_a_snapshot_is_found(store: FileStore, task: Life, tmp_path: Path) -> None:
    """It is never served as good."""
    await store.save_snapshot(task, 0, orjson.dumps({"taskId": TASK, "status": "completed"}), durable=False)
    path = tmp_path / f"{TASK}.json"
    whole = path.read_bytes()
    assert orjson.loads(whole)["status"] == "completed"
    for place in range(len(whole)):
        damaged = bytearray(whole)
        damaged[place] ^= 1
        path.write_bytes(damaged)
        assert await store.snapshot(TASK) is None, place
    path.write_bytes(whole)
    assert await store.snapshot(TASK) == {"taskId": TASK, "status": "completed"}


async def test_a_list_skips_what_is_no_task(store: FileStore, task: Life, tmp_path: Path) -> None:
    """Strange names and bad snapshots harm nobody."""
    (tmp_path / "notes.json").write_text("{}")
    (tmp_path / f"{'f' * 32}.json").write_text("nonsense")
    await store.save_snapshot(task, 0, orjson.dumps({"taskId": TASK}), durable=False)
    assert list((await store.heads(await store.task_ids())).values()) == [{"taskId": TASK}]
    assert await store.task_ids() == [TASK]


async def test_a_damaged_birth_record_hides_only_its_life(store: FileStore, task: Life, tmp_path: Path) -> None:
    """The others are still there."""
    second = life(number=2)
    await store.create(second)
    (tmp_path / TASK / "0001.task").write_bytes(b"{}")
    assert await store.lives(TASK) == [second]
    with pytest.raises(LogCorrupt, match="birth record"):
        await store.create(life())


async def test_a_lock_tells_whether_the_process_of_a_node_lives(store: FileStore, tmp_path: Path) -> None:
    """It is free again when its holder has ended."""
    other = FileStore(tmp_path)
    await other.open()
    await other.beat(Node("other", 1, "", 0, 1, "0"))
    (seen,) = await store.nodes()
    assert seen.held is True
    await other.close()
    (seen,) = await store.nodes()
    assert seen.held is False


async def test_a_folder_that_can_not_be_used_is_told_with_its_reason(tmp_path: Path) -> None:
    """Not with a traceback of the operating system's error."""
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreFailed, match="task folder"):
        await FileStore(tmp_path / "file" / "tasks").open()


async def test_the_check_names_what_a_volume_can_do(tmp_path: Path) -> None:
    """Every finding of a good folder is fine, and nothing is left behind."""
    findings = await FileStore(tmp_path).check()
    assert {finding.name for finding in findings} >= {"folder", "hard links", "flock", "free space"}
    assert all(finding.ok for finding in findings)
    assert os.listdir(tmp_path) == []


async def test_a_packed_log_takes_less_room_and_zcat_unpacks_it(store: FileStore, task: Life, tmp_path: Path) -> None:
    """A short one is left as it is."""
    await write(store, task, 1, outputs(1, 10))
    await write(store, task, 2, *(outputs(first, first + 9) for first in range(11, 8_991, 10)))
    assert await store.pack(task, 2) == 0, "its owner may still write"
    await write(store, task, 3, [output(8_991), release()])
    plain = log_file(tmp_path, 2).read_bytes()
    saved = await store.pack(task, 3)
    packed = log_file(tmp_path, 2).with_suffix(".jsonl.gz")
    assert saved == len(plain) - packed.stat().st_size > len(plain) / 2
    assert gzip.decompress(packed.read_bytes()) == plain
    assert log_file(tmp_path, 1).exists()
    assert not log_file(tmp_path, 2).exists()


async def test_each_flipped_byte_of_a_packed_log_is_found(store: FileStore, task: Life, tmp_path: Path) -> None:
    """None is served as good: what is read before the damage is what was written."""
    await write(store, task, 1, [*(output(seq, "x" * 2000) for seq in range(1, 400)), release()])
    good, error = await texts_of(store, task)
    assert error is None
    await store.pack(task, 1)
    packed = log_file(tmp_path).with_suffix(".jsonl.gz")
    whole = packed.read_bytes()
    places = random.Random(3).sample(range(len(whole)), 300)  # noqa: S311 - places to damage, nothing secret
    for place in [*range(60), *places, *range(len(whole) - 60, len(whole))]:
        damaged = bytearray(whole)
        damaged[place] ^= 0x40
        packed.write_bytes(damaged)
        texts, error = await texts_of(store, task)
        assert isinstance(error, LogCorrupt), place
        assert texts == good[: len(texts)]
    ends_of_members = [place for place in range(len(whole)) if whole.startswith(b"\x1f\x8b\x08\x04", place)]
    for cut in (5, 24, len(whole) // 2, len(whole) - 1, *ends_of_members):
        packed.write_bytes(whole[:cut])
        texts, error = await texts_of(store, task)
        assert isinstance(error, LogCorrupt), cut
        assert texts == good[: len(texts)]


async def test_what_killed_writers_left_is_cleared_away(store: FileStore, task: Life, tmp_path: Path) -> None:
    """Not at first sight, since somebody may be writing it just now."""
    await store.enter("d" * 32, 1, "an entry")
    left = [
        tmp_path / f".{TASK}.json.0123456789ab.tmp",
        tmp_path / "nodes" / ".n1.json.0123456789ab.tmp",
        tmp_path / "ledgers" / ("d" * 32) / ".00000002.entry.0123456789ab.tmp",
    ]
    for path in left:
        path.write_bytes(b"half")
    folder = tmp_path / f".removed-{TASK}-01234567"
    folder.mkdir()
    (folder / "0001.task").write_bytes(b"{}")
    kept = tmp_path / ".gitkeep"
    kept.touch()
    await store.tidy()
    assert all(path.exists() for path in [*left, folder])
    await store.tidy()
    assert not any(path.exists() for path in [*left, folder])
    assert kept.exists()
    assert await store.lives(TASK) == [task]
    assert await store.entries("d" * 32) == ["an entry"]


async def test_a_full_volume_still_takes_heartbeats(tmp_path: Path) -> None:
    """A node must not be held for dead because nothing new can be written."""

    class Full(Disk):
        full = False

        def write(self, handle: int, content: bytes | memoryview) -> int:
            if self.full:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return super().write(handle, content)

    disk = Full()
    store = FileStore(tmp_path, disk)
    await store.open()
    await store.beat(Node("n1", 1, "", 0, 1, "0"))
    disk.full = True
    await store.beat(Node("n1", 2, "", 10, 1, "0"))
    with pytest.raises(StoreFull):
        await store.create(life())
    assert [(node.counter, node.running) for node in await store.nodes()] == [(2, 10)]
    await store.close()


async def test_a_folder_that_was_emptied_is_told_and_not_filled_anew(store: FileStore, tmp_path: Path) -> None:
    """Where a volume is not mounted, what is written would be lost."""
    for name in os.listdir(tmp_path):
        shutil.rmtree(tmp_path / name)
    with pytest.raises(StoreFailed, match="not the folder that this server started with"):
        await store.create(life())
    assert os.listdir(tmp_path) == []


async def test_hundreds_of_owners_that_died_before_their_first_record_are_passed_over(
    store: FileStore, task: Life, tmp_path: Path
) -> None:
    """Their seals are more than one small read."""
    await write(store, task, 1, outputs(1, 2))
    segments = Segments(VOLUME, life_folder(tmp_path))
    for epoch in range(2, 900):
        segments.take(epoch, f"a-node-with-a-rather-long-name-{epoch}")
    await write(store, task, 900, outputs(3, 4))
    await write(store, task, 901, outputs(5, 5))
    assert await read(store, task) == [1, 2, 3, 4, 5]
    assert await read(store, task, 3) == [4, 5]


async def test_a_volume_that_fails_at_start_is_not_taken_for_one_without_hard_links(tmp_path: Path) -> None:
    """Nodes that make claims in different ways would not keep each other out."""

    class Failing(Disk):
        failing = True

        def link(self, existing: Path, new: Path) -> None:
            if self.failing:
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            super().link(existing, new)

    disk = Failing()
    store = FileStore(tmp_path, disk)
    await store.open()
    with pytest.raises(StoreFailed):
        await store.create(life())
    disk.failing = False
    assert (await store.create(life()))[1]
    await store.close()


async def test_without_hard_links_a_creation_that_failed_leaves_no_empty_name(tmp_path: Path) -> None:
    """With room again, the same request makes the task."""

    class Small(Disk):
        full = False

        def link(self, existing: Path, new: Path) -> None:
            raise OSError(errno.EPERM, os.strerror(errno.EPERM))

        def write(self, handle: int, content: bytes | memoryview) -> int:
            if self.full:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return super().write(handle, content)

    disk = Small()
    store = FileStore(tmp_path, disk)
    await store.open()
    disk.full = True
    task = life()
    with pytest.raises(StoreFull):
        await store.create(task)
    disk.full = False
    assert await store.create(task) == (task, True)
    await store.close()


async def test_a_log_that_ends_before_what_its_snapshot_tells_of_is_not_taken_for_whole(
    store: FileStore, task: Life, tmp_path: Path
) -> None:
    """A crash leaves no such thing: the end is durable before a snapshot tells of it."""
    await write(store, task, 1, outputs(1, 3), [*outputs(4, 6), release()])
    told = {"taskId": TASK, "generation": task.generation, "epoch": 1, "seq": 6, "status": "completed"}
    await store.save_snapshot(task, 1, orjson.dumps(told), durable=True)
    assert await read(store, task) == [1, 2, 3, 4, 5, 6]
    whole = log_file(tmp_path).read_bytes().splitlines(keepends=True)
    log_file(tmp_path).write_bytes(b"".join(whole[:5]))
    reader = store.reader(task)
    assert [record.seq for record in await reader.read()] == [1, 2, 3, 4, 5]
    for _ in range(2):
        with pytest.raises(LogCorrupt, match="ends before event 6") as found:
            await reader.read()
        assert found.value.reaches == 6
    with pytest.raises(LogCorrupt, match="ends before event 6"):
        await store.claim(task, 2, "n2")
    log_file(tmp_path).write_bytes(b"".join(whole))  # out of a backup
    await write(store, task, 3, outputs(7, 7))
    assert await read(store, task) == [1, 2, 3, 4, 5, 6, 7]


@pytest.mark.parametrize("told", [{"generation": "other1", "status": "completed"}, {"status": "running"}])
async def test_only_the_snapshot_of_the_same_life_that_has_ended_says_how_long_its_log_is(
    store: FileStore, task: Life, told: dict[str, str]
) -> None:
    """Copies of a running folder hold snapshots that are newer than their logs."""
    await write(store, task, 1, outputs(1, 3))
    snapshot = {"taskId": TASK, "generation": task.generation, "epoch": 1, "seq": 600, **told}
    await store.save_snapshot(task, 1, orjson.dumps(snapshot), durable=False)
    assert await read(store, task) == [1, 2, 3]
    await write(store, task, 2, outputs(4, 4))
    assert await read(store, task) == [1, 2, 3, 4]


async def test_a_release_that_was_seen_counts_only_while_its_log_is_as_it_was(store: FileStore, tmp_path: Path) -> None:
    """Each look asks the file itself; so a log that is damaged after that is read, and its damage told."""
    task = life()
    await store.create(task)
    writer = await store.claim(task, 1, "n1")
    assert writer is not None
    await writer.append([output(1), release()])
    await writer.close()
    head = {"taskId": TASK, "generation": task.generation, "status": "completed", "seq": 1, "epoch": 1}
    await store.save_snapshot(task, 1, orjson.dumps(head), durable=True)
    assert await store.end(task) == await store.end(task) == head
    log = life_folder(tmp_path) / "000001.jsonl"
    log.write_bytes(log.read_bytes()[:-20])
    assert await store.end(task) is None
