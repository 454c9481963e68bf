"""What happens to a simulated world: which kinds of harm, how often, when."""

import errno
from collections.abc import Callable, Sequence
from random import Random

import anyio

from server.errors import HoldfastError
from server.tasks.retention import Retention
from tests.campaigns.simulation.fake_disk import Ambush, Trouble
from tests.campaigns.simulation.machine import Cut, Machine
from tests.campaigns.simulation.medium import NO_LIMIT, Medium
from tests.campaigns.simulation.stores import ROOT
from tests.campaigns.simulation.witness import Witness
from tests.campaigns.simulation.world import WORLD

KINDS = ("kill", "stop", "freeze", "power", "outage", "errors", "full", "stall", "clock", "pack", "sweep")
AT_ONCE_SHARE = 0.3
TENDER_CALLS = (
    *3 * (("write", ".jsonl"), ("sync_data", ".jsonl"), ("exists", ".claim")),
    ("link", ".claim"),
    ("open", ".jsonl"),
    ("sync_folder", ""),
    ("make_folder", ""),
    ("link", ".task"),
    ("rename", ""),
    ("unlink", ""),
)
"""``(call, ending of the path)``"""
FAR_FUTURE_SECONDS = 400 * 3600.0


class Troubles:
    """Does harm at random moments; some kinds only, so that each can show what it does without the others."""

    def __init__(
        self,
        machines: Callable[[], Sequence[Machine]],
        medium: Medium,
        witness: Witness,
        rng: Random,
        lease_seconds: float,
        kinds: Sequence[str],
        between_seconds: float,
    ) -> None:
        self._machines, self._medium, self._witness, self._rng = machines, medium, witness, rng
        self._lease, self._kinds, self._between = lease_seconds, kinds, between_seconds
        self.done = dict.fromkeys(kinds, 0)

    async def run(self, until: float) -> None:
        if not self._kinds:
            return
        async with anyio.create_task_group() as tg:
            while (pause := self._rng.expovariate(1 / self._between)) + WORLD.now < until:
                await anyio.sleep(pause)
                kind = self._rng.choice(self._kinds)
                machine = self._rng.choice(self._machines())
                if not machine.over:
                    self.done[kind] += 1
                    WORLD.note(f"{kind}: {machine.name}")
                    tg.start_soon(getattr(self, f"_{kind}"), machine)

    def calm(self) -> None:
        """No more of it."""
        self._medium.room = NO_LIMIT
        for machine in self._machines():
            machine.disk.trouble, machine.disk.ambush = Trouble(), None
            machine.thaw()

    def _at_some_call(self, machine: Machine, strike: Callable[[], None]) -> None:
        """At once, or at a call of the kind where it matters most."""
        if self._rng.random() < AT_ONCE_SHARE:
            strike()
        else:
            call, ending = self._rng.choice(TENDER_CALLS)
            machine.disk.ambush = Ambush(call, ending, self._rng.random() < 0.5, strike)

    async def _kill(self, machine: Machine) -> None:
        self._at_some_call(machine, machine.kill)

    async def _stop(self, machine: Machine) -> None:
        machine.stop()

    async def _freeze(self, machine: Machine) -> None:
        """Past the lease time, more often than not."""
        frozen = anyio.Event()

        def freeze() -> None:
            machine.freeze()
            frozen.set()

        self._at_some_call(machine, freeze)
        with anyio.move_on_after(2 * self._lease):
            await frozen.wait()
        await anyio.sleep(self._rng.uniform(0, 2.5 * self._lease))
        machine.thaw()

    async def _power(self, machine: Machine) -> None:
        self._at_some_call(machine, self._cut_power)

    def _cut_power(self) -> None:
        for each in self._machines():
            each.kill()
        self._medium.cut_power(self._rng)

    async def _outage(self, machine: Machine) -> None:
        """It dies before it has synced what it wrote; others go on from there, and then lose power."""
        machine.disk.ambush = Ambush("sync_data", ".jsonl", after=False, strike=machine.kill)
        with anyio.move_on_after(self._lease):
            await machine.ended.wait()
            await anyio.sleep(self._rng.uniform(0, 2 * self._lease))
            self._cut_power()

    async def _errors(self, machine: Machine) -> None:
        rng = self._rng
        errors = rng.choice(((errno.EIO,), (errno.ENOSPC,), (errno.EIO, errno.ENOSPC, errno.EMFILE, errno.EROFS)))
        machine.disk.trouble = Trouble(error_share=rng.choice((0.02, 0.2, 1.0)), errors=errors)
        await anyio.sleep(rng.expovariate(1.0))
        machine.disk.trouble = Trouble()

    async def _full(self, machine: Machine) -> None:
        self._medium.room = self._rng.randint(0, 3000)
        await anyio.sleep(self._rng.uniform(0, 4.0))
        self._medium.room = NO_LIMIT

    async def _stall(self, machine: Machine) -> None:
        rng = self._rng
        machine.disk.trouble = Trouble(
            stall_share=rng.choice((0.01, 0.2)), stall_seconds=rng.choice((0.5, self._lease))
        )
        await anyio.sleep(rng.uniform(0, 3.0))
        machine.disk.trouble = Trouble()

    async def _clock(self, machine: Machine) -> None:
        machine.wall_offset = self._rng.uniform(-86_400, 86_400)

    async def _pack(self, machine: Machine) -> None:
        """Finished logs are packed though they are neither old nor long."""
        try:
            await machine.ask(lambda: self._pack_all(machine), patience=30.0)
        except (Cut, HoldfastError):
            return

    async def _pack_all(self, machine: Machine) -> None:
        store = machine.store
        for task_id in await store.task_ids():
            for life in await store.lives(task_id):
                claim = await store.newest_claim(life)
                if claim is not None and claim.released:
                    await store.pack(life, claim.epoch)

    async def _sweep(self, machine: Machine) -> None:
        """Retention on a machine whose clock says that all tasks are old."""
        for task_id in self._medium.folder(ROOT).names:  # also those of which nobody has been told yet
            self._witness.will_remove(task_id)
        try:
            await machine.ask(lambda: self._sweep_all(machine), patience=30.0)
        except (Cut, HoldfastError):
            return

    async def _sweep_all(self, machine: Machine) -> None:
        parts = machine.node.services
        retention = Retention(parts.store, parts.outlook, parts.manager, machine.node.succession, parts.settings)
        for _ in range(2):
            await retention.sweep(WORLD.wall() + FAR_FUTURE_SECONDS)
        await parts.store.tidy()
