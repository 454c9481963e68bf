"""How the ownerships of a task ended, read out of its log."""

import orjson
import pytest

from server.models import EventType, Record, now_ms
from server.tasks.tenures import Tenure, deaths_in_a_row, tenures
from tests.making import output, release, step_record


def seal(epoch: int, node: str) -> Record:
    data = {"epoch": epoch, "bytes": 0, "seq": 0, "node": node}
    return Record(None, now_ms(), EventType.SEAL, orjson.dumps(data))


def test_each_ownership_is_told_by_the_seal_that_follows_it() -> None:
    """Also those of owners who never wrote anything."""
    log = [output(1), step_record("a"), release(), seal(1, "n1"), output(2), seal(2, "n2"), seal(3, "n3"), output(3)]
    assert tenures(log, "n4") == [
        Tenure("n1", released=True, progressed=True),
        Tenure("n2"),
        Tenure("n3"),
        Tenure("n4"),
    ]


def test_a_new_log_has_its_reader_as_its_only_owner() -> None:
    """Nobody was there before."""
    assert tenures([], "n1") == [Tenure("n1")]


DEAD = ["n1", "n2", "n3"]


@pytest.mark.parametrize(
    ("found", "deaths"),
    [
        ([Tenure(node) for node in DEAD], 3),
        ([Tenure("n1", progressed=True), Tenure("n2"), Tenure("n3")], 3),
        ([Tenure("n1"), Tenure("n2", progressed=True), Tenure("n3")], 2),
        ([Tenure("n1"), Tenure("n2"), Tenure("n3", released=True)], 0),
        ([Tenure("n1"), Tenure("n1"), Tenure("n1")], 1),
        ([Tenure("n1"), Tenure("n1"), Tenure("me")], 1),
        ([], 0),
    ],
)
def test_only_owners_that_died_without_getting_on_are_counted(found: list[Tenure], deaths: int) -> None:
    """A finished step or a release ends the count; an owner that takes its own task again has not died."""
    assert deaths_in_a_row([*found, Tenure("me")]) == deaths
