"""A few demo tasks at once, with readers at every node that are all there before harm is done, checked at their end."""

from collections.abc import Sequence

import anyio
from anyio.abc import TaskGroup

from tests.campaigns.checking import Demo, check_task
from tests.campaigns.ledger import Ledger, Loss
from tests.campaigns.nodes import Cluster
from tests.campaigns.readers import Reader

LOSSES = (Loss.ERROR, Loss.RESET, Loss.GAP, Loss.DOUBLE, Loss.UNEQUAL, Loss.REPORT, Loss.STEP, Loss.END, Loss.UNENDED)
LIMIT_SECONDS = 60.0
LOOK_SECONDS = 0.02


class Batch:
    """Tasks, each asked for at another node and read at all of them."""

    def __init__(self, cluster: Cluster, ledger: Ledger, demos: Sequence[Demo]) -> None:
        self._cluster, self._ledger, self._demos = cluster, ledger, demos
        self._readers: list[list[Reader]] = []

    @property
    def task_ids(self) -> list[str]:
        return [str(readers[0].task["id"]) for readers in self._readers]

    async def begin(self, tg: TaskGroup) -> None:
        """Return when all run and every reader has seen something."""
        for number, demo in enumerate(self._demos):
            first = self._reader(demo.target, number)
            self._readers.append([first])
            tg.start_soon(first.follow)
            await first.has_task.wait()
        for readers in self._readers:
            for place in range(len(self._cluster.ports)):
                reader = self._reader(f"/api/tasks/{readers[0].task['id']}/events", place)
                readers.append(reader)
                tg.start_soon(reader.follow)
        with anyio.fail_after(LIMIT_SECONDS):
            while not all(reader.events for readers in self._readers for reader in readers):  # noqa: ASYNC110 - no event
                await anyio.sleep(LOOK_SECONDS)

    async def check(self) -> None:
        """Wait for the end of all, and look whether they are whole."""
        for demo, readers in zip(self._demos, self._readers, strict=True):
            with anyio.move_on_after(LIMIT_SECONDS):
                while not all(reader.ended for reader in readers):  # noqa: ASYNC110 - as above
                    await anyio.sleep(LOOK_SECONDS)
            if not all(reader.ended for reader in readers):
                seen = [len(reader.events) for reader in readers]
                self._ledger.lose(
                    Loss.UNENDED, f"seed {demo.seed} after {LIMIT_SECONDS:.0f} s; its readers have {seen}"
                )
                continue
            replay = self._reader(f"/api/tasks/{readers[0].task['id']}/events", 0)
            await replay.follow()
            check_task(self._ledger, demo, self._cluster.tasks, readers, replay)

    def _reader(self, target: str, place: int) -> Reader:
        return Reader(target, self._cluster.ports, self._ledger, first=place, pause=LOOK_SECONDS)
