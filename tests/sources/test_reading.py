"""Bytes of every kind → documents, or a reason."""

from io import BytesIO
from itertools import pairwise

import docx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pypdf import PdfWriter

from server.sources.documents import Document, Kind, passages
from server.sources.encoding import decode
from server.sources.extract import READABLE_TYPES, extract
from server.sources.failures import SourceFailed, Unreadable
from server.sources.plain import read_markdown, read_text
from server.sources.sentences import sentences
from tests.making import pdf

CHINESE = "软件包管理系统会记录每一个已安装的文件，并在升级时保留您的设置。" * 3
TRADITIONAL = "套件管理系統會記錄每一個已安裝的檔案，並在升級時保留您的設定。" * 3


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (CHINESE.encode(), CHINESE),
        (CHINESE.encode("utf-8-sig"), CHINESE),
        (CHINESE.encode("utf-16"), CHINESE),
        (CHINESE.encode("gb18030"), CHINESE),
        (TRADITIONAL.encode("big5"), TRADITIONAL),
        ("naïve café, 50 €".encode("cp1252"), "naïve café, 50 €"),
        (b"plain", "plain"),
    ],
)
def test_encodings_are_told_apart(data: bytes, expected: str) -> None:
    """Without any hint, by the bytes alone."""
    assert decode(data) == expected


def test_a_declared_encoding_goes_before_guessing() -> None:
    """What an HTML head says, if the bytes agree with it."""
    assert "€" in decode(b'<meta charset="windows-1252"><p>\x80</p>')


def test_what_no_page_could_carry_is_replaced() -> None:
    """NUL and other controls become U+FFFD; lone surrogates can't come in through any decoder."""
    assert decode(b"a\x00b" + b"c" * 100) == "a\ufffdb" + "c" * 100


@pytest.mark.parametrize("data", [bytes(range(256)) * 20, b"\x89PNG\r\n\x1a\n" + bytes(5000)])
def test_what_is_no_text_is_unreadable(data: bytes) -> None:
    """A picture under the name of a text file."""
    with pytest.raises(Unreadable) as caught:
        extract(data, "text/plain")
    assert caught.value.code == "binary"


@given(st.binary(max_size=400), st.sampled_from(sorted(READABLE_TYPES)))
def test_any_bytes_give_a_document_or_a_reason(data: bytes, media_type: str) -> None:
    """Never another exception."""
    failed: SourceFailed | None = None
    document: Document | None = None
    try:
        document = extract(data, media_type)
    except SourceFailed as error:
        failed = error
    assert document is None or document.text.encode()
    assert failed is None or failed.message.endswith(".")


MARKDOWN = """---
title: The title
date: 2024-02-03
---
# Top

A paragraph with `code` and
a second line.

- an item
  that goes on
- [a link](http://example.org/)

## Part *two*

| left | right |
|------|-------|
| cell one | cell two |

```sh
# no heading
```

> quoted text
"""


def test_markdown_keeps_what_stands_in_the_file() -> None:
    """Block marks go, inline marks stay, so that a sentence is found again in the file."""
    document = read_markdown(MARKDOWN)
    assert (document.title, document.date) == ("The title", "2024-02-03")
    assert [(block.kind.value, block.text, block.headings) for block in document.blocks] == [
        ("heading", "Top", ()),
        ("prose", "A paragraph with `code` and a second line.", ("Top",)),
        ("prose", "an item that goes on", ("Top",)),
        ("prose", "[a link](http://example.org/)", ("Top",)),
        ("heading", "Part *two*", ("Top",)),
        ("code", "left", ("Top", "Part *two*")),
        ("code", "right", ("Top", "Part *two*")),
        ("code", "cell one", ("Top", "Part *two*")),
        ("code", "cell two", ("Top", "Part *two*")),
        ("code", "# no heading", ("Top", "Part *two*")),
        ("prose", "quoted text", ("Top", "Part *two*")),
    ]


def test_text_is_cut_at_empty_lines() -> None:
    """A short first line is the title."""
    document = read_text("A title\n\nFirst paragraph,\nsecond line.\n\n\nSecond.")
    assert document.title == "A title"
    assert [block.text for block in document.blocks] == ["A title", "First paragraph, second line.", "Second."]


def test_word_documents_are_read() -> None:
    """Headings, paragraphs and the cells of tables."""
    made = docx.Document()
    made.add_heading("A heading", 1)
    made.add_paragraph("A paragraph of the document.")
    made.add_table(1, 2).rows[0].cells[1].text = "In a cell."
    out = BytesIO()
    made.save(out)
    document = extract(out.getvalue(), "application/vnd.openxmlformats-officedocument.wordprocessingml.document")
    assert document.title == "A heading"
    assert [(block.text, block.headings) for block in document.blocks[1:]] == [
        ("A paragraph of the document.", ("A heading",)),
        ("In a cell.", ("A heading",)),
    ]


def test_pdfs_are_read() -> None:
    """One paragraph, as it stands there."""
    assert extract(pdf("A sentence in a PDF."), "application/pdf").text == "A sentence in a PDF."


def test_pdfs_without_text_or_with_a_password_say_so() -> None:
    """Scanned images, and files that only their owner can open."""
    empty, locked = PdfWriter(), PdfWriter()
    for writer in (empty, locked):
        writer.add_blank_page(100, 100)
    locked.encrypt("secret", algorithm="RC4-128")
    for writer, code in ((empty, "empty"), (locked, "encrypted")):
        out = BytesIO()
        writer.write(out)
        with pytest.raises(Unreadable) as caught:
            extract(out.getvalue(), "application/pdf")
        assert caught.value.code == code


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One. Two! Three?", ["One.", "Two!", "Three?"]),
        ("See e.g. the docs. Then go.", ["See e.g. the docs.", "Then go."]),
        ("Use 3.11.2 or os.path here. Fine.", ["Use 3.11.2 or os.path here.", "Fine."]),
        ("第一句。第二句！“第三句？”第四句", ["第一句。", "第二句！", "“第三句？”", "第四句"]),
        ('He said "no." Then he left.', ['He said "no."', "Then he left."]),
        ("Mr. A. Smith came. J. Doe left.", ["Mr. A. Smith came.", "J. Doe left."]),
    ],
)
def test_sentences_are_cut_where_they_end(text: str, expected: list[str]) -> None:
    """In both languages; abbreviations, versions and names with dots don't end one."""
    assert [text[start:end] for start, end in sentences(text)] == expected


@given(st.text(max_size=200))
def test_sentences_lose_nothing_but_spaces(text: str) -> None:
    """Each is a slice, in order, and together they are the text."""
    spans = list(sentences(text))
    assert all(a[1] <= b[0] for a, b in pairwise(spans))
    assert "".join("".join(text[start:end].split()) for start, end in spans) == "".join(text.split())


@given(st.lists(st.tuples(st.sampled_from(Kind), st.text(alphabet="ab 中.", min_size=1, max_size=300)), max_size=12))
def test_passages_know_where_they_stand(made: list[tuple[Kind, str]]) -> None:
    """Every offset points at its block in the document's text."""
    from server.sources.documents import Block

    document = Document("t", tuple(Block(kind, text) for kind, text in made))
    for passage in passages(document):
        for start, text in zip(passage.starts, passage.texts, strict=True):
            assert document.text[start : start + len(text)] == text
    assert Document.from_json(document.to_json()) == document
