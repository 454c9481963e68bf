"""Who is told of an end, and what counts as read: over one store that several nodes share."""

import anyio

from server.models import Headline, Life, Status
from server.stores.memory import MemoryStore
from server.tasks.catalogue import Catalogue
from server.tasks.notifications import SLACK_MS, Notifications, end_id
from tests.making import life

START = 1_764_000_000_000


class Nodes:
    """Some nodes that look at one store."""

    def __init__(self, count: int = 1) -> None:
        self.store = MemoryStore()
        self.catalogues = [Catalogue(self.store) for _ in range(count)]
        self.each = [Notifications(self.store, catalogue) for catalogue in self.catalogues]

    async def begin(self) -> "Nodes":
        for catalogue in self.catalogues:
            await catalogue._make_complete()
        return self

    async def end(
        self, number: int, at: int, status: Status = Status.COMPLETED, *, scope: str = "local", task: Life | None = None
    ) -> Life:
        """A task of this number, or this one again, has ended so many milliseconds after the start."""
        epoch = 1 if task is None else 2
        task = task or (await self.store.create(life(f"{number:032x}", title=f"t{number}", scope=scope)))[0]
        told = Headline.of_life(task)._replace(epoch=epoch, seq=at + 1, status=status, finished_at=START + at)
        await self.store.save_snapshot(task, 0, b"{}", durable=False, headline=told)
        return task


def titles(ends: list[Headline]) -> list[str]:
    return [each.title for each in ends]


async def test_each_end_is_told_once_the_last_first() -> None:
    """What ends later is told later; what has not ended is only counted."""
    nodes = await Nodes().begin()
    [node] = nodes.each
    assert await node.tell("local") == []
    await nodes.end(1, 10)
    await nodes.end(2, 20, Status.FAILED)
    await nodes.store.create(life("f" * 32))
    assert titles(await node.tell("local")) == ["t2", "t1"]
    assert await node.tell("local") == []
    assert node.active("local") == 1
    await nodes.end(3, 15, Status.STOPPED)
    assert titles(await node.tell("local")) == ["t3"]


async def test_of_many_that_ask_at_once_on_several_nodes_one_is_given_each_end() -> None:
    """Nothing twice, nothing left."""
    nodes = await Nodes(3).begin()
    found: list[str] = []

    async def ask(node: Notifications) -> None:
        found.extend(titles(await node.tell("local")))

    for number in range(20):
        await nodes.end(number, number)
        async with anyio.create_task_group() as tg:
            for node in nodes.each * 5:
                tg.start_soon(ask, node)
    assert sorted(found) == sorted(f"t{number}" for number in range(20))


async def test_users_have_their_own_marks() -> None:
    """What one was told, another was not."""
    nodes = await Nodes().begin()
    [node] = nodes.each
    await nodes.end(1, 1, scope="a")
    await nodes.end(2, 2, scope="b")
    assert titles(await node.tell("a")) == ["t1"]
    await node.read("a", None)
    assert (await node.standing("b", 50)).unread == 1
    assert titles(await node.tell("b")) == ["t2"]


async def test_some_or_all_can_be_read() -> None:
    """An id that is nobody's is passed over; what was told is not read for that."""
    nodes = await Nodes().begin()
    [node] = nodes.each
    for number in range(4):
        await nodes.end(number, number)
    await node.tell("local")
    standing = await node.standing("local", 2)
    assert (standing.unread, standing.untold, len(standing.ended)) == (4, 0, 2)
    newest = standing.ended[0][0]
    await node.read("local", {end_id(newest), "nobody's"})
    standing = await node.standing("local", 50)
    assert (standing.unread, [was_read for _, was_read in standing.ended]) == (3, [True, False, False, False])
    await node.read("local", None)
    await node.read("local", None)
    assert (await node.standing("local", 50)).unread == 0
    await nodes.end(9, 9)
    assert (await node.standing("local", 50)).unread == 1


async def test_the_end_of_a_retry_is_another_end() -> None:
    """Told and read anew, and the earlier one is no longer one."""
    nodes = await Nodes().begin()
    [node] = nodes.each
    task = await nodes.end(1, 1, Status.FAILED)
    assert titles(await node.tell("local")) == ["t1"]
    await node.read("local", None)
    await nodes.end(1, 500, task=task)
    assert titles(await node.tell("local")) == ["t1"]
    standing = await node.standing("local", 50)
    assert (standing.unread, len(standing.ended)) == (1, 1)


async def test_what_is_kept_of_a_user_stays_small() -> None:
    """Of what ended more than an hour before the last end no more than that is kept."""
    nodes = await Nodes().begin()
    [node] = nodes.each
    for number in range(300):
        await nodes.end(number, number * SLACK_MS // 10)
        assert titles(await node.tell("local")) == [f"t{number}"]
    kept = (await nodes.store.personal("local")).content["told"]
    assert len(kept["ends"]) == 10
    assert await node.tell("local") == []


async def test_what_was_read_one_by_one_is_no_longer_named_when_all_before_it_is_read_or_gone() -> None:
    """What is kept does not grow with what is read, nor with tasks that are removed; what is unread stays so."""
    nodes = await Nodes().begin()
    [node] = nodes.each

    async def kept() -> int:
        return len((await nodes.store.personal("local")).content["read"]["ends"])

    tasks = [await nodes.end(number, number * SLACK_MS // 10) for number in range(100)]
    ids = [end_id(headline) for headline, _ in (await node.standing("local", 100)).ended]  # the last first
    await node.read("local", set(ids[:99]))
    assert await kept() == 99
    assert await nodes.store.remove(tasks[40], 0)
    await nodes.end(200, 100 * SLACK_MS // 10)
    [newest, *_] = (await node.standing("local", 1)).ended
    await node.read("local", {end_id(newest[0])})
    assert await kept() == 99
    assert (await node.standing("local", 1)).unread == 1
    await node.read("local", {ids[99]})
    assert await kept() == 10
    standing = await node.standing("local", 200)
    assert (standing.unread, len(standing.ended)) == (0, 100)


async def test_the_mark_of_a_task_that_was_removed_is_kept_while_another_node_may_not_know_of_it() -> None:
    """Which tells of the end a moment later, and must not tell that it is unread."""
    nodes = await Nodes(2).begin()
    first, second = nodes.each
    await nodes.end(1, 1)
    await nodes.end(2, 2 * SLACK_MS)
    task = await nodes.end(3, 2 * SLACK_MS + 1)
    newest = (await first.standing("local", 1)).ended[0][0]
    await first.read("local", {end_id(newest)})
    assert await nodes.store.remove(task, 0)
    await second.read("local", {end_id((await second.standing("local", 1)).ended[0][0])})
    assert end_id(newest) in (await nodes.store.personal("local")).content["read"]["ends"]


async def test_an_end_that_becomes_known_late_is_told_all_the_same() -> None:
    """As when the clock of its node is some minutes behind those of the others."""
    nodes = await Nodes().begin()
    [node] = nodes.each
    await nodes.end(1, SLACK_MS)
    await node.tell("local")
    await nodes.end(2, SLACK_MS // 2)
    assert titles(await node.tell("local")) == ["t2"]


async def test_a_task_that_is_removed_is_no_notification_any_more() -> None:
    """Nor counted as unread."""
    nodes = await Nodes().begin()
    [node] = nodes.each
    task = await nodes.end(1, 1)
    assert (await node.standing("local", 50)).unread == 1
    assert await nodes.store.remove(task, 0)
    standing = await node.standing("local", 50)
    assert (standing.unread, standing.untold, list(standing.ended)) == (0, 0, [])
