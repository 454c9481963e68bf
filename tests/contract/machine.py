"""A store against a simple model of what it must hold: several nodes, in any order of calls that Hypothesis finds."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

import anyio
import orjson
from anyio.from_thread import start_blocking_portal
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from server.errors import HoldfastError, OwnershipLost, StoreFailed
from server.models import Action, Claim, Control, EventType, Json, Life, Node, Record
from server.stores.base import LogReader, LogWriter, Store, numbered
from server.stores.files import FileStore
from server.stores.memory import MemoryStore
from tests.campaigns.disks import scratch
from tests.making import life, output, release, step_record

NODES = 3
TASK_IDS = tuple(letter * 32 for letter in "ab")
LEDGERS = tuple(letter * 32 for letter in "de")
BIG = 100_000
"""Characters of an event; a few of them make a log that is worth packing."""

PICKS = st.integers(0, 59)
"""Picks one of what is there, modulo how much that is."""
NODE = st.integers(0, NODES - 1)

T = TypeVar("T")
Stores = Callable[[], AbstractContextManager[list[Store]]]


@dataclass(eq=False)
class Owned:
    """The right to write, as some node has or had it."""

    life: "Kept"
    writer: LogWriter
    node: int
    closed: bool = False
    refused: bool = False

    @property
    def stale(self) -> bool:
        return self.writer.epoch < self.life.epoch

    @property
    def may_write(self) -> bool:
        return not self.closed and not self.stale and not self.life.released


@dataclass(eq=False)
class Kept:
    """One life, and what must be there of it. A seal stands in ``log`` as its data, since its bytes are the store's."""

    life: Life
    claims: list[str] = field(default_factory=list)
    log: list[Record | dict[str, Any]] = field(default_factory=list)
    released: bool = False
    asked: set[tuple[int, Action]] = field(default_factory=set)
    artifacts: dict[tuple[str, str], bytes] = field(default_factory=dict)

    @property
    def epoch(self) -> int:
        return len(self.claims)

    @property
    def events(self) -> list[Record]:
        return numbered(record for record in self.log if isinstance(record, Record))

    def claimed(self, node: str) -> None:
        if self.claims:
            self.log.append({"epoch": self.epoch, "seq": len(self.events), "node": self.claims[-1]})
        self.claims.append(node)
        self.released = False


@dataclass(eq=False)
class Reading:
    """A reader, and all that it has been given so far."""

    life: Kept
    reader: LogReader
    node: int
    after: int
    got: list[Record | dict[str, Any]] = field(default_factory=list)

    def due(self, to: int | None = None) -> list[Record]:
        events = self.life.events
        return [event for event in events if self.after < (event.seq or 0) <= (len(events) if to is None else to)]


class StoreMachine(RuleBasedStateMachine):
    """Any calls, one after the other and a few at once. ``stores`` opens one store for each node, all on one place."""

    def __init__(self, stores: Stores) -> None:
        super().__init__()
        self._stack = ExitStack()
        self._portal = self._stack.enter_context(start_blocking_portal())
        self._stores = self._stack.enter_context(stores())
        for store in self._stores:
            self._do(store.open)
        self._tasks: dict[str, list[Kept]] = {task_id: [] for task_id in TASK_IDS}
        self._snapshots: dict[str, dict[str, Any]] = {}
        self._open: set[str] = set()
        self._owners: list[Owned] = []
        self._readings: list[Reading] = []
        self._gone: list[Life] = []
        self._beats: dict[str, int] = {}
        self._ledgers: dict[str, list[Json]] = {ledger: [] for ledger in LEDGERS}
        self._count = 0

    def teardown(self) -> None:
        try:
            for kept in self._lives:
                self._reads_all(self._stores[0], kept)
            for reading in self._readings:
                self._read_on(reading)
        finally:
            for owned in self._owners:
                self._do(owned.writer.close)
            for reading in self._readings:
                self._do(reading.reader.close)
            for store in self._stores:
                self._do(store.close)
            self._stack.close()

    # Who makes a life, and who owns it.

    @rule(task=st.sampled_from(TASK_IDS), node=NODE, again=st.booleans(), at_once=st.booleans())
    def create(self, task: str, node: int, again: bool, at_once: bool) -> None:
        lives = self._tasks[task]
        there = lives[-1].life.number if lives else 0
        number = there if there and again else there + 1
        wanted = [life(task, number=number) for _ in range(NODES if at_once else 1)]
        calls = [partial(self._store(node + index).create, each) for index, each in enumerate(wanted)]
        answers = self._at_once(*calls)
        assert [made for _, made in answers].count(True) == (number > there)
        assert len({found.generation for found, _ in answers}) == 1, "all have the one that counts"
        if number > there:
            assert answers[0][0] in wanted
            lives.append(Kept(answers[0][0]))
            self._open.add(task)
        else:
            assert answers[0][0] == lives[-1].life

    @precondition(lambda self: self._lives)
    @rule(pick=PICKS, node=NODE, passed=st.integers(0, 1), at_once=st.booleans())
    def claim(self, pick: int, node: int, passed: int, at_once: bool) -> None:
        """``passed``: for an epoch that somebody owns."""
        kept = self._any_life(pick)
        epoch = kept.epoch + 1 - passed
        if epoch < 1:
            return
        nodes = [(node + index) % NODES for index in range(NODES if at_once else 1)]
        writers = self._at_once(*(partial(self._store(each).claim, kept.life, epoch, f"n{each}") for each in nodes))
        won = [(each, writer) for each, writer in zip(nodes, writers, strict=True) if writer is not None]
        assert len(won) == 1 - passed, "one owner of an epoch"
        for each, writer in won:
            assert writer.epoch == epoch
            kept.claimed(f"n{each}")
            self._owners.append(Owned(kept, writer, each))
            self._open.add(kept.life.task_id)

    @precondition(lambda self: self._gone)
    @rule(pick=PICKS, node=NODE)
    def claim_what_is_gone(self, pick: int, node: int) -> None:
        assert self._do(self._store(node).claim, self._gone[pick % len(self._gone)], 1, "n") is None

    # What owners write.

    @precondition(lambda self: self._lives)
    @rule(pick=PICKS, node=NODE, events=st.integers(1, 4), big=st.booleans(), step=st.booleans(), last=st.booleans())
    def write(self, pick: int, node: int, events: int, big: bool, step: bool, last: bool) -> None:
        """By its owner; by a new one where it has none that may write."""
        kept = self._any_life(pick)
        owned = next((each for each in self._owners if each.life is kept and each.may_write), None)
        if owned is None:
            self.claim(pick, node, passed=0, at_once=False)
            owned = self._owners[-1]
        self._count += 1
        text = f"{self._count} " + "x" * (BIG if big else 0)
        first = len(kept.events) + 1
        records = [output(seq, text) for seq in range(first, first + events)]
        records += [step_record(f"step {self._count}")] if step else []
        records += [release()] if last else []
        self._do(owned.writer.append, records)
        kept.log += records
        kept.released = last

    @precondition(lambda self: self._sleepers)
    @rule(pick=PICKS, events=st.integers(1, 3))
    def wake(self, pick: int, events: int) -> None:
        """One that was overtaken, or has closed its log, writes on; whether it counts is not left to it."""
        owned = self._sleepers[pick % len(self._sleepers)]
        first = len(owned.life.events) + 1
        records = [output(seq, "asleep") for seq in range(first, first + events)]
        refusal = self._refusal(owned.writer.append, records)
        assert isinstance(refusal, OwnershipLost) or (
            (owned.closed or owned.refused) and isinstance(refusal, StoreFailed)
        )
        owned.refused = True

    @precondition(lambda self: self._owners)
    @rule(pick=PICKS)
    def close_log(self, pick: int) -> None:
        owned = self._owners[pick % len(self._owners)]
        self._do(owned.writer.close)
        owned.closed = True

    @precondition(lambda self: self._lives)
    @rule(pick=PICKS, node=NODE)
    def pack(self, pick: int, node: int) -> None:
        kept = self._any_life(pick)
        assert self._do(self._store(node).pack, kept.life, kept.epoch) >= 0

    # What readers get.

    @precondition(lambda self: self._lives)
    @rule(pick=PICKS, node=NODE, after=st.integers(0, 6))
    def open_reader(self, pick: int, node: int, after: int) -> None:
        kept = self._any_life(pick)
        self._readings.append(Reading(kept, self._store(node).reader(kept.life, after), node, after))
        self._read_on(self._readings[-1])

    @precondition(lambda self: self._readings)
    @rule(pick=PICKS, short=st.none() | st.integers(0, 3))
    def read_on(self, pick: int, short: int | None) -> None:
        """``short``: its caller wants so many events fewer than there are."""
        reading = self._readings[pick % len(self._readings)]
        self._read_on(reading, None if short is None else max(0, len(reading.life.events) - short))

    # What stands beside the log.

    @precondition(lambda self: self._lives)
    @rule(pick=PICKS, node=NODE, older=st.integers(0, 2), durable=st.booleans())
    def save_snapshot(self, pick: int, node: int, older: int, durable: bool) -> None:
        kept = self._any_life(pick)
        epoch = max(0, kept.epoch - older)
        self._count += 1
        content = {"taskId": kept.life.task_id, "progress": {"step": "s"}, "count": self._count}
        save = partial(self._store(node).save_snapshot, durable=durable)
        self._do(save, kept.life, epoch, orjson.dumps(content))
        if self._is_current(kept) and epoch == kept.epoch:
            self._snapshots[kept.life.task_id] = content

    @precondition(lambda self: self._lives)
    @rule(pick=PICKS, node=NODE, older=st.integers(0, 2))
    def settle(self, pick: int, node: int, older: int) -> None:
        kept = self._any_life(pick)
        epoch = max(0, kept.epoch - older)
        self._do(self._store(node).settle, kept.life, epoch)
        if self._is_current(kept) and epoch == kept.epoch:
            self._open.discard(kept.life.task_id)
            assert kept.life.task_id not in self._do(self._store(node + 1).open_tasks)

    @precondition(lambda self: self._lives)
    @rule(pick=PICKS, node=NODE)
    def reopen(self, pick: int, node: int) -> None:
        task_id = self._any_life(pick).life.task_id
        self._do(self._store(node).reopen, task_id)
        self._open.add(task_id)

    @precondition(lambda self: self._lives)
    @rule(pick=PICKS, node=NODE, older=st.integers(0, 1), action=st.sampled_from(Action))
    def ask(self, pick: int, node: int, older: int, action: Action) -> None:
        kept = self._any_life(pick)
        epoch = max(0, kept.epoch - older)
        self._do(self._store(node).ask, kept.life, Control(action, epoch, "requested"))
        kept.asked.add((epoch, action))

    @precondition(lambda self: self._lives)
    @rule(pick=PICKS, node=NODE, older=st.integers(0, 1), name=st.sampled_from("xy"))
    def put_artifact(self, pick: int, node: int, older: int, name: str) -> None:
        kept = self._any_life(pick)
        epoch = max(0, kept.epoch - older)
        self._count += 1
        put = partial(self._store(node).put_artifact, kept.life, epoch, name, b"%d" % self._count)
        if epoch < kept.epoch:
            assert isinstance(self._refusal(put), OwnershipLost)
        else:
            kept.artifacts[name, self._do(put)] = b"%d" % self._count

    @rule(node=NODE, leaves=st.booleans())
    def beat(self, node: int, leaves: bool) -> None:
        self._count += 1
        self._do(self._store(node).beat, Node(f"n{node}", self._count, "", 0, 1, "0"))
        self._beats[f"n{node}"] = self._count
        if leaves:
            self._do(self._store(node).leave, f"n{node}")
            del self._beats[f"n{node}"]

    @rule(ledger=st.sampled_from(LEDGERS), node=NODE, ahead=st.integers(-1, 1), at_once=st.booleans())
    def enter(self, ledger: str, node: int, ahead: int, at_once: bool) -> None:
        """``ahead``: of the number that is next. What a reader was given before is what it goes on from."""
        kept = self._ledgers[ledger]
        number = len(kept) + 1 + ahead
        if number < 1:
            return
        wanted: list[Json] = []
        for _ in range(NODES if at_once else 1):
            self._count += 1
            wanted.append({"count": self._count})
        calls = [partial(self._store(node + i).enter, ledger, number, each) for i, each in enumerate(wanted)]
        answers = self._at_once(*calls)
        assert answers.count(True) == (ahead == 0), "one of those who write the next number, and nobody else"
        if ahead == 0:
            kept.append(wanted[answers.index(True)])
            assert self._do(self._store(node + 1).entries, ledger, number - 1) == kept[-1:]

    @rule(ledger=st.sampled_from(LEDGERS), node=NODE, pick=PICKS)
    def blank(self, ledger: str, node: int, pick: int) -> None:
        kept = self._ledgers[ledger]
        below = pick % (len(kept) + 2)
        self._do(self._store(node).blank, ledger, below)
        self._blanked(ledger, below)

    def _blanked(self, ledger: str, below: int) -> None:
        kept = self._ledgers[ledger]
        for place in range(min(max(0, below - 1), len(kept))):
            kept[place] = None

    # What goes.

    @precondition(lambda self: self._lives)
    @rule(pick=PICKS, node=NODE, older=st.integers(0, 1))
    def remove(self, pick: int, node: int, older: int) -> None:
        kept = self._any_life(pick)
        epoch = kept.epoch - older
        if epoch < 0:
            return
        removed = self._do(self._store(node).remove, kept.life, epoch)
        assert removed == (self._is_current(kept) and epoch == kept.epoch)
        if removed:
            task_id = kept.life.task_id
            self._forget(*self._tasks[task_id])
            self._open.discard(task_id)
            self._snapshots.pop(task_id, None)
            assert not self._do(self._store(node + 1).remove, kept.life, epoch), "it is gone"

    @precondition(lambda self: any(len(lives) > 1 for lives in self._tasks.values()))
    @rule(pick=PICKS, node=NODE)
    def remove_older_life(self, pick: int, node: int) -> None:
        older = [kept for lives in self._tasks.values() for kept in lives[:-1]]
        kept = older[pick % len(older)]
        self._do(self._store(node).remove_life, kept.life)
        self._forget(kept)

    @rule(node=NODE)
    def tidy(self, node: int) -> None:
        self._do(self._store(node).tidy)

    # What must hold after each of them, as any node sees it.

    @invariant()
    def every_node_finds_what_is_there(self) -> None:
        self._count += 1
        store = self._store(self._count)
        for task_id, lives in self._tasks.items():
            assert self._do(store.lives, task_id) == [kept.life for kept in lives]
            assert self._do(store.latest, task_id) == (lives[-1].life if lives else None)
            assert self._do(store.snapshot, task_id) == self._snapshots.get(task_id)
            for kept in lives:
                claim = Claim(kept.epoch, kept.claims[-1], kept.released) if kept.claims else None
                assert self._do(store.newest_claim, kept.life) == claim
        assert sorted(self._do(store.task_ids)) == [task_id for task_id in TASK_IDS if self._tasks[task_id]]
        assert self._open <= set(self._do(store.open_tasks)), "whoever needs an owner can be found"

    @invariant()
    def one_life_is_whole(self) -> None:
        if self._lives:
            self._reads_all(self._store(self._count), self._any_life(self._count))

    @invariant()
    def lists_hold_the_same(self) -> None:
        store = self._store(self._count)
        listed = sorted(self._do(store.heads, TASK_IDS).values(), key=lambda head: str(head["taskId"]))
        assert listed == [self._snapshots[task_id] for task_id in TASK_IDS if task_id in self._snapshots]
        assert {node.id: node.counter for node in self._do(store.nodes)} == self._beats

    @invariant()
    def every_ledger_has_what_was_entered(self) -> None:
        after = self._count % 3
        for ledger, kept in self._ledgers.items():
            assert self._do(self._store(self._count).entries, ledger, after) == kept[after:]

    @invariant()
    def every_node_is_told_of_every_task(self) -> None:
        while not self._do(self._store(self._count).make_headlines):
            pass
        told = {headline.task_id for headline in self._do(self._store(self._count).changes).headlines}
        assert told >= {task_id for task_id in TASK_IDS if self._tasks[task_id]}

    def _reads_all(self, store: Store, kept: Kept) -> None:
        reading = Reading(kept, store.reader(kept.life), 0, 0)
        self._read_on(reading)
        self._do(reading.reader.close)
        found = self._do(store.asked, [(kept.life, epoch) for epoch in range(kept.epoch + 1)])
        for epoch, controls in enumerate(found):
            asked = {(control.epoch, control.action) for control in controls}
            assert asked == {(of, action) for of, action in kept.asked if of == epoch}
        for (name, digest), content in kept.artifacts.items():
            assert self._do(store.artifact, kept.life, name, digest) == content

    def _read_on(self, reading: Reading, to: int | None = None) -> None:
        while batch := self._do(reading.reader.read, to):
            reading.got += [comparable(record) for record in batch]
        events = numbered(record for record in reading.got if isinstance(record, Record))
        due = reading.due(to)
        assert events[: len(due)] == due, "gapless, in order, and as it was acknowledged"
        assert events == reading.due()[: len(events)], "and nothing else"
        if reading.after == 0:
            assert reading.got == reading.life.log[: len(reading.got)]
            assert to is not None or len(reading.got) == len(reading.life.log)

    @property
    def _lives(self) -> list[Kept]:
        return [kept for lives in self._tasks.values() for kept in lives]

    @property
    def _sleepers(self) -> list[Owned]:
        return [owned for owned in self._owners if owned.stale or owned.closed]

    def _any_life(self, pick: int) -> Kept:
        return self._lives[pick % len(self._lives)]

    def _is_current(self, kept: Kept) -> bool:
        return self._tasks[kept.life.task_id][-1] is kept

    def _store(self, node: int) -> Store:
        return self._stores[node % len(self._stores)]

    def _forget(self, *lives: Kept) -> None:
        """Its owner is known to write nothing more; nobody reads what is gone."""
        for kept in lives:
            for owned in [each for each in self._owners if each.life is kept]:
                self._do(owned.writer.close)
                self._owners.remove(owned)
            for reading in [each for each in self._readings if each.life is kept]:
                self._do(reading.reader.close)
                self._readings.remove(reading)
            self._tasks[kept.life.task_id] = [each for each in self._tasks[kept.life.task_id] if each is not kept]
            self._gone.append(kept.life)

    def _do(self, call: Callable[..., Awaitable[T]], *args: Any) -> T:
        return self._portal.call(call, *args)

    def _refusal(self, call: Callable[..., Awaitable[object]], *args: Any) -> HoldfastError | None:
        try:
            self._do(call, *args)
        except HoldfastError as error:
            return error
        return None

    def _at_once(self, *calls: Callable[[], Awaitable[T]]) -> list[T]:
        return self._portal.call(_at_once, calls)


async def _at_once(calls: tuple[Callable[[], Awaitable[T]], ...]) -> list[T]:
    answers: dict[int, T] = {}

    async def answer(index: int, call: Callable[[], Awaitable[T]]) -> None:
        answers[index] = await call()

    async with anyio.create_task_group() as tg:
        for index, call in enumerate(calls):
            tg.start_soon(answer, index, call)
    return [answers[index] for index in range(len(calls))]


def comparable(record: Record) -> Record | dict[str, Any]:
    if record.type != EventType.SEAL:
        return record
    data = orjson.loads(record.data)
    return {name: data[name] for name in ("epoch", "seq", "node")}


@contextmanager
def memory(kind: type[MemoryStore] = MemoryStore) -> Iterator[list[Store]]:
    yield [kind()] * NODES


@contextmanager
def files(kind: type[FileStore] = FileStore) -> Iterator[list[Store]]:
    """Each node has a store of its own on the folder."""
    with scratch() as root:
        yield [kind(root / "tasks") for _ in range(NODES)]
