"""Streams cut at every byte, and in mid-takeover; ids that are old, from the future, foreign, rubbish; slow readers."""

import tempfile
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from random import Random

import anyio

from tests.campaigns.campaign import Campaign, Figures
from tests.campaigns.chance import dice
from tests.campaigns.checking import Demo, check_task, first_difference
from tests.campaigns.ledger import Ledger, Loss
from tests.campaigns.nodes import Cluster, cluster
from tests.campaigns.readers import NEVER_CUT, Event, Reader

NODES = 3
QUICK = {"heartbeat_seconds": 0.2, "lease_seconds": 3.0, "scan_seconds": 0.1}
ROUNDS_TO_EVERY_BYTE = 16
AT_ONCE = 8
CUT_READERS = 6
CUT_BYTES = (1, 3000)
PAUSE_SECONDS = 0.02
SEEN_BEFORE_THE_KILL = 40
DAWDLE_SECONDS = 0.01
LIMIT_SECONDS = 60.0
LOSSES = (
    Loss.ERROR,
    Loss.RESET,
    Loss.GAP,
    Loss.DOUBLE,
    Loss.UNEQUAL,
    Loss.REPORT,
    Loss.STEP,
    Loss.OWNER,
    Loss.END,
    Loss.UNENDED,
)


class Rounds:
    """One round after the other on the same nodes."""

    def __init__(self, nodes: Cluster, ledger: Ledger, rng: Random) -> None:
        self._nodes, self._ledger, self._rng = nodes, ledger, rng
        self.takeovers = self.cuts = self.running_cuts = self.ids = self.slow_bytes = 0

    async def run(self, number: int) -> None:
        with anyio.move_on_after(LIMIT_SECONDS) as scope:
            await self._takeover(Demo(3 * number, events=150, rate=100, steps=50))
            finished = Demo(3 * number + 1, events=12, rate=0, steps=3)
            reference = await self._read(finished)
            await self._cut_everywhere(finished, reference, number % ROUNDS_TO_EVERY_BYTE)
            await self._ids(finished, reference.events)
            await self._slowly(Demo(3 * number + 2, events=2500, rate=0, steps=3, size=1000))
        if scope.cancelled_caught:
            self._ledger.lose(Loss.UNENDED, f"round {number} took longer than {LIMIT_SECONDS:.0f} s")

    async def _takeover(self, demo: Demo) -> None:
        """Readers that are cut again and again, one that never is, and the owner dies meanwhile."""
        readers = [self._reader(demo, cut=lambda: self._rng.randint(*CUT_BYTES)) for _ in range(CUT_READERS)]
        steady = self._reader(demo)
        async with anyio.create_task_group() as tg:
            for reader in (*readers, steady):
                tg.start_soon(reader.follow)
            while len(steady.events) < SEEN_BEFORE_THE_KILL:  # noqa: ASYNC110 - readers have nobody to tell
                await anyio.sleep(PAUSE_SECONDS)
            owner = self._nodes.owner_of(steady.task["id"])
            if owner is not None:
                await owner.kill()
                await owner.start()
                await owner.listening()
        self.running_cuts += sum(reader.connections - 1 for reader in readers)
        replay = await self._read(demo)
        volume = check_task(self._ledger, demo, self._nodes.tasks, [*readers, steady], replay)
        if volume is not None:
            self.takeovers += len(volume.claims) - 1

    async def _cut_everywhere(self, demo: Demo, reference: Reader, offset: int) -> None:
        """At each byte whose number leaves the remainder ``offset``, from one node to the next."""
        limiter = anyio.CapacityLimiter(AT_ONCE)

        async def cut_at(place: int) -> None:
            async with limiter:
                places = iter((place, NEVER_CUT))
                reader = self._reader(demo, cut=lambda: next(places))
                await reader.follow()
                self._compare(reader.events, reference.events, f"cut at byte {place}")
                self.cuts += 1

        async with anyio.create_task_group() as tg:
            for place in range(max(1, offset), reference.body_bytes, ROUNDS_TO_EVERY_BYTE):
                tg.start_soon(cut_at, place)

    async def _ids(self, demo: Demo, whole: Sequence[Event]) -> None:
        generation = whole[0].id.partition("-")[0]
        for place, event in enumerate(whole[:-1], 1):
            await self._given(demo, event.id, whole[place:], resets=0)
        other = "zzzzzz" if generation != "zzzzzz" else "aaaaaa"
        strange = [f"{generation}-{len(whole) + 1:012d}", f"{generation}-999999999999", f"{other}-000000000003"]
        strange += [f"{generation}-3", f"{generation.upper()}-000000000003", "0", "rubbish", "%00", "-", "x" * 2000]
        for given in strange:
            await self._given(demo, given, whole, resets=1)
        over = self._reader(demo, ledger=(own := Ledger()), last_id=whole[-1].id)
        await over.connect()
        self.ids += 1
        if over.status != 204 or over.events or own.lost[Loss.ERROR] != 1:
            self._ledger.lose(Loss.DOUBLE, f"{demo.target} after its `done` was answered {over.status}, not 204")

    async def _given(self, demo: Demo, given: str, expected: Sequence[Event], *, resets: int) -> None:
        """A reader that says it has seen ``given`` gets what is expected, after so many resets."""
        own = Ledger()
        reader = self._reader(demo, ledger=own, last_id=given)
        await reader.follow()
        self.ids += 1
        self._compare(reader.events, expected, f"Last-Event-ID {given[:60]}")
        if own.lost != {**Ledger().lost, Loss.RESET: resets}:
            found = {kind: count for kind, count in own.lost.items() if count}
            self._ledger.lose(Loss.RESET, f"Last-Event-ID {given[:60]}: {found} where {resets} resets were due")

    async def _slowly(self, demo: Demo) -> None:
        """A reader that takes little at a time beside one that takes all there is."""

        async def dawdle() -> None:
            await anyio.sleep(self._rng.uniform(0, DAWDLE_SECONDS))

        slow, fast = self._reader(demo, dawdle=dawdle), self._reader(demo)
        async with anyio.create_task_group() as tg:
            tg.start_soon(slow.follow)
            tg.start_soon(fast.follow)
        self.slow_bytes += slow.body_bytes
        check_task(self._ledger, demo, self._nodes.tasks, [slow, fast], await self._read(demo))

    def _reader(
        self,
        demo: Demo,
        *,
        cut: Callable[[], int] = lambda: NEVER_CUT,
        dawdle: Callable[[], Awaitable[object]] | None = None,
        ledger: Ledger | None = None,
        last_id: str = "",
    ) -> Reader:
        return Reader(
            demo.target,
            self._nodes.ports,
            ledger or self._ledger,
            first=self._rng.randrange(NODES),
            pause=PAUSE_SECONDS,
            cut=cut,
            dawdle=dawdle,
            last_id=last_id,
        )

    async def _read(self, demo: Demo) -> Reader:
        reader = self._reader(demo)
        await reader.follow()
        return reader

    def _compare(self, found: Sequence[Event], expected: Sequence[Event], what: str) -> None:
        if difference := first_difference(found, expected):
            self._ledger.lose(Loss.UNEQUAL, f"{what}: {difference[0]!r} where {difference[1]!r} was due")


def run(rounds: int, seed: int, weakened: bool) -> Figures:
    """See the campaign's ``round``; after sixteen of them each byte of a finished stream has been cut at."""
    with tempfile.TemporaryDirectory(prefix="holdfast-resume-") as folder:
        return anyio.run(_run, rounds, seed, weakened, Path(folder), backend_options={"use_uvloop": True})


async def _run(rounds: int, seed: int, weakened: bool, folder: Path) -> Figures:
    ledger = Ledger(LOSSES)
    async with cluster(folder, NODES, weakness="repeating" if weakened else None, **QUICK) as nodes:
        done = Rounds(nodes, ledger, dice(seed, "cuts"))
        for number in range(rounds):
            await done.run(number)
    figures: dict[str, int | float] = {
        "bytes at which a finished stream was cut": done.cuts,
        "cuts of running ones": done.running_cuts,
        "takeovers in mid-stream": done.takeovers,
        "ids": done.ids,
        "MB read slowly": done.slow_bytes / 1e6,
    }
    return Figures(figures, ledger.lost, tuple(ledger.notes))


CAMPAIGN = Campaign(
    name="resume",
    round="one takeover in mid-stream, cuts at a sixteenth of all bytes, all ids, one slow reader",
    protection="reading on exactly where the reader was",
    small=1,
    small_weakened=1,
    run=run,
)
