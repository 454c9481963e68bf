"""Fills the volume under nodes at work, and makes room again. A program of its own, with mounts of its own.

``python -m tests.campaigns.filling ROUNDS SEED FOLDER`` prints one JSON object: `done`, `lost`, `notes`.
"""

import errno
import json
import sys
import time
from pathlib import Path
from typing import Any

import anyio
from anyio.abc import TaskGroup

from tests.campaigns.batch import LOSSES, Batch
from tests.campaigns.chance import dice
from tests.campaigns.checking import Demo
from tests.campaigns.exchange import ask
from tests.campaigns.ledger import Ledger, Loss
from tests.campaigns.mounts import small_memory_volume
from tests.campaigns.nodes import Cluster, Node, cluster
from tests.campaigns.readers import Reader

NODES = 2
TASKS = 2
VOLUME_BYTES = 32 << 20
QUICK: dict[str, Any] = {"heartbeat_seconds": 0.2, "lease_seconds": 3.0, "scan_seconds": 0.1}
FULL_SECONDS = 0.3
NOTICED_SECONDS = 20.0
LOOK_SECONDS = 0.02
BLOCKS = (bytes(1 << 20), bytes(4096))


def main(rounds: str, seed: str, folder: str) -> None:
    done, ledger = anyio.run(_run, int(rounds), int(seed), Path(folder), backend_options={"use_uvloop": True})
    print(json.dumps({"done": done, "lost": ledger.lost, "notes": ledger.notes}))  # noqa: T201


async def _run(rounds: int, seed: int, folder: Path) -> tuple[dict[str, int | float], Ledger]:
    ledger, rng = Ledger(LOSSES), dice(seed, "filling")
    tasks = folder / "tasks"
    tasks.mkdir()
    longest, restarts = 0.0, 0
    with small_memory_volume(tasks, VOLUME_BYTES):
        async with cluster(folder, NODES, **QUICK) as nodes:
            filling = Filling(nodes, ledger)
            await filling.prepare(Demo(seed * 1_000_000, events=20, rate=0, steps=4))
            for number in range(rounds):
                first = seed * 1_000_000 + number * TASKS + 1
                demos = [Demo(first + index, events=120) for index in range(TASKS)]
                async with anyio.create_task_group() as tg:
                    batch = Batch(nodes, ledger, demos)
                    await batch.begin(tg)
                    await anyio.sleep(rng.uniform(0, 0.3))
                    await filling.fill(batch, tg)
                    if number % 2:
                        await filling.start_again(nodes.nodes[0])
                        restarts += 1
                    longest = max(longest, await filling.make_room(batch))
                    await batch.check()
            for complaint in nodes.complaints():
                ledger.lose(Loss.ERROR, f"a node said: {complaint}")
    done = {
        "full volumes": rounds,
        "refused with 507": filling.refused,
        "of them with a node killed and started": restarts,
        "longest from room to work s": longest,
    }
    return done, ledger


class Filling:
    """A file that takes all the room there is, and what must hold meanwhile."""

    def __init__(self, nodes: Cluster, ledger: Ledger) -> None:
        self._nodes, self._ledger = nodes, ledger
        self._ballast = nodes.tasks / ".ballast"
        self._wanted = False
        self.refused = 0

    async def prepare(self, demo: Demo) -> None:
        """A task that has ended, to be read while there is no room."""
        self._before = Reader(demo.target, self._nodes.ports, self._ledger)
        await self._before.follow()

    async def fill(self, batch: Batch, tg: TaskGroup) -> None:
        """Return when every task has said that it waits, and all else was tried."""
        self._wanted = True
        tg.start_soon(self._keep_full)
        with anyio.move_on_after(NOTICED_SECONDS):
            while not all([await self._is_stalled(task_id) for task_id in batch.task_ids]):  # noqa: ASYNC110 - in another process
                await anyio.sleep(LOOK_SECONDS)
        for task_id in batch.task_ids:
            if not await self._is_stalled(task_id):
                self._ledger.lose(Loss.ERROR, f"task {task_id} does not say that it waits for room")
        await self._try_everything()
        await anyio.sleep(FULL_SECONDS)

    async def start_again(self, node: Node) -> None:
        """A node that is killed while there is no room starts as it is, and serves what is there."""
        await node.kill()
        await node.start()
        await node.listening()
        await self._try_everything()

    async def make_room(self, batch: Batch) -> float:
        """Return how long it then took until no task waits any more, in seconds."""
        self._wanted = False
        self._ballast.unlink()
        started = time.monotonic()
        with anyio.move_on_after(NOTICED_SECONDS):
            while any([await self._is_stalled(task_id) for task_id in batch.task_ids]):  # noqa: ASYNC110 - as above
                await anyio.sleep(LOOK_SECONDS)
        return time.monotonic() - started

    async def _keep_full(self) -> None:
        """Whatever becomes free is taken at once."""
        with self._ballast.open("ab", buffering=0) as file:
            while self._wanted:
                for block in BLOCKS:
                    try:
                        while file.write(block) == len(block):
                            pass
                    except OSError as error:
                        if error.errno != errno.ENOSPC:
                            raise
                await anyio.sleep(LOOK_SECONDS)

    async def _is_stalled(self, task_id: str) -> bool:
        """Whether its owner says that it waits for room. Only the owner knows."""
        for port in self._nodes.ports:
            status, view = await ask(port, f"/api/tasks/{task_id}")
            if status != 200 or not isinstance(view, dict):
                self._ledger.lose(Loss.ERROR, f"task {task_id} is answered {status} on a full volume: {view}")
            elif view["stalled"] is not None and view["stalled"]["code"] == "store_full":
                return bool(view["status"] == "running")
        return False

    async def _try_everything(self) -> None:
        """New tasks are refused with a reason; what is there can be read."""
        for port in self._nodes.ports:
            body = {"kind": "demo", "events": 1, "seed": -1 - self.refused}
            status, answer = await ask(port, "/api/tasks", method="POST", body=body)
            if status != 507 or not isinstance(answer, dict) or answer["code"] != "store_full":
                self._ledger.lose(Loss.ERROR, f"a new task on a full volume is answered {status}: {answer}")
            self.refused += 1
            status, _ = await ask(port, "/api/tasks?limit=5")
            if status != 200:
                self._ledger.lose(Loss.ERROR, f"the list is answered {status} on a full volume")
        again = Reader(self._before.target, self._nodes.ports, self._ledger)
        await again.follow()
        if [event.raw for event in again.events] != [event.raw for event in self._before.events]:
            self._ledger.lose(Loss.UNEQUAL, "a task that had ended reads otherwise on a full volume")


if __name__ == "__main__":
    main(*sys.argv[1:])
