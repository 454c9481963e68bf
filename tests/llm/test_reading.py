"""What the pieces of a stream are made of: the same whatever way it is cut."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.llm.base import Finish
from server.llm.failures import ModelGarbled
from server.llm.reading import ErrorInStream, ReplyReader
from server.llm.sse import MOST_BYTES, EventTooLong, SseReader
from server.llm.thinking import ThinkSplitter

FRAGMENTS = st.sampled_from(
    [
        "<think>",
        "</think>",
        "<thinking>",
        "</thinking>",
        "<",
        "</",
        "think",
        ">",
        "\n",
        " ",
        "水垢",
        "a",
        "\u2028",
        "\x85",
    ]
)
CONTENT = st.lists(FRAGMENTS, max_size=12).map("".join)
ENDS = st.sampled_from(["\n", "\r", "\r\n"])


def cut(data: st.DataObject, text: str | bytes) -> list[str | bytes]:
    places = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=8)))
    return [text[start:end] for start, end in zip([0, *places], [*places, len(text)], strict=True)]


def split(pieces: list[str]) -> tuple[str, str]:
    splitter = ThinkSplitter()
    found = [found for piece in pieces for found in splitter.feed(piece)]
    found += splitter.close()
    content, reasoning = (
        "".join(each.text for each in found if each.kind == kind) for kind in ("content", "reasoning")
    )
    return content, reasoning


@given(st.data(), CONTENT)
def test_thinking_is_told_apart_however_the_text_is_cut(data: st.DataObject, text: str) -> None:
    """Any way of cutting gives what the whole text gives."""
    assert split(cut(data, text)) == split([text])  # type: ignore[arg-type]  # texts cut give texts


@given(CONTENT)
def test_nothing_but_tags_and_white_space_is_lost(text: str) -> None:
    content, reasoning = split([text])
    kept = "".join((reasoning + content).split())
    plain = "".join(text.split())
    for tag in ("<think>", "</think>", "<thinking>", "</thinking>"):
        kept, plain = kept.replace(tag, ""), plain.replace(tag, "")
    assert sorted(kept) == sorted(plain)


@pytest.mark.parametrize(
    ("text", "content", "reasoning"),
    [
        ("<think>why</think>\n\nbecause", "because", "why"),
        ("\n <think>\nwhy\n</think>because", "because", "why\n"),
        ("<thinking>a </think> b</thinking>c", "c", "a </think> b"),
        ("The tag <think>is</think> mine", "The tag <think>is</think> mine", ""),
        ("<think>never ends", "", "never ends"),
        ("<thi", "<thi", ""),
        ("<think></think>", "", ""),
        ("  plain", "  plain", ""),
    ],
)
def test_only_a_tag_at_the_beginning_is_thinking(text: str, content: str, reasoning: str) -> None:
    assert split([text]) == (content, reasoning)
    assert split(list(text)) == (content, reasoning)


@given(st.data(), st.lists(CONTENT, max_size=5), ENDS)
def test_events_are_read_however_the_bytes_are_cut(data: st.DataObject, texts: list[str], end: str) -> None:
    """With each of the three line ends, with comments between, and with characters that only look like line ends."""
    sent = [json.dumps(text, ensure_ascii=False).encode() for text in texts]
    stream = b"".join(
        b": ping" + end.encode() + b"event: x" + end.encode() + b"data: " + each + end.encode() * 2 for each in sent
    )
    reader = SseReader()
    found = [event for chunk in cut(data, stream) for event in reader.feed(chunk)]  # type: ignore[arg-type]
    found += reader.close()
    assert found == sent


def test_an_event_without_its_blank_line_is_still_read() -> None:
    reader = SseReader()
    assert list(reader.feed(b"data: a\n\ndata:b\ndata: c")) == [b"a"]
    assert list(reader.close()) == [b"b\nc"]


def test_an_event_without_end_is_given_up() -> None:
    reader = SseReader()
    assert list(reader.feed(b"x" * MOST_BYTES)) == []
    with pytest.raises(EventTooLong):
        list(reader.feed(b"x"))


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(
                st.sampled_from(
                    ["choices", "delta", "message", "content", "reasoning", "usage", "error", "model", "finish_reason"]
                ),
                inner,
            )
        ),
    )
)
def test_no_chunk_is_stranger_than_the_reader_can_bear(chunk: object) -> None:
    """Whatever JSON an endpoint sends, it is read, or refused in the open."""
    reader = ReplyReader()
    try:
        list(reader.take(json.dumps(chunk).encode()))
        list(reader.take(json.dumps({"choices": [chunk], "usage": chunk}).encode()))
    except (ModelGarbled, ErrorInStream):
        return
    list(reader.close())
    assert isinstance(reader.text, str)


def test_content_in_parts_and_an_unknown_reason_are_understood() -> None:
    reader = ReplyReader()
    chunk = {
        "choices": [{"delta": {"content": [{"type": "text", "text": "ab"}, {"type": "x"}]}, "finish_reason": "eos"}]
    }
    pieces = [*reader.take(json.dumps(chunk).encode()), *reader.close()]
    assert "".join(piece.text for piece in pieces) == "ab"
    assert reader.finish is Finish.STOP
