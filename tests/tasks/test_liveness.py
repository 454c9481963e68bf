"""Who is alive: judged on one's own clock, by counters that move."""

from pathlib import Path

from server.models import Node
from server.settings import Settings
from server.stores.base import Store
from server.stores.memory import MemoryStore
from server.tasks.liveness import Liveness
from tests.serving import settings


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def node(name: str, counter: int, *, held: bool | None = True) -> Node:
    return Node(name, counter, "", 0, 1, "0", {}, held)


def watcher(store: Store, clock: Clock, wanted: Settings) -> Liveness:
    return Liveness(store, wanted, lambda counter: node("me", counter), clock)


async def look(watch: Liveness, clock: Clock, seconds: float) -> None:
    """Go on looking for so long, four times a second."""
    for _ in range(round(seconds * 4)):
        clock.now += 0.25
        await watch.observe()


async def test_a_node_is_dead_when_its_counter_has_not_moved_for_the_lease_time(tmp_path: Path) -> None:
    """And alive again as soon as it moves."""
    clock, store = Clock(), MemoryStore()
    watch = watcher(store, clock, settings(tmp_path, heartbeat_seconds=1, lease_seconds=10))
    for counter in (1, 2):
        await store.beat(node("other", counter))
        await watch.observe()
        await look(watch, clock, 9.75)
        assert not watch.is_dead("other")
    await look(watch, clock, 0.25)
    assert watch.is_dead("other")
    await store.beat(node("other", 3))
    await watch.observe()
    assert not watch.is_dead("other")


async def test_a_free_lock_shortens_the_wait_to_two_heartbeats(tmp_path: Path) -> None:
    """It never decides alone."""
    clock, store = Clock(), MemoryStore()
    watch = watcher(store, clock, settings(tmp_path, heartbeat_seconds=1, lease_seconds=10))
    await store.beat(node("other", 1, held=False))
    await watch.observe()
    await look(watch, clock, 1.75)
    assert not watch.is_dead("other")
    await look(watch, clock, 0.25)
    assert watch.is_dead("other")


async def test_a_node_nobody_has_seen_is_watched_before_it_counts_as_dead(tmp_path: Path) -> None:
    """Its heartbeat may only have been lost."""
    clock, store = Clock(), MemoryStore()
    watch = watcher(store, clock, settings(tmp_path, heartbeat_seconds=1, lease_seconds=10))
    await watch.observe()
    assert not watch.is_dead("ghost")
    await look(watch, clock, 9.75)
    assert not watch.is_dead("ghost")
    await look(watch, clock, 0.25)
    assert watch.is_dead("ghost")


async def test_a_node_that_was_frozen_holds_nobody_for_dead_whom_it_could_not_hear(tmp_path: Path) -> None:
    """Silence counts only while it was listened to."""
    clock, store = Clock(), MemoryStore()
    watch = watcher(store, clock, settings(tmp_path, heartbeat_seconds=1, lease_seconds=10))
    await store.beat(node("other", 1))
    await watch.observe()
    for counter in range(2, 100):
        await store.beat(node("other", counter))
        clock.now += 1
    assert not watch.is_dead("other")
    await watch.observe()
    assert not watch.is_dead("other")
    clock.now += 100
    await watch.observe()
    assert not watch.is_dead("other")
    await look(watch, clock, 9)
    assert watch.is_dead("other")


async def test_a_node_fences_itself_before_others_may_take_its_tasks(tmp_path: Path) -> None:
    """At two thirds of the lease."""
    clock = Clock()
    watch = watcher(MemoryStore(), clock, settings(tmp_path, lease_seconds=9))
    assert not watch.may_write()
    await watch.beat()
    clock.now += 5.9
    assert watch.may_write()
    clock.now += 0.2
    assert not watch.may_write()
    await watch.beat()
    assert watch.may_write()


async def test_a_death_is_told_once_and_again_after_the_node_came_back(tmp_path: Path) -> None:
    """So that its tasks need not wait for the next regular look."""
    clock, store = Clock(), MemoryStore()
    told: list[float] = []
    wanted = settings(tmp_path, heartbeat_seconds=1, lease_seconds=10)
    watch = Liveness(store, wanted, lambda counter: node("me", counter), clock, on_loss=lambda: told.append(clock.now))
    await store.beat(node("other", 1, held=False))
    await watch.observe()
    await look(watch, clock, 4)
    await store.beat(node("other", 2, held=True))
    await look(watch, clock, 1)
    await store.beat(node("other", 3, held=False))
    await look(watch, clock, 12)
    assert told == [2.0, 15.25]


async def test_a_node_that_is_gone_for_long_is_no_longer_remembered(tmp_path: Path) -> None:
    """Whoever starts and ends servers all day must not fill the memory of those that stay."""
    clock, store = Clock(), MemoryStore()
    watch = watcher(store, clock, settings(tmp_path, heartbeat_seconds=1, lease_seconds=10))
    for number in range(50):
        name = f"n{number}"
        await store.beat(node(name, 1))
        await watch.observe()
        await store.leave(name)
        await watch.observe()
        clock.now += 1
    await look(watch, clock, 101)
    assert len(watch._sightings) == 0


async def test_kinds_are_offered_by_the_living(tmp_path: Path) -> None:
    """In the versions that their heartbeats name."""
    clock, store = Clock(), MemoryStore()
    watch = watcher(store, clock, settings(tmp_path, heartbeat_seconds=1, lease_seconds=10))
    await store.beat(Node("other", 1, "", 0, 1, "0", {"essay": 3}, True))
    await watch.observe()
    assert watch.offers("essay")
    assert watch.offers("essay", 3)
    assert not watch.offers("essay", 2)
    assert not watch.offers("poem")
    await look(watch, clock, 11)
    assert not watch.offers("essay")


async def test_a_machine_that_was_suspended_holds_its_own_lease_for_lost_and_nobody_else_for_dead(
    tmp_path: Path,
) -> None:
    """It has not seen the others meanwhile, but they have missed it."""
    clock, since_boot, store = Clock(), Clock(), MemoryStore()
    wanted = settings(tmp_path, heartbeat_seconds=1, lease_seconds=10)
    watch = Liveness(store, wanted, lambda counter: node("me", counter), clock, since_boot)
    await watch.beat()
    await store.beat(node("other", 1))
    await watch.observe()
    assert watch.may_write()
    since_boot.now += 3600
    assert not watch.may_write()
    assert not watch.is_dead("other")
    await watch.beat()
    assert watch.may_write()


async def test_a_lock_that_is_free_while_its_node_lives_tells_nothing(tmp_path: Path) -> None:
    """As on a volume whose locks do not reach other machines: then the lease decides alone."""
    clock, store = Clock(), MemoryStore()
    watch = watcher(store, clock, settings(tmp_path, heartbeat_seconds=1, lease_seconds=10))
    for counter in (1, 2, 3):
        await store.beat(node("other", counter, held=False))
        await look(watch, clock, 0.5)
    await look(watch, clock, 9)
    assert not watch.is_dead("other")
    await look(watch, clock, 1)
    assert watch.is_dead("other")


async def test_a_lease_that_has_run_out_once_does_not_come_back(tmp_path: Path) -> None:
    """A node that slept renews it as it wakes up, and its tasks may be others' by then."""
    clock, store = Clock(), MemoryStore()
    watch = watcher(store, clock, settings(tmp_path, heartbeat_seconds=1, lease_seconds=9))
    await watch.beat()
    before = watch.lease()
    for _ in range(5):
        clock.now += 5.9
        await watch.beat()
    assert before()
    clock.now += 6.1
    assert not before()
    await watch.beat()
    assert watch.may_write()
    assert not before()
    assert watch.lease()()


async def test_a_heartbeat_that_took_too_long_to_write_ends_the_lease(tmp_path: Path) -> None:
    """Others may have seen the one before it for all that time."""
    clock = Clock()

    class Slow(MemoryStore):
        async def beat(self, node: Node) -> None:
            clock.now += 6.5
            await super().beat(node)

    watch = watcher(Slow(), clock, settings(tmp_path, heartbeat_seconds=1, lease_seconds=9))
    await watch.beat()
    lease = watch.lease()
    await watch.beat()
    assert not lease()
