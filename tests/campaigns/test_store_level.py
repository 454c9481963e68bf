"""The campaigns on the store alone: their parts do what they say, and they notice what they are there for."""

import os
import shutil
import signal
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from server.stores import lines
from server.stores.checksum import checked
from server.stores.files import FileStore
from tests.campaigns.campaign import Figures
from tests.campaigns.disks import CALLS, BlindDisk, CallingDisk, HoldingDisk, LinklessDisk, Moment, SignallingDisk
from tests.campaigns.rot import CUT, FIRST, SUBJECTS, Damage, fit_lines, fit_object
from tests.campaigns.rotting import FINISHED, RUNNING, Place, Whole, make
from tests.campaigns.verdicts import Verdict
from tests.making import life, outputs

Run = Callable[[int, int, bool], Figures]
APPEND = os.O_WRONLY | os.O_CREAT | os.O_APPEND


def test_every_call_of_a_disk_can_be_counted_and_passes_through(tmp_path: Path) -> None:
    """Also one that is added tomorrow: they are found by what the class has."""
    seen = []

    class Counted(CallingDisk):
        def around(self, name: str, act: Callable[..., object], args: tuple[object, ...]) -> object:
            seen.append(name)
            return super().around(name, act, args)

    disk = Counted()
    handle = disk.open(tmp_path / "a", APPEND)
    assert disk.write(handle, b"abc") == 3
    disk.sync_data(handle)
    disk.close(handle)
    assert disk.names(tmp_path) == ["a"]
    assert seen == ["open", "write", "sync_data", "close", "names"]
    assert {"open", "write", "link", "rename", "unlink", "exists", "sync", "sync_folder"} <= CALLS


@pytest.mark.parametrize("moment", list(Moment))
def test_a_signal_falls_where_it_was_meant_to(tmp_path: Path, moment: Moment) -> None:
    """Half-way through, half of the bytes are there; and in the end all are."""
    path, there = tmp_path / "a", []

    def tell(count: int, name: str, at: Moment) -> None:
        there.append((count, name, at, path.read_bytes()))

    disk = SignallingDisk([(2, moment)], signal.SIGCONT, tell)
    handle = disk.open(path, APPEND)
    assert disk.write(handle, b"abcdef") == 6
    disk.close(handle)
    before = {Moment.BEFORE: b"", Moment.HALF: b"abc", Moment.AFTER: b"abcdef"}[moment]
    assert there == [(2, "write", moment, before)]
    assert path.read_bytes() == b"abcdef"


def test_a_holding_disk_writes_when_a_file_is_closed(tmp_path: Path) -> None:
    disk = HoldingDisk()
    handle = disk.open(tmp_path / "a", APPEND)
    disk.write(handle, b"abc")
    disk.sync_data(handle)
    assert (tmp_path / "a").read_bytes() == b""
    assert disk.size(handle) == 3
    disk.close(handle)
    assert (tmp_path / "a").read_bytes() == b"abc"


def test_a_blind_disk_sees_all_but_the_claim_after_its_own(tmp_path: Path) -> None:
    disk = BlindDisk()
    for epoch in (1, 2, 3):
        (tmp_path / f"{epoch:06d}.claim").touch()
    disk.own(1)
    assert [disk.exists(tmp_path / f"{epoch:06d}.claim") for epoch in (1, 2, 3)] == [True, False, True]


async def test_a_store_works_without_hard_links(tmp_path: Path) -> None:
    """So what is tried there is a volume that is used, and not one that is refused."""
    store = FileStore(tmp_path, LinklessDisk())
    await store.open()
    task, made = await store.create(life())
    assert made
    writer = await store.claim(task, 1, "n1")
    assert writer is not None
    await writer.append(outputs(1, 3))
    await writer.close()
    reader = store.reader(task)
    assert [record.seq for record in await reader.read()] == [1, 2, 3]
    await reader.close()
    await store.close()


@pytest.fixture
async def whole(tmp_path: Path) -> Whole:
    return await make(tmp_path)


async def test_on_an_undamaged_volume_no_judge_finds_anything(tmp_path: Path, whole: Whole) -> None:
    """Each of them, on a volume of its own."""
    judges = [(subject.name, judge) for subject in SUBJECTS for judge in subject.judges]
    for index, (name, judge) in enumerate(judges):
        copy = tmp_path.with_name(f"{tmp_path.name}-{index}")
        shutil.copytree(tmp_path, copy)
        place = Place(copy)
        await place.store.open()
        verdict, detail = await judge(place, whole)
        await place.store.close()
        assert verdict is Verdict.SAME, (name, detail)


async def test_checksums_that_are_made_to_fit_do_fit(tmp_path: Path, whole: Whole) -> None:
    """Or the weakened run would find everything by its checksum, and nothing else would be tried."""
    for subject, fit in [(subject, subject.fit) for subject in SUBJECTS if subject.fit is not None]:
        content = (tmp_path / subject.path).read_bytes()
        assert fit(content) == content, subject.name
    log = (tmp_path / f"{RUNNING}/{FIRST}/000002.jsonl").read_bytes()
    damage = partial(Damage, SUBJECTS[0])
    changed = damage(log.index(b"text 5"), 1).done_to(log)
    third_line = changed.split(b"\n")[2]
    with pytest.raises(lines.BadLine):
        lines.decode(third_line)
    assert b"uext 5" in lines.decode(fit_lines(changed).split(b"\n")[2]).data
    snapshot = (tmp_path / f"{FINISHED}.json").read_bytes()
    assert checked(fit_object(snapshot.replace(b"the end", b"the ent")))["outputs"][0].endswith("the ent")
    assert damage(5, CUT).done_to(log) == log[:5]
