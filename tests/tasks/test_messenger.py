"""Telling of ends: by the node that kept the notice, by another when it is dead, for a day at most."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import anyio

from server.models import Node, Notice, Status, Undelivered, now_ms
from server.stores.base import Store
from server.stores.memory import MemoryStore
from server.tasks.announcer import Announcer
from server.tasks.liveness import Liveness
from server.tasks.messenger import AT_ONCE, Messenger
from server.tasks.state import TaskState
from tests.making import life
from tests.serving import settings

PATIENCE_SECONDS = 10
DAY_MS = 24 * 3_600_000
AT = now_ms()


def notice(number: int = 1, node: str = "me", receiver: str = "r") -> Notice:
    return Notice(f"{number:032x}:abc123:7", receiver, node, AT, "{}")


class Scripted:
    """Receivers that answer what they are told to, and keep what they were told."""

    def __init__(self, *answers: Undelivered | None, names: Sequence[str] = ("r",)) -> None:
        self.names, self._answers = names, list(answers)
        self.told: list[tuple[str, str]] = []
        self.under_way, self.most_under_way = 0, 0
        self.held: anyio.Event | None = None

    async def tell(self, receiver: str, message_id: str, body: bytes) -> Undelivered | None:
        self.told.append((receiver, message_id))
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        if self.held is not None and receiver == "r":
            await self.held.wait()
        self.under_way -= 1
        return self._answers.pop(0) if self._answers else None


class Counted:
    def __init__(self) -> None:
        self.outcomes: list[str] = []

    def told(self, outcome: str) -> None:
        self.outcomes.append(outcome)


class Nodes:
    """This node, and others as it sees them: ``alive`` are those whose heartbeats move."""

    def __init__(self, folder: Path, store: Store, *alive: str) -> None:
        self._store, self._alive, self._counter, self._now = store, alive, 0, 0.0
        self.watch = Liveness(
            store,
            settings(folder, heartbeat_seconds=1, lease_seconds=10),
            lambda counter: Node("me", counter, "", 0, 1, "0"),
            clock=lambda: self._now,
            lease_clock=lambda: 0.0,
        )

    async def watch_for(self, seconds: int) -> None:
        """Whoever is to be judged by then must have been looked at before."""
        for _ in range(seconds):
            self._counter += 1
            await self.watch.beat()
            for name in self._alive:
                await self._store.beat(Node(name, self._counter, "", 0, 1, "0"))
            self._now += 1
            await self.watch.observe()


@asynccontextmanager
async def sending(
    folder: Path, store: Store, receivers: Scripted, nodes: Nodes | None = None, at: int = AT
) -> AsyncIterator[tuple[Messenger, Counted]]:
    counted, nodes = Counted(), nodes or Nodes(folder, store)
    await nodes.watch_for(1)
    made = Messenger(store, nodes.watch, "me", receivers, counted, waits_seconds=(0,), clock=lambda: at)
    async with anyio.create_task_group() as tg:
        tg.start_soon(made.run)
        with anyio.fail_after(PATIENCE_SECONDS):
            yield made, counted
        tg.cancel_scope.cancel()


async def all_told(store: Store) -> None:
    while await store.notices():
        await anyio.lowlevel.checkpoint()


async def test_what_is_not_taken_is_told_again_and_dropped_when_it_is(tmp_path: Path) -> None:
    store, receivers = MemoryStore(), Scripted(*[Undelivered("busy", final=False)] * 3)
    await store.keep_notice(notice())
    async with sending(tmp_path, store, receivers) as (messenger, counted):
        await all_told(store)
        assert receivers.told == [("r", notice().id)] * 4
        assert counted.outcomes == ["failed"] * 3 + ["taken"]
        assert messenger.waiting == 0


async def test_a_receiver_that_wants_no_more_and_one_that_fails_for_a_day_are_given_up(tmp_path: Path) -> None:
    """After an attempt at least: no clock alone takes a message away."""
    for answer, at in ((Undelivered("410", final=True), AT), (Undelivered("busy", final=False), AT + DAY_MS + 1)):
        store, receivers = MemoryStore(), Scripted(answer)
        await store.keep_notice(notice())
        async with sending(tmp_path, store, receivers, at=at) as (_, counted):
            await all_told(store)
            assert (len(receivers.told), counted.outcomes) == (1, ["given_up"])


async def test_a_receiver_that_hangs_holds_few_messages_and_keeps_none_from_others(tmp_path: Path) -> None:
    store, receivers = MemoryStore(), Scripted(names=("r", "s"))
    receivers.held = anyio.Event()
    for number in range(3 * AT_ONCE):
        await store.keep_notice(notice(number))
        await store.keep_notice(notice(number, receiver="s"))
    async with sending(tmp_path, store, receivers):
        while sum(receiver == "s" for receiver, _ in receivers.told) < 3 * AT_ONCE:
            await anyio.lowlevel.checkpoint()
        assert sum(receiver == "r" for receiver, _ in receivers.told) == AT_ONCE
        receivers.held.set()
        await all_told(store)
    assert receivers.most_under_way <= 2 * AT_ONCE
    assert len(set(receivers.told)) == len(receivers.told) == 6 * AT_ONCE


async def test_what_a_living_node_keeps_is_left_to_it_and_what_a_dead_one_left_is_taken_over(tmp_path: Path) -> None:
    """And shared out among those alive: one of them takes each."""
    store = MemoryStore()
    nodes = Nodes(tmp_path, store, "alive")
    numbers = range(40)
    for number in numbers:
        await store.keep_notice(notice(number, node="dead"))
        await store.keep_notice(notice(100 + number, node="alive"))
    nodes.watch.is_dead("dead")
    await nodes.watch_for(12)
    assert nodes.watch.is_dead("dead")
    receivers, theirs = Scripted(), {notice(100 + number, node="alive").id for number in numbers}
    async with sending(tmp_path, store, receivers, nodes):
        while not receivers.told or any(each.node == "me" for each in await store.notices()):
            await anyio.lowlevel.checkpoint()
        left = {each.id for each in await store.notices()}
    mine = {message_id for _, message_id in receivers.told}
    assert theirs < left
    assert mine | left == theirs | {notice(number).id for number in numbers}
    assert not mine & left
    assert 0 < len(mine) < len(numbers)


async def test_the_notice_of_an_end_has_one_id_whoever_keeps_it_and_tells_no_parameter() -> None:
    """A retry's end is another; what goes on has none."""
    ids, made = [], life(params={"password": "canary"}, title="t" * 999)
    for node, status, seq in (
        ("n1", Status.FAILED, 9),
        ("n2", Status.FAILED, 9),
        ("n1", Status.COMPLETED, 20),
        ("n1", Status.PAUSED, 30),
    ):
        store = MemoryStore()
        state = TaskState(made, status=status, seq=seq, finished_at=1)
        await Announcer(store, node, ("r",)).announce(state)
        ids += [each.id for each in await store.notices()]
        assert all("canary" not in each.body and len(each.body) < 1500 for each in await store.notices())
    assert len(ids) == 3
    assert ids[0] == ids[1] != ids[2]
