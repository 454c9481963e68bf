"""One suite over every store: what `server.stores.base` promises."""

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import orjson
import pytest

from server.errors import InvalidRequest, LogCorrupt, OwnershipLost, StoreFailed, TaskNotFound
from server.models import (
    Action,
    Control,
    EventType,
    Headline,
    Life,
    Node,
    Note,
    Notice,
    Personal,
    Record,
    Status,
    Upload,
    now_ms,
)
from server.stores.base import LogReader, LogWriter, Sight, Store
from server.stores.files import FileStore
from server.stores.memory import MemoryStore
from server.tasks.state import TaskState
from tests.making import TASK, life, output, outputs, release, step_record


@pytest.fixture(params=["memory", "files"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    made: Store = MemoryStore() if request.param == "memory" else FileStore(tmp_path / "tasks")
    await made.open()
    yield made
    await made.close()


async def claimed(store: Store, task: Life, epoch: int = 1, node: str = "n1") -> LogWriter:
    writer = await store.claim(task, epoch, node)
    assert writer is not None
    return writer


async def read_on(reader: LogReader, durable_to: int | None = None) -> list[Record]:
    """All that can be read now."""
    found: list[Record] = []
    while batch := await reader.read(durable_to):
        found += batch
    return found


def seqs(records: list[Record]) -> list[int | None]:
    return [record.seq for record in records if record.seq is not None]


LEDGER = "d" * 32


async def test_exactly_one_of_many_writers_makes_an_entry_of_a_ledger(store: Store) -> None:
    """All the others are told so, and find what the one has written."""
    answers: dict[int, bool] = {}

    async def enter(writer: int) -> None:
        answers[writer] = await store.enter(LEDGER, 1, {"writer": writer})

    async with anyio.create_task_group() as tg:
        for writer in range(20):
            tg.start_soon(enter, writer)
    (winner,) = [writer for writer, won in answers.items() if won]
    assert await store.entries(LEDGER) == [{"writer": winner}]


async def test_a_ledger_has_no_gap_and_its_entries_never_change(store: Store) -> None:
    """An entry whose predecessor is missing is not written, and neither is one over another."""
    assert await store.entries(LEDGER) == []
    assert not await store.enter(LEDGER, 2, "too early")
    assert await store.enter(LEDGER, 1, ["第一"])
    assert await store.enter(LEDGER, 2, None)
    assert not await store.enter(LEDGER, 1, "again")
    assert await store.entries(LEDGER) == [["第一"], None]
    assert await store.entries(LEDGER, 1) == [None]
    assert await store.entries("e" * 32) == []


async def test_what_is_blanked_of_a_ledger_is_gone_and_its_numbers_stay_held(store: Store) -> None:
    """Whoever had read it goes on from where it was; the entry that says why, and those above it, stay."""
    await store.blank(LEDGER, 5)
    assert await store.entries(LEDGER) == []
    for number in (1, 2, 3):
        assert await store.enter(LEDGER, number, {"number": number})
    for _ in range(2):
        await store.blank(LEDGER, 3)
        assert await store.entries(LEDGER) == [None, None, {"number": 3}]
    assert not await store.enter(LEDGER, 1, "again")
    assert await store.enter(LEDGER, 4, "on")
    assert await store.entries(LEDGER, 3) == ["on"]


async def test_a_ledger_is_there_for_who_opens_the_folder_later(tmp_path: Path) -> None:
    """Another process sees what was entered; a damaged entry is told of and never passed over."""
    first, second = FileStore(tmp_path / "tasks"), FileStore(tmp_path / "tasks")
    await first.open()
    assert await first.enter(LEDGER, 1, {"a": 1})
    await first.close()
    await second.open()
    assert await second.entries(LEDGER) == [{"a": 1}]
    assert await second.enter(LEDGER, 2, {"a": 2})
    entry = tmp_path / "tasks" / "ledgers" / LEDGER / "00000001.entry"
    entry.write_bytes(entry.read_bytes().replace(b'"a": 1', b'"a": 7'))
    with pytest.raises(LogCorrupt):
        await second.entries(LEDGER)
    await second.close()


async def test_exactly_one_of_many_creators_makes_a_life(store: Store) -> None:
    """All the others get the one that was made."""
    answers: list[tuple[Life, bool]] = []

    async def create() -> None:
        answers.append(await store.create(life()))

    async with anyio.create_task_group() as tg:
        for _ in range(20):
            tg.start_soon(create)
    assert [made for _, made in answers].count(True) == 1
    assert len({made.generation for made, _ in answers}) == 1
    assert await store.latest(TASK) == answers[0][0]


async def test_a_life_comes_back_as_it_was_made(store: Store) -> None:
    """Every field, Chinese and nested ones included."""
    made = life(
        params={"query": "如何恢复？", "n": [1, {"a": 0.5}]}, model={"name": "m"}, title="题", fresh="k", project="p"
    )
    await store.create(made)
    assert await store.lives(TASK) == [made]


async def test_a_task_that_was_never_made_has_no_lives(store: Store) -> None:
    """Asking makes nothing."""
    assert await store.latest(TASK) is None
    assert await store.lives(TASK) == []
    assert await store.snapshot(TASK) is None
    assert await store.open_tasks() == []


async def test_lives_are_listed_oldest_first(store: Store) -> None:
    """And the newest is the current one."""
    first, second = life(), life(number=2)
    await store.create(first)
    await store.create(second)
    assert await store.lives(TASK) == [first, second]
    assert await store.latest(TASK) == second


async def test_exactly_one_of_many_claims_of_an_epoch_gets_the_writer(store: Store) -> None:
    """The claim is what makes one owner."""
    task = life()
    await store.create(task)
    writers: list[LogWriter | None] = []

    async def claim(node: str) -> None:
        writers.append(await store.claim(task, 1, node))

    async with anyio.create_task_group() as tg:
        for number in range(20):
            tg.start_soon(claim, f"n{number}")
    assert len([writer for writer in writers if writer is not None]) == 1


async def test_what_was_appended_is_read_back_in_order(store: Store) -> None:
    """Records of the journal stand where they were written."""
    task = life()
    await store.create(task)
    writer = await claimed(store, task)
    records = [*outputs(1, 3), step_record("s"), output(4)]
    await writer.append(records)
    assert await read_on(store.reader(task)) == records


async def test_a_reader_goes_on_where_it_was(store: Store) -> None:
    """Nothing missing and nothing twice."""
    task = life()
    await store.create(task)
    writer = await claimed(store, task)
    reader = store.reader(task)
    assert await reader.read() == []
    await writer.append(outputs(1, 2))
    assert seqs(await read_on(reader)) == [1, 2]
    await writer.append(outputs(3, 5))
    assert seqs(await read_on(reader)) == [3, 4, 5]
    assert await reader.read() == []


@pytest.mark.parametrize("after", range(7))
async def test_a_reader_starts_behind_any_event(store: Store, after: int) -> None:
    """Over the border of two epochs as well."""
    task = life()
    await store.create(task)
    await (await claimed(store, task)).append(outputs(1, 3))
    await (await claimed(store, task, 2, "n2")).append(outputs(4, 6))
    assert seqs(await read_on(store.reader(task, after))) == list(range(after + 1, 7))


@pytest.mark.parametrize("size", [10, 3000, 100_000])
async def test_a_reader_finds_its_place_in_a_long_log(store: Store, size: int) -> None:
    """Wherever it is, with records of the journal and long ones between; what comes is exactly what is after it."""
    task = life()
    await store.create(task)
    total = 3_000_000 // (size + 100) if size > 10 else 4000
    for epoch, (first, last) in enumerate(((1, total // 2), (total // 2 + 1, total)), 1):
        writer = await claimed(store, task, epoch)
        for seq in range(first, last + 1):
            await writer.append([output(seq, "x" * size), *([step_record(f"s{seq}")] if seq % 7 == 0 else [])])
    for after in {0, 1, 2, total // 3, total // 2, total // 2 + 1, total - 20, total - 1, total}:
        assert seqs(await read_on(store.reader(task, after))) == list(range(after + 1, total + 1)), after


async def test_a_reader_stops_at_what_its_caller_knows_to_be_durable(store: Store) -> None:
    """And goes on from there when more is."""
    task = life()
    await store.create(task)
    writer = await claimed(store, task)
    await writer.append(outputs(1, 10))
    reader = store.reader(task, 2)
    assert seqs(await read_on(reader, 5)) == [3, 4, 5]
    assert seqs(await read_on(reader, 6)) == [6]
    assert seqs(await read_on(reader)) == [7, 8, 9, 10]


async def test_an_overtaken_owner_is_told_and_what_it_writes_is_never_read(store: Store) -> None:
    """Not even by readers that were there before."""
    task = life()
    await store.create(task)
    old = await claimed(store, task)
    await old.append(outputs(1, 2))
    early_reader = store.reader(task)
    assert seqs(await read_on(early_reader)) == [1, 2]
    new = await claimed(store, task, 2, "n2")
    with pytest.raises(OwnershipLost):
        await old.append([output(3, "zombie")])
    await new.append([output(3, "right")])
    for reader in (early_reader, store.reader(task)):
        last = (await read_on(reader))[-1]
        assert b"right" in last.data


async def test_a_claim_of_a_passed_epoch_gets_nothing(store: Store) -> None:
    """Also for the node that holds it."""
    task = life()
    await store.create(task)
    await claimed(store, task)
    await claimed(store, task, 2)
    assert await store.claim(task, 1, "n1") is None
    assert await store.claim(task, 2, "n1") is None


async def test_a_closed_log_takes_nothing(store: Store) -> None:
    """Closing is idempotent."""
    task = life()
    await store.create(task)
    writer = await claimed(store, task)
    await writer.close()
    await writer.close()
    with pytest.raises(StoreFailed):
        await writer.append([output(1)])


async def test_a_look_finds_the_lives_and_the_end_of_the_current_one(store: Store) -> None:
    """The snapshot's head is the last word only while its owner's released claim is the newest."""
    task = life()
    assert await store.look(TASK) == Sight([], None)
    await store.create(task)
    assert await store.look(TASK) == Sight([task], None)
    writer = await claimed(store, task)
    ended = {"taskId": TASK, "generation": task.generation, "status": "completed", "seq": 1, "epoch": 1}
    await store.save_snapshot(task, 1, orjson.dumps(ended), durable=True)
    assert await store.end(task) is None
    await writer.append([output(1), release()])
    assert await store.end(task) == ended
    assert await store.look(TASK) == Sight([task], ended)
    await claimed(store, task, 2, "n2")
    assert await store.end(task) is None
    second = life(number=2)
    await store.create(second)
    assert await store.look(TASK) == Sight([task, second], None)


async def test_a_snapshot_of_a_task_that_goes_on_is_no_last_word(store: Store) -> None:
    """Nor is one of another life."""
    task = life()
    await store.create(task)
    await (await claimed(store, task)).append([output(1), release()])
    head = {"taskId": TASK, "generation": task.generation, "status": "paused", "seq": 1, "epoch": 1}
    await store.save_snapshot(task, 1, orjson.dumps(head), durable=True)
    assert await store.end(task) is None
    other = {**head, "status": "completed", "generation": "zzzzzz"}
    await store.save_snapshot(task, 1, orjson.dumps(other), durable=True)
    assert await store.end(task) is None


async def test_the_newest_claim_says_who_and_whether_released(store: Store) -> None:
    """A release is the last record of its epoch."""
    task = life()
    await store.create(task)
    assert await store.newest_claim(task) is None
    writer = await claimed(store, task, node="n1")
    claim = await store.newest_claim(task)
    assert claim is not None
    assert (claim.epoch, claim.node, claim.released) == (1, "n1", False)
    await writer.append([output(1), release()])
    claim = await store.newest_claim(task)
    assert claim is not None
    assert claim.released
    await claimed(store, task, 2, "n2")
    claim = await store.newest_claim(task)
    assert claim is not None
    assert (claim.epoch, claim.node, claim.released) == (2, "n2", False)


async def test_a_task_is_open_from_creation_until_it_is_settled(store: Store) -> None:
    """A retry opens it again."""
    task = life()
    await store.create(task)
    assert await store.open_tasks() == [TASK]
    await claimed(store, task)
    await store.settle(task, 1)
    assert await store.open_tasks() == []
    await claimed(store, task, 2)
    assert await store.open_tasks() == [TASK]


async def test_a_task_can_be_put_among_the_open_ones_again(store: Store) -> None:
    """Where it was found missing; settling takes it away as ever."""
    task = life()
    await store.create(task)
    await claimed(store, task)
    await store.settle(task, 1)
    await store.reopen(TASK)
    assert await store.open_tasks() == [TASK]
    await store.settle(task, 1)
    assert await store.open_tasks() == []


async def test_an_old_owner_cannot_settle_what_a_new_one_has_claimed(store: Store) -> None:
    """Nor what has a new life."""
    task = life()
    await store.create(task)
    await claimed(store, task)
    await claimed(store, task, 2)
    await store.settle(task, 1)
    assert await store.open_tasks() == [TASK]
    await store.create(life(number=2))
    await store.settle(task, 2)
    assert await store.open_tasks() == [TASK]


async def test_the_snapshot_of_an_overtaken_owner_changes_nothing(store: Store) -> None:
    """The newer owner's stands."""
    task = life()
    await store.create(task)
    await claimed(store, task)
    await claimed(store, task, 2)
    await store.save_snapshot(task, 2, b'{"taskId":"%b","by":2}' % TASK.encode(), durable=False)
    await store.save_snapshot(task, 1, b'{"taskId":"%b","by":1}' % TASK.encode(), durable=True)
    snapshot = await store.snapshot(TASK)
    assert snapshot is not None
    assert snapshot["by"] == 2


async def test_lists_are_made_of_snapshots_without_what_is_large(store: Store) -> None:
    """Outputs and results stay where they are."""
    task = life()
    await store.create(task)
    content = b'{"taskId":"%b","outputs":["long"],"progress":{"step":"a","result":{"long":1}}}' % TASK.encode()
    await store.save_snapshot(task, 0, content, durable=False)
    assert list((await store.heads(await store.task_ids())).values()) == [{"taskId": TASK, "progress": {"step": "a"}}]
    assert await store.task_ids() == [TASK]


async def test_artifacts_are_kept_by_name_and_content(store: Store) -> None:
    """The log may still tell of one that had the same name."""
    task = life()
    await store.create(task)
    await claimed(store, task)
    one = await store.put_artifact(task, 1, "a.bin", b"\x00one")
    two = await store.put_artifact(task, 1, "a.bin", b"\x00two")
    assert one == hashlib.sha256(b"\x00one").hexdigest()
    assert await store.artifact(task, "a.bin", one) == b"\x00one"
    assert await store.artifact(task, "a.bin", two) == b"\x00two"
    assert await store.artifact(task, "b.bin", one) is None
    await claimed(store, task, 2)
    with pytest.raises(OwnershipLost):
        await store.put_artifact(task, 1, "a.bin", b"\x00three")


async def test_whoever_reads_or_writes_a_removed_life_is_told(store: Store) -> None:
    """Also when its id has been given to another by then."""
    task = life()
    await store.create(task)
    writer = await claimed(store, task)
    await writer.append(outputs(1, 2))
    reading = store.reader(task)
    assert seqs(await reading.read()) == [1, 2]
    assert await store.remove(task, 1)
    for again in (False, True):
        if again:
            await store.create(life())
        with pytest.raises(TaskNotFound):
            await reading.read()
    with pytest.raises(OwnershipLost):
        await writer.append(outputs(3, 3))


async def test_requests_reach_the_owner_of_their_epoch_only(store: Store) -> None:
    """Asking twice is asking once."""
    task = life()
    await store.create(task)
    await claimed(store, task)
    for _ in range(2):
        await store.ask(task, Control(Action.STOP, 1, "requested"))
    never_made = life("f" * 32)
    found = await store.asked([(task, 2), (task, 1), (never_made, 1)])
    assert found == [[], [Control(Action.STOP, 1, "requested")], []]
    assert await store.asked([]) == []


async def test_what_a_life_is_told_is_kept_for_whoever_owns_it(store: Store) -> None:
    """The same words once; oldest first; another life hears none of it."""
    task = life()
    await store.create(task)
    assert await store.notes(task) == []
    first, second = Note(1, {"question": "为什么？"}), Note(2, {"write_now": True})
    for note in (second, first, Note(3, first.body)):
        await store.note(task, note)
    await claimed(store, task)
    assert await store.notes(task) == [first, second] or await store.notes(task) == [second, Note(3, first.body)]
    assert await store.notes(life("e" * 32)) == []
    with pytest.raises(TaskNotFound):
        await store.note(life("f" * 32), first)


async def test_a_heartbeat_shows_the_node_until_it_leaves(store: Store) -> None:
    """With the counter of its last beat."""
    for counter in (1, 2):
        await store.beat(Node("n1", counter, "http://127.0.0.1:1", 0, 5, "0", {"demo": 1}))
    (node,) = await store.nodes()
    assert (node.id, node.counter, node.kinds) == ("n1", 2, {"demo": 1})
    await store.leave("n1")
    assert await store.nodes() == []


async def test_a_removed_task_is_gone_and_can_be_made_anew(store: Store) -> None:
    """With all its lives."""
    first, second = life(), life(number=2)
    await store.create(first)
    await claimed(store, first)
    await store.create(second)
    await claimed(store, second)
    await store.save_snapshot(second, 1, b"{}", durable=False)
    assert not await store.remove(first, 1), "it is not the current life"
    assert not await store.remove(second, 0), "somebody has claimed it since"
    assert await store.lives(TASK) == [first, second]
    assert await store.remove(second, 1)
    assert not await store.remove(second, 1)
    assert await store.claim(second, 2, "n1") is None
    assert await store.lives(TASK) == []
    assert await store.snapshot(TASK) is None
    again = life()
    assert await store.create(again) == (again, True)
    assert await read_on(store.reader(again)) == []
    assert await store.claim(first, 1, "n1") is None, "another life has its number"
    assert await store.newest_claim(again) is None


async def test_of_a_removal_and_a_claim_at_once_one_fails(store: Store) -> None:
    """Nobody ever owns what is gone."""
    for _ in range(30):
        task = life()
        await store.create(task)
        outcomes: dict[str, object] = {}

        async def remove(task: Life = task, outcomes: dict[str, object] = outcomes) -> None:
            outcomes["removed"] = await store.remove(task, 0)

        async def claim(task: Life = task, outcomes: dict[str, object] = outcomes) -> None:
            outcomes["writer"] = await store.claim(task, 1, "n1")

        async with anyio.create_task_group() as tg:
            tg.start_soon(remove)
            tg.start_soon(claim)
        assert not (outcomes["removed"] and outcomes["writer"])
        claim_found = await store.newest_claim(task) if not outcomes["removed"] else None
        assert await store.remove(task, claim_found.epoch if claim_found else 0) != outcomes["removed"]
        assert await store.lives(TASK) == []


async def test_of_a_removal_and_a_new_life_at_once_the_new_life_is_whole(store: Store) -> None:
    """Whichever of the two came first."""
    for number in range(30):
        task = life(f"{number:032x}")
        await store.create(task)
        made: list[Life] = []

        async def create(task: Life = task, made: list[Life] = made) -> None:
            rerun, is_new = await store.create(life(task.task_id, number=2))
            assert is_new
            made.append(rerun)

        async with anyio.create_task_group() as tg:
            tg.start_soon(store.remove, task, 0)
            tg.start_soon(create)
        assert (await store.lives(task.task_id))[-1:] == made
        assert task.task_id in await store.open_tasks()
        assert await store.claim(made[0], 1, "n1") is not None


async def test_many_groups_written_while_read_arrive_whole(store: Store) -> None:
    """A reader that polls sees each record once, in order, while the owner changes twice."""
    task = life()
    await store.create(task)
    total = 600
    seen: list[int | None] = []

    async def follow() -> None:
        reader = store.reader(task)
        while len(seen) < total:
            seen.extend(seqs(await reader.read()))
            await anyio.lowlevel.checkpoint()
        await reader.close()

    with anyio.fail_after(20):
        async with anyio.create_task_group() as tg:
            tg.start_soon(follow)
            for epoch in (1, 2, 3):
                writer = await claimed(store, task, epoch, f"n{epoch}")
                for start in range((epoch - 1) * 200 + 1, epoch * 200 + 1, 20):
                    await writer.append(outputs(start, start + 19))
    assert seen == list(range(1, total + 1))


async def test_a_reader_knows_that_it_has_read_a_released_log_to_its_end(store: Store) -> None:
    """Until then, and once somebody has claimed the life since, it does not."""
    task, _ = await store.create(life())
    writer = await claimed(store, task)
    await writer.append(outputs(1, 3))
    reader = store.reader(task, 1)
    assert seqs(await reader.read()) == [2, 3]
    assert not reader.complete
    await writer.append([output(4), release()])
    assert seqs(await reader.read()) == [4]
    assert reader.complete
    short = store.reader(task)
    assert seqs(await short.read(durable_to=2)) == [1, 2]
    assert not short.complete
    assert seqs(await read_on(short)) == [3, 4]
    await (await claimed(store, task, 2)).append(outputs(5, 5))
    late = store.reader(task, 2)
    found: list[int | None] = []
    while batch := await late.read():
        found += seqs(batch)
        assert not late.complete
    assert found == [3, 4, 5]


async def test_seals_are_not_events(store: Store) -> None:
    """What a takeover leaves in the log has no seq."""
    task = life()
    await store.create(task)
    await (await claimed(store, task)).append([output(1)])
    await (await claimed(store, task, 2)).append([output(2)])
    records = await read_on(store.reader(task))
    assert [record.type for record in records if record.seq is not None] == [EventType.OUTPUT] * 2
    assert seqs(records) == [1, 2]


async def test_a_new_epoch_begins_with_who_owned_those_before(store: Store) -> None:
    """Also where an owner never wrote anything; what is sealed already is not sealed again."""
    task = life()
    await store.create(task)
    await (await claimed(store, task, 1, "n1")).append(outputs(1, 2))
    await claimed(store, task, 2, "n2")
    await (await claimed(store, task, 3, "n3")).append(outputs(3, 3))
    records = await read_on(store.reader(task))
    seals = [orjson.loads(record.data) for record in records if record.type == EventType.SEAL]
    assert [(seal["epoch"], seal["node"], seal["seq"]) for seal in seals] == [(1, "n1", 2), (2, "n2", 2)]
    assert seqs(records) == [1, 2, 3]


async def test_an_older_life_can_be_removed_alone(store: Store) -> None:
    """The current one keeps its number and its log."""
    first, second = life(), life(number=2)
    for each in (first, second):
        await store.create(each)
        await (await claimed(store, each)).append(outputs(1, each.number))
    for _ in range(2):
        await store.remove_life(first)
    assert await store.lives(TASK) == [second]
    assert seqs(await read_on(store.reader(second))) == [1, 2]
    third = life(number=3)
    assert await store.create(third) == (third, True)


async def test_a_packed_log_reads_as_before_and_can_be_gone_on_with(store: Store) -> None:
    """From any place, also by who was reading it as it was packed."""
    task = life()
    await store.create(task)
    writer = await claimed(store, task)
    for start in range(1, 12_000, 1000):
        await writer.append(outputs(start, start + 999))
    await writer.append([release()])
    reading = store.reader(task)
    begun = await reading.read()
    await store.pack(task, 1)
    assert seqs(begun + await read_on(reading)) == list(range(1, 12_001))
    for after in (0, 1, 5_999, 11_990, 12_000):
        assert seqs(await read_on(store.reader(task, after))) == list(range(after + 1, 12_001))
    claim = await store.newest_claim(task)
    assert claim is not None
    assert claim.released
    await (await claimed(store, task, 2)).append(outputs(12_001, 12_002))
    assert seqs(await read_on(store.reader(task, 11_998))) == [11_999, 12_000, 12_001, 12_002]


async def pieces(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


async def ended(store: Store) -> Life:
    """A life whose owner has released it."""
    task, _ = await store.create(life())
    await (await claimed(store, task)).append([*outputs(1, 3), release()])
    return task


async def kept(store: Store, task: Life) -> bytes | None:
    rendition = await store.rendition(task)
    if rendition is None:
        return None
    content = await rendition.read(0, rendition.size)
    await rendition.close()
    return content


async def test_a_rendition_is_kept_of_a_log_that_its_owner_has_released(store: Store) -> None:
    """The last one that was made; any part of it can be read."""
    task = await ended(store)
    assert await store.rendition(task) is None
    assert await store.keep_rendition(task, pieces(b"older"))
    assert await store.keep_rendition(task, pieces(b"012", b"3456789"))
    rendition = await store.rendition(task)
    assert rendition is not None
    assert rendition.size == 10
    assert [await rendition.read(2, 3), await rendition.read(8, 10)] == [b"234", b"89"]
    await rendition.close()
    await rendition.close()
    assert seqs(await read_on(store.reader(task))) == [1, 2, 3]


async def test_no_rendition_is_made_of_a_log_that_may_still_grow(store: Store) -> None:
    """Not a piece of it is asked for."""
    task, _ = await store.create(life())
    asked = pieces(b"never asked for")
    assert not await store.keep_rendition(task, asked)
    await (await claimed(store, task)).append(outputs(1, 3))
    assert not await store.keep_rendition(task, asked)
    assert await anext(asked) == b"never asked for"
    assert await store.rendition(task) is None


async def test_a_rendition_ends_when_its_log_is_gone_on_with(store: Store) -> None:
    """Also for who is just reading it, and after the next owner has released it."""
    task = await ended(store)
    await store.keep_rendition(task, pieces(b"of epoch 1"))
    rendition = await store.rendition(task)
    assert rendition is not None
    writer = await claimed(store, task, 2)
    assert await rendition.read(0, 2) is None
    await rendition.close()
    assert await store.rendition(task) is None
    await writer.append([*outputs(4, 5), release()])
    assert await store.rendition(task) is None
    assert await store.keep_rendition(task, pieces(b"of epoch 2"))
    assert await kept(store, task) == b"of epoch 2"


async def test_a_rendition_is_kept_whole_or_not_at_all(store: Store) -> None:
    """What can't be made, or is overtaken while it is made, leaves the older one or none."""

    async def broken() -> AsyncIterator[bytes]:
        yield b"half of it"
        raise LookupError

    async def overtaken() -> AsyncIterator[bytes]:
        yield b"half of it"
        await claimed(store, task, 2)
        yield b"the other half"

    task = await ended(store)
    await store.keep_rendition(task, pieces(b"whole"))
    with pytest.raises(LookupError):
        await store.keep_rendition(task, broken())
    assert await kept(store, task) == b"whole"
    assert not await store.keep_rendition(task, overtaken())
    assert await store.rendition(task) is None


async def test_a_rendition_goes_with_its_life(store: Store) -> None:
    """And who reads it finds that out; the next life has none."""
    task = await ended(store)
    await store.keep_rendition(task, pieces(b"of the first life"))
    rendition = await store.rendition(task)
    assert rendition is not None
    assert await store.remove(task, 1)
    assert await rendition.read(0, 2) is None
    await rendition.close()
    assert await store.rendition(task) is None
    assert await store.rendition(await ended(store)) is None


async def test_tidying_up_harms_nothing(store: Store) -> None:
    """However often."""
    task = life()
    await store.create(task)
    await (await claimed(store, task)).append(outputs(1, 2))
    await store.beat(Node("n1", 1, "", 0, 1, "0"))
    for _ in range(3):
        await store.tidy()
    assert seqs(await read_on(store.reader(task))) == [1, 2]
    assert [node.id for node in await store.nodes()] == ["n1"]


async def save(store: Store, task: Life, status: Status, seq: int) -> Headline:
    """As an owner saves it; returns what `changes` is to say of it."""
    state = TaskState(task, status=status, seq=seq)
    await store.save_snapshot(task, 0, state.snapshot(0, 0), durable=False, headline=state.headline(0))
    return state.headline(0)


async def test_what_became_of_tasks_is_told_once_to_each_cursor(store: Store) -> None:
    """Everything to who has none; then each task once, as it is, and what was removed."""
    task, _ = await store.create(life())
    first = await store.changes()
    assert (list(first.headlines), list(first.gone), first.anew) == ([Headline.of_life(task)], [], True)
    await save(store, task, Status.RUNNING, 2)
    paused = await save(store, task, Status.PAUSED, 4)
    second = await store.changes(first.cursor)
    assert (list(second.headlines), list(second.gone), second.anew) == ([paused], [], False)
    assert await store.remove(task, 0)
    third = await store.changes(second.cursor)
    assert (list(third.headlines), list(third.gone), third.anew) == ([], [TASK], False)
    last = await store.changes(third.cursor)
    assert (list(last.headlines), list(last.gone), last.anew) == ([], [], False)


async def test_what_a_writer_of_an_older_life_saves_is_not_told(store: Store) -> None:
    """It does not take the place of the newer one."""
    task, _ = await store.create(life())
    later, _ = await store.create(life(number=2))
    cursor = (await store.changes()).cursor
    await save(store, task, Status.COMPLETED, 9)
    assert list((await store.changes(cursor)).headlines) == []
    assert list((await store.changes()).headlines) == [Headline.of_life(later)]


async def test_headlines_of_all_tasks_are_there_when_they_are_made(store: Store) -> None:
    """However often it is asked for."""
    made = [(await store.create(life(f"{number:032x}")))[0] for number in range(3)]
    while not await store.make_headlines():
        pass
    assert await store.make_headlines()
    found = (await store.changes()).headlines
    assert {each.task_id for each in found} == {task.task_id for task in made}


async def test_many_heads_come_with_one_call(store: Store) -> None:
    """As `head` has each; a task without one is left out."""
    task, _ = await store.create(life())
    assert await store.heads([TASK]) == {}
    await save(store, task, Status.PAUSED, 4)
    assert await store.heads([TASK, "0" * 32]) == {TASK: await store.head(TASK)}


async def test_a_notice_is_there_until_it_is_dropped_and_the_last_kept_one_counts(store: Store) -> None:
    """One for each end and receiver, whoever keeps it and how often."""
    notice = Notice(f"{TASK}:abc123:7", "f00d", "n1", 5, '{"type":"task.completed"}')
    other = Notice(notice.id, "beef", "n1", 5, "{}")
    assert await store.notices() == []
    await store.keep_notice(notice)
    await store.keep_notice(other)
    taken_over = Notice(notice.id, "f00d", "n2", 5, notice.body)
    await store.keep_notice(taken_over)
    assert {each.key: each for each in await store.notices()} == {taken_over.key: taken_over, other.key: other}
    for _ in range(2):
        await store.drop_notice(notice)
    assert await store.notices() == [other]


WORDS = b"\xe5\xb0\x8f\xe8\xaf\xb4 and \x00 bytes\n}\n"
"""With the end of a file's head in it."""


async def sent(*pieces: bytes) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


async def put(store: Store, content: bytes = WORDS, scope: str = "ann", name: str = "小说.txt") -> Upload:
    return (await store.keep_upload(scope, name, "text/plain", sent(content)))[0]


async def test_an_upload_is_found_by_the_hash_of_its_content(store: Store) -> None:
    """With its name, its type and its size, whatever pieces it came in; also one of nothing."""
    kept, is_new = await store.keep_upload("ann", "小说.txt", "text/plain", sent(WORDS[:3], WORDS[3:]))
    assert is_new
    assert kept == Upload(hashlib.sha256(WORDS).hexdigest(), "小说.txt", "text/plain", len(WORDS), kept.put_at)
    assert await store.upload("ann", kept.id) == kept
    assert await store.upload_content("ann", kept.id) == WORDS
    nothing, _ = await store.keep_upload("ann", "empty", "text/plain", sent())
    assert nothing.size == 0
    assert await store.upload_content("ann", nothing.id) == b""


async def test_an_upload_is_its_senders_alone(store: Store) -> None:
    """Another user's of the same content is another one, under the same id."""
    kept = await put(store)
    assert await store.upload("bob", kept.id) is None
    assert await store.upload_content("bob", kept.id) is None
    bobs, is_new = await store.keep_upload("bob", "b.txt", "text/plain", sent(WORDS))
    assert (bobs.id, is_new) == (kept.id, True)
    assert (await store.upload("ann", kept.id)) == kept
    assert (await store.upload("bob", kept.id)) == bobs


async def test_an_upload_that_is_sent_again_counts_from_then_on(store: Store) -> None:
    """Under its new name; what was sent before that moment goes, and this one stays."""
    first = await put(store)
    while now_ms() <= first.put_at:
        await anyio.lowlevel.checkpoint()
    again, is_new = await store.keep_upload("ann", "other.txt", "text/markdown", sent(WORDS))
    assert not is_new
    assert await store.upload("ann", first.id) == again
    assert await store.drop_uploads(again.put_at) == 0
    assert await store.upload_content("ann", first.id) == WORDS


async def test_uploads_that_were_sent_before_a_moment_are_dropped(store: Store) -> None:
    """And only those."""
    kept = await put(store)
    assert await store.drop_uploads(kept.put_at) == 0
    assert await store.drop_uploads(kept.put_at + 1) == 1
    assert await store.upload("ann", kept.id) is None
    assert await store.upload_content("ann", kept.id) is None


async def test_an_upload_whose_sender_breaks_off_is_not_kept(store: Store) -> None:
    """And what was there before stays."""

    async def broken_off() -> AsyncIterator[bytes]:
        yield WORDS
        raise InvalidRequest

    with pytest.raises(InvalidRequest):
        await store.keep_upload("ann", "n", "text/plain", broken_off())
    assert await store.upload("ann", hashlib.sha256(WORDS).hexdigest()) is None
    kept = await put(store)
    with pytest.raises(InvalidRequest):
        await store.keep_upload("ann", "n", "text/plain", broken_off())
    assert await store.upload("ann", kept.id) == kept


async def test_of_many_that_send_the_same_at_once_all_find_it(store: Store) -> None:
    """Also while what is old is dropped, again and again."""
    ids: list[str] = []

    async def send() -> None:
        kept = await put(store)
        assert await store.upload_content("ann", kept.id) == WORDS
        ids.append(kept.id)

    async def drop() -> None:
        while len(ids) < 20:
            await store.drop_uploads(now_ms() - 60_000)
            await anyio.lowlevel.checkpoint()

    with anyio.fail_after(20):
        async with anyio.create_task_group() as tg:
            tg.start_soon(drop)
            for _ in range(20):
                tg.start_soon(send)
    assert set(ids) == {hashlib.sha256(WORDS).hexdigest()}


async def test_what_is_kept_of_a_user_is_there_version_by_version(store: Store) -> None:
    """Each user has their own, whatever characters their scope has."""
    assert await store.personal("local") == Personal(0, {})
    assert await store.keep_personal("local", Personal(1, {"read": {"to": 5}, "name": "张"}))
    assert await store.keep_personal("../么", Personal(1, {"a": 1}))
    assert await store.keep_personal("local", Personal(2, {"read": {"to": 6}}))
    assert await store.personal("local") == Personal(2, {"read": {"to": 6}})
    assert await store.personal("../么") == Personal(1, {"a": 1})
    assert await store.personal("other") == Personal(0, {})


async def test_exactly_one_of_many_keeps_a_version(store: Store) -> None:
    """The others have seen an older one, and change nothing."""
    for version in range(1, 40):
        answers: dict[int, bool] = {}

        async def keep(number: int, version: int = version, answers: dict[int, bool] = answers) -> None:
            answers[number] = await store.keep_personal("local", Personal(version, {"by": number}))

        async with anyio.create_task_group() as tg:
            for number in range(4):
                tg.start_soon(keep, number)
        assert sorted(answers.values()) == [False, False, False, True]
        winner = next(number for number, kept in answers.items() if kept)
        assert await store.personal("local") == Personal(version, {"by": winner})
    assert not await store.keep_personal("local", Personal(39, {}))
    assert not await store.keep_personal("local", Personal(41, {}))


async def test_a_place_with_bounds_says_how_much_room_there_is(store: Store) -> None:
    """Free bytes are some of all bytes."""
    room = await store.room()
    assert room is None or 0 < room.free_bytes <= room.total_bytes
