"""Ids, frames and where a reader goes on."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.models import Record
from server.streaming import sse
from server.streaming.resume import ResumePoint, resume_point


def test_an_event_is_one_id_one_event_and_one_line_of_data() -> None:
    """Ids sort as text."""
    frame = sse.frame("abc123", Record(7, 1, "output", b'{"part":"p","text":"x"}'))
    assert frame.sse == b'id: abc123-000000000007\nevent: output\ndata: {"part":"p","text":"x"}\n\n'
    assert sse.event_id("abc123", 9) < sse.event_id("abc123", 10)


def test_a_superseded_done_keeps_its_id_and_loses_its_name() -> None:
    """Clients close at `done`."""
    done = sse.frame("abc123", Record(7, 1, "done", b'{"status":"failed"}'))
    assert (
        sse.superseded("abc123", done).sse == b'id: abc123-000000000007\nevent: status\ndata: {"status":"failed"}\n\n'
    )


def test_the_ping_is_a_comment_without_a_blank_line() -> None:
    """After one, several clients dispatch an empty event."""
    assert sse.PING == b": ping\n"


@pytest.mark.parametrize(
    ("given", "point"),
    [
        (None, ResumePoint(0)),
        ("", ResumePoint(0)),
        ("abc123-000000000005", ResumePoint(5)),
        ("abc123-000000000000", ResumePoint(0)),
        ("abc123-000000000010", ResumePoint(10)),
        ("abc123-000000000011", ResumePoint(0, "id_from_the_future")),
        ("zzz999-000000000005", ResumePoint(0, "other_generation")),
        ("rubbish", ResumePoint(0, "unknown_id")),
        ("abc123-5", ResumePoint(0, "unknown_id")),
        ("abc123-000000000005\n", ResumePoint(0, "unknown_id")),
        ("abc123-00000000000५", ResumePoint(0, "unknown_id")),
    ],
)
def test_a_reader_goes_on_behind_what_it_has_seen_or_is_told_why_not(given: str | None, point: ResumePoint) -> None:
    """Old, future, foreign and rubbish ids."""
    assert resume_point(given, "abc123", 10) == point


def test_while_the_end_of_the_log_is_not_known_an_id_is_believed() -> None:
    """A new owner may have yet to say what counts of its predecessor's log."""
    assert resume_point("abc123-000000000011", "abc123", None) == ResumePoint(11)


@given(st.text())
def test_no_id_from_outside_can_do_harm(text: str) -> None:
    """Whatever it is, reading goes on somewhere in the log."""
    assert 0 <= resume_point(text, "abc123", 10).after <= 10
