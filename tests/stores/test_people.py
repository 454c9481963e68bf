"""What is kept of users as files: damage falls back on what was before, and what is done with goes."""

from pathlib import Path

import pytest

from server.models import Personal
from server.stores.files import FileStore
from server.stores.people import VERSIONS_KEPT


async def filled(root: Path, versions: int) -> FileStore:
    store = FileStore(root)
    await store.open()
    for version in range(1, versions + 1):
        assert await store.keep_personal("local", Personal(version, {"n": version}))
    return store


def folder(root: Path) -> Path:
    [found] = (root / "people").iterdir()
    return found


@pytest.mark.parametrize("damage", [b"", b"{", b'{"n": 3,\n  "crc": 1\n}\n'])
async def test_a_damaged_version_falls_back_on_the_one_before(tmp_path: Path, damage: bytes) -> None:
    """Its number stays, so that the next one follows it; what it said is lost."""
    store = await filled(tmp_path, 3)
    (folder(tmp_path) / "00000003.json").write_bytes(damage)
    assert await store.personal("local") == Personal(3, {"n": 2})
    assert not await store.keep_personal("local", Personal(3, {}))
    assert await store.keep_personal("local", Personal(4, {"n": 4}))
    assert await store.personal("local") == Personal(4, {"n": 4})
    await store.close()


async def test_where_all_is_damaged_nothing_is_known(tmp_path: Path) -> None:
    """And it can be gone on with."""
    store = await filled(tmp_path, 2)
    for file in folder(tmp_path).iterdir():
        file.write_bytes(b"?")
    assert await store.personal("local") == Personal(2, {})
    assert await store.keep_personal("local", Personal(3, {"n": 3}))
    await store.close()


async def test_old_versions_go_and_so_does_what_a_killed_writer_has_left(tmp_path: Path) -> None:
    """At the second look, as a write that is under way may leave it for a moment. Other files are nobody's."""
    store = await filled(tmp_path, 3 * VERSIONS_KEPT)
    assert len(list(folder(tmp_path).iterdir())) == VERSIONS_KEPT
    left = folder(tmp_path) / ".00000099.json.0123.tmp"
    left.write_bytes(b"{")
    (folder(tmp_path) / "00000100.json.bak").write_bytes(b"{")
    assert (await store.personal("local")).version == 3 * VERSIONS_KEPT
    await store.tidy()
    await store.tidy()
    assert not left.exists()
    await store.close()


async def test_no_scope_is_read_as_a_path(tmp_path: Path) -> None:
    """What is kept stands in one folder below the store's."""
    store = await filled(tmp_path / "tasks", 1)
    for scope in ("../../etc", "/etc", "a/b", "\0", ""):
        assert await store.keep_personal(scope, Personal(1, {}))
    assert {path.name for path in tmp_path.iterdir()} == {"tasks"}
    assert len(list((tmp_path / "tasks" / "people").iterdir())) == 6
    assert all(len(path.name) == 32 for path in (tmp_path / "tasks" / "people").iterdir())
    await store.close()
