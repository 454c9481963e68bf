"""Reports as Markdown and HTML: what is shown is the text, and nothing else happens."""

import html as escaping
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.reports.html import fragment, render
from server.reports.markdown import inline, literal

CHARACTERS = st.one_of(
    st.sampled_from("*_`[]()<>!#&\\~|-+.1 =:\"'ab中"),
    st.characters(codec="utf-8", exclude_categories=["C", "Z"]),
)
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
