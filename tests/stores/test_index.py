"""The index of a task folder: every store learns what became of tasks, whatever happens to its files."""

import errno
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from server.errors import StoreFailed
from server.models import Headline, Life, Status
from server.stores import index as module
from server.stores.disk import Disk
from server.stores.files import FileStore
from server.stores.index import BASE, CLOSED, OPEN, ROWS_PER_LINE
from server.tasks.state import TaskState
from tests.campaigns.relayed import RelayedDisk, os_error
from tests.making import TASK, life


class FailingDisk(RelayedDisk):
    """Refuses a call to paths that contain this, or takes half of what is written where that is asked for."""

    refused: tuple[str, str, int] | None = None
    full = False

    def call(self, name: str, *args: Any) -> Any:
        if self.refused is not None and name == self.refused[0] and any(self.refused[1] in str(each) for each in args):
            raise os_error(self.refused[2])
        if self.full and name == "write":
            if len(args[1]) <= 40:
                raise os_error(errno.ENOSPC)
            return super().call(name, args[0], args[1][:40])
        return super().call(name, *args)


class Node:
    """A store on the folder that others share, and what it knows from `changes` so far."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.disk = folder, FailingDisk(Disk())
        self.store = FileStore(folder, self.disk)
        self.known: dict[str, Headline] = {}
        self._cursor: object = None

    async def look(self) -> list[str]:
        """With one call; returns the ids that it was told of."""
        changes = await self.store.changes(self._cursor)
        self._cursor = changes.cursor
        if changes.anew:
            self.known.clear()
        for task_id in changes.gone:
            self.known.pop(task_id, None)
        self.known |= {each.task_id: each for each in changes.headlines}
        return [each.task_id for each in changes.headlines] + list(changes.gone)

    async def save(self, task: Life, status: Status, seq: int = 0, epoch: int = 0) -> None:
        state = TaskState(task, status=status, seq=seq)
        await self.store.save_snapshot(
            task, epoch, state.snapshot(epoch, 0), durable=False, headline=state.headline(epoch)
        )

    async def statuses(self) -> dict[str, Status]:
        await self.look()
        return {task_id: each.status for task_id, each in self.known.items()}

    async def complete(self) -> None:
        while not await self.store.make_headlines():
            pass

    def files(self, suffix: str) -> list[Path]:
        return [each for each in (self.folder / "index").iterdir() if each.suffix == suffix and each.name != BASE]


@pytest.fixture
async def two(tmp_path: Path) -> AsyncIterator[tuple[Node, Node]]:
    nodes = Node(tmp_path / "tasks"), Node(tmp_path / "tasks")
    for node in nodes:
        await node.store.open()
    yield nodes
    for node in nodes:
        await node.store.close()


@pytest.fixture
async def fresh(tmp_path: Path) -> AsyncIterator[Node]:
    """One that starts when a test opens it."""
    node = Node(tmp_path / "tasks")
    yield node
    await node.store.close()


def task_id_of(number: int) -> str:
    return f"{number:032x}"


async def ended(node: Node, number: int) -> Life:
    """A task that was made, ended, and is no longer open."""
    task, _ = await node.store.create(life(task_id_of(number)))
    await node.save(task, Status.COMPLETED, 9)
    await node.store.settle(task, 0)
    return task


async def test_a_store_sees_births_saves_and_removals_of_another_with_its_next_look(two: tuple[Node, Node]) -> None:
    """Each with one call, and only what is new."""
    one, other = two
    assert await other.look() == []
    task, _ = await one.store.create(life())
    assert await other.statuses() == {TASK: Status.PENDING}
    await one.save(task, Status.PAUSED, 4)
    assert await other.statuses() == {TASK: Status.PAUSED}
    assert other.known[TASK].seq == 4
    assert await other.look() == []
    assert await one.store.remove(task, 0)
    assert await other.look() == [TASK]
    assert other.known == {}


async def test_a_task_that_began_and_ended_between_two_looks_is_seen(two: tuple[Node, Node]) -> None:
    """It is open at neither look."""
    one, other = two
    await other.look()
    await ended(one, 1)
    assert await other.store.open_tasks() == []
    assert await other.statuses() == {task_id_of(1): Status.COMPLETED}


async def test_a_task_that_was_removed_and_made_again_is_the_new_one(two: tuple[Node, Node], fresh: Node) -> None:
    """With a lower number; also where the removal itself was told by nobody."""
    one, other = two
    task, _ = await one.store.create(life(number=2))
    await one.save(task, Status.COMPLETED, 9)
    await other.look()
    assert await one.store.remove(task, 0)
    again, _ = await one.store.create(life(created_at=task.created_at + 1))
    await other.look()
    assert other.known[TASK] == Headline.of_life(again)
    one.disk.refused = ("write", "", errno.ENOSPC)
    assert await one.store.remove(again, 0)
    await fresh.store.open()
    third, _ = await fresh.store.create(life(created_at=task.created_at + 2))
    await other.look()
    assert other.known[TASK] == Headline.of_life(third)


async def test_a_torn_last_line_is_read_when_it_is_whole(two: tuple[Node, Node]) -> None:
    """Its writer may be half-way through it."""
    one, other = two
    await ended(one, 1)
    await other.look()
    task = await ended(one, 2)
    [path, *_] = one.files(OPEN)
    whole = path.read_bytes()
    path.write_bytes(whole[:-20])
    assert (await other.statuses())[task.task_id] is not Status.COMPLETED
    path.write_bytes(whole)
    assert (await other.statuses())[task.task_id] is Status.COMPLETED


async def test_a_damaged_line_takes_no_other_with_it(two: tuple[Node, Node], fresh: Node) -> None:
    """What it told is found by a look at the task."""
    one, _ = two
    for number in (1, 2, 3):
        await ended(one, number)
    [path] = one.files(OPEN)
    lines = path.read_bytes().splitlines(keepends=True)
    rest = [line.replace(b"demo", b"omed") if task_id_of(2).encode() in line else line for line in lines]
    path.write_bytes(b"\0\0 nonsense\n" + b"".join(rest))
    await fresh.store.open()
    assert set(await fresh.statuses()) == {task_id_of(1), task_id_of(3)}
    await fresh.complete()
    assert await fresh.statuses() == dict.fromkeys(map(task_id_of, (1, 2, 3)), Status.COMPLETED)


async def test_what_another_version_has_told_is_passed_over(two: tuple[Node, Node]) -> None:
    """A status or a member that this one does not know."""
    one, other = two
    task = await ended(one, 1)
    headline = Headline.of_life(task)
    strange = [list(headline._replace(status="dreaming")), [*headline, "more"]]  # type: ignore[arg-type]  # as another version may write it
    (one.folder / "index/later.jsonl").write_bytes(module._line(strange))
    assert await other.statuses() == {task.task_id: Status.COMPLETED}


async def test_an_index_that_is_deleted_while_servers_run_is_begun_anew(two: tuple[Node, Node], fresh: Node) -> None:
    """They know what they knew, their work goes on, and when they next tidy up they tell what they could not."""
    one, other = two
    first = await ended(one, 1)
    await other.look()
    shutil.rmtree(one.folder / "index")
    second = await ended(one, 2)
    assert await one.statuses() == {first.task_id: Status.COMPLETED, second.task_id: Status.COMPLETED}
    assert first.task_id in await other.statuses()
    await one.store.tidy()
    assert await other.statuses() == {first.task_id: Status.COMPLETED, second.task_id: Status.COMPLETED}
    await fresh.store.open()
    assert await fresh.statuses() == await other.statuses()


async def test_an_index_that_was_deleted_before_the_start_is_made_from_the_tasks(
    two: tuple[Node, Node], fresh: Node
) -> None:
    """And the next to start finds it made."""
    one, _ = two
    tasks = [await ended(one, number) for number in range(3)]
    wanted = {task.task_id: Status.COMPLETED for task in tasks}
    shutil.rmtree(one.folder / "index")
    await fresh.store.open()
    assert await fresh.statuses() == {}
    await fresh.complete()
    assert await fresh.statuses() == wanted
    last = Node(one.folder)
    await last.store.open()
    assert await last.statuses() == wanted
    await last.store.close()


async def test_what_is_gone_without_a_word_is_noticed_by_whoever_looks_through_all(two: tuple[Node, Node]) -> None:
    """As with files that somebody has taken away by hand, or a death over a removal."""
    one, _ = two
    task = await ended(one, 1)
    await one.look()
    (one.folder / f"{task.task_id}.json").unlink()
    shutil.rmtree(one.folder / task.task_id)
    await one.complete()
    assert await one.statuses() == {}


async def test_who_dies_between_a_line_and_its_snapshot_has_told_what_the_log_has(two: tuple[Node, Node]) -> None:
    """The task stays open, so that somebody takes it up; its headline may be the only word of it until then."""
    one, other = two
    task, _ = await one.store.create(life())
    one.disk.refused = ("rename", f"{TASK}.json", errno.EIO)
    with pytest.raises(StoreFailed):
        await one.save(task, Status.COMPLETED, 9)
    assert await other.statuses() == {TASK: Status.COMPLETED}
    assert await other.store.snapshot(TASK) is None
    assert await other.store.open_tasks() == [TASK]


async def test_who_dies_between_a_birth_and_its_line_has_left_a_task_that_is_open(two: tuple[Node, Node]) -> None:
    """Whoever looks for changes finds it there, and tells the others."""
    one, other = two
    one.disk.refused = ("open", "/index/", errno.EIO)
    await one.store.create(life())
    assert one.files(OPEN) == []
    assert await other.statuses() == {TASK: Status.PENDING}
    assert other.files(OPEN) != []


async def test_a_full_volume_is_told_later_and_no_task_is_harmed(two: tuple[Node, Node]) -> None:
    """The half of a line that it took is no part of another line; where it took nothing, no file is left behind."""
    one, other = two
    await ended(one, 1)
    index = one.store._folder._index
    one.disk.full = True
    told = [Headline.of_life(life(task_id_of(number))) for number in (2, 3)]
    index.tell(told[0])
    one.disk.full = False
    one.disk.refused = ("write", "", errno.ENOSPC)
    for _ in range(5):
        index.tell(told[1])
        await one.look()
    assert set(await other.statuses()) == {task_id_of(1)}
    one.disk.refused = None
    await one.look()
    assert set(await other.statuses()) == {task_id_of(1), task_id_of(2), task_id_of(3)}
    assert len(one.files(OPEN)) == 2


async def test_much_that_could_not_be_told_comes_in_lines_that_others_can_read(two: tuple[Node, Node]) -> None:
    """One line of all of it would be longer than what a reader takes in at once."""
    one, other = two
    index = one.store._folder._index
    one.disk.refused = ("open", "/index/", errno.ENOSPC)
    count = 20 * ROWS_PER_LINE + 1
    for number in range(count):
        index.tell(Headline.of_life(life(task_id_of(number), title="长" * 40)))
    one.disk.refused = None
    await one.look()
    assert len(await other.statuses()) == count


async def test_many_short_files_are_folded_as_well(two: tuple[Node, Node], fresh: Node) -> None:
    """As restarts leave them: each would be looked at with every look."""
    one, other = two
    for number in range(module.MOST_FILES):
        line = module._line([Headline.of_life(await ended(other, number))])
        (one.folder / f"index/{number:016x}.jsonl").write_bytes(line)
    for _ in range(3):
        await one.store.tidy()
    assert one.files(OPEN) + one.files(CLOSED) == []
    await fresh.store.open()
    assert len(await fresh.statuses()) == module.MOST_FILES


async def test_folding_goes_on_beside_those_who_read_and_write(
    two: tuple[Node, Node], fresh: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is missed; a writer whose file was closed begins another, and the closed ones go a round later."""
    monkeypatch.setattr(module, "LEAST_BYTES_TO_FOLD", 1)
    writer, tidier = two
    tasks = [await ended(writer, number) for number in range(5)]
    [own] = writer.files(OPEN)
    await tidier.store.tidy()
    await tidier.store.tidy()
    assert own.with_suffix(CLOSED).exists() or not own.exists()
    tasks.append(await ended(writer, 5))
    assert own not in writer.files(OPEN)
    assert len(await tidier.statuses()) == 6
    assert await writer.store.remove(tasks[0], 0)
    for _ in range(3):
        await tidier.store.tidy()
        assert set(await writer.statuses()) == {task.task_id for task in tasks[1:]}
    assert not own.exists()
    assert not own.with_suffix(CLOSED).exists()
    await fresh.store.open()
    assert await fresh.statuses() == await tidier.statuses() == {task.task_id: Status.COMPLETED for task in tasks[1:]}


class UnreadableDisk(Disk):
    """Refuses to open the birth record of one task."""

    def open(self, path: Path, flags: int) -> int:
        if path.name == "0001.task" and path.parent.name == TASK:
            raise os_error(errno.EIO)
        return super().open(path, flags)


async def test_a_task_that_cannot_be_read_hides_no_other(tmp_path: Path) -> None:
    """Nobody has told of either, so both are looked at."""
    maker = FileStore(tmp_path)
    await maker.open()
    unreadable, readable = life(), life("f" * 32)
    for task in (unreadable, readable):
        await maker.create(task)
    await maker.close()
    shutil.rmtree(tmp_path / "index")
    store = FileStore(tmp_path, UnreadableDisk())
    await store.open()
    assert [headline.task_id for headline in (await store.changes()).headlines] == [readable.task_id]
    assert await store.make_headlines()
