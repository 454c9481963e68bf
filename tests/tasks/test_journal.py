"""The journal: what earlier attempts have finished, and what has to be taken back."""

import orjson
import pytest

from server.errors import JournalMismatch
from server.models import EventType, Record
from server.tasks.journal import Journal, Rollback, hash_inputs
from tests.making import output, step_record


def rollback(seq: int, part: str, to_seq: int) -> Record:
    return Record(seq, 1, EventType.ROLLBACK, orjson.dumps({"part": part, "to_seq": to_seq}))


def item(seq: int, key: str, step: str) -> Record:
    return Record(seq, 1, EventType.ITEM, orjson.dumps({"key": key, "outcome": "completed"}), step)


def test_a_finished_step_is_found_with_its_result() -> None:
    """And with its inputs' hash."""
    journal = Journal.of([output(1, step="a"), step_record("a", hash_inputs([1]), {"n": 1})])
    found = journal.find("a", hash_inputs([1]))
    assert found is not None
    assert found.result == {"n": 1}
    assert journal.find("b", "") is None
    assert journal.rollbacks == []


def test_other_inputs_are_never_silently_run_again() -> None:
    """The task fails with `journal_mismatch` instead."""
    journal = Journal.of([step_record("a", hash_inputs({"q": "old"}))])
    with pytest.raises(JournalMismatch, match="other inputs"):
        journal.find("a", hash_inputs({"q": "new"}))


def test_the_hash_of_inputs_knows_no_key_order() -> None:
    """As the fingerprint does not."""
    assert hash_inputs({"a": 1, "b": [2.0]}) == hash_inputs({"b": [2], "a": 1})


def test_output_of_an_unfinished_step_is_taken_back_to_the_last_finished_piece() -> None:
    """Per part; parts of finished steps stay."""
    records = [
        output(1, part="p", step="a"),
        step_record("a"),
        output(2, part="p", step="b"),
        output(3, part="q", step="b"),
        output(4, part="p", step="b"),
        output(5, part="r", step="c"),
        step_record("c"),
    ]
    assert Journal.of(records).rollbacks == [Rollback("p", 1), Rollback("q", 0)]


def test_what_was_taken_back_once_is_not_taken_back_again() -> None:
    """A second crash takes back only what was written since."""
    records = [output(1, step="a"), step_record("a"), output(2, step="b"), rollback(3, "p", 1)]
    assert Journal.of(records).rollbacks == []
    assert Journal.of([*records, output(4, step="b")]).rollbacks == [Rollback("p", 1)]
    assert Journal.of([*records, output(4, step="b"), step_record("b")]).rollbacks == []


def test_steps_that_a_pause_named_are_done_again_and_what_they_wrote_is_taken_back() -> None:
    """Once: what they recorded after it stands."""
    paused = {"status": "paused", "attempt": 1, "node": None, "reason": "batch_blocked", "again": ["b"]}
    records = [
        output(1, part="p", step="a"),
        step_record("a"),
        output(2, part="q", step="b"),
        step_record("b", result="failed"),
        Record(3, 0, EventType.STATUS, orjson.dumps(paused)),
    ]
    journal = Journal.of(records)
    assert set(journal.steps) == {"a"}
    assert journal.rollbacks == [Rollback("q", 0)]
    done = Journal.of([*records, rollback(4, "q", 0), output(5, part="q", step="b"), step_record("b", result="done")])
    assert done.steps["b"].result == "done"
    assert done.rollbacks == []


def test_only_items_of_finished_steps_count() -> None:
    """An unfinished step tells its items again."""
    journal = Journal.of([item(1, "i1", "a"), step_record("a"), item(2, "i2", "b")])
    assert journal.items == {"a": {"i1": "completed"}}
