"""Files of texts become users, and what is wrong with a file is told by its line."""

import io
import zipfile

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.workflows.extract.reading import UnreadableUpload, users_in

LETTER = "下周三开会，记得带材料。"


def archive(files: dict[str, bytes]) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in files.items():
            made.writestr(name, content)
    return written.getvalue()


def read(data: bytes) -> dict[str, list[str]]:
    return {user.user_id: [text.text for text in user.texts] for user in users_in(data)}


def test_json_lines_hold_a_user_or_a_text_each() -> None:
    lines = [
        {"user_id": "a", "texts": [{"id": "1", "text": "one", "written_at": "2024-05-01"}]},
        {"user_id": "b", "text": "two", "text_id": "t"},
        {"user_id": "a", "text": "three", "written_at": ""},
    ]
    data = b"\n\n".join(map(orjson.dumps, lines))
    assert read(data) == {"a": ["one", "three"], "b": ["two"]}
    assert str(users_in(data)[0].texts[0].written_at) == "2024-05-01 00:00:00"


@pytest.mark.parametrize(
    "content",
    [
        '[{"user_id": "a", "text": "one"}, {"user_id": "b", "texts": [{"text": "two"}]}]',
        '{"users": [{"user_id": "a", "texts": [{"text": "one"}]}, {"user_id": "b", "text": "two"}]}',
        '\ufeff{"user_id": "a", "text": "one"}\r\n\r\n{"user_id": "b", "text": "two"}\r\n',
        '{"user_id": "a", "text": "one"}\r{"user_id": "b", "text": "two"}',
    ],
    ids=["a list", "a request", "a mark and lines of Windows", "old line ends"],
)
def test_json_is_read_whole_or_by_lines(content: str) -> None:
    assert read(content.encode()) == {"a": ["one"], "b": ["two"]}


def test_one_user_may_be_written_over_several_lines() -> None:
    assert read(b'{\n  "user_id": "a",\n  "text": "one"\n}\n') == {"a": ["one"]}


@pytest.mark.parametrize("separator", ["\u2028", "\u2029", "\x85", "\x0c"])
def test_a_line_of_json_ends_where_lines_do_and_not_within_a_text(separator: str) -> None:
    line = orjson.dumps({"user_id": "a", "text": f"one{separator}two"})
    assert read(line + b"\n" + line.replace(b'"a"', b'"b"')).keys() == {"a", "b"}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_a_table_is_read_in_the_encodings_and_marks_of_spreadsheets(encoding: str, mark: str) -> None:
    lines = [
        f"user_id{mark}text{mark}written_at",
        f'张三{mark}"下周三开会，别忘了{mark}\n带材料"{mark}2024-05-15',
        f"李四{mark}好的，知道了。{mark}",
    ]
    text = "\n".join(lines)
    assert read(text.encode(encoding)) == {"张三": [f"下周三开会，别忘了{mark}\n带材料"], "李四": ["好的，知道了。"]}


def test_an_archive_has_a_folder_or_a_file_for_each_user() -> None:
    files = {
        "ann/1.txt": LETTER.encode("gb18030"),
        "ann/2.TXT": b"two",
        "bob.txt": b"three",
        "notes.md": b"no",
        "__MACOSX/ann/._1.txt": b"no",
    }
    assert read(archive(files)) == {"ann": [LETTER, "two"], "bob": ["three"]}


@pytest.mark.parametrize(
    ("data", "path", "says"),
    [
        (b"", "upload line 1", "user_id"),
        (b"name,words\na,b\n", "upload line 1", "user_id, text"),
        (b'{"user_id": "a", "text": "x"}\n{"user_id": 7}\n', "line 2", "user_id"),
        (b'{"user_id": "a", "text": "x"}\nnot json\n', "upload line 2", "no JSON"),
        (b'{"user_id": "a", "text": "x", "written_at": "soon"}\n{}\n', "line 1", "written_at"),
        (b'[{"user_id": "a", "text": "x"}, 7]', "item 2", "User"),
        (b'{"users": 7}', "upload", "list"),
        (b"PK\x03\x04 broken", "upload", "no ZIP"),
        (archive({"a.md": b"x"}), "upload", "no users"),
        (archive({"a.txt": b"0" * 1_000_000}), "upload a.txt", "too large"),
        (bytes(range(256)) * 50, "upload", "text"),
    ],
    ids=[
        "nothing",
        "other columns",
        "no name",
        "no JSON",
        "no time",
        "no user",
        "no list",
        "no archive",
        "no texts",
        "a bomb",
        "no text",
    ],
)
def test_what_is_wrong_with_a_file_is_told(data: bytes, path: str, says: str) -> None:
    with pytest.raises(UnreadableUpload) as refused:
        users_in(data)
    assert refused.value.status == 422
    assert refused.value.errors[0].path == path
    assert says in refused.value.errors[0].message


@settings(deadline=None)
@given(st.binary(max_size=300) | st.binary(max_size=200).map(lambda tail: b"PK\x03\x04" + tail))
def test_whatever_is_sent_is_read_or_refused(data: bytes) -> None:
    try:
        found = users_in(data)
    except UnreadableUpload as refused:
        found, faults = (), refused.errors
    else:
        faults = ()
    assert bool(found) != bool(faults)
