"""Novels behind a real server: killed at every chapter, edited by people, asked by the novel assistant's own lines."""

import io
import re
import shutil
import subprocess
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docx
import httpx2
import orjson
import pytest
from lxml import etree

from server.errors import StoreFull
from server.stores.memory import MemoryStore
from tests.serving import ROOT, Running, serving, settings, wait_until
from tests.workflows.novel.bibles import CHINESE
from tests.workflows.novel.long import ask, done, write
from tests.workflows.novel.novelist import serving_novelist

PAGES = ["docs/novel.md", "docs/zh/novel.md"]
SEED = (
    'curl -X GET "http://localhost:8000/api/tasks/{TASK_ID}" \\\n  -H "Authorization: Bearer {TOKEN}"',
    'curl -X GET "http://localhost:8000/api/novels/{NOVEL_ID}/tasks" \\\n  -H "Authorization: Bearer {TOKEN}"',
    'curl -X GET "http://localhost:8000/api/tasks/active" \\\n  -H "Authorization: Bearer {TOKEN}"',
)
"""The novel assistant's own lines, word for word."""
EPUBCHECK = shutil.which("epubcheck")
FRAME = {"title": "雾港来信", "chapters": 8, "volumes": 2, "words_per_chapter": 100}


def test_a_novel_killed_at_every_chapter_is_that_of_a_quiet_run(tmp_path: Path) -> None:
    """SIGKILL while a chapter comes, a new process each time. No finished call is paid for again."""
    quiet = write(tmp_path / "quiet", 3, killed=False)
    killed = write(tmp_path / "killed", 3, killed=True)
    assert killed.kills == 3
    assert killed.again == 0
    assert quiet.calls == 6
    assert quiet.calls < killed.calls <= quiet.calls + 3, "what was under way, and nothing else"
    assert killed.output == quiet.output
    changing = {"spent": None, "book": None}
    assert {**killed.result, **changing} == {**quiet.result, **changing}
    assert killed.result["book"]["chapters"] == quiet.result["book"]["chapters"]
    assert [one["number"] for one in killed.result["book"]["chapters"]] == [1, 2, 3]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with serving(settings(tmp_path_factory.mktemp("novels"))) as running:
        yield running


def post(server: Running, path: str, **body: Any) -> httpx2.Response:
    return httpx2.post(f"{server.url}{path}", json=body, timeout=30)


def get(server: Running, path: str) -> Any:
    answer = httpx2.get(f"{server.url}{path}", timeout=30)
    assert answer.status_code == 200, answer.text
    return answer.json()


def imported(server: Running, novel: str) -> str:
    """The id of a completed task that took the Chinese bible in."""
    task_id = ask(server.url, novel={"id": novel}, task_type="import", bible=CHINESE)
    done(server.url, task_id)
    return task_id


def test_an_edit_from_an_old_revision_is_refused_before_a_task_is_made(server: Running) -> None:
    """With 409 and the revision that there is; the same import sent again is the task that it was."""
    imported(server, "edited")
    first = {"kind": "novel", "params": {"novel": {"id": "edited"}, "task_type": "import", "base_revision": 1}}
    first["params"]["bible"] = {"characters": [{"id": "lin", "name": "林小雨"}]}  # type: ignore[index] # just made
    made = post(server, "/api/tasks", **first)
    assert made.status_code == 201
    done(server.url, made.json()["id"])
    again = post(server, "/api/tasks", **first)
    assert (again.status_code, again.json()["id"]) == (200, made.json()["id"])
    other = {"novel": {"id": "edited"}, "task_type": "import", "base_revision": 1}
    bible = {"characters": [{"id": "lin", "name": "林大雨"}]}
    refused = post(server, "/api/tasks", kind="novel", params={**other, "bible": bible})
    assert (refused.status_code, refused.json()["code"]) == (409, "revision_conflict")
    assert "`character:lin`" in refused.json()["detail"]
    bible_now = get(server, "/api/novels/edited")
    assert bible_now["revision"] == 2
    assert [one["name"] for one in bible_now["characters"] if one["id"] == "lin"] == ["林小雨"]
    assert bible_now["written"]["character:lin"] == {"revision": 2, "by": "person"}
    listed = [one["id"] for one in get(server, "/api/novels/edited/tasks")["tasks"]]
    assert made.json()["id"] in listed
    assert len(listed) == 2, "what was refused has left no task"


class Filling(MemoryStore):
    """Has no room for an entry of a ledger until some is made."""

    def __init__(self) -> None:
        super().__init__()
        self.full = True

    async def enter(self, ledger: str, number: int, content: Any) -> bool:
        if self.full:
            raise StoreFull
        return await super().enter(ledger, number, content)


def test_a_task_waits_for_room_in_its_ledger_and_goes_on_by_itself(tmp_path: Path) -> None:
    """On a full volume; it says what it waits for."""
    store = Filling()
    with serving(settings(tmp_path), store=store) as server:
        task_id = ask(server.url, novel={"title": "夜航"})
        wait_until(lambda: get(server, f"/api/tasks/{task_id}")["stalled"] is not None)
        assert get(server, f"/api/tasks/{task_id}")["stalled"]["code"] == "store_full"
        store.full = False
        assert done(server.url, task_id)["revision"] == 2


def test_the_assistants_addresses_start_tasks_and_answer_with_their_ids(server: Running) -> None:
    """In snake and camel case; asked again it is the same task; each is in the list of its novel."""
    outline = post(server, "/api/ai/generate-outline", title="夜航", genre="科幻", synopsis="一艘船。", chapters=6)
    assert outline.status_code == 200
    told = outline.json()
    assert told["taskId"] == told["task_id"]
    assert told["task_type"] == "outline"
    again = post(server, "/api/ai/generate-outline", title="夜航", genre="科幻", synopsis="一艘船。", chapters=6)
    assert (again.json()["taskId"], again.json()["reused"]) == (told["taskId"], True)
    fresh = post(
        server, "/api/ai/generate-outline", title="夜航", genre="科幻", synopsis="一艘船。", chapters=6, fresh="k"
    )
    assert (fresh.json()["taskId"], fresh.json()["reused"]) == (told["taskId"], False)
    done(server.url, told["taskId"])
    novel, types = told["novelId"], {"outline"}
    for name in ("characters", "world-settings", "timeline-events", "foreshadowings", "volumes"):
        started = post(server, f"/api/ai/generate-{name}", novelId=novel)
        assert started.status_code == 200, started.text
        done(server.url, started.json()["taskId"])
        types.add(started.json()["task_type"])
    chapter = post(server, "/api/ai/write-chapter-content", novelId=novel, chapterNumber=2)
    result = done(server.url, chapter.json()["taskId"])
    assert [one["number"] for one in result["chapters"]] == [2]
    listed = get(server, f"/api/novels/{novel}/tasks")["tasks"]
    assert {one["task_type"] for one in listed} == types | {"chapter"}
    assert {one["novel_id"] for one in listed} == {novel}
    assert len(get(server, f"/api/novels/{novel}/tasks?limit=2&status=completed")["tasks"]) == 2
    assert get(server, "/api/novels/another/tasks")["tasks"] == []


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        ("generate-outline", {}, 422, "invalid_parameters"),
        ("generate-outline", {"title": "x", "chapters": 0}, 422, "invalid_parameters"),
        ("generate-outline", {"title": "x", "poem": True}, 422, "invalid_parameters"),
        ("generate-outline", {"title": "x", "fresh": ""}, 422, "invalid_parameters"),
        ("generate-outline", {"title": "x", "engine": "llm"}, 409, "model_required"),
        ("generate-characters", {"novelId": "not-there"}, 422, "invalid_parameters"),
        ("write-chapter-content", {"novelId": "../x", "chapterNumber": 1}, 422, "invalid_parameters"),
        ("write-chapter-content", {"title": "x", "chapterNumber": "one"}, 422, "invalid_parameters"),
        ("write-chapter-content", {"title": "x", "chapterNumber": 1, "range": "1"}, 422, "invalid_parameters"),
        ("write-chapter-content", {"title": "x", "chapterNumber": 31}, 422, "invalid_parameters"),
        ("generate-poem", {"title": "x"}, 404, "not_found"),
    ],
)
def test_what_the_assistants_addresses_can_not_take_is_told(
    server: Running, path: str, body: dict[str, Any], status: int, code: str
) -> None:
    """As a problem document, before anything is queued."""
    answer = post(server, f"/api/ai/{path}", **body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.json()["detail"]


def test_a_novel_that_is_not_there_is_not_found(server: Running) -> None:
    """A name that no novel can have neither; a label that the kind sets itself can't be another."""
    for name in ("nothing", "a%2Fb", "%2e%2e", "x" * 65):
        assert httpx2.get(f"{server.url}/api/novels/{name}", timeout=30).json()["code"] in (
            "novel_not_found",
            "not_found",
        )
    params = {"novel": {"title": "x"}}
    answer = post(server, "/api/tasks", kind="novel", project="mine", params=params)
    assert (answer.status_code, answer.json()["errors"][0]["path"]) == (422, "project")


def report(server: Running, task_id: str, ending: str) -> bytes:
    answer = httpx2.get(f"{server.url}/api/tasks/{task_id}/report.{ending}?download=1", timeout=60)
    assert answer.status_code == 200, answer.text
    return answer.content


def test_a_book_can_be_had_in_every_format_and_each_is_read_again(server: Running) -> None:
    """By other readers than those that wrote them: an XML parser, python-docx, plain text."""
    imported(server, "book")
    task_id = ask(server.url, novel={"id": "book"}, task_type="export")
    done(server.url, task_id)
    said = "一把生锈的钥匙"
    assert said in report(server, task_id, "md").decode()
    text = report(server, task_id, "txt").decode()
    assert text.startswith("雾港来信\n")
    assert "第 1 卷 归来\n\n第 1 章 雨夜\n\n火车到站时已是深夜。" in text
    shown = orjson.loads(report(server, task_id, "json"))
    assert [one["number"] for one in shown["result"]["bible"]["texts"]] == [1, 2]
    document = docx.Document(io.BytesIO(report(server, task_id, "docx")))
    paragraphs = [paragraph.text for paragraph in document.paragraphs]
    assert "第 2 章 旧宅" in paragraphs
    assert any(said in paragraph for paragraph in paragraphs)
    with zipfile.ZipFile(io.BytesIO(report(server, task_id, "epub"))) as book:
        assert book.infolist()[0].filename == "mimetype"
        pages = [etree.fromstring(book.read(name)) for name in book.namelist() if name.endswith((".xhtml", ".opf"))]
        assert len(pages) == 5
        assert said in book.read("EPUB/chapter-0002.xhtml").decode()
    outline = ask(server.url, novel={"id": "book"}, task_type="volumes")
    done(server.url, outline)
    refused = httpx2.get(f"{server.url}/api/tasks/{outline}/report.epub", timeout=30)
    assert (refused.status_code, refused.json()["code"]) == (404, "report_format_unavailable")


@pytest.mark.skipif(EPUBCHECK is None, reason="epubcheck is not installed")
def test_a_book_is_valid_by_epubcheck(server: Running, tmp_path: Path) -> None:
    """Without errors and warnings, though a title and chapters are markup, or hold what no XML can."""
    bible = orjson.loads(orjson.dumps(CHINESE))
    bible["book"]["title"] = "A <b>&amp; \u202e\"'"
    bible["texts"] += [{"number": n, "title": "]]><x>", "text": "</p>&nbsp;\ufffe\n<script>\n\x0b“”"} for n in (4, 7)]
    done(server.url, ask(server.url, novel={"id": "hostile"}, task_type="import", bible=bible))
    task_id = ask(server.url, novel={"id": "hostile"}, task_type="export")
    done(server.url, task_id)
    book = tmp_path / "book.epub"
    book.write_bytes(report(server, task_id, "epub"))
    jar = str(Path(EPUBCHECK or "").resolve())
    checked = subprocess.run(["java", "-jar", jar, str(book)], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "0 errors / 0 warnings" in checked.stdout + checked.stderr


@pytest.mark.parametrize("page", PAGES)
def test_the_assistants_own_lines_run_from_the_docs_word_for_word(tmp_path: Path, page: str) -> None:
    """Beside a task that runs, so that it is among the active ones."""
    text = (ROOT / page).read_text(encoding="utf-8")
    with serving_novelist() as served, serving(with_model(served.url, tmp_path)) as server:
        served.slow = {"characters": served.rule.__class__(piece=1, pause=0.2)}
        started = post(server, "/api/ai/generate-characters", title="夜航", novelId="night")
        task_id = started.json()["taskId"]
        wait_until(lambda: served.stages)
        answers = []
        for line in SEED:
            assert line in text
            filled = line.replace("{TASK_ID}", task_id).replace("{NOVEL_ID}", "night").replace("{TOKEN}", "token")
            ran = subprocess.run(
                ["sh", "-c", filled.replace("http://localhost:8000", server.url)], capture_output=True, check=True
            )
            answers.append(orjson.loads(ran.stdout))
        post(server, f"/api/tasks/{task_id}/stop")
    assert (answers[0]["id"], answers[0]["status"]) == (task_id, "running")
    assert [(one["id"], one["task_type"]) for one in answers[1]["tasks"]] == [(task_id, "characters")]
    assert task_id in [one["id"] for one in answers[2]["tasks"]]


def with_model(url: str, folder: Path) -> Any:
    return settings(folder, openai_base_url=url, openai_model="scripted", openai_api_key="sk-test")


@pytest.mark.parametrize("page", PAGES)
def test_the_examples_run_as_they_are_written(tmp_path: Path, page: str) -> None:
    """One after the other on a new server: outline, edit, brief, review, book."""
    text = (ROOT / page).read_text(encoding="utf-8")
    commands = [one for one in re.findall(r"```\n(curl .*?)\n```", text, re.DOTALL) if "localhost:8000" not in one]
    assert len(commands) >= 5
    with serving(settings(tmp_path)) as server:
        results = [run(server, command) for command in commands]
    types = [one["task_type"] for one in results if "task_type" in one]
    assert types == ["outline", "import", "foreshadowing", "chapter", "review", "export", "outline"]
    by_type = {one["task_type"]: one for one in results[:6]}
    assert by_type["chapter"]["needs_model"] == ["text"]
    assert by_type["review"]["counts"]["contradiction"] == 1
    assert (results[6]["novel"], results[6]["revision"]) == ("night", by_type["export"]["revision"])
    assert results[7]["taskId"]


def run(server: Running, command: str) -> dict[str, Any]:
    """The result of the task that a command starts, or what it answers."""
    command = command.replace("http://127.0.0.1:8000", server.url)
    ran = subprocess.run(["sh", "-c", command], capture_output=True, check=True)
    answer: dict[str, Any] = orjson.loads(ran.stdout)
    return done(server.url, answer["id"]) if "id" in answer else answer
