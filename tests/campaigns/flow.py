"""Demo tasks, one after another in several places at once, each with its readers, each checked when it has ended."""

from collections.abc import Callable, Sequence
from random import Random

import anyio

from tests.campaigns.checking import Demo, check_task, first_difference
from tests.campaigns.ledger import Ledger, Loss
from tests.campaigns.nodes import Cluster
from tests.campaigns.readers import Reader
from tests.campaigns.volume import Volume

LIMIT_SECONDS = 90.0
LATEST_READER_SECONDS = 1.5
PAUSE_SECONDS = 0.05


class Flow:
    """Keeps ``places`` tasks going until told that it is enough; `run` returns when the last one has ended.

    Each task has ``readers`` of which the first starts it; the others come when it runs, at random moments.
    ``going`` is set when all places are filled. ``on_end`` is called with a task's readers and what is on the volume.
    """

    def __init__(
        self,
        cluster: Cluster,
        ledger: Ledger,
        rng: Random,
        make: Callable[[int], Demo],
        *,
        places: int,
        readers: int,
        ports: Sequence[int] | None = None,
        pause: float | None = PAUSE_SECONDS,
        on_end: Callable[[Sequence[Reader], Volume], None] = lambda readers, volume: None,
    ) -> None:
        self._cluster, self._ledger, self._rng, self._make = cluster, ledger, rng, make
        self._places, self._readers, self._pause, self._on_end = places, readers, pause, on_end
        self._ports = cluster.ports if ports is None else ports
        self._enough = False
        self._running: list[str] = []
        self.going = anyio.Event()
        self.tasks = self.readers = self.connections = self.crash_loops = 0

    async def run(self) -> None:
        async with anyio.create_task_group() as tg:
            for _ in range(self._places):
                tg.start_soon(self._fill_place)

    def any_task(self, rng: Random) -> str | None:
        """The id of a task that runs."""
        return rng.choice(self._running) if self._running else None

    def enough(self) -> None:
        """Begin no further task."""
        self._enough = True

    async def _fill_place(self) -> None:
        while not self._enough:
            self.tasks += 1
            await self._live(self._make(self.tasks))

    async def _live(self, demo: Demo) -> None:
        """One task from its request to its check."""
        readers: list[Reader] = []
        with anyio.move_on_after(LIMIT_SECONDS) as scope:
            async with anyio.create_task_group() as tg:
                first = self._reader(demo.target)
                readers.append(first)
                tg.start_soon(first.follow)
                await first.has_task.wait()
                events = f"/api/tasks/{first.task['id']}/events"
                self._begun(first.task["id"])
                for number in range(1, self._readers):
                    reader = self._reader(events if number % 2 else demo.target)
                    readers.append(reader)
                    tg.start_soon(_come_later, reader, self._rng.uniform(0, LATEST_READER_SECONDS))
            self._running.remove(first.task["id"])
            replay = self._reader(events)
            await replay.follow()
        self.readers += len(readers)
        self.connections += sum(reader.connections for reader in readers)
        if scope.cancelled_caught:
            seen = [reader.events[-1].seq if reader.events else 0 for reader in readers]
            self._ledger.lose(Loss.UNENDED, f"seed {demo.seed} after {LIMIT_SECONDS:.0f} s; its readers have {seen}")
        elif _died_with_its_owners(replay):
            self._check_crash_loop(readers, replay)
        else:
            volume = check_task(self._ledger, demo, self._cluster.tasks, readers, replay)
            if volume is not None:
                self._on_end([*readers, replay], volume)

    def _reader(self, target: str) -> Reader:
        first = self._rng.randrange(len(self._ports))
        return Reader(target, self._ports, self._ledger, first=first, pause=self._pause)

    def _begun(self, task_id: str) -> None:
        self._running.append(task_id)
        if len(self._running) == self._places:
            self.going.set()

    def _check_crash_loop(self, readers: Sequence[Reader], replay: Reader) -> None:
        """It ended as it must when its owners die again and again; what readers saw still stands.

        But for their `done`: who asks for the task after that sets it going again, and then it is told as a `status`.
        """
        self.crash_loops += 1
        for reader in readers:
            seen = reader.events[:-1]
            if first_difference(seen, replay.events[: len(seen)]):
                self._ledger.lose(Loss.UNEQUAL, f"{replay.target}: readers of a crash loop have other events")


async def _come_later(reader: Reader, seconds: float) -> None:
    await anyio.sleep(seconds)
    await reader.follow()


def _died_with_its_owners(replay: Reader) -> bool:
    return any(event.type == "failure" and event.data["code"] == "crash_loop" for event in replay.events)
