"""A record's line: written, read back, and every damage to it noticed."""

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from server.models import Record
from server.stores import lines

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
RECORDS = st.builds(
    Record,
    seq=st.none() | st.integers(1, 10**12),
    at=st.integers(0, 10**14),
    type=st.sampled_from(["output", "status", "step"]),
    data=st.dictionaries(TEXTS, TEXTS | st.integers(-(2**53), 2**53), max_size=4).map(orjson.dumps),
    step=st.none() | TEXTS,
)


@given(RECORDS)
@example(Record(7, 0, "output", b'{"text":"50 %d %%"}', "50 %d %%"))
@example(Record(None, 0, "step", b"{}", "%b"))
def test_a_record_comes_back_as_it_was_written(record: Record) -> None:
    """On one line, whatever is in it."""
    line = lines.encode(record)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert lines.decode(line[:-1]) == record
    assert orjson.loads(line)["at"] == record.at


@given(RECORDS, st.data())
def test_every_flipped_byte_is_noticed(record: Record, data: st.DataObject) -> None:
    """The checksum covers all bytes before it; a change in itself does not match either."""
    line = bytearray(lines.encode(record)[:-1])
    place = data.draw(st.integers(0, len(line) - 1))
    line[place] ^= data.draw(st.integers(1, 255))
    with pytest.raises(lines.BadLine):
        lines.decode(bytes(line))


@given(st.lists(RECORDS, max_size=5), st.data())
def test_a_cut_log_gives_its_whole_records(records: list[Record], data: st.DataObject) -> None:
    """A torn tail is no damage."""
    content = b"".join(map(lines.encode, records))
    cut = data.draw(st.integers(0, len(content)))
    chunk = lines.scan(content[:cut])
    assert chunk.records == records[: len(chunk.records)]
    assert chunk.length <= cut
    assert not chunk.damaged
    assert content[: chunk.length].count(b"\n") == len(chunk.records)


def test_a_bad_line_before_a_good_one_is_damage() -> None:
    """It can't be a torn tail, so it is never skipped over."""
    good = [lines.encode(Record(seq, 1, "output", b"{}")) for seq in (1, 2, 3)]
    chunk = lines.scan(good[0] + b"x" + good[1] + good[2])
    assert [record.seq for record in chunk.records] == [1]
    assert chunk.damaged


def test_zeros_in_a_group_that_was_never_durable_are_a_torn_tail() -> None:
    """A power cut may keep the later pages of a write and lose the earlier ones."""
    good = [lines.encode(Record(seq, 1, "output", b"{}")) for seq in (1, 2, 3)]
    chunk = lines.scan(good[0] + bytes(20) + good[1] + good[2])
    assert (chunk.records, chunk.length, chunk.damaged) == ([lines.decode(good[0][:-1])], len(good[0]), False)


def test_zeros_in_a_group_that_was_durable_are_damage() -> None:
    """A later group says that it was."""
    group = [lines.encode(Record(seq, 1, "output", b"{}")) for seq in (1, 2)]
    later = lines.encode(Record(3, 1, "output", b"{}"), synced=True)
    chunk = lines.scan(group[0] + bytes(20) + group[1] + later)
    assert (len(chunk.records), chunk.damaged) == (1, True)


def test_each_record_of_a_chunk_has_its_end() -> None:
    """Whatever their groups."""
    first, second = (lines.encode(Record(seq, 1, "output", b"{}"), synced=seq > 1) for seq in (1, 2))
    assert lines.scan(first + second).ends == [len(first), len(first) + len(second)]
