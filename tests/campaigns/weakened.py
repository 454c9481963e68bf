"""Stores, and a liveness, without one protection each, and a node on such a one: what a campaign must notice."""

import signal
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace

import anyio
import uvicorn

import server.app
from server.app import create_app
from server.command.listening import BACKLOG, listen
from server.errors import OwnershipLost, StoreFailed
from server.models import Life, Node, Record
from server.settings import Settings
from server.stores.base import LogReader, LogWriter, Store
from server.stores.files import FileStore
from server.tasks.liveness import Liveness

HEEDLESS_SECONDS = 0.3
"""From the look to the deed."""


class _HasteWriter:
    """One group of events behind: what it says is written is in this process's memory until the next group comes."""

    def __init__(self, inner: LogWriter) -> None:
        self.epoch, self._inner = inner.epoch, inner
        self._held: Sequence[Record] = ()

    async def append(self, records: Sequence[Record]) -> None:
        held, self._held = self._held, list(records)
        if held:
            await self._inner.append(held)

    async def close(self) -> None:
        if self._held:
            with suppress(OwnershipLost, StoreFailed):
                await self._inner.append(self._held)
        await self._inner.close()


class HasteStore(FileStore):
    """Events are shown to readers before they are on the volume."""

    async def claim(self, life: Life, epoch: int, node: str) -> LogWriter | None:  # type: ignore[override]
        writer = await super().claim(life, epoch, node)
        return _HasteWriter(writer) if writer is not None else None


class _BlindWriter:
    """Takes every append for good, though a newer claim exists."""

    def __init__(self, inner: LogWriter) -> None:
        self.epoch, self._inner = inner.epoch, inner

    async def append(self, records: Sequence[Record]) -> None:
        with suppress(OwnershipLost, StoreFailed):
            await self._inner.append(records)

    async def close(self) -> None:
        await self._inner.close()


class BlindStore(FileStore):
    """What an owner has written is shown without a look at whether a newer owner has taken the task."""

    async def claim(self, life: Life, epoch: int, node: str) -> LogWriter | None:  # type: ignore[override]
        writer = await super().claim(life, epoch, node)
        return _BlindWriter(writer) if writer is not None else None


class RepeatingStore(FileStore):
    """Reads on one event before the place that was asked for."""

    def reader(self, life: Life, after: int = 0) -> LogReader:  # type: ignore[override]
        return super().reader(life, max(0, after - 1))


class HeedlessStore(FileStore):
    """Looks for a task and then makes it, whatever others have made meanwhile: once, as every node then has its own."""

    _has_made = False

    async def create(self, life: Life) -> tuple[Life, bool]:
        if self._has_made or await self.latest(life.task_id) is not None:
            return await super().create(life)
        self._has_made = True
        await anyio.sleep(HEEDLESS_SECONDS)
        while True:
            made, is_new = await super().create(life)
            if is_new:
                return made, True
            life = replace(life, number=made.number + 1)


class WallClockLiveness(Liveness):
    """Leases and the silence of others are measured by the wall clock."""

    def __init__(
        self, store: Store, settings: Settings, describe: Callable[[int], Node], on_loss: Callable[[], None]
    ) -> None:
        super().__init__(store, settings, describe, time.time, time.time, on_loss)


WALL_CLOCK = "wall clock"
STORES = {"haste": HasteStore, "blind": BlindStore, "repeating": RepeatingStore, "heedless": HeedlessStore}


def serve_weakened(settings: Settings, weakness: str) -> int:
    """Serve with this weakness until the process is ended."""
    sockets = listen(settings.host, settings.port)
    if weakness == WALL_CLOCK:
        server.app.Liveness = WallClockLiveness  # type: ignore[attr-defined, assignment]
    app = create_app(settings, store=STORES.get(weakness, FileStore)(settings.task_storage_dir))
    config = uvicorn.Config(app, lifespan="on", ws="none", log_config=None, access_log=False, backlog=BACKLOG)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    _Server(config).run(sockets)
    return 0


class _Server(uvicorn.Server):
    async def startup(self, sockets: list[object] | None = None) -> None:  # type: ignore[override]
        await super().startup(sockets)  # type: ignore[arg-type]
        print(f"Holdfast listens on port {self.config.port}", flush=True)  # noqa: T201
