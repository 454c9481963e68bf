"""What must hold of a task's log when all is over, against what everybody has seen of it."""

from collections import Counter
from itertools import zip_longest

import orjson

from server.errors import HoldfastError
from server.models import EventType, Life, Record, Status
from server.stores.base import Store, numbered
from server.tasks.ownership import read_all
from server.tasks.state import TaskState
from tests.campaigns.ledger import Ledger, Loss
from tests.campaigns.simulation.witness import Seen


async def check_life(ledger: Ledger, store: Store, life: Life, seen: Seen, *, is_latest: bool) -> None:
    """One life: all that was seen of it stands in its log, in order, and the log adds up."""
    where = f"life {life.number} ({life.generation}) of {life.task_id[:8]}"
    try:
        records = await read_all(store, life)
    except HoldfastError as error:
        ledger.lose(Loss.ERROR, f"{where} can't be read: {error.detail}")
        return
    events = numbered(records)
    seqs = [record.seq for record in events]
    if seqs != list(range(1, len(seqs) + 1)):
        ledger.lose(Loss.GAP, f"{where}: the log has events {seqs}")
    by_seq = {record.seq: record for record in events}
    for seq, (kind, data) in seen.events.items():
        record = by_seq.get(seq)
        if record is None or record.data != data:
            ledger.lose(Loss.UNEQUAL, f"{where}: event {seq} was {kind} {data[:120]!r}, the log has {record}")
            break
    _check_steps(ledger, where, records, seen)
    _check_owners(ledger, where, records, await store.newest_claim(life))
    _check_end(ledger, where, life, events, is_latest=is_latest)


def _check_steps(ledger: Ledger, where: str, records: list[Record], seen: Seen) -> None:
    steps = [orjson.loads(record.data) for record in records if record.type == EventType.STEP]
    often = {key: count for key, count in Counter(step["key"] for step in steps).items() if count > 1}
    if often:
        ledger.lose(Loss.STEP, f"{where}: recorded more than once: {often}")
    recorded = {step["key"] for step in steps}
    if lost := seen.steps.keys() - recorded:
        ledger.lose(Loss.STEP, f"{where}: steps {sorted(lost)} were finished and are not in the log")


def _check_owners(ledger: Ledger, where: str, records: list[Record], claim: object) -> None:
    """Whoever says that it runs the task is whom the seal after it names."""
    running: list[str] = []
    in_seals = False
    for record in records:
        if record.type == EventType.SEAL:
            owner = orjson.loads(record.data)["node"]
            if not in_seals and any(node != owner for node in running):
                ledger.lose(Loss.OWNER, f"{where}: {running} ran what was sealed as {owner}'s")
            running = []
        elif record.type == EventType.STATUS:
            data = orjson.loads(record.data)
            if data["status"] == Status.RUNNING:
                running.append(data["node"])
        in_seals = record.type == EventType.SEAL
    owner = getattr(claim, "node", None)
    if any(node != owner for node in running):
        ledger.lose(Loss.OWNER, f"{where}: {running} ran what {owner} had claimed")


def _check_end(ledger: Ledger, where: str, life: Life, events: list[Record], *, is_latest: bool) -> None:
    """One `done` for each terminal status, the last event is one, and the report is that of the recorded steps."""
    for record, following in zip_longest(events, events[1:]):
        if record.type == EventType.DONE and following is not None and following.type != EventType.STATUS:
            ledger.lose(Loss.END, f"{where}: event {record.seq} is `done`, and {following.type} follows it")
    state = TaskState(life)
    state.apply_all(events)
    if state.ended is None:
        which = "" if is_latest else "older "
        ledger.lose(Loss.END, f"{which}{where}: the last event is no `done` but {events[-1] if events else None}")
        return
    if is_latest and state.status is not Status.COMPLETED:
        ledger.lose(Loss.END, f"{where}: it is {state.status}")
    if state.status is Status.COMPLETED:
        for key, execution in state.result.items():
            text = "".join(text for _, text in state.parts.get(f"part {key}", []))
            pieces = text.count("<")
            if text != "".join(f"<{key} {execution} {piece}>" for piece in range(pieces)):
                ledger.lose(Loss.REPORT, f"{where}: execution {execution} of {key} has left {text!r}")


async def check_snapshot(ledger: Ledger, store: Store, life: Life) -> None:
    """What a person's `cat` shows is what the log adds up to."""
    state = TaskState(life)
    state.apply_all(await read_all(store, life))
    snapshot = await store.snapshot(life.task_id)
    if snapshot is None:
        ledger.lose(Loss.UNEQUAL, f"there is no snapshot of {life.task_id[:8]}")
        return
    shown = {key: snapshot[key] for key in ("generation", "seq", "status")}
    if shown != {"generation": life.generation, "seq": state.seq, "status": state.status}:
        ledger.lose(Loss.UNEQUAL, f"the snapshot shows {shown}, the log ends with {state.status} at {state.seq}")
