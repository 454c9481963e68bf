"""Reports as Markdown and HTML: what is shown is the text, and nothing else happens."""

import html as escaping
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.reports.html import fragment, render
from server.reports.markdown import inline, literal
from server.reports.stylesheet import whole_stylesheet

CHARACTERS = st.one_of(
    st.sampled_from("*_`[]()<>!#&\\~|-+.1 =:\"'ab中"),
    st.characters(codec="utf-8", exclude_categories=["C", "Z"]),
)
STATIC = Path(__file__).resolve().parents[2] / "static"
LINES = st.text(CHARACTERS, min_size=1, max_size=40).map(lambda text: " ".join(text.split())).filter(bool)


def shown(markdown: str) -> str:
    """The text that a browser would show."""
    return " ".join(escaping.unescape(re.sub(r"<[^>]*>", "", fragment(markdown))).split())


@given(LINES)
def test_literal_shows_exactly_its_text(text: str) -> None:
    """Alone, and as a quote with its mark."""
    assert shown(literal(text)) == text
    assert shown(f"> {literal(text)} [1]") == f"{text} [1]"


@pytest.mark.parametrize(
    "text", ["Plain prose, with commas.", "snake_case and 2 * 3", "软件包（管理）。", "a [b] c", "e.g. f(x)"]
)
def test_literal_leaves_harmless_text_alone(text: str) -> None:
    """So that a quote can be found in the Markdown as well."""
    assert literal(text) == text


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("Uses `code` and *stress*.", True),
        ("[a link](http://example.org/)", False),
        ("![x](http://example.org/x.png)", False),
        ("<b>html</b>", False),
        ("# heading", False),
    ],
)
def test_inline_markdown_keeps_emphasis_and_code_only(text: str, kept: bool) -> None:
    """Links, images and HTML of a source are shown as text."""
    assert (inline(text) == text) is kept
    if not kept:
        assert shown(inline(text)) == text


@pytest.mark.parametrize(
    "hostile",
    [
        "<script>alert(1)</script>",
        '<img src="https://evil.example/?q=1">',
        "![x](https://evil.example/x.png)",
        "![x](/api/tasks/../../secret)",
        "[x](javascript:alert(1))",
        "[x](data:text/html,x)",
        '<a href="x" onclick="alert(1)">x</a>',
        "<style>*{display:none}</style>",
        "<iframe src=//evil.example></iframe>",
        "[x]: https://evil.example/\n\n![x]",
    ],
)
def test_hostile_markdown_does_nothing(hostile: str) -> None:
    """No tag of its own, no foreign image, no script address."""
    made = fragment(hostile)
    assert not re.search(r"<(?:script|style|iframe)|<[^>]*\son\w+=|<[^>]*(?:javascript|data):|<img[^>]*src", made)


def test_a_tasks_own_images_are_shown_and_links_are_marked() -> None:
    """Nobody is told where a reader came from."""
    assert 'src="/api/tasks/0123/artifacts/a.png"' in fragment("![a](/api/tasks/0123/artifacts/a.png)")
    assert 'rel="noopener noreferrer nofollow"' in fragment("[x](https://example.org/)")


def test_the_page_is_whole_and_has_nothing_inline() -> None:
    """Title escaped, language set, one style sheet by its address."""
    page = render("# 标题\n\n| a | b |\n|---|---|\n| 1 | 2 |", "<b>&", "zh", stylesheet="/s.css")
    assert '<html lang="zh-CN">' in page
    assert "<title>&lt;b&gt;&amp;</title>" in page
    assert '<link rel="stylesheet" href="/s.css">' in page
    assert "<h1>标题</h1>" in page
    assert "<td>1</td>" in page
    assert not re.search(r"<script|<style|\sstyle=", page)


def test_a_page_that_leaves_the_server_carries_its_style() -> None:
    """It names nothing of the server; what looks like the end of the style is none."""
    page = render("text", "t", "en", style="p::after { content: '</style><script>' }")
    assert "/static/" not in page
    assert "<link" not in page
    assert page.count("</style>") == 1
    assert r"content: '<\/style><script>'" in page


def test_a_style_sheet_is_made_whole(tmp_path: Path) -> None:
    """What it imports stands in its place, under the condition that it was imported with."""
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "a.css").write_text("a {}\n")
    (tmp_path / "parts" / "b.css").write_text("b {}\n")
    whole = tmp_path / "whole.css"
    whole.write_text('@import url("parts/a.css");\n@import url("parts/b.css") print;\nc {}\n')
    assert " ".join(whole_stylesheet(whole).split()) == "a {} @media print { b {} } c {}"


def test_the_style_sheet_of_reports_names_no_other_file() -> None:
    """Nothing is left that a saved page could miss."""
    style = whole_stylesheet(STATIC / "report.css")
    assert "@import" not in style
    assert "url(" not in style
    assert ".prose" in style


def test_a_title_of_unreadable_characters_is_none() -> None:
    """Better no word than boxes."""
    assert "<title>Holdfast</title>" in render("text", "\x00\x01", "en")
    assert "<title>a b</title>" in render("text", "a\x07b\x00", "en")


def test_text_that_turns_what_follows_round_does_not() -> None:
    """Neither as it stands nor as an entity, in a title as in the text."""
    made = render("a\u202eb &#8238;c `\u2067d` [e](https://example.org/ '\u202df')\n\n    \u202eg", "h\u202ei", "en")
    assert not set("\u202d\u202e\u2067") & set(made)
    assert "ab c" in made
    assert "<title>hi</title>" in made


def test_what_is_struck_out_is_shown_so() -> None:
    assert fragment("~~gone~~") == "<p><s>gone</s></p>\n"


def test_what_is_nested_deeply_is_shown() -> None:
    """Deeper than the parser goes of itself."""
    assert "at the bottom" in fragment("> " * 40 + "at the bottom")


SOURCES = "\n\n## Sources\n\n- [1] One — <https://example.org/>\n- [2] Two \\[1\\], see [1]\n"


def test_citations_are_links_to_their_sources() -> None:
    """To the item that begins with the same mark; that mark itself is none."""
    made = fragment(f"> quote [1]\n\nAbove: [1], [2].{SOURCES}")
    assert re.findall(r'<a href="#(source-\d)"[^>]*>(\[\d\])</a>', made) == [
        ("source-1", "[1]"),
        ("source-1", "[1]"),
        ("source-2", "[2]"),
        ("source-1", "[1]"),
    ]
    assert '<li id="source-1" tabindex="-1">[1] One' in made
    assert '<li id="source-2" tabindex="-1">[2] Two [1], see <a' in made


@pytest.mark.parametrize(
    "text", ["`[1]`", "[see [1]](https://example.org/)", r"\[1\]", "&#91;1]", "[3]", "[01]", "    [1]", "![[1]](x)"]
)
def test_what_is_no_citation_is_no_link(text: str) -> None:
    """Code, links, what a source wrote itself, numbers that no source has."""
    assert fragment(f"{text}{SOURCES}").count('href="#') == fragment(SOURCES).count('href="#') == 1


def test_a_citation_is_no_link_before_its_source_is_there() -> None:
    """While a report grows, its sources come last."""
    assert "<a" not in fragment("> quote [1]\n\nAbove: [1], [2].")


@given(st.lists(LINES, max_size=3), st.lists(LINES, max_size=3))
def test_links_of_citations_change_no_text(quotes: list[str], titles: list[str]) -> None:
    """A quote stays verbatim, whatever stands in it or in the titles of sources; and nobody's id but ours is there."""
    report = "".join(f"> {literal(quote)} [{n}]\n\n" for n, quote in enumerate(quotes, 1))
    report += "".join(f"- [{n}] {literal(title)}\n" for n, title in enumerate(titles, 1))
    expected = [f"{quote} [{n}]" for n, quote in enumerate(quotes, 1)]
    expected += [f"[{n}] {title}" for n, title in enumerate(titles, 1)]
    assert shown(report) == " ".join(expected)
    assert fragment(report).count('href="#source-') == min(len(quotes), len(titles))
    assert re.findall(r' id="([^"]*)"', fragment(report)) == [f"source-{n}" for n in range(1, len(titles) + 1)]


def test_wide_things_are_scrolled_from_the_keyboard() -> None:
    """Tables, and code whose lines are longer than a phone's; each bears a name of its own."""
    table = fragment("| a `x` | b |\n|---|---|\n| 1 | 2 |")
    assert table.startswith('<div class="scrolls" tabindex="0" role="group" aria-label="a x, b">\n<table>')
    assert table.rstrip().endswith("</table>\n</div>")
    long = "curl -N http://localhost:8000/api/stream"
    assert f'<pre tabindex="0" role="group" aria-label="{long}"><code>' in fragment(f"```sh\n\n{long}\nx\n```")
    assert "<pre><code>x\n</code></pre>" in fragment("```sh\nx\n```")
    assert '<pre tabindex="0"' in fragment("```\n" + "字" * 18 + "\n```")
