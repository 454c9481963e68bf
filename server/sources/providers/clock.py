"""The time as providers' limits see it, and one for tests that passes only when somebody waits."""

import time
from dataclasses import dataclass, field
from typing import Protocol

import anyio
import anyio.lowlevel


class Clock(Protocol):
    def now(self) -> float:
        """Seconds that only grow; their origin means nothing."""
        ...

    def since_1970(self) -> float: ...

    async def sleep(self, seconds: float) -> None: ...


class SystemClock:
    def now(self) -> float:
        return time.monotonic()

    def since_1970(self) -> float:
        return time.time()

    async def sleep(self, seconds: float) -> None:
        await anyio.sleep(seconds)


@dataclass
class ManualClock:
    """``slept``: what was waited for, in order; whoever waits moves the time on and has waited."""

    time: float = 1_000.0
    slept: list[float] = field(default_factory=list)

    def now(self) -> float:
        return self.time

    def since_1970(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        until = self.time + seconds
        await anyio.lowlevel.checkpoint()  # whoever begins to wait at the same time does so at the same time
        self.time = max(self.time, until)
