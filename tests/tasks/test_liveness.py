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


async def test_a_node_is_dead_when_its_counter_has_not_moved_for_the_lease_time(tmp_path: Path) -> None:
    """And alive again as soon as it moves."""
    clock, store = Clock(), MemoryStore()
    watch = watcher(store, clock, settings(tmp_path, heartbeat_seconds=1, lease_seconds=10))
    for counter in (1, 2):
        await store.beat(node("other", counter))
        await watch.observe()
        clock.now += 9.9
        assert not watch.is_dead("other")
    clock.now += 0.2
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
    assert not watch.is_dead("other")
    clock.now += 1.9
    assert not watch.is_dead("other")
    clock.now += 0.2
    assert watch.is_dead("other")


async def test_a_node_nobody_has_seen_is_watched_before_it_counts_as_dead(tmp_path: Path) -> None:
    """Its heartbeat may only have been lost."""
    clock, store = Clock(), MemoryStore()
    watch = watcher(store, clock, settings(tmp_path, lease_seconds=10))
    assert not watch.is_dead("ghost")
    clock.now += 10
    assert watch.is_dead("ghost")


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
