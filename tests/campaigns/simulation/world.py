"""What a simulated process can't tell from the real thing: its clocks, its randomness, its threads.

A process that runs simulations runs nothing else (see `zygote`), so these are replaced for the whole of it, before the
server's modules are imported: `install` is called first. Then `WORLD` decides everything, from a seed.
"""

import contextlib
import random
import socket
import time
from collections import deque
from collections.abc import Callable, Iterator, MutableSet
from contextvars import ContextVar
from random import Random
from typing import Any, Protocol, TypeVar
from zlib import crc32

import anyio
import anyio.to_thread
from anyio._backends import _asyncio

from server.stores import index, threads
from tests.campaigns.chance import dice
from tests.campaigns.simulation.blocking import Lock, Threads, run_sync

TRACE_KEPT = 60
FIRST_MOMENT = 1_795_435_200.0
"""Wall-clock time when a world begins, in seconds since 1970."""

T = TypeVar("T")


class Clocks(Protocol):
    """How far a machine's clocks are from the truth. ``monotonic_start`` and ``wall_offset`` are in seconds."""

    name: str
    monotonic_start: float
    wall_offset: float


class World:
    """One simulated world. ``now`` is its true time in seconds, ``machine`` the one whose code runs at the moment."""

    def __init__(self) -> None:
        self.begin(0)

    def begin(self, seed: int) -> None:
        """Start anew, as this seed decides."""
        self.seed, self.now, self.calls = seed, 0.0, 0
        self.machine: Clocks | None = None
        self.trace: deque[tuple[float, str, str]] = deque(maxlen=TRACE_KEPT)
        self.digest = 0
        self.entropy = dice(seed, "entropy")
        random.seed(seed)

    def dice(self, what: str) -> Random:
        return dice(self.seed, what)

    def note(self, what: str) -> None:
        """Put a line into the schedule, whose tail is shown with a loss and whose digest tells two runs apart."""
        name = self.machine.name if self.machine is not None else ""
        self.trace.append((self.now, name, what))
        self.digest = crc32(f"{self.now!r} {name} {what}".encode(), self.digest)

    def monotonic(self) -> float:
        return self.now + (self.machine.monotonic_start if self.machine is not None else 0.0)

    def wall(self) -> float:
        return FIRST_MOMENT + self.now + (self.machine.wall_offset if self.machine is not None else 0.0)


WORLD = World()
MACHINE: ContextVar[Any] = ContextVar("machine")
"""Whose code a task is: inherited by all that it starts, as a process is."""


class OrderedSet(MutableSet[T]):
    """A set that is gone through in the order in which it was filled; a built-in one goes by addresses in memory."""

    def __init__(self) -> None:
        self._items: dict[T, None] = {}

    def __contains__(self, item: object) -> bool:
        return item in self._items

    def __iter__(self) -> Iterator[T]:
        return iter(list(self._items))

    def __len__(self) -> int:
        return len(self._items)

    def add(self, value: T) -> None:
        self._items[value] = None

    def discard(self, value: T) -> None:
        self._items.pop(value, None)


def install() -> None:
    """Take the place of this process's clocks, randomness and threads, for good."""
    replaced: dict[Any, dict[str, Callable[..., object]]] = {
        time: {
            "monotonic": WORLD.monotonic,
            "monotonic_ns": lambda: int(WORLD.monotonic() * 1e9),
            "time": WORLD.wall,
            "time_ns": lambda: int(WORLD.wall() * 1e9),
            "clock_gettime": lambda clock: WORLD.monotonic(),  # asked for the time since boot only
        },
        random: {"_urandom": lambda size: WORLD.entropy.randbytes(size)},  # where `secrets` gets it
        socket: {"gethostname": lambda: "machine"},
        anyio.to_thread: {"run_sync": run_sync},
        threads: {"Threads": Threads},
        index: {"Lock": Lock},
        _asyncio: {"set": OrderedSet},
    }
    for module, names in replaced.items():
        vars(module).update(names)


@contextlib.contextmanager
def as_machine(machine: Clocks | None) -> Iterator[None]:
    """What is called inside is that machine's doing."""
    before, WORLD.machine = WORLD.machine, machine
    try:
        yield
    finally:
        WORLD.machine = before
