"""Reports as Word documents, looked at as XML in an archive, and by another program where there is one."""

import io
import re
import shutil
import subprocess
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from server.errors import ReportTooLong
from server.reports.html import fragment
from server.reports.word.document import word
from server.reports.word.links import is_plain
from server.reports.wording import language_of, unfinished
from tests.reports.hostile import HOSTILE, WHOLE

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
R = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
NOW = datetime(2026, 11, 28, tzinfo=UTC)
LINES = st.text(st.characters(codec="utf-8"), max_size=40)


def made(markdown: str, title: str = "A title", status: str = "completed") -> zipfile.ZipFile:
    language = language_of(markdown)
    whole = word(markdown, title, language, note=unfinished(status, language), written_at=NOW)
    return zipfile.ZipFile(io.BytesIO(whole))


def part(archive: zipfile.ZipFile, name: str = "word/document.xml") -> Any:
    return etree.fromstring(archive.read(name))


def paragraphs(document: Any) -> list[tuple[str, str]]:
    """Style and text of each paragraph, wherever it stands."""
    found = []
    for one in document.iter(f"{W}p"):
        style = one.find(f"{W}pPr/{W}pStyle")
        found.append(("" if style is None else style.get(f"{W}val"), text_of(one)))
    return found


def text_of(element: Any) -> str:
    others = {f"{W}br": "\n", f"{W}tab": "\t"}
    return "".join(others.get(one.tag) or one.text or "" for one in element.iter(f"{W}t", *others))


def external(archive: zipfile.ZipFile) -> set[tuple[str, str]]:
    """Kind and target of all that the document names outside of itself."""
    found = set()
    for name in archive.namelist():
        if name.endswith(".rels"):
            for one in part(archive, name):
                if one.get("TargetMode") == "External":
                    found.add((one.get("Type").rpartition("/")[2], one.get("Target")))
    return found


def marked(document: Any, mark: str) -> list[str]:
    return [text_of(run) for run in document.iter(f"{W}r") if run.find(f"{W}rPr/{W}{mark}") is not None]


def test_a_report_keeps_its_structure() -> None:
    """Headings, quotes with their source, emphasis, code, a table with its alignment."""
    document = part(made(WHOLE))
    found = paragraphs(document)
    assert ("Heading1", "红茶该怎样冲泡") in found
    assert ("Heading3", "细节") in found
    assert ("Quote", "水要烧开，茶叶每人一勺，再加一勺给壶。 [1]") in found
    assert ("Source", "— 茶经 › 冲泡 · 1个来源") in found
    assert ("Code", 'def brew(tea: str) -> None:\n    print(f"泡{tea}")') in found
    assert (marked(document, "b"), marked(document, "i"), marked(document, "strike")) == (
        ["来源", "茶", "温度", "时间"],
        ["三个"],
        ["删去"],
    )
    rows = [[text_of(cell) for cell in row.iter(f"{W}tc")] for row in document.iter(f"{W}tr")]
    assert rows == [["茶", "温度", "时间"], ["红茶", "95 °C", "四分钟"], ["绿茶", "80 °C", "两分钟"]]
    assert [one.get(f"{W}val") for one in document.iter(f"{W}jc")] == ["right", "center"] * 3


def test_lists_are_numbered_as_they_were_written() -> None:
    """Each ordered list from its own start; nested ones a level deeper."""
    archive = made(WHOLE)
    items = [
        (text_of(one), *(int(one.find(f"{W}pPr/{W}numPr/{W}{name}").get(f"{W}val")) for name in ("ilvl", "numId")))
        for one in part(archive).iter(f"{W}p")
        if one.find(f"{W}pPr/{W}numPr") is not None
    ]
    by_text = {text: (level, number) for text, level, number in items}
    assert by_text["烧水"] == by_text["泡茶"] == (0, 3)
    assert by_text["倒入热水"] == (1, 1)
    assert by_text["第七"] == by_text["第八"] == (0, 4)
    starts = {
        one.get(f"{W}numId"): [start.get(f"{W}val") for start in one.iter(f"{W}startOverride")]
        for one in part(archive, "word/numbering.xml").iter(f"{W}num")
    }
    assert starts == {"1": [], "2": [], "3": ["1"], "4": ["7"]}


def test_each_link_within_leads_to_a_place_that_there_is() -> None:
    """Citations to their sources, contents to their headings."""
    document = part(made(WHOLE))
    names = [one.get(f"{W}name") for one in document.iter(f"{W}bookmarkStart")]
    assert len(names) == len(set(names))
    links = [(text_of(one), one.get(f"{W}anchor")) for one in document.iter(f"{W}hyperlink") if one.get(f"{W}anchor")]
    assert {anchor for _, anchor in links} <= set(names)
    assert [link for link in links if link[0].startswith("[")] == [
        ("[1]", "source_1"),
        ("[1]", "source_1"),
        ("[2]", "source_2"),
    ]
    assert ("缺口", "part_5") in links
    source = next(one for one in document.iter(f"{W}p") if text_of(one).startswith("[1]"))
    assert source.find(f"{W}bookmarkStart").get(f"{W}name") == "source_1"
    fields = [one.get(f"{W}fldCharType") for one in document.iter(f"{W}fldChar")]
    assert fields == ["begin", "separate", "end"]


def test_chinese_text_has_a_chinese_font() -> None:
    """In every style, and for the quotation marks that both scripts share."""
    archive = made("# 标题\n\n他说“好”。")
    fonts = part(archive, "word/styles.xml").find(f"{W}docDefaults/{W}rPrDefault/{W}rPr/{W}rFonts")
    assert fonts.get(f"{W}eastAsia") == "Microsoft YaHei"
    assert not [
        name for one in part(archive, "word/styles.xml").iter(f"{W}rFonts") for name in one.attrib if "Theme" in name
    ]
    hints = [run.find(f"{W}rPr/{W}rFonts").get(f"{W}hint") for run in part(archive).iter(f"{W}r")]
    assert hints == ["eastAsia", "eastAsia"]


def test_a_hostile_report_is_only_text() -> None:
    """It names nothing outside but http and https addresses, for links; no field, object or picture of its own."""
    archive = made(HOSTILE, HOSTILE.splitlines()[0])
    assert external(archive) == {
        ("hyperlink", "https://ok.example/?a=1&b=2"),
        ("hyperlink", "https://ok.example/"),
        ("hyperlink", "https://ok.example/%22%3E%3Cscript%3E"),
    }
    document = part(archive)
    used = {etree.QName(one).localname for one in document.iter()}
    assert not used & {"object", "drawing", "pict", "altChunk", "subDoc", "control", "instrText"}
    text = text_of(document)
    assert '<script>document.title="ran"</script>' in text
    assert "</style><script>alert(1)</script>" in text
    assert not re.search("[\u202a-\u202e\u2066-\u2069\x00-\x08]", text)
    links = {one.get(f"{R}id") for one in document.iter(f"{W}hyperlink")} - {None}
    known = {one.get("Id") for one in part(archive, "word/_rels/document.xml.rels")}
    assert links <= known


@pytest.mark.parametrize(
    ("address", "plain"),
    [
        ("https://example.org/a?b=%20#c", True),
        ("http://127.0.0.1:8000/", True),
        ("http://[::1]:80/", True),
        ("http://example.org:/", True),
        ("http://example.org:99999/", False),
        ("http://user:secret@example.org/", False),
        ("http://a..b/", False),
        ("http://[::1/", False),
        ("http:///x", False),
        ("https://例子.测试/", False),
        ("http://a b/", False),
        ('http://a/"', False),
        ("javascript:alert(1)", False),
        ("file:///etc/passwd", False),
        ("mailto:a@b.example", False),
        ("https://example.org/" + "a" * 2000, False),
    ],
)
def test_only_plain_addresses_are_linked(address: str, plain: bool) -> None:
    """Word calls a document damaged for an address that it can't read."""
    assert is_plain(address) is plain


@settings(deadline=None)
@given(st.lists(LINES, max_size=6).map("\n".join))
def test_any_text_makes_a_document_that_can_be_read(markdown: str) -> None:
    """Control characters and odd Markdown too; nothing of what the web page shows is missing."""
    document = part(made(markdown, markdown))
    assert all(one.get(f"{W}anchor") or one.get(f"{R}id") for one in document.iter(f"{W}hyperlink"))
    shown = etree.HTML(f"<body>{fragment(markdown)}</body>")
    wanted = "" if shown is None else "".join(shown.itertext())
    seen = set(text_of(document))
    assert {one for one in wanted if one.isalnum()} <= seen


def test_an_unfinished_report_says_so() -> None:
    assert paragraphs(part(made("# Tea", status="running")))[0] == (
        "Note",
        "This report is unfinished: its task has not ended, and more may be written.",
    )
    assert paragraphs(part(made("# Tea")))[0] == ("Heading1", "Tea")


def test_very_wide_tables_and_deep_lists_stay_within_what_word_takes() -> None:
    """63 columns, nine levels; and nothing is left out."""
    row = "|".join(f"c{n}" for n in range(70))
    deep = "\n".join(f"{'  ' * n}- level {n}" for n in range(12))
    document = part(made(f"|{row}|\n|{'-|' * 70}\n|{row}|\n\n{deep}\n"))
    assert {len(line.findall(f"{W}tc")) for line in document.iter(f"{W}tr")} == {63}
    assert text_of(document).count("c69") == 2
    assert max(int(one.get(f"{W}val")) for one in document.iter(f"{W}ilvl")) <= 8
    assert "level 9" in text_of(document)


def test_a_report_that_is_too_long_is_refused() -> None:
    with pytest.raises(ReportTooLong):
        made("x" * 3_000_001)


@pytest.mark.skipif(shutil.which("pandoc") is None, reason="pandoc is not installed here")
def test_another_program_reads_the_same(tmp_path: Path) -> None:
    (tmp_path / "a.docx").write_bytes(word(WHOLE, "红茶", "zh", note=None, written_at=NOW))
    told = subprocess.run(
        ["pandoc", "-f", "docx", "-t", "commonmark_x", "--wrap=none", tmp_path / "a.docx"],
        capture_output=True,
        check=True,
        text=True,
    )
    assert told.stderr == ""
    for line in (
        "# 红茶该怎样冲泡",
        "> 水要烧开，茶叶每人一勺，再加一勺给壶。",
        "7.  第七",
        "*三个* **来源**，~~删去~~",
    ):
        assert line in told.stdout
    assert "[网页](https://example.org/tea?a=1&b=2)" in told.stdout
    assert r"[\[1\]](#source_1)" in told.stdout
