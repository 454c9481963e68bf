"""Reports as PDF, printed by a real browser and read by other programs."""

import os
import shutil
import signal
from collections.abc import AsyncIterator
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from anyio import create_task_group, create_tcp_listener, fail_after, run_process
from anyio.abc import SocketAttribute, SocketStream
from playwright.async_api import Error
from pypdf import PdfReader
from pypdf.generic import ArrayObject

from server.errors import BrowserMissing, FontMissing, ReportNotMade, ReportTooLong
from server.reports.glyphs import corrected, letter_of
from server.reports.paper import Paper, paper
from server.reports.pdf import pdf, sheets
from server.reports.stylesheet import whole_stylesheet
from server.reports.wording import language_of, unfinished
from server.sources.chromium.pool import Chromium
from server.sources.chromium.printing import PagePrinter
from server.sources.egress import Judge
from server.sources.guard import EgressGuard
from tests.reports.hostile import HOSTILE, WHOLE
from tests.workflows.browse.conftest import chromium

STYLE = whole_stylesheet(Path(__file__).resolve().parents[2] / "static/report.css")
SECONDS = 120


@pytest.fixture(scope="module")
async def pool() -> AsyncIterator[Chromium]:
    made = chromium()
    async with made.running():
        yield made


@pytest.fixture
def printer(pool: Chromium) -> PagePrinter:
    return PagePrinter(pool)


def on_paper(markdown: str, title: str = "A title", *, status: str = "completed") -> Paper:
    language = language_of(markdown)
    return paper(markdown, title, language, note=unfinished(status, language), style=STYLE)


def text_of(made: bytes) -> str:
    return "\n".join(page.extract_text() for page in PdfReader(BytesIO(made)).pages)


def addresses(made: bytes) -> set[str]:
    """Where the links of a PDF lead out of it."""
    return {str(one["/A"]["/URI"]) for one in annotations(made) if "/A" in one}


def annotations(made: bytes) -> list[Any]:
    pages = PdfReader(BytesIO(made)).pages
    return [one.get_object() for page in pages for one in page.get("/Annots", ArrayObject())]


@pytest.mark.browser
async def test_chinese_text_can_be_read_and_searched(printer: PagePrinter) -> None:
    """Letters that share a glyph with a radical too; tables, code and the footer are there."""
    with fail_after(SECONDS):
        made = await pdf(on_paper(WHOLE, "红茶"), printer)
    text = text_of(made)
    for part in (
        "红茶该怎样冲泡",
        "长安门前一位老人说：风中的马、鱼、鸟和龙都爱喝茶，文字见于青史，金木水火土",
        "95 °C",
        "def brew",
    ):
        assert part in text
    assert not [letter for letter in text if "\u2e80" <= letter <= "\u2fdf"]
    reader = PdfReader(BytesIO(made))
    assert reader.metadata is not None
    assert reader.metadata.title == "红茶"
    assert float(reader.pages[0].mediabox.width) == pytest.approx(595, abs=1)


@pytest.mark.browser
async def test_contents_name_the_sheet_of_each_heading(printer: PagePrinter) -> None:
    """And citations lead to their sources."""
    markdown = "# T\n\nIntro [1]\n\n" + "".join(f"## Part {n}\n\n{'word ' * 900}\n\n" for n in range(1, 7))
    with fail_after(SECONDS):
        made = await pdf(on_paper(f"{markdown}## Sources\n\n- [1] One\n"), printer)
    pages = PdfReader(BytesIO(made)).pages
    places = sheets(made)
    assert len(set(places.values())) > 4
    listed = pages[0].extract_text().split("Contents", 1)[1].splitlines()
    for n in range(1, 7):
        assert f"Part {n}" in pages[places[f"part-{n + 1}"] - 1].extract_text()
        assert any(line.split() == ["Part", str(n), str(places[f"part-{n + 1}"])] for line in listed)
    assert {str(one["/Dest"]) for one in annotations(made)} == {f"/part-{n}" for n in range(2, 9)} | {"/source-1"}
    assert len(PdfReader(BytesIO(made)).outline) > 0
    assert f"{len(pages)} / {len(pages)}" in pages[-1].extract_text()


@pytest.mark.browser
async def test_a_hostile_report_is_only_text(printer: PagePrinter) -> None:
    """Nothing is run, fetched or embedded, and links lead to the web or nowhere."""
    with fail_after(SECONDS):
        made = await pdf(on_paper(HOSTILE, HOSTILE.splitlines()[0]), printer)
    text = text_of(made)
    assert '<script>document.title="ran"</script>' in " ".join(text.split())
    assert not set("\u202a\u202e\u2067") & set(text)
    assert addresses(made) <= {
        "https://ok.example/?a=1&b=2",
        "https://ok.example/",
        "https://ok.example/%22%3E%3Cscript%3E",
        "http://evil.example:99999/",
    }
    reader = PdfReader(BytesIO(made))
    assert reader.metadata is not None
    assert "ran" not in str(reader.metadata.title)
    assert not reader.attachments
    assert not {"/OpenAction", "/AA", "/JavaScript"} & reader.root_object.keys()
    assert not [image for page in reader.pages for image in page.images]


@pytest.mark.browser
async def test_nothing_goes_out_while_a_page_is_printed(pool: Chromium, printer: PagePrinter) -> None:
    """Not even from a page that was not cleaned, to a place that the browser reaches when it is opened as a page."""
    came = 0

    async def count(stream: SocketStream) -> None:
        nonlocal came
        came += 1
        await stream.aclose()

    async with await create_tcp_listener(local_host="127.0.0.1") as listener, create_task_group() as tg:
        tg.start_soon(listener.serve, count)
        port = listener.extra(SocketAttribute.local_port)  # noqa: S610 - anyio's, not a database's
        place = f"http://127.0.0.1:{port}"
        ways = [
            f"<img src={place}/a.png><svg><image href={place}/b.svg /></svg><input type=image src={place}/c.png>",
            f"<link rel=stylesheet href={place}/d.css><link rel=preload as=image href={place}/e.png>",
            f"<link rel=dns-prefetch href={place}><link rel=preconnect href={place}><link rel=prefetch href={place}/f>",
            f"<style>@import '{place}/g.css'; @font-face {{ font-family: x; src: url({place}/h) }} p {{ font: 9pt x; "
            f"background: url({place}/i.png) }}</style><p>text</p>",
            f"<iframe src={place}/j></iframe><object data={place}/k></object><embed src={place}/l>",
            f"<script>fetch('{place}/n'); new WebSocket('{place.replace('http', 'ws')}/o')</script>",
            f"<meta http-equiv=refresh content='0;url={place}/p'>",
        ]
        with fail_after(SECONDS):
            async with pool.context(place) as (context, _):
                with suppress(Error):
                    await (await context.new_page()).goto(place)
            assert came > 0
            came = 0
            for way in ways:
                await printer(f"<!doctype html><html><body>{way}</body></html>", f"<img src={place}/q.png>", "")
        tg.cancel_scope.cancel()
    assert came == 0


@pytest.mark.browser
async def test_an_unfinished_report_says_so(printer: PagePrinter) -> None:
    """In its own language, above everything else."""
    with fail_after(SECONDS):
        going_on = text_of(await pdf(on_paper("# Tea\n\nSo far.", status="running"), printer))
        stopped = text_of(await pdf(on_paper("# 红茶\n\n到此为止。", status="stopped"), printer))
        nothing = text_of(await pdf(on_paper("", status="pending"), printer))
    assert going_on.index("This report is unfinished") < going_on.index("So far.")
    assert stopped.index("任务未做完就已结束") < stopped.index("到此为止")
    assert "This report is unfinished" in nothing


@pytest.mark.browser
async def test_a_browser_that_ends_over_a_report_gets_a_second_chance() -> None:
    """And what can't be had is an error that says what else there is."""
    pool = chromium()
    printer = PagePrinter(pool)
    with fail_after(SECONDS):
        async with printer.running():
            await pdf(on_paper("one"), printer)
            assert pool.pid is not None
            os.kill(pool.pid, signal.SIGKILL)
            assert "two" in text_of(await pdf(on_paper("two"), printer))
            assert pool.in_use == 0


@pytest.mark.browser
async def test_text_without_a_font_is_refused(printer: PagePrinter) -> None:
    """Rather than printed as boxes. No font has what is not assigned."""
    with fail_after(SECONDS), pytest.raises(FontMissing):
        await printer("<p>x</p>", "", "\U0003fffd")


@pytest.mark.browser
@pytest.mark.skipif(shutil.which("pdftotext") is None, reason="poppler-utils is not installed here")
async def test_another_program_reads_the_same(printer: PagePrinter, tmp_path: Path) -> None:
    with fail_after(SECONDS):
        (tmp_path / "a.pdf").write_bytes(await pdf(on_paper(WHOLE), printer))
        told = await run_process(["pdftotext", str(tmp_path / "a.pdf"), "-"])
    assert "长安门前一位老人说" in told.stdout.decode()
    assert told.stderr == b""


async def test_without_a_browser_there_is_no_pdf() -> None:
    def find() -> Path:
        raise BrowserMissing

    printer = PagePrinter(Chromium(find, EgressGuard(Judge(()))))
    with fail_after(SECONDS):
        async with printer.running():
            with pytest.raises(BrowserMissing):
                await pdf(on_paper("text"), printer)


async def test_what_takes_too_long_is_given_up() -> None:
    """A report that is too long is refused before it is printed."""

    async def never_done(page: str, footer: str, letters: str) -> bytes:
        raise TimeoutError

    with pytest.raises(ReportNotMade):
        await pdf(on_paper("text"), never_done)
    with pytest.raises(ReportTooLong):
        await pdf(on_paper("x" * 1_500_001), never_done)


def test_radicals_in_a_fonts_table_become_letters() -> None:
    """As single glyphs and within ranges; everything else stays."""
    table = (
        b"1 beginbfchar\n<0A> <2F42>\nendbfchar\n2 beginbfrange\n<10> <12> <2ED3>\n<20> <2F> <4E00>\nendbfrange\nend"
    )
    assert corrected(table) == (
        b"1 beginbfchar\n<0A> <6587>\nendbfchar\n"
        b"1 beginbfrange\n<20> <2F> <4E00>\nendbfrange\n"
        b"3 beginbfchar\n<10> <957F>\n<11> <95E8>\n<12> <2ED5>\nendbfchar\nend"
    )
    assert corrected(b"no table") == b"no table"
    assert [letter_of(one) for one in "⽂⻓文a"] == ["文", "长", "文", "a"]
