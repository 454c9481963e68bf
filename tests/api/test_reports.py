"""Reports over HTTP: names, headers, formats, what is unfinished, and what can't be had."""

import hashlib
import io
import shutil
import zipfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import anyio
import httpx2
import pytest
from anyio import create_task_group, fail_after
from pydantic import Field
from pypdf import PdfReader

from server.api.documents import MOST_WAITING, Documents
from server.api.results import disposition
from server.errors import BrowserMissing, QueueFull
from server.sources.browser import find_browser
from server.workflows.base import Context, Params, Step, Workflow
from tests.serving import serving, settings, wait_until

LIBRARY = Path(__file__).resolve().parents[1] / "data/library"
TITLE = "红茶：一/二 \u202egpj.exe"
TEXT = "# 红茶\n\n> 水要烧开。 [1]\n\n## 来源\n\n- [1] 茶经\n"


class LetterParams(Params):
    text: str = Field(max_length=100_000)
    unfinished: bool = False


async def write(ctx: Context, params: LetterParams) -> Any:
    async def write_text(step: Step) -> None:
        await step.output("letter", params.text)

    async def wait(step: Step) -> None:
        await anyio.sleep_forever()

    await ctx.step("text", write_text, params.text)
    if params.unfinished:
        await ctx.step("wait", wait)
    return {"rows": [1, 2]}


LETTER = Workflow(
    kind="letter",
    version=1,
    params=LetterParams,
    run=write,
    title=lambda params: TITLE,
    formats={"csv": ("text/csv; charset=utf-8", lambda result: b"rows\n")},
)


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx2.Client]:
    with (
        serving(settings(tmp_path_factory.mktemp("letters")), workflows=[LETTER]) as running,
        httpx2.Client(base_url=running.url, timeout=60) as made,
    ):
        yield made


@pytest.fixture(scope="module")
def client_without_browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx2.Client]:
    folder = tmp_path_factory.mktemp("bare")
    with (
        serving(settings(folder, browser_path=folder / "nowhere"), workflows=[LETTER]) as running,
        httpx2.Client(base_url=running.url, timeout=60) as made,
    ):
        yield made


def letter(client: httpx2.Client, text: str = TEXT, status: str = "completed", **params: Any) -> str:
    """The address of a letter's report, up to the dot, when its task is in this status and has written its text."""
    task = client.post("/api/tasks", json={"kind": "letter", "text": text, **params}).json()["id"]
    wait_until(lambda: client.get(f"/api/tasks/{task}").json()["status"] == status)
    wait_until(lambda: client.get(f"/api/tasks/{task}/output").text == text.strip())
    return f"/api/tasks/{task}/report"


def needs_browser() -> None:
    if find_browser().browser is None:
        pytest.skip("no browser was found on this machine")


@pytest.mark.browser
def test_a_report_can_be_had_as_pdf(client: httpx2.Client) -> None:
    """And is not made anew for who has it."""
    needs_browser()
    report = letter(client)
    answer = client.get(f"{report}.pdf")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["x-task-status"] == "completed"
    assert "水要烧开" in PdfReader(io.BytesIO(answer.content)).pages[0].extract_text()
    again = client.get(f"{report}.pdf", headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert client.get(f"{report}.pdf").content == answer.content


def test_a_report_can_be_had_as_a_word_document(client: httpx2.Client) -> None:
    answer = client.get(f"{letter(client)}.docx")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].endswith("wordprocessingml.document")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "水要烧开" in zipfile.ZipFile(io.BytesIO(answer.content)).read("word/document.xml").decode()


@pytest.mark.parametrize("ending", ["md", "html", "docx", "json", "zip", "csv"])
def test_a_report_is_named_by_its_title(client: httpx2.Client, ending: str) -> None:
    """In its own letters, and in ASCII for those who read no other; as a file only where one is asked for."""
    report = letter(client)
    shown = client.get(f"{report}.{ending}").headers["content-disposition"]
    assert shown.startswith(f'inline; filename="report.{ending}"; ')
    kept = client.get(f"{report}.{ending}?download=1").headers["content-disposition"]
    assert kept.startswith("attachment; ")
    assert unquote(kept.partition("filename*=UTF-8''")[2]) == f"红茶：一 二 gpj.exe.{ending}"


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("a\r\nSet-Cookie: x", "a Set-Cookie x.md"),
        ("../../etc/passwd", "etc passwd.md"),
        ("\x00\x07", "report.md"),
        (". .", "report.md"),
        ('a"b;c%22', "a b;c%22.md"),
        ("字" * 200, "字" * 80 + ".md"),
    ],
)
def test_no_title_makes_an_odd_file_name(title: str, name: str) -> None:
    """No line's end, no folder, no quotation mark; something is always left."""
    told = disposition(title, "md", download=True)
    assert told.isascii()
    assert told.isprintable()
    assert unquote(told.partition("filename*=UTF-8''")[2]) == name


def test_the_report_of_a_running_task_says_that_it_is_unfinished(client: httpx2.Client) -> None:
    """It is what there is so far, in every format; the result's own formats have to wait."""
    report = letter(client, "So far.", "running", unfinished=True)
    for ending in ("md", "html", "docx", "json", "zip"):
        answer = client.get(f"{report}.{ending}")
        assert (answer.status_code, answer.headers["x-task-status"]) == (200, "running")
    document = zipfile.ZipFile(io.BytesIO(client.get(f"{report}.docx").content)).read("word/document.xml").decode()
    assert document.index("This report is unfinished") < document.index("So far.")
    assert client.get(f"{report}.csv").json()["code"] == "no_result_yet"
    client.post(f"{report.removesuffix('/report')}/stop")


def test_without_a_browser_the_other_formats_are_there(client_without_browser: httpx2.Client) -> None:
    """The refusal says what would be right."""
    report = letter(client_without_browser)
    refused = client_without_browser.get(f"{report}.pdf")
    assert refused.status_code == 503
    assert refused.json()["code"] == "browser_missing"
    assert "install Chromium" in refused.json()["detail"]
    for ending in ("md", "html", "docx", "json", "zip", "csv"):
        assert client_without_browser.get(f"{report}.{ending}").status_code == 200
    (kind,) = client_without_browser.get("/api/kinds").json()["kinds"]
    assert kind["formats"] == ["md", "html", "docx", "json", "zip", "csv"]


def test_each_kind_tells_its_formats(client: httpx2.Client) -> None:
    (kind,) = client.get("/api/kinds").json()["kinds"]
    assert kind["formats"] == ["md", "html", "pdf", "docx", "json", "zip", "csv"]
    assert all(ending in client.get(f"{letter(client)}.exe").json()["detail"] for ending in kind["formats"])


def test_the_evidence_of_research_can_be_checked_by_others(tmp_path: Path) -> None:
    """By `report.json` alone and the documents themselves: each quote stands in a file that still has its hash."""
    folder = tmp_path / "library"
    shutil.copytree(LIBRARY, folder)
    with (
        serving(settings(tmp_path, library_dir=folder)) as running,
        httpx2.Client(base_url=running.url, timeout=60) as client,
    ):
        task = client.post("/api/tasks", json={"query": "How is a kettle descaled?"}).json()["id"]
        wait_until(lambda: client.get(f"/api/tasks/{task}").json()["status"] == "completed")
        report = client.get(f"/api/tasks/{task}/report.json").json()
    sources = {source["n"]: source for source in report["result"]["sources"]}
    assert report["result"]["evidence"]
    for one in report["result"]["evidence"]:
        content = (folder / sources[one["source"]]["path"]).read_bytes()
        assert one["quote"] in content.decode()
        assert one["end"] - one["start"] == len(one["quote"])
        assert sources[one["source"]]["sha256"] == hashlib.sha256(content).hexdigest()
        assert one["question"] in {question["id"] for question in report["result"]["questions"]}
    assert report["result"]["scores"]["fabricated_citation_rate"] == 0
    assert report["task"]["status"] == "completed"
    assert report["output"].startswith("# How is a kettle descaled?")


async def test_who_asks_for_the_same_document_at_once_gets_one() -> None:
    """A document is made once; another format does not wait for it; whoever comes when too many wait is told so."""
    documents, made, go_on = Documents(None), list[str](), anyio.Event()
    got: list[bytes] = []

    async def make(name: str, *, slow: bool) -> bytes:
        made.append(name)
        if slow:
            await go_on.wait()
        return name.encode()

    async def ask() -> None:
        got.append(await documents.made("a", "pdf", partial(make, "a.pdf", slow=True)))

    with fail_after(5):
        async with create_task_group() as tg:
            for _ in range(MOST_WAITING - 1):
                tg.start_soon(ask)
            await anyio.wait_all_tasks_blocked()
            assert await documents.made("a", "docx", partial(make, "a.docx", slow=False)) == b"a.docx"
            tg.start_soon(ask)
            await anyio.wait_all_tasks_blocked()
            with pytest.raises(QueueFull):
                await documents.made("b", "pdf", partial(make, "b.pdf", slow=False))
            go_on.set()
    assert got == [b"a.pdf"] * MOST_WAITING
    assert made == ["a.pdf", "a.docx"]
    with pytest.raises(BrowserMissing):
        _ = documents.printer


async def test_a_document_that_could_not_be_made_is_tried_again() -> None:
    """Nothing is kept of a failure, and it leaves no place taken."""
    documents = Documents(None)

    async def fail() -> bytes:
        raise BrowserMissing

    async def make() -> bytes:
        return b"made"

    with fail_after(5):
        for _ in range(MOST_WAITING + 1):
            with pytest.raises(BrowserMissing):
                await documents.made("a", "pdf", fail)
        assert await documents.made("a", "pdf", make) == b"made"
