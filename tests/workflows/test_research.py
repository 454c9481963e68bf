"""The digest: verbatim, cited, honest about what is missing, in both languages."""

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from lxml import html as lxml_html

from server.errors import InvalidParameters, ModelRequired
from server.reports.html import fragment
from server.sources.fetch import Fetcher
from server.sources.library import Library
from server.sources.reasons import CODES
from server.workflows.rehearsal import RehearsalContext
from server.workflows.research.workflow import research_workflow
from tests.sources.pages import Serve, answer, never, page, serve_pages

DATA = Path(__file__).parent.parent / "data/library"
LOOPBACK = ("127.0.0.1",)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(DATA, tmp_path / "library"))


async def research(
    folder: Path, query: str, *, fetcher: Fetcher | None = None, **params: Any
) -> tuple[Any, RehearsalContext]:
    workflow = research_workflow(Library(folder), fetcher or Fetcher(LOOPBACK))
    context = RehearsalContext()
    result = await workflow.run(context, workflow.params.model_validate({"query": query, **params}))
    return result, context


def visible(path: Path) -> str:
    """What stands in a source, by other means than those of the library."""
    if path.suffix == ".html":
        return " ".join(str(lxml_html.fromstring(path.read_bytes()).text_content()).split())
    return " ".join(path.read_text("utf-8").split())


QUESTIONS = [
    ("How do I descale a kettle?", "kettles.md"),
    ("Why does scale form in a kettle?", "kettles.md"),
    ("When may ships enter the harbour?", "harbour.html"),
    ("How hot should the water for green tea be?", "notes.txt"),
    ("绿茶应该用多少度的水冲泡？", "茶.md"),
    ("茶叶为什么要密封保存？", "茶.md"),
]


@pytest.mark.parametrize(("query", "document"), QUESTIONS)
async def test_the_answer_comes_from_the_right_document(folder: Path, query: str, document: str) -> None:
    """It is the first source of the list."""
    result, _ = await research(folder, query)
    assert result["sources"][0]["path"] == document
    assert result["status"] in {"complete", "partial"}


@pytest.mark.parametrize(("query", "_document"), QUESTIONS)
async def test_each_quote_stands_in_its_source(folder: Path, query: str, _document: str) -> None:
    """Code point for code point, but for white space; and nothing comes from navigation."""
    result, _ = await research(folder, query, report={"style": "long"})
    paths = {source["n"]: folder / source["path"] for source in result["sources"]}
    for one in result["evidence"]:
        assert one["quote"] in visible(paths[one["source"]])
        assert "waits for no one" not in one["quote"]
        assert one["end"] - one["start"] == len(one["quote"])
    assert result["scores"] == {
        "fabricated_citation_rate": 0.0,
        "quote_match_rate": 1.0,
        "cited_sentence_share": 1.0,
        "duplicate_sources": 0,
    }


@pytest.mark.parametrize(("query", "_document"), QUESTIONS)
async def test_the_report_marks_each_quote_with_a_listed_source(folder: Path, query: str, _document: str) -> None:
    """Each blockquote ends with `[n]`; each n is in the list; each source of the list is used."""
    result, context = await research(folder, query)
    quotes = [line for line in context.report.splitlines() if line.startswith("> ")]
    marks = [re.search(r"\[(\d+)\]$", line) for line in quotes]
    assert len(quotes) == len(result["evidence"]) > 0
    assert all(marks)
    listed = {int(n) for n in re.findall(r"^- \[(\d+)\]", context.parts["sources"], re.M)}
    assert {int(mark.group(1)) for mark in marks if mark} == listed == {source["n"] for source in result["sources"]}


async def test_the_report_has_its_parts_in_order(folder: Path) -> None:
    """What it is stands on top; parts keep their names; the date of a source is shown."""
    result, context = await research(folder, "How do I descale a kettle?")
    names = list(context.parts)
    new = [question["id"] for question in result["questions"] if question["id"] in context.parts]
    above = ["above"] if "above" in names else []
    assert new
    assert names == ["about", "summary", *new, *above, "gaps", "sources", "method"]
    assert "Evidence digest" in context.parts["about"]
    assert "2024-03-05" in context.parts["sources"]
    assert "> A kettle is descaled with citric acid: one spoon for each litre of cold water. [1]" in context.report
    pieces = [event for event in context.events if event.type == "output"]
    assert len(pieces) > len(names)


async def test_a_chinese_question_has_a_chinese_report(folder: Path) -> None:
    """Headings, notes and what it says of itself; the labels of the steps too."""
    result, context = await research(folder, "茶叶为什么要密封保存？")
    assert result["language"] == "zh"
    assert "证据摘要" in context.parts["about"]
    assert "## 来源" in context.parts["sources"]
    assert "理解问题" in context.labels
    assert not any(re.search(r"[A-Za-z]{4}", label) for label in context.labels)


async def test_the_language_can_be_chosen(folder: Path) -> None:
    """The report's, not that of the quotes; the report says that those are not translated."""
    result, context = await research(folder, "How do I descale a kettle?", language="zh")
    assert result["language"] == "zh"
    assert "以下来源为英文" in context.parts["summary"]
    assert "translation" in result["needs_model"]


async def test_nothing_found_is_said_plainly(folder: Path) -> None:
    """No report is made up around nothing, and no source is listed."""
    for query in ("Who won the chess championship of 1985?", "恐龙为什么灭绝？"):
        result, context = await research(folder, query)
        assert (result["status"], result["evidence"], result["sources"]) == ("no_evidence", [], [])
        assert "> " not in context.report
        assert "sources" not in context.parts


async def test_an_empty_library_is_no_evidence(tmp_path: Path) -> None:
    """The same answer, without a crash."""
    result, _ = await research(tmp_path / "nothing", "How do I descale a kettle?")
    assert result["status"] == "no_evidence"


async def test_what_is_not_answered_stands_under_gaps(folder: Path) -> None:
    """And makes the result partial."""
    result, context = await research(folder, "How hot should the water for green tea be?")
    unanswered = [question["text"] for question in result["questions"] if not question["answered"]]
    assert result["status"] == "partial"
    assert unanswered
    assert all(text in context.parts["gaps"] for text in unanswered)


async def test_breadth_and_style_bound_the_report(folder: Path) -> None:
    """One question asks one thing; brief is shorter than long."""
    narrow, _ = await research(folder, "How do I descale a kettle?", breadth=1)
    assert [question["id"] for question in narrow["questions"]] == ["q1"]
    brief, _ = await research(folder, "staying in the harbour", report={"style": "brief"}, breadth=1)
    long, _ = await research(folder, "staying in the harbour", report={"style": "long"}, breadth=1)
    assert len(brief["evidence"]) < len(long["evidence"])
    few, _ = await research(folder, "water", max_sources=1)
    assert len(few["sources"]) <= 1


async def test_the_source_list_can_be_left_out(folder: Path) -> None:
    """The result keeps the sources all the same."""
    result, context = await research(folder, "How do I descale a kettle?", references=False)
    assert "sources" not in context.parts
    assert result["sources"]


async def test_pages_and_library_answer_together(folder: Path) -> None:
    """A page that the request names goes first; each source says where it is."""
    text = "A kettle is descaled fastest with hot vinegar, says the maker of kettles."
    async with serve_pages({"/kettle": page(f"<p>{text}</p>", title="Fast descaling")}) as pages:
        url = pages.url("/kettle")
        result, context = await research(folder, "How do I descale a kettle?", sources={"urls": [url]})
    assert {source["kind"] for source in result["sources"]} == {"url", "library"}
    assert result["sources"][0]["url"] == url
    assert text in [one["quote"] for one in result["evidence"]]
    assert f"<{url}>" in context.parts["sources"]
    assert [key for key in context.ran if key.startswith("fetch:")]


async def test_failed_pages_are_sources_that_failed(folder: Path) -> None:
    """Each with its reason; the others are read; the result is partial and names them under gaps."""
    routes: dict[str, bytes | Serve] = {
        "/good": page("<p>A kettle is descaled at our shop within ten minutes.</p>"),
        "/500": answer(b"oops", status="500 Internal Server Error"),
        "/never": never,
        "/empty": page(""),
    }
    async with serve_pages(routes) as pages:
        urls = [pages.url(path) for path in routes]
        fetcher = Fetcher(LOOPBACK, total_seconds=0.5)
        result, context = await research(folder, "How do I descale a kettle?", fetcher=fetcher, sources={"urls": urls})
    failed = {one["url"].rpartition("/")[2]: one["code"] for one in result["failed_sources"]}
    assert failed == {"500": "http_500", "never": "timeout", "empty": "empty"}
    assert result["status"] == "partial"
    assert all(one["url"] in context.parts["gaps"].replace("\\", "") for one in result["failed_sources"])
    outcomes = [event.data["outcome"] for event in context.events if event.type == "item"]
    assert outcomes.count("failed") == 3
    assert outcomes.count("completed") == len(result["sources"]) or outcomes.count("completed") >= 2


async def test_hostile_text_stays_text(folder: Path) -> None:
    """Marks that look like citations are not quoted; markup in a quote is shown, not rendered."""
    body = (
        "<p>A kettle is descaled with the &lt;script&gt; tag and *stars* of the __maker__ alone.</p>"
        "<p>A kettle is descaled in the way of [7] and of [99] says this page.</p>"
    )
    async with serve_pages({"/": page(body, title="<b>[8](http://evil.example/)</b>")}) as pages:
        result, context = await research(
            folder, "How do I descale a kettle?", sources={"urls": [pages.url("/")], "library": False}
        )
    assert [one["quote"] for one in result["evidence"] if "script" in one["quote"]]
    assert "[99]" not in context.report
    assert "<script>" not in context.report.replace("\\<script>", "")
    assert "[8]" not in context.report
    assert 'href="http://evil' not in fragment(context.report)


async def test_unreadable_library_files_are_told(folder: Path) -> None:
    """In the result, and a few of them under how the report was made; they are no gaps, and no items of the task."""
    for n in range(5):
        (folder / f"broken{n}.pdf").write_bytes(b"%PDF-1.4 nothing")
    result, context = await research(folder, "How do I descale a kettle?")
    assert [(one["url"], one["code"]) for one in result["failed_sources"]] == [
        (f"broken{n}.pdf", "broken") for n in range(5)
    ]
    assert "broken" not in context.parts["gaps"]
    assert "broken0.pdf" in context.parts["method"]
    assert "and 2 more" in context.parts["method"]
    assert "failed" not in [event.data["outcome"] for event in context.events if event.type == "item"]


async def test_every_page_that_failed_is_named(folder: Path) -> None:
    """However many there are."""
    async with serve_pages({}) as pages:
        urls = [pages.url(f"/missing{n:02}") for n in range(15)]
        result, context = await research(folder, "How do I descale a kettle?", sources={"urls": urls})
    assert [one["url"] for one in result["failed_sources"]] == urls
    assert all(url in context.parts["gaps"].replace("\\", "") for url in urls)


async def test_a_chinese_report_gives_reasons_in_chinese(folder: Path) -> None:
    """In the gaps, in how it was made, in the result and in the events; one word for the library throughout."""
    (folder / "empty.md").write_text("")
    async with serve_pages({"/empty": answer(b"", Content_Type="text/html")}) as pages:
        urls = [pages.url("/missing"), pages.url("/empty")]
        result, context = await research(folder, "茶叶为什么要密封保存？", sources={"urls": urls})
    assert {one["code"]: one["message"] for one in result["failed_sources"]} == {
        "http_404": "服务器返回 404。",
        "empty": "没有可供引用的文字。",
    }
    failed = [event.data["message"] for event in context.events if event.type == "item" and "message" in event.data]
    assert not re.search(r"[A-Za-z]{4}", "".join(failed))
    assert "（服务器返回 404）" in context.parts["gaps"]
    assert "empty.md（没有可供引用的文字）" in context.parts["method"]
    assert "文库" not in context.report


READS = "The new importer reads CSV files of up to 2 GB."
IMPORTER = {
    "en": f"<h1>Importer</h1><p>{READS}</p>",
    "zh": "<h1>导入</h1><p>新的导入工具可以读取最大 2 GB 的 CSV 文件。</p>",
}
CHANGES = {
    "en": "<h1>Widget</h1><p>Widget is a tool for gardeners who keep records.</p><h2>Changes in 4.2</h2>"
    "<p>Exports are twice as fast as they were.</p><h2>Thanks</h2><p>We thank all who sent us their reports.</p>",
    "zh": "<h1>小工具</h1><p>小工具是给园丁记录数据用的软件。</p><h2>4.2 版有哪些变化</h2>"
    "<p>导出速度是以前的两倍。</p><h2>致谢</h2><p>感谢所有向我们提交报告的人。</p>",
}


@pytest.mark.parametrize("place", ["page", "library"])
@pytest.mark.parametrize(
    ("body", "query", "quotes"),
    [
        (IMPORTER["en"], "How large a file can the new importer read?", [READS]),
        (IMPORTER["zh"], "新的导入工具可以读取多大的文件？", ["新的导入工具可以读取最大 2 GB 的 CSV 文件。"]),
        (IMPORTER["en"], "What is the capital of France?", []),
        (IMPORTER["zh"], "怎样烤面包？", []),
        (CHANGES["en"], "What changed?", ["Exports are twice as fast as they were."]),
        (CHANGES["en"], "What changed in this release?", ["Exports are twice as fast as they were."]),
        (CHANGES["zh"], "这个版本有哪些变化", ["导出速度是以前的两倍。"]),
        (CHANGES["en"], "Who won the cup?", []),
    ],
)  # fmt: skip
async def test_one_document_answers_alone(tmp_path: Path, place: str, body: str, query: str, quotes: list[str]) -> None:
    """A page that the request names, or a library of one file: what it says is found, what it doesn't is not."""
    if place == "library":
        (tmp_path / "page.html").write_text(f"<html><body>{body}</body></html>")
        result, _ = await research(tmp_path, query)
    else:
        async with serve_pages({"/": page(body)}) as pages:
            result, _ = await research(tmp_path, query, sources={"urls": [pages.url("/")], "library": False})
    assert [one["quote"] for one in result["evidence"] if one["question"] == "q1"] == quotes


async def test_a_heading_that_asks_the_same_is_answered_by_what_stands_below_it(tmp_path: Path) -> None:
    """Though no sentence there repeats a word of it; a sentence that asks is no answer."""
    (tmp_path / "faq.md").write_text(
        "# Questions\n\n## Why is the sky called blue?\n\nAir scatters short waves of light more than long ones.\n\n"
        "## What else?\n\nIs the sky called blue by everyone, or would another word do?\n"
    )
    result, _ = await research(tmp_path, "Why is the sky called blue?")
    assert [one["quote"] for one in result["evidence"]] == ["Air scatters short waves of light more than long ones."]


async def test_a_word_in_common_is_no_answer(folder: Path) -> None:
    """The question is unanswered, and says so under gaps; nor does any angle on it find something."""
    (folder / "debian.md").write_text("However, Debian France is an association.")
    (folder / "decimal.md").write_text("The capitals field prints a capital E, however.")
    (folder / "thought.md").write_text("太多的细节会让人忘记了大方向，因此要谨慎。")
    for query in ("What is the capital of France?", "忘记 root 密码怎么办？"):
        result, context = await research(folder, query)
        assert (result["status"], result["evidence"]) == ("no_evidence", [])
        assert query.rstrip("?") in context.parts["gaps"].replace("\\", "")


async def test_a_budget_of_time_still_leaves_a_report(folder: Path) -> None:
    """What was not searched any more is named."""
    result, context = await research(folder, "How do I descale a kettle?", budget={"seconds": 1e-9})
    assert result["status"] == "no_evidence"
    assert "budget" in context.parts["gaps"]
    assert "method" in context.parts


async def test_progress_is_the_work_that_was_said(folder: Path) -> None:
    """At the end all weight is committed, and every step has a label."""
    _, context = await research(folder, "How do I descale a kettle?")
    assert context.committed == pytest.approx(context.expected)
    assert all(context.labels)


async def test_a_model_that_is_not_there_is_refused(folder: Path) -> None:
    """At submission, by the workflow's own check."""
    workflow = research_workflow(Library(folder), Fetcher())
    assert workflow.check is not None
    with pytest.raises(ModelRequired):
        workflow.check(workflow.params.model_validate({"query": "x", "engine": "llm"}))
    with pytest.raises(InvalidParameters) as caught:
        workflow.check(workflow.params.model_validate({"query": "x", "sources": {"library": False}}))
    assert caught.value.errors[0].path == "sources"
    workflow.check(workflow.params.model_validate({"query": "x"}))


@pytest.mark.parametrize("name", ["docs/research.md", "docs/zh/research.md"])
def test_every_reason_of_failure_is_documented(name: str) -> None:
    """The table has all codes that the report has sentences for, and those are all that the sources give."""
    root = Path(__file__).parents[2]
    documented = set(re.findall(r"^\| `([a-z_]+)` \|", (root / name).read_text("utf-8"), re.M))
    assert documented >= CODES
    given = {
        code
        for path in [*(root / "server/sources").glob("*.py"), root / "server/sources/chromium/rendering.py"]
        for code in re.findall(r'(?:FetchFailed|Unreadable)\(\s*"([a-z_]+)"', path.read_text("utf-8"))
    }
    assert given | {"budget", "unreadable"} == CODES


async def test_what_is_quoted_already_has_no_section_of_its_own(tmp_path: Path) -> None:
    """Its questions are listed in one place with their numbers; each section that is there quotes something new."""
    text = "A kettle is descaled with citric acid, because lime is a base, unless it is made of copper."
    (tmp_path / "kettles.md").write_text(f"# Kettles\n\n{text}\n\n| kettle | descaled with which acid it was told |\n")
    result, context = await research(tmp_path, "How is a kettle descaled?")
    assert context.report.count(text) == 1
    answered = [one for one in result["questions"][1:] if one["answered"]]
    assert answered
    assert context.parts["above"].splitlines()[2:] == [*(f"- {one['text']} [1]" for one in answered), ""]
    assert not [name for name in context.parts if re.fullmatch(r"q\d+", name)]
    assert "which acid it was told" not in context.report, "a cell without its row says nothing"


async def test_a_report_that_was_asked_for_images_says_that_it_has_none(folder: Path) -> None:
    """It is whole without them, and says nothing of them where nobody asked."""
    without, context = await research(folder, "How do I descale a kettle?")
    asked, told = await research(folder, "How do I descale a kettle?", images=True)
    assert "- Images: none" in told.parts["method"]
    assert "Images" not in context.report
    assert (asked["status"], asked["needs_model"]) == (without["status"], without["needs_model"])


async def test_the_name_of_a_site_stands_in_the_list_of_sources_and_not_under_each_quote(tmp_path: Path) -> None:
    """Where several sources share it."""
    for name, text in (
        ("Kettles", "A kettle is descaled with citric acid."),
        ("Pots", "A pot is descaled with soda and hot water."),
    ):
        (tmp_path / f"{name}.md").write_text(f"# {name} — The kitchen manual 3.1\n\n{text} So it is done since 1901.\n")
    _, context = await research(tmp_path, "How are kettle and pot descaled?")
    assert "— Kettles\n" in context.parts["summary"]
    assert "manual" not in context.parts["summary"]
    assert "Kettles — The kitchen manual 3.1" in context.parts["sources"]
