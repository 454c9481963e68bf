"""Saying that this node is alive, and judging whether another one is."""

import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import anyio

from server.errors import HoldfastError
from server.models import Node
from server.settings import Settings
from server.stores.base import Store

MISSED_BEATS_WHEN_LOCK_IS_FREE = 2
FENCE_SHARE = 2 / 3
FORGET_LEASES = 10
LOOKS_PER_BEAT = 4
"""How much sooner than a beat can tell: a death is noticed within a quarter of a beat."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Sighting:
    """The last counter seen of a node, and for how many seconds of looking it has not moved.

    ``lock_lies``: it was alive while its lock was free, so that its lock says nothing here.
    """

    counter: int | None
    silent: float
    held: bool | None
    lock_lies: bool = False


def since_boot() -> float:
    """Monotonic seconds, those included in which the machine was suspended, where the system counts them."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


class Liveness:
    """Heartbeats, this node's and the others'. Nobody's wall clock is compared with anybody's."""

    def __init__(
        self,
        store: Store,
        settings: Settings,
        describe: Callable[[int], Node],
        clock: Callable[[], float] = time.monotonic,
        lease_clock: Callable[[], float] | None = None,
        on_loss: Callable[[], None] = lambda: None,
    ) -> None:
        self._store, self._settings, self._describe, self._clock = store, settings, describe, clock
        # Others are watched on a clock that stands still while this machine sleeps: they were not seen meanwhile. Its
        # own lease runs out all the same.
        self._lease_clock = lease_clock or (since_boot if clock is time.monotonic else clock)
        self._on_loss = on_loss
        self._dead: set[str] = set()
        self._counter = 0
        self._renewed = float("-inf")
        self._lapses = 0
        self._looked_at = float("-inf")
        self._sightings: dict[str, Sighting] = {}
        self.nodes: list[Node] = []

    async def beat(self) -> None:
        """Renew this node's lease. The time counts from before the write, as others may have seen it then."""
        started = self._lease_clock()
        self._counter += 1
        await self._store.beat(self._describe(self._counter))
        if not self.may_write():
            self._lapses += 1
        self._renewed = started

    async def run(self) -> None:
        """Beat and look around until cancelled, each in its own time: a slow look must not make a beat late."""
        async with anyio.create_task_group() as tg:
            tg.start_soon(self._again_and_again, self.beat, self._settings.heartbeat_seconds)
            tg.start_soon(self._again_and_again, self.observe, self._settings.heartbeat_seconds / LOOKS_PER_BEAT)

    async def _again_and_again(self, act: Callable[[], Awaitable[None]], seconds: float) -> None:
        """A volume that refuses is tried again the next time."""
        while True:
            try:
                await act()
            except HoldfastError as error:
                logger.warning("no heartbeat: %s", error.detail)
            except Exception:  # the outermost loop: a node without a heartbeat loses its tasks
                logger.exception("no heartbeat")
            await anyio.sleep(seconds)

    def may_write(self) -> bool:
        """Whether this node's lease is fresh enough that nobody can have taken its tasks."""
        return self.heartbeat_age < FENCE_SHARE * self._settings.lease_seconds

    def lease(self) -> Callable[[], bool]:
        """What says from now on whether nobody can have taken what this node owns now.

        Where the lease has run out once, it stays so: a node that slept renews its lease as it wakes up, and others may
        have taken its tasks in between.
        """
        lapses = self._lapses
        return lambda: self._lapses == lapses and self.may_write()

    @property
    def heartbeat_age(self) -> float:
        """Seconds since the last heartbeat that was written; infinite before the first."""
        return self._lease_clock() - self._renewed

    @property
    def alive(self) -> int:
        """How many nodes are alive, as this one sees it."""
        return sum(not self.is_dead(node.id) for node in self.nodes)

    async def observe(self) -> None:
        """Look at every node's heartbeat.

        Silence counts only while it was listened to: a node that was frozen, or whose volume hung, has missed the
        others' heartbeats and must not hold them for dead.
        """
        now = self._clock()
        passed = min(now - self._looked_at, self._settings.heartbeat_seconds)
        nodes = {node.id: node for node in await self._store.nodes()}
        self._looked_at = now
        for name in {*nodes, *self._sightings}:
            node = nodes.get(name)
            counter = node.counter if node else None
            known = self._sightings.get(name)
            held = node.held if node else None
            still = known is not None and known.counter == counter
            lies = known is not None and (known.lock_lies or (known.held is False and not still and node is not None))
            self._sightings[name] = Sighting(counter, known.silent + passed if known and still else 0.0, held, lies)
        await self._forget_the_gone()
        self.nodes = [node for node in nodes.values() if node.id in self._sightings]
        dead = {name for name in self._sightings if self.is_dead(name)}
        newly_dead, self._dead = dead - self._dead, dead
        leaving = any(node.capacity == 0 and node.running for node in self.nodes)
        if newly_dead or leaving:
            self._on_loss()

    async def _forget_the_gone(self) -> None:
        """Those that ended long ago, and the heartbeats that they have left if they did so without a word."""
        for name, sighting in list(self._sightings.items()):
            if sighting.silent >= FORGET_LEASES * self._settings.lease_seconds and not sighting.held:
                if sighting.counter is not None:
                    await self._store.leave(name)
                del self._sightings[name]

    def offers(self, kind: str, version: int | None = None) -> bool:
        """Whether some living node runs this kind, and in this version."""
        living = (node.kinds for node in self.nodes if not self.is_dead(node.id))
        return any(kind in kinds and version in (None, kinds[kind]) for kinds in living)

    def is_dead(self, node: str) -> bool:
        """Whether a node's tasks may be taken.

        Its counter has not moved for the lease time, or for two heartbeats while its lock is free, as far as this node
        has looked. A node that was never seen is watched from now on: its absence must last as long.
        """
        sighting = self._sightings.setdefault(node, Sighting(None, 0.0, None))
        if sighting.silent >= self._settings.lease_seconds:
            return True
        most = MISSED_BEATS_WHEN_LOCK_IS_FREE * self._settings.heartbeat_seconds
        return sighting.held is False and not sighting.lock_lies and sighting.silent >= most
