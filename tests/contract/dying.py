"""The state machine over the file store, whose nodes die in the middle of what they do, between any two calls."""

import os
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from functools import partial
from hashlib import sha256
from typing import Any

import orjson
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from server.models import Action, Control, Record
from server.stores.base import Store
from server.stores.files import FileStore
from tests.campaigns.disks import CallingDisk, halves, scratch
from tests.contract.machine import LEDGERS, NODE, NODES, PICKS, Kept, Reading, StoreMachine, comparable
from tests.making import life, outputs

MOST_CALLS = 25
CALLS = st.integers(0, 6) | st.integers(7, MOST_CALLS)
"""After how many calls to the disk a node dies; most of what it does needs few."""
TIDYINGS = 3
"""As many as it takes until what the dead have left behind is nobody's any more."""


class Died(Exception):
    """The process has ended; nothing it was about to do is done."""


class DyingDisk(CallingDisk):
    """Dies when so many more calls were made, half-way through the next one; ``left`` None: not at all."""

    def __init__(self) -> None:
        super().__init__()
        self.left: int | None = None
        self._dead = False
        self._handles: set[int] = set()

    def around(self, name: str, act: Callable[..., Any], args: tuple[Any, ...]) -> Any:
        if self._dead:
            raise Died
        if self.left == 0:
            first, _ = halves(name, act, args)
            if first is not None:
                first()
            self.die()
            raise Died
        if self.left is not None:
            self.left -= 1
        result = act(*args)
        if name == "open":
            self._handles.add(result)
        elif name == "close":
            self._handles.discard(*args)
        return result

    def die(self) -> None:
        self._dead = True
        while self._handles:
            os.close(self._handles.pop())


class DyingMachine(StoreMachine):
    """What was under way when a node died was done in full or not at all, and nothing else has changed."""

    def __init__(self, kind: type[FileStore] = FileStore) -> None:
        self._kind = kind
        self._disks = [DyingDisk() for _ in range(NODES)]
        super().__init__(self._on_a_folder)

    @contextmanager
    def _on_a_folder(self) -> Iterator[list[Store]]:
        with scratch() as root:
            self._root = root / "tasks"
            yield [self._kind(self._root, disk) for disk in self._disks]

    @precondition(lambda self: self._lives)
    @rule(pick=PICKS, node=NODE, calls=CALLS)
    def die_creating(self, pick: int, node: int, calls: int) -> None:
        lives = self._tasks[self._any_life(pick).life.task_id]
        wanted = life(lives[-1].life.task_id, number=lives[-1].life.number + 1)
        done = self._die_in(node, calls, partial(self._store(node).create, wanted))
        if self._is_so(done, self._do(self._store(node).lives, wanted.task_id)[len(lives) :], [], [wanted]):
            lives.append(Kept(wanted))
            self._open.add(wanted.task_id)

    @precondition(lambda self: self._lives)
    @rule(pick=PICKS, node=NODE, calls=CALLS)
    def die_claiming(self, pick: int, node: int, calls: int) -> None:
        kept = self._any_life(pick)
        claim = partial(self._store(node).claim, kept.life, kept.epoch + 1, f"n{node}")
        done = self._die_in(node, calls, claim)
        found = self._do(self._store(node).newest_claim, kept.life)
        if self._is_so(done, found.epoch if found else 0, kept.epoch, kept.epoch + 1):
            kept.claimed(f"n{node}")
            self._open.add(kept.life.task_id)
        self._is_taken_over(kept, node + 1, [], done=True)

    @precondition(lambda self: self._lives)
    @rule(pick=PICKS, node=NODE, calls=CALLS, events=st.integers(1, 4))
    def die_appending(self, pick: int, node: int, calls: int, events: int) -> None:
        kept = self._any_life(pick)
        self.claim(pick, node, passed=0, at_once=False)
        first = len(kept.events) + 1
        records = outputs(first, first + events - 1)
        done = self._die_in(node, calls, partial(self._owners[-1].writer.append, records))
        self._is_taken_over(kept, node + 1, records, done=done)

    @precondition(lambda self: self._lives)
    @rule(pick=PICKS, node=NODE, calls=CALLS, durable=st.booleans())
    def die_saving(self, pick: int, node: int, calls: int, durable: bool) -> None:
        """A snapshot, in place of another one."""
        kept = self._tasks[self._any_life(pick).life.task_id][-1]
        task_id = kept.life.task_id
        self.save_snapshot(self._lives.index(kept), node, older=0, durable=durable)
        self._count += 1
        content = {"taskId": task_id, "progress": {"step": "s"}, "count": self._count}
        save = partial(self._store(node).save_snapshot, kept.life, kept.epoch, orjson.dumps(content), durable=durable)
        done = self._die_in(node, calls, save)
        if self._is_so(done, self._do(self._store(node).snapshot, task_id), self._snapshots.get(task_id), content):
            self._snapshots[task_id] = content

    @precondition(lambda self: self._lives)
    @rule(pick=PICKS, node=NODE, calls=CALLS)
    def die_keeping(self, pick: int, node: int, calls: int) -> None:
        """An artifact."""
        kept = self._any_life(pick)
        self._count += 1
        content = b"%d" % self._count
        digest = sha256(content).hexdigest()
        done = self._die_in(node, calls, partial(self._store(node).put_artifact, kept.life, kept.epoch, "x", content))
        if self._is_so(done, self._do(self._store(node).artifact, kept.life, "x", digest), None, content):
            kept.artifacts["x", digest] = content

    @precondition(lambda self: self._lives)
    @rule(pick=PICKS, node=NODE, calls=CALLS)
    def die_asking(self, pick: int, node: int, calls: int) -> None:
        kept = self._any_life(pick)
        asked = Control(Action.STOP, kept.epoch, "requested")
        before = [asked] if (asked.epoch, asked.action) in kept.asked else []
        done = self._die_in(node, calls, partial(self._store(node).ask, kept.life, asked))
        [found] = self._do(self._store(node).asked, [(kept.life, kept.epoch)])
        if self._is_so(done, [each for each in found if each.action is Action.STOP], before, [asked]):
            kept.asked.add((asked.epoch, asked.action))

    @precondition(lambda self: self._lives)
    @rule(pick=PICKS, node=NODE, calls=CALLS)
    def die_settling(self, pick: int, node: int, calls: int) -> None:
        """Its owner is done with it, so that it may be among the open ones or not."""
        kept = self._tasks[self._any_life(pick).life.task_id][-1]
        self._die_in(node, calls, partial(self._store(node).settle, kept.life, kept.epoch))
        self._open.discard(kept.life.task_id)

    @precondition(lambda self: self._lives)
    @rule(pick=PICKS, node=NODE, calls=CALLS)
    def die_packing_or_tidying(self, pick: int, node: int, calls: int) -> None:
        """Which changes nothing that can be seen."""
        kept, store = self._any_life(pick), self._store(node)
        self._die_in(node, calls, store.tidy if pick % 3 == 0 else partial(store.pack, kept.life, kept.epoch))

    @precondition(lambda self: self._lives)
    @rule(pick=PICKS, node=NODE, calls=CALLS)
    def die_removing(self, pick: int, node: int, calls: int) -> None:
        """Where the task is still there, its snapshot may be gone: it can be made again from the log."""
        kept = self._tasks[self._any_life(pick).life.task_id][-1]
        task_id = kept.life.task_id
        done = self._die_in(node, calls, partial(self._store(node).remove, kept.life, kept.epoch))
        there = [each.life for each in self._tasks[task_id]]
        if self._is_so(done, self._do(self._store(node).lives, task_id), there, []):
            self._forget(*self._tasks[task_id])
            self._open.discard(task_id)
            self._snapshots.pop(task_id, None)
        elif self._do(self._store(node).snapshot, task_id) is None:
            self._snapshots.pop(task_id, None)

    @rule(ledger=st.sampled_from(LEDGERS), node=NODE, calls=CALLS)
    def die_entering(self, ledger: str, node: int, calls: int) -> None:
        self._count += 1
        kept, wanted = self._ledgers[ledger], {"count": self._count}
        done = self._die_in(node, calls, partial(self._store(node).enter, ledger, len(kept) + 1, wanted))
        if self._is_so(done, self._do(self._store(node).entries, ledger), kept, [*kept, wanted]):
            kept.append(wanted)

    @rule(ledger=st.sampled_from(LEDGERS), node=NODE, calls=CALLS)
    def die_blanking(self, ledger: str, node: int, calls: int) -> None:
        """Each entry is as it was or blank, from the first on, and whoever blanks it again gets to the end."""
        kept = self._ledgers[ledger]
        blank, below = partial(self._store(node).blank, ledger), len(kept) + 1
        done = self._die_in(node, calls, partial(blank, below))
        found = self._do(self._store(node).entries, ledger)
        cut = next((place for place, one in enumerate(found) if one is not None), len(found))
        assert found == [None] * cut + kept[cut:], "as it was, from some entry on"
        assert cut == len(kept) or not done
        self._do(self._store(node).blank, ledger, below)
        self._blanked(ledger, below)

    def _die_in(self, node: int, calls: int, call: Callable[[], Awaitable[object]]) -> bool:
        """Begin something, and die in it or right after it; returns whether it was done. A new process starts."""
        disk = self._disks[node]
        disk.left = calls
        try:
            self._do(call)
            done = True
        except Died:
            done = False
        disk.die()
        self._owners = [owned for owned in self._owners if owned.node != node]
        self._readings = [reading for reading in self._readings if reading.node != node]
        self._disks[node] = DyingDisk()
        self._stores[node] = self._kind(self._root, self._disks[node])
        self._do(self._stores[node].open)
        for _ in range(TIDYINGS):
            self._do(self._stores[node].tidy)
        return done

    def _is_so(self, done: bool, found: object, before: object, after: object) -> bool:
        """Whether it is as after what was under way."""
        assert found == after or (found == before and not done)
        return bool(found == after)

    def _is_taken_over(self, kept: Kept, node: int, records: list[Record], *, done: bool) -> None:
        """By another node, which finds what was acknowledged, and of the last group its first records."""
        node %= NODES
        self.claim(self._lives.index(kept), node, passed=0, at_once=False)
        reading = Reading(kept, self._store(node).reader(kept.life), node, 0)
        while batch := self._do(reading.reader.read):
            reading.got += [comparable(record) for record in batch]
        self._do(reading.reader.close)
        before = [record for record in kept.log if isinstance(record, Record)]
        found = [record for record in reading.got if isinstance(record, Record)]
        last = found[len(before) :]
        assert found[: len(before)] == before
        assert last == records[: len(last)]
        assert len(last) == len(records) or not done
        sealed = [each["epoch"] for each in reading.got if isinstance(each, dict)]
        assert sealed == list(range(1, kept.epoch)), "each epoch has one seal"
        kept.log = reading.got
