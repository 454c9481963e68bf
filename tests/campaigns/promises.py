"""What a store has promised so far, and whether it is all there when it is looked at again."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from server.errors import HoldfastError, LogCorrupt
from server.models import Life, Record, Status
from server.stores.base import Store
from server.tasks.state import TaskState

TASKS = "tasks lost"
EVENTS = "events lost"
CHANGED = "events changed"
DAMAGED = "logs damaged"
CLAIMS = "claims lost"
REQUESTS = "requests lost"
ARTIFACTS = "artifacts lost"
FORGOTTEN = "tasks forgotten"
RETURNED = "removed tasks back"
UNTYPED = "untyped errors"
STUCK = "tasks stuck"
KINDS = (TASKS, EVENTS, CHANGED, DAMAGED, CLAIMS, REQUESTS, ARTIFACTS, FORGOTTEN, RETURNED, UNTYPED, STUCK)


@dataclass(frozen=True, slots=True)
class Loss:
    """One thing that must never be."""

    kind: str
    told: str


def counted(losses: Iterable[Loss], more_kinds: Sequence[str] = ()) -> dict[str, int]:
    found = Counter(loss.kind for loss in losses)
    return {kind: found[kind] for kind in (*KINDS, *more_kinds)}


@dataclass(slots=True)
class Promise:
    """What is promised of one life. ``going``: its removal has begun, so that it may be there or not."""

    life: Life
    events: dict[int, bytes] = field(default_factory=dict)
    epoch: int = 0
    asked: set[tuple[int, str]] = field(default_factory=set)
    artifacts: dict[tuple[str, str], bytes] = field(default_factory=dict)
    going: bool = False


@dataclass(frozen=True, slots=True)
class Made:
    """`create` answered with this life, new or not."""

    life: Life


@dataclass(frozen=True, slots=True)
class Seen:
    """An event that may be shown: appended by its owner, or given to a reader."""

    life: Life
    seq: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Claimed:
    life: Life
    epoch: int


@dataclass(frozen=True, slots=True)
class Asked:
    life: Life
    epoch: int
    action: str


@dataclass(frozen=True, slots=True)
class Kept:
    life: Life
    name: str
    sha256: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Removing:
    """A removal begins, of this life."""

    life: Life


@dataclass(frozen=True, slots=True)
class Removed:
    life: Life


Note = Made | Seen | Claimed | Asked | Kept | Removing | Removed


class Ledger:
    """Notes, in order, and what they add up to. A contradiction among them is a loss by itself."""

    def __init__(self) -> None:
        self.promises: dict[str, Promise] = {}
        self.removed: dict[str, Life] = {}
        self.losses: list[Loss] = []

    def note(self, note: Note) -> None:
        life = note.life
        promise = self.promises.get(life.generation)
        match note:
            case Made():
                self.promises.setdefault(life.generation, Promise(life))
            case Removed():
                self.promises.pop(life.generation, None)
                self.removed[life.generation] = life
        if promise is None:
            return
        match note:
            case Seen(_, seq, data):
                if promise.events.setdefault(seq, data) != data:
                    self.losses.append(Loss(CHANGED, f"{_name(life)}: event {seq} was shown with two contents"))
            case Claimed(_, epoch):
                promise.epoch = max(promise.epoch, epoch)
            case Asked(_, epoch, action):
                promise.asked.add((epoch, action))
            case Kept(_, name, sha256, content):
                promise.artifacts[name, sha256] = content
            case Removing():
                promise.going = True

    def copy(self) -> "Ledger":
        other = Ledger()
        other.removed = dict(self.removed)
        for generation, each in self.promises.items():
            kept = Promise(each.life, dict(each.events), each.epoch, set(each.asked), dict(each.artifacts), each.going)
            other.promises[generation] = kept
        return other


async def broken_promises(store: Store, ledger: Ledger) -> list[Loss]:
    """Look for all that was promised; what is found and was never shown does not count.

    Where a new owner has died before it sealed its predecessor's log, only what can be read of it is compared: the rest
    must be there when the task has gone on.
    """
    losses = list(ledger.losses)
    found_open = await _found_by_a_node_that_starts(store)
    listed: dict[str, list[Life]] = {}
    for promise in ledger.promises.values():
        task_id = promise.life.task_id
        try:
            if task_id not in listed:
                listed[task_id] = await store.lives(task_id)
            if promise.life in listed[task_id]:
                current = promise.life == listed[task_id][-1]
                losses += await _broken(store, promise, current and task_id not in found_open)
            elif not promise.going:
                losses.append(Loss(TASKS, f"{_name(promise.life)} is not there"))
        except LogCorrupt as error:
            losses.append(Loss(DAMAGED, f"{_name(promise.life)}: {error.detail}"))
        except HoldfastError as error:
            losses.append(Loss(STUCK, f"{_name(promise.life)} can't be looked at: {error.detail}"))
    for life in ledger.removed.values():
        if life in await store.lives(life.task_id):
            losses.append(Loss(RETURNED, f"{_name(life)} is there again"))
    return losses


async def _found_by_a_node_that_starts(store: Store) -> set[str]:
    """The tasks that the scheduler takes up or looks at: as `Scheduler._look_everywhere` finds them."""
    waiting = (Status.PENDING, Status.RUNNING)
    while not await store.make_headlines():
        pass
    told = (await store.changes()).headlines
    return {*await store.open_tasks(), *(headline.task_id for headline in told if headline.status in waiting)}


async def _broken(store: Store, promise: Promise, hidden: bool) -> list[Loss]:
    life, losses = promise.life, []
    records, undecided = await events_of(store, life)
    data = {record.seq: record.data for record in records}
    if [record.seq for record in records] != list(range(1, len(records) + 1)):
        losses.append(Loss(EVENTS, f"{_name(life)} has a gap: {[record.seq for record in records]}"))
    for seq, shown in promise.events.items():
        if seq not in data and not undecided:
            losses.append(Loss(EVENTS, f"{_name(life)} has {len(records)} events; {seq} was shown"))
        elif data.get(seq, shown) != shown:
            losses.append(Loss(CHANGED, f"{_name(life)}: event {seq} was shown with another content"))
    claim = await store.newest_claim(life)
    if promise.epoch > (claim.epoch if claim is not None else 0):
        losses.append(Loss(CLAIMS, f"{_name(life)}: epoch {promise.epoch} was claimed, the newest is {claim}"))
    for epoch, action in promise.asked:
        [asked] = await store.asked([(life, epoch)])
        if action not in [control.action for control in asked]:
            losses.append(Loss(REQUESTS, f"{_name(life)}: {action} of epoch {epoch}"))
    for (name, sha256), content in promise.artifacts.items():
        if await store.artifact(life, name, sha256) != content:
            losses.append(Loss(ARTIFACTS, f"{_name(life)}: {name}"))
    await store.snapshot(life.task_id)
    state = TaskState(life)
    state.apply_all(records)
    if hidden and not undecided and state.status in (Status.PENDING, Status.RUNNING):
        losses.append(Loss(FORGOTTEN, f"{_name(life)} is {state.status}, and no node would take it up"))
    return losses


async def events_of(store: Store, life: Life) -> tuple[list[Record], bool]:
    """All that can be read now, and whether a new owner has yet to say what counts of the rest."""
    reader = store.reader(life)
    records: list[Record] = []
    try:
        while batch := await reader.read():
            records += batch
        return [record for record in records if record.seq is not None], reader.undecided
    finally:
        await reader.close()


def _name(life: Life) -> str:
    return f"task {life.task_id[:6]} life {life.number}"
