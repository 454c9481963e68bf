"""Documents become the text that is read."""

from io import BytesIO

import docx
import pytest

from server.sources.failures import Unreadable
from server.workflows.testcases.reading.reader import read
from server.workflows.testcases.uploads import text_of


def test_a_word_document_keeps_its_headings_and_paragraphs() -> None:
    document = docx.Document()
    document.add_heading("注册", 1)
    document.add_paragraph("用户名必填，长度6-20位。")
    written = BytesIO()
    document.save(written)
    text = text_of(written.getvalue())
    assert text == "# 注册\n用户名必填，长度6-20位。"
    assert [(one.module, one.subject) for one in read(text).findings] == [("注册", "用户名")] * 2


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_a_text_is_read_in_its_encoding(encoding: str) -> None:
    text = "# 注册\n用户名必填，长度为6到20个字符，只能包含字母和数字。\n密码不能为空，至少8位。\n"
    assert text_of(text.encode(encoding)).replace("\ufeff", "") == text.strip()


@pytest.mark.parametrize("content", [b"", b"  \n", b"PK\x03\x04broken", b"%PDF-1.7 broken"])
def test_what_can_not_be_read_is_refused(content: bytes) -> None:
    with pytest.raises(Unreadable):
        text_of(content)
