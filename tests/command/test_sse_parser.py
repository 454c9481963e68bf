"""The parser of event streams: what the HTML standard says, however the bytes are cut."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.command.sse_parser import Event, SseParser

LINE_ENDS = ("\n", "\r", "\r\n")
WORDS = st.text(alphabet=st.sampled_from("ab:, 0\0é中😀\ufeff\u2028\x0b\x85"), max_size=6)
FIELDS = st.sampled_from(["data", "event", "id", "retry", "", "other", "datax", " data"])
LINES = st.one_of(
    st.builds(lambda name, value: f"{name}:{value}", FIELDS, WORDS),
    st.builds(lambda name, value: f"{name}: {value}", FIELDS, WORDS),
    FIELDS,
    st.just(""),
)


@st.composite
def streams(draw: st.DrawFn) -> bytes:
    lines = draw(st.lists(st.tuples(LINES, st.sampled_from(LINE_ENDS)), max_size=20))
    start = draw(st.sampled_from([b"", b"\xef\xbb\xbf"]))
    broken = draw(st.sampled_from([b"", b"data: \xff\xe4\xb8\n\n", b"\xc3"]))
    return start + "".join(line + end for line, end in lines).encode() + broken


def parsed(*chunks: bytes) -> list[Event]:
    parser = SseParser()
    return [event for chunk in chunks for event in parser.feed(chunk)]


@given(streams(), st.lists(st.integers(0, 200), max_size=12))
def test_any_chunking_gives_the_same_events(stream: bytes, cuts: list[int]) -> None:
    """However the network cuts the bytes, the events, the last id and the retry time come out the same."""
    at_once, in_pieces = SseParser(), SseParser()
    expected = at_once.feed(stream)
    ends = [*sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    got = [e for start, end in zip([0, *ends], ends, strict=False) for e in in_pieces.feed(stream[start:end])]
    assert got == expected
    assert in_pieces.last_event_id == at_once.last_event_id
    assert in_pieces.retry_ms == at_once.retry_ms


@given(streams())
def test_byte_by_byte_gives_the_same_events(stream: bytes) -> None:
    """The worst chunking there is: each byte on its own."""
    assert parsed(*(stream[i : i + 1] for i in range(len(stream)))) == parsed(stream)


@given(st.lists(st.tuples(WORDS, WORDS), max_size=6), st.sampled_from(LINE_ENDS))
def test_what_is_written_is_what_is_read(events: list[tuple[str, str]], end: str) -> None:
    """Events written as the standard says come back as they were."""
    clean = [(kind.replace("\0", "").strip() or "x", data) for kind, data in events]
    stream = "".join(f"event: {kind}{end}data: {data}{end}{end}" for kind, data in clean).encode()
    assert parsed(stream) == [Event(kind, data) for kind, data in clean]


@pytest.mark.parametrize(
    ("stream", "expected"),
    [
        (b"data: a\n\n", [Event("message", "a")]),
        (b"data:a\r\rdata: b\r\n\r\n", [Event("message", "a"), Event("message", "b")]),
        (b"\xef\xbb\xbfdata: a\n\n", [Event("message", "a")]),
        (b"data: one\ndata: two\ndata\n\n", [Event("message", "one\ntwo\n")]),
        (b"data\n\n", [Event("message", "")]),
        (b"data:  two spaces\n\n", [Event("message", " two spaces")]),
        (b": a comment\n\n: another\n\n", []),
        (b"event: x\n\ndata: a\n\n", [Event("message", "a")]),
        (b"id: 7\nevent: x\ndata: a\n\ndata: b\n\n", [Event("x", "a", "7"), Event("message", "b")]),
        (b"id: 7\0\ndata: a\n\n", [Event("message", "a")]),
        (b"id\ndata: a\n\n", [Event("message", "a", "")]),
        (b"data: \xe4\xb8\xad\n\n", [Event("message", "中")]),
        (b"data: \xff\n\n", [Event("message", "\ufffd")]),
        ("data: a\u2028b\x85c\x0bd\n\n".encode(), [Event("message", "a\u2028b\x85c\x0bd")]),
        (b"data: unfinished\n", []),
        (b"data: unfinished", []),
    ],
)
def test_streams_of_the_standard(stream: bytes, expected: list[Event]) -> None:
    """Cases taken from section 9.2.6 and from what servers really send."""
    assert parsed(stream) == expected


def test_a_cr_ends_its_line_without_waiting_for_the_next_chunk() -> None:
    """With CR line ends the event is there as soon as its last byte is, and a late LF makes no second blank line."""
    parser = SseParser()
    assert parser.feed(b"data: a\r\r") == [Event("message", "a")]
    assert parser.feed(b"\ndata: b\r\n\r") == [Event("message", "b")]
    assert parser.feed(b"\n") == []


def test_the_last_id_is_that_of_a_whole_event() -> None:
    """An id whose event did not arrive whole is not one to resume after."""
    parser = SseParser()
    parser.feed(b"id: 1\ndata: a\n\nid: 2\ndata: b\n")
    assert parser.last_event_id == "1"
    parser.feed(b"\n")
    assert parser.last_event_id == "2"


def test_an_event_without_an_id_leaves_the_last_id_alone() -> None:
    """The synthesised `task` event of a new connection does not make the client forget where it was."""
    parser = SseParser("gen-000000000007")
    assert parser.feed(b"retry: 2000\nevent: task\ndata: {}\n\n") == [Event("task", "{}")]
    assert parser.last_event_id == "gen-000000000007"


@pytest.mark.parametrize("value", [b"2000ms", b"-1", b"+5", b"1.5", b"", "２".encode(), b"9" * 5000])
def test_a_retry_that_is_no_sane_number_is_ignored(value: bytes) -> None:
    """Only plain digits count, and no flood of them is turned into a number."""
    parser = SseParser()
    parser.feed(b"retry: 2000\nretry: " + value + b"\n\n")
    assert parser.retry_ms == 2000


def test_a_long_line_in_small_chunks_takes_linear_time() -> None:
    """A megabyte of data, fed in a hundred thousand pieces, is read at once."""
    parser = SseParser()
    for _ in range(100_000):
        assert parser.feed(b"0123456789") == []
    assert parser.feed(b"\n\n") == []
    assert len(parsed(b"data: " + b"x" * 1_000_000, b"\n\n")[0].data) == 1_000_000
