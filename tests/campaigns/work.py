"""What the nodes of one volume do with a store all day, in random order: what it promises by that is noted."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from random import Random

import orjson

from server.errors import HoldfastError, StoreFull
from server.models import Action, Control, EventType, Life, Node, Record, Status, now_ms
from server.stores.base import LogWriter, Store
from server.tasks.ownership import read_all
from server.tasks.state import TaskState
from tests.campaigns.promises import Asked, Claimed, Kept, Made, Note, Removed, Removing, Seen, events_of
from tests.making import life as new_life
from tests.making import release, step_record

BIG_BYTES = 300_000
MOST_TASKS = 6


@dataclass(eq=False)
class Owner:
    """One ownership of one task. ``unwritten``: what a full volume had no room for yet."""

    writer: LogWriter
    seat: int
    seq: int = 0
    unwritten: list[Record] = field(default_factory=list)
    busy: bool = False


@dataclass(eq=False)
class Tended:
    """One task, and who owns it, if anybody. ``under_way`` counts operations; ``alone``: one that bears no other."""

    life: Life
    owner: Owner | None = None
    ended: bool = False
    zombies: list[Owner] = field(default_factory=list)
    under_way: int = 0
    alone: bool = False


Operation = Callable[[], Awaitable[None]]


class Work:
    """Random work of several nodes.

    ``seats`` are the nodes' stores, all on one volume. ``note`` takes what has been promised, ``refused`` each typed
    error, ``unmade`` each life that there was no room for. Operations may overlap: an owner can be overtaken, read and
    asked in the middle of a write.
    """

    def __init__(
        self,
        seats: Sequence[Store],
        random: Random,
        note: Callable[[Note], None],
        refused: Callable[[HoldfastError], None] = lambda error: None,
        unmade: Callable[[Life], None] = lambda life: None,
    ) -> None:
        self.seats, self.tasks = list(seats), list[Tended]()
        self._random, self._note, self._refused, self._unmade = random, note, refused, unmade
        self._tag = f"{random.getrandbits(32):08x}"
        self._names = [f"node{index}-{self._tag}" for index in range(len(seats))]
        self._removed_ids: list[str] = []
        self._count = 0

    def leave(self, seat: int) -> None:
        """The node has died: what it held has no owner now, and its next process has another name."""
        self._count += 1
        self._names[seat] = f"node{seat}-{self._tag}-{self._count}"
        for task in self.tasks:
            if task.owner is not None and task.owner.seat == seat:
                task.owner = None
            task.zombies = [zombie for zombie in task.zombies if zombie.seat != seat]

    async def find(self, lives: Iterable[Life]) -> None:
        """Begin with those that are there and current."""
        for life in lives:
            if life in (await self.seats[0].lives(life.task_id))[-1:]:
                self.tasks.append(Tended(life))

    async def go_on(self) -> None:
        """Every task goes on: a new owner, one more event. :raises HoldfastError:"""
        for task in self.tasks:
            await self._take_over(task, 0)
            if task.owner is not None:
                await self._append(task, task.owner, [self._output(task.owner)])

    async def one(self, seat: int) -> None:
        """One operation of this node, whatever it comes to."""
        operations: list[tuple[int, Operation]] = [(1, partial(self._look, seat))]
        if len(self.tasks) < MOST_TASKS:
            operations.append((3, partial(self._create, seat)))
        if free := [task for task in self.tasks if not task.alone]:
            operations += self._on(self._random.choice(free), seat)
        (chosen,) = self._random.choices([each for _, each in operations], [weight for weight, _ in operations])
        try:
            await chosen()
        except HoldfastError as error:
            self._refused(error)

    def _on(self, task: Tended, seat: int) -> list[tuple[int, Operation]]:
        """What this node may do with a task now, each with how often that is wanted."""
        owner = task.owner
        found: list[tuple[int, Operation]] = [
            (4 if owner is None and not task.ended else 1, partial(self._beside, task, self._take_over, seat)),
            (4, partial(self._beside, task, self._read, seat)),
            (1, partial(self._beside, task, self._ask, seat)),
            (1, partial(self._beside, task, self._request_again, seat)),
            (1, partial(self._beside, task, self._keep, seat)),
        ]
        if owner is not None and owner.seat == seat and not owner.busy:
            found += [
                (14, partial(self._as_owner, task, owner, self._write)),
                (2, partial(self._as_owner, task, owner, self._end)),
                (1, partial(self._as_owner, task, owner, self._save)),
            ]
        if task.ended:
            found.append((2, partial(self._beside, task, self._pack, seat)))
        if task.ended and task.under_way == 0:
            found += [(2, partial(self._alone, task, each, seat)) for each in (self._remove, self._next_life)]
        if _zombies(task, seat):
            found.append((4, partial(self._beside, task, self._wake_zombie, seat)))
        return found

    async def _beside(self, task: Tended, operation: Callable[[Tended, int], Awaitable[None]], seat: int) -> None:
        task.under_way += 1
        try:
            await operation(task, seat)
        finally:
            task.under_way -= 1

    async def _alone(self, task: Tended, operation: Callable[[Tended, int], Awaitable[None]], seat: int) -> None:
        task.alone = True
        try:
            await operation(task, seat)
        finally:
            task.alone = False

    async def _as_owner(
        self, task: Tended, owner: Owner, operation: Callable[[Tended, Owner], Awaitable[None]]
    ) -> None:
        task.under_way += 1
        owner.busy = True
        try:
            await operation(task, owner)
        finally:
            owner.busy = False
            task.under_way -= 1

    async def _create(self, seat: int) -> None:
        if self._removed_ids and self._random.random() < 0.3:
            task_id = self._removed_ids.pop()
        else:
            task_id = f"{self._random.getrandbits(128):032x}"
        await self._bring_into_being(seat, new_life(task_id))

    async def _bring_into_being(self, seat: int, wanted: Life) -> None:
        try:
            made, _ = await self.seats[seat].create(wanted)
        except StoreFull:
            self._unmade(wanted)
            raise
        self._note(Made(made))
        self.tasks = [task for task in self.tasks if task.life.task_id != made.task_id]
        self.tasks.append(Tended(made))

    async def _request_again(self, task: Tended, seat: int) -> None:
        found, _ = await self.seats[seat].create(new_life(task.life.task_id, number=task.life.number))
        self._note(Made(found))

    async def _next_life(self, task: Tended, seat: int) -> None:
        older = task.life
        await self._bring_into_being(seat, new_life(older.task_id, number=older.number + 1))
        if self._random.random() < 0.5:
            self._note(Removing(older))
            await self.seats[seat].remove_life(older)
            self._note(Removed(older))

    async def _take_over(self, task: Tended, seat: int) -> None:
        store = self.seats[seat]
        claim = await store.newest_claim(task.life)
        epoch = claim.epoch + 1 if claim else 1
        writer = await store.claim(task.life, epoch, self._names[seat])
        if writer is None:
            return
        self._note(Claimed(task.life, epoch))
        if task.owner is not None:
            task.zombies.append(task.owner)
        owner = task.owner = Owner(writer, seat, busy=True)
        task.ended = False
        state = TaskState(task.life)
        try:
            records = await read_all(store, task.life)
            self._saw(task, records)
            state.apply_all(records)
            owner.seq = state.seq
            await self._append(task, owner, [self._status(owner, Status.RUNNING)])
        except HoldfastError:
            await self._give_up(task, owner)
            raise
        finally:
            owner.busy = False

    async def _give_up(self, task: Tended, owner: Owner) -> None:
        if task.owner is owner:
            task.owner = None
        await owner.writer.close()

    async def _write(self, task: Tended, owner: Owner) -> None:
        records = [self._output(owner) for _ in range(self._random.randint(1, 6))]
        if self._random.random() < 0.2:
            self._count += 1
            records.append(step_record(f"step {self._count}"))
        await self._append(task, owner, records)

    async def _append(self, task: Tended, owner: Owner, records: list[Record]) -> None:
        """As an owner does it: what there was no room for is tried again, after any other error nothing is."""
        owner.unwritten += records
        full: StoreFull | None = None
        try:
            await owner.writer.append(owner.unwritten)
            written = len(owner.unwritten)
        except StoreFull as error:
            written, full = error.written, error
        except HoldfastError:
            await self._give_up(task, owner)
            raise
        self._saw(task, owner.unwritten[:written])
        del owner.unwritten[:written]
        if full is not None:
            raise full

    def _saw(self, task: Tended, records: Sequence[Record]) -> None:
        for record in records:
            if record.seq is not None:
                self._note(Seen(task.life, record.seq, record.data))

    async def _wake_zombie(self, task: Tended, seat: int) -> None:
        """An owner that was overtaken writes on: it must be told so, and nothing of it may ever be read."""
        zombie = _zombies(task, seat)[0]
        task.zombies.remove(zombie)
        forged = self._output(zombie, "a zombie's")
        try:
            await zombie.writer.append([forged])
        except HoldfastError:
            return
        finally:
            await zombie.writer.close()
        self._saw(task, [forged])

    async def _end(self, task: Tended, owner: Owner) -> None:
        status = self._random.choice([Status.COMPLETED, Status.PAUSED])
        records = [self._status(owner, status)]
        if status.terminal:
            records.append(self._event(owner, EventType.DONE, {"status": status}))
        await self._append(task, owner, [*records, release()])
        if task.owner is owner:
            task.owner, task.ended = None, status.terminal
        try:
            await self._save(task, owner, durable=status.terminal)
            await self.seats[owner.seat].settle(task.life, owner.writer.epoch)
        finally:
            await owner.writer.close()

    async def _save(self, task: Tended, owner: Owner, durable: bool = False) -> None:
        store, epoch = self.seats[owner.seat], owner.writer.epoch
        state = TaskState(task.life)
        state.apply_all(await read_all(store, task.life))
        await store.save_snapshot(task.life, epoch, state.snapshot(epoch, now_ms()), durable=durable)

    async def _read(self, task: Tended, seat: int) -> None:
        records, _ = await events_of(self.seats[seat], task.life)
        self._saw(task, records)

    async def _ask(self, task: Tended, seat: int) -> None:
        claim = await self.seats[seat].newest_claim(task.life)
        if claim is not None:
            control = Control(self._random.choice(list(Action)), claim.epoch, "requested")
            await self.seats[seat].ask(task.life, control)
            self._note(Asked(task.life, control.epoch, control.action))

    async def _keep(self, task: Tended, seat: int) -> None:
        self._count += 1
        name, content = f"{self._tag}-{self._count}", self._random.randbytes(self._random.choice((10, 3000)))
        claim = await self.seats[seat].newest_claim(task.life)
        epoch = claim.epoch if claim else 0
        sha256 = await self.seats[seat].put_artifact(task.life, epoch, name, content)
        self._note(Kept(task.life, name, sha256, content))

    async def _pack(self, task: Tended, seat: int) -> None:
        claim = await self.seats[seat].newest_claim(task.life)
        if claim is not None and claim.released:
            await self.seats[seat].pack(task.life, claim.epoch)

    async def _remove(self, task: Tended, seat: int) -> None:
        store = self.seats[seat]
        lives, claim = await store.lives(task.life.task_id), await store.newest_claim(task.life)
        for life in lives:
            self._note(Removing(life))
        self.tasks.remove(task)
        if await store.remove(task.life, claim.epoch if claim else 0):
            for life in lives:
                self._note(Removed(life))
            self._removed_ids.append(task.life.task_id)

    async def _look(self, seat: int) -> None:
        store = self.seats[seat]
        self._count += 1
        await store.beat(Node(self._names[seat], self._count, "", 0, 1, "0"))
        await store.nodes()
        await store.changes()
        await store.open_tasks()
        await store.tidy()

    def _status(self, owner: Owner, status: Status) -> Record:
        data = {"status": status, "attempt": 1, "node": None, "reason": "work"}
        return self._event(owner, EventType.STATUS, data)

    def _output(self, owner: Owner, text: str = "") -> Record:
        self._count += 1
        size = BIG_BYTES if self._random.random() < 0.01 else self._random.choice((5, 60, 900, 5000))
        text = f"{self._tag} {self._count} {text}".ljust(size, ".")
        return self._event(owner, EventType.OUTPUT, {"part": "p", "text": text})

    def _event(self, owner: Owner, kind: EventType, data: object) -> Record:
        owner.seq += 1
        return Record(owner.seq, now_ms(), kind, orjson.dumps(data))


def _zombies(task: Tended, seat: int) -> list[Owner]:
    """The overtaken owners of a task in this node that are not in the middle of something."""
    return [zombie for zombie in task.zombies if zombie.seat == seat and not zombie.busy]
