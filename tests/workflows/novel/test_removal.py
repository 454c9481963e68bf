"""Removing novels: at once, wherever it is cut off, and never by half into a task or a novel that comes after it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from server.errors import StoreFull, WorkflowFailed
from server.stores.memory import MemoryStore
from server.workflows.novel.removal import remove
from server.workflows.rehearsal import Killed, RehearsedLedger
from tests.serving import Running, serving, settings, wait_until
from tests.workflows.novel.bibles import CHINESE
from tests.workflows.novel.long import ask, done
from tests.workflows.novel.running import Shelf

FRAME = {"title": "雾港来信", "chapters": 8}
LINE = "潮水退去的时候，灯塔下面露出一行字。"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("removed")


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[Running]:
    with serving(settings(folder)) as running:
        yield running


def imported(server: Running, novel: str) -> str:
    """The id of the completed task that wrote a chapter into a new novel."""
    bible = {"texts": [{"number": 2, "text": LINE}]}
    task_id = ask(server.url, novel={"id": novel, **FRAME}, task_type="import", bible=bible)
    done(server.url, task_id)
    return task_id


def delete(server: Running, novel: str) -> httpx2.Response:
    return httpx2.delete(f"{server.url}/api/novels/{novel}", timeout=30)


def holding(folder: Path, text: str) -> list[str]:
    return [path.name for path in folder.rglob("*") if path.is_file() and text.encode() in path.read_bytes()]


def test_a_removed_novel_is_gone_with_its_tasks_and_may_be_begun_again(server: Running, folder: Path) -> None:
    """Nothing of its texts is left on the disk; the same request makes the novel anew, and not the old task."""
    task_id = imported(server, "gone")
    imported(server, "other")
    assert delete(server, "gone").status_code == 204
    assert httpx2.get(f"{server.url}/api/novels/gone", timeout=30).json()["code"] == "novel_not_found"
    assert httpx2.get(f"{server.url}/api/tasks/{task_id}", timeout=30).status_code == 404
    assert httpx2.get(f"{server.url}/api/novels/gone/tasks", timeout=30).json()["tasks"] == []
    assert delete(server, "gone").json()["code"] == "novel_not_found"
    assert httpx2.get(f"{server.url}/api/novels/other", timeout=30).status_code == 200
    assert delete(server, "other").status_code == 204
    wait_until(lambda: holding(folder, LINE) == [])
    assert imported(server, "gone") == task_id
    shown = httpx2.get(f"{server.url}/api/novels/gone", timeout=30).json()
    assert (shown["revision"], shown["words"]) == (3, {"2": 16}), "an entry, its removal, and a new one"
    assert shown["texts"] == [{"number": 2, "title": ""}]


def test_a_bible_is_shown_without_its_texts_and_a_chapter_with_its_own(server: Running) -> None:
    """`texts=1` has them all; what is no chapter of the novel is not found."""
    imported(server, "brief")
    at = f"{server.url}/api/novels/brief"
    assert LINE not in httpx2.get(at, timeout=30).text
    whole = httpx2.get(f"{at}?texts=1", timeout=30).json()
    assert [one["text"] for one in whole["texts"]] == [LINE]
    chapter = httpx2.get(f"{at}/chapters/2", timeout=30).json()
    assert (chapter["text"]["text"], chapter["plan"], chapter["revision"]) == (LINE, None, 1)
    for number in ("1", "0", "-1", "x", "9" * 30):
        assert httpx2.get(f"{at}/chapters/{number}", timeout=30).status_code == 404
    assert httpx2.get(f"{at}?texts=maybe", timeout=30).status_code == 422


class Filling(MemoryStore):
    """Has no room in its ledgers until some is made."""

    full = True

    async def enter(self, ledger: str, number: int, content: Any) -> bool:
        if self.full:
            raise StoreFull
        return await super().enter(ledger, number, content)


def test_a_novel_with_a_task_on_its_way_is_not_removed(tmp_path: Path) -> None:
    """409 says what to do; nothing is removed by it."""
    store = Filling()
    with serving(settings(tmp_path), store=store) as server:
        task_id = ask(server.url, novel={"id": "busy", "title": "夜航"})
        wait_until(lambda: httpx2.get(f"{server.url}/api/tasks/{task_id}", timeout=30).json()["stalled"] is not None)
        refused = delete(server, "busy")
        assert (refused.status_code, refused.json()["code"]) == (409, "novel_busy")
        store.full = False
        assert done(server.url, task_id)["revision"] == 2
        assert delete(server, "busy").status_code == 204


@pytest.mark.parametrize("steps", [1, 2, 3])
async def test_a_task_that_was_at_work_when_its_novel_was_removed_fails_and_writes_nothing(steps: int) -> None:
    """It has seen what is no more; what it would write belongs in no other novel."""
    shelf = Shelf()
    await shelf.run(task_type="import", frame=FRAME, bible={"characters": CHINESE["characters"]})
    dying = shelf.context(steps_until_kill=steps)
    with pytest.raises(Killed):
        await shelf.run(dying, task_type="outline")
    assert await remove(shelf.context().ledger("night"))
    await shelf.run(task_type="import", frame={"title": "另一部"}, bible={"world": [{"id": "sea", "name": "海"}]})
    again = shelf.context(journal=dying.journal)
    again.task_id = dying.task_id
    with pytest.raises(WorkflowFailed, match="removed while"):
        await shelf.run(again, task_type="outline", frame={"title": "另一部"})
    bible = await shelf.bible()
    assert (bible["book"]["title"], bible["chapters"], bible["characters"]) == ("另一部", [], [])


async def test_a_removal_that_is_cut_off_is_done_for_whoever_reads_and_ended_by_the_next() -> None:
    """The novel is gone from the entry on; its texts go when it is removed again."""
    shelf = Shelf()
    await shelf.run(task_type="import", frame=FRAME, bible={"texts": [{"number": 1, "text": LINE}]})
    await shelf.run(task_type="import", bible={"texts": [{"number": 2, "text": LINE}]})

    class Dying(RehearsedLedger):
        async def blank(self, below: int) -> None:
            await super().blank(below - 1)
            raise StoreFull

    with pytest.raises(StoreFull):
        await remove(Dying(shelf.ledgers["night"]))
    assert shelf.workflow.shown is not None
    ledger = shelf.context().ledger("night")
    assert await shelf.workflow.shown(ledger) is None
    assert LINE in str(await ledger.entries())
    assert await remove(ledger)
    assert LINE not in str(await ledger.entries())
    assert not await remove(ledger), "nothing is left to remove"
