"""Documents become the text that is read."""

from io import BytesIO

import docx
import pytest

from server.errors import WorkflowFailed
from server.sources.failures import Unreadable
from server.sources.sent import text_of
from server.workflows.rehearsal import RehearsalContext
from server.workflows.testcases.reading.reader import read
from tests.workflows.testcases.running import made_of


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


@pytest.mark.anyio
async def test_a_document_that_was_sent_is_read_and_its_text_is_kept() -> None:
    """Places are those of the text that is kept with the task."""
    sent = "用户名必填，长度6-20位。\n年龄18到60岁。".encode("gb18030")
    context = RehearsalContext(uploads={"a" * 64: sent})
    result, _ = await made_of(upload="a" * 64, context=context)
    text = context.artifacts["requirements.txt"].decode()
    assert result["language"] == "zh"
    assert {text[one["start"] : one["end"]] == one["quote"] for case in result["cases"] if (one := case["source"])} == {
        True
    }
    alike, _ = await made_of(text)
    assert result["cases"] == alike["cases"]


@pytest.mark.anyio
async def test_a_document_that_can_not_be_read_fails_the_task_with_the_reason() -> None:
    with pytest.raises(WorkflowFailed, match="can't be read"):
        await made_of(upload="a" * 64, context=RehearsalContext(uploads={"a" * 64: b"%PDF-1.7 broken"}))
