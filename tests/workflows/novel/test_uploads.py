"""A manuscript that was sent as a file becomes chapters of its novel."""

from io import BytesIO
from typing import Any

import docx
import httpx2
import pytest
from anyio import fail_after

from server.errors import InvalidParameters, RevisionConflict, UploadNotFound, WorkflowFailed
from server.workflows.novel.params import LONGEST_MANUSCRIPT
from server.workflows.rehearsal import Killed, RehearsalContext
from tests.serving import serving, settings
from tests.workflows.novel.long import ask, done
from tests.workflows.novel.running import Shelf

SENT = "a" * 64
FRAME = {"title": "雾港来信", "chapters": 3}
TEXT = "第一章 雨夜\n雨下了一夜，林晓雨没有睡，她听着窗外的声音。\n第二章 来信\n信在门缝里，没有写寄信人的名字。\n"


def word(text: str) -> bytes:
    """With the lines that begin a chapter as headings."""
    document = docx.Document()
    for line in text.splitlines():
        document.add_heading(line, 1) if line.startswith("第") else document.add_paragraph(line)
    written = BytesIO()
    document.save(written)
    return written.getvalue()


def chapters(texts: list[dict[str, Any]]) -> list[tuple[int, str, str]]:
    return [(one["number"], one["title"], one["text"]) for one in texts]


AS_FILES = {
    "utf-8": TEXT.encode(),
    "utf-8 with a mark": TEXT.encode("utf-8-sig"),
    "gb18030": TEXT.encode("gb18030"),
    "utf-16": TEXT.encode("utf-16"),
    "crlf": TEXT.replace("\n", "\r\n").encode(),
    "markdown": TEXT.replace("第一", "# 第一").replace("第二", "# 第二").encode(),
    "word": word(TEXT),
}


@pytest.mark.anyio
@pytest.mark.parametrize("content", AS_FILES.values(), ids=AS_FILES)
async def test_a_file_is_imported_as_its_text_would_be(content: bytes) -> None:
    shelf = Shelf()
    await shelf.run(novel="text", frame=FRAME, task_type="import", manuscript=TEXT)
    ctx = shelf.context(uploads={SENT: content})
    result = await shelf.run(ctx, novel="file", frame=FRAME, task_type="import", upload=SENT)
    assert result["imported"] == ["book", "text:1", "text:2"]
    assert chapters((await shelf.bible("file"))["texts"]) == chapters((await shelf.bible("text"))["texts"])


@pytest.mark.anyio
async def test_killed_after_any_step_the_file_is_imported_once_and_is_not_needed_again() -> None:
    whole = Shelf().context(uploads={SENT: TEXT.encode()})
    await Shelf().run(whole, frame=FRAME, task_type="import", upload=SENT)
    for kill in range(len(whole.ran)):
        shelf = Shelf()
        killed = shelf.context(uploads={SENT: TEXT.encode()}, steps_until_kill=kill)
        with pytest.raises(Killed), fail_after(30):
            await shelf.run(killed, frame=FRAME, task_type="import", upload=SENT)
        left = {} if "upload" in killed.ran else killed.uploads
        again = RehearsalContext(killed.journal, ledgers=shelf.ledgers, task_id=killed.task_id, uploads=left)
        result = await shelf.run(again, frame=FRAME, task_type="import", upload=SENT)
        assert (result["revision"], len((await shelf.bible())["texts"])) == (1, 2)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("content", "failure", "said"),
    [
        (b"%PDF-1.7 broken", WorkflowFailed, "can't be read"),
        (b"PK\x03\x04broken", WorkflowFailed, "can't be read"),
        (b" \n ", WorkflowFailed, "no PDF, Word document or text"),
        (b"x" * (LONGEST_MANUSCRIPT + 1), WorkflowFailed, "send it in parts"),
        (None, UploadNotFound, SENT[:8]),
    ],
    ids=["pdf", "word", "empty", "long", "gone"],
)
async def test_a_file_that_can_not_be_read_writes_nothing(
    content: bytes | None, failure: type[Exception], said: str
) -> None:
    shelf = Shelf()
    ctx = shelf.context(uploads={} if content is None else {SENT: content})
    with pytest.raises(failure, match=said):
        await shelf.run(ctx, frame=FRAME, task_type="import", upload=SENT)
    assert not any(shelf.ledgers.values())


@pytest.mark.anyio
async def test_a_file_writes_over_no_chapter_that_its_sender_has_not_seen() -> None:
    shelf = Shelf()
    await shelf.run(frame=FRAME, task_type="import", manuscript="第一章\n另一个雨夜。")
    ctx = shelf.context(uploads={SENT: TEXT.encode()})
    with pytest.raises(RevisionConflict, match="text:1"):
        await shelf.run(ctx, task_type="import", upload=SENT)
    seen = shelf.context(uploads={SENT: TEXT.encode()})
    assert (await shelf.run(seen, task_type="import", upload=SENT, base_revision=1))["revision"] == 2


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("given", "path"),
    [
        ({"task_type": "outline"}, "upload"),
        ({"task_type": "import", "manuscript": "x"}, "upload"),
        ({"task_type": "import", "bible": {"texts": [{"number": 1, "text": "x"}]}}, "bible.texts"),
    ],
    ids=["no import", "two texts", "texts beside it"],
)
async def test_a_file_that_does_not_go_with_the_rest_is_refused(given: dict[str, Any], path: str) -> None:
    refused = await Shelf().refused(frame=FRAME, upload=SENT, **given)
    assert isinstance(refused, InvalidParameters)
    assert [one.path for one in refused.errors] == [path]


def test_a_manuscript_is_sent_and_imported_over_http(tmp_path: Any) -> None:
    """In an old Chinese encoding; an upload that is not there makes no task."""
    with serving(settings(tmp_path)) as server:
        sent = httpx2.post(f"{server.url}/api/uploads?name=book.txt", content=TEXT.encode("gb18030"), timeout=30)
        assert sent.status_code == 201
        asked = {"novel": {"id": "sent", **FRAME}, "task_type": "import", "upload": sent.json()["id"]}
        task_id = ask(server.url, **asked)
        assert done(server.url, task_id)["imported"] == ["book", "text:1", "text:2"]
        assert ask(server.url, **asked) == task_id
        texts = httpx2.get(f"{server.url}/api/novels/sent?texts=1", timeout=30).json()["texts"]
        assert [(one["number"], one["title"]) for one in texts] == [(1, "雨夜"), (2, "来信")]
        absent = {"kind": "novel", "params": {**asked, "upload": SENT}}
        answer = httpx2.post(f"{server.url}/api/tasks", json=absent, timeout=30)
        assert (answer.status_code, answer.json()["code"]) == (404, "upload_not_found")
