"""What makes a transcript or a log faulty: functions of data alone, so that they can be tried on faulty data."""

import itertools
import json
import re
import zlib
from collections import Counter
from collections.abc import Sequence
from typing import Any

from server.command.sse_parser import Event

EVENT_ID = re.compile(r"([a-z0-9]{6})-(\d{12})")
INDEX = re.compile(r"\d{6}")


class Failed(Exception):
    """What was found to be wrong."""


def sequence_faults(events: Sequence[Event]) -> list[str]:
    """Gaps, duplicates and a missing end, by the ids of one task's events."""
    faults, expected, generations = [], 1, set()
    for event in events:
        if event.id is None:
            continue
        match = EVENT_ID.fullmatch(event.id)
        if match is None:
            faults.append(f"{event.id!r} is no event id")
            continue
        generations.add(match[1])
        seq = int(match[2])
        if seq > expected:
            faults.append(f"gap: after {expected - 1} came {seq}")
        elif seq < expected:
            faults.append(f"duplicate: {seq} came again")
        expected = seq + 1
    if len(generations) > 1:
        faults.append(f"events of several lives: {', '.join(sorted(generations))}")
    if not events or events[-1].type != "done":
        faults.append("it does not end with `done`")
    return faults


def differences(expected: Sequence[Event], got: Sequence[Event]) -> list[str]:
    """Where two readers did not see the same, byte for byte."""
    pairs = itertools.zip_longest(numbered(expected), numbered(got))
    different = [(one, other) for one, other in pairs if one != other]
    return (
        [f"{len(different)} events differ; the first: {different[0][0]} against {different[0][1]}"] if different else []
    )


def text_faults(events: Sequence[Event], count: int) -> list[str]:
    """Whether the demo's text, with what was rolled back left out, has each piece once and in order."""
    pieces: list[tuple[int, str, int]] = []
    for event in numbered(events):
        data = event.json()
        seq = int((event.id or "").rpartition("-")[2])
        if event.type == "rollback":
            pieces = [piece for piece in pieces if piece[1] != data["part"] or piece[0] <= data["to_seq"]]
        elif event.type == "output" and (index := INDEX.match(data["text"])):
            pieces.append((seq, data["part"], int(index[0])))
    indices = [index for _, _, index in pieces]
    first = min(indices, default=0)
    if indices == list(range(first, first + count)):
        return []
    doubled = [index for index, times in Counter(indices).items() if times > 1]
    missing = sorted(set(range(first, first + count)) - set(indices))
    return [f"the text has {len(indices)} of {count} pieces; twice: {doubled[:5]}, missing: {missing[:5]}"]


def log_faults(segments: Sequence[bytes]) -> list[str]:
    """Whether every record is whole and undamaged, the events are numbered without gaps, and no step ran twice."""
    faults, expected, steps = [], 1, Counter[str]()
    for line in b"".join(segments).splitlines():
        try:
            record = json.loads(line)
            body, _, crc = line.rpartition(b',"crc":')
            if zlib.crc32(body) != int(crc.rstrip(b"}")):
                faults.append(f"checksum: {line[:60]!r}")
        except ValueError:
            faults.append(f"no record: {line[:60]!r}")
            continue
        if record["type"] == "step":
            steps[record["data"]["key"]] += 1
        if "seq" in record:
            if record["seq"] != expected:
                faults.append(f"the log goes from {expected - 1} to {record['seq']}")
            expected = record["seq"] + 1
    faults += [f"step {key!r} was recorded {times} times" for key, times in steps.items() if times > 1]
    return faults


def numbered(events: Sequence[Event]) -> list[Event]:
    return [event for event in events if event.id is not None]


def demand(faults: Sequence[str]) -> None:
    if faults:
        raise Failed("; ".join(faults[:3]))


def prove() -> int:
    """Feed the checks transcripts and logs with one fault each; every fault must be reported."""

    def event(seq: int, kind: str, data: dict[str, Any]) -> Event:
        return Event(kind, json.dumps(data), f"abc123-{seq:012d}")

    def line(**record: Any) -> bytes:
        body = json.dumps(record, separators=(",", ":"))[:-1].encode()
        return b'%b,"crc":%d}\n' % (body, zlib.crc32(body))

    good = [Event("task", "{}"), *(event(n, "output", {"part": "p", "text": f"{n:06d} x"}) for n in range(1, 9))]
    good += [event(9, "done", {"status": "completed"})]
    log = [line(seq=n, at=0, type="output", data={}) for n in range(1, 4)]
    log.append(line(at=0, type="step", data={"key": "s1"}))
    if sequence_faults(good) + differences(good, good) + text_faults(good, 8) + log_faults(log):
        print("✗ a faultless transcript is reported as faulty")
        return 1
    back = event(9, "rollback", {"part": "p", "to_seq": 6})
    rolled = [*good[:-1], back, *(event(n + 3, "output", {"part": "p", "text": f"{n:06d} x"}) for n in (7, 8))]
    cases = {
        "an event is missing": sequence_faults([*good[:4], *good[5:]]),
        "an event comes twice": sequence_faults([*good[:5], good[4], *good[5:]]),
        "two events change places": sequence_faults([*good[:4], good[5], good[4], *good[6:]]),
        "an event of another life": sequence_faults(
            [*good[:4], Event("output", "{}", "zzz999-000000000004"), *good[5:]]
        ),
        "an id that is none": sequence_faults([*good[:4], Event("output", "{}", "4"), *good[5:]]),
        "the end is missing": sequence_faults(good[:-1]),
        "nothing came at all": sequence_faults([]),
        "one byte differs": differences(good, [*good[:4], Event("output", good[4].data + " ", good[4].id), *good[5:]]),
        "a reader got less": differences(good, good[:-1]),
        "a piece of text is missing": text_faults([*good[:4], *good[5:]], 8),
        "text that was not taken back is written again": text_faults([e for e in rolled if e.type != "rollback"], 8),
        "too much is taken back": text_faults(
            [*rolled[:9], event(9, "rollback", {"part": "p", "to_seq": 2}), *rolled[10:]], 8
        ),
        "a flipped bit in the log": log_faults([log[0].replace(b'"at":0', b'"at":1'), *log[1:]]),
        "a record is missing in the log": log_faults([log[0], *log[2:]]),
        "half a record in the log": log_faults([log[0], log[1][:20] + b"\n", *log[2:]]),
        "a step that ran twice": log_faults([*log, log[-1]]),
    }
    for name, faults in cases.items():
        print(f"{'✓' if faults else '✗'} {name:<48}{faults[0] if faults else 'was not noticed'}")
    missed = sum(not faults for faults in cases.values())
    missed += bool(text_faults(rolled, 8))
    print(f"\n{len(cases) - missed} of {len(cases)} faults were noticed.")
    return 1 if missed else 0
