"""Notices as files: what is damaged hides no other, and what a dead writer left goes."""

from pathlib import Path

from server.models import Notice
from server.stores.files import FileStore

MINE = Notice("a" * 32 + ":abc123:7", "f00d", "n1", 5, '{"type":"task.completed"}')
OTHER = Notice("b" * 32 + ":abc123:7", "f00d", "n1", 5, "{}")


async def test_a_damaged_notice_is_left_out_until_it_is_kept_again(tmp_path: Path) -> None:
    """Also an empty one, as a power cut may leave it."""
    store = FileStore(tmp_path)
    await store.open()
    for notice in (MINE, OTHER):
        await store.keep_notice(notice)
    file = tmp_path / "untold" / f"{'a' * 32}-abc123-7-f00d.json"
    for damage in (b"", file.read_bytes().replace(b"completed", b"destroyed")):
        file.write_bytes(damage)
        assert await store.notices() == [OTHER]
    await store.keep_notice(MINE)
    assert {each.key for each in await store.notices()} == {MINE.key, OTHER.key}
    await store.close()


async def test_what_a_killed_writer_has_left_among_the_notices_is_tidied_away(tmp_path: Path) -> None:
    """At the second look, since a write that is under way may leave it for a moment."""
    store = FileStore(tmp_path)
    await store.open()
    await store.keep_notice(MINE)
    left = tmp_path / "untold" / ".x.json.0123.tmp"
    left.write_bytes(b"{")
    assert await store.notices() == [MINE]
    await store.tidy()
    await store.tidy()
    assert not left.exists()
    assert await store.notices() == [MINE]
    await store.close()
